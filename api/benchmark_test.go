package handler_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"devinbox/api/conversations"
	"devinbox/api/messages"
	"devinbox/internal/bench/floor"
	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
)

// Each of these measures a call, from the request to the answer, beside its floor: the same rows stored by one
// statement of the simplest kind, one signed POST, and one delete by key, over raw connections. What a call takes beyond
// its floor is our own: reading and checking the request, what the statement looks up, and the answer.

func BenchmarkSend(b *testing.B) {
	p := newPair(b)
	p.compare("send",
		func(int) { p.send() },
		func(int) error { return p.floor.Send(b.Context(), atFloor, "Hello") })
}

func BenchmarkRead(b *testing.B) {
	p := newPair(b)
	p.before = func() {
		p.send()
		p.must(p.floor.Send(b.Context(), atFloor, "Hello"))
	}
	p.compare("read",
		func(n int) {
			p.call(messages.MarkRead, http.MethodPost, p.ada, http.StatusOK, `{"clientId":"42","upToSeq":%d,"socketId":"1.2"}`, n)
		},
		func(n int) error { return p.floor.Read(b.Context(), atFloor, int64(n)) })
}

func BenchmarkEdit(b *testing.B) {
	p := newPair(b)
	id := p.send()
	p.must(p.floor.Send(b.Context(), atFloor, "Hello"))
	p.compare("edit",
		func(n int) {
			p.call(messages.ChangeMessage, http.MethodPatch, p.grace, http.StatusOK, `{"messageId":"%s","body":"Hello %d"}`, id, n)
		},
		func(n int) error { return p.floor.Edit(b.Context(), atFloor, 1, fmt.Sprintf("Hello %d", n)) })
}

func BenchmarkUpdate(b *testing.B) {
	p := newPair(b)
	p.send()
	status := func(n int) string { return [...]string{"open", "closed"}[n%2] }
	p.compare("update",
		func(n int) {
			p.call(conversations.UpdateConversation, http.MethodPost, p.ada, http.StatusOK, `{"clientId":"42","status":"%s","socketId":"1.2"}`, status(n))
		},
		func(n int) error { return p.floor.Update(b.Context(), atFloor, status(n)) })
}

// atFloor is the client whose conversation the floor changes. The product's is that of client 42.
const atFloor = "floor"

// pair is the functions and their floor, over one database and one Pusher-protocol server.
type pair struct {
	*testing.B
	ctx        context.Context // of a request
	grace, ada string          // tokens
	floor      *floor.Caller
	before     func() // what each call needs, and is not measured
}

func newPair(b *testing.B) *pair {
	b.Helper()
	pusher, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pusher.Close)
	database := testdb.New(b)
	environment := map[string]string{
		"DATABASE_URL": database, "CHAT_JWT_SECRET": jwtSecret, "CHAT_RATE_LIMIT": "0",
		"PUSHER_APP_ID": "1", "PUSHER_SECRET": "test-secret", "NEXT_PUBLIC_PUSHER_KEY": "test-key",
		"PUSHER_HOST": pusher.Host(), "PUSHER_PORT": pusher.Port(), "PUSHER_USE_TLS": "false",
	}
	settings, fault := config.Load(func(name string) string { return environment[name] })
	a := app.New(settings, fault, slog.New(slog.DiscardHandler))
	b.Cleanup(a.Close)

	p := &pair{
		B:      b,
		ctx:    app.NewContext(context.Background(), a),
		grace:  signed(b, chat.Identity{ID: "42", Role: chat.Client, Name: "Grace"}),
		ada:    signed(b, chat.Identity{ID: "ada", Role: chat.Developer, Name: "Ada"}),
		before: func() {},
	}
	p.must(floor.Install(b.Context(), database))
	p.floor, err = floor.Open(b.Context(), database, floor.Pusher{URL: pusher.URL(), AppID: "1", Key: "test-key", Secret: "test-secret"})
	p.must(err)
	b.Cleanup(func() { p.floor.Close() })
	p.must(p.floor.Begin(b.Context(), atFloor))
	return p
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// call makes one request of a function and returns the answer's body.
func (p *pair) call(function http.HandlerFunc, method, token string, status int, body string, values ...any) string {
	p.Helper()
	r := httptest.NewRequestWithContext(p.ctx, method, "/", strings.NewReader(fmt.Sprintf(body, values...)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	function(w, r)
	if w.Code != status {
		p.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// send sends a message in the product's conversation and returns its id.
func (p *pair) send() string {
	p.Helper()
	answer := p.call(messages.SendMessage, http.MethodPost, p.grace, http.StatusCreated, `{"body":"Hello","clientMessageId":"%s","socketId":"1.2"}`, uuid.NewString())
	_, id, _ := strings.Cut(answer, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

// compare measures the calls of ours and of the floor in turns, so that what else the machine does falls on both, and
// reports the time that half of each take at most, and the ratio of the two; also the ratio of the fastest tenths, which a
// machine that is busy with something else disturbs less. Both are given 1, 2, 3 …; the first few are not measured, for
// they find nothing planned, and no connection.
func (p *pair) compare(name string, ours func(n int), floor func(n int) error) {
	p.Helper()
	const first = 50
	var took, tookAtFloor []time.Duration
	n := 0
	both := func() {
		n++
		p.before()
		begun := time.Now()
		ours(n)
		between := time.Now()
		p.must(floor(n))
		if n > first {
			took, tookAtFloor = append(took, between.Sub(begun)), append(tookAtFloor, time.Since(between))
		}
	}
	for n < first {
		both()
	}
	for p.Loop() {
		both()
	}
	slices.Sort(took)
	slices.Sort(tookAtFloor)
	at := func(values []time.Duration, percent int) float64 {
		return float64(values[len(values)*percent/100].Nanoseconds()) / 1000
	}
	p.ReportMetric(0, "ns/op") // of both together, which says nothing
	p.ReportMetric(at(took, 50), "µs/"+name+"-p50")
	p.ReportMetric(at(tookAtFloor, 50), "µs/floor-p50")
	p.ReportMetric(at(took, 50)/at(tookAtFloor, 50), "ratio-p50")
	p.ReportMetric(at(took, 10)/at(tookAtFloor, 10), "ratio-p10")
}
