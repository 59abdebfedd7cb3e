// Package outgoing connects to a server that a setting names by its URL: the receiver of webhooks, an object store, the
// keys of an identity provider.
// Nothing crosses a network in the clear: a connection uses TLS or stays on this machine.
package outgoing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// idleTimeout is short, because an instance may be frozen in the meantime and its connections be dead.
	idleTimeout = 15 * time.Second
)

// Fault says, in words that follow a variable's name, that a URL would have its server talked to in the clear over a
// network. It is empty if the scheme is https, or if it is http and the host is this machine.
func Fault(u *url.URL) string {
	if u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname()) {
		return ""
	}
	return "must begin with https://, or lead to this machine: http://localhost, http://127.0.0.1 or http://[::1]"
}

// IsLoopback tells whether a host, as [url.URL.Hostname] gives it, is this machine. It resolves no name: [NewClient] looks
// again when it connects.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || strings.EqualFold(host, "localhost")
}

// NewClient makes a client for servers whose URLs have one scheme. It has at most maxConns connections to each, and keeps
// up to maxIdle of them for later requests; none if maxIdle is negative. It follows no redirect: the answer is the redirect itself. It uses HTTP/1.1, with
// which net/http can tell a request that died with an idle connection from one that did not.
func NewClient(scheme string, maxConns, maxIdle int) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	proxy := http.ProxyFromEnvironment
	if strings.EqualFold(scheme, "http") {
		dialer.Control, proxy = onlyLoopback, nil
	}
	transport := &http.Transport{
		Proxy:               proxy,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: dialTimeout,
		Protocols:           new(http.Protocols),
		MaxConnsPerHost:     maxConns,
		MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout:     idleTimeout,
	}
	transport.Protocols.SetHTTP1(true)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var errNotLoopback = errors.New("not this machine")

// onlyLoopback refuses a connection in the clear to any other machine, whatever a name resolves to.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().IsLoopback() {
		return errNotLoopback
	}
	return nil
}

// Class says in a word or two why a request got no answer, without a name or an address in it, for a log: "not loopback",
// "cancelled", "dns", "timeout", "refused" or "connection".
func Class(err error) string {
	var dns *net.DNSError
	var network net.Error
	switch {
	case errors.Is(err, errNotLoopback):
		return "not loopback"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	default:
		return "connection"
	}
}
