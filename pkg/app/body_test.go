package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// given is the body of a request that a test makes.
type given struct {
	Text string `json:"text"`
}

// answering serves a route with a small budget over a real connection. Its answer repeats what it was sent, after
// then, which is given the contexts of the call and of the connection.
func answering(t *testing.T, w *world, budget time.Duration, then func(call, connection context.Context)) net.Conn {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ServeRoutes(rw, r.WithContext(NewContext(r.Context(), w.App)), Routes{"POST": {(*App).known, func(ctx context.Context, _ *App, _ chat.Identity) (web.Answer, error) {
			in, err := web.Decode[given](r)
			if err != nil {
				return web.Answer{}, err
			}
			then(ctx, r.Context())
			return web.JSON(http.StatusOK, in), nil
		}, budget}})
	}))
	t.Cleanup(server.Close)
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(15 * time.Second)); err != nil { // so that what never comes is a failure
		t.Fatal(err)
	}
	return c
}

// ask sends the head of a request and the part of its body that comes, and returns the answer's status and body.
func ask(t *testing.T, c net.Conn, token, body string) (int, string) {
	t.Helper()
	credential := ""
	if token != "" {
		credential = "Authorization: Bearer " + token + "\r\n"
	}
	fmt.Fprintf(c, "POST /api/x HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\n%s", credential, body)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

const whole = "Content-Length: 14\r\n\r\n{\"text\":\"abc\"}"

func TestABodyThatStallsHoldsARequestNoLongerThanItsBudget(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body     string
		stranger bool
		status   int
		says     string
	}{
		"half of it":               {"Content-Length: 14\r\n\r\n{\"text\":", false, 503, `"code":"unavailable"`},
		"none of it":               {"Content-Length: 14\r\n\r\n", false, 503, `"code":"unavailable"`},
		"half of a chunk":          {"Transfer-Encoding: chunked\r\n\r\ne\r\n{\"text\":", false, 503, `"code":"unavailable"`},
		"all but the last chunk":   {"Transfer-Encoding: chunked\r\n\r\ne\r\n{\"text\":\"abc\"}\r\n", false, 503, `"code":"unavailable"`},
		"half of it, and not read": {"Content-Length: 14\r\n\r\n{\"text\":", true, 401, `"code":"unauthorized"`},
		"all of it":                {whole, false, 200, `{"text":"abc"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.token(grace, time.Hour)
			if test.stranger {
				token = ""
			}
			c := answering(t, w, 500*time.Millisecond, func(_, _ context.Context) {})
			if status, text := ask(t, c, token, test.body); status != test.status || !strings.Contains(text, test.says) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
}

// net/http reads on while a request is served, to notice a caller that leaves. A limit that ends then is no such sign.
func TestTheTimeForABodyIsOverWhenItIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(grace, time.Hour)
	c := answering(t, w, 200*time.Millisecond, func(call, connection context.Context) {
		<-call.Done()
		select {
		case <-connection.Done():
			t.Error("the connection is taken for one that ended")
		case <-time.After(100 * time.Millisecond):
		}
	})
	for range 3 { // on one connection
		if status, text := ask(t, c, token, whole); status != http.StatusOK || text != `{"text":"abc"}` {
			t.Errorf("%d %s", status, text)
		}
	}
}
