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
	// From the project itself as well.
	execute(t, app, nil, "add", ".").is(t, 0, "up to date")

	write(t, filepath.Join(app, "api", "session.go"), "package own")
	execute(t, app, nil, "add", ".").is(t, 1, "nothing was changed", "api/session.go was edited")
	execute(t, t.TempDir(), nil, "add", ".").is(t, 1, "there is no package.json")
	execute(t, t.TempDir(), nil, "add", "missing").is(t, 1, "missing")
}
