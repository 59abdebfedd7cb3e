package realtime

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const (
	// requestTimeout bounds a request whose context has no deadline, or a late one.
	requestTimeout = 5 * time.Second
	// dialTimeout bounds what goes on behind a request that was given up: net/http finishes the connection
	// for the next one.
	dialTimeout = 5 * time.Second
	// idleTimeout is how long a connection may lie unused. An instance may have been frozen meanwhile and
	// the connection be gone without a word; net/http looks at the wall clock, so a thawed one is not used.
	idleTimeout = 15 * time.Second
	idleMax     = 8
	// maxAnswerBytes is how much of an answer is read.
	maxAnswerBytes = 64 << 10
)

// newTransport makes the connections of one [Publisher]. They speak HTTP/1.1, where net/http can tell a
// request that died with an idle connection from one that did not.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		Protocols:           &protocols,
		MaxIdleConnsPerHost: idleMax,
		IdleConnTimeout:     idleTimeout,
	}
}

// request makes one request, which send does with the client that it is given, and tells what came of it.
func (p *Publisher) request(ctx context.Context, send func(*http.Client)) *call {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	c := &call{ctx: ctx, transport: p.transport}
	started := time.Now()
	send(c.httpClient())
	if p.observe != nil {
		p.observe(ctx, time.Since(started))
	}
	return c
}

// call is one request through a library that knows no context. It keeps what came of it, since the errors
// of the library, and of net/http, repeat the signed URL.
type call struct {
	ctx       context.Context
	transport http.RoundTripper
	status    int   // 0 where no answer came
	err       error // why
}

// RoundTrip makes the request under the call's context.
func (c *call) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(c.ctx)
	// An entry without a value is not sent, but lets net/http repeat a POST that died with an idle
	// connection. One that Pusher had taken all the same is then announced twice, which receivers bear.
	r.Header["X-Idempotency-Key"] = nil
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		c.err = err
		return nil, err
	}
	c.status = response.StatusCode
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswerBytes), response.Body}
	return response, nil
}

// httpClient sends what it is given through the call. It follows no redirect: the signature is for one host.
func (c *call) httpClient() *http.Client {
	return &http.Client{
		Transport:     c,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// class is the one word for what went wrong that may be logged.
func (c *call) class() string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		network     net.Error
	)
	switch {
	case c.status != 0:
		return strconv.Itoa(c.status/100) + "xx"
	case errors.Is(c.err, context.Canceled):
		return "cancelled"
	case errors.As(c.err, &dns):
		return "dns"
	case errors.As(c.err, &network) && network.Timeout():
		return "timeout"
	case errors.As(c.err, &certificate), errors.As(c.err, &record):
		return "tls"
	case errors.Is(c.err, syscall.ECONNREFUSED):
		return "refused"
	default:
		return "connection"
	}
}
