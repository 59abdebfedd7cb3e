package pgbouncer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/testdb"
)

// childVariable has this test's program start a pooler in front of the database that it names, say where, and wait.
const childVariable = "PGBOUNCER_TEST_CHILD"

func TestMain(m *testing.M) {
	database, ok := os.LookupEnv(childVariable)
	if !ok {
		testdb.Main(m)
	}
	if s := Start(outside{}, database, Options{PoolSize: 1, MaxClients: 5}); s != nil {
		fmt.Println(s.URL())
	}
	time.Sleep(10 * time.Minute)
}

// outside stands for a test where none is run.
type outside struct{ testing.TB }

func (outside) Helper()                  {}
func (outside) Context() context.Context { return context.Background() }
func (outside) Cleanup(func())           {}
func (outside) Logf(string, ...any)      { fmt.Println() }
func (outside) Fatal(values ...any)      { fmt.Fprintln(os.Stderr, values...); os.Exit(1) }
func (outside) Fatalf(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

// connect opens a client's connection that works as those of the product do.
func connect(t *testing.T, at string) (*pgx.Conn, error) {
	t.Helper()
	config, err := pgx.ParseConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

func TestClientsShareTheConnectionsFromOneTransactionToTheNext(t *testing.T) {
	t.Parallel()
	s := Start(t, testdb.New(t), Options{PoolSize: 2, MaxClients: 20})
	if s == nil {
		return
	}
	var clients []*pgx.Conn
	for range 6 {
		conn, err := connect(t, s.URL())
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, conn)
	}
	var mu sync.Mutex
	servers := map[int]bool{}
	var all sync.WaitGroup
	for _, conn := range clients {
		all.Go(func() {
			for range 20 {
				var pid int
				if err := conn.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
					t.Error(err)
				}
				mu.Lock()
				servers[pid] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(servers) == 0 || len(servers) > 2 {
		t.Errorf("6 clients were served by %d connections to Postgres, want 1 or 2", len(servers))
	}

	for _, conn := range clients[:2] {
		if _, err := conn.Exec(t.Context(), "begin"); err != nil {
			t.Fatal(err)
		}
	}
	waits := make(chan error, 1)
	go func() { _, err := clients[2].Exec(t.Context(), "select 1"); waits <- err }()
	eventually(t, "two transactions hold both connections and a third client waits", func() bool {
		return s.Pool() == Pool{ClientsActive: 5, ClientsWaiting: 1, ServersActive: 2}
	})
	if _, err := clients[0].Exec(t.Context(), "commit"); err != nil {
		t.Fatal(err)
	}
	if err := <-waits; err != nil {
		t.Error(err)
	}
	eventually(t, "the connection is idle again", func() bool {
		return s.Pool() == Pool{ClientsActive: 6, ServersActive: 1, ServersIdle: 1}
	})
}

func TestOneClientMoreThanAllowedIsRefused(t *testing.T) {
	t.Parallel()
	s := Start(t, testdb.New(t), Options{PoolSize: 1, MaxClients: 3})
	if s == nil {
		return
	}
	for range 3 {
		if _, err := connect(t, s.URL()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := connect(t, s.URL()); err == nil || !strings.Contains(err.Error(), "max_client_conn") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestAPortThatIsTakenIsSaidToBe(t *testing.T) {
	t.Parallel()
	p, err := find(t.Context())
	if err != nil {
		absent(t, err)
		return
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	go func() { // as a program that is no PgBouncer
		for {
			conn, err := taken.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	target, err := url.Parse(testdb.New(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, url: at(target, taken.Addr().(*net.TCPAddr).Port)}
	if log, err := s.start(p, target, Options{PoolSize: 1, MaxClients: 1}); err == nil || !strings.Contains(log, "Address already in use") {
		t.Errorf("got %v and the log %q", err, log)
	}
}

// gone waits until the pooler of that address has ended.
func gone(t *testing.T, at string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "nobody listens at its port", func() bool {
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

// folders are those that poolers have made in dir.
func folders(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "devinbox-pgbouncer-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestItEndsWithItsTest(t *testing.T) {
	database := testdb.New(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	was := ""
	t.Run("test", func(t *testing.T) {
		s := Start(t, database, Options{PoolSize: 1, MaxClients: 5})
		if s == nil {
			return
		}
		was = s.URL()
		if n := len(folders(t, dir)); n != 1 {
			t.Errorf("it made %d folders", n)
		}
		conn, err := connect(t, was) // left open
		if err == nil {
			_, err = conn.Exec(t.Context(), "select 1")
		}
		if err != nil {
			t.Error(err)
		}
	})
	if was == "" {
		return
	}
	if conn, err := pgx.Connect(t.Context(), was); err == nil {
		conn.Close(t.Context())
		t.Error("it still serves")
	}
	if left := folders(t, dir); len(left) != 0 {
		t.Errorf("it left %q", left)
	}
}

func TestItEndsWithAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	child := exec.Command(self)
	child.Env = append(os.Environ(), childVariable+"="+testdb.New(t), "TMPDIR="+dir)
	child.Stderr = os.Stderr
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(pipe).ReadString('\n')
	was := strings.TrimSpace(line)
	if was != "" {
		if _, err := connect(t, was); err != nil {
			t.Error(err)
		}
	}
	child.Process.Kill()
	child.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if was == "" {
		t.Log("NOT RUN, for want of a PgBouncer on this machine")
		return
	}
	gone(t, was)
	eventually(t, "its folder is gone", func() bool { return len(folders(t, dir)) == 0 })
}

// listener keeps what a test was told.
type listener struct {
	testing.TB
	log, fatal string
}

func (*listener) Helper()                               {}
func (l *listener) Logf(format string, values ...any)   { l.log = fmt.Sprintf(format, values...) }
func (l *listener) Fatalf(format string, values ...any) { l.fatal = fmt.Sprintf(format, values...) }

func TestWithoutAProgramATestFailsOnCIAndIsToldSoElsewhere(t *testing.T) {
	t.Setenv("CI", "true")
	var onCI, elsewhere listener
	absent(&onCI, errors.New("the remedy"))
	if !strings.Contains(onCI.fatal, "the remedy") {
		t.Errorf("on CI it failed with %q", onCI.fatal)
	}
	t.Setenv("CI", "")
	absent(&elsewhere, errors.New("the remedy"))
	if elsewhere.fatal != "" || !strings.Contains(elsewhere.log, "NOT RUN") || !strings.Contains(elsewhere.log, "the remedy") {
		t.Errorf("elsewhere it was told %q and failed with %q", elsewhere.log, elsewhere.fatal)
	}
	if remedy == "" && runtime.GOOS != "windows" {
		t.Error("there is no remedy for this system")
	}
}

func TestWhatIsFetchedIsKeptAndAPartOfItIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pgbouncer")
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		if _, err := cached(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "Debian") {
			t.Errorf("got %v", err)
		}
		return
	}
	// What a process that was killed may leave: a folder that is not whole.
	if err := os.MkdirAll(filepath.Join(dir+".part", "usr"), 0o700); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if p, err := cached(t.Context(), dir); err != nil {
				absent(t, err)
			} else if !p.runs(t.Context()) {
				t.Error("it does not run")
			}
		})
	}
	all.Wait()
	before, err := os.Stat(dir)
	if err != nil {
		return // it was said why
	}
	if p, err := cached(t.Context(), dir); err != nil || !strings.HasPrefix(p.path, dir) {
		t.Errorf("got %q, %v", p.path, err)
	}
	if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was fetched again (%v)", err)
	}
	if _, err := os.Stat(dir + ".part"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part is left (%v)", err)
	}

	if err := os.Remove(filepath.Join(dir, "usr", "sbin", "pgbouncer")); err != nil {
		t.Fatal(err)
	}
	if p, err := cached(t.Context(), dir); err != nil || !p.runs(t.Context()) {
		t.Errorf("what was damaged is not mended: %v", err)
	}
}

func TestThePasswordIsWrittenSoThatItIsReadBack(t *testing.T) {
	t.Parallel()
	target := &url.URL{Scheme: "postgres", User: url.UserPassword("o'brien", "a b'c=d"), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(1)), Path: "/d"}
	s := &Server{t: t, url: at(target, 2)}
	if text, err := s.settings(target, Options{1, 1}); err != nil || !strings.Contains(text, "user='o''brien' password='a b''c=d'\n") {
		t.Errorf("it writes (%v):\n%s", err, text)
	}
	if strings.Contains(s.URL(), "a%20b") || s.URL() != "postgres://o%27brien@127.0.0.1:2/d" {
		t.Errorf("its clients connect to %s", s.URL())
	}
}

func TestItDropsEveryConnectionAndTakesNewOnes(t *testing.T) {
	t.Parallel()
	s := Start(t, testdb.New(t), Options{PoolSize: 2, MaxClients: 5})
	if s == nil {
		return
	}
	conn, err := connect(t, s.URL())
	if err == nil {
		_, err = conn.Exec(t.Context(), "select 1")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if _, err := conn.Exec(t.Context(), "select 1"); err == nil {
		t.Error("the connection is still there")
	}
	conn, err = connect(t, s.URL())
	if err == nil {
		_, err = conn.Exec(t.Context(), "select 1")
	}
	if err != nil {
		t.Errorf("a new one: %v", err)
	}
}
