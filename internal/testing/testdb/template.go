package testdb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

// templateLock is the advisory lock for making a template: any number that nobody else uses.
const templateLock = 6_401_736_120_514_208

// makeTemplate makes sure that the server has a migrated database to copy, one for each state of the schema, and
// returns its name. Processes that share a server take turns. A database is marked as a template only when it is
// finished, so one that was interrupted is made again.
func (h *host) makeTemplate() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	hash, err := schemaHash()
	if err != nil {
		return "", err
	}
	name := "devinbox_template_" + hash

	conn, err := pgx.Connect(ctx, h.at.String())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background()) // releases the lock
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(templateLock)); err != nil {
		return "", err
	}
	if err := createRole(ctx, conn); err != nil {
		return "", err
	}
	var finished bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1 and datistemplate)", name).Scan(&finished); err != nil {
		return "", err
	}
	if finished {
		return name, nil
	}
	for _, statement := range []string{
		"drop database if exists " + name + " with (force)",
		"create database " + name + " template template0",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := migrate.Up(ctx, h.url(name), func(string) {}); err != nil {
		return "", err
	}
	if err := grantRights(ctx, h.url(name)); err != nil {
		return "", err
	}
	// Nobody may connect to it from now on: a database that is in use cannot be copied.
	_, err = conn.Exec(ctx, "alter database "+name+" with is_template true allow_connections false")
	return name, err
}

// schemaHash identifies the state of the schema, and of the rights in it, that is built into this program.
func schemaHash() (string, error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q\n", postgres.DeployedTables, postgres.DeployedFunctions)
	err := fs.WalkDir(postgres.Schema, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(postgres.Schema, path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(text), text)
		return err
	})
	return fmt.Sprintf("%x", hash.Sum(nil)[:8]), err
}
