package pgserver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/dev/folder"
)

// newDir names a folder that does not exist yet, in a place that any account can reach. A server that still runs there
// after the test is ended.
func newDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp(folder.InMemory(), "pgserver-")
	if err == nil {
		err = os.Chmod(parent, 0o755)
	}
	if err == nil {
		parent, err = filepath.EvalSymlinks(parent)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "postgres")
	t.Cleanup(func() {
		if p, err := (&cluster{dir: dir}).running(); err == nil && p != nil {
			p.stop()
		}
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// newCopy is newDir with a copy of a folder in which a server was started and stopped before, since initdb is slow.
func newCopy(t *testing.T) string {
	t.Helper()
	original, err := original()
	if err != nil {
		t.Fatal(err)
	}
	dir := newDir(t)
	if out, err := exec.Command("cp", "-Rp", original, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

var originalDir string

var original = sync.OnceValues(func() (dir string, err error) {
	if originalDir, err = os.MkdirTemp(folder.InMemory(), "pgserver-"); err != nil {
		return "", err
	}
	s, err := Start(context.Background(), Options{Dir: originalDir, NoSync: true})
	if err != nil {
		return "", err
	}
	return originalDir, s.Stop()
})

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

// run runs statements on a database and returns the only value of the last one's result, as text.
func run(t *testing.T, url string, statements ...string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var answer string
	for _, sql := range statements {
		rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		values, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		answer = strings.Join(values, " ")
	}
	return answer
}

const (
	remember = "create table note as select 'kept' as body"
	recall   = "select body from note"
)

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

// postmaster is the process that serves a folder.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	p, err := (&cluster{dir: dir}).running()
	if err != nil || p == nil {
		t.Fatalf("nothing serves %s (%v)", dir, err)
	}
	return p.pid
}

// npmBin is the folder of the programs from npm.
func npmBin(t *testing.T) string {
	t.Helper()
	b, err := fromNPM(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return b.dir
}

func TestBothWaysToPostgresKeepTheDataBetweenStarts(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string]map[string]string{
		"system": {wayVariable: waySystem, "PATH": npmBin(t)}, // on any machine
		"npm":    {wayVariable: wayNPM},
		"any":    {wayVariable: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			first := startChild(t, dir, environment)
			url := first.url()
			run(t, url, "create extension pg_trgm", "create extension unaccent", remember)
			if got := run(t, url, "select lower('ÉÅΩ')"); got != "éåω" {
				t.Errorf("lower gives %q: the locale does not know these letters", got)
			}
			first.stop()
			if serves(url) {
				t.Error("it serves after its end")
			}

			second := startChild(t, dir, environment)
			again := second.url()
			if again != url {
				t.Errorf("the URL was %s and is %s", url, again)
			}
			if got := run(t, again, recall); got != "kept" {
				t.Errorf("got %q back", got)
			}
			major, err := strconv.Atoi(run(t, again, "select (current_setting('server_version_num')::int / 10000)::text"))
			if err != nil || major < oldest || name == "npm" && major != npmMajor {
				t.Errorf("Postgres %d (%v)", major, err)
			}
			second.stop()
		})
	}
}

func TestAServerOutlivesItsKilledParentAndIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	parent := startChild(t, dir, nil)
	url := parent.url()
	run(t, url, remember)
	before := postmaster(t, dir)
	parent.kill()

	s := start(t, dir)
	if after := postmaster(t, dir); after != before || s.URL(Database) != url {
		t.Errorf("process %d at %s became %d at %s", before, url, after, s.URL(Database))
	}
	if got := run(t, url, recall); got != "kept" {
		t.Errorf("got %q back", got)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if serves(url) || (&process{pid: before}).alive() {
		t.Error("it serves after its end")
	}
}

func TestAServerThatWasKilledItselfIsStartedAnew(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	s := start(t, dir)
	run(t, s.URL(Database), remember, "checkpoint")
	before := postmaster(t, dir)
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	again := start(t, dir)
	if after := postmaster(t, dir); after == before {
		t.Error("the same process, though it was killed")
	}
	if got := run(t, again.URL(Database), recall); got != "kept" {
		t.Errorf("got %q back", got)
	}
}

func TestAPidFileThatNamesAnotherProgramIsNoHindrance(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	other, err := command(t.Context(), "/bin/sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	text := strings.Join([]string{strconv.Itoa(other.Process.Pid), filepath.Join(dir, "data"), "1700000000", "5432", "", "127.0.0.1", "", ""}, "\n")
	if err := os.WriteFile(PIDFile(dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folder.Give(PIDFile(dir)); err != nil {
		t.Fatal(err)
	}
	if s := start(t, dir); !serves(s.URL(Database)) {
		t.Error("it does not serve")
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other program: %v", err)
	}
	other.Process.Kill()
	other.Wait()
}

func TestStartsAtOnceShareOneServerUntilTheLastStops(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	var group sync.WaitGroup
	servers := make([]*Server, 3)
	for n := range servers {
		group.Go(func() {
			s, err := Start(t.Context(), Options{Dir: dir, NoSync: true})
			if err != nil {
				t.Error(err)
			}
			servers[n] = s
		})
	}
	other := startChild(t, dir, nil)
	group.Wait()
	if t.Failed() {
		return
	}
	url := other.url()
	for _, s := range servers {
		if s.URL(Database) != url {
			t.Errorf("one serves at %s, another at %s", url, s.URL(Database))
		}
	}
	for _, s := range servers {
		if !serves(url) {
			t.Fatal("it does not serve, though somebody uses it")
		}
		for range 2 { // a second call does nothing
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
	if !serves(url) {
		t.Fatal("it does not serve, though another process uses it")
	}
	other.stop()
	if serves(url) {
		t.Error("it serves after the last one stopped it")
	}
}

func TestCtrlCInTheTerminalSparesTheServer(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	parent := startChild(t, dir, nil)
	url := parent.url()
	if err := syscall.Kill(-parent.Process.Pid, syscall.SIGINT); err != nil { // the whole group, as a terminal does
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Error("the parent outlived it")
	}
	if !serves(url) {
		t.Error("the server did not")
	}
}

func TestAParentThatIsKilledWhileTheFolderIsMadeLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	parent := startChild(t, dir, nil)
	half := filepath.Join(dir, "data.part", "PG_VERSION")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(half); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("initdb did not begin: %s", &parent.errors)
		}
	}
	parent.kill()
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("it was killed too late (%v)", err)
	}

	s := start(t, dir)
	if got := run(t, s.URL(Database), remember, recall); got != "kept" {
		t.Errorf("got %q back", got)
	}
	if _, err := os.Stat(filepath.Dir(half)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-made folder is still there (%v)", err)
	}
}

func TestTheFolderIsForOneAccountOnly(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	start(t, dir)
	owner, err := folder.Owner()
	if err != nil {
		t.Fatal(err)
	}
	want := uint32(os.Geteuid())
	if owner != nil {
		want = owner.Uid
	}
	count := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the server removes files while we look
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		count++
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || count < 100 { // the pid file among them: the account that runs the server owns it
		t.Errorf("looked at %d files (%v)", count, err)
	}
}

// TestAUserWhoIsNotRootHasAServerAtHome runs as nobody if root runs the tests.
func TestAUserWhoIsNotRootHasAServerAtHome(t *testing.T) {
	t.Parallel()
	home := filepath.Dir(newDir(t))
	program := filepath.Join(home, "program")
	native := filepath.Join(home, "native") // others cannot use root's own cache
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{self: program, filepath.Dir(npmBin(t)): native} {
		if out, err := exec.Command("cp", "-R", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	var as *syscall.Credential
	uid := uint32(os.Geteuid())
	if uid == 0 {
		as = nobody(t)
		uid = as.Uid
		if out, err := exec.Command("chown", "-R", strconv.Itoa(int(as.Uid))+":"+strconv.Itoa(int(as.Gid)), home).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	c := startProgram(t, program, as, "", map[string]string{
		"HOME": home, "XDG_DATA_HOME": "", wayVariable: waySystem, "PATH": filepath.Join(native, "bin"),
	})
	url := c.url()
	data := run(t, url, "show data_directory")
	if !strings.HasPrefix(data, home+"/") {
		t.Errorf("the data is in %s, not in %s", data, home)
	}
	info, err := os.Stat(PIDFile(filepath.Dir(data)))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != uid {
		t.Errorf("it runs as another user than %d (%v)", uid, err)
	}
	c.stop()
	if serves(url) {
		t.Error("it serves after its end")
	}
}

func TestTheServersPasswordIsNeeded(t *testing.T) {
	t.Parallel()
	s := start(t, newCopy(t))
	right, err := url.Parse(s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]*url.Userinfo{
		"none":  url.User(superuser),
		"wrong": url.UserPassword(superuser, "wrong"),
		"other": url.UserPassword("postgres", ""),
	} {
		wrong := *right
		wrong.User = user
		var refusal *pgconn.PgError
		if _, err := pgx.Connect(t.Context(), wrong.String()); !errors.As(err, &refusal) || refusal.Code != "28P01" && refusal.Code != "28000" {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if got := run(t, s.URL("postgres"), "select current_setting('listen_addresses') || '|' || current_setting('unix_socket_directories')"); got != "127.0.0.1|" {
		t.Errorf("it listens on %s", got)
	}
	if got := run(t, s.URL("postgres"), "select string_agg(distinct auth_method, ' ') from pg_hba_file_rules"); got != "scram-sha-256" {
		t.Errorf("it lets in by %s", got)
	}
}

func TestAPortThatIsTakenIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	first := start(t, dir)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first.port)))
	if err != nil {
		t.Fatal(err)
	}
	second := start(t, dir)
	if second.port == first.port || !serves(second.URL(Database)) {
		t.Errorf("it does not serve at %d", second.port)
	}
	l.Close()
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	if third := start(t, dir); third.port != first.port {
		t.Errorf("the port was %d, is free again, and is now %d", first.port, third.port)
	}
}

func TestDataOfAnotherMajorVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	s := start(t, dir)
	run(t, s.URL(Database), remember)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	versionFile := filepath.Join(dir, "data", "PG_VERSION")
	now, err := os.ReadFile(versionFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(versionFile, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "made by Postgres 9") || !strings.Contains(err.Error(), "install Postgres 9") || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(versionFile, now, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, start(t, dir).URL(Database), recall); got != "kept" {
		t.Errorf("got %q back", got)
	}
}

func TestAFolderOfSomethingElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || info.Mode().Perm() != 0o755 {
		t.Errorf("it now holds %v with mode %v (%v)", entries, info.Mode(), err)
	}
}

func TestAFolderOutOfReachIsNamed(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	mode := fs.FileMode(0o700) // root can enter, but Postgres does not run as root
	if os.Geteuid() != 0 {
		mode = 0
	}
	parent := filepath.Dir(dir)
	if err := os.Chmod(parent, mode); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(parent, 0o755)
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}

func TestALostPasswordIsNamed(t *testing.T) {
	t.Parallel()
	dir := newCopy(t)
	password := filepath.Join(dir, "password")
	if err := os.Remove(password); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), password) {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatRefusesItsSettingsIsExplainedByItsLog(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{Dir: newCopy(t), NoSync: true, Settings: map[string]string{"max_connections": "plenty"}})
	if err == nil || !strings.Contains(err.Error(), `"max_connections"`) {
		t.Errorf("got %v", err)
	}
}

func TestSettingsReachTheServerAndItsReportsTheLog(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Options{Dir: newCopy(t), NoSync: true, Settings: map[string]string{"log_statement": "all", "max_connections": "222"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if got := run(t, s.URL(Database), "show max_connections"); got != "222" {
		t.Errorf("max_connections is %s", got)
	}
	text, err := os.ReadFile(s.LogFile())
	if err != nil || !strings.Contains(string(text), "statement: show max_connections") {
		t.Errorf("the log holds (%v):\n%s", err, text)
	}
}

func TestTheVariablesOfTheUsersOwnPostgresAreNotHeeded(t *testing.T) {
	t.Parallel()
	c := startChild(t, newDir(t), map[string]string{
		"PGDATA": "/nowhere", "PGPORT": "1", "PGUSER": "somebody", "PGHOST": "/nowhere", "PGDATABASE": "none", "LC_ALL": "xx_XX", "LANG": "xx_XX",
	})
	if got := run(t, c.url(), "select current_user || ' ' || current_database()"); got != superuser+" "+Database {
		t.Errorf("got %s", got)
	}
	c.stop()
}

func TestAnUnknownWayToPostgresIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	got := startChild(t, dir, map[string]string{wayVariable: "docker"}).failure()
	if !strings.Contains(got, `DEVINBOX_POSTGRES is "docker"`) {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made all the same (%v)", err)
	}
}

func TestACancelledStartLeavesNoServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancelling := writer(func() { cancel() }) // just before initdb starts
	if _, err := Start(ctx, Options{Dir: dir, NoSync: true, Progress: cancelling}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if p, err := (&cluster{dir: dir}).running(); p != nil || err != nil {
		t.Errorf("%+v runs (%v)", p, err)
	}

	// This time when postgres has been started already.
	dir = newCopy(t)
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	c := &cluster{dir: dir}
	if err := c.readPassword(true); err != nil {
		t.Fatal(err)
	}
	b, err := find(t.Context(), 0, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.launch(ctx, b, Options{NoSync: true}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if p, err := c.running(); p != nil || err != nil {
		t.Errorf("%+v runs (%v)", p, err)
	}
}

type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}
