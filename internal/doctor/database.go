package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

var discard = slog.New(slog.DiscardHandler)

// database looks at what functions connect to, and at what migrations connect to.
func (d *doctor) database(ctx context.Context) []Finding {
	c := d.settings
	variable, forMigrations := c.DatabaseVariable, c.MigrationVariable
	if c.DatabaseFaults != nil {
		return nil // the variable is blamed already
	}
	ctx, cancel := context.WithTimeout(ctx, 6*callTimeout)
	defer cancel()
	served, err := connect(ctx, c.Database.URL)
	if err != nil {
		return []Finding{d.unreachable(variable, err)}
	}
	defer served.Close(ctx)
	found := []Finding{d.traits(ctx, served, variable)}
	found = append(found, d.encrypted(served, variable)...)
	if f, ok := d.databaseClock(ctx, served); ok {
		found = append(found, f)
	}

	owner := served
	switch {
	case c.MigrationURL == c.Database.URL:
	case c.MigrationFaults != nil:
		return found
	default:
		if owner, err = connect(ctx, c.MigrationURL); err != nil {
			return append(found, d.unreachable(forMigrations, err))
		}
		defer owner.Close(ctx)
		found = append(found, d.encrypted(owner, forMigrations)...)
		if other, err := otherDatabase(ctx, served, owner); err == nil && other {
			return append(found, Finding{"database", Fault, d.named(variable) + " and " + d.named(forMigrations) + " lead to two databases", "They must be the pooled and the unpooled URL of one database. Or leave the second one out.", forMigrations})
		}
	}
	found = append(found, d.pooler(ctx, owner, forMigrations))
	migrated := d.migrations(ctx, forMigrations)
	found = append(found, migrated)
	if migrated.Status == Fault {
		return found
	}
	found = append(found, d.rights(ctx, served, variable))
	return append(found, d.queue(ctx, owner)...)
}

func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("malformed")
	}
	postgres.Pin(config)
	config.ConnectTimeout = callTimeout
	return pgx.ConnectConfig(ctx, config)
}

// unreachable says why a database lets nobody in.
func (d *doctor) unreachable(variable string, err error) Finding {
	what, remedy := Unreachable(err)
	return Finding{"database", Fault, "The database of " + d.named(variable) + " " + what, remedy, variable}
}

// Unreachable says why a connection to a database could not be made, and what helps: what is the end of a sentence that
// begins with the database, and remedy is whole sentences. What pgx says repeats parts of the URL, and the same for each
// address that it tried.
func Unreachable(err error) (what, remedy string) {
	var server *pgconn.PgError
	var dns *net.DNSError
	var network net.Error
	text := err.Error() // looked at, and not shown
	switch {
	case errors.As(err, &server) && (server.Code == "28P01" || server.Code == "28000"):
		return "refuses the user or the password", "Copy the URL again from the host's console. In a password write @ as %40, / as %2F, % as %25."
	case errors.As(err, &server) && server.Code == "3D000":
		return "does not exist on its server", "Correct the name after the last / of the URL, or create the database, with encoding UTF8."
	case errors.As(err, &server) && (server.Code == "53300" || strings.Contains(server.Message, "no more connections")):
		return "has no connection left", "Use the host's pooled URL, and check which clients hold the connections (pg_stat_activity)."
	case errors.As(err, &server):
		return "refuses connections (SQLSTATE " + server.Code + ")", "Check the state of the database in the host's console."
	case errors.As(err, &dns):
		return "has a host whose name leads nowhere", "Correct the host in the URL. Supabase's direct host has IPv6 only: docs/deploy.md of devinbox."
	case strings.Contains(text, "tls error"), strings.Contains(text, "x509:"), strings.Contains(text, "refused TLS"):
		return "has a certificate that is not accepted, or does not accept TLS", "Check which sslmode and sslrootcert the host requires: docs/deploy.md of devinbox."
	case strings.Contains(text, "refused"):
		return "does not answer: nothing listens at that host and port", "Start it, or correct the host and the port in the URL."
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "does not answer in time", "Check whether the host allows this machine's IP address, and whether the database is paused."
	default:
		return "does not answer like Postgres", "Check whether the host and the port in the URL are those of Postgres, and whether it is running."
	}
}

