package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"devinbox/internal/testing/stage"
)

// HTTP is a proxy in front of an HTTP API. It passes requests and answers on byte for byte, including the Host header.
type HTTP struct {
	proxy
	target string

	connections int
	requests    []Request
	lose        int
	delay       time.Duration
	holding     *holding // of requests or answers
	decide      func(*http.Request, []byte) (int, string, bool)
	deciding    sync.Mutex // one call of decide at a time
}

// Request is a request as it arrived.
type Request struct {
	Method string
	Path   string // before the question mark, still escaped
	Query  string // after it, still escaped
	Body   []byte
}

// NewHTTP starts a proxy in front of the server of targetURL, of which only http://host:port is used. It ends with t.
func NewHTTP(t stage.T, targetURL string) *HTTP {
	t.Helper()
	u, err := url.Parse(targetURL)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		t.Fatalf("wire.NewHTTP: not http://host:port: %q", targetURL)
	}
	h := &HTTP{target: u.Host}
	h.start(t, h.serve)
	return h
}

// URL returns the proxy's http://host:port.
func (h *HTTP) URL() string { return "http://" + h.address }

// Host returns the proxy's host, without the port.
func (h *HTTP) Host() string {
	host, _, _ := net.SplitHostPort(h.address)
	return host
}

// Port returns the proxy's port.
func (h *HTTP) Port() string {
	_, port, _ := net.SplitHostPort(h.address)
	return port
}

// TargetPort returns the port of the server behind the proxy.
func (h *HTTP) TargetPort() string {
	_, port, _ := net.SplitHostPort(h.target)
	return port
}

// Requests returns the requests that arrived since the start or the last Reset, oldest first, whatever their answers.
func (h *HTTP) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

// Connections returns the number of connections opened since the start or the last Reset.
func (h *HTTP) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connections
}

// Reset forgets Requests and Connections. Open connections and faults stay as they are.
func (h *HTTP) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connections, h.requests = 0, nil
}

// Answer gives this answer to every request from now on, instead of the target.
func (h *HTTP) Answer(status int, body string) {
	h.Decide(func(*http.Request, []byte) (int, string, bool) { return status, body, false })
}

// AnswerNext gives this answer to the next n requests, instead of the target. Later ones are forwarded.
func (h *HTTP) AnswerNext(n, status int, body string) {
	h.Decide(func(*http.Request, []byte) (int, string, bool) {
		n--
		return status, body, n < 0
	})
}

// Decide calls f for every request from now on: f has it forwarded, or answers it instead of the target. f runs for one
// request at a time. It replaces an earlier Decide, Answer or AnswerNext; Decide(nil) forwards everything.
func (h *HTTP) Decide(f func(r *http.Request, body []byte) (status int, text string, forward bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.decide = f
}

// LoseAnswer forwards the next n requests, waits for the target's answers, and resets the clients' connections instead
// of passing the answers on: the request was served, and the client cannot know. Requests that the proxy answers itself
// do not count.
func (h *HTTP) LoseAnswer(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lose = n
}

// CloseIdle kills the existing connections without telling the client: its next request on one is reset, unread. That
// is what happens to a connection that died while its client was frozen. A request in flight is still answered. With
// Cut, in contrast, the client knows at once, and dials again.
func (h *HTTP) CloseIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.dead = true
	}
}

// Delay makes every request that arrives from now on wait for d before it is served. Delay(0) ends it.
func (h *HTTP) Delay(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delay = d
}

// HoldRequests has every request that arrives from now on wait until release is called. stalled is closed when the first
// one waits. If its client leaves, or Cut comes, meanwhile, a request never reaches the target.
// It replaces an earlier HoldRequests or HoldAnswers, of which release then only ends what is held already.
func (h *HTTP) HoldRequests() (stalled <-chan struct{}, release func()) { return h.startHolding(false) }

