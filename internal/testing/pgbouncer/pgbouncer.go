// Package pgbouncer runs a real PgBouncer in transaction mode in front of a test's Postgres.
//
// It uses the PgBouncer that is installed on this machine. Otherwise it downloads Debian's package with apt-get and unpacks
// it in the user's cache folder: this installs nothing and needs no special rights. If neither is possible, a test fails
// if the environment variable CI is set; otherwise [Start] logs it and returns nil.
package pgbouncer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/dev/folder"
	"devinbox/internal/testing/stage"
)

// Options are the pooler's limits. Each must be at least 1.
type Options struct {
	PoolSize   int // how many connections to Postgres it opens at most, for a database and its user
	MaxClients int // how many clients may be connected at once; one more is refused
}

// Server is a running PgBouncer.
type Server struct {
	t   stage.T
	url *url.URL
}

// patience is how long PgBouncer may take to listen.
const patience = 30 * time.Second

// Start starts a pooler in front of the server of databaseURL, which is a postgres:// URL with a user, a password and a
// TCP address. It ends with t, and with this process if that is killed.
// It returns nil if this machine has no PgBouncer and none can be fetched. Then it has logged that, and the test is to
// return. If the environment's CI is not empty, it fails the test instead.
func Start(t stage.T, databaseURL string, o Options) *Server {
	t.Helper()
	p, err := find(t.Context())
	if err != nil {
		absent(t, err)
		return nil
	}
	target, err := url.Parse(databaseURL)
	if err != nil || target.Port() == "" || target.User == nil {
		t.Fatal("pgbouncer: not postgres://user:password@host:port/database")
	}
	for range 10 { // another program may be faster at a port
		s := &Server{t: t, url: at(target, freePort(t))}
		log, err := s.start(p, target, o)
		if err == nil {
			return s
		}
		if !strings.Contains(log, "Address already in use") {
			t.Fatalf("pgbouncer: %v\n%s", err, log)
		}
	}
	t.Fatal("pgbouncer: other programs take every port")
	return nil
}

// absent ends a test that cannot have a pooler because of err on a CI machine, and tells it so elsewhere.
func absent(t stage.T, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("pgbouncer: there is none on this machine: %v", err)
	}
	t.Logf("NOT RUN, for want of a PgBouncer on this machine: %v", err)
}

// URL returns the URL given to Start, with the pooler in the server's place. The pooler asks for no password.
func (s *Server) URL() string { return s.url.String() }

// Pool is what the pooler's connections do at one moment.
type Pool struct {
	ClientsActive  int // are given a connection to Postgres
	ClientsWaiting int // have sent something and wait for such a connection
	ServersActive  int // connections to Postgres that a client was given
	ServersIdle    int // connections to Postgres that wait for a client
}

// Pool asks the pooler for its state, and fails the test where it does not answer.
func (s *Server) Pool() Pool {
	s.t.Helper()
	rows, err := s.console(s.t.Context(), "show pools")
	if err != nil {
		s.t.Fatalf("pgbouncer: show pools: %v", err)
	}
	var sum Pool
	for _, row := range rows {
		if row["database"] == "pgbouncer" { // its console
			continue
		}
		for name, to := range map[string]*int{
			"cl_active": &sum.ClientsActive, "cl_waiting": &sum.ClientsWaiting,
			"sv_active": &sum.ServersActive, "sv_idle": &sum.ServersIdle,
		} {
			n, err := strconv.Atoi(row[name])
			if err != nil {
				s.t.Fatalf("pgbouncer: show pools: %s is %q", name, row[name])
			}
			*to += n
		}
	}
	return sum
}

// Kill drops every connection at once, those of clients and those to Postgres, whatever they do. The pooler then
// takes new ones.
func (s *Server) Kill() {
	s.t.Helper()
	name := pgx.Identifier{strings.TrimPrefix(s.url.Path, "/")}.Sanitize()
	for _, command := range []string{"kill " + name, "resume " + name} {
		if _, err := s.console(s.t.Context(), command); err != nil {
			s.t.Errorf("pgbouncer: %s: %v", command, err)
		}
	}
}

// console runs a command of PgBouncer's console, which is a database of its own.
func (s *Server) console(ctx context.Context, command string) ([]map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	u := *s.url
	u.Path = "/pgbouncer"
	conn, err := pgconn.Connect(ctx, u.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, command).ReadAll()
	if err != nil {
		return nil, err
	}
	var found []map[string]string
	for _, result := range results {
		for _, values := range result.Rows {
			row := map[string]string{}
			for i, field := range result.FieldDescriptions {
				row[field.Name] = string(values[i])
			}
			found = append(found, row)
		}
	}
	return found, nil
}

