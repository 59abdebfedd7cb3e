package realtime_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

func TestARequestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no answer":      "",
		"half an answer": "HTTP/1.1 500 No\r\nContent-",
		"half a body":    "HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc",
	} {
		for _, scheme := range []string{"http://", "https://"} {
			p, log := publisher(t, scheme+listen(t, func(c net.Conn) {
				c.Read(make([]byte, 1))
				io.WriteString(c, answer)
				io.Copy(io.Discard, c)
			}))
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			started := time.Now()
			mustBe(t, p.Publish(ctx, []chat.Event{message(1, "Hello")}), nil, nil)
			if took := time.Since(started); took > 4*time.Second { // a request without a deadline has 5 s
				t.Errorf("%s over %s took %v", name, scheme, took)
			}
			if lines := log.Lines(slog.LevelWarn); len(lines) != 1 {
				t.Errorf("%s over %s: log: %s", name, scheme, log)
			}
		}
	}
}

func TestARequestWithoutADeadlineEndsAfterFiveSeconds(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(context.Context, *realtime.Publisher){
		"publish":    func(ctx context.Context, p *realtime.Publisher) { p.Publish(ctx, []chat.Event{message(1, "Hello")}) },
		"disconnect": func(ctx context.Context, p *realtime.Publisher) { p.Disconnect(ctx, chat.Client, "42") },
	} {
		synctest.Test(t, func(t *testing.T) {
			p, _ := scriptedPublisher(nil)
			p.SetTransport(roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}))
			started := time.Now()
			ask(t.Context(), p)
			if took := time.Since(started); took != 5*time.Second {
				t.Errorf("%s took %v", name, took)
			}
		})
	}
}

func TestACancelledContextEndsARequestAtOnce(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	p, log := publisher(t, "http://"+listen(t, func(c net.Conn) {
		close(arrived)
		io.Copy(io.Discard, c)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	mustBe(t, p.Publish(ctx, []chat.Event{message(1, "Hello"), changed(1)}), nil, nil)
	if !strings.Contains(log.String(), "class=cancelled") {
		t.Errorf("log: %s", log)
	}
}

// listen serves raw connections and returns the address.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			open.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		open.Wait()
	})
	return l.Addr().String()
}

