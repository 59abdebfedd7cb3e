// Package archive exports a client's data from a database, imports it into one, and erases it, for the commands export,
// import and erase. The functions do not use it.
//
// It works on the tables themselves, as the role that owns them. So deployed code needs no extra rights. The
// database must have exactly the schema of this code; each call checks this first.
//
// docs/export-format.md describes the format of an export, and docs/from-another-chat.md the format of simple lines.
package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

// ErrNothing is the error of a client of whom the database holds nothing.
var ErrNothing = errors.New("the database holds nothing about this client: is the id spelled as in its token?")

// errPending is the error of a database that is older than this code.
var errPending = errors.New("the database is not up to date: run devinbox migrate first")

const connectTimeout = 10 * time.Second

// connect opens one connection to a database that has the schema of this code.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	status, err := migrate.Read(ctx, url)
	if err != nil {
		return nil, err
	}
	if len(status.Pending) > 0 {
		return nil, errPending
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read") // the cause could repeat it
	}
	postgres.Pin(config)
	config.ConnectTimeout = connectTimeout
	return pgx.ConnectConfig(ctx, config)
}

// patience is what a transaction has: a role's own limits are made for requests. lockTimeout is how long it waits for
// somebody else's lock.
const (
	patience    = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '" + lockTimeout + "'"
	lockTimeout = "30s"
)

// transact runs work in one transaction.
func transact(ctx context.Context, conn *pgx.Conn, options pgx.TxOptions, work func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, patience); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		return work(tx)
	})
}
