package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/serve"
	"devinbox/internal/testing/pgbouncer"
	"devinbox/internal/testing/stage"
	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/wire"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
)

const (
	jwtSecret  = "a secret of the faults, of thirty-two bytes or more"
	cronSecret = "a secret of the cron"
)

// world is a deployment of several instances, and all that it depends on, each behind a proxy that fails on demand.
type world struct {
	t         stage.T
	options   Options
	random    *rand.Rand // what the faults are, and in which order
	history   *History
	counts    *counts
	database  string // its URL, past every proxy, as its owner
	past      *pgxpool.Pool
	server    *testdb.OwnServer // nil if the database is on a server that others use, too
	pooler    *pgbouncer.Server // nil if there is none on this machine
	disk      *disk             // of the tables; nil if they are where everything is
	heard     *pusherserver.Recorder
	pusher    *pusherserver.Server
	pusherURL string // stays the same when it is started again

	direct    *wire.Postgres // to Postgres
	pooled    *wire.Postgres // to the pooler, or else to Postgres
	toPusher  *wire.HTTP     // of the instances in this process
	instances []*instance
	processes []*process // that serve everybody
	victim    *process   // that serves one call at a time, at a point of which it dies or freezes; nil for none
	receivers []*receiver
	pages     []*webPage
	conversed []string // the ids of the conversations that the load goes round
	poisoned  map[string]bool
	faultLog  *faultLog
	during    atomic.Pointer[During] // the fault that there is now
	patience  patience
	tokens    sync.Map
}

// patience is how long the end may take.
type patience struct {
	drain  time.Duration // until nothing waits in the queue any more
	settle time.Duration // then, until every receiver shows what the server has
}

// counts are what was done, by a word for it.
type counts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *counts) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[what] += n
}

func (c *counts) get(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[what]
}

// longest keeps how long something took at most, in milliseconds.
func (c *counts) longest(what string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what = "longest " + what + ", ms"
	c.of[what] = max(c.of[what], int(took.Milliseconds()))
}

// instance is one place where the functions are served.
type instance struct {
	name string
	url  string
}

// newWorld brings up everything but the whole processes. database is its URL, as its owner.
func newWorld(t stage.T, o Options, database string, server *testdb.OwnServer, pooler *pgbouncer.Server) *world {
	w := &world{
		t: t, options: o, random: rand.New(rand.NewPCG(o.Seed, 0)), history: &History{}, counts: &counts{of: map[string]int{}},
		database: database, server: server, pooler: pooler, heard: &pusherserver.Recorder{}, poisoned: map[string]bool{}, faultLog: &faultLog{},
		patience: patience{5 * time.Minute, 2 * time.Minute},
	}
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		t.Fatal("the database's URL cannot be read")
	}
	config.MaxConns = 2
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true } // faults end connections
	if w.past, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.past.Close)
	w.during.Store(&During{})
	w.startPusher("")
	w.pusherURL = w.pusher.URL()
	t.Cleanup(func() { w.pusher.Close() })
	w.toPusher = wire.NewHTTP(t, w.pusherURL)
	w.direct = wire.NewPostgres(t, testdb.Deployed(t, database))
	w.pooled = w.direct
	if pooler != nil {
		w.pooled = wire.NewPostgres(t, pooler.URL())
	}
	for i := range o.conversations() {
		w.conversed = append(w.conversed, fmt.Sprintf("client-%d", i))
	}
	return w
}

// startPusher starts the Pusher-protocol server, at an address that it had before, or any.
func (w *world) startPusher(address string) {
	server, err := pusherserver.Start(pusherserver.Options{
		AppID: "1", Key: "soak-key", Secret: "soak-secret", Recorder: w.heard, Address: address,
	})
	if err != nil {
		w.t.Fatalf("the Pusher-protocol server: %v", err)
	}
	w.pusher = server
}

// settings are the environment of an instance.
func (w *world) settings(database string, toPusher *wire.HTTP) map[string]string {
	return map[string]string{
		"DATABASE_URL": database, "CHAT_JWT_SECRET": jwtSecret, "CRON_SECRET": cronSecret, "CHAT_RATE_LIMIT": "0",
		"PUSHER_APP_ID": "1", "PUSHER_SECRET": "soak-secret", "NEXT_PUBLIC_PUSHER_KEY": "soak-key", "NEXT_PUBLIC_PUSHER_CLUSTER": "local",
		"PUSHER_HOST": toPusher.Host(), "PUSHER_PORT": toPusher.Port(), "PUSHER_USE_TLS": "false",
		"DATABASE_POOL_MAX": "2",
	}
}

// newApp is an instance in this process that nobody can call yet.
func (w *world) newApp(database string) *app.App {
	settings := w.settings(database, w.toPusher)
	c, fault := config.Load(func(name string) string { return settings[name] })
	return app.New(c, fault, slog.New(slog.NewJSONHandler(w.faultLog, nil)))
}

