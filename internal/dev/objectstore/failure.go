package objectstore

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// Failure is a way in which a store fails.
type Failure int

// The ways in which a store, or what stands before it, fails.
const (
	// Nothing fails.
	Nothing Failure = iota
	// InternalError is S3's answer 500, which callers are asked to retry.
	InternalError
	// SlowDown is S3's answer 503, for too many requests.
	SlowDown
	// Hang gives no answer while it lasts. A request that still waits when it ends is then served.
	Hang
	// Drop resets the connection without an answer.
	Drop
	// Page is an answer 200 with a page of HTML, as a captive portal or a wrong endpoint gives it.
	Page
)

// failing is how a server fails now.
type failing struct {
	mu      sync.Mutex
	failure Failure
	methods []string
	changed chan struct{} // closed by the next change
}

// Fail makes the server fail from now on, until Fail(Nothing): for requests with one of these methods (a preflight's is
// OPTIONS), or for all if none is named. A request whose body is being read is not affected.
func (s *Server) Fail(f Failure, methods ...string) {
	s.failing.mu.Lock()
	defer s.failing.mu.Unlock()
	s.failing.failure, s.failing.methods = f, slices.Clone(methods)
	close(s.failing.changed)
	s.failing.changed = make(chan struct{})
}

func (f *failing) now(method string) (Failure, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.methods) > 0 && !slices.Contains(f.methods, method) {
		return Nothing, f.changed
	}
	return f.failure, f.changed
}

// fail tells whether it has answered a request, or given it up, because the server is to fail.
func (s *Server) fail(w http.ResponseWriter, r *http.Request) bool {
	for {
		failure, changed := s.failing.now(r.Method)
		switch failure {
		case Nothing:
			return false
		case InternalError:
			s.allow(w.Header(), r.Header.Get("Origin"))
			refuse(w, r, errInternal)
			return true
		case SlowDown:
			s.allow(w.Header(), r.Header.Get("Origin"))
			refuse(w, r, &fault{http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."})
			return true
		case Page:
			drain(r)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte("<!doctype html><title>Sign in</title><h1>Sign in to this network</h1>\n"))
			return true
		case Drop:
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				if tcp, isTCP := conn.(*net.TCPConn); isTCP {
					tcp.SetLinger(0) // a reset, and not an orderly end
				}
				conn.Close()
			}
			return true
		case Hang:
			select {
			case <-changed:
			case <-r.Context().Done():
				return true
			case <-s.ctx.Done():
				return true
			}
		}
	}
}
