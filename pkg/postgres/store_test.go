package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// world is one test's own database, with a store on it and a look at it past the store.
type world struct {
	*testing.T
	url   string
	store *postgres.Store
	db    *pgxpool.Pool
}

func setup(t *testing.T) *world {
	t.Helper()
	url := testdb.New(t)
	deployed := testdb.Deployed(t, url)
	return &world{t, deployed, open(t, deployed), look(t, url)}
}

// open opens a store that gives no call up because the machine is slow: other tests run beside this one.
func open(t *testing.T, url string) *postgres.Store {
	t.Helper()
	store, err := postgres.OpenPatient(postgres.Options{URL: url}, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// openAsDeployed opens a store that waits no longer than a deployment's. It is for tests of calls that get no answer.
func openAsDeployed(t *testing.T, url string) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(postgres.Options{URL: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func look(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	db, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// ask is the one value that a query past the store gives.
func ask[T any](w *world, sql string, args ...any) T {
	w.Helper()
	var answer T
	if err := w.db.QueryRow(w.Context(), sql, args...).Scan(&answer); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.db.Exec(w.Context(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

// hold begins a transaction that holds what sql locks, until it is rolled back or the test ends.
func (w *world) hold(sql string) pgx.Tx {
	w.Helper()
	tx, err := w.db.Begin(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { tx.Rollback(context.Background()) })
	if _, err := tx.Exec(w.Context(), sql); err != nil {
		w.Fatal(err)
	}
	return tx
}

// send sends what must succeed.
func (w *world) send(p chat.SendParams) chat.Saved {
	w.Helper()
	saved, err := w.store.Send(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	return saved
}

// marked is what a read mark gave, with where the reader's mark stands.
type marked struct {
	chat.Saved
	UpToSeq int64
}

// read marks read what must succeed.
func (w *world) read(p chat.ReadParams) marked {
	w.Helper()
	saved, err := w.store.MarkRead(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	return marked{saved, saved.Conversation.Read.Of(p.Reader.Role)}
}

// deliver acknowledges, and claims at most so many, which must succeed.
func (w *world) deliver(d chat.Delivery, claim int) []chat.Event {
	w.Helper()
	if len(d.Delivered)+len(d.Refused)+len(d.Rejected) > 0 {
		if _, err := w.store.Acknowledge(w.Context(), d); err != nil {
			w.Fatal(err)
		}
	}
	if claim == 0 {
		return nil
	}
	events, err := w.store.Claim(w.Context(), claim)
	if err != nil {
		w.Fatal(err)
	}
	return events
}

func client(id string) chat.Identity { return chat.Identity{ID: id, Role: chat.Client} }

var ada = chat.Identity{ID: "ada", Role: chat.Developer, Name: "Ada"}

// fromClient is a client's message to its own conversation.
func fromClient(id, body string) chat.SendParams {
	return chat.SendParams{ClientID: id, Sender: client(id), Body: body, Preview: chat.Preview(body), Create: true, Live: true}
}

// fromAda is a developer's message.
func fromAda(clientID, body string) chat.SendParams {
	return chat.SendParams{ClientID: clientID, Sender: ada, Body: body, Preview: chat.Preview(body), Live: true}
}

func keyed(p chat.SendParams, key string) chat.SendParams {
	p.ClientMessageID = &key
	return p
}

func byClient(id string, upTo int64) chat.ReadParams {
	return chat.ReadParams{ClientID: id, Reader: client(id), UpToSeq: upTo, Live: true}
}

func byAda(clientID string, upTo int64) chat.ReadParams {
	return chat.ReadParams{ClientID: clientID, Reader: ada, UpToSeq: upTo, Live: true}
}

func keys(events []chat.Event) []chat.EventKey {
	var keys []chat.EventKey
	for _, e := range events {
		keys = append(keys, e.EventKey)
	}
	return keys
}

// wantKind fails the test where err is not of a kind, and gives it.
func wantKind(t *testing.T, err error, kind chat.Kind) *chat.Error {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error %v, want one of kind %s", err, kind)
	}
	return e
}

func wantKeys(t *testing.T, events []chat.Event, want ...chat.EventKey) {
	t.Helper()
	if got := keys(events); !slices.Equal(got, want) {
		t.Errorf("events %+v, want %+v", got, want)
	}
}

// promised is how long a call may take where the database does not answer: 2.5 s, and some for a busy machine.
const promised = 4 * time.Second

// within fails the test where do takes longer than d.
func within(t *testing.T, d time.Duration, do func()) {
	t.Helper()
	begun := time.Now()
	do()
	if took := time.Since(begun); took > d {
		t.Errorf("it took %v, want at most %v", took, d)
	}
}

func pointer[T any](v T) *T { return &v }

func TestAURLThatCannotBeReadIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"",
		"canary",
		"mysql://canary:canary@localhost/canary",
		"postgres://user:canary@host:notaport/canary",
		"postgres://user:can ary@[::1/canary",
		"postgres://user:canary@host/db?sslmode=canary",
		"postgres://user:canary@host/db?pool_max_conns=canary",
		"postgres://user:canary@host/db?default_query_exec_mode=canary",
		"postgres://user:canary@host/db?channel_binding=canary",
	} {
		store, err := postgres.Open(postgres.Options{URL: url}, nil)
		if err == nil {
			store.Close()
			t.Errorf("%q was taken", url)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%q is repeated in: %v", url, err)
		}
		if faults := (postgres.Options{URL: url}).Faults(); len(faults) != 1 || faults[0].Name != "URL" || strings.Contains(faults[0].Message, "canary") {
			t.Errorf("%q: %v", url, faults)
		}
	}
}

func TestObserveIsToldOfEveryCall(t *testing.T) {
	t.Parallel()
	type key struct{}
	var seen []any
	store, err := postgres.Open(postgres.Options{URL: testdb.New(t)}, func(ctx context.Context, took time.Duration) {
		if took <= 0 {
			t.Errorf("a call took %v", took)
		}
		seen = append(seen, ctx.Value(key{}))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	store.Queue(context.WithValue(t.Context(), key{}, "a"), 1)
	store.MarkRead(context.WithValue(t.Context(), key{}, "b"), byAda("nobody", 1))
	if !slices.Equal(seen, []any{"a", "b"}) {
		t.Errorf("observed %v", seen)
	}
}

func TestParametersOfTheURLNeitherBreakAConnectionNorReachIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, parameters := range []string{
		"pgbouncer=true", "connection_limit=1&pool_timeout=10", "schema=elsewhere", "supa=base-pooler.x",
		"channel_binding=prefer", "connect_timeout=15", "target_session_attrs=read-write", "pool_max_conns=9&pool_min_conns=4",
		"default_query_exec_mode=cache_statement", "default_query_exec_mode=describe_exec", "default_query_exec_mode=simple_protocol",
		"statement_cache_capacity=512&description_cache_capacity=512", "search_path=elsewhere&statement_timeout=1", "application_name=mine",
		"options=-c%20work_mem%3D5MB",
	} {
		store := open(t, w.url+"&"+parameters)
		for range 3 { // a statement that were prepared would be so by now
			if _, _, err := store.Queue(t.Context(), 1); err != nil {
				t.Errorf("%s: %v", parameters, err)
			}
		}
		store.Close()
	}
	config, err := pgx.ParseConfig(w.url + "&default_query_exec_mode=describe_exec&statement_timeout=1&application_name=mine")
	if err != nil {
		t.Fatal(err)
	}
	postgres.Pin(config)
	if config.DefaultQueryExecMode != pgx.QueryExecModeExec || config.StatementCacheCapacity != 0 || config.DescriptionCacheCapacity != 0 {
		t.Errorf("the URL chose how statements run: %v", config.DefaultQueryExecMode)
	}
	if len(config.RuntimeParams) != 4 || config.RuntimeParams["application_name"] != "mine" || config.RuntimeParams["search_path"] != "" {
		t.Errorf("start-up parameters %v", config.RuntimeParams)
	}
}
