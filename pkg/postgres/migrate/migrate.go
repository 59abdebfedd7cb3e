// Package migrate brings a database to the schema that this code needs. The commands and the tests use it;
// a function never does, because many instances start at once and none of them should change a table.
//
// Each numbered step is a transaction of its own; the last one creates or replaces the SQL functions. A
// transaction first takes an advisory lock and then reads the version, so two concurrent runs do each step once.
// The lock ends with the transaction. A session's lock could stay for good behind a pooler that gives every
// transaction another session.
//
// A step gives up on a lock after [lockTimeout] and is retried, because a step that waits behind a slow reader
// stalls every later send. Nothing waits for ever: if a lock is held for too long, the error names its holder.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/postgres"
)

const (
	lockTimeout = "250ms"
	pause       = 500 * time.Millisecond // between two tries, for those whom the first one stalled

	// advisoryLock is any number that nobody else uses.
	advisoryLock = 6_401_736_120_514_207
)

// ErrNewer is the error of a database that a later version of devinbox has migrated.
var ErrNewer = errors.New("the database was migrated by a later version of devinbox: update this one")

// ErrVersion is the error of a database whose own record of its steps cannot be right.
var ErrVersion = errors.New("chat.schema_version must hold one row with the number of steps that the database has, and it does not: something else has changed it, so restore the number or begin with another database")

// Status is how far a database is.
type Status struct {
	Applied int      // numbered steps that the database has
	Pending []string // files that Up would change something by: steps and functions that it lacks or has otherwise
}

// Up applies what the database lacks and replaces every function. It may be run again at any time, also by
// two at once, and also through a pooler. progress is told the name of each file as it begins. Each role that may use the
// schema gets the rights of deployed code to what is new: see [Grant].
// Errors: ErrNewer and ErrVersion; a database that does not answer; one that cannot hold the schema, which is refused
// before anything is changed; a lock that another session keeps; a step that fails, which leaves the steps before it
// done.
func Up(ctx context.Context, url string, progress func(name string)) error {
	return up(ctx, url, progress, usual)
}

func up(ctx context.Context, url string, progress func(name string), limits limits) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := check(ctx, conn); err != nil {
		return err
	}
	for done := false; !done; {
		err := patiently(ctx, limits.tries, func() error {
			return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
				done, err = next(ctx, tx, progress, limits.turn)
				return err
			})
		})
		if errors.Is(err, errTurn) || errors.Is(err, errTable) {
			return withHolders(ctx, conn, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Read tells how far a database is, and changes nothing.
// Errors: ErrNewer and ErrVersion; a database that does not answer.
func Read(ctx context.Context, url string) (Status, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return Status{}, err
	}
	defer conn.Close(ctx)
	applied, pending, err := steps(ctx, conn)
	if err != nil {
		return Status{}, err
	}
	status := Status{Applied: applied, Pending: pending}
	for _, name := range files("functions") {
		same, err := sameFunction(ctx, conn, name)
		if err != nil {
			return Status{}, err
		}
		if !same {
			status.Pending = append(status.Pending, name)
		}
	}
	return status, nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	if err := postgres.CheckURL(url); err != nil {
		return nil, fmt.Errorf("the database's URL %w", err)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read")
	}
	postgres.Pin(config)
	config.ConnectTimeout = 10 * time.Second
	return pgx.ConnectConfig(ctx, config)
}

// next does what comes next: one step, or the functions where no step is missing, which is the end.
func next(ctx context.Context, tx pgx.Tx, progress func(string), turn time.Duration) (done bool, err error) {
	// A role's own statement_timeout is made for requests, not for waiting or for building an index.
	wait := fmt.Sprintf("set local statement_timeout = 0; set local lock_timeout = %d; select pg_advisory_xact_lock(%d)", turn.Milliseconds(), advisoryLock)
	if _, err := tx.Exec(ctx, wait); err != nil {
		if isLockTimeout(err) {
			err = errTurn
		}
		return false, err
	}
	if _, err := tx.Exec(ctx, "set local lock_timeout = '"+lockTimeout+"'"); err != nil {
		return false, err
	}
	applied, pending, err := steps(ctx, tx)
	if err != nil {
		return false, err
	}
	if len(pending) == 0 {
		if err := run(ctx, tx, files("functions"), progress); err != nil {
			return false, err
		}
		return true, grantAgain(ctx, tx)
	}
	if err := run(ctx, tx, pending[:1], progress); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, "update chat.schema_version set version = $1", applied+1)
	return false, err
}

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// steps tells how many numbered steps the database has, and which ones it lacks.
func steps(ctx context.Context, db querier) (applied int, pending []string, err error) {
	var begun bool
	if err := db.QueryRow(ctx, "select to_regclass('chat.schema_version') is not null").Scan(&begun); err != nil {
		return 0, nil, err
	}
	if begun {
		var rows int
		if err := db.QueryRow(ctx, "select count(*), coalesce(min(version), -1) from chat.schema_version").Scan(&rows, &applied); err != nil {
			return 0, nil, err
		}
		if rows != 1 || applied < 0 {
			return 0, nil, ErrVersion
		}
	}
	all := files("migrations")
	if applied > len(all) {
		return 0, nil, ErrNewer
	}
	return applied, all[applied:], nil
}

// sameFunction tells whether the database has the function of a file with the body that the file gives it.
func sameFunction(ctx context.Context, db querier, name string) (same bool, err error) {
	_, body, _ := strings.Cut(read(name), "$function$")
	body, _, _ = strings.Cut(body, "$function$")
	err = db.QueryRow(ctx, `
		select exists (
			select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
			where n.nspname = 'chat' and p.proname = $1 and p.prosrc = $2
		)`, strings.TrimSuffix(path.Base(name), ".sql"), body).Scan(&same)
	return same, err
}

func run(ctx context.Context, tx pgx.Tx, names []string, progress func(string)) error {
	for _, name := range names {
		progress(name)
		if _, err := tx.Exec(ctx, read(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// files are those of one folder of the schema, in their order.
func files(folder string) []string {
	names, err := fs.Glob(postgres.Schema, folder+"/*.sql")
	if err != nil {
		panic(err) // the pattern is ours
	}
	return names
}

func read(name string) string {
	text, err := fs.ReadFile(postgres.Schema, name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}
