package migrate_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

// newRole makes a role on the server of a database, and drops it with the test. It returns its name, and the database's URL
// for it.
func newRole(t *testing.T, database, options string) (name, as string) {
	t.Helper()
	name = "devinbox test " + strings.ToLower(rand.Text()) // which must be quoted
	quoted := pgx.Identifier{name}.Sanitize()
	exec(t, database, "create role "+quoted+" login password 'x' "+options)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "drop owned by "+quoted+"; drop role "+quoted); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "x")
	return name, u.String()
}

// privileges are all that a role or PUBLIC has in the schema, as lines, sorted.
func privileges(t *testing.T, database, role string) []string {
	t.Helper()
	rows, err := connect(t, database).Query(t.Context(), `
		with granted as (
			select 'schema' as kind, n.nspname::text as name, n.nspacl as acl, n.nspowner as owner from pg_namespace n where n.nspname = 'chat'
			union all select 'table', c.relname, c.relacl, c.relowner from pg_class c where c.relnamespace = 'chat'::regnamespace and c.relkind in ('r', 'v', 'S')
			union all select 'function', p.proname, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner from pg_proc p where p.pronamespace = 'chat'::regnamespace
			union all select 'column', a.attname, a.attacl, c.relowner from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'chat'::regnamespace
		)
		select lower(a.privilege_type) || ' ' || g.kind || ' ' || g.name
		from granted g cross join lateral aclexplode(g.acl) a
		where a.grantee = coalesce((select r.oid from pg_roles r where r.rolname = $1), 0) order by 1`, role)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wanted are those that deployed code needs: the entry points are the functions with their owner's rights.
func wanted(t *testing.T, database string) []string {
	t.Helper()
	rows, err := connect(t, database).Query(t.Context(), "select 'execute function ' || proname from pg_proc where pronamespace = 'chat'::regnamespace and prosecdef")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, "usage schema chat")
	for _, name := range postgres.DeployedFunctions {
		all = append(all, "execute function "+name)
	}
	for _, name := range postgres.DeployedTables {
		all = append(all, "select table "+name)
	}
	slices.Sort(all)
	return all
}

func TestGrantGivesExactlyWhatDeployedCodeNeeds(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	role, _ := newRole(t, database, "")
	quoted := pgx.Identifier{role}.Sanitize()
	for name, before := range map[string][]string{
		"a new role":     nil,
		"the same again": nil,
		"a role with more": {
			"grant all on schema chat to " + quoted, "grant all on all tables in schema chat to " + quoted, "grant all on all functions in schema chat to " + quoted,
			"grant select (address_digest) on chat.guest_rate to " + quoted,
			"grant all on schema chat to public", "grant select on all tables in schema chat to public",
			"alter default privileges in schema chat grant all on tables to " + quoted,
		},
	} {
		exec(t, database, before...)
		if err := migrate.Grant(t.Context(), database, role); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := privileges(t, database, role), wanted(t, database); !slices.Equal(got, want) {
			t.Errorf("%s has\n%q, want\n%q", name, got, want)
		}
		if got := privileges(t, database, "public"); len(got) != 0 {
			t.Errorf("after %s PUBLIC has %q", name, got)
		}
	}
	exec(t, database, "create table chat.later ()")
	if got := privileges(t, database, role); slices.Contains(got, "select table later") {
		t.Error("what others make in the schema is the role's to read")
	}
}

func TestTheRoleCanDoNothingElse(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	role, as := newRole(t, database, "")
	if err := migrate.Grant(t.Context(), database, role); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, as)
	if saved := send(t, as); saved.Message.Seq != 1 {
		t.Errorf("it cannot send: %+v", saved)
	}
	for _, sql := range []string{
		"insert into chat.developer (id, active_on) values ('x', now())", "update chat.conversation set status = 'closed'", "delete from chat.message", "truncate chat.outbox",
		"select from chat.message for update",
		"select from chat.guest_rate", "select from chat.presence", "select from chat.webhook_seen", "select from chat.webhook_unread", "select from chat.webhook_progress", "select from chat.webhook_gone",
		"select chat.was_made_v1('42', gen_random_uuid())", "select chat.note_developer_v1('x', 'x')", "select from chat.begin_conversation_v1('x', null, null)",
		"create table chat.x ()", "create function chat.x() returns int language sql as 'select 1'", "create schema x",
		"drop function chat.fold", "alter table chat.message add column x int", "drop schema chat cascade", "create trigger x before insert on chat.message for each row execute function chat.mark_changed()",
		"set role postgres", "alter function chat.fold(text) owner to current_user",
	} {
		_, err := conn.Exec(t.Context(), sql)
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) || refusal.Code != "42501" {
			if errors.As(err, &refusal) && refusal.Code == "22023" && strings.HasPrefix(sql, "set role") { // no such role on this server
				continue
			}
			t.Errorf("%s: %v, want 42501", sql, err)
		}
	}
}

