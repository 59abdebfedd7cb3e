package browser_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"devinbox/internal/dev/webapp"
)

// Next.js has a port of its own beside devinbox dev, which a page of another site could reach under its own name.
func TestTheDemoGivesTokensOnlyAtLoopbackAndUnderTheSecretThatItIsToldOf(t *testing.T) {
	t.Parallel()
	if _, err := webapp.Digest(workspace, "example"); err != nil {
		t.Fatal(err)
	}
	for _, example := range []struct {
		demo       string
		production bool           // looks at no Host, and starts in a second
		answers    map[string]int // by Host
	}{
		{demo: "CHAT_JWT_SECRET", answers: map[string]int{
			"localhost:3000": 200, "app.localhost": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200, "chat.example.test": 200,
			"evil.example": 421, "localhost.evil.example:3000": 421, "127.0.0.1.evil.example": 421, "0.0.0.0:3000": 421,
		}},
		{demo: "", production: true, answers: map[string]int{"localhost:3000": 401}},
		{demo: "AUTH_SECRET", production: true, answers: map[string]int{"localhost:3000": 401}},
	} {
		app, err := webapp.Start(t.Context(), webapp.Options{
			Workspace: workspace, Production: example.production, Progress: t.Output(), Output: t.Output(),
			Environment: []string{"DEMO=" + example.demo, "DEMO_HOSTS=chat.example.test", "CHAT_JWT_SECRET=" + jwtSecret},
		})
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range example.answers {
			r := httptest.NewRequest(http.MethodGet, "/api/token?as=ada", nil)
			r.Host = host
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			if w.Code != want || strings.Contains(w.Body.String(), "eyJ") != (want == 200) {
				t.Errorf("DEMO=%s at %s: %d %s, want %d", example.demo, host, w.Code, w.Body, want)
			}
		}
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
	}
}
