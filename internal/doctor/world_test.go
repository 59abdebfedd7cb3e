package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/serve"
	"devinbox/internal/testing/logbook"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/app"
	"devinbox/pkg/config"
	"devinbox/pkg/realtime"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// What Pusher gives an app has these forms.
const (
	appID  = "1234567"
	key    = "278d425bdf160c739803"
	secret = "7ad3773142a6692b25b8"
)

// world is a set-up, with servers of its own.
type world struct {
	t         *testing.T
	variables map[string]string
	files     map[string]string // which file a variable is in
	examples  map[string]bool   // variables that are still as in .env.example
	pusher    *pusherserver.Server
	database  string
	options   Options
}

// healthy is a set-up with nothing wrong, and with a database that others look at too: see [world.own].
func healthy(t *testing.T, database string, set ...func(*pusherserver.Options)) *world {
	t.Helper()
	o := pusherserver.Options{AppID: appID, Key: key, Secret: secret, WebhookHoldBack: time.Millisecond}
	for _, f := range set {
		f(&o)
	}
	pusher, err := pusherserver.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pusher.Close)
	w := &world{t: t, pusher: pusher, database: database, files: map[string]string{}, examples: map[string]bool{}}
	w.variables = map[string]string{
		"DATABASE_URL":  w.database,
		"PUSHER_APP_ID": appID, "NEXT_PUBLIC_PUSHER_KEY": key, "PUSHER_SECRET": secret, "NEXT_PUBLIC_PUSHER_CLUSTER": "eu",
		"PUSHER_HOST": pusher.Host(), "PUSHER_PORT": pusher.Port(), "PUSHER_USE_TLS": "false",
		"CHAT_JWT_SECRET": rand.Text() + rand.Text(), "CRON_SECRET": rand.Text(),
	}
	return w
}

// own gives the set-up a database of its own, which a test may change.
func (w *world) own() {
	w.t.Helper()
	w.database = testdb.New(w.t)
	w.variables["DATABASE_URL"] = w.database
}

// store gives the set-up an object store.
func (w *world) store() *objectstore.Server {
	w.t.Helper()
	server, err := objectstore.Start(objectstore.Options{Dir: filepath.Join(w.t.TempDir(), "files"), Bucket: "bucket-of-the-doctor"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(server.Close)
	maps.Copy(w.variables, server.Environment())
	return server
}

// front is the address of a proxy in front of the object store, which leaves to answers what they say that they have
// answered.
func (w *world) front(answers func(http.ResponseWriter, *http.Request) bool) string {
	w.t.Helper()
	target, err := url.Parse(w.variables["S3_ENDPOINT"])
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !answers(rw, r) {
			proxy.ServeHTTP(rw, r)
		}
	}))
	w.t.Cleanup(server.Close)
	return server.URL
}

// atPusher has the app at Pusher itself, in the cluster eu, which this machine plays. Each other cluster is one that does
// not know the app, or does not exist.
func (w *world) atPusher() {
	w.t.Helper()
	for _, name := range []string{"PUSHER_HOST", "PUSHER_PORT", "PUSHER_USE_TLS"} {
		delete(w.variables, name)
	}
	other, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "another", Secret: "another"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(other.Close)
	w.options.reach = func(o realtime.Options) realtime.Options {
		server := other
		if o.Cluster == "eu" {
			server = w.pusher
		}
		o.Host, o.Port, o.NoTLS = server.Host(), server.Port(), true
		if o.Cluster == "nowhere" {
			o.Host = "nowhere.invalid"
		}
		return o
	}
}

func (w *world) lookup(name string) string {
	if w.examples[name] {
		return ""
	}
	return w.variables[name]
}

// run is what the doctor finds.
func (w *world) run() []Finding {
	w.t.Helper()
	w.options.Lookup = w.lookup
	w.options.Origin = func(name string) string { return w.files[name] }
	w.options.Placeholder = func(name string) bool { return w.examples[name] }
	w.options.Set = slices.Sorted(maps.Keys(w.variables))
	return Run(w.t.Context(), w.options)
}

// deploy serves the functions as a deployment with these variables does, and returns its address.
func (w *world) deploy(variables map[string]string) string {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	serveAt(w.t, listener, variables)
	return "http://" + listener.Addr().String()
}

func serveAt(t *testing.T, listener net.Listener, variables map[string]string) {
	t.Helper()
	settings, fault := config.Load(func(name string) string { return variables[name] })
	log := (&logbook.Book{}).Logger()
	a := app.New(settings, fault, log)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	t.Cleanup(func() {
		stop()
		<-ended
		a.Close()
	})
	go func() { ended <- serve.Run(ctx, listener, serve.Options{Handler: serve.Handler(), App: a, Log: log}) }()
}

// answering is the address of a server that answers everything alike, as something else than devinbox does.
func answering(t *testing.T, status int, body string, headers ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String()
}

// before is the address of a proxy in front of a deployment that answers one path itself.
func before(t *testing.T, deployment, path string, status int) string {
	t.Helper()
	target, err := url.Parse(deployment)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(target))
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/sign-in")
		w.WriteHeader(status)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func exec(t *testing.T, database string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// changed is a database's URL with something else in it.
func changed(t *testing.T, address string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

func nameOf(t *testing.T, address string) (name string) {
	changed(t, address, func(u *url.URL) { name = strings.TrimPrefix(u.Path, "/") })
	return name
}

// older is a proxy in front of a database that says of itself that it is Postgres 13.
func older(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	target := u.Host
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				defer server.Close()
				io.Copy(server, client)
			}()
			go func() {
				defer client.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := server.Read(buffer)
					text := buffer[:n]
					if i := bytes.Index(text, []byte("server_version\x00")); i >= 0 {
						copy(text[i+len("server_version\x00"):], "13")
					}
					client.Write(text)
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	u.Host = listener.Addr().String()
	return u.String()
}

// verdicts are the findings that are not ok, as check/status/variable.
func verdicts(findings []Finding) (list []string) {
	for _, f := range findings {
		if f.Status != OK {
			list = append(list, strings.TrimSuffix(fmt.Sprintf("%s/%s/%s", f.Check, f.Status, f.Variable), "/"))
		}
	}
	slices.Sort(list)
	return list
}
