package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/config"
)

// programVariable has this test's program be devinbox, instead of running tests.
const programVariable = "DEVINBOX_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		soakEnvironment = []string{programVariable + "=1"}
		main()
	}
	testdb.Main(m)
}

// emptyProject is a folder of the project with nothing in it, so that what a developer has in the real one is not seen.
func emptyProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "vercel.json"), "{}")
	return folder
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is devinbox, ready to run in a folder. Of the variables that it reads it sees those alone that are given,
// as NAME=value.
func command(t *testing.T, folder string, variables []string, arguments ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, arguments...)
	c.Dir = folder
	c.Env = append(os.Environ(), programVariable+"=1")
	for _, name := range config.Names() {
		c.Env = append(c.Env, name+"=")
	}
	c.Env = append(c.Env, variables...)
	return c
}

// outcome is what a command said, and its exit status.
type outcome struct {
	status         int
	output, errors string
}

// execute runs devinbox and waits for its end.
func execute(t *testing.T, folder string, variables []string, arguments ...string) outcome {
	t.Helper()
	return finish(t, command(t, folder, variables, arguments...))
}

func finish(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	var output, problems bytes.Buffer
	c.Stdout, c.Stderr = &output, &problems
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{c.ProcessState.ExitCode(), output.String(), problems.String()}
}

// is requires an exit status, and texts in what it said: in its output where it succeeded, else in its errors.
func (o outcome) is(t *testing.T, status int, texts ...string) outcome {
	t.Helper()
	said := o.output
	if status != 0 {
		said = o.errors
	}
	if o.status != status {
		t.Errorf("exit status %d, want %d: %s%s", o.status, status, o.output, o.errors)
	}
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("it does not say %q: %s", text, said)
		}
	}
	return o
}
