package migrate_test

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// files are all that Up runs in a new database, in that order.
func files(t *testing.T) (steps, functions []string) {
	t.Helper()
	steps, err := fs.Glob(postgres.Schema, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	functions, err = fs.Glob(postgres.Schema, "functions/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return steps, functions
}

func up(t *testing.T, url string) (ran []string) {
	t.Helper()
	if err := migrate.Up(t.Context(), url, func(name string) { ran = append(ran, name) }); err != nil {
		t.Fatal(err)
	}
	return ran
}

func status(t *testing.T, url string) migrate.Status {
	t.Helper()
	s, err := migrate.Read(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exec(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn := connect(t, url)
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func send(t *testing.T, url string) chat.Saved {
	t.Helper()
	store, err := postgres.Open(postgres.Options{URL: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	saved, err := store.Send(t.Context(), chat.SendParams{
		ClientID: "42", Sender: chat.Identity{ID: "42", Role: chat.Client}, Body: "Hello", Preview: "Hello", Create: true, Live: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func TestUpBringsAnEmptyDatabaseToTheSchema(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	steps, functions := files(t)
	all := slices.Concat(steps, functions)
	if s := status(t, url); s.Applied != 0 || !slices.Equal(s.Pending, all) {
		t.Errorf("before: %+v", s)
	}
	if ran := up(t, url); !slices.Equal(ran, all) {
		t.Errorf("ran %q, want %q", ran, all)
	}
	if s := status(t, url); s.Applied != len(steps) || len(s.Pending) != 0 {
		t.Errorf("after: %+v", s)
	}
	if saved := send(t, url); saved.Message.Seq != 1 {
		t.Errorf("saved %+v", saved)
	}
}

func TestUpAgainKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	url := testdb.New(t)
	send(t, url)
	_, functions := files(t)
	if ran := up(t, url); !slices.Equal(ran, functions) {
		t.Errorf("ran %q, want the functions alone", ran)
	}
	if saved := send(t, url); saved.Message.Seq != 2 {
		t.Errorf("the second message has the seq %d", saved.Message.Seq)
	}
}

func TestSeveralAtOnceDoEachStepOnce(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	var mu sync.Mutex
	times := map[string]int{}
	var running sync.WaitGroup
	for range 6 {
		running.Go(func() {
			err := migrate.Up(t.Context(), url, func(name string) {
				mu.Lock()
				defer mu.Unlock()
				times[name]++
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	steps, functions := files(t)
	for _, name := range steps {
		if times[name] != 1 {
			t.Errorf("%s ran %d times", name, times[name])
		}
	}
	for _, name := range functions {
		if times[name] != 6 {
			t.Errorf("%s ran %d times, want once for each", name, times[name])
		}
	}
	if s := status(t, url); s.Applied != len(steps) || len(s.Pending) != 0 {
		t.Errorf("after: %+v", s)
	}
}

func TestADatabaseOfALaterVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	url := testdb.New(t)
	exec(t, url, "update chat.schema_version set version = 1000", "drop function chat.read_v3")
	if err := migrate.Up(t.Context(), url, func(name string) { t.Errorf("ran %s", name) }); !errors.Is(err, migrate.ErrNewer) {
		t.Errorf("Up: %v", err)
	}
	if _, err := migrate.Read(t.Context(), url); !errors.Is(err, migrate.ErrNewer) {
		t.Errorf("Read: %v", err)
	}
}

func TestAFunctionThatIsMissingOrAnotherIsPending(t *testing.T) {
	t.Parallel()
	url := testdb.New(t)
	exec(t, url, "drop function chat.read_v3", "do $$ begin execute replace(pg_get_functiondef('chat.acknowledge_v2'::regproc), 'p_others_taken then', 'true then'); end $$")
	if s, want := status(t, url), []string{"functions/acknowledge_v2.sql", "functions/read_v3.sql"}; !slices.Equal(s.Pending, want) {
		t.Errorf("pending %q, want %q", s.Pending, want)
	}
	up(t, url)
	if s := status(t, url); len(s.Pending) != 0 {
		t.Errorf("still pending: %q", s.Pending)
	}
}

func TestAStepThatFailsLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	exec(t, url, "create schema chat", "create table chat.outbox ()") // what the step makes last is in its way
	err := migrate.Up(t.Context(), url, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "migrations/001_chat.sql") {
		t.Fatalf("error %v, want one that names the step", err)
	}
	if s := status(t, url); s.Applied != 0 {
		t.Errorf("status %+v", s)
	}
	exec(t, url, "drop table chat.outbox")
	up(t, url)
	send(t, url)
}

func TestALockThatIsNotToBeHadIsTriedForAgain(t *testing.T) {
	t.Parallel()
	url := testdb.New(t)
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "lock table chat.schema_version"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- migrate.Up(t.Context(), url, func(string) {}) }()
	time.Sleep(time.Second)
	select {
	case err := <-done:
		t.Errorf("it ended while the lock was held: %v", err)
	default:
	}
	var waiting int
	watch := connect(t, url)
	const sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) { // it steps aside between its tries
		if err := watch.QueryRow(t.Context(), sql).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it stays in the queue for the lock, and whoever comes later behind it")
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestGivingUpEndsTheWaiting(t *testing.T) {
	t.Parallel()
	address := testdb.New(t)
	tx, err := connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "lock table chat.schema_version"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := migrate.Up(ctx, address, func(string) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestWhatCannotBeConnectedToIsSaidWithoutItsPassword(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testdb.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	wrong := *u
	wrong.User = url.UserPassword(u.User.Username(), "canary")
	nowhere := wrong
	nowhere.Host = "127.0.0.1:1"
	for _, address := range []string{"", "canary", "postgres://user:canary@[::1/db", wrong.String(), nowhere.String()} {
		_, err := migrate.Read(t.Context(), address)
		if up := migrate.Up(t.Context(), address, func(string) {}); err == nil || up == nil {
			t.Errorf("%q: Read %v, Up %v", address, err, up)
		} else if strings.Contains(err.Error()+up.Error(), "canary") {
			t.Errorf("%q is repeated: %v; %v", address, err, up)
		}
	}
}
