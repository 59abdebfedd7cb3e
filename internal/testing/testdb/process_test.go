package testdb_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/folder"
	"devinbox/internal/testing/testdb"
)

// childVariable makes this test's program ask for one database, as a test would, and says how it ends then: it waits to
// be killed, exits without the test's cleanup, or returns as a test does.
const childVariable = "TESTDB_TEST_CHILD"

func TestMain(m *testing.M) {
	end, ok := os.LookupEnv(childVariable)
	if !ok {
		testdb.Main(m)
	}
	var t outside
	fmt.Println(testdb.New(&t))
	switch end {
	case "wait":
		time.Sleep(10 * time.Minute)
	case "return":
		t.cleanup()
	}
}

// outside stands for a test in a process that runs none.
type outside struct {
	testing.TB
	cleanup func()
}

func (*outside) Helper()                  {}
func (*outside) Context() context.Context { return context.Background() }
func (t *outside) Cleanup(f func())       { t.cleanup = f }

func (*outside) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// startChild starts a process that ends in the given way, with a folder of its own for temporary files. variables are
// added to those of this process, or replace them.
func startChild(t *testing.T, end string, variables ...string) (child *exec.Cmd, output *bufio.Reader, dir string) {
	t.Helper()
	child, dir = program(t, variables...)
	child.Env = append(child.Env, childVariable+"="+end)
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		child.Process.Kill()
		child.Wait()
	})
	return child, bufio.NewReader(pipe), dir
}

// program is this test's program, ready to run in a process of its own.
func program(t *testing.T, variables ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir(): if root runs the tests, only root can enter it, and Postgres does not run as root.
	if dir, err = os.MkdirTemp(folder.InMemory(), "testdb-"); err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, "its folder can be removed", func() bool { return os.RemoveAll(dir) == nil })
	})
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "DEVINBOX_TEST_DATABASE_URL=")
	cmd.Env = append(cmd.Env, variables...)
	return cmd, dir
}

// line returns the next line of a child's output.
func line(t *testing.T, output *bufio.Reader) string {
	t.Helper()
	text, err := output.ReadString('\n')
	if err != nil {
		t.Fatalf("%v after %q", err, text)
	}
	return strings.TrimSpace(text)
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func left(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func serves(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false
	}
	conn.Close(ctx)
	return true
}

func TestTheThrowAwayServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		child, output, dir := startChild(t, "wait")
		database := line(t, output)
		if !serves(database) || len(left(t, dir)) != 1 {
			t.Fatalf("no server, though its process waits; folders: %q", left(t, dir))
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the folder is gone", func() bool { return len(left(t, dir)) == 0 })
		eventually(t, "the server is gone", func() bool { return !serves(database) })
	})
	t.Run("killed by a signal to its group", func(t *testing.T) {
		t.Parallel()
		child, dir := program(t)
		child.Env = append(child.Env, childVariable+"=wait")
		child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "Postgres's folder is being made", func() bool {
			files, _ := filepath.Glob(filepath.Join(dir, "*", "data", "*"))
			return len(files) > 0
		})
		if err := syscall.Kill(-child.Process.Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		child.Wait()
		eventually(t, "the folder is gone", func() bool { return len(left(t, dir)) == 0 })
		time.Sleep(time.Second) // if something were still running, it would write again
		if files := left(t, dir); len(files) != 0 {
			t.Errorf("it left %q", files)
		}
	})
	t.Run("left without a word", func(t *testing.T) {
		t.Parallel()
		_, output, dir := startChild(t, "leave")
		database := line(t, output)
		eventually(t, "the folder is gone", func() bool { return len(left(t, dir)) == 0 })
		eventually(t, "the server is gone", func() bool { return !serves(database) })
	})
	t.Run("ended by Main", func(t *testing.T) {
		t.Parallel()
		child, dir := program(t)
		child.Args = append(child.Args, "-test.run=^TestAnEmptyDatabaseIsNotMigrated$", "-test.v")
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestAnEmptyDatabaseIsNotMigrated") {
			t.Fatalf("%v: %s", err, out)
		}
		if files := left(t, dir); len(files) != 0 { // at once: Main waits
			t.Errorf("it left %q", files)
		}
	})
}

func TestProcessesShareAGivenServerAndItsTemplate(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			child, output, dir := startChild(t, "return", "DEVINBOX_TEST_DATABASE_URL="+s.URL())
			text, err := output.ReadString('\n')
			if err != nil || address(t, strings.TrimSpace(text)) != address(t, s.URL()) {
				t.Errorf("its database is at %q (%v), not on the given server", text, err)
			}
			if err := child.Wait(); err != nil {
				t.Error(err)
			}
			if files := left(t, dir); len(files) != 0 {
				t.Errorf("it made %q, though a server was given", files)
			}
		})
	}
	group.Wait()
	if n := ask[int](t, s.URL(), "select count(*) from pg_database where datname like 'devinbox_template%'"); n != 1 {
		t.Errorf("%d templates, want one", n)
	}
	if n := ask[int](t, s.URL(), "select count(*) from pg_database where datname like 'devinbox_test%'"); n != 0 {
		t.Errorf("%d databases are left", n)
	}
}

func TestATemplateWhoseMakingWasCutShortIsMadeAnew(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t)
	given := "DEVINBOX_TEST_DATABASE_URL=" + s.URL()
	maker, output, _ := startChild(t, "return", given)
	line(t, output)
	maker.Wait()
	name := ask[string](t, s.URL(), "select datname from pg_database where datname like 'devinbox_template%'")
	conn := connect(t, s.URL())
	for _, sql := range []string{ // what a process leaves that is killed before it migrates
		"alter database " + name + " with is_template false",
		"drop database " + name,
		"create database " + name,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	child, output, _ := startChild(t, "wait", given)
	if !ask[bool](t, line(t, output), hasSchema) {
		t.Error("its database is not migrated")
	}
	child.Process.Kill()
}

func TestTheProductsOwnDatabaseIsNotTouched(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t)
	child, output, _ := startChild(t, "wait", "DATABASE_URL="+s.URL(), "POSTGRES_URL="+s.URL())
	if database := line(t, output); address(t, database) == address(t, s.URL()) {
		t.Error("the test's database is on the server of DATABASE_URL")
	}
	child.Process.Kill()
	if n := ask[int](t, s.URL(), "select count(*) from pg_database where not datistemplate"); n != 2 { // its own, and postgres
		t.Errorf("it has %d databases, want 2", n)
	}
}
