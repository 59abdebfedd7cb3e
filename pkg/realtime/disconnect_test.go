package realtime_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// terminating stands for the part of Pusher's HTTP API that closes a user's connections.
type terminating struct {
	*httptest.Server
	status int
	body   string

	mu    sync.Mutex
	users []string // as the path names them, with its escapes
}

func newTerminating(t testing.TB, status int, body string) *terminating {
	s := &terminating{status: status, body: body}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, head := strings.CutPrefix(r.URL.EscapedPath(), "/apps/"+appID+"/users/")
		user, tail := strings.CutSuffix(user, "/terminate_connections")
		if err := verify(r, r.URL.Path, body); err != nil || !head || !tail || string(body) != "{}" {
			t.Errorf("a request that Pusher would refuse: %s, %q, %v", r.URL.Path, body, err)
		}
		s.mu.Lock()
		s.users = append(s.users, user)
		s.mu.Unlock()
		w.WriteHeader(s.status)
		io.WriteString(w, s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestDisconnectClosesTheConnectionsOfOneUser(t *testing.T) {
	t.Parallel()
	pusher := newTerminating(t, http.StatusOK, "{}")
	p, log := publisher(t, pusher.URL)
	var want []string
	for _, test := range []struct {
		role     chat.Role
		id, user string
	}{
		{chat.Client, "42", "c:42"},
		{chat.Developer, "42", "d:42"},
		{chat.Developer, "ada@example.com", "d:ada@example.com"},
		{chat.Client, "a b", "c:a%20b"},
		{chat.Client, "a/b", "c:a%2Fb"},
		{chat.Client, "a?b#c&d=e%2F+", "c:a%3Fb%23c&d=e%252F+"},
		{chat.Client, "..", "c:.."},
		{chat.Client, "é😀", "c:%C3%A9%F0%9F%98%80"},
		{chat.Client, strings.Repeat("é", 60), "c:" + strings.Repeat("%C3%A9", 60)},
	} {
		if err := p.Disconnect(t.Context(), test.role, test.id); err != nil {
			t.Errorf("%s %q: %v", test.role, test.id, err)
		}
		want = append(want, test.user)
	}
	if !slices.Equal(pusher.users, want) {
		t.Errorf("%q, want %q", pusher.users, want)
	}
	if log.String() != "" {
		t.Errorf("log: %s", log)
	}
}

func TestNobodyElseIsDisconnected(t *testing.T) {
	t.Parallel()
	pusher := newTerminating(t, http.StatusOK, "{}")
	p, _ := publisher(t, pusher.URL)
	for _, test := range []struct {
		role  chat.Role
		id    string
		field string
	}{
		{chat.Client, "", "id"}, {chat.Client, "a\nb", "id"}, {chat.Client, "a\xff", "id"}, {chat.Client, strings.Repeat("a", 121), "id"},
		{"", "42", "role"}, {"admin", "42", "role"}, {"Client", "42", "role"},
	} {
		err := p.Disconnect(t.Context(), test.role, test.id)
		if e, ok := err.(*chat.Error); !ok || e.Kind != chat.Invalid || e.Fields[0].Name != test.field {
			t.Errorf("%q %q: %v", test.role, test.id, err)
		}
	}
	if len(pusher.users) != 0 {
		t.Errorf("%q", pusher.users)
	}
}

func TestWithoutPusherNobodyIsDisconnected(t *testing.T) {
	t.Parallel()
	p := realtime.New(realtime.Options{})
	p.SetTransport(roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request is made")
		return nil, http.ErrAbortHandler
	}))
	if err := p.Disconnect(t.Context(), chat.Client, "42"); chat.KindOf(err) != chat.Unavailable {
		t.Error(err)
	}
}

func TestAFailedDisconnectTellsNoSecret(t *testing.T) {
	t.Parallel()
	status := func(status int) func(testing.TB) string {
		return func(t testing.TB) string { return newTerminating(t, status, "canary of an answer").URL }
	}
	for name, test := range map[string]struct {
		server func(testing.TB) string
		cause  string
	}{
		"bad signature":   {status(401), "class 4xx, status 401"},
		"over quota":      {status(403), "class 4xx, status 403"},
		"unknown path":    {status(404), "class 4xx, status 404"},
		"failure":         {status(500), "class 5xx, status 500"},
		"moved":           {status(302), "class 3xx, status 302"},
		"a page":          {status(200), "class foreign, status 200"},
		"nothing there":   {unreachable, "class refused, status 0"},
		"does not answer": {func(t testing.TB) string { return "http://" + listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }) }, "class timeout, status 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := publisher(t, test.server(t))
			ctx := t.Context()
			if strings.Contains(test.cause, "timeout") { // the others are answered, however slow this machine is
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				defer cancel()
			}
			err := p.Disconnect(ctx, chat.Client, "42")
			if chat.KindOf(err) != chat.Unavailable || !strings.Contains(fmt.Sprint(err), test.cause) {
				t.Errorf("%v, want %s", err, test.cause)
			}
			for _, word := range []string{secret, key, "auth_", "signature", "md5", "canary", "users", "http"} {
				if text := fmt.Sprint(err) + log.String(); strings.Contains(text, word) {
					t.Errorf("%q is told: %s", word, text)
				}
			}
		})
	}
}

func TestADisconnectIsObservedAndLeavesTheBreakerAlone(t *testing.T) {
	t.Parallel()
	refusing := newTerminating(t, http.StatusForbidden, "")
	o, _ := options(t, refusing.URL)
	observed := 0
	o.Observe = func(context.Context, time.Duration) { observed++ }
	p := realtime.New(o)
	t.Cleanup(p.Transport().CloseIdleConnections)
	for range 2 {
		if err := p.Disconnect(t.Context(), chat.Client, "42"); chat.KindOf(err) != chat.Unavailable {
			t.Error(err)
		}
	}
	if observed != 2 || len(refusing.users) != 2 {
		t.Errorf("%d requests, %d observed, want 2", len(refusing.users), observed)
	}
}
