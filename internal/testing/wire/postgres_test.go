package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/wire"
)

// postgres returns a proxy in front of a database with an empty table note(body), and a second, direct connection.
func postgres(t *testing.T) (*wire.Postgres, *pgx.Conn) {
	t.Helper()
	databaseURL := testdb.Empty(t)
	straight := connect(t, databaseURL)
	if _, err := straight.Exec(t.Context(), "create table note (body text primary key)"); err != nil {
		t.Fatal(err)
	}
	return wire.NewPostgres(t, databaseURL), straight
}

// connect opens a connection in the mode that the product pins.
func connect(t *testing.T, databaseURL string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.PgConn().Conn().Close() })
	return conn
}

func insert(ctx context.Context, conn *pgx.Conn, body string) error {
	_, err := conn.Exec(ctx, "insert into note (body) values ($1)", body)
	return err
}

func notes(t *testing.T, straight *pgx.Conn) []string {
	t.Helper()
	rows, err := straight.Query(context.Background(), "select body from note order by body collate \"C\"")
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return bodies
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

func TestWhatPgxSendsIsCounted(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	conn := connect(t, proxy.URL())

	const insertSQL = "insert into note (body) values ($1)"
	for _, test := range []struct {
		name       string
		do         func(context.Context) error
		want       wire.Traffic
		statements int
		log        []string
	}{
		{
			"a query with arguments is one round trip",
			func(ctx context.Context) error { return insert(ctx, conn, "a") },
			wire.Traffic{RoundTrips: 1, Parses: 1, Binds: 1, Executes: 1}, 1, []string{insertSQL},
		},
		{
			"a query without arguments that returns rows is one round trip",
			func(ctx context.Context) error {
				var n int
				return conn.QueryRow(ctx, "select count(*) from note").Scan(&n)
			},
			wire.Traffic{RoundTrips: 1, Parses: 1, Binds: 1, Executes: 1}, 1, []string{"select count(*) from note"},
		},
		{
			"an Exec without arguments is a simple query",
			func(ctx context.Context) error { _, err := conn.Exec(ctx, "delete from note"); return err },
			wire.Traffic{RoundTrips: 1}, 1, []string{"delete from note"},
		},
		{
			"a ping is a round trip and no statement",
			conn.Ping,
			wire.Traffic{RoundTrips: 1, Pings: 1}, 0, nil,
		},
		{
			"a batch of three is one round trip",
			func(ctx context.Context) error {
				batch := &pgx.Batch{}
				for _, body := range []string{"x", "y", "z"} {
					batch.Queue(insertSQL, body)
				}
				return conn.SendBatch(ctx, batch).Close()
			},
			wire.Traffic{RoundTrips: 1, Parses: 3, Binds: 3, Executes: 3}, 1, []string{insertSQL, insertSQL, insertSQL},
		},
		{
			"a transaction pays for begin and for commit",
			func(ctx context.Context) error {
				return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return insert(ctx, tx.Conn(), "in a transaction") })
			},
			wire.Traffic{RoundTrips: 3, Parses: 1, Binds: 1, Executes: 1}, 3, []string{"begin", insertSQL, "commit"},
		},
		{
			"a statement that fails is a round trip as well",
			func(ctx context.Context) error {
				if err := insert(ctx, conn, "x"); err == nil {
					return errors.New("the key was taken twice")
				}
				return nil
			},
			wire.Traffic{RoundTrips: 1, Parses: 1, Binds: 1, Executes: 1}, 1, []string{insertSQL},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy.Reset()
			if err := test.do(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := proxy.Traffic(); got != test.want {
				t.Errorf("traffic %+v, want %+v", got, test.want)
			}
			if got := proxy.Statements(); got != test.statements {
				t.Errorf("%d statements, want %d", got, test.statements)
			}
			if got := proxy.Log(); !slices.Equal(got, test.log) {
				t.Errorf("log %q, want %q", got, test.log)
			}
		})
	}
}

func TestOpeningAConnectionIsNoStatement(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	connect(t, proxy.URL())
	if got, want := proxy.Traffic(), (wire.Traffic{Connections: 1}); got != want {
		t.Errorf("traffic %+v, want %+v", got, want)
	}
}

