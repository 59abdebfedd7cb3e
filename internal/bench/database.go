package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/pgserver"
)

// database is the Postgres that all contenders share, each with a database of its own.
type database struct {
	server     *pgserver.Server
	folder     string
	postmaster int
	admin      *pgx.Conn
}

// startDatabase starts a Postgres that keeps what it has committed: with fsync, and with commits that wait for the disk.
func startDatabase(ctx context.Context, progress *os.File) (d *database, err error) {
	// The folder is not inside another temporary one, which the account that Postgres runs as might not reach.
	folder, err := os.MkdirTemp("", "devinbox-bench-postgres-")
	if err != nil {
		return nil, err
	}
	d = &database{folder: folder}
	defer func() {
		if err != nil {
			d.stop()
		}
	}()
	d.server, err = pgserver.Start(ctx, pgserver.Options{
		Dir:      folder,
		Progress: progress,
		Settings: map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
			// A checkpoint falls into one run and not into the other.
			"checkpoint_timeout": "1h", "max_wal_size": "8GB",
		},
	})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(pgserver.PIDFile(folder))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if d.postmaster, err = strconv.Atoi(strings.TrimSpace(first)); err != nil {
		return nil, fmt.Errorf("Postgres's pid file: %w", err)
	}
	d.admin, err = pgx.Connect(ctx, d.server.URL("postgres"))
	return d, err
}

func (d *database) stop() {
	if d.admin != nil {
		d.admin.Close(context.Background())
	}
	if d.server != nil {
		d.server.Stop()
	}
	os.RemoveAll(d.folder)
}

// create makes an empty database and returns its URL.
func (d *database) create(ctx context.Context, name string) (string, error) {
	if _, err := d.admin.Exec(ctx, "create database "+name); err != nil {
		return "", err
	}
	return d.server.URL(name), nil
}

// prepare brings the tables of a database into the state in which every run begins.
func prepare(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, table := range []string{"conversation", "message", "outbox"} {
		if _, err := conn.Exec(ctx, "vacuum analyze chat."+table); err != nil {
			return err
		}
	}
	return nil
}

// stored counts the messages of a database, and the events that wait.
func stored(ctx context.Context, url string) (messages, events int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "select (select count(*) from chat.message), (select count(*) from chat.outbox)").Scan(&messages, &events)
	return messages, events, err
}

// syncs is how often the server has waited for its log to be on the disk, by all of its processes. A process tells that
// now and then, and when it ends: so every connection to the database is ended first. The next call of whoever held
// one connects anew.
func (d *database) syncs(ctx context.Context, name string) (int64, error) {
	const end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1"
	for {
		var left int
		if err := d.admin.QueryRow(ctx, end, name).Scan(&left); err != nil {
			return 0, err
		}
		if left == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	var version int
	if err := d.admin.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return 0, err
	}
	var count int64
	sql := "select sum(fsyncs)::bigint from pg_stat_io where object = 'wal'"
	if version < 180000 {
		sql = "select wal_sync from pg_stat_wal"
	}
	err := d.admin.QueryRow(ctx, sql).Scan(&count)
	return count, err
}
