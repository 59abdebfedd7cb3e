package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"devinbox/pkg/chat"
)

// The kinds of failure that only HTTP knows.
const (
	MethodNotAllowed     chat.Kind = "method_not_allowed"
	UnsupportedMediaType chat.Kind = "unsupported_media_type"
	PayloadTooLarge      chat.Kind = "payload_too_large"
)

// statuses is the one table that gives each kind of failure its HTTP status.
var statuses = map[chat.Kind]int{
	MethodNotAllowed:     http.StatusMethodNotAllowed,
	chat.Forbidden:       http.StatusForbidden,
	chat.Unauthorized:    http.StatusUnauthorized,
	UnsupportedMediaType: http.StatusUnsupportedMediaType,
	PayloadTooLarge:      http.StatusRequestEntityTooLarge,
	chat.Invalid:         http.StatusBadRequest,
	chat.Unprocessable:   http.StatusUnprocessableEntity,
	chat.NotFound:        http.StatusNotFound,
	chat.Conflict:        http.StatusConflict,
	chat.RateLimited:     http.StatusTooManyRequests,
	chat.Internal:        http.StatusInternalServerError,
	chat.Unavailable:     http.StatusServiceUnavailable,
}

// problem is the body of every error (RFC 9457).
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      chat.Kind    `json:"code"`
	RequestID string       `json:"requestId"`
	Errors    []chat.Field `json:"errors,omitempty"`
}

// Problem sends an error as application/problem+json and returns its status. It does not send the cause of
// the error.
func Problem(w http.ResponseWriter, err error, requestID string) int {
	e := asError(err)
	status := statuses[e.Kind]
	if e.Kind == chat.Unauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	body, err := json.Marshal(problem{
		Type:      "about:blank",
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    e.Detail,
		Code:      e.Kind,
		RequestID: requestID,
		Errors:    e.Fields,
	})
	if err != nil { // cannot happen: every text in it was made valid before
		status, body = http.StatusInternalServerError, nil
	}
	send(w, status, "application/problem+json", body)
	return status
}

// asError finds the domain's error in err. Any other error is a defect: the caller learns nothing about it.
func asError(err error) *chat.Error {
	var e *chat.Error
	if errors.As(err, &e) && statuses[e.Kind] != 0 {
		return e
	}
	return chat.Defect(err)
}

// CheckMethod refuses a method that is not one of those allowed.
func CheckMethod(w http.ResponseWriter, r *http.Request, allowed []string) error {
	for _, method := range allowed {
		if r.Method == method {
			return nil
		}
	}
	Allow(w, allowed)
	return chat.Fail(MethodNotAllowed, "This method is not allowed here; the Allow header lists those that are.")
}

// Allow sets the header that lists the methods of a resource. OPTIONS is always one of them.
func Allow(w http.ResponseWriter, methods []string) {
	w.Header().Set("Allow", strings.Join(append(methods[:len(methods):len(methods)], http.MethodOptions), ", "))
}
