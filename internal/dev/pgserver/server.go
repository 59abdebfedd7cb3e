// Package pgserver runs a separate Postgres on this machine, for development and tests: with the programs of an
// installed Postgres, or with those from npm if none is installed.
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

// Options say what kind of server to start. The zero value is for development.
type Options struct {
	Dir      string            // the folder for everything; "" is "postgres" in [folder.Data]
	Settings map[string]string // of the server, on top of Postgres's own defaults: "max_connections": "300"
	NoSync   bool              // for tests: fast, but the data does not survive a crash of the machine
	Progress io.Writer         // gets a line when something slow starts; may be nil
}

// Server is a running Postgres. It is safe for use by several goroutines at once.
type Server struct {
	cluster *cluster
	port    int

	mu    sync.Mutex
	users *os.File // nil once stopped
}

// Start starts the server of a folder and waits until it serves. If the server is running already, because another
// process uses it or was killed, it is taken over with the settings that it has. The server listens on 127.0.0.1, on a
// port that is the same at each start unless something else has taken it, and asks for a password, which is made at
// random and kept in the folder. The data stays between starts.
//
// The server does not end with this process or with the terminal's Ctrl-C, only with [Server.Stop].
// If root starts it, it runs as [folder.Owner].
// Errors: no Postgres available; a folder that holds something else, or data of another major version; a server that
// does not start. Each says what helps.
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

// URL returns the URL of one of the server's databases, with the password of its superuser.
func (s *Server) URL(database string) string { return s.cluster.url(s.port, database) }

// LogFile returns the path of Postgres's log file.
func (s *Server) LogFile() string { return s.cluster.logFile() }

// Stop shuts the server down, which cuts every connection, and waits until it has ended. If another process still uses
// the server, it keeps running. A second call does nothing.
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

// leave ends this process's use of the server, and stops it if nobody else uses it. The caller must hold the lock.
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
