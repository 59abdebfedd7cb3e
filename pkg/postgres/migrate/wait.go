package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// limits say how long a migration waits for other sessions.
type limits struct {
	turn  time.Duration // for another run, which may be at a long step
	tries int           // for a lock of a table, each as long as lockTimeout
}

var usual = limits{turn: time.Minute, tries: 40}

// errTurn is the error of a run that has waited for another one for as long as limits say.
var errTurn = errors.New("another session holds the lock that allows only one migration at a time. If it is still working, migrate again when it has finished")

// errTable is the same for a lock of a table.
var errTable = errors.New("another session holds a lock on chat's tables, and a migration waits for that only for a short time. Migrate again when that transaction has ended")

func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// patiently tries again where the lock of a table was not to be had.
func patiently(ctx context.Context, tries int, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if !isLockTimeout(err) {
			return err
		}
		if n == tries {
			return errTable
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var (
	turnHoldersSQL = fmt.Sprintf(`
		select a.pid, coalesce(a.state, 'unknown'), coalesce(clock_timestamp() - a.xact_start, '0')
		from pg_locks l join pg_stat_activity a on a.pid = l.pid
		where l.locktype = 'advisory' and l.granted and a.datname = current_database()
			and l.classid = (%[1]d >> 32)::oid and l.objid = (%[1]d & 4294967295)::oid and l.objsubid = 1`, advisoryLock)

	tableHoldersSQL = `
		select a.pid, coalesce(a.state, 'unknown'), coalesce(clock_timestamp() - a.xact_start, '0')
		from pg_stat_activity a
		where a.datname = current_database() and a.pid <> pg_backend_pid() and exists (
			select from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
			where l.pid = a.pid and l.granted and n.nspname = 'chat'
		)
		order by a.xact_start
		limit 3`
)

// withHolders adds to an error who holds the lock, as far as the role may see that.
func withHolders(ctx context.Context, conn *pgx.Conn, err error) error {
	sql := turnHoldersSQL
	if errors.Is(err, errTable) {
		sql = tableHoldersSQL
	}
	rows, failed := conn.Query(ctx, sql)
	if failed != nil {
		return err
	}
	holders, failed := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var pid int
		var state string
		var held time.Duration
		err := row.Scan(&pid, &state, &held)
		return fmt.Sprintf("process %d (%s, for %v; end it with: select pg_terminate_backend(%d))", pid, state, held.Round(time.Second), pid), err
	})
	if failed != nil || len(holders) == 0 {
		return fmt.Errorf("%w; pg_locks and pg_stat_activity show who it is", err)
	}
	return fmt.Errorf("%w; it is %s", err, strings.Join(holders, ", or "))
}