// traits says whether the database can be what devinbox needs.
func (d *doctor) traits(ctx context.Context, conn *pgx.Conn, variable string) Finding {
	fault := func(detail, remedy string) Finding { return Finding{"database", Fault, detail, remedy, variable} }
	reported := conn.PgConn().ParameterStatus("server_version")
	var major int
	if _, err := fmt.Sscan(regexp.MustCompile(`^\d+`).FindString(reported), &major); err == nil && major < migrate.Oldest {
		return fault(fmt.Sprintf("The server is Postgres %d, which is too old", major), fmt.Sprintf("Use Postgres %d or later.", migrate.Oldest))
	}
	t, err := migrate.Inspect(ctx, conn)
	switch {
	case err != nil:
		return d.unreachable(variable, err)
	case t.Encoding != "UTF8":
		return fault("The database stores text as "+t.Encoding+", which cannot hold every character", "Create another one: create database … encoding 'UTF8' template template0. Then migrate that.")
	case t.Standby:
		return fault("The server is a standby, which accepts no writes", "Use the URL of the primary.")
	case t.ReadOnly:
		return fault("The database accepts no writes: default_transaction_read_only is on", "Set it back to off, for the database, the role or the server. Some hosts turn it on if the disk is full.")
	default:
		return Finding{Check: "database", Status: OK, Detail: fmt.Sprintf("Postgres %d, UTF8, accepts writes", t.Version/10_000)}
	}
}

// encrypted finds a connection over a network that is in the clear.
func (d *doctor) encrypted(conn *pgx.Conn, variable string) []Finding {
	_, isTLS := conn.PgConn().Conn().(*tls.Conn)
	if isTLS || isLoopback(conn.Config().Host) {
		return nil
	}
	return []Finding{{
		"tls", Warning, "The connection of " + d.named(variable) + " goes to another machine and is not encrypted: passwords and messages cross the network in the clear",
		"Write sslmode=require in the URL, or verify-full if you have the host's certificate, unless only you use the network in between.", variable,
	}}
}

func (d *doctor) databaseClock(ctx context.Context, conn *pgx.Conn) (Finding, bool) {
	var theirs time.Time
	before := time.Now()
	if err := conn.QueryRow(ctx, "select clock_timestamp()").Scan(&theirs); err != nil {
		return Finding{}, false
	}
	return clock("the database", theirs, d.now().Add(-time.Since(before)/2), "times in conversations are the database's"), true
}

// otherDatabase tells whether two connections lead to two databases.
func otherDatabase(ctx context.Context, a, b *pgx.Conn) (bool, error) {
	const identitySQL = "select (select system_identifier from pg_control_system()), (select oid::bigint from pg_database where datname = current_database())"
	var server, other, oid, otherOID int64
	err := errors.Join(a.QueryRow(ctx, identitySQL).Scan(&server, &oid), b.QueryRow(ctx, identitySQL).Scan(&other, &otherOID))
	return server != other || oid != otherOID, err
}

// pooler tells whether migrations go through a pooler that gives each transaction a session of its own. Migrating works
// there too, but what belongs to a session, such as a lock, does not, and many poolers end a statement that takes long.
//
// A pooler answers with a number of its own for the session, in place of the server process's. One that keeps the session
// for the connection is right; in the other kind somebody else soon has the session. Those of Neon and Supabase are known
// by name, too.
func (d *doctor) pooler(ctx context.Context, conn *pgx.Conn, variable string) Finding {
	var process uint32
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&process); err != nil {
		return d.unreachable(variable, err)
	}
	between := process != conn.PgConn().PID()
	if between && !keepsSession(ctx, conn) || poolerByName(conn.Config().Host, conn.Config().Port) {
		return Finding{
			"pooler", Warning, d.named(variable) + " is the URL of a pooler in transaction mode, and migrations use it",
			"Set DATABASE_URL_UNPOOLED to the same database's URL without the pooler: devinbox migrate uses that one, and the functions keep the pooled one.", "DATABASE_URL_UNPOOLED",
		}
	}
	if between {
		return Finding{Check: "pooler", Status: OK, Detail: "migrations go through a pooler or proxy that keeps sessions, which is fine"}
	}
	return Finding{Check: "pooler", Status: OK, Detail: "migrations connect to Postgres itself"}
}

// poolerByName knows the poolers of Neon and Supabase.
func poolerByName(host string, port uint16) bool {
	first, _, _ := strings.Cut(host, ".")
	return strings.HasSuffix(first, "-pooler") || port == 6543 && strings.HasSuffix(host, ".supabase.com")
}