// This is how a connection dies while an instance is frozen: it looks open, accepts the request, and ends.
func TestARequestThatDiesWithAnIdleConnectionIsRepeated(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var bodies []string
	var marked bool
	p, log := publisher(t, "http://"+listen(t, func(c net.Conn) {
		from := bufio.NewReader(c)
		for answered := false; ; answered = true {
			r, err := http.ReadRequest(from)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			bodies = append(bodies, string(body))
			_, sent := r.Header["X-Idempotency-Key"]
			marked = marked || sent
			mu.Unlock()
			if answered {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	}))
	for i := range 5 {
		e := message(int64(i+1), "Hello")
		mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(bodies) != 9 || marked {
		t.Errorf("%d requests, want 5 and 4 that died; a mark is sent: %v", len(bodies), marked)
	}
	for i := 1; i < len(bodies); i += 2 {
		if bodies[i] != bodies[min(i+1, len(bodies)-1)] || bodies[i] == "" {
			t.Errorf("request %d is repeated with another body", i)
		}
	}
	if log.String() != "" {
		t.Errorf("log: %s", log)
	}
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	pusher := &api{t: t}
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(pusher)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	p, _ := publisher(t, server.URL)
	for i := range 20 {
		if i == 10 {
			pusher.Always(http.StatusInternalServerError, "a failure")
		}
		p.Publish(t.Context(), []chat.Event{message(int64(i+1), "Hello")})
	}
	if opened.Load() != 1 || len(pusher.Requests()) != 20 {
		t.Errorf("%d connections for %d requests", opened.Load(), len(pusher.Requests()))
	}
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"200 OK", "500 No"} {
		p, _ := publisher(t, "http://"+listen(t, func(c net.Conn) {
			c.Read(make([]byte, 1))
			io.WriteString(c, "HTTP/1.1 "+status+"\r\nConnection: close\r\n\r\n")
			for err := error(nil); err == nil; {
				_, err = c.Write(make([]byte, 1024))
			}
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		mustBe(t, p.Publish(ctx, []chat.Event{message(1, "Hello")}), nil, nil)
		if ctx.Err() != nil {
			t.Errorf("%s: read until the deadline", status)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the signature is carried elsewhere") }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 307, 308} {
		here := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		t.Cleanup(here.Close)
		p, log := publisher(t, here.URL)
		mustBe(t, p.Publish(t.Context(), []chat.Event{message(1, "Hello")}), nil, nil)
		if !strings.Contains(log.String(), "class=3xx") {
			t.Errorf("%d: %s", status, log)
		}
	}
}

func TestAnUntrustedCertificateIsRefused(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	secure := httptest.NewUnstartedServer(pusher)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)

	p, log := publisher(t, secure.URL)
	mustBe(t, p.Publish(t.Context(), []chat.Event{message(1, "Hello")}), nil, nil)
	if len(pusher.Requests()) != 0 || !strings.Contains(log.String(), "class=tls") {
		t.Errorf("%d requests; log: %s", len(pusher.Requests()), log)
	}

	p, _ = publisher(t, secure.URL)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	p.Transport().TLSClientConfig = &tls.Config{RootCAs: roots}
	e := message(1, "Hello")
	mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
}

// The library's errors contain the signed URL, which is valid for ten minutes, and the answer.
func TestNoFailureTellsASecret(t *testing.T) {
	t.Parallel()
	const body = "canary of a body"
	answers := func(status int) func(testing.TB) string {
		return func(t testing.TB) string {
			pusher := newAPI(t)
			pusher.Answer(func(events []sent) (int, string) { return status, "canary of an answer: " + events[0].Data })
			return pusher.URL
		}
	}
	for name, test := range map[string]struct {
		server func(testing.TB) string
		class  string
	}{
		"bad request":   {answers(400), "4xx"},
		"bad signature": {answers(401), "4xx"},
		"over quota":    {answers(403), "4xx"},
		"too large":     {answers(413), "4xx"},
		"failure":       {answers(500), "5xx"},
		"a page":        {answers(200), "foreign"},
		"nothing there": {unreachable, "refused"},
		"hangs up":      {func(t testing.TB) string { return "http://" + listen(t, func(net.Conn) {}) }, "connection"},
		"not HTTP": {func(t testing.TB) string {
			return "http://" + listen(t, func(c net.Conn) { io.WriteString(c, "220 hello\r\n") })
		}, "connection"},
		"not TLS": {func(t testing.TB) string {
			return "https://" + listen(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 \r\n\r\n") })
		}, "tls"},
		"no such host":    {func(testing.TB) string { return "http://nowhere.invalid:80" }, "dns"},
		"does not answer": {func(t testing.TB) string { return "http://" + listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }) }, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := publisher(t, test.server(t))
			ctx := t.Context()
			if test.class == "timeout" { // the others are answered, however slow this machine is
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				defer cancel()
			}
			p.Publish(ctx, []chat.Event{message(1, body)})
			for _, word := range []string{secret, key, "auth_", "signature", "md5", "canary", "batch_events", "http:", "https:"} {
				if strings.Contains(log.String(), word) {
					t.Errorf("the log tells %q: %s", word, log)
				}
			}
			lines := slices.DeleteFunc(log.Lines(slog.LevelWarn), func(line string) bool { return !strings.Contains(line, "class=") })
			if len(lines) != 1 || !strings.Contains(lines[0], "class="+test.class+" ") || !strings.Contains(lines[0], "events=1") {
				t.Errorf("want one warning of class %s: %s", test.class, log)
			}
		})
	}
}

// Many requests at once, as a process that serves them has: a connection for each would be dialled anew for each.
func TestConnectionsAreKeptAndThereIsALimitToThem(t *testing.T) {
	t.Parallel()
	const limit = 100
	var dialled, waiting atomic.Int32
	full := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if waiting.Add(1) == limit {
			close(full)
		}
		<-full // so many are under way at once
		io.WriteString(w, "{}")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	p, _ := publisher(t, server.URL)
	for range 3 {
		var calls sync.WaitGroup
		for range 3 * limit / 2 {
			calls.Go(func() {
				event := message(1, "Hello")
				mustBe(t, p.Publish(t.Context(), []chat.Event{event}), keys(event), nil)
			})
		}
		calls.Wait()
	}
	if n := dialled.Load(); n != limit {
		t.Errorf("%d connections were dialled for %d requests, want %d", n, waiting.Load(), limit)
	}
}
