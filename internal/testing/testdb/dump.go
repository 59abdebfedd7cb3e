package testdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Dump returns all that a database holds, as pg_dump writes it. If this machine has no pg_dump for its server, it is what
// COPY writes of every table outside of Postgres's own schemas.
func Dump(t testing.TB, url string) string {
	t.Helper()
	if path, err := exec.LookPath("pg_dump"); err == nil {
		var said bytes.Buffer
		dump := exec.CommandContext(t.Context(), path, "--dbname", url)
		dump.Stderr = &said
		out, err := dump.Output()
		if err == nil {
			return string(out)
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(said.String(), "version mismatch") {
			t.Fatalf("testdb: pg_dump: %v: %s", err, said.String())
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')")
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("testdb: %v", err)
	}
	var out bytes.Buffer
	for _, table := range tables {
		fmt.Fprintf(&out, "%s\n", table)
		if _, err := conn.PgConn().CopyTo(t.Context(), &out, "copy "+table+" to stdout"); err != nil {
			t.Fatalf("testdb: copy %s: %v", table, err)
		}
	}
	return out.String()
}