// guard runs the pooler ($2) with its settings, which are in the folder $1, and ends it when the input ends. That is
// the end of the process which holds the other end of the pipe, if that does not close it before. Whatever ended the
// pooler, the folder goes. It is killed because PgBouncer has nothing to lose, and its versions differ in what the milder
// signals mean. The shell itself writes nothing: by then there may be nobody left to read it, and it would end of that.
const guard = `
exec 3<&0
"$2" "$1/pgbouncer.ini" </dev/null 3<&- & pooler=$!
exec >/dev/null 2>&1
{ read -r _; kill -KILL "$pooler"; } <&3 3<&- & watcher=$!
exec 3<&-
wait "$pooler"
kill "$watcher"
rm -rf "$1"`

// start runs the pooler until the end of the test, and waits until it listens. An error comes with what it logged.
func (s *Server) start(p program, target *url.URL, o Options) (log string, err error) {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "devinbox-pgbouncer-")
	if err != nil {
		return "", err
	}
	settings, err := s.settings(target, o)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(settings), 0o600)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	var output logbook
	cmd := p.command(context.Background(), "/bin/sh", "-c", guard, "sh", dir, p.path)
	cmd.Stdout, cmd.Stderr = &output, &output
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() // what it ended with is in its log
	}()
	end := func() {
		pipe.Close()
		<-ended
	}

	deadline := time.After(patience)
	for {
		_, err := s.console(s.t.Context(), "show version")
		select {
		case <-ended: // whatever answered was another program
			return output.String(), errors.New("it does not start")
		default:
		}
		if err == nil {
			s.t.Cleanup(func() {
				select {
				case <-ended:
					s.t.Errorf("pgbouncer: it ended before the test:\n%s", &output)
				default:
				}
				end()
			})
			return "", nil
		}
		select {
		case <-ended:
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			end()
			return output.String(), fmt.Errorf("it does not answer within %v", patience)
		}
	}
}

// settings are the text of the pooler's own file of settings. PgBouncer refuses to run as root, and becomes another
// account where it is started by root.
func (s *Server) settings(target *url.URL, o Options) (string, error) {
	owner, err := folder.Owner()
	if err != nil {
		return "", err
	}
	account := ""
	if owner != nil {
		found, err := user.LookupId(strconv.FormatUint(uint64(owner.Uid), 10))
		if err != nil {
			return "", err
		}
		account = "user = " + found.Username
	}
	quote := func(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
	password, _ := target.User.Password()
	return strings.Join([]string{
		"[databases]",
		"* = host=" + quote(target.Hostname()) + " port=" + target.Port() + " user=" + quote(target.User.Username()) + " password=" + quote(password),
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		"listen_port = " + s.url.Port(),
		"unix_socket_dir =",
		"auth_type = any",
		"admin_users = " + s.url.User.Username(),
		"pool_mode = transaction",
		"default_pool_size = " + strconv.Itoa(o.PoolSize),
		"max_client_conn = " + strconv.Itoa(o.MaxClients),
		"server_login_retry = 1", // seconds: by default it asks Postgres, when that was away, only 15 s later
		"log_connections = 0",
		"log_disconnections = 0",
		"log_stats = 0",
		account,
		"",
	}, "\n"), nil
}

// at is target's URL at another port of this machine, without its password.
func at(target *url.URL, port int) *url.URL {
	u := *target
	u.User = url.User(target.User.Username())
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return &u
}

// freePort finds a port below those that the system gives out by itself.
func freePort(t stage.T) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("pgbouncer: no free port")
	return 0
}

// program is a PgBouncer that runs on this machine.
type program struct {
	path      string
	libraries []string // folders of libraries that the system does not have
}

// command is a program, ready to run with the libraries of p, and out of the reach of the terminal's Ctrl-C. Its whole
// group ends with ctx.
func (p program) command(ctx context.Context, path string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = append(os.Environ(), "LC_ALL=C") // its log is read
	if len(p.libraries) > 0 {
		all := slices.Concat(p.libraries, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")))
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+strings.Join(all, string(filepath.ListSeparator)))
	}
	return cmd
}

// runs tells whether p can be run, by asking for its version.
func (p program) runs(ctx context.Context) bool {
	out, err := p.command(ctx, p.path, "--version").Output()
	return err == nil && strings.HasPrefix(string(out), "PgBouncer ")
}

// logbook keeps what a process writes.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*logbook)(nil)

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
