package browser_test

import (
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/dev/vercel"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/app"
	"devinbox/pkg/config"
)

const (
	loopback   = "127.0.0.1"
	jwtSecret  = "a secret of the tests, of thirty-two bytes or more"
	authSecret = "another secret of the tests, of thirty-two bytes or more"

	// What an example's DEMO can be: whether it signs everybody in as whom they like.
	demoOn, demoOff = "true", "false"
)

// stage serves the scenarios of the browser: each asks for a deployment of its own, and has parts of it fail.
//
//	POST   /deployments                   {"NAME":"value"} of its environment; DEMO, of the example's -> {"id","url"};
//	                                      with README, same-origin or cross-origin, the url of the README's fresh app
//	POST   /deployments/{id}/{part}/off   part: functions or pusher
//	POST   /deployments/{id}/{part}/on
//	POST   /deployments/{id}/sql          a statement, past the functions
//	DELETE /deployments/{id}
type stage struct {
	http.Handler
	t        *testing.T
	examples map[string]http.Handler // by the DEMO of their environment
	reader   func() *reader          // waits for it; nil if there is none, or it could not be made
	over     chan struct{}           // closed when the scenarios have run

	mu          sync.Mutex
	deployments map[string]*deployment
	running     sync.WaitGroup
}

func newStage(t *testing.T, examples map[string]http.Handler) *stage {
	s := &stage{
		t: t, examples: examples, reader: func() *reader { return nil },
		over: make(chan struct{}), deployments: map[string]*deployment{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /deployments", s.create)
	mux.HandleFunc("DELETE /deployments/{id}", s.with((*deployment).end))
	mux.HandleFunc("POST /deployments/{id}/functions/off", s.with((*deployment).functionsOff))
	mux.HandleFunc("POST /deployments/{id}/functions/on", s.with((*deployment).functionsOn))
	mux.HandleFunc("POST /deployments/{id}/pusher/off", s.with((*deployment).pusherOff))
	mux.HandleFunc("POST /deployments/{id}/pusher/on", s.with((*deployment).pusherOn))
	mux.HandleFunc("POST /deployments/{id}/sql", func(w http.ResponseWriter, r *http.Request) {
		s.with(func(d *deployment) { d.sql(r) })(w, r)
	})
	s.Handler = mux
	return s
}

// prepareReader makes the reader beside the scenarios that need none, because that can take a minute. It is a test within
// the stage's: the reader's folders go with it.
func (s *stage) prepareReader() {
	ready := make(chan struct{})
	var made *reader
	s.reader = func() *reader {
		<-ready
		return made
	}
	s.running.Go(func() {
		s.t.Run("reader", func(t *testing.T) {
			func() {
				defer close(ready) // also if it could not be made
				made = newReader(t)
			}()
			<-s.over
		})
	})
}

// create starts a deployment, as a test within the stage's: its database goes with it.
func (s *stage) create(w http.ResponseWriter, r *http.Request) {
	var settings map[string]string
	if err := json.NewDecoder(r.Body).Decode(&settings); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	example := s.examples[cmp.Or(settings["DEMO"], demoOn)]
	if example == nil {
		http.Error(w, "there is no such example", http.StatusBadRequest)
		return
	}
	type address struct {
		*deployment
		url string
	}
	ready := make(chan address)
	s.running.Go(func() {
		s.t.Run("deployment", func(t *testing.T) {
			defer close(ready) // also where it could not be started
			var d *deployment
			var url string
			if origin := settings["README"]; origin != "" {
				reader := s.reader()
				if reader == nil {
					t.Fatal("there is no app of the README's")
				}
				d, url = reader.serve(t, origin == "cross-origin", example, settings)
			} else {
				d = newDeployment(t, example, settings)
				url = d.server.URL
			}
			ready <- address{d, url}
			<-d.ended
		})
	})
	d := <-ready
	if d.deployment == nil {
		http.Error(w, "the deployment cannot be started", http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	id := strconv.Itoa(len(s.deployments))
	s.deployments[id] = d.deployment
	s.mu.Unlock()
	json.NewEncoder(w).Encode(map[string]string{"id": id, "url": d.url})
}

// with does something to a deployment.
func (s *stage) with(do func(*deployment)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		d := s.deployments[r.PathValue("id")]
		s.mu.Unlock()
		if d == nil {
			http.NotFound(w, r)
			return
		}
		do(d)
		w.WriteHeader(http.StatusNoContent)
	}
}

// clear ends what the scenarios have left.
func (s *stage) clear() {
	close(s.over)
	s.mu.Lock()
	for _, d := range s.deployments {
		d.end()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// deployment is the functions, a database, a Pusher-protocol server and an object store, and at the functions' origin the example.
type deployment struct {
	t        *testing.T
	settings map[string]string
	server   *httptest.Server
	handler  http.Handler
	app      atomic.Pointer[app.App] // nil while the functions are off

	pusherOptions pusherserver.Options
	pusher        *pusherserver.Server // nil while it is off

	mu    sync.Mutex // one thing is done to it at a time
	once  sync.Once
	ended chan struct{}
}

func newDeployment(t *testing.T, example http.Handler, settings map[string]string) *deployment {
	t.Helper()
	d := &deployment{t: t, ended: make(chan struct{})}
	d.pusherOptions = pusherserver.Options{
		AppID: "1", Key: "test-key", Secret: "test-secret", Address: net.JoinHostPort(loopback, freePort(t)),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if d.pusherOn(); d.pusher == nil {
		t.FailNow()
	}
	t.Cleanup(d.pusherOff)
	d.settings = map[string]string{
		"DATABASE_URL": testdb.New(t), "CHAT_JWT_SECRET": jwtSecret, "CHAT_AUTHJS": "true", "AUTH_SECRET": authSecret,
		"PUSHER_APP_ID": "1", "PUSHER_SECRET": "test-secret", "NEXT_PUBLIC_PUSHER_KEY": "test-key", "NEXT_PUBLIC_PUSHER_CLUSTER": "local",
		"PUSHER_HOST": d.pusher.Host(), "PUSHER_PORT": d.pusher.Port(), "PUSHER_USE_TLS": "false",
	}
	files, err := objectstore.Start(objectstore.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(files.Close)
	maps.Copy(d.settings, files.Environment())
	maps.Copy(d.settings, settings)
	if d.handler, err = vercel.NewHandler(os.DirFS("../.."), example); err != nil {
		t.Fatal(err)
	}
	d.functionsOn()
	t.Cleanup(d.functionsOff)
	d.server = httptest.NewServer(d)
	t.Cleanup(d.server.Close)
	return d
}

// ServeHTTP serves a request, or cuts its connection where nobody is there to serve it.
func (d *deployment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := d.app.Load()
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	d.handler.ServeHTTP(w, r.WithContext(app.NewContext(r.Context(), a)))
}

// functionsOn has a new instance serve.
func (d *deployment) functionsOn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.app.Load() == nil {
		settings, fault := config.Load(func(name string) string { return d.settings[name] })
		d.app.Store(app.New(settings, fault, slog.New(slog.NewJSONHandler(d.t.Output(), nil))))
	}
}

// functionsOff ends the instance in the middle of what it does.
func (d *deployment) functionsOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.app.Swap(nil); a != nil {
		d.server.CloseClientConnections()
		a.Close()
	}
}

func (d *deployment) pusherOn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pusher != nil {
		return
	}
	server, err := pusherserver.Start(d.pusherOptions)
	if err != nil {
		d.t.Error(err)
		return
	}
	d.pusher = server
}

func (d *deployment) pusherOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pusher != nil {
		d.pusher.Close()
		d.pusher = nil
	}
}

// sql runs the statement that a request brings.
func (d *deployment) sql(r *http.Request) {
	statement, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
		return
	}
	db, err := pgx.Connect(r.Context(), d.settings["DATABASE_URL"])
	if err != nil {
		d.t.Error(err)
		return
	}
	defer db.Close(r.Context())
	if _, err := db.Exec(r.Context(), string(statement)); err != nil {
		d.t.Error(err)
	}
}

func (d *deployment) end() { d.once.Do(func() { close(d.ended) }) }

// freePort finds a port below those that the system gives out by itself, so that nobody takes it while the server
// there is off.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if listener, err := net.Listen("tcp", net.JoinHostPort(loopback, port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return ""
}