// serve starts an instance in this process. It ends with the world.
func (w *world) serve(name, database string) *instance {
	a := w.newApp(database)
	w.t.Cleanup(a.Close)
	server := httptest.NewUnstartedServer(serve.Handler())
	server.Config.BaseContext = func(net.Listener) context.Context { return app.NewContext(context.Background(), a) }
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	w.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &instance{name: name, url: server.URL}
}

// serveHere starts n instances, half of them at the pooler.
func (w *world) serveHere(n int) {
	for i := range n {
		if i%2 == 0 {
			w.instances = append(w.instances, w.serve(fmt.Sprint("direct-", i), w.direct.URL()))
		} else {
			w.instances = append(w.instances, w.serve(fmt.Sprint("pooled-", i), w.pooled.URL()))
		}
	}
}

// faultLog keeps the records of answers of 500, which no fault excuses.
type faultLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *faultLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"level":"ERROR"`)) && bytes.Contains(line, []byte(`"status":500`)) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.lines) < 20 {
			l.lines = append(l.lines, string(line))
		}
	}
	return len(line), nil
}

func (l *faultLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}

// person is somebody who calls the functions.
type person struct {
	role, id string
}

// author is this person, in a conversation.
func (p person) author(clientID string) Author { return Author{clientID, p.role, p.id} }

func (w *world) token(p person) string {
	if known, ok := w.tokens.Load(p); ok {
		return known.(string)
	}
	verifier, err := identity.New(identity.Options{Secret: []byte(jwtSecret)})
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := verifier.Mint(chat.Identity{ID: p.id, Role: chat.Role(p.role), Name: "Name of " + p.id}, 24*time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tokens.Store(p, token)
	return token
}

// During is what was answered while there was a fault of one kind, or none.
type During struct {
	Times    int
	Answered int
	Refused  int // with 503
	Queued   int // sends that were stored, and not announced at once
	Slowest  time.Duration
}

// answer is what a function said. Its status is 0 if nothing came.
type answer struct {
	Span
	status int
	header http.Header
	body   []byte
}

func (a answer) ok() bool { return a.status/100 == 2 }

// callTimeout is how long a caller waits. It is longer than any call may take.
const callTimeout = 20 * time.Second

var callers = &http.Client{
	Timeout:   callTimeout,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second},
}

// call calls a function, and keeps what every answer must keep to: no defect, and no refusal of what is right.
func (w *world) call(at string, p person, method, path string, body any) answer {
	var in io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case form:
		in, contentType = strings.NewReader(string(b)), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, at+path, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if in != nil {
		r.Header.Set("Content-Type", contentType)
	}
	if p.role == "" {
		r.Header.Set("Authorization", "Bearer "+cronSecret)
	} else {
		r.Header.Set("Authorization", "Bearer "+w.token(p))
	}
	during := w.during.Load()
	if w.victim != nil && at == w.victim.url() {
		during = nil // it is dead or frozen, and so is the call
	}
	a := answer{Span: Span{Begun: time.Now()}}
	response, err := callers.Do(r)
	if err == nil {
		a.status, a.header = response.StatusCode, response.Header
		a.body, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	if err != nil {
		a.status = 0
	}
	a.Ended = time.Now()
	path, _, _ = strings.Cut(path, "?")
	w.judge(method+" "+path, a, during)
	return a
}

// form is a body that is a form.
type form string

// judge keeps what every answer must keep to.
func (w *world) judge(what string, a answer, during *During) {
	h := w.history
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case a.status == 0:
		h.Lost++
		return
	case a.status == http.StatusServiceUnavailable:
		h.Refused++
		if during != nil {
			during.Refused++
		}
	case a.ok(), a.status == http.StatusConflict, a.status == http.StatusNotFound:
	default:
		if len(h.Broken) < 50 {
			h.Broken = append(h.Broken, fmt.Sprintf("%s is answered %d: %s", what, a.status, a.body))
		}
	}
	h.Answered++
	if during == nil {
		return
	}
	h.Slowest = max(h.Slowest, a.Ended.Sub(a.Begun))
	if path := strings.Fields(what)[1]; path != "/api/cron/deliver" { // which may take long
		during.Answered++
		during.Slowest = max(during.Slowest, a.Ended.Sub(a.Begun))
	}
	if bytes.Contains(a.body, []byte(`"realtime":"queued"`)) {
		during.Queued++
	}
}

// sql runs a statement past the product.
func (w *world) sql(statement string, arguments ...any) {
	if _, err := w.past.Exec(w.t.Context(), statement, arguments...); err != nil && w.t.Context().Err() == nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// count runs a query for one number past the product.
func (w *world) count(query string, arguments ...any) (n int) {
	if err := w.past.QueryRow(w.t.Context(), query, arguments...).Scan(&n); err != nil && w.t.Context().Err() == nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}
