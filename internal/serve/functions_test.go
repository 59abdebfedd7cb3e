package serve_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
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

// The example sends these paths to a devinbox of another origin, and its README says to copy them.
func TestTheExampleForwardsThePathOfEachFunction(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../web/example/next.config.ts")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)const functions = \[(.*?)\];`).FindSubmatch(text)
	if list == nil {
		t.Fatal("the example has no list of functions")
	}
	forwarded := map[string]string{} // the pattern of the list, by the path of a function
	for _, pattern := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(string(list[1]), -1) {
		found := 0
		for path := range serve.Functions {
			folder, isFolder := strings.CutSuffix(pattern[1], ":path*")
			if path == pattern[1] || isFolder && strings.HasPrefix(path, folder) {
				forwarded[path] = pattern[1]
				found++
			}
		}
		if found == 0 {
			t.Errorf("the example forwards %s, where no function is", pattern[1])
		}
	}
	for path := range serve.Functions {
		if forwarded[path] == "" {
			t.Errorf("the example does not forward %s", path)
		}
	}
}
