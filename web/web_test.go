// Package web_test has `go test ./...` check the client package, the example and the sources of both. Package
// internal/browser runs both in a browser.
package web_test

import (
	"os/exec"
	"strings"
	"testing"

	"devinbox/internal/dev/webapp"
)

func TestTheClientPassesItsOwnTests(t *testing.T) {
	t.Parallel()
	prepare(t, "client", "../public/openapi.yaml", "../pkg/chat/testdata/bodies.json")
	npm(t, "test", "--workspace", "client")
}

func TestTheExampleHasTypesThatFit(t *testing.T) {
	t.Parallel()
	prepare(t, "example", "client")
	npm(t, "run", "typecheck", "--workspace", "example")
}

func TestTheExampleReadsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	prepare(t, "example", "e2e/support", "client")
	npm(t, "test", "--workspace", "example")
}

// prepare brings in what the workspace needs, and says on which sources a test depends.
func prepare(t *testing.T, sources ...string) {
	t.Helper()
	if err := webapp.Prepare(t.Context(), ".", t.Output()); err != nil {
		t.Fatal(err)
	}
	if _, err := webapp.Digest(".", append(sources, "tsconfig.base.json")...); err != nil {
		t.Fatal(err)
	}
}

// npm runs npm in the workspace. What it prints is shown where the test fails.
func npm(t *testing.T, arguments ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "npm", arguments...)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	if err := c.Run(); err != nil {
		t.Fatalf("npm %s: %v", strings.Join(arguments, " "), err)
	}
}