// A later migrate is run without --grant, and the code that is deployed then needs what it has added.
func TestALaterMigrationGivesTheRoleWhatItAdds(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	role, as := newRole(t, database, "")
	if err := migrate.Grant(t.Context(), database, role); err != nil {
		t.Fatal(err)
	}
	want := privileges(t, database, role)
	// As it is before a migration that brings these.
	exec(t, database, "drop function chat.queue_webhooks_v1", "drop function chat.fold cascade", "revoke select on chat.webhook from "+pgx.Identifier{role}.Sanitize())
	exec(t, database, "create function chat.fold(text) returns text language sql as 'select $1'")
	up(t, database)
	if got := privileges(t, database, role); !slices.Equal(got, want) {
		t.Errorf("it has\n%q, want\n%q", got, want)
	}
	if got := privileges(t, database, "public"); len(got) != 0 {
		t.Errorf("PUBLIC has %q", got)
	}
	store, err := postgres.Open(postgres.Options{URL: as}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.QueueWebhooks(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// Roles that were made by hand, as the documentation had it before there was a command, rely on PUBLIC.
func TestARoleThatWasMadeByHandGoesOnWorking(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	exec(t, database, "grant execute on all functions in schema chat to public") // as it was then
	role, as := newRole(t, database, "")
	exec(t, database, "grant usage on schema chat to "+pgx.Identifier{role}.Sanitize(), "grant select on all tables in schema chat to "+pgx.Identifier{role}.Sanitize())
	up(t, database)
	if saved := send(t, as); saved.Message.Seq != 1 {
		t.Errorf("it cannot send: %+v", saved)
	}
	exec(t, database, "grant usage on schema chat to public", "revoke usage on schema chat from "+pgx.Identifier{role}.Sanitize())
	up(t, database)
	if saved := send(t, as); saved.Message.Seq != 2 {
		t.Errorf("by PUBLIC's right to the schema it cannot send: %+v", saved)
	}
}

func TestARoleThatCannotBeRestrictedIsRefused(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	super, _ := newRole(t, database, "superuser")
	owner, _ := newRole(t, database, "")
	member, _ := newRole(t, database, "")
	reader, _ := newRole(t, database, "")
	exec(t, database, "do $$ begin execute format('grant %I to "+pgx.Identifier{owner}.Sanitize()+"', current_user); end $$", "grant "+pgx.Identifier{owner}.Sanitize()+" to "+pgx.Identifier{member}.Sanitize(),
		"grant pg_read_all_data to "+pgx.Identifier{reader}.Sanitize())
	for name, test := range map[string]struct{ role, says string }{
		"none":                    {"nobody at all", `there is no role "nobody at all" on this server`},
		"public":                  {"public", `there is no role "public"`},
		"a superuser":             {super, "is a superuser"},
		"a member of the owner":   {owner, "is a member of a role that does"},
		"a member of such a role": {member, "is a member of a role that does"},
		"who reads everything":    {reader, "pg_read_all_data"},
	} {
		before := privileges(t, database, "public")
		if err := migrate.Grant(t.Context(), database, test.role); !errors.Is(err, migrate.ErrRole) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
		if after := privileges(t, database, "public"); !slices.Equal(before, after) {
			t.Errorf("%s: it was refused, and PUBLIC has %q instead of %q", name, after, before)
		}
	}
	if err := migrate.Grant(t.Context(), testdb.Empty(t), owner); err == nil || !strings.Contains(err.Error(), "not migrated") {
		t.Errorf("in a database that is not migrated: %v", err)
	}
}
