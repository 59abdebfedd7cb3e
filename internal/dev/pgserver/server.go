// Package pgserver runs a Postgres of devinbox's own on this machine, for development and tests: with the programs of
// a Postgres that is installed, or else with those that npm has.
package pgserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/folder"
)

// Database is the name of the database that every server has.
const Database = "devinbox"

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
	users, err := c.use()
	if err != nil {
		return nil, err
	}
	port, err := c.start(ctx, o, lock)
	if err != nil {
		users.Close()
		return nil, err
	}
	s := &Server{cluster: c, port: port, users: users}
	if err := s.createDatabase(ctx); err != nil {
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
	err := syscall.Flock(int(s.users.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	s.users.Close()
	s.users = nil
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	p, err := s.cluster.running()
	if err != nil || p == nil {
		return err
	}
	return p.stop()
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

func (c *cluster) url(port int, database string) string {
	return (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}).String()
}
