package main

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/testdb"
)

// hasSchema tells whether a database has the tables.
func hasSchema(t *testing.T, url string) (has bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "select to_regclass('chat.message') is not null").Scan(&has); err != nil {
		t.Fatal(err)
	}
	return has
}

func TestMigrateBringsAnEmptyDatabaseUpToDateOnce(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	folder, variables := emptyProject(t), []string{"DATABASE_URL=" + url}

	before := execute(t, folder, variables, "migrate", "--status").is(t, 0, "pending migrations/001_chat.sql", "pending functions/send_v3.sql")
	if strings.Contains(before.output, "applying") || hasSchema(t, url) {
		t.Errorf("asking for the status changes something: %s", before.output)
	}
	first := execute(t, folder, variables, "migrate").is(t, 0, "applying migrations/001_chat.sql", "up to date, at step")
	if strings.Contains(first.output, "pending") || !hasSchema(t, url) {
		t.Errorf("it is not migrated: %s", first.output)
	}
	after := execute(t, folder, variables, "migrate", "--status").is(t, 0, "up to date, at step")
	if strings.Contains(after.output, "pending") {
		t.Errorf("%s", after.output)
	}
	again := execute(t, folder, variables, "migrate").is(t, 0, "up to date, at step")
	if strings.Contains(again.output, "applying") {
		t.Errorf("it tells of what is there already: %s", again.output)
	}
}

func TestMigrateTakesTheUnpooledURL(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	execute(t, emptyProject(t), []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/pooled", "DATABASE_URL_UNPOOLED=" + url}, "migrate").is(t, 0, "up to date")
	if !hasSchema(t, url) {
		t.Error("another one was migrated")
	}
}

func TestMigrateSaysWhyItFailsAndNoPassword(t *testing.T) {
	t.Parallel()
	newer := testdb.New(t)
	conn, err := pgx.Connect(t.Context(), newer)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "update chat.schema_version set version = 1000"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ url, says string }{
		"none":               {"", "DATABASE_URL is not set"},
		"not a URL":          {"postgres://u:canary@host:port/d", "postgres://user:password@host:5432/database"},
		"nobody there":       {"postgres://u:canary@127.0.0.1:1/d", "does not answer"},
		"of a later version": {newer, "later version of devinbox"},
	} {
		for _, arguments := range [][]string{{"migrate"}, {"migrate", "--status"}} {
			o := execute(t, emptyProject(t), []string{"DATABASE_URL=" + test.url}, arguments...).is(t, 1, test.says)
			if strings.Contains(o.errors+o.output, "canary") {
				t.Errorf("%s: it tells the password: %s", name, o.errors)
			}
		}
	}
}

func TestMigrateGivesARoleTheRightsOfDeployedCode(t *testing.T) {
	t.Parallel()
	url := testdb.Empty(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	role := "devinbox_test_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(t.Context(), "create role "+role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "drop owned by "+role+"; drop role "+role); err != nil {
			t.Error(err)
		}
	})
	folder, variables := emptyProject(t), []string{"DATABASE_URL=" + url}
	for range 2 {
		execute(t, folder, variables, "migrate", "--grant", role).is(t, 0, "up to date", "The role "+role+" has the rights of deployed code")
	}
	var may bool
	if err := conn.QueryRow(t.Context(), "select has_table_privilege($1, 'chat.message', 'select') and not has_table_privilege($1, 'chat.message', 'insert')", role).Scan(&may); err != nil || !may {
		t.Errorf("it has not, %v", err)
	}
	execute(t, folder, variables, "migrate", "--grant", "nobody_of_that_name").is(t, 1, `there is no role "nobody_of_that_name"`, "create role")
	execute(t, folder, variables, "migrate", "--grant", "").is(t, 2, "--grant must name a role")
	execute(t, folder, variables, "migrate", "--grant", role, "--status").is(t, 2, "grant")
}
