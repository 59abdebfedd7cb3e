package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/pkg/chat"
)

// What a call may cost. The sum is bounded by callTimeout, which is what a caller waits for at most before
// it is told that the database does not answer.
const (
	connectTimeout   = 2 * time.Second
	pingTimeout      = 300 * time.Millisecond
	statementTimeout = 1500 * time.Millisecond
	callTimeout      = 2300 * time.Millisecond

	// pingAfter is how long a connection may be idle and still be trusted. A thawed instance may hold
	// connections that the other end has long forgotten.
	pingAfter = 250 * time.Millisecond
)

// Store is chat's store. It is safe for use by several goroutines at once and opens its first connection
// when it is first needed.
type Store struct {
	pool    *pgxpool.Pool // nil where there is no URL to connect to
	observe func(context.Context, time.Duration)
	more    time.Duration // that everything may take; a test's
}

var _ chat.Store = (*Store)(nil)

// Open makes a Store. It connects to nothing yet. observe, which may be nil, is told how long each call took.
// Whatever the URL says, the pool is as large as the options say, and every connection is as [Pin] makes it.
// Errors: what [Options.Faults] finds. The Store is there even so, and every call of it fails with Unavailable.
func Open(o Options, observe func(context.Context, time.Duration)) (*Store, error) {
	return open(o, observe, 0)
}

// open is Open with more time for each part of a call.
func open(o Options, observe func(context.Context, time.Duration), more time.Duration) (*Store, error) {
	if observe == nil {
		observe = func(context.Context, time.Duration) {}
	}
	pool, err := newPool(o, more)
	return &Store{pool, observe, more}, err
}

func newPool(o Options, more time.Duration) (*pgxpool.Pool, error) {
	config, err := o.parse()
	if err != nil {
		return nil, fmt.Errorf("the URL %w", err)
	}
	Pin(config.ConnConfig)
	config.ConnConfig.ConnectTimeout = connectTimeout + more
	config.PingTimeout = pingTimeout + more
	config.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool { return p.IdleDuration > pingAfter }
	// A connection that went silent would keep its place in the pool for the 15 seconds that pgx gives it, first
	// to have its statement cancelled and then to say goodbye, and two of them would lock everybody out.
	config.ConnConfig.DialFunc = (&net.Dialer{Timeout: connectTimeout + more}).DialContext
	config.BeforeClose = func(conn *pgx.Conn) { conn.PgConn().Conn().Close() }
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, errors.New("the URL is not one that a pool can be made of")
	}
	return pool, nil
}

// Pin sets what must hold on every connection of ours, whatever its URL, its role or its database asks for:
//
//   - The exec mode, the one that is right behind every pooler. The others fail there, or give one caller another's
//     result.
//   - How text and times come across. The server has defaults of its own for these, and so may a role or a database.
//     They are start-up parameters that poolers know and keep for each client.
//   - Of the URL's start-up parameters only application_name and options. Poolers refuse others, and a URL often
//     carries some that were meant for another client, such as pgbouncer=true.
func Pin(config *pgx.ConnConfig) {
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.StatementCacheCapacity = 0
	config.DescriptionCacheCapacity = 0
	kept := map[string]string{"application_name": "devinbox", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "TimeZone": "UTC"}
	for _, name := range []string{"application_name", "options"} { // options: how some hosts route
		if value, ok := config.RuntimeParams[name]; ok {
			kept[name] = value
		}
	}
	config.RuntimeParams = kept
}

// Close closes every connection.
func (s *Store) Close() {
	if s.pool != nil {
		s.pool.Close()
	}
}

// query runs one statement and reads every row of its answer. It runs it once more where the first try
// failed in a way that says nothing about the statement: a connection that was dead, or a deadlock. That is
// safe because every statement here is idempotent: a send carries a key, the rest sets a state. Only a guest is
// counted twice then, which admits one too few and never one too many.
func query[T any](ctx context.Context, s *Store, sql string, args arguments, read pgx.RowToFunc[T]) ([]T, error) {
	return queryWithin(ctx, s, statementTimeout+s.more, sql, args, read)
}

// queryWithin is query for a statement that may take as long as patience.
func queryWithin[T any](ctx context.Context, s *Store, patience time.Duration, sql string, args arguments, read pgx.RowToFunc[T]) ([]T, error) {
	if s.pool == nil {
		return nil, unavailable(errors.New("there is no database: DATABASE_URL cannot be used"))
	}
	statement, err := numbered(sql)
	if err != nil {
		return nil, chat.Defect(err)
	}
	values, err := statement.in(args)
	if err != nil {
		return nil, chat.Defect(err)
	}
	begun := time.Now()
	defer func() { s.observe(ctx, time.Since(begun)) }()
	ctx, cancel := context.WithTimeout(ctx, callTimeout-statementTimeout+patience+s.more)
	defer cancel()

	rows, err := try(ctx, s, patience, statement.text, values, read)
	if err != nil && worthAnotherTry(err) && ctx.Err() == nil {
		s.pool.Reset() // the connections beside the dead one are as old as it was
		rows, err = try(ctx, s, patience, statement.text, values, read)
	}
	if err != nil {
		return nil, translate(err)
	}
	return rows, nil
}

// nothing reads a row of a function that returns nothing.
func nothing(pgx.CollectableRow) (struct{}, error) { return struct{}{}, nil }

// queryOne is query for a statement that always answers with exactly one row.
func queryOne[T any](ctx context.Context, s *Store, sql string, args arguments, read pgx.RowToFunc[T]) (T, error) {
	rows, err := query(ctx, s, sql, args, read)
	if err == nil && len(rows) != 1 {
		err = chat.Defect(fmt.Errorf("postgres: %d rows instead of one", len(rows)))
	}
	if err != nil {
		var none T
		return none, err
	}
	return rows[0], nil
}

func try[T any](ctx context.Context, s *Store, patience time.Duration, sql string, args []any, read pgx.RowToFunc[T]) ([]T, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, &connectError{err}
	}
	defer conn.Release()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := ask(ctx, conn.Conn(), sql, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, read)
}

// ask runs a statement as pgx does in the exec mode, but has the answer in Postgres's binary form, which costs both
// sides less, and in which a value of a composite type names the types of its columns.
func ask(ctx context.Context, conn *pgx.Conn, sql string, args []any) (pgx.Rows, error) {
	var parameters pgx.ExtendedQueryBuilder
	if err := parameters.Build(conn.TypeMap(), nil, args); err != nil {
		return nil, chat.Defect(errors.New("postgres: an argument is of a type that cannot be sent")) // what pgx says repeats it
	}
	answer := conn.PgConn().ExecParams(ctx, sql, parameters.ParamValues, nil, parameters.ParamFormats, []int16{pgx.BinaryFormatCode})
	return pgx.RowsFromResultReader(conn.TypeMap(), answer), nil
}
