package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Oldest is the oldest major version of Postgres that the schema works on.
const Oldest = 14

// Traits are what decides whether a database can hold the schema, for the role that asks.
type Traits struct {
	Version    int // as server_version_num has it: 150004
	Encoding   string
	Standby    bool
	ReadOnly   bool // by a setting of the database, the role or the server
	Role       string
	MayCreate  bool // the schema, or what belongs in it
	OwnsTables bool // all that the schema has already
}

// Inspect reads the Traits of a database, and changes nothing.
func Inspect(ctx context.Context, conn *pgx.Conn) (Traits, error) {
	rows, err := conn.Query(ctx, traitsSQL)
	if err != nil {
		return Traits{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Traits])
}

const traitsSQL = `
	select current_setting('server_version_num')::integer as version,
		pg_encoding_to_char((select encoding from pg_database where datname = current_database())) as encoding,
		pg_is_in_recovery() as standby,
		current_setting('transaction_read_only')::boolean as read_only,
		current_user::text as role,
		case when n.oid is null then has_database_privilege(current_database(), 'create') else has_schema_privilege(n.oid, 'create') end as may_create,
		not exists (select from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p') and not pg_has_role(c.relowner, 'usage'))
			and not exists (select from pg_proc p where p.pronamespace = n.oid and not pg_has_role(p.proowner, 'usage')) as owns_tables
	from (select) one left join pg_namespace n on n.nspname = 'chat'`

// check finds what would make a migration fail or, worse, keep text wrongly. It changes nothing.
func check(ctx context.Context, conn *pgx.Conn) error {
	t, err := Inspect(ctx, conn)
	if err != nil {
		return err
	}
	return t.fault()
}

func (t Traits) fault() error {
	switch {
	case t.Version < Oldest*10_000:
		return fmt.Errorf("this server is Postgres %d: devinbox needs %d or later", t.Version/10_000, Oldest)
	case t.Encoding != "UTF8":
		return fmt.Errorf("this database stores text as %s, which cannot hold every character: create another one, with create database … encoding 'UTF8' template template0", t.Encoding)
	case t.Standby:
		return errors.New("this server is a standby, a copy that accepts no writes: the URL must be that of the primary")
	case t.ReadOnly:
		return errors.New("this database accepts no writes (default_transaction_read_only is on, by a setting of the database, the role or the server; some hosts turn it on when the disk is full): change that first")
	case !t.MayCreate:
		return fmt.Errorf("the role %[1]s may not create what is missing: use the database's owner, or grant %[1]s create on the database (and on the schema chat, if it is there)", t.Role)
	case !t.OwnsTables:
		return fmt.Errorf("the role %s does not own the tables and functions of the schema chat: use the role that migrated this database before", t.Role)
	default:
		return nil
	}
}
