package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACommandThatIsShownTakesAPathWithSpaces(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/home/ada/devinbox-1.0": "/home/ada/devinbox-1.0", "/my projects/it's": `'/my projects/it'\''s'`} {
		if got := quoted(path); got != want {
			t.Errorf("%s is shown as %s", path, got)
		}
	}
}

func TestAddTellsWhatToDoNextOrWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	app := t.TempDir()
	write(t, filepath.Join(app, "package.json"), `{"dependencies": {"next": "16.4.3"}}`)
	o := execute(t, t.TempDir(), nil, "add", app).is(t, 0, "/api/messages/send\n", "devinbox dev --services-only -- npx vercel dev --local", "devinbox migrate", "CRON_SECRET", "docs/beside-next.md")
	if strings.Contains(o.output, "up to date") {
		t.Errorf("nothing was done: %s", o.output)
	}
	if _, err := os.Stat(filepath.Join(app, "pkg", "postgres", "migrations", "001_chat.sql")); err != nil {
		t.Error(err)
	}
	// What is not known is not written down: the sources are read when the program runs, not when it is built.
	manifest, err := os.ReadFile(filepath.Join(app, ".devinbox.json"))
	if err != nil || strings.Contains(string(manifest), `"version"`) {
		t.Errorf("%v: %.200s", err, manifest)
	}
	// From the project itself as well. If there is nothing to do, that is all it says.
	if o := execute(t, app, nil, "add", ".").is(t, 0); o.output != "Everything in "+app+" is up to date. Nothing was changed.\n" {
		t.Errorf("it says %s", o.output)
	}
	write(t, filepath.Join(app, ".devinbox.json"), strings.Replace(string(manifest), `"files"`, `"version": "v0.0.1", "files"`, 1))
	if o := execute(t, app, nil, "add", ".").is(t, 0, "Only .devinbox.json, which records the version, was changed: commit it."); strings.Count(o.output, "\n") != 1 {
		t.Errorf("it says %s", o.output)
	}
	// An upgrade needs fewer steps than the first time.
	if err := os.Remove(filepath.Join(app, "api", "session.go")); err != nil {
		t.Fatal(err)
	}
	if o := execute(t, app, nil, "add", ".").is(t, 0, "1 file was written", "Commit what has changed.", "devinbox migrate"); strings.Contains(o.output, "Set these variables") {
		t.Errorf("it says %s", o.output)
	}

	write(t, filepath.Join(app, "api", "session.go"), "package own")
	execute(t, app, nil, "add", ".").is(t, 1, "nothing was changed", "api/session.go was edited")
	execute(t, t.TempDir(), nil, "add", ".").is(t, 1, "there is no package.json")
	folder := t.TempDir()
	write(t, filepath.Join(folder, "page.tsx"), "")
	write(t, filepath.Join(folder, "package.json"), "{}")
	for _, test := range []struct{ dir, says string }{
		{"missing", "there is no folder missing: give the folder of your Next.js project, such as ../my-app"},
		{"missing/app", "there is no folder missing/app: give the folder"},
		{"page.tsx", "page.tsx is not a folder: give the folder"},
		{"page.tsx/app", "page.tsx/app is not a folder: give the folder"},
		{".", "does not name next, so this is not a Next.js project"},
	} {
		o := execute(t, folder, nil, "add", test.dir).is(t, 1, test.says)
		if strings.Contains(o.errors, "open ") || strings.Contains(o.errors, "DIR") {
			t.Errorf("%s: %s", test.dir, o.errors)
		}
	}
}
