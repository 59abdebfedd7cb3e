package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/dev/vercel"
	"devinbox/internal/testing/logbook"
	"devinbox/internal/testing/pusherjs"
	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/wire"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
)

func TestMain(m *testing.M) { testdb.Main(m, everyDocumentedAnswerWasSeen) }

const (
	jwtSecret  = "a secret of the tests, of thirty-two bytes or more"
	cronSecret = "a secret of the cron"
)

// world is one deployment and all that it depends on, each behind a proxy that counts and fails on demand.
// The functions are those that Vercel runs.
type world struct {
	t        *testing.T
	url      string        // of the functions
	database string        // straight, not through the proxy
	past     *pgxpool.Pool // to the database, past the product; made when it is needed
	postgres *wire.Postgres
	pusher   *pusherserver.Server
	heard    *pusherserver.Recorder // everything that was announced
	toPusher *wire.HTTP
	settings map[string]string
	log      *logbook.Book // what the deployment logs
}

// newWorld makes a deployment. Each of settings is NAME=value of its environment; an empty value takes one away.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	return newWorldOn(t, testdb.New(t), settings...)
}

// newWorldOn is newWorld on a database that the test has made, given by its URL.
func newWorldOn(t *testing.T, database string, settings ...string) *world {
	t.Helper()
	w := &world{t: t, database: database, heard: &pusherserver.Recorder{}, log: &logbook.Book{}}
	w.postgres = wire.NewPostgres(t, testdb.Deployed(t, w.database)) // with no more rights than a deployment needs
	var err error
	w.pusher, err = pusherserver.Start(pusherserver.Options{
		AppID: "1", Key: "test-key", Secret: "test-secret", Recorder: w.heard, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pusher.Close)
	t.Cleanup(func() {
		for _, event := range w.heard.Published() {
			documented(t).CheckEvent(t, event.Name, []byte(event.Data))
		}
	})
	w.toPusher = wire.NewHTTP(t, w.pusher.URL())
	w.settings = map[string]string{
		"DATABASE_URL": w.postgres.URL(), "CHAT_JWT_SECRET": jwtSecret, "CRON_SECRET": cronSecret,
		"PUSHER_APP_ID": "1", "PUSHER_SECRET": "test-secret", "NEXT_PUBLIC_PUSHER_KEY": "test-key", "NEXT_PUBLIC_PUSHER_CLUSTER": "local",
		"PUSHER_HOST": w.toPusher.Host(), "PUSHER_PORT": w.toPusher.Port(), "PUSHER_USE_TLS": "false",
	}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		w.settings[name] = value
	}
	w.url = w.instance()
	return w
}

// instance starts one more instance of the deployment and returns its URL. It serves the functions in this
// process, unless DEVINBOX_TEST_DEPLOYMENT is a command that serves them, as they were built, at $PORT.
func (w *world) instance() string {
	w.t.Helper()
	if command := os.Getenv("DEVINBOX_TEST_DEPLOYMENT"); command != "" {
		return w.run("sh", "-c", "exec "+command)
	}
	return w.here()
}

// here starts one more instance in this process, without the platform that stands before others.
func (w *world) here() string {
	w.t.Helper()
	settings, fault := config.Load(func(name string) string { return w.settings[name] })
	a := app.New(settings, fault, slog.New(slog.NewJSONHandler(w.log, nil)))
	w.t.Cleanup(a.Close)
	server := httptest.NewUnstartedServer(documented(w.t).Handler(w.t, deployment(w.t)))
	server.Config.BaseContext = func(net.Listener) context.Context { return app.NewContext(context.Background(), a) }
	server.Start()
	w.t.Cleanup(server.Close)
	return server.URL
}

// run starts a program that serves the functions at $PORT in the environment of this deployment, waits
// until it does, and returns its URL. The program ends with the test.
func (w *world) run(name string, arguments ...string) string {
	w.t.Helper()
	port := freePort(w.t)
	address := net.JoinHostPort("127.0.0.1", port)
	process := exec.Command(name, arguments...)
	process.Env = append(os.Environ(), "PORT="+port)
	for name, value := range w.settings {
		process.Env = append(process.Env, name+"="+value)
	}
	process.Stdout, process.Stderr = w.log, w.log
	if err := process.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { process.Process.Signal(os.Interrupt); process.Wait() })
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return "http://" + address
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s does not listen: %s", name, w.log)
		}
	}
}

