package vercel_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"devinbox/internal/dev/vercel"
)

func handler(t *testing.T, settings string, rest http.Handler) http.Handler {
	t.Helper()
	h, err := vercel.NewHandler(fstest.MapFS{
		"vercel.json":       {Data: []byte(settings)},
		"public/index.html": {Data: []byte("the page")},
		"go.mod":            {Data: []byte("module x")},
	}, rest)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

func TestFilesOfPublicAreServedAndNothingElse(t *testing.T) {
	t.Parallel()
	h := handler(t, `{}`, nil)
	if w := get(h, "/"); w.Code != 200 || w.Body.String() != "the page" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, target := range []string{"/go.mod", "/vercel.json", "/../go.mod", "/api", "/api/nothing", "/api/../go.mod"} {
		if w := get(h, target); w.Code == 200 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestAFunctionIsServedAtThePathOfItsFile(t *testing.T) {
	t.Parallel()
	h := handler(t, `{}`, nil)
	for _, target := range []string{"/api/session", "/api/session.go"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodOptions, target, nil))
		if w.Code != http.StatusNoContent || w.Header().Get("Allow") == "" {
			t.Errorf("%s: %d, Allow %q", target, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestHeadersOfVercelJSONAreSetWhereTheirSourceMatches(t *testing.T) {
	t.Parallel()
	h := handler(t, `{"headers":[{"source":"/","headers":[{"key":"X-Page","value":"a"}]},{"source":"/docs/:path*","headers":[{"key":"X-Docs","value":"b"}]}]}`, nil)
	for target, want := range map[string][2]string{"/": {"a", ""}, "/docs/a/b": {"", "b"}, "/other": {"", ""}} {
		w := get(h, target)
		if got := [2]string{w.Header().Get("X-Page"), w.Header().Get("X-Docs")}; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestARewriteKeepsThePathAndAddsItsParametersToTheQuery(t *testing.T) {
	t.Parallel()
	h := handler(t, `{"rewrites":[{"source":"/v1/conversations/:clientId/messages","destination":"/api/messages/list?clientId=:clientId"}]}`, nil)
	// The request has no credential, but the function that refuses it is that of the destination.
	if w := get(h, "/v1/conversations/4%202/messages?limit=3"); w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%d: no function answered", w.Code)
	}
	if w := get(h, "/v1/conversations/messages"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
}

func TestEverythingButTheFunctionsGoesToTheRest(t *testing.T) {
	t.Parallel()
	rest := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := handler(t, `{}`, rest)
	for target, want := range map[string]int{"/": 418, "/api/token": 418, "/chat": 418} {
		if w := get(h, target); w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

func TestAPatternThatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"/(.*)", "/:path(\\d+)", "/a{b}"} {
		_, err := vercel.NewHandler(fstest.MapFS{"vercel.json": {Data: []byte(`{"rewrites":[{"source":"` + strings.ReplaceAll(source, `\`, `\\`) + `","destination":"/x"}]}`)}}, nil)
		if err == nil {
			t.Errorf("%s was taken", source)
		}
	}
}

func TestTheProjectsOwnSettingsAreUnderstood(t *testing.T) {
	t.Parallel()
	if _, err := vercel.NewHandler(os.DirFS("../../.."), nil); err != nil {
		t.Fatal(err)
	}
}
