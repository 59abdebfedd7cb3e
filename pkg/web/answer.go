package web

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// Answer is what a successful handler returns.
type Answer struct {
	status int
	header http.Header
	body   any
	raw    []byte
	cause  error
}

// JSON returns an answer whose body is encoded as JSON.
func JSON(status int, body any) Answer { return Answer{status: status, body: body} }

// RawJSON returns a 200 whose body is JSON already.
func RawJSON(body []byte) Answer { return Answer{status: http.StatusOK, raw: body} }

// NoContent returns a 204.
func NoContent() Answer { return Answer{status: http.StatusNoContent} }

// Status returns the HTTP status of the answer.
func (a Answer) Status() int { return a.status }

// Cause returns what the log says about an answer that reports a failure; nil for most.
func (a Answer) Cause() error { return a.cause }

// Because returns a with a cause for the log. It is for an answer that reports a failure but is not a problem
// document.
func (a Answer) Because(cause error) Answer {
	a.cause = cause
	return a
}

// With returns a with one more header.
func (a Answer) With(name, value string) Answer {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Add(name, value)
	return a
}

// Write sends an answer. An error means that the body could not be encoded and nothing was sent.
func Write(w http.ResponseWriter, a Answer) error {
	body := a.raw
	if body == nil && a.status != http.StatusNoContent {
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			return err
		}
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	send(w, a.status, "application/json", body)
	return nil
}

// send writes a whole response: Vercel's runtime neither sniffs a content type nor keeps the first status.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	if len(body) > 0 {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have left, which is not an error
}
