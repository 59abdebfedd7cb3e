package objectstore

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// Request is a request that a server was sent, whatever it answered.
type Request struct {
	Method string
	Path   string // with the bucket: /devinbox/KEY
	Query  url.Values
	Header http.Header
}

// Recorder keeps the requests of a server in the order in which their headers came, preflights and refused ones
// included. The zero value is ready to use. It may be used by one server after another. Its methods may be called from
// several goroutines.
type Recorder struct {
	mu       sync.Mutex
	requests []Request
}

// Requests returns the requests since the start or the last Reset, oldest first: those with one of these methods, or all
// if none is named.
func (r *Recorder) Requests(methods ...string) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Request
	for _, each := range r.requests {
		if len(methods) == 0 || slices.Contains(methods, each.Method) {
			found = append(found, each)
		}
	}
	return found
}

// Reset forgets the requests.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// record does nothing on a nil Recorder.
func (r *Recorder) record(request *http.Request) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, Request{request.Method, request.URL.Path, maps.Clone(request.URL.Query()), request.Header.Clone()})
}
