package serve_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"devinbox/internal/serve"
	"devinbox/pkg/app"
	"devinbox/pkg/config"
)

func TestExactlyThePathsOfTheFunctionsAreServed(t *testing.T) {
	t.Parallel()
	a := app.New(config.Config{}, nil, slog.New(slog.DiscardHandler))
	defer a.Close()
	status := func(method, path string) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, nil)
		serve.Handler().ServeHTTP(w, r.WithContext(app.NewContext(r.Context(), a)))
		return w.Code
	}
	for path := range serve.Functions {
		if got := status(http.MethodOptions, path); got != http.StatusNoContent {
			t.Errorf("%s: %d", path, got)
		}
		for _, other := range []string{path + "/", path + ".go", path + "/x"} {
			if got := status(http.MethodOptions, other); got != http.StatusNotFound {
				t.Errorf("%s: %d", other, got)
			}
		}
	}
	for _, path := range []string{"/", "/index.html", "/openapi.yaml", "/vercel.json", "/go.mod", "/api", "/api/", "/api/messages", "/API/health"} {
		if got := status(http.MethodGet, path); got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
}
