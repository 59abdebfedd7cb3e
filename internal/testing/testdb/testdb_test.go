package testdb_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/postgres/migrate"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func ask[T any](t *testing.T, url, sql string) T {
	t.Helper()
	var answer T
	if err := connect(t, url).QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

const hasSchema = "select exists (select from pg_namespace where nspname = 'chat')"

func TestANewDatabaseIsMigratedAndEmpty(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	status, err := migrate.Read(t.Context(), database)
	if err != nil || status.Applied == 0 || len(status.Pending) != 0 {
		t.Errorf("%+v (%v)", status, err)
	}
	if n := ask[int](t, database, "select count(*) from chat.conversation"); n != 0 {
		t.Errorf("it holds %d conversations", n)
	}
	if n := ask[int](t, database, "select count(*) from pg_proc where pronamespace = 'chat'::regnamespace"); n == 0 {
		t.Error("it has none of the functions")
	}
}

func TestAnEmptyDatabaseIsNotMigrated(t *testing.T) {
	t.Parallel()
	if ask[bool](t, testdb.Empty(t), hasSchema) {
		t.Error("it has the schema")
	}
}

func TestEachDatabaseIsATestsOwnAndGoesWithIt(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(testing.TB) string{"New": testdb.New, "Empty": testdb.Empty} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gone string
			t.Run("test", func(t *testing.T) {
				one, other := make(t), make(t)
				gone = one
				if _, err := connect(t, one).Exec(t.Context(), "create table note ()"); err != nil {
					t.Fatal(err)
				}
				if ask[bool](t, other, "select to_regclass('note') is not null") {
					t.Error("the two are one")
				}
				// A connection that nobody closes must not prevent the drop.
				if _, err := pgx.Connect(context.Background(), one); err != nil {
					t.Fatal(err)
				}
			})
			var refusal *pgconn.PgError
			if _, err := pgx.Connect(t.Context(), gone); !errors.As(err, &refusal) || refusal.Code != "3D000" {
				t.Errorf("got %v, want that there is no such database", err)
			}
		})
	}
}

func TestManyConnectionsAreAllowed(t *testing.T) {
	t.Parallel()
	if n := ask[int](t, testdb.Empty(t), "select current_setting('max_connections')::int"); n < 200 && os.Getenv("DEVINBOX_TEST_DATABASE_URL") == "" {
		t.Errorf("%d connections at most", n)
	}
}

func TestAServerOfATestsOwnGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t)
	if !ask[bool](t, s.URL(), hasSchema) {
		t.Error("its database is not migrated")
	}
	open := connect(t, s.URL())
	if _, err := open.Exec(t.Context(), "create table note as select 'kept' as body"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := s.URL()
		s.Stop()
		if err := open.Ping(t.Context()); err == nil {
			t.Error("a connection outlived the server")
		}
		if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
			t.Error("it serves after its end")
		}
		s.Start()
		if s.URL() != before {
			t.Errorf("it was at %s and came back at %s", before, s.URL())
		}
		if got := ask[string](t, s.URL(), "select body from note"); got != "kept" {
			t.Errorf("got %q back", got)
		}
	}
	connect(t, s.URL()).Exec(t.Context(), "select this_fails()")
	if log, err := os.ReadFile(s.LogFile()); err != nil || !strings.Contains(string(log), "this_fails") {
		t.Errorf("the log (%v) holds:\n%s", err, log)
	}
}

func TestServersThatBeganAsCopiesOfOneShareNothing(t *testing.T) {
	t.Parallel()
	one, other := testdb.Server(t), testdb.Server(t)
	if _, err := connect(t, one.URL()).Exec(t.Context(), "create table note as select 'kept' as body"); err != nil {
		t.Fatal(err)
	}
	if one.URL() == other.URL() || ask[bool](t, other.URL(), "select to_regclass('note') is not null") {
		t.Error("what one holds is in the other")
	}
}

func TestAServerOfATestsOwnHasTheSettingsThatItAsksFor(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t, "max_connections=30", "work_mem=5MB")
	s.Stop()
	s.Start()
	for name, want := range map[string]string{"max_connections": "30", "work_mem": "5MB", "fsync": "off"} {
		if got := ask[string](t, s.URL(), "select current_setting('"+name+"')"); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestAServerThatCrashesHasKeptWhatWasCommitted(t *testing.T) {
	t.Parallel()
	s := testdb.Server(t, "synchronous_commit=on")
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create table kept as select 1 as n"); err != nil {
		t.Fatal(err)
	}
	s.Crash()
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("its sessions outlive it")
	}
	s.Start()
	if conn, err = pgx.Connect(t.Context(), s.URL()); err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(t.Context(), "select n from kept").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAServerOfATestsOwnEndsWithIt(t *testing.T) {
	t.Parallel()
	var log, at string
	t.Run("test", func(t *testing.T) {
		s := testdb.Server(t)
		log, at = s.LogFile(), s.URL()
	})
	if _, err := os.Stat(log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is still there (%v)", err)
	}
	if _, err := pgx.Connect(t.Context(), at); err == nil {
		t.Error("it still serves")
	}
}

func TestOnlyAServerOnThisMachineIsTaken(t *testing.T) {
	t.Parallel()
	for value, taken := range map[string]bool{
		"postgres://u:secret@127.0.0.1:5432/postgres":             true,
		"postgresql://u@127.1.2.3/postgres":                       true,
		"postgres://u@[::1]:5432/postgres":                        true,
		"postgres://u@localhost/postgres?sslmode=disable":         true,
		"postgres:///postgres?host=/var/run/postgresql":           true,
		"postgres://u:secret@db.example.com/postgres":             false,
		"postgres://u:secret@10.0.0.5/postgres":                   false,
		"postgres://u:secret@0.0.0.0/postgres":                    false,
		"postgres://u:secret@localhost.example.com/postgres":      false,
		"postgres://u:secret@127.0.0.1,db.example.com/postgres":   false,
		"postgres://u:secret@127.0.0.1/postgres?host=example.com": false,
		"host=127.0.0.1 user=u password=secret":                   false,
		"not a URL, secret":                                       false,
	} {
		got, err := testdb.Given(value)
		if taken && (got != value || err != nil) {
			t.Errorf("%s: got %q, %v", value, got, err)
		}
		if !taken && (got != "" || err == nil || !strings.Contains(err.Error(), "DEVINBOX_TEST_DATABASE_URL") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: got %q, %v", value, got, err)
		}
	}
	if got, err := testdb.Given(""); got != "" || err != nil {
		t.Errorf("none: got %q, %v", got, err)
	}
}

// address returns where a database is, without its name and its credentials.
func address(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
