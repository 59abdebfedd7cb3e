// Package outgoing connects to a server that a setting names: Pusher, and by their URLs the receiver of webhooks, an object
// store, and the keys of an identity provider. To a URL nothing crosses a network in the clear: a connection uses TLS or
// stays on this machine.
package outgoing

import (
	"context"
	"crypto/tls"
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
	// dialTimeout also limits dialling that goes on after its request was given up: net/http keeps the connection for the
	// next request.
	dialTimeout = 5 * time.Second
	// idleTimeout is short, because an instance may be frozen in the meantime, and its connections be dead without notice.
	// net/http goes by the wall clock, so it does not use one after a thaw.
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

// NewTransport makes the connections to one server: at most maxConns at a time, of which up to maxIdle are kept for later
// requests; none if maxIdle is negative. They use HTTP/1.1, with which net/http can tell a request that died with an idle
// connection from one that did not.
func NewTransport(maxConns, maxIdle int) *http.Transport {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		Protocols:           new(http.Protocols),
		MaxConnsPerHost:     maxConns,
		MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout:     idleTimeout,
	}
	transport.Protocols.SetHTTP1(true)
	return transport
}

// NewClient makes a client for a server whose URL has the scheme, over a transport of [NewTransport]. It follows no
// redirect: the answer is the redirect itself.
func NewClient(scheme string, maxConns, maxIdle int) *http.Client {
	transport := NewTransport(maxConns, maxIdle)
	if strings.EqualFold(scheme, "http") {
		transport.Proxy = nil
		transport.DialContext = (&net.Dialer{Timeout: dialTimeout, Control: onlyLoopback}).DialContext
	}
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
// "cancelled", "dns", "timeout", "tls", "refused" or "connection".
func Class(err error) string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		network     net.Error
	)
	switch {
	case errors.Is(err, errNotLoopback):
		return "not loopback"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.As(err, &certificate), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "tls"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	default:
		return "connection"
	}
}
