package realtime

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"devinbox/pkg/chat"
)

// Options are what a [Publisher] is made of. Those of Pusher's own come from its dashboard, "App Keys".
type Options struct {
	AppID   string
	Key     string // public: every browser has it
	Secret  string // whoever has it can announce and listen as anybody
	Cluster string // such as eu; not needed where Host is given

	// A server of one's own that speaks Pusher's protocol.
	Host  string // a name or address; empty for Pusher's
	Port  string // empty for the scheme's
	NoTLS bool   // plain http; a fault where Host is empty

	Channels Channels
	Log      *slog.Logger                         // nil for slog.Default
	Observe  func(context.Context, time.Duration) // told how long each request to Pusher took; may be nil
}

var (
	// A server of one's own may use keys such as app-key; Pusher's are letters and digits.
	credential = regexp.MustCompile(`\A[A-Za-z0-9_-]+\z`)
	cluster    = regexp.MustCompile(`\A[A-Za-z0-9-]+\z`)
	hostName   = regexp.MustCompile(`\A[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\z`)
)

// Faults finds what of Pusher's settings is missing or malformed, each by the name of its field in
// Options and without its value. A [Publisher] made of options with faults is disabled.
func (o Options) Faults() []chat.Field {
	var found []chat.Field
	add := func(name, message string) { found = append(found, chat.Field{Name: name, Message: message}) }
	for _, f := range []struct{ name, value string }{{"AppID", o.AppID}, {"Key", o.Key}, {"Secret", o.Secret}} {
		if f.value == "" {
			add(f.name, "is missing")
		} else if !credential.MatchString(f.value) {
			add(f.name, "must contain only letters, digits, _ and -")
		}
	}
	switch {
	case o.Cluster == "" && o.Host == "":
		add("Cluster", "is missing")
	case o.Cluster != "" && !cluster.MatchString(o.Cluster):
		add("Cluster", "must be a cluster such as eu, with only letters, digits and -")
	}
	if o.Host != "" && !validHost(o.Host) {
		add("Host", "must be a host name or an address, without https://, a port or a path")
	}
	if port, err := strconv.ParseUint(o.Port, 10, 16); o.Port != "" && (err != nil || port == 0) {
		add("Port", "must be a number from 1 to 65535")
	}
	if o.NoTLS && o.Host == "" {
		add("NoTLS", "would send messages to Pusher unencrypted: false is only for a server of your own, which PUSHER_HOST names")
	}
	return found
}

func validHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Zone() == "" || hostName.MatchString(host)
}

// endpoint is the host of the HTTP API, with the port where it is not the scheme's own.
func (o Options) endpoint() string {
	host := o.Host
	if host == "" {
		host = "api-" + o.Cluster + ".pusher.com"
	}
	switch {
	case o.Port != "":
		return net.JoinHostPort(host, o.Port)
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	default:
		return host
	}
}
