package webapp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"devinbox/internal/dev/webapp"
)

func TestAStartThatFailsIsToldOnThePageAndStops(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	b := webapp.Begin(t.Context(), webapp.Options{Workspace: t.TempDir(), Progress: io.Discard, Output: io.Discard}, func(err error) { failed <- err })
	if err := <-failed; err == nil {
		t.Fatal("an empty folder was started")
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "could not be started") || strings.Contains(w.Body.String(), "refresh") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
}

func TestARegistryThatFailsIsToldInNPMsOwnWords(t *testing.T) {
	var requests atomic.Int32
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "a bad day", http.StatusServiceUnavailable)
	}))
	t.Cleanup(registry.Close)
	workspace := t.TempDir()
	for name, text := range map[string]string{
		"package.json": `{"name":"web","private":true,"dependencies":{"one":"1.0.0"}}`,
		"package-lock.json": `{"name":"web","lockfileVersion":3,"requires":true,"packages":{"":{"name":"web","dependencies":{"one":"1.0.0"}},
			"node_modules/one":{"version":"1.0.0","resolved":"` + registry.URL + `/one-1.0.0.tgz","integrity":"sha512-AAAA"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("npm_config_cache", t.TempDir())
	_, err := webapp.Start(t.Context(), webapp.Options{Workspace: workspace, Progress: io.Discard, Output: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "503 Service Unavailable") || !strings.Contains(err.Error(), "--no-web") {
		t.Errorf("%v", err)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("after %d requests", n)
	}
}

func TestToolsComeWithTheRestOrAreAddedToIt(t *testing.T) {
	t.Parallel()
	workspace := func(t *testing.T) string {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"package.json":        `{"name":"web","private":true,"workspaces":["client"]}`,
			"client/package.json": `{"name":"client","version":"1.0.0","scripts":{"build":"node -e \"fs.mkdirSync('dist')\""}}`,
			"package-lock.json": `{"name":"web","lockfileVersion":3,"requires":true,"packages":{"":{"name":"web","workspaces":["client"]},
				"client":{"version":"1.0.0"},"node_modules/client":{"resolved":"client","link":true}}}`,
			"tsconfig.base.json": "{}", "client/tsconfig.json": "{}", "client/tsconfig.build.json": "{}", "client/src/index.ts": "",
		} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	const all, some, tools, build = "Installing the workspace's packages", "Installing the web example's packages", "Installing the workspace's tools", "Building the client package"
	for _, test := range []struct {
		name  string
		steps []func(context.Context, string, io.Writer) error
		want  []string
	}{
		{"all at once, and not again", []func(context.Context, string, io.Writer) error{webapp.Prepare, webapp.Prepare, webapp.PrepareClient}, []string{all, build}},
		{"the tools later", []func(context.Context, string, io.Writer) error{webapp.PrepareClient, webapp.Prepare, webapp.Prepare}, []string{some, build, tools}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := workspace(t)
			var progress strings.Builder
			for _, step := range test.steps {
				if err := step(t.Context(), dir, &progress); err != nil {
					t.Fatal(err)
				}
			}
			var done []string
			for line := range strings.Lines(progress.String()) {
				if !strings.HasPrefix(line, " ") {
					what, _, _ := strings.Cut(strings.TrimSpace(line), " (")
					done = append(done, what)
				}
			}
			if !slices.Equal(done, test.want) {
				t.Errorf("%q, want %q", done, test.want)
			}
		})
	}
}