// HoldAnswers is HoldRequests, but has the requests served, and holds back their answers.
func (h *HTTP) HoldAnswers() (stalled <-chan struct{}, release func()) { return h.startHolding(true) }

func (h *HTTP) startHolding(answers bool) (stalled <-chan struct{}, release func()) {
	order := &holding{answers: answers, stalled: make(chan struct{}), released: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = order
	return order.stalled, func() {
		h.mu.Lock()
		if h.holding == order {
			h.holding = nil
		}
		h.mu.Unlock()
		order.end.Do(func() { close(order.released) })
	}
}

// holding holds requests or answers back.
type holding struct {
	answers           bool
	begin, end        sync.Once
	stalled, released chan struct{}
}

// wait holds one back, and tells whether its connection is still there.
func (o *holding) wait(c *conn) bool {
	o.begin.Do(func() { close(o.stalled) })
	select {
	case <-o.released:
	case <-c.closed:
	}
	select {
	case <-c.closed:
		return false
	default:
		return true
	}
}

func (h *HTTP) serve(c *conn) {
	h.mu.Lock()
	h.connections++
	h.mu.Unlock()
	client := newRecorder(c.client)
	for {
		if _, err := client.Peek(1); err != nil {
			return
		}
		h.mu.Lock()
		dead := c.dead
		h.mu.Unlock()
		if dead {
			h.reset(c)
			return
		}
		r, err := http.ReadRequest(client.Reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		sent := client.take()
		path, query, _ := strings.Cut(r.RequestURI, "?")

		h.mu.Lock()
		h.requests = append(h.requests, Request{r.Method, path, query, body})
		delay, hold := h.delay, h.holding
		h.mu.Unlock()
		if delay > 0 {
			select {
			case <-time.After(delay):
			case <-c.closed:
			}
		}
		if !h.wait(c, client.Reader) || hold != nil && !hold.answers && !hold.wait(c) {
			return
		}
		answer, last, err := h.answer(c, r, sent, body)
		if err != nil {
			h.reset(c)
			return
		}
		if hold != nil && hold.answers {
			hold.wait(c)
		}
		if _, err := c.client.Write(answer); err != nil || last {
			return
		}
	}
}

// answer returns the bytes that answer r, and whether they are the last on this connection. An error loses them.
func (h *HTTP) answer(c *conn, r *http.Request, sent, body []byte) (answer []byte, last bool, err error) {
	h.mu.Lock()
	decide := h.decide
	h.mu.Unlock()
	if decide != nil {
		h.deciding.Lock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		status, text, forward := decide(r, body)
		h.deciding.Unlock()
		if !forward {
			var b bytes.Buffer
			err := (&http.Response{
				StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: r, Close: r.Close,
				ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
			}).Write(&b)
			return b.Bytes(), r.Close, err
		}
	}

	h.mu.Lock()
	lost := h.lose > 0
	if lost {
		h.lose--
	}
	h.mu.Unlock()
	conn, err := h.dial(c, "tcp", h.target)
	if err != nil {
		return nil, false, err
	}
	defer conn.Close()
	if _, err := conn.Write(sent); err != nil {
		return nil, false, err
	}
	target := newRecorder(conn)
	response, err := http.ReadResponse(target.Reader, r)
	if err != nil {
		return nil, false, err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return nil, false, err
	}
	if lost {
		return nil, false, fmt.Errorf("the answer of %s is to be lost", r.URL.Path)
	}
	return target.take(), r.Close || response.Close, nil
}

// recorder is a reader that keeps the bytes it has read.
type recorder struct {
	*bufio.Reader
	kept bytes.Buffer
}

func newRecorder(r io.Reader) *recorder {
	rec := &recorder{}
	rec.Reader = bufio.NewReader(io.TeeReader(r, &rec.kept))
	return rec
}

// take returns the bytes that have been read since the last take.
func (r *recorder) take() []byte {
	return bytes.Clone(r.kept.Next(r.kept.Len() - r.Buffered()))
}
