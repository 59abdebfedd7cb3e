package testdb

import (
	"context"
	"net/url"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/stage"
	"devinbox/pkg/postgres/migrate"
)

// deployedRole is what deployed code connects as in tests. Its password protects nothing: the server is on this machine
// and holds nothing but tests.
const deployedRole, deployedPassword = "devinbox_test_deployed", "devinbox_test_deployed"

// createRole makes the role on a server that does not have it yet.
func createRole(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `do $$ begin
		if not exists (select from pg_roles where rolname = '`+deployedRole+`') then
			create role `+deployedRole+` login password '`+deployedPassword+`';
		end if;
	end $$`)
	return err
}

// grantRights gives the role its rights in a migrated database, as devinbox migrate --grant does.
func grantRights(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := createRole(ctx, conn); err != nil {
		return err
	}
	return migrate.Grant(ctx, database, deployedRole)
}

// Grant gives the role of [Deployed] its rights in a database of [Empty] that the test has migrated by itself.
func Grant(t stage.T, database string) {
	t.Helper()
	if err := grantRights(t.Context(), database); err != nil {
		t.Fatalf("testdb: grant: %v", err)
	}
}

// Deployed returns the address of a database of [New] or [Server] for a role that has no more rights than deployed code
// needs: those of [migrate.Grant].
func Deployed(t stage.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal("testdb: the database's URL cannot be read")
	}
	u.User = url.UserPassword(deployedRole, deployedPassword)
	return u.String()
}
