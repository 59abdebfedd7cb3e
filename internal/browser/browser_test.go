// Package browser_test runs the scenarios of web/e2e in a real Chromium: people who write to each other while parts of
// the system fail. `go test ./internal/browser -scenario inbox` runs those of one file, and `-screenshots` makes the
// pictures in docs/screenshots anew.
//
// It is here, and not beside the scenarios, because `go test ./...` starts packages in the order of their paths: the one
// that takes longest must not begin last.
package browser_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"devinbox/internal/dev/webapp"
	"devinbox/internal/testing/testdb"
)

// workspace is the npm workspace with the client package, the example and the scenarios.
const workspace = "../../web"

func TestMain(m *testing.M) { testdb.Main(m) }

var (
	scenario    = flag.String("scenario", "", "run only the scenarios of the files whose names have this in them")
	screenshots = flag.Bool("screenshots", false, "make the pictures in docs/screenshots in place of running the scenarios")
)

func TestPeopleChatInARealBrowser(t *testing.T) {
	t.Parallel()
	if _, err := webapp.Digest(workspace, "e2e"); err != nil {
		t.Fatal(err)
	}
	if err := webapp.Prepare(t.Context(), workspace, t.Output()); err != nil {
		t.Fatal(err)
	}
	examples := map[string]http.Handler{}
	for _, demo := range []string{demoOn, demoOff} {
		example, err := webapp.Start(t.Context(), webapp.Options{
			Workspace: workspace, Production: true, Progress: t.Output(), Output: t.Output(),
			Environment: []string{
				"DEMO=" + demo, "CHAT_JWT_SECRET=" + jwtSecret,
				// Each scenario has a Pusher-protocol server of its own. In a policy, * is any port.
				"PUSHER_HOST=" + loopback, "PUSHER_PORT=*", "PUSHER_USE_TLS=false",
				"S3_ENDPOINT=http://" + loopback + ":*", // likewise an object store
				"AUTH_SECRET=" + authSecret, "AUTH_TRUST_HOST=true",
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := example.Stop(); err != nil {
				t.Error(err)
			}
		})
		examples[demo] = example
	}
	stage := newStage(t, examples)
	control := httptest.NewServer(stage)
	defer control.Close()
	defer stage.clear()
	if strings.Contains("readme.spec.ts", *scenario) && !*screenshots {
		stage.prepareReader()
	}
	environment := append(findBrowser(t), "STAGE="+control.URL)
	if *screenshots {
		environment = append(environment, "SCREENSHOTS=../../docs/screenshots")
	}
	run(t, environment, "run", "typecheck")
	run(t, environment, "test", "--", *scenario)
}

// run runs a script of the scenarios' package.json. What it prints is shown where the test fails.
func run(t *testing.T, environment []string, arguments ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "npm", arguments...)
	c.Dir = workspace + "/e2e"
	c.Env = append(os.Environ(), environment...)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	if err := c.Run(); err != nil {
		t.Fatalf("npm %s: %v", arguments[0], err)
	}
}
