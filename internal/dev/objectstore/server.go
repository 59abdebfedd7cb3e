package objectstore

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// closeGrace is how long [Server.Close] waits for requests to end.
const closeGrace = time.Second

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	options  Options
	address  *net.TCPAddr
	verifier *verifier
	s3       http.Handler
	http     *http.Server
	failing  failing
	skew     atomic.Int64 // a time.Duration

	ctx     context.Context // ends with the server
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Start listens, and serves until [Server.Close].
// Errors: options that are missing; an address that is not free; a folder that cannot be used; production (VERCEL_ENV).
func Start(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	kept, err := open(o.Dir, o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("objectstore: %w", err)
	}
	if o.AccessKeyID == "" {
		if o.AccessKeyID, o.SecretAccessKey, err = keyPair(o.Dir); err != nil {
			return nil, fmt.Errorf("objectstore: %w", err)
		}
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("objectstore: %w", err)
	}
	s := &Server{options: o, address: listener.Addr().(*net.TCPAddr), verifier: newVerifier(o)}
	s.failing.changed = make(chan struct{})
	s.s3 = gofakes3.New(kept, gofakes3.WithTimeSkewLimit(0), gofakes3.WithLogger(libraryLog{o.Log})).Server() // the time is checked with the signature
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	s.running.Go(func() { s.http.Serve(listener) }) // it ends when it is closed, which is its only error
	return s, nil
}

// Host returns the host to connect to: loopback if the server listens on every address.
func (s *Server) Host() string {
	if s.address.IP.IsUnspecified() {
		return "127.0.0.1"
	}
	return s.address.IP.String()
}

// Port returns the port to connect to.
func (s *Server) Port() string { return strconv.Itoa(s.address.Port) }

// Address returns host:port, and is good as [Options.Address] of a server that replaces one that was closed.
func (s *Server) Address() string { return net.JoinHostPort(s.Host(), s.Port()) }

// URL returns the endpoint, without the bucket: http://host:port.
func (s *Server) URL() string { return "http://" + s.Address() }

// Environment returns the variables by which devinbox finds the store.
func (s *Server) Environment() map[string]string {
	return map[string]string{
		"S3_ENDPOINT": s.URL(), "S3_REGION": s.options.Region, "S3_BUCKET": s.options.Bucket,
		"S3_ACCESS_KEY_ID": s.options.AccessKeyID, "S3_SECRET_ACCESS_KEY": s.options.SecretAccessKey,
	}
}

// Skew sets the clock by which signatures are judged so far ahead of this machine's, or behind it if d is negative.
func (s *Server) Skew(d time.Duration) { s.skew.Store(int64(d)) }

// Close ends the server: it accepts no new connection, and after at most a second closes what is still open. An upload
// that is cut off leaves nothing behind. When Close returns, the address is free and nothing of the server is running.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	s.cancel() // requests that hang
	s.http.Shutdown(ctx)
	s.http.Close() // closes what did not end in time
	s.running.Wait()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.options.Recorder.record(r)
	s.running.Add(1)
	defer s.running.Done()
	if s.fail(w, r) {
		return
	}
	if r.Method == http.MethodOptions {
		s.preflight(w, r)
		return
	}
	answer := &corsWriter{ResponseWriter: w, s: s, origin: r.Header.Get("Origin")}
	defer answer.finish()
	w = answer
	if f := s.verifier.verify(r, time.Now().Add(time.Duration(s.skew.Load()))); f != nil {
		refuse(w, r, f)
		return
	}
	if !served(r) {
		refuse(w, r, &fault{http.StatusNotImplemented, "NotImplemented", "This store for development does not have the operation that you ask for."})
		return
	}
	s.s3.ServeHTTP(w, r)
}

// served tells whether a request asks for one of the operations that this store has. Without it the library would take
// one that it does not know for a simpler one: a GET of an object's tags for a GET of the object.
func served(r *http.Request) bool {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	may, methods := []string{"response-"}, []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete}
	if key == "" {
		may, methods = []string{"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after"}, methods[:2]
		if r.Method == http.MethodGet && r.URL.Query().Get("list-type") != "2" {
			return false
		}
	}
	for name := range r.URL.Query() {
		if !slices.ContainsFunc(append(may, "X-Amz-", "x-id"), func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return false
		}
	}
	return slices.Contains(methods, r.Method) && r.Header.Get("X-Amz-Copy-Source") == ""
}

// libraryLog takes the library's errors, and not its word on each request.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Print(level gofakes3.LogLevel, what ...any) {
	if level == gofakes3.LogErr {
		l.log.Warn("the object store failed to serve a request", "error", fmt.Sprint(what...))
	}
}
