package objectstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"devinbox/internal/dev/loopback"
)

// closeGrace is how long [Server.Close] waits for requests to end.
const closeGrace = time.Second

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	loopback.Listening // its URL is the endpoint, without the bucket

	options  Options
	verifier *verifier
	files    *files
	http     *http.Server
	failing  failing
	skew     atomic.Int64 // a time.Duration

	ctx     context.Context // ends with the server
	cancel  context.CancelFunc
	running sync.WaitGroup // the listener's goroutine

	mu       sync.Mutex // guards closed, so that no request begins once Close waits for them
	closed   bool
	requests sync.WaitGroup
}

// Start listens, and serves until [Server.Close].
// Errors: options that are missing; an address that is not free; a folder that cannot be used; production (VERCEL_ENV).
func Start(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	kept, err := open(o.Dir)
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
	s := &Server{options: o, Listening: loopback.ListeningOn(listener), verifier: newVerifier(o), files: kept}
	s.failing.changed = make(chan struct{})
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
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.requests.Wait()
	s.running.Wait()
}

// enter makes Close wait for a request. It is false if the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.requests.Add(1)
	return true
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.requests.Done()
	s.options.Recorder.record(r)
	if s.fail(w, r) {
		return
	}
	if r.Method == http.MethodOptions {
		s.preflight(w, r)
		return
	}
	s.allow(w.Header(), r.Header.Get("Origin"))
	err := error(nil)
	if f := s.verifier.verify(r, time.Now().Add(time.Duration(s.skew.Load()))); f != nil {
		err = f
	} else {
		err = s.operate(w, r)
	}
	if err == nil {
		return
	}
	f, refused := errors.AsType[*fault](err)
	if !refused {
		s.options.Log.Warn("the object store failed to serve a request", "error", err)
		f = errInternal
	}
	refuse(w, r, f)
}
