// Package pgserver runs a Postgres of devinbox's own on this machine, for development and tests: with the programs of
// a Postgres that is installed, or else with those that npm has.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/pkg/devstack/npm/folder"
)

// Database is the name of the database that every server has.
const Database = "devinbox"

// patience is how long a server may take to accept connections. One that was killed recovers first.
const patience = time.Minute

// Options say what kind of server is wanted. The zero value is the one for development.
type Options struct {
	Dir      string            // the folder for everything; "" is "postgres" in [folder.Data]
	Settings map[string]string // of the server, beyond Postgres's own defaults: "max_connections": "300"
	NoSync   bool              // for tests: fast, and the data does not outlive a crash of the machine
	Progress io.Writer         // gets a line when something is done that takes time; may be nil
}

// Server is a running Postgres. It is safe for use by several goroutines at once.
type Server struct {
	cluster *cluster
	port    int

	mu    sync.Mutex
	users *os.File // nil once stopped
}

// Start starts the server of a folder and waits until it serves; where it runs already, left by a process that was
// killed or used by another one, that server is taken over, with the settings that it has. The server listens on
// 127.0.0.1, at a port that is the same at each start unless somebody else has taken it, and asks for a password,
// which is made at random and kept in the folder. The data stays between starts.
//
// The server does not end with this process, nor at the terminal's Ctrl-C: only at [Server.Stop].
// Run by root, it runs as [folder.Owner].
// Errors: no Postgres to be had; a folder that holds something else, or data of another major version; a server that
// does not come up. Each says what helps.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if err := checkWay(); err != nil {
		return nil, err
	}
	c, lock, err := open(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	s := &Server{cluster: c}
	if s.port, err = c.start(ctx, o, lock); err != nil {
		return nil, err
	}
	// While the lock is held, so that nobody finds the server without a user and stops it.
	if s.users, err = c.use(); err == nil {
		err = s.createDatabase(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.leave())
	}
	return s, nil
}

// URL returns the address of one of the server's databases, with the password of its superuser.
func (s *Server) URL(database string) string { return s.cluster.url(s.port, database) }

// LogFile returns the path of the file that Postgres writes its log to.
func (s *Server) LogFile() string { return s.cluster.logFile() }

// Stop shuts the server down, cutting every connection, and waits for its end. Where another process still uses the
// server it goes on. A second call does nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		return nil
	}
	lock, err := folder.Lock(context.Background(), filepath.Join(s.cluster.dir, "lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	return s.leave()
}

// leave gives up the use of the server, and stops it where nobody else uses it. The lock must be held.
func (s *Server) leave() error {
	if s.users != nil {
		err := syscall.Flock(int(s.users.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		s.users.Close()
		s.users = nil
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil
		}
	}
	p, err := s.cluster.running()
	if err != nil || p == nil {
		return err
	}
	return p.stop()
}

func (c *cluster) url(port int, database string) string {
	return (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}).String()
}

// start makes sure that a server runs, and returns its port.
func (c *cluster) start(ctx context.Context, o Options, lock *os.File) (port int, err error) {
	major, err := c.major()
	if err != nil {
		return 0, err
	}
	if err := c.readPassword(major != 0); err != nil {
		return 0, err
	}
	p, err := c.running()
	if err != nil {
		return 0, err
	}
	if p != nil {
		switch err := c.await(ctx, p.port, func() bool { return !p.alive() }); {
		case err == nil:
			return p.port, nil
		case !errors.Is(err, errEnded):
			return 0, fmt.Errorf("the Postgres that runs in %s, process %d, cannot be taken over (end it with: kill %d): %w", c.dir, p.pid, p.pid, err)
		}
	}
	if err := c.reachable(ctx); err != nil {
		return 0, err
	}
	b, err := find(ctx, major, o.Progress)
	var wrong *versionError
	if errors.As(err, &wrong) {
		return 0, fmt.Errorf("the data in %s was %w: install Postgres %d, or name another folder, or remove this one to begin with an empty database", c.dir, err, wrong.made)
	}
	if err != nil {
		return 0, err
	}
	if major == 0 {
		if err := c.initialise(ctx, b, lock, o.NoSync, o.Progress); err != nil {
			return 0, err
		}
	}
	return c.launch(ctx, b, o)
}

// launch runs postgres, at the first free port.
func (c *cluster) launch(ctx context.Context, b binaries, o Options) (port int, err error) {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
	}
	if o.NoSync {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "off", "off", "off"
	}
	maps.Copy(settings, o.Settings)
	args := []string{"-D", c.data()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	log, err := c.openLog()
	if err != nil {
		return 0, err
	}
	defer log.Close()

	for port := range c.ports {
		// It must outlive ctx, which ends with the start.
		cmd, err := command(context.WithoutCancel(ctx), filepath.Join(b.dir, "postgres"), append(args, "-p", strconv.Itoa(port))...)
		if err != nil {
			return 0, err
		}
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			cmd.Wait() // what it ended with is in its log
		}()
		err = c.await(ctx, port, func() bool {
			select {
			case <-ended:
				return true
			default:
				return false
			}
		})
		switch {
		case err == nil:
			return port, nil
		case !errors.Is(err, errEnded):
			return 0, errors.Join(err, (&process{pid: cmd.Process.Pid}).stop())
		case free(port):
			return 0, fmt.Errorf("Postgres does not start; the end of its log %s:\n%s", c.logFile(), c.logTail())
		}
		// Somebody else was faster at this port.
	}
	return 0, errors.New("no free port between 20000 and 30000 on 127.0.0.1")
}

// openLog opens Postgres's log for appending. One that has grown large is put aside first.
func (c *cluster) openLog() (*os.File, error) {
	if info, err := os.Stat(c.logFile()); err == nil && info.Size() > 16<<20 {
		if err := os.Rename(c.logFile(), c.logFile()+".old"); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return log, folder.Give(c.logFile())
}

func (c *cluster) logTail() string {
	text, err := os.ReadFile(c.logFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "\n")
}

// ports yields the free ports between 20000 and 30000, which no system hands out by itself. Each folder begins at a
// place of its own among them.
func (c *cluster) ports(yield func(int) bool) {
	const first, count = 20000, 10000
	hash := fnv.New32a()
	io.WriteString(hash, c.dir)
	for n := range uint32(count) {
		port := first + int((hash.Sum32()%count+n)%count)
		if free(port) && !yield(port) {
			return
		}
	}
}

func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

var errEnded = errors.New("Postgres has ended")

// await waits until the server of this very folder accepts connections.
// Errors: errEnded; the server's refusal; no answer in time.
func (c *cluster) await(ctx context.Context, port int, ended func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no connection within %v", patience))
	defer cancel()
	for {
		err := c.verify(ctx, port)
		if err == nil {
			return nil
		}
		if ended() {
			return errEnded
		}
		var refusal *pgconn.PgError
		if errors.As(err, &refusal) && refusal.Code != "57P03" { // 57P03: it starts, or it stops
			return refusal
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *cluster) verify(ctx context.Context, port int) error {
	conn, err := pgx.Connect(ctx, c.url(port, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var data string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&data); err != nil {
		return err
	}
	if data != c.data() {
		return fmt.Errorf("the port %d is another server's", port)
	}
	return nil
}

func (s *Server) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", Database).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "create database "+Database)
	return err
}
