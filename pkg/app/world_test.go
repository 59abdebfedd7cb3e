package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
)

const (
	jwtSecret  = "a secret of the tests, of thirty-two bytes or more"
	cronSecret = "a secret of the cron"
)

var (
	grace = chat.Identity{ID: "42", Role: chat.Client, Name: "Grace"}
	ada   = chat.Identity{ID: "ada", Role: chat.Developer}
)

// world is an App whose database nobody needs, and what it logs.
type world struct {
	*App
	t        *testing.T
	log      *bytes.Buffer
	settings config.Config
}

// newWorld makes an App in an environment of NAME=value entries, beside those that it cannot do without.
func newWorld(t *testing.T, variables ...string) *world {
	t.Helper()
	environment := map[string]string{
		"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "CHAT_JWT_SECRET": jwtSecret, "CRON_SECRET": cronSecret,
		"PUSHER_APP_ID": "1", "PUSHER_SECRET": "test-secret", "NEXT_PUBLIC_PUSHER_KEY": "test-key", "NEXT_PUBLIC_PUSHER_CLUSTER": "eu",
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	w := &world{t: t, log: &bytes.Buffer{}}
	settings, fault := config.Load(func(name string) string { return environment[name] })
	w.settings = settings
	w.App = New(settings, fault, slog.New(slog.NewTextHandler(w.log, nil)))
	t.Cleanup(w.Close)
	return w
}

// token is one that this App's environment signs.
func (w *world) token(who chat.Identity, lifetime time.Duration) string {
	w.t.Helper()
	verifier, err := identity.New(w.settings.Identity)
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := verifier.Mint(who, lifetime)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// request makes a request with NAME: value headers.
func request(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://chat.example.com/api/x", nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// serve has the App answer a request.
func (w *world) serve(r *http.Request, routes Routes) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	ServeRoutes(answer, r.WithContext(NewContext(r.Context(), w.App)), routes)
	return answer
}

// code is that of a problem.
func code(t *testing.T, answer *httptest.ResponseRecorder) string {
	t.Helper()
	var problem struct{ Code string }
	if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil {
		t.Fatalf("not JSON: %s", answer.Body)
	}
	return problem.Code
}
