package pusherserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxBodyBytes is enough for a batch of the largest events, also after escaping.
const maxBodyBytes = 1 << 20

// apiCall is a request with a valid signature.
type apiCall struct {
	*http.Request
	query map[string]string
	body  []byte
}

// apiError is a refusal. Like Pusher's, its answer is plain text.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

func bad(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// api serves the HTTP API: https://pusher.com/docs/channels/library_auth_reference/rest-api/
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(apiCall) (any, error){
		"POST /apps/{app}/events":                             s.trigger,
		"POST /apps/{app}/batch_events":                       s.triggerBatch,
		"POST /apps/{app}/users/{user}/terminate_connections": s.terminate,
		"GET /apps/{app}/channels":                            s.listChannels,
		"GET /apps/{app}/channels/{channel}":                  s.describeChannel,
		"GET /apps/{app}/channels/{channel}/users":            s.listUsers,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
			answer, err := s.call(w, r, serve)
			var refused *apiError
			if errors.As(err, &refused) {
				s.options.Log.Info("API request refused", "call", r.Pattern, "status", refused.status)
				http.Error(w, refused.text, refused.status)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Write(encode(answer))
		})
	}
	return mux
}

// call authenticates a request and serves it. Its errors are an *apiError.
func (s *Server) call(w http.ResponseWriter, r *http.Request, serve func(apiCall) (any, error)) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &apiError{http.StatusRequestEntityTooLarge, fmt.Sprintf("The body exceeds the allowed maximum (%d bytes)", maxBodyBytes)}
	} else if err != nil {
		return nil, bad("The body cannot be read")
	}
	if Refusal(s.refusal.Load()) == Elsewhere {
		return nil, &apiError{http.StatusUnauthorized, unknownKey}
	}
	if r.PathValue("app") != s.options.AppID {
		return nil, &apiError{http.StatusNotFound, "Unknown app"}
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, bad("%v", err)
	}
	if err := s.authenticate(r, query, body, s.now()); err != nil {
		return nil, &apiError{http.StatusUnauthorized, err.Error()}
	}
	switch Refusal(s.refusal.Load()) {
	case Disabled:
		return nil, &apiError{http.StatusForbidden, "Application disabled"}
	case OverQuota:
		return nil, &apiError{http.StatusForbidden, "Account over quota"}
	}
	return serve(apiCall{r, query, body})
}

// now is the time by the server's clock.
func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }

// terminate closes the connections of a user. The answer is the same if there are none.
func (s *Server) terminate(r apiCall) (any, error) {
	s.hub.terminate(r.PathValue("user"))
	return struct{}{}, nil
}
