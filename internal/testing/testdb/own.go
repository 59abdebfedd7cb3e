package testdb

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"devinbox/internal/dev/pgserver"
	"devinbox/internal/testing/stage"
	"devinbox/pkg/postgres/migrate"
)

// OwnServer is a Postgres server for one test, which may stop it and start it again.
type OwnServer struct {
	t         stage.T
	temporary temporary
	server    *pgserver.Server
	url       string
}

// Server starts a Postgres server for t alone, even if DEVINBOX_TEST_DATABASE_URL names one. It ends with t.
// Each of settings is name=value of a setting of the server, such as max_connections=30.
func Server(t stage.T, settings ...string) *OwnServer {
	t.Helper()
	s := &OwnServer{t: t, temporary: temporary{settings: map[string]string{}}}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		s.temporary.settings[name] = value
	}
	t.Cleanup(s.temporary.end)
	s.Start()
	s.url = s.server.URL(pgserver.Database)
	if err := migrate.Up(t.Context(), s.url, func(string) {}); err != nil {
		t.Fatalf("testdb: migrate: %v", err)
	}
	if err := grantRights(t.Context(), s.url); err != nil {
		t.Fatalf("testdb: grant: %v", err)
	}
	return s
}

// URL returns the URL of a migrated database of the server. It stays the same when the server is stopped and started.
func (s *OwnServer) URL() string { return s.url }

// LogFile returns the path of Postgres's log file. It is removed after the test.
func (s *OwnServer) LogFile() string { return s.server.LogFile() }

// Stop shuts the server down, which cuts every connection, and waits until it has ended.
func (s *OwnServer) Stop() {
	s.t.Helper()
	if err := s.server.Stop(); err != nil {
		s.t.Fatalf("testdb: stop: %v", err)
	}
}

// Start starts the server again, with its data and on the same port, and waits until it serves.
func (s *OwnServer) Start() {
	s.t.Helper()
	server, err := s.temporary.start()
	if err != nil {
		s.t.Fatalf("testdb: start: %v", err)
	}
	if s.server != nil && server.URL("") != s.server.URL("") {
		s.t.Fatal("testdb: another program took the server's port while it was stopped")
	}
	s.server = server
}

// Crash ends the server as a crash of all of its processes does: at once, with nothing written that was not. What was
// committed is there after Start, as long as the server's synchronous_commit is on.
func (s *OwnServer) Crash() {
	s.t.Helper()
	text, err := os.ReadFile(pgserver.PIDFile(s.temporary.dir))
	if err != nil {
		s.t.Fatalf("testdb: crash: %v", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		s.t.Fatal("testdb: crash: the server's pid file cannot be read")
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		s.t.Fatalf("testdb: crash: %v", err)
	}
	s.Stop() // waits for its end
}

// BecomeStandby makes the server a copy that follows another one, which it has none of: it is read, and takes no writes.
func (s *OwnServer) BecomeStandby() {
	s.t.Helper()
	s.Stop()
	signal := filepath.Join(filepath.Dir(s.server.LogFile()), "data", "standby.signal")
	if err := os.WriteFile(signal, nil, 0o644); err != nil {
		s.t.Fatalf("testdb: %v", err)
	}
	s.Start()
}