func TestTwoConnectionsAreServedAndCountedAtOnce(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)

	var senders sync.WaitGroup
	for range 2 {
		conn := connect(t, proxy.URL())
		senders.Go(func() {
			for range 50 {
				if _, err := conn.Exec(t.Context(), "select pg_sleep($1::float8)", 0.001); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	want := wire.Traffic{Connections: 2, RoundTrips: 100, Parses: 100, Binds: 100, Executes: 100}
	if got := proxy.Traffic(); got != want {
		t.Errorf("traffic %+v, want %+v", got, want)
	}
}

func TestALargeRowPassesUnchanged(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	conn := connect(t, proxy.URL())
	sent := strings.Repeat("0123456789", 100_000)
	var got string
	if err := conn.QueryRow(t.Context(), "select $1::text", sent).Scan(&got); err != nil || got != sent {
		t.Errorf("%d bytes came back (%v), want the %d that were sent", len(got), err, len(sent))
	}
}

func TestEncryptionIsDeclined(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	config, err := pgx.ParseConfig(proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		if err != nil {
			return nil, err
		}
		for _, request := range []string{"\x00\x00\x00\x08\x04\xd2\x16\x2f", "\x00\x00\x00\x08\x04\xd2\x16\x30"} { // SSL, GSSAPI
			answer := make([]byte, 1)
			io.WriteString(conn, request)
			if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != 'N' {
				t.Errorf("%q was answered %q, %v", request, answer, err)
			}
		}
		return conn, nil
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got, want := proxy.Traffic(), (wire.Traffic{Connections: 1}); got != want {
		t.Errorf("traffic %+v, want %+v", got, want)
	}
}

func TestACancelledStatementIsCancelledThroughTheProxy(t *testing.T) {
	t.Parallel()
	proxy, straight := postgres(t)
	conn := connect(t, proxy.URL())

	const sleepSQL = "select pg_sleep($1::float8)"
	if _, err := conn.Exec(within(t, 100*time.Millisecond), sleepSQL, 60.0); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the deadline", err)
	}
	eventually(t, "the server stopped the statement", func() bool {
		var running int
		err := straight.QueryRow(t.Context(), `
			select count(*) from pg_stat_activity
			where datname = current_database() and state = 'active' and query = $1`, sleepSQL).Scan(&running)
		return err == nil && running == 0 && proxy.Traffic().Cancels == 1
	})
	if got := proxy.Traffic().Connections; got != 1 {
		t.Errorf("%d connections, want 1: a cancel is none", got)
	}
}

func TestCutResetsWhatExistsAndNothingElse(t *testing.T) {
	t.Parallel()
	proxy, straight := postgres(t)
	first, second := connect(t, proxy.URL()), connect(t, proxy.URL())

	proxy.Cut()
	for _, conn := range []*pgx.Conn{first, second} {
		if err := insert(t.Context(), conn, "lost"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("got %v, want a reset connection", err)
		}
	}
	if err := insert(t.Context(), connect(t, proxy.URL()), "after"); err != nil {
		t.Error(err)
	}
	if got, want := notes(t, straight), []string{"after"}; !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestABlackHoleBlocksUntilTheDeadlineAndSparesNewConnections(t *testing.T) {
	t.Parallel()
	proxy, straight := postgres(t)
	old := connect(t, proxy.URL())
	proxy.Reset()

	proxy.BlackHole()
	const deadline = 150 * time.Millisecond
	start := time.Now()
	err := insert(within(t, deadline), old, "swallowed")
	if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took < deadline {
		t.Errorf("got %v after %v, want the deadline after %v", err, took, deadline)
	}
	if got := proxy.Statements(); got != 0 {
		t.Errorf("%d statements, want 0: it never reached the server", got)
	}
	if err := insert(t.Context(), connect(t, proxy.URL()), "after"); err != nil {
		t.Error(err)
	}
	if got, want := notes(t, straight), []string{"after"}; !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestTheServersSessionOutlivesItsClientInABlackHole(t *testing.T) {
	t.Parallel()
	proxy, straight := postgres(t)
	conn := connect(t, proxy.URL())
	if _, err := conn.Exec(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context(), conn, "open"); err != nil {
		t.Fatal(err)
	}
	inTransaction := func() bool {
		var n int
		if err := straight.QueryRow(t.Context(), `
			select count(*) from pg_stat_activity
			where datname = current_database() and state = 'idle in transaction'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	}

	proxy.BlackHole()
	if err := conn.PgConn().Conn().Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if !inTransaction() {
		t.Error("the session is gone, want it open: nobody told the server")
	}
	proxy.Cut()
	eventually(t, "Cut ends the session", func() bool { return !inTransaction() })
}

func TestRefusedConnectionsWorkAgainOnTheSamePort(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	old := connect(t, proxy.URL())

	for range 3 {
		proxy.Refuse(true)
		if _, err := pgx.Connect(t.Context(), proxy.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v, want a refused connection", err)
		}
		if err := old.Ping(t.Context()); err != nil {
			t.Errorf("the existing connection: %v", err)
		}
		proxy.Refuse(false)
		connect(t, proxy.URL())
	}
}

func TestAHangingConnectionGoesOnWhenReleasedUnlessItsClientLeft(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	old := connect(t, proxy.URL())
	proxy.Reset()

	proxy.Hang(true)
	if _, err := pgx.Connect(within(t, 200*time.Millisecond), proxy.URL()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if err := old.Ping(t.Context()); err != nil {
		t.Errorf("the existing connection: %v", err)
	}
	patient := make(chan error, 1)
	go func() {
		conn, err := pgx.Connect(t.Context(), proxy.URL())
		if err == nil {
			err = conn.Close(t.Context())
		}
		patient <- err
	}()
	eventually(t, "both hang", func() bool { return proxy.Traffic().Connections == 2 })
	proxy.Hang(false)
	if err := <-patient; err != nil {
		t.Errorf("the connection that waited: %v", err)
	}
	connect(t, proxy.URL())
}

func TestADelayIsPaidOncePerDirection(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	conn := connect(t, proxy.URL())

	const delay = time.Second // much longer than a busy machine stands still
	query := func() time.Duration {
		start := time.Now()
		rows, err := conn.Query(t.Context(), "select repeat('x', 1000) from generate_series(1, $1::int)", 200)
		if err != nil {
			t.Fatal(err)
		}
		if bodies, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(bodies) != 200 {
			t.Fatalf("%d rows, %v", len(bodies), err)
		}
		return time.Since(start)
	}
	proxy.Delay(delay)
	if took := query(); took < 2*delay || took >= 5*delay {
		t.Errorf("five messages there and 200 rows back took %v, want about %v", took, 2*delay)
	}
	proxy.Delay(0)
	if took := query(); took >= 2*delay {
		t.Errorf("without the delay: %v", took)
	}
}

func TestAStatementWhoseAnswerIsLostWasExecuted(t *testing.T) {
	t.Parallel()
	proxy, straight := postgres(t)
	for _, text := range []string{"", "into note"} {
		before := connect(t, proxy.URL())
		if err := insert(t.Context(), before, text+" 0 before"); err != nil {
			t.Fatal(err)
		}
		proxy.LoseAnswer(2, text)
		if text != "" {
			if err := before.QueryRow(t.Context(), "select $1::text", text).Scan(&text); err != nil {
				t.Errorf("%q: a statement with another text: %v", text, err)
			}
		}
		if err := before.Ping(t.Context()); err != nil {
			t.Errorf("%q: a ping: %v", text, err)
		}
		for _, body := range []string{text + " 1 lost", text + " 2 lost"} {
			if err := insert(t.Context(), connect(t, proxy.URL()), body); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%q: got %v, want a reset connection", body, err)
			}
		}
		if err := insert(t.Context(), before, text+" 3 answered"); err != nil {
			t.Errorf("%q: a statement after those: %v", text, err)
		}
	}
	want := []string{
		" 0 before", " 1 lost", " 2 lost", " 3 answered",
		"into note 0 before", "into note 1 lost", "into note 2 lost", "into note 3 answered",
	}
	if got := notes(t, straight); !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestNothingOfALostAnswerArrives(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	conn := connect(t, proxy.URL())
	proxy.LoseAnswer(1, "")
	rows, err := conn.Query(t.Context(), `
		select repeat('x', 20000), pg_sleep($1::float8)
		from generate_series(1, 5)`, 0.01)
	if err == nil {
		if rows.Next() {
			t.Error("a row arrived")
		}
		rows.Close()
		err = rows.Err()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset connection", err)
	}
}

func TestACommitWhoseAnswerIsLostIsACommit(t *testing.T) {
	t.Parallel()
	proxy, straight := postgres(t)
	conn := connect(t, proxy.URL())

	proxy.LoseAnswer(1, "commit")
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error { return insert(t.Context(), tx.Conn(), "committed") })
	// For a simple query, and for a batch, pgx does not report the reset but the state in which it left the connection.
	// pgconn.SafeToRetry is true for this error, which is wrong.
	if !errors.Is(err, pgconn.ErrConnClosed) {
		t.Errorf("got %v, want a closed connection", err)
	}
	if got, want := notes(t, straight), []string{"committed"}; !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestAServerThatIsGoneIsAResetConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := wire.NewPostgres(t, "postgres://"+l.Addr().String()+"/any?sslmode=disable")
	l.Close()
	if _, err := pgx.Connect(t.Context(), proxy.URL()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset connection", err)
	}
}

func TestTheURLKeepsAllButTheServer(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"postgres://me:p%40ss@127.0.0.1:5432/chat?application_name=a%20b+c&sslmode=disable",
		"postgresql://me:p%40ss@/chat?application_name=a%20b+c&host=%2Fa%2Fdirectory&port=5432&sslmode=disable",
	} {
		got, err := pgx.ParseConfig(wire.NewPostgres(t, given).URL())
		if err != nil {
			t.Fatal(err)
		}
		if got.Host != "127.0.0.1" || got.Port == 5432 {
			t.Errorf("%s: goes to %s port %d, want the proxy", given, got.Host, got.Port)
		}
		if got.User != "me" || got.Password != "p@ss" || got.Database != "chat" || got.RuntimeParams["application_name"] != "a b+c" {
			t.Errorf("%s: became %s", given, got.ConnString())
		}
	}
}

func TestAStatementStallsBeforeOrAfterItIsExecuted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer, cut bool
		stored      []string // while it stalls
		after       []string // when it was let go on, or its connection was cut
	}{
		"on its way there":                 {false, false, nil, []string{"held"}},
		"on its way back":                  {true, false, []string{"held"}, []string{"held"}},
		"on its way there, then it is cut": {false, true, nil, nil},
		"on its way back, then it is cut":  {true, true, []string{"held"}, []string{"held"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, straight := postgres(t)
			conn, other := connect(t, proxy.URL()), connect(t, proxy.URL())
			stalled, release := proxy.Hold("into note", test.answer)
			var one int
			if err := other.QueryRow(t.Context(), "select 1").Scan(&one); err != nil { // another text passes
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- insert(t.Context(), conn, "held") }()
			<-stalled
			if test.answer {
				eventually(t, "it is stored", func() bool { return len(notes(t, straight)) == 1 })
			}
			if got := notes(t, straight); !slices.Equal(got, test.stored) {
				t.Errorf("stored %q while it stalls, want %q", got, test.stored)
			}
			if err := other.QueryRow(t.Context(), "select 1").Scan(&one); err != nil {
				t.Errorf("another connection: %v", err)
			}
			if test.cut {
				proxy.Cut()
			}
			release()
			release()
			if err := <-done; (err != nil) != test.cut {
				t.Errorf("its caller was told %v", err)
			}
			if got := notes(t, straight); !slices.Equal(got, test.after) {
				t.Errorf("stored %q in the end, want %q", got, test.after)
			}
		})
	}
}

func TestAnOrderToStallThatNothingMetIsForgotten(t *testing.T) {
	t.Parallel()
	proxy, _ := postgres(t)
	conn := connect(t, proxy.URL())
	stalled, release := proxy.Hold("into note", false)
	release()
	if err := insert(t.Context(), conn, "passes"); err != nil {
		t.Error(err)
	}
	select {
	case <-stalled:
		t.Error("it stalled")
	default:
	}
}
