package faults

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/internal/bench"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

// beforeLastMigration is the commit before the one that added the last migration; the present one if the history does not
// go back so far.
func beforeLastMigration(t *testing.T) string {
	t.Helper()
	steps, err := fs.Glob(postgres.Schema, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	last := path.Join("pkg/postgres", slices.Max(steps))
	git := func(arguments ...string) string {
		command := exec.Command("git", append([]string{"-C", "../.."}, arguments...)...)
		out, err := command.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	added := git("log", "--diff-filter=A", "--format=%H", "--", last)
	if i := strings.LastIndexByte(added, '\n'); i >= 0 {
		added = added[i+1:]
	}
	if added == "" && git("status", "--porcelain", "--", last) != "" {
		return git("rev-parse", "HEAD") // it is not committed yet
	}
	if before := git("rev-parse", "--verify", "--quiet", added+"^"); added != "" && before != "" {
		return before
	}
	head := git("rev-parse", "HEAD")
	if head == "" {
		t.Fatal("this is no checkout of git: git clone makes one")
	}
	t.Log("the history does not go back to the last migration: the present commit serves in its place")
	return head
}

// everyFunction is a program that serves the functions of the tree that it is built in, whose folder is its argument.
const everyFunction = `package main

import (
	"log"
	"net/http"
	"os"

	"devinbox/internal/dev/vercel"
)

func main() {
	handler, err := vercel.NewHandler(os.DirFS(os.Args[1]), nil)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler))
}
`

// The code before a migration serves while it runs, and after it. So a deployment is migrated first, and then replaced.
func TestTheCodeBeforeAMigrationServesDuringAndAfterItWithoutAnError(t *testing.T) {
	t.Parallel()
	commit := beforeLastMigration(t)
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	old, err := bench.BuildCommit(t.Context(), checkout, commit, t.TempDir(), everyFunction)
	if err != nil {
		t.Fatal(err)
	}
	database := testdb.Empty(t)
	if err := old.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Options{Seed: 5, People: 8, Pace: 20 * time.Millisecond, Hurry: true}, database, nil, nil)
	log := filepath.Join(t.TempDir(), "log")
	for _, name := range []string{"a", "b"} {
		var variables []string
		for variable, value := range w.settings(database, w.toPusher) {
			variables = append(variables, variable+"="+value)
		}
		address, err := old.Serve(t.Context(), log+name, variables)
		if err != nil {
			t.Fatal(err)
		}
		w.instances = append(w.instances, &instance{name, "http://" + address})
	}
	stopListening := w.startListening()
	_, stop := w.startLoad(w.options.People, w.options.Pace)
	busy := func(during string) (slowest time.Duration) {
		w.history.mu.Lock()
		w.history.Slowest = 0
		w.history.mu.Unlock()
		had := w.counts.get("sends")
		if during == "while it is migrated" {
			for range 5 { // the functions are made anew at each
				if err := migrate.Up(t.Context(), database, func(string) {}); err != nil {
					t.Fatal(err)
				}
			}
		}
		eventually(t, "people have sent "+during, func() bool { return w.counts.get("sends") >= had+60 })
		w.history.mu.Lock()
		defer w.history.mu.Unlock()
		t.Logf("%s: %d answers, %d of 503, the slowest so far took %v", during, w.history.Answered, w.history.Refused, w.history.Slowest)
		return w.history.Slowest
	}
	busy("before")
	busy("while it is migrated")
	busy("after it")
	stop()
	testdb.Grant(t, database)
	var report Report
	w.finish(&report)
	stopListening()
	if report.Refused+report.Unanswered > 0 || len(report.Violations) > 0 {
		text, _ := os.ReadFile(log + "a")
		t.Errorf("%d answers of 503, %d calls without one, and\n%s\n%s", report.Refused, report.Unanswered, shorten(report.Violations, 5), text[max(0, len(text)-2000):])
	}
}