// freePort finds a port below those that the system gives out by itself, so that nobody takes it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// deployment serves the functions at Vercel's paths.
func deployment(t *testing.T) http.Handler {
	t.Helper()
	handler, err := vercel.NewHandler(os.DirFS(root), nil)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// of is the same deployment, called at one of its instances.
func (w *world) of(instance string) *world {
	at := *w
	at.url = instance
	return &at
}

// person is somebody who calls the functions.
type person struct {
	*world
	token   string
	headers []string // NAME: value, of every call
	address net.IP   // of this machine, from which it calls; nil for whichever
}

// with is the same person, whose calls carry further headers.
func (p person) with(headers ...string) person {
	p.headers = slices.Concat(p.headers, headers)
	return p
}

// nobody calls without a credential.
func (w *world) nobody() person { return person{world: w} }

// client is the client of that id.
func (w *world) client(id string) person {
	return person{world: w, token: signed(w.t, chat.Identity{ID: id, Role: chat.Client, Name: "Client " + id})}
}

// developer is the developer of that id.
func (w *world) developer(id string) person {
	return person{world: w, token: signed(w.t, chat.Identity{ID: id, Role: chat.Developer, Name: "Developer " + id})}
}

func signed(t testing.TB, who chat.Identity) string {
	t.Helper()
	verifier, err := identity.New(identity.Options{Secret: []byte(jwtSecret)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := verifier.Mint(who, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// answer is what a function said.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// get calls a function with GET.
func (p person) get(path string) answer {
	p.t.Helper()
	return p.call(http.MethodGet, path, "", "")
}

// post calls a function with POST and a JSON object, given as a format and its values, each made JSON.
func (p person) post(path, format string, values ...any) answer {
	p.t.Helper()
	return p.call(http.MethodPost, path, "application/json", object(p.t, format, values...))
}

// form calls a function with POST and a form.
func (p person) form(path, form string) answer {
	p.t.Helper()
	return p.call(http.MethodPost, path, "application/x-www-form-urlencoded", form)
}

func object(t *testing.T, format string, values ...any) string {
	t.Helper()
	for i, value := range values {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		values[i] = string(encoded)
	}
	return fmt.Sprintf(format, values...)
}

// call calls a function. headers are NAME: value, on top of the credential.
func (p person) call(method, path, contentType, body string, headers ...string) answer {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	for _, header := range slices.Concat(p.headers, headers) {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" { // net/http keeps it apart
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	transport := http.DefaultTransport
	if p.address != nil {
		transport = &http.Transport{DisableKeepAlives: true, DialContext: p.dial}
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{p.t, response.StatusCode, response.Header, text}
}

// dial connects from the person's own address where this machine has it: some have one for themselves only.
func (p person) dial(ctx context.Context, network, address string) (net.Conn, error) {
	own := net.Dialer{LocalAddr: &net.TCPAddr{IP: p.address}}
	if conn, err := own.DialContext(ctx, network, address); err == nil {
		return conn, nil
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// is requires a status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// fails requires an error of a code, and of a field where one is given.
func (a answer) fails(status int, code string, field ...string) answer {
	a.t.Helper()
	a.is(status)
	if got := a.text("code"); got != code || a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("code %q of type %q, want %q: %s", got, a.header.Get("Content-Type"), code, a.body)
	}
	if len(field) > 0 && a.text("errors.0.field") != field[0] {
		a.t.Fatalf("field %q, want %q: %s", a.text("errors.0.field"), field[0], a.body)
	}
	return a
}

// value is what stands at a dotted path of the body, such as messages.0.seq; nil for null and for nothing.
func (a answer) value(path string) any {
	a.t.Helper()
	return lookup(a.t, a.body, path)
}

func lookup(t *testing.T, body []byte, path string) any {
	t.Helper()
	var at any
	if err := json.Unmarshal(body, &at); err != nil {
		t.Fatalf("not JSON: %s", body)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at = in[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(in) {
				return nil
			}
			at = in[i]
		default:
			return nil
		}
	}
	return at
}

// text is a text at a dotted path.
func (a answer) text(path string) string {
	a.t.Helper()
	text, _ := a.value(path).(string)
	return text
}

// number is a number at a dotted path, and -1 where there is none.
func (a answer) number(path string) int {
	a.t.Helper()
	if n, ok := a.value(path).(float64); ok {
		return int(n)
	}
	return -1
}

// has requires what stands at dotted paths: pairs of a path and a value.
func (a answer) has(pairs ...any) answer {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got, want := a.value(pairs[i].(string)), pairs[i+1]
		if n, ok := want.(int); ok {
			want = float64(n)
		}
		if got != want {
			a.t.Errorf("%s is %v, want %v in %s", pairs[i], got, want, a.body)
		}
	}
	return a
}

// listen connects a real pusher-js for this person.
func (p person) listen() *pusherjs.Client {
	p.t.Helper()
	return pusherjs.Connect(p.t, pusherjs.Options{
		Key: "test-key", Host: p.pusher.Host(), Port: p.pusher.Port(),
		AuthEndpoint: p.url + "/api/pusher/auth", Token: p.token,
	})
}

// straight is a way to the database past the product.
func (w *world) straight() *pgxpool.Pool {
	w.t.Helper()
	if w.past == nil || w.past.Config().ConnString() != w.database {
		config, err := pgxpool.ParseConfig(w.database)
		if err != nil {
			w.t.Fatal(err)
		}
		// A test may have ended what a connection was to. By itself a pool asks only where one was idle for a second.
		config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
		if w.past, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(w.past.Close)
	}
	return w.past
}

// sql runs a statement past the product.
func (w *world) sql(statement string, arguments ...any) {
	w.t.Helper()
	if _, err := w.straight().Exec(w.t.Context(), statement, arguments...); err != nil {
		w.t.Fatal(err)
	}
}

// count runs a query for one number past the product.
func (w *world) count(query string, arguments ...any) (n int) {
	w.t.Helper()
	if err := w.straight().QueryRow(w.t.Context(), query, arguments...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}
