package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/pkg/postgres"
)

// mixedStatements are how many statements a long run mixes behind the pooler.
const mixedStatements = 100_000

// mixStatements has 32 clients run eight different statements behind the pooler, as every connection of the functions
// does, and tells of each answer that was another's.
func (w *world) mixStatements(n int) (violations []string) {
	const clients = 32
	config, err := pgxpool.ParseConfig(w.pooled.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	postgres.Pin(config.ConnConfig)
	config.MaxConns = clients
	if w.pooler == nil {
		config.MaxConns = 4 // then they are Postgres's own
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	defer pool.Close()
	statements := []string{
		"select $1::int", "select $1::int + 0", "select 0 + $1::int", "select -(-$1::int)",
		"select abs($1::int)", "select least($1::int, 2147483647)", "select greatest(0, $1::int)", "select coalesce($1::int, 0)",
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	wrong, failed := 0, 0
	for c := range clients {
		all.Go(func() {
			for i := range n / clients {
				asked := c*n + i
				var got int
				err := pool.QueryRow(w.t.Context(), statements[(c+i)%len(statements)], asked%1_000_000_000).Scan(&got)
				mu.Lock()
				if err != nil {
					failed++
				} else if got != asked%1_000_000_000 {
					wrong++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	w.counts.add("mixed statements behind the pooler", n/clients*clients)
	if w.t.Context().Err() == nil && wrong+failed > 0 {
		violations = append(violations, fmt.Sprintf("behind the pooler: of %d statements %d had another's answer, and %d failed", n, wrong, failed))
	}
	return violations
}

// settingsAreUntouched compares the settings of the sessions that the pooler has kept with those of a new one: nothing
// that anybody did has left one behind.
func (w *world) settingsAreUntouched() (violations []string) {
	if w.pooler == nil || w.t.Context().Err() != nil {
		return nil
	}
	const sql = "select string_agg(name || '=' || setting, E'\\n' order by name) from pg_settings where context in ('user', 'superuser') and name not like 'plpgsql.%'" // which a session has once it ran a function
	at := func(url string) (conn *pgx.Conn, settings string, pid int, err error) {
		config, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, "", 0, err
		}
		postgres.Pin(config)
		if conn, err = pgx.ConnectConfig(w.t.Context(), config); err != nil {
			return nil, "", 0, err
		}
		if _, err = conn.Exec(w.t.Context(), "begin"); err == nil {
			err = conn.QueryRow(w.t.Context(), sql).Scan(&settings)
		}
		if err == nil {
			err = conn.QueryRow(w.t.Context(), "select pg_backend_pid()").Scan(&pid)
		}
		return conn, settings, pid, err
	}
	fresh, want, _, err := at(w.direct.URL())
	if err != nil {
		w.t.Errorf("a new session: %v", err)
		return nil
	}
	defer fresh.Close(context.Background())
	sessions := map[int]bool{}
	for range poolSize { // each holds one while it is compared
		conn, got, pid, err := at(w.pooled.URL())
		if err != nil {
			w.t.Errorf("a session of the pooler's: %v", err)
			return violations
		}
		defer conn.Close(context.Background())
		sessions[pid] = true
		if got != want {
			violations = append(violations, "settings: a session of the pooler's has other settings than a new one:"+difference(got, want))
		}
	}
	w.counts.add("sessions of the pooler whose settings were compared", len(sessions))
	return violations
}

// poolSize is how many sessions the pooler has at Postgres.
const poolSize = 4

// difference are the lines that only one of two texts has.
func difference(a, b string) (lines string) {
	other := map[string]bool{}
	for line := range strings.Lines(b) {
		other[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(a) {
		if line = strings.TrimSpace(line); !other[line] {
			lines += " " + line
		}
	}
	return lines
}
