package realtime

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"devinbox/pkg/outgoing"
)

const (
	// requestTimeout limits a request whose context has no deadline, or a later one.
	requestTimeout = 5 * time.Second
	// connsMax is how many connections can be open, and how many are kept. A function needs one. A process that
	// serves many requests keeps those that it dialled, and does not dial more and more while Pusher hangs.
	connsMax = 100
	// maxAnswerBytes is how much of an answer is read.
	maxAnswerBytes = 64 << 10
)

// request makes one request, with the client that it passes to send, and returns the outcome.
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

// call is one request through a library without a context. It keeps the outcome itself, since the errors of the
// library, and of net/http, contain the signed URL.
type call struct {
	ctx       context.Context
	transport http.RoundTripper
	status    int          // 0 if no answer came
	err       error        // why
	date      time.Time    // the clock of who answered; zero if it is not told
	answer    bytes.Buffer // as much of its body as was read
}

// RoundTrip makes the request under the call's context.
func (c *call) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(c.ctx)
	// A header without a value is not sent, but allows net/http to retry a POST that died with an idle
	// connection. If Pusher had accepted it after all, it is announced twice, which receivers handle.
	r.Header["X-Idempotency-Key"] = nil
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		c.err = err
		return nil, err
	}
	c.status = response.StatusCode
	c.date, _ = http.ParseTime(response.Header.Get("Date")) // zero if there is none
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(io.LimitReader(response.Body, maxAnswerBytes), &c.answer), response.Body}
	return response, nil
}

// accepted tells whether Pusher took the request and said so in its own words: 2xx with a JSON object. A proxy or
// a sign-in page between us and Pusher answers 2xx as well.
func (c *call) accepted() bool {
	answer := jsontext.Value(c.answer.Bytes())
	return c.status/100 == 2 && answer.Kind() == '{' && answer.IsValid()
}

// httpClient returns a client that sends through the call. It follows no redirect: the signature is for one host.
func (c *call) httpClient() *http.Client {
	return &http.Client{
		Transport:     c,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// class returns one word for what went wrong, which may be logged.
func (c *call) class() string {
	switch {
	case c.status/100 == 2:
		return "foreign" // somebody answers in Pusher's place
	case c.status != 0:
		return strconv.Itoa(c.status/100) + "xx"
	default:
		return outgoing.Class(c.err)
	}
}
