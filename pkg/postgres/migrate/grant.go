package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/postgres"
)

// ErrRole is the error of a role that rights cannot be given to. It is wrapped with the reason.
var ErrRole = errors.New("rights can be given only to a role that exists and has no rights over the schema by itself")

// Grant gives a role the rights of deployed code in a migrated database, and takes every other right in the schema chat from
// it and from PUBLIC: to use the schema, to read postgres.DeployedTables, and to call the functions. It may be run again.
// What later migrations add, [Up] gives to the role by itself.
// Errors: ErrRole for a role that does not exist, or that is a superuser, or has the rights of an owner or to all data, which nothing
// here takes away; a database that does not answer, or is not migrated.
func Grant(ctx context.Context, url, role string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, pending, err := steps(ctx, conn); err != nil {
		return err
	} else if len(pending) > 0 {
		return errors.New("the database is not migrated")
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		wait := fmt.Sprintf("set local lock_timeout = %d; select pg_advisory_xact_lock(%d)", usual.turn.Milliseconds(), advisoryLock)
		if _, err := tx.Exec(ctx, wait); err != nil {
			if isLockTimeout(err) {
				err = errTurn
			}
			return err
		}
		if err := checkRole(ctx, tx, role); err != nil {
			return err
		}
		quoted := pgx.Identifier{role}.Sanitize()
		for _, from := range []string{"public", quoted} {
			if _, err := tx.Exec(ctx, strings.ReplaceAll(revokeSQL, "ROLE", from)); err != nil {
				return err
			}
		}
		return grant(ctx, tx, role)
	})
}

// All rights in the schema, and those that a later object would come with. A right of PUBLIC to a function comes with each
// new one whatever is said here: Up takes it away.
const revokeSQL = `
	revoke all on schema chat from ROLE;
	revoke all on all tables in schema chat from ROLE;
	revoke all on all sequences in schema chat from ROLE;
	revoke all on all functions in schema chat from ROLE;
	alter default privileges in schema chat revoke all on tables from ROLE;
	alter default privileges in schema chat revoke all on sequences from ROLE;
	alter default privileges in schema chat revoke all on functions from ROLE`

// checkRole refuses a role whose rights would not be those that are given to it.
func checkRole(ctx context.Context, tx pgx.Tx, role string) error {
	var super, owner, all bool
	err := tx.QueryRow(ctx, `
		select r.rolsuper,
			exists (select from pg_namespace n where n.nspname = 'chat' and pg_has_role(r.oid, n.nspowner, 'member'))
				or exists (select from pg_class c where c.relnamespace = 'chat'::regnamespace and pg_has_role(r.oid, c.relowner, 'member'))
				or pg_has_role(r.oid, (select d.datdba from pg_database d where d.datname = current_database()), 'member'),
			pg_has_role(r.oid, 'pg_read_all_data', 'member') or pg_has_role(r.oid, 'pg_write_all_data', 'member')
		from pg_roles r where r.rolname = $1`, role).Scan(&super, &owner, &all)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("there is no role %[1]s on this server: create it first, with create role %[1]s login password '…' (%[2]w)", pgx.Identifier{role}.Sanitize(), ErrRole)
	case err != nil:
		return err
	case super:
		return fmt.Errorf("the role %s is a superuser, so its rights cannot be limited: create another one for deployed code (%w)", pgx.Identifier{role}.Sanitize(), ErrRole)
	case owner:
		return fmt.Errorf("the role %s owns the database or the schema, or is a member of a role that does, so its rights cannot be limited: create another one for deployed code (%w)", pgx.Identifier{role}.Sanitize(), ErrRole)
	case all:
		return fmt.Errorf("the role %s is a member of pg_read_all_data or pg_write_all_data, so its rights cannot be limited: end that, or create another role for deployed code (%w)", pgx.Identifier{role}.Sanitize(), ErrRole)
	default:
		return nil
	}
}

// grant gives a role the rights of deployed code. Which functions have their owner's rights, and so are for deployed code
// to call, the database knows; those of an earlier version are among them, because the code of that version may still run.
func grant(ctx context.Context, tx pgx.Tx, role string) error {
	rows, err := tx.Query(ctx, `
		select p.oid::regprocedure::text from pg_proc p
		where p.pronamespace = 'chat'::regnamespace and (p.prosecdef or p.proname = any ($1)) order by 1`, postgres.DeployedFunctions)
	if err != nil {
		return err
	}
	functions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var tables []string
	for _, name := range postgres.DeployedTables {
		tables = append(tables, "chat."+name)
	}
	to := " to " + pgx.Identifier{role}.Sanitize()
	_, err = tx.Exec(ctx, "grant usage on schema chat"+to+
		"; grant select on table "+strings.Join(tables, ", ")+to+
		"; grant execute on function "+strings.Join(functions, ", ")+to)
	return err
}

// grantAgain gives every role that may use the schema the rights to what a migration has added. Then it takes from PUBLIC the
// right to call functions, which each new one comes with.
func grantAgain(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		select coalesce(r.rolname, '') from pg_namespace n cross join lateral aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
		where n.nspname = 'chat' and a.privilege_type = 'USAGE' and a.grantee <> n.nspowner`)
	if err != nil {
		return err
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	public := false
	for _, role := range roles {
		if role == "" { // PUBLIC itself may use the schema
			public = true
		} else if err := grant(ctx, tx, role); err != nil {
			return err
		}
	}
	if public || len(roles) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, "revoke execute on all functions in schema chat from public")
	return err
}