// keepsSession tells whether a connection still has its session after others have used theirs.
func keepsSession(ctx context.Context, conn *pgx.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout/2)
	defer cancel()
	const name = "devinbox.doctor"
	mark := rand.Text()
	if _, err := conn.Exec(ctx, "select set_config('"+name+"', '"+mark+"', false)"); err != nil {
		return true
	}
	config := conn.Config().Copy()
	// As many others as poolers have sessions idle: one of them is given the session that conn had.
	for range 3 {
		other, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			break
		}
		defer other.Close(context.WithoutCancel(ctx))
		tx, err := other.Begin(ctx)
		if err != nil {
			break
		}
		defer tx.Rollback(context.WithoutCancel(ctx))
		var now string
		if err := tx.QueryRow(ctx, "select coalesce(current_setting('"+name+"', true), '')").Scan(&now); err == nil && now == mark {
			return false // somebody else is in the session
		}
	}
	var now string
	err := conn.QueryRow(ctx, "select coalesce(current_setting('"+name+"', true), '')").Scan(&now)
	return err == nil && now == mark
}

// migrations says what of the schema is missing.
func (d *doctor) migrations(ctx context.Context, variable string) Finding {
	status, err := migrate.Read(ctx, d.settings.MigrationURL)
	switch {
	case errors.Is(err, migrate.ErrNewer):
		return Finding{"migrations", Warning, "The database was migrated by a later version of devinbox than this one", "Update devinbox here: docs/deploy.md of devinbox, under Upgrading. Deployed code keeps working.", ""}
	case errors.Is(err, migrate.ErrVersion):
		return Finding{"migrations", Fault, "The table chat.schema_version is wrong: it must contain one row, with the number of steps that the database has", "Restore that number, or start with another database.", ""}
	case err != nil:
		return d.unreachable(variable, err)
	case len(status.Pending) > 0:
		return Finding{"migrations", Fault, "The database lacks " + strings.Join(status.Pending, ", "), d.Program + " migrate", ""}
	default:
		return Finding{Check: "migrations", Status: OK, Detail: fmt.Sprintf("the database is up to date, at step %d", status.Applied)}
	}
}

const rightsSQL = `
	select has_schema_privilege(n.oid, 'usage'),
		array(select 'reading chat.' || c.relname from pg_class c where c.relnamespace = n.oid and c.relname = any ($1) and not has_table_privilege(c.oid, 'select') order by 1)
		|| array(select 'calling chat.' || p.proname from pg_proc p where p.pronamespace = n.oid and (p.prosecdef or p.proname = any ($2)) and not has_function_privilege(p.oid, 'execute') order by 1)
	from pg_namespace n where n.nspname = 'chat'`

// rights says what the role of deployed code lacks.
func (d *doctor) rights(ctx context.Context, conn *pgx.Conn, variable string) Finding {
	var usage bool
	var lacks []string
	if err := conn.QueryRow(ctx, rightsSQL, postgres.DeployedTables, postgres.DeployedFunctions).Scan(&usage, &lacks); err != nil {
		return d.unreachable(variable, err)
	}
	if !usage {
		lacks = append([]string{"using the schema chat"}, lacks...)
	}
	if len(lacks) == 0 {
		return Finding{Check: "rights", Status: OK, Detail: "the role of " + variable + " may do what deployed code does"}
	}
	named := strings.Join(lacks[:min(3, len(lacks))], ", ")
	if more := len(lacks) - 3; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return Finding{"rights", Fault, "The role of " + d.named(variable) + " lacks rights that deployed code needs: " + named, d.Program + " migrate --grant ROLE, with the database owner's URL in DATABASE_URL_UNPOOLED and the name of that role.", variable}
}

// queueSQL counts live events; those that are older than their lifetime are dropped by the next run of the cron.
const queueSQL = `
	select count(*) filter (where not refused), count(*) filter (where refused),
		count(*) filter (where not refused and created_at < clock_timestamp() - make_interval(secs => $1)),
		greatest(extract(epoch from clock_timestamp() - min(created_at) filter (where not refused)), 0)::float8
	from (select refused, created_at from chat.outbox order by due_at limit 10000) first`

