// Package migrate brings a database to the schema that this code needs. The commands and the tests use it;
// a function never does, for many instances start at once and none of them should change a table.
//
// The numbered steps are run by tern, each in a transaction of its own. Then the SQL functions are created
// or replaced, all in one. Both are guarded by advisory locks, so that two runs at once do each thing once.
// Every statement gives up on a lock after [lockTimeout] and is tried again: a step that waits behind a slow
// reader would stall every send that comes after it.
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
	"github.com/jackc/pgx/v5/pgconn"
	tern "github.com/jackc/tern/v2/migrate"

	"devinbox/pkg/postgres"
)

const (
	versionTable = "chat.schema_version"
	lockTimeout  = "2s"
	tries        = 10
	// functionsLock is the advisory lock of applying functions: any number that nobody else uses.
	functionsLock = 6_401_736_120_514_207
)

// ErrNewer is the error of a database that a later version of devinbox has migrated.
var ErrNewer = errors.New("the database was migrated by a later version of devinbox: update this one")

// Status is how far a database is.
type Status struct {
	Applied int      // steps that the database has
	Pending []string // the names of those that it lacks
}

// Up applies what the database lacks and replaces every function. It may be run again at any time, also by
// two at once. progress is told the name of each step and file as it begins.
// Errors: ErrNewer; a database that does not answer; a step that fails, which leaves the steps before it done.
func Up(ctx context.Context, url string, progress func(name string)) error {
	return with(ctx, url, func(conn *pgx.Conn, m *tern.Migrator) error {
		m.OnStart = func(_ int32, name, _, _ string) { progress(name) }
		if err := patiently(ctx, func() error { return steps(ctx, m) }); err != nil {
			return err
		}
		return patiently(ctx, func() error { return functions(ctx, conn, progress) })
	})
}

// Read tells how far a database is, and changes nothing.
// Errors: ErrNewer; a database that does not answer.
func Read(ctx context.Context, url string) (Status, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return Status{}, err
	}
	defer conn.Close(ctx)
	var applied int
	var undefined *pgconn.PgError
	err = conn.QueryRow(ctx, "select version from "+versionTable).Scan(&applied)
	if errors.As(err, &undefined) && (undefined.Code == "42P01" || undefined.Code == "3F000") {
		err = nil // nothing was ever applied
	}
	if err != nil {
		return Status{}, err
	}
	names, err := fs.Glob(postgres.Schema, "migrations/*.sql")
	if err != nil {
		return Status{}, err
	}
	if applied > len(names) {
		return Status{}, ErrNewer
	}
	status := Status{Applied: applied}
	for _, name := range names[applied:] {
		status.Pending = append(status.Pending, path.Base(name))
	}
	return status, nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database's URL is not one such as postgres://user:password@host:5432/database")
	}
	postgres.Pin(config)
	config.ConnectTimeout = 10 * time.Second
	return pgx.ConnectConfig(ctx, config)
}

func with(ctx context.Context, url string, do func(*pgx.Conn, *tern.Migrator) error) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := locked(ctx, conn, func(tx pgx.Tx) error { // the table of versions lies in it
		_, err := tx.Exec(ctx, "create schema if not exists chat")
		return err
	}); err != nil {
		return err
	}
	m, err := tern.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return err
	}
	numbered, err := fs.Sub(postgres.Schema, "migrations")
	if err != nil {
		return err
	}
	if err := m.LoadMigrations(numbered); err != nil {
		return err
	}
	for _, step := range m.Migrations {
		step.UpSQL = "set local lock_timeout = '" + lockTimeout + "';\n" + step.UpSQL
	}
	return do(conn, m)
}

func steps(ctx context.Context, m *tern.Migrator) error {
	version, err := m.GetCurrentVersion(ctx)
	if err != nil {
		return err
	}
	if int(version) > len(m.Migrations) {
		return ErrNewer
	}
	return m.Migrate(ctx)
}

func functions(ctx context.Context, conn *pgx.Conn, progress func(string)) error {
	names, err := fs.Glob(postgres.Schema, "functions/*.sql")
	if err != nil {
		return err
	}
	return locked(ctx, conn, func(tx pgx.Tx) error {
		for _, name := range names {
			progress(path.Base(name))
			sql, err := fs.ReadFile(postgres.Schema, name)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(sql)); err != nil {
				return fmt.Errorf("%s: %w", path.Base(name), err)
			}
		}
		return nil
	})
}

// locked runs do in a transaction that nobody else runs at the same time.
func locked(ctx context.Context, conn *pgx.Conn, do func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf("select pg_advisory_xact_lock(%d); set local lock_timeout = '%s'", functionsLock, lockTimeout))
		if err != nil {
			return err
		}
		return do(tx)
	})
}

// patiently tries again where a lock was not to be had.
func patiently(ctx context.Context, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if n == tries || !lockNotAvailable(err) {
			return err
		}
		select {
		case <-time.After(time.Duration(n) * 200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func lockNotAvailable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03" ||
		err != nil && strings.Contains(err.Error(), "SQLSTATE 55P03") // tern keeps some errors as text only
}