// queue looks at what waits, and by that at whether anybody calls the cron's function.
func (d *doctor) queue(ctx context.Context, conn *pgx.Conn) []Finding {
	var waiting, parked, expired int
	var seconds *float64
	// The cron is due once a day, so nothing is older than that and an hour.
	if err := conn.QueryRow(ctx, queueSQL, (chat.EventLifetime+time.Hour).Seconds()).Scan(&waiting, &parked, &expired, &seconds); err != nil {
		return []Finding{{"queue", Warning, "The queue cannot be read", "See the results of the checks migrations and rights.", ""}}
	}
	var oldest time.Duration
	if seconds != nil {
		oldest = time.Duration(*seconds * float64(time.Second))
	}
	const call = `curl -H "Authorization: Bearer $CRON_SECRET" https://YOUR-DEPLOYMENT/api/cron/deliver`
	queue := Finding{Check: "queue", Status: OK, Detail: "no events are pending"}
	switch {
	case parked > 0:
		queue = Finding{"queue", Warning, fmt.Sprintf("Pusher has refused %d events for good", parked), "The log names each one and the reason (an event can never be announced). They are dropped after a day; readers fetch what they missed.", ""}
	case oldest > time.Minute:
		queue = Finding{"queue", Warning, fmt.Sprintf("%d events are pending, the oldest for %s", waiting, span(oldest)), "Nothing is lost: each request delivers ten. If the Pusher checks pass, this delivers all of them: " + call, ""}
	case waiting > 0:
		queue.Detail = fmt.Sprintf("%d events are pending, none for longer than a minute", waiting)
	}
	found := []Finding{queue, d.cron(ctx, conn, expired)}
	return found
}

// cron tells whether the cron's function is called. Webhooks note when they were last looked for; without them only what
// it should have dropped tells.
func (d *doctor) cron(ctx context.Context, conn *pgx.Conn, expired int) Finding {
	const remedy = "Check that the crons of vercel.json are deployed to production (Vercel, the project's page Cron Jobs), and that they use the deployment's CRON_SECRET. "
	if expired > 0 {
		return Finding{"cron", Fault, fmt.Sprintf("Nobody calls /api/cron/deliver: %d events are older than a day", expired), remedy, ""}
	}
	if d.settings.Webhook.URL == "" {
		return Finding{Check: "cron", Status: OK, Detail: "no event is older than a day; without webhooks nothing more can be checked"}
	}
	var looked *time.Time
	err := conn.QueryRow(ctx, "select looked_at from chat.webhook_progress").Scan(&looked)
	if err != nil {
		return Finding{"cron", Warning, "This role cannot read when webhooks were last sent", "Set DATABASE_URL_UNPOOLED to the owner's URL, and run this again.", "DATABASE_URL_UNPOOLED"}
	}
	const everyMinute = "Only this call sends webhooks, so it must be called once a minute: on Vercel's Pro plan with the schedule * * * * * in vercel.json, otherwise by your own cron."
	if looked == nil {
		return Finding{"cron", Fault, "/api/cron/deliver has never run with CHAT_WEBHOOK_URL set: no webhook was ever sent", remedy + everyMinute, ""}
	}
	if ago := d.now().Sub(*looked); ago > 5*time.Minute {
		return Finding{"cron", Fault, "/api/cron/deliver last ran " + span(ago) + " ago: webhooks are late", remedy + everyMinute, ""}
	}
	return Finding{Check: "cron", Status: OK, Detail: "it ran within the last five minutes"}
}

const lastWebhookSQL = `
	select extract(epoch from clock_timestamp() - greatest((select max(online_at) from chat.presence), (select max(online_at) from chat.conversation)))::float8`

// webhook waits for the news that Pusher's webhook brings of a client who listens now. What came within a day is news
// enough. It runs beside the checks of the database, so it has a connection of its own.
func (d *doctor) webhook(ctx context.Context, id string) Finding {
	unclear := Finding{"webhook", Warning, "Without the database it cannot be checked whether Pusher's webhooks arrive", "Run this with the database's URL in DATABASE_URL_UNPOOLED (the owner's).", ""}
	if d.settings.MigrationURL == "" || d.settings.MigrationFaults != nil {
		return unclear
	}
	conn, err := connect(ctx, d.settings.MigrationURL)
	if err != nil {
		return unclear
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var seconds *float64
	if err := conn.QueryRow(ctx, lastWebhookSQL).Scan(&seconds); err != nil {
		return unclear
	}
	arrives := Finding{Check: "webhook", Status: OK, Detail: "Pusher's webhooks arrive, so online status works"}
	if seconds != nil && *seconds < (24*time.Hour).Seconds() {
		return arrives
	}
	for end := time.Now().Add(d.patience); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
		var came bool
		if err := conn.QueryRow(ctx, "select exists (select from chat.presence where client_id = $1)", id).Scan(&came); err == nil && came {
			return arrives
		}
	}
	return Finding{
		"webhook", Fault, "No webhooks arrive from Pusher, so nobody is ever online",
		`In Pusher's dashboard, on the app's page "Webhooks", enter https://YOUR-DEPLOYMENT/api/pusher/webhook with the event type Presence. Deployment Protection must not cover that URL, and the deployment must use this database and this app's secret.`, "",
	}
}
