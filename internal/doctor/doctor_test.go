package doctor

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/pgbouncer"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/config"
	"devinbox/pkg/postgres/migrate"
	"devinbox/pkg/realtime"
)

// ill is a case of the table: a set-up with one thing wrong, and what must be found.
type ill struct {
	name   string
	server func(*pusherserver.Options)
	make   func(t *testing.T, w *world) // nil from it would be a healthy set-up
	finds  []string                     // check/status/variable of all that is not ok, sorted
	says   string                       // in the detail of the first of them
	helps  string                       // in its remedy
}

func TestEachFaultIsFoundWithItsRemedy(t *testing.T) {
	t.Parallel()
	set := func(pairs ...string) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) {
			for i := 0; i < len(pairs); i += 2 {
				w.variables[pairs[i]] = pairs[i+1]
			}
		}
	}
	atPusher := func(pairs ...string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			w.atPusher()
			set(pairs...)(t, w)
		}
	}
	refused := func(r pusherserver.Refusal) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.pusher.Refuse(r) }
	}
	statements := func(all ...string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			w.own()
			exec(t, w.database, all...)
		}
	}
	event := func(age, refused string) string {
		return `insert into chat.outbox (client_id, version, event, target, created_at, due_at, refused)
			values ('42', 1, 'conversation-updated', 'inbox', now() - interval '` + age + `', now() + interval '1 hour', ` + refused + `)`
	}
	webhooks := []string{"CHAT_WEBHOOK_URL", "http://127.0.0.1:1/", "CHAT_WEBHOOK_SECRET", "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()+rand.Text()))}
	at := func(address func(t *testing.T, w *world) string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.options.URL = address(t, w) }
	}

	shared := testdb.New(t)
	for _, test := range []ill{
		// The variables.
		{"a variable is missing", nil, set("PUSHER_SECRET", ""), []string{"pusher/fault", "variables/fault/PUSHER_SECRET"}, "", ""},
		{"a variable is malformed", nil, set("CHAT_RATE_LIMIT", "often"), []string{"variables/fault/CHAT_RATE_LIMIT"}, "CHAT_RATE_LIMIT must be a count", "Correct it"},
		{"and is in a file", nil, func(_ *testing.T, w *world) {
			w.variables["CHAT_GUESTS"], w.files["CHAT_GUESTS"] = "perhaps", ".env.local"
		}, []string{"variables/fault/CHAT_GUESTS"}, "CHAT_GUESTS (in .env.local) must be true or false", "Correct it"},
		{"the database's is missing", nil, set("DATABASE_URL", ""), []string{"variables/fault/DATABASE_URL"}, "DATABASE_URL is missing", "your Postgres"},
		{"the database's is missing here, though a deployment has it", nil, func(_ *testing.T, w *world) {
			w.options.URL = w.deploy(maps.Clone(w.variables))
			w.variables["DATABASE_URL"] = ""
		}, []string{"variables/fault/DATABASE_URL"}, "DATABASE_URL is missing", "vercel env pull leaves out"},
		{"the database's is still an example's", nil, func(_ *testing.T, w *world) {
			w.examples["DATABASE_URL"], w.files["DATABASE_URL"] = true, ".env.local"
		}, []string{"variables/fault/DATABASE_URL"}, "DATABASE_URL (in .env.local) is still as in .env.example", "your Postgres"},
		{"a placeholder of the dashboard's", nil, atPusher("PUSHER_SECRET", "YOUR_APP_SECRET"), []string{"pusher/fault/PUSHER_SECRET", "variables/fault/PUSHER_SECRET"}, "", ""},
		{"a placeholder that names itself", nil, atPusher("PUSHER_APP_ID", "app-id"), []string{"pusher/fault/PUSHER_APP_ID", "variables/fault/PUSHER_APP_ID"}, "", ""},
		{"a placeholder for a secret", nil, set("CRON_SECRET", "<your cron secret goes here>"), []string{"variables/fault/CRON_SECRET"}, "a placeholder", "openssl"},
		{"no key for tokens", nil, set("CHAT_JWT_SECRET", ""), []string{"variables/fault/CHAT_JWT_SECRET"}, "no other key", "openssl"},
		{"a key that is too short", nil, set("CHAT_JWT_SECRET", "x7Kq2mPv9Rt4wYz8"), []string{"variables/fault/CHAT_JWT_SECRET"}, "at least 32 bytes", "openssl"},
		{"no CRON_SECRET", nil, set("CRON_SECRET", ""), []string{"variables/warning/CRON_SECRET"}, "CRON_SECRET is missing", "openssl"},
		{"a short CRON_SECRET", nil, set("CRON_SECRET", "x7Kq2mPv9R"), []string{"variables/fault/CRON_SECRET"}, "at least 16 bytes", "openssl"},
		{"a secret that is a word", nil, set("CHAT_JWT_SECRET", "secret-secret-very-long-secret-key-123"), []string{"secrets/fault/CHAT_JWT_SECRET"}, "made of words", "openssl"},
		{"a secret that repeats", nil, set("CRON_SECRET", "x7Kq2mPvx7Kq2mPvx7Kq2mPv"), []string{"secrets/fault/CRON_SECRET"}, "repeats", "openssl"},
		{"a secret for two", nil, func(_ *testing.T, w *world) { w.variables["CRON_SECRET"] = w.variables["CHAT_JWT_SECRET"] }, []string{"secrets/fault/CRON_SECRET"}, "the same as CHAT_JWT_SECRET", "openssl"},
		{"a short secret that is a word too", nil, set("CHAT_JWT_SECRET", "secret"), []string{"variables/fault/CHAT_JWT_SECRET"}, "at least 32 bytes", "openssl"},
		{"a short CRON_SECRET that repeats", nil, set("CRON_SECRET", "abababab"), []string{"variables/fault/CRON_SECRET"}, "at least 16 bytes", "openssl"},
		{"a short secret for two", nil, set("CHAT_JWT_SECRET", "secret", "CRON_SECRET", "secret"), []string{"variables/fault/CHAT_JWT_SECRET", "variables/fault/CRON_SECRET"}, "at least", "openssl"},
		{"a secret in quotation marks", nil, set("CHAT_JWT_SECRET", `"`+rand.Text()+rand.Text()+`"`), []string{"variables/warning/CHAT_JWT_SECRET"}, "has quotation marks around it", "Vercel's takes a value as it is typed"},
		{"a short secret in quotation marks", nil, set("CRON_SECRET", "'x7Kq2mPv9R'"), []string{"variables/fault/CRON_SECRET"}, "at least 16 bytes; it has quotation marks around it: write it without them", "openssl"},
		{"an issuer in quotation marks", nil, set("CHAT_JWT_ISSUER", "'https://id.example.com'"), []string{"variables/fault/CHAT_JWT_ISSUER"}, "has quotation marks around it", "Remove them"},
		{"developers in quotation marks", nil, set("CHAT_DEVELOPERS", `"ada,grace"`), []string{"variables/fault/CHAT_DEVELOPERS"}, "has quotation marks around it", "Remove them"},
		{"a URL of keys in quotation marks", nil, set("CHAT_JWKS_URL", `"https://id.example.com/jwks"`), []string{"variables/fault/CHAT_JWKS_URL"}, "write it without them", "Correct it"},
		{"a switch in quotation marks", nil, set("CHAT_GUESTS", `"true"`), []string{"variables/fault/CHAT_GUESTS"}, "write it without them", "Correct it"},
		{"a space before Pusher's secret", nil, set("PUSHER_SECRET", " "+secret), []string{"variables/warning/PUSHER_SECRET"}, "a space or a line break before or after it", "Remove it"},
		{"a line break after a secret", nil, set("CHAT_JWT_SECRET", rand.Text()+rand.Text()+"\n"), []string{"variables/warning/CHAT_JWT_SECRET"}, "a space or a line break before or after it", "Remove it"},
		{"a name without a letter", nil, func(_ *testing.T, w *world) {
			w.variables["PUSHER_KY"], w.files["PUSHER_KY"] = "x", ".env.local"
		}, []string{"variables/warning/PUSHER_KY"}, "PUSHER_KY (in .env.local) is not a variable of devinbox; PUSHER_KEY is", "Rename it to PUSHER_KEY, unless another program"},
		{"a name that is not known", nil, set("CHAT_COLOUR_OF_THE_SKY", "blue"), []string{"variables/warning/CHAT_COLOUR_OF_THE_SKY"}, "is not a variable of devinbox", "unless another program"},
		{"a secret that pages would have", nil, set("NEXT_PUBLIC_PUSHER_SECRET", secret), []string{"variables/warning/NEXT_PUBLIC_PUSHER_SECRET"}, "; PUSHER_SECRET is", "make a new secret"},
		{"public channels", nil, set("CHAT_CHANNELS", "public"), []string{"channels/warning/CHAT_CHANNELS"}, "can read every conversation", "private"},

		// Pusher.
		{"nothing of Pusher's", nil, func(_ *testing.T, w *world) {
			maps.DeleteFunc(w.variables, func(name, _ string) bool { return strings.Contains(name, "PUSHER") })
		}, []string{"pusher/warning"}, "nobody hears", "Make an app"},
		{"another cluster", nil, atPusher("NEXT_PUBLIC_PUSHER_CLUSTER", "us2"), []string{"pusher/fault/NEXT_PUBLIC_PUSHER_CLUSTER"}, "is in the cluster eu", "to eu"},
		{"a cluster that there is not", nil, atPusher("NEXT_PUBLIC_PUSHER_CLUSTER", "nowhere"), []string{"pusher/fault/NEXT_PUBLIC_PUSHER_CLUSTER"}, "is in the cluster eu", "to eu"},
		{"a machine that finds no host of Pusher's", nil, func(t *testing.T, w *world) {
			atPusher("NEXT_PUBLIC_PUSHER_CLUSTER", "eu")(t, w)
			w.options.reach = func(o realtime.Options) realtime.Options {
				o.Host = "nowhere.invalid"
				return o
			}
		}, []string{"pusher/fault"}, "cannot be reached from here", "network and proxy"},
		{"an app that moved", nil, refused(pusherserver.Elsewhere), []string{"pusher/fault/NEXT_PUBLIC_PUSHER_KEY"}, "knows no app", "App Keys"},
		{"another key", nil, atPusher("NEXT_PUBLIC_PUSHER_KEY", "00000000000000000001"), []string{"pusher/fault/NEXT_PUBLIC_PUSHER_KEY"}, "knows no app", "App Keys"},
		{"another secret", nil, set("PUSHER_SECRET", "00000000000000000001"), []string{"pusher/fault/PUSHER_SECRET"}, "PUSHER_SECRET is wrong", "App Keys"},
		{"another app's id", nil, set("PUSHER_APP_ID", "7654321"), []string{"pusher/fault/PUSHER_APP_ID"}, "PUSHER_APP_ID is wrong", "App Keys"},
		{"a malformed key beside an id and a cluster that there are not", nil, atPusher("NEXT_PUBLIC_PUSHER_KEY", "a key", "PUSHER_APP_ID", "abc", "NEXT_PUBLIC_PUSHER_CLUSTER", "mars"), []string{
			"pusher/fault", "pusher/fault/NEXT_PUBLIC_PUSHER_CLUSTER", "pusher/fault/PUSHER_APP_ID", "variables/fault/NEXT_PUBLIC_PUSHER_KEY",
		}, "cannot be checked", "Correct"},
		{"another key beside an id and a cluster that there are not", nil, atPusher("NEXT_PUBLIC_PUSHER_KEY", "00000000000000000001", "PUSHER_APP_ID", "abc", "NEXT_PUBLIC_PUSHER_CLUSTER", "mars"), []string{
			"pusher/fault/NEXT_PUBLIC_PUSHER_CLUSTER", "pusher/fault/NEXT_PUBLIC_PUSHER_KEY", "pusher/fault/PUSHER_APP_ID",
		}, "knows no app", "App Keys"},
		{"a secret in quotation marks beside an id that is none", nil, atPusher("PUSHER_SECRET", `"`+secret+`"`, "PUSHER_APP_ID", "abc"), []string{"pusher/fault", "pusher/fault/PUSHER_APP_ID", "variables/fault/PUSHER_SECRET"}, "cannot be checked", "Correct"},
		{"key and secret swapped", nil, atPusher("NEXT_PUBLIC_PUSHER_KEY", secret, "PUSHER_SECRET", key), []string{"pusher/fault/PUSHER_SECRET"}, "PUSHER_SECRET holds the key", "make a new one"},
		{"id and key swapped", nil, atPusher("PUSHER_APP_ID", key, "NEXT_PUBLIC_PUSHER_KEY", appID), []string{"pusher/fault/PUSHER_APP_ID"}, "PUSHER_APP_ID and NEXT_PUBLIC_PUSHER_KEY hold each other's", "in its place"},
		{"id and secret swapped", nil, atPusher("PUSHER_APP_ID", secret, "PUSHER_SECRET", appID), []string{"pusher/fault/PUSHER_APP_ID"}, "PUSHER_APP_ID and PUSHER_SECRET hold each other's", "in its place"},
		{"id and key swapped, of a server of one's own", nil, set("PUSHER_APP_ID", key, "NEXT_PUBLIC_PUSHER_KEY", appID), []string{"pusher/fault/PUSHER_APP_ID"}, "PUSHER_APP_ID holds the key", "in its place"},
		{"id and secret swapped, of a server of one's own", nil, set("PUSHER_APP_ID", secret, "PUSHER_SECRET", appID), []string{"pusher/fault/PUSHER_APP_ID"}, "PUSHER_APP_ID and PUSHER_SECRET hold each other's", "in its place"},
		{"one value for key and secret", nil, set("PUSHER_SECRET", key), []string{"pusher/fault/PUSHER_SECRET"}, "the same value", "make a new one"},
		{"a paused app", nil, refused(pusherserver.Disabled), []string{"pusher/fault"}, "disabled", "Enable it"},
		{"an app over quota", nil, refused(pusherserver.OverQuota), []string{"pusher/fault"}, "over its quota", "midnight UTC"},
		{"Pusher at its capacity", nil, refused(pusherserver.OverCapacity), []string{"pusher/warning"}, "no more connections", "in a minute"},
		{"a server that is not there", nil, set("PUSHER_PORT", "1"), []string{"pusher/fault/PUSHER_HOST"}, "nothing listens", "Start it"},
		{"client events off", func(o *pusherserver.Options) { o.NoClientEvents = true }, nil, []string{"client-events/warning"}, "who is typing", "enable client events"},
		{"no webhook", nil, func(_ *testing.T, w *world) {
			w.variables["CHAT_CHANNELS"] = "presence"
			w.options.patience = 200 * time.Millisecond
		}, []string{"webhook/fault"}, "nobody is ever online", "/api/pusher/webhook"},
		{"in the clear to another machine", nil, set("PUSHER_HOST", "0.0.0.0"), []string{"tls/warning/PUSHER_USE_TLS"}, "in the clear", "certificate"},

		// The clocks.
		{"Pusher's clock and this one", nil, func(_ *testing.T, w *world) { w.pusher.Skew(330 * time.Second) }, []string{"clock/fault"}, "5 minutes behind", "NTP"},
		{"clocks too far apart for signatures", nil, func(_ *testing.T, w *world) { w.pusher.Skew(-time.Hour) }, []string{"clock/fault", "pusher/fault"}, "ahead of", "NTP"},
		{"this machine's clock and all others", nil, func(_ *testing.T, w *world) {
			w.options.now = func() time.Time { return time.Now().Add(90 * time.Second) }
		}, []string{"clock/fault", "clock/fault"}, "ahead of that of the database", "NTP"},

		// The database.
		{"nothing listens", nil, set("DATABASE_URL", "postgres://u:p@127.0.0.1:1/d?sslmode=disable"), []string{"database/fault/DATABASE_URL"}, "nothing listens", "Start it"},
		{"a host without an address", nil, set("DATABASE_URL", "postgres://u:p@nowhere.invalid/d"), []string{"database/fault/DATABASE_URL"}, "leads nowhere", "Correct the host"},
		{"another password", nil, func(t *testing.T, w *world) {
			w.variables["DATABASE_URL"] = changed(t, w.database, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "another") })
		}, []string{"database/fault/DATABASE_URL"}, "password", "%40"},
		{"no such database", nil, func(t *testing.T, w *world) {
			w.variables["DATABASE_URL"] = changed(t, w.database, func(u *url.URL) { u.Path += "_x" })
		}, []string{"database/fault/DATABASE_URL"}, "does not exist", "create the database"},
		{"a server that takes no TLS", nil, func(t *testing.T, w *world) {
			w.variables["DATABASE_URL"] = changed(t, w.database, func(u *url.URL) { u.RawQuery = "sslmode=require" })
		}, []string{"database/fault/DATABASE_URL"}, "does not accept TLS", "sslmode"},
		{"in the clear to another machine's database", nil, func(t *testing.T, w *world) {
			w.variables["DATABASE_URL"] = changed(t, w.database, func(u *url.URL) { u.Host = net.JoinHostPort("0.0.0.0", u.Port()) })
		}, []string{"tls/warning/DATABASE_URL"}, "not encrypted", "sslmode=require"},
		{"an old Postgres", nil, func(t *testing.T, w *world) { w.variables["DATABASE_URL"] = older(t, w.database) }, []string{"database/fault/DATABASE_URL"}, "Postgres 13", "14 or later"},
		{"another encoding", nil, func(t *testing.T, w *world) {
			w.variables["DATABASE_URL"] = testdb.Made(t, "encoding 'LATIN1' locale 'C'")
		}, []string{"database/fault/DATABASE_URL", "migrations/fault"}, "LATIN1", "encoding 'UTF8'"},
		{"a standby", nil, func(t *testing.T, w *world) {
			server := testdb.Server(t)
			server.BecomeStandby()
			w.variables["DATABASE_URL"] = server.URL()
		}, []string{"database/fault/DATABASE_URL"}, "standby", "primary"},
		{"read only", nil, func(t *testing.T, w *world) {
			w.own()
			exec(t, w.database, "alter database "+nameOf(t, w.database)+" set default_transaction_read_only = on")
		}, []string{"database/fault/DATABASE_URL"}, "accepts no writes", "Set it back"},
		{"no migration", nil, func(t *testing.T, w *world) { w.variables["DATABASE_URL"] = testdb.Empty(t) }, []string{"migrations/fault"}, "001_chat.sql", "devinbox migrate"},
		{"a function of another version", nil, statements("drop function chat.fold(text) cascade", "drop function chat.drop_expired_v1"), []string{"migrations/fault"}, "lacks functions/drop_expired_v1.sql", "devinbox migrate"},
		{"a later version's", nil, statements("update chat.schema_version set version = 999"), []string{"migrations/warning"}, "later version", "Update devinbox"},
		{"a record that cannot be right", nil, statements("delete from chat.schema_version"), []string{"migrations/fault"}, "chat.schema_version", "Restore"},
		{"a role without rights", nil, func(t *testing.T, w *world) {
			w.own()
			exec(t, w.database, "revoke select on chat.message, chat.search from devinbox_test_deployed")
			w.variables["DATABASE_URL"], w.variables["DATABASE_URL_UNPOOLED"] = testdb.Deployed(t, w.database), w.database
		}, []string{"rights/fault/DATABASE_URL"}, "reading chat.message, reading chat.search", "migrate --grant"},
		{"two databases", nil, func(t *testing.T, w *world) { w.variables["DATABASE_URL_UNPOOLED"] = testdb.New(t) }, []string{"database/fault/DATABASE_URL_UNPOOLED"}, "two databases", "one database"},
		{"events that wait", nil, statements(event("2 hours", "false")), []string{"queue/warning"}, "the oldest for 2 hours", "/api/cron/deliver"},
		{"events that are refused", nil, statements(event("1 second", "true")), []string{"queue/warning"}, "refused 1 events", "log"},
		{"a cron that never ran", nil, statements(event("26 hours", "false")), []string{"cron/fault", "queue/warning"}, "older than a day", "vercel.json"},
		{"webhooks without a cron", nil, set(webhooks...), []string{"cron/fault"}, "never run", "once a minute"},
		{"webhooks with a late cron", nil, func(t *testing.T, w *world) {
			set(webhooks...)(t, w)
			statements("update chat.webhook_progress set looked_at = now() - interval '3 hours'")(t, w)
		}, []string{"cron/fault"}, "3 hours ago", "once a minute"},

		// The object store.
		{"not all of the object store's", nil, set("S3_BUCKET", "bucket", "S3_REGION", "auto", "S3_ENDPOINT", "https://s3.example.com", "S3_ACCESS_KEY_ID", "access-key"), []string{"variables/fault/S3_SECRET_ACCESS_KEY"}, "is missing", "Correct it"},
		{"a bucket without CORS for an origin", nil, func(t *testing.T, w *world) {
			w.store()
			w.variables["CHAT_ALLOWED_ORIGINS"] = "https://chat.example.com, https://*.example.com, http://localhost:3000"
		}, []string{"bucket/fault"}, "it refuses some", "CORS configuration"},
		{"a bucket without CORS for the deployment", nil, func(t *testing.T, w *world) {
			w.store()
			w.variables["S3_ENDPOINT"] = w.front(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method == "OPTIONS" {
					rw.WriteHeader(http.StatusForbidden)
				}
				return r.Method == "OPTIONS"
			})
			w.options.URL = w.deploy(w.variables)
		}, []string{"bucket/fault"}, "it refuses all", "CORS configuration"},
		{"a bucket whose CORS forgets a header", nil, func(t *testing.T, w *world) {
			w.store()
			w.variables["CHAT_ALLOWED_ORIGINS"] = "http://localhost:3000"
			w.variables["S3_ENDPOINT"] = w.front(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method == "OPTIONS" {
					rw.Header().Set("Access-Control-Allow-Origin", "*")
					rw.Header().Set("Access-Control-Allow-Methods", "GET, PUT")
					rw.Header().Set("Access-Control-Allow-Headers", "content-type")
				}
				return r.Method == "OPTIONS"
			})
		}, []string{"bucket/fault"}, "lacks the headers", "if-none-match"},
		{"another key pair", nil, func(_ *testing.T, w *world) {
			w.store()
			w.variables["S3_SECRET_ACCESS_KEY"] = "another-secret"
		}, []string{"bucket/fault/S3_SECRET_ACCESS_KEY"}, "does not accept the key pair", "list the bucket"},
		{"a store that is not there", nil, func(_ *testing.T, w *world) {
			w.store()
			w.variables["S3_ENDPOINT"] = "http://127.0.0.1:1"
		}, []string{"bucket/fault/S3_ENDPOINT"}, "nothing listens", "without the bucket"},
		{"a store that fails", nil, func(_ *testing.T, w *world) { w.store().Fail(objectstore.InternalError) }, []string{"bucket/fault"}, "(5xx)", "status"},
		{"a page in the store's place", nil, func(_ *testing.T, w *world) { w.store().Fail(objectstore.Page) }, []string{"bucket/fault/S3_ENDPOINT"}, "something else answers", "the store's URL"},
		{"a store in another region", nil, func(t *testing.T, w *world) {
			w.store()
			w.variables["S3_ENDPOINT"] = answering(t, 301, "", "Location: https://elsewhere.example.com/")
		}, []string{"bucket/fault/S3_ENDPOINT"}, "elsewhere", "region"},
		{"files without a cron", nil, func(_ *testing.T, w *world) {
			w.store()
			w.variables["CRON_SECRET"] = ""
		}, []string{"variables/fault/CRON_SECRET"}, "is missing", "no file deleted"},

		// A deployment.
		{"nothing at the address", nil, at(func(*testing.T, *world) string { return "http://127.0.0.1:1" }), []string{"deployment/fault"}, "does not answer", "vercel ls"},
		{"no address of a deployment", nil, at(func(*testing.T, *world) string { return "http://chat.example.com" }), []string{"deployment/fault"}, "https://", "--url"},
		{"Deployment Protection", nil, at(func(t *testing.T, _ *world) string {
			return answering(t, 401, "<!doctype html><title>Authentication Required</title>", "Content-Type: text/html; charset=utf-8", "Set-Cookie: _vercel_sso_nonce=x", "Server: Vercel")
		}), []string{"deployment/fault"}, "Deployment Protection", "production domain"},
		{"Deployment Protection by a redirect", nil, at(func(t *testing.T, _ *world) string {
			return answering(t, 307, "", "Location: https://vercel.com/sso-api?url=x")
		}), []string{"deployment/fault"}, "Deployment Protection", "production domain"},
		{"another redirect", nil, at(func(t *testing.T, _ *world) string {
			return answering(t, 308, "", "Location: https://www.example.com/")
		}), []string{"deployment/fault"}, "redirects to another", "--url"},
		{"no such deployment", nil, at(func(t *testing.T, _ *world) string {
			return answering(t, 404, "not found", "X-Vercel-Error: DEPLOYMENT_NOT_FOUND", "Server: Vercel")
		}), []string{"deployment/fault"}, "no deployment", "vercel ls"},
		{"a deployment without functions", nil, at(func(t *testing.T, _ *world) string { return answering(t, 404, "<html>", "Server: Vercel") }), []string{"deployment/fault"}, "built none", "root folder"},
		{"a function that dies", nil, at(func(t *testing.T, _ *world) string {
			return answering(t, 500, "", "X-Vercel-Error: FUNCTION_INVOCATION_FAILED")
		}), []string{"deployment/fault"}, "(FUNCTION_INVOCATION_FAILED)", "vercel logs"},
		{"somebody else's site", nil, at(func(t *testing.T, _ *world) string { return answering(t, 200, "<html>") }), []string{"deployment/fault"}, "Something other", "--url"},
		{"a deployment whose database is down", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "DATABASE_URL", "postgres://u:p@127.0.0.1:1/d"))
		}), []string{"deployment/fault"}, "does not reach its database", "DATABASE_URL"},
		{"a deployment with a fault in its environment", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "CHAT_RATE_LIMIT", "often"))
		}), []string{"deployment/fault"}, "cannot be used", "log says which"},
		{"a deployment without Pusher", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "PUSHER_SECRET", ""))
		}), []string{"deployment/warning"}, "without Pusher", "deploy again"},
		{"a deployment with another secret", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "CHAT_JWT_SECRET", rand.Text()+rand.Text()))
		}), []string{"deployment/fault/CHAT_JWT_SECRET"}, "does not accept a token", "the same CHAT_JWT_SECRET"},
		{"a deployment with another app", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "NEXT_PUBLIC_PUSHER_KEY", "another"))
		}), []string{"deployment/fault/NEXT_PUBLIC_PUSHER_KEY"}, "another key", "the same app"},
		{"a deployment without a key", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "CHAT_JWT_SECRET", ""))
		}), []string{"deployment/fault/CHAT_JWT_SECRET"}, "has no key to check tokens with", "CHAT_JWKS_URL"},
		{"a deployment without a key, and none here to make a token with", nil, func(_ *testing.T, w *world) {
			w.options.URL = w.deploy(with(w.variables, "CHAT_JWT_SECRET", ""))
			set("CHAT_JWT_SECRET", "", "CHAT_JWKS_URL", "https://id.example.com/jwks")(nil, w)
		}, []string{"deployment/fault/CHAT_JWT_SECRET"}, "has no key to check tokens with", "CHAT_JWKS_URL"},
		{"a deployment whose sessions something else answers", nil, at(func(t *testing.T, w *world) string {
			return before(t, w.deploy(w.variables), "/api/session", http.StatusTemporaryRedirect)
		}), []string{"deployment/fault"}, "answers 307 to a call without a credential", "proxy.ts"},
		{"a deployment whose sessions are not there", nil, at(func(t *testing.T, w *world) string {
			return before(t, w.deploy(w.variables), "/api/session", http.StatusServiceUnavailable)
		}), []string{"deployment/fault"}, "answers 503 to a call without a credential", "X-Request-Id"},
		{"a deployment with another host", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "PUSHER_HOST", "localhost"))
		}), []string{"deployment/fault/PUSHER_HOST"}, "another host", "the same app"},
		{"a deployment with another port", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "PUSHER_PORT", "1"))
		}), []string{"deployment/fault/PUSHER_PORT"}, "another port of Pusher than PUSHER_PORT here", "the same app"},
		{"a deployment with TLS", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "PUSHER_USE_TLS", "true"))
		}), []string{"deployment/fault/PUSHER_USE_TLS"}, "with TLS", "the same app"},
		{"a deployment with other channels", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "CHAT_CHANNELS", "presence"))
		}), []string{"deployment/fault/CHAT_CHANNELS"}, "channels of another kind", "deploy again"},
		{"a deployment with another cluster", nil, at(func(_ *testing.T, w *world) string {
			return w.deploy(with(w.variables, "NEXT_PUBLIC_PUSHER_CLUSTER", "us2"))
		}), []string{"deployment/fault/NEXT_PUBLIC_PUSHER_CLUSTER"}, "another cluster", "the same app"},
		{"a deployment whose events wait", nil, func(t *testing.T, w *world) {
			statements(event("2 hours", "false"))(t, w)
			w.options.URL = w.deploy(w.variables)
		}, []string{"deployment/warning", "queue/warning"}, "waited for 2 hours", "/api/cron/deliver"},
		{"a deployment with refused events", nil, func(t *testing.T, w *world) {
			statements(event("1 second", "true"))(t, w)
			w.options.URL = w.deploy(w.variables)
		}, []string{"deployment/warning", "queue/warning"}, "refused 1 events", "log"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.server
			if server == nil {
				server = func(*pusherserver.Options) {}
			}
			w := healthy(t, shared, server)
			if test.make != nil {
				test.make(t, w)
			}
			check(t, w, test)
		})
	}
}

// with is variables with another value for one.
func with(variables map[string]string, name, value string) map[string]string {
	changed := maps.Clone(variables)
	changed[name] = value
	return changed
}

func check(t *testing.T, w *world, test ill) {
	t.Helper()
	found := w.run()
	if got := verdicts(found); !slices.Equal(got, test.finds) {
		t.Errorf("found %q, want %q", got, test.finds)
	}
	for _, f := range found {
		if (f.Status == OK) != (f.Remedy == "") || f.Check == "" || f.Detail == "" {
			t.Errorf("not whole: %+v", f)
		}
		if f.Check == "variables" && f.Status == OK && slices.ContainsFunc(test.finds, func(v string) bool { return strings.HasPrefix(v, "variables/") }) {
			t.Errorf("beside a fault it says: %s", f.Detail)
		}
	}
	if len(test.finds) > 0 {
		first, _, _ := strings.Cut(test.finds[0], "/")
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Check == first && f.Status != OK })
		if i < 0 || !strings.Contains(found[i].Detail, test.says) || !strings.Contains(found[i].Remedy, test.helps) {
			t.Errorf("%s does not say %q and %q: %+v", first, test.says, test.helps, found)
		}
	}
	var shown bytes.Buffer
	if err := Print(&shown, found); err != nil {
		t.Fatal(err)
	}
	if err := PrintJSON(&shown, found); err != nil {
		t.Fatal(err)
	}
	for name, value := range w.variables {
		if len(value) > 6 && name != "CHAT_CHANNELS" && strings.Contains(shown.String(), value) {
			t.Errorf("it shows the value of %s: %s", name, shown.String())
		}
	}
	for _, part := range []string{nameOf(t, w.database), "Bearer ey", "auth_signature"} {
		if strings.Contains(shown.String(), part) {
			t.Errorf("it shows %q: %s", part, shown.String())
		}
	}
}

func TestAHealthySetUpGivesNoWarning(t *testing.T) {
	t.Parallel()
	shared := testdb.New(t)
	for _, test := range []struct {
		name   string
		make   func(t *testing.T, w *world)
		checks []string // that are among the findings
	}{
		{"a server of one's own", func(*testing.T, *world) {}, []string{"variables", "secrets", "database", "clock", "pooler", "migrations", "rights", "queue", "cron", "pusher", "client-events"}},
		{"Pusher itself", func(_ *testing.T, w *world) { w.atPusher() }, []string{"pusher", "client-events"}},
		{"deployed code's role", func(t *testing.T, w *world) {
			w.variables["DATABASE_URL"], w.variables["DATABASE_URL_UNPOOLED"] = testdb.Deployed(t, w.database), w.database
		}, []string{"rights"}},
		{"webhooks and a cron", func(t *testing.T, w *world) {
			w.variables["CHAT_WEBHOOK_URL"] = "http://127.0.0.1:1/"
			w.variables["CHAT_WEBHOOK_SECRET"] = "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()+rand.Text()))
			w.own()
			exec(t, w.database, "update chat.webhook_progress set looked_at = now()")
		}, []string{"cron"}},
		{"an object store", func(_ *testing.T, w *world) { w.store() }, []string{"bucket"}},
		{"an object store and pages elsewhere", func(_ *testing.T, w *world) {
			w.store()
			w.variables["CHAT_ALLOWED_ORIGINS"] = "http://localhost:4000,https://*.example.com"
			w.options.URL = w.deploy(w.variables)
		}, []string{"bucket", "deployment"}},
		{"a deployment", func(_ *testing.T, w *world) { w.options.URL = w.deploy(w.variables) }, []string{"deployment"}},
		{"identities by keys of somebody else's", func(_ *testing.T, w *world) {
			w.variables["CHAT_JWT_SECRET"], w.variables["CHAT_JWKS_URL"] = "", "https://id.example.com/jwks"
			w.options.URL = w.deploy(w.variables)
		}, []string{"deployment"}},
		{"an event that has just begun to wait", func(t *testing.T, w *world) {
			w.own()
			exec(t, w.database, "insert into chat.outbox (client_id, version, event, target, due_at) values ('42', 1, 'conversation-updated', 'inbox', now())")
		}, []string{"queue"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := healthy(t, shared)
			test.make(t, w)
			check(t, w, ill{})
			for _, name := range test.checks {
				if !slices.ContainsFunc(w.run(), func(f Finding) bool { return f.Check == name && f.Status == OK }) {
					t.Errorf("%s is not looked at", name)
				}
			}
		})
	}
}

func TestInPresenceModeAWebhookThatArrivesIsSeen(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := healthy(t, testdb.New(t), func(o *pusherserver.Options) {
		o.WebhookURL = "http://" + listener.Addr().String() + "/api/pusher/webhook"
	})
	w.variables["CHAT_CHANNELS"] = "presence"
	serveAt(t, listener, w.variables)
	check(t, w, ill{})
	// What came within a day is news enough: nothing needs to come now.
	w.variables["PUSHER_PORT"] = healthy(t, w.database).pusher.Port()
	check(t, w, ill{})
}

func TestAPoolerInTransactionModeIsNotForMigrations(t *testing.T) {
	t.Parallel()
	w := healthy(t, testdb.New(t))
	pooler := pgbouncer.Start(t, w.database, pgbouncer.Options{PoolSize: 2, MaxClients: 50})
	if pooler == nil {
		return
	}
	w.variables["DATABASE_URL"] = pooler.URL()
	check(t, w, ill{finds: []string{"pooler/warning/DATABASE_URL_UNPOOLED"}, says: "DATABASE_URL is the URL of a pooler", helps: "DATABASE_URL_UNPOOLED"})
	w.variables["DATABASE_URL_UNPOOLED"] = w.database
	check(t, w, ill{})
	w.variables["DATABASE_URL_UNPOOLED"] = pooler.URL()
	check(t, w, ill{finds: []string{"pooler/warning/DATABASE_URL_UNPOOLED"}, says: "DATABASE_URL_UNPOOLED is the URL of a pooler", helps: "without the pooler"})
	// The database's own checks hold behind it, too.
	delete(w.variables, "DATABASE_URL_UNPOOLED")
	if err := migrate.Up(t.Context(), w.database, func(string) {}); err != nil {
		t.Fatal(err)
	}
}

func TestPoolersOfHostsAreKnownByName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		host string
		port uint16
		want bool
	}{
		{"ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech", 5432, true},
		{"ep-cool-name-123456.eu-central-1.aws.neon.tech", 5432, false},
		{"aws-0-eu-central-1.pooler.supabase.com", 6543, true},
		{"aws-0-eu-central-1.pooler.supabase.com", 5432, false}, // session mode
		{"db.abcdefghijkl.supabase.co", 5432, false},
		{"127.0.0.1", 6543, false},
		{"db.my-pooler.example.com", 5432, false},
	} {
		if got := poolerByName(test.host, test.port); got != test.want {
			t.Errorf("%s:%d: %t", test.host, test.port, got)
		}
	}
}

func TestAMisspelledNameIsToldFromOneOfAnotherProgram(t *testing.T) {
	t.Parallel()
	const another = ""
	for _, test := range []struct {
		name    string
		set     []string // of devinbox's own
		meant   bool
		nearest string
	}{
		{"CHAT_GUEST", nil, true, "CHAT_GUESTS"},
		{"CHAT_GUEST", []string{"CHAT_GUESTS"}, true, "CHAT_GUESTS"},
		{"CHAT_ALLOWED_ORIGIN", nil, true, "CHAT_ALLOWED_ORIGINS"},
		{"CHAT_JWT_SECERT", nil, true, "CHAT_JWT_SECRET"},
		{"chat_guests", nil, true, "CHAT_GUESTS"},
		{"PUSHER_APPID", nil, true, "PUSHER_APP_ID"},
		{"NEXT_PUBLIC_PUSHER_CLUSTR", nil, true, "NEXT_PUBLIC_PUSHER_CLUSTER"},
		{"NEXT_PUBLIC_PUSHER_HOST", nil, true, "PUSHER_HOST"},
		{"PUSHER_BEAMS_INSTANCE_ID", nil, true, ""},
		{"CAHT_GUESTS", nil, true, "CHAT_GUESTS"},
		{"PUHSER_SECRET", nil, true, "PUSHER_SECRET"},
		{"NEXT_PUBLC_PUSHER_KEY", nil, true, "NEXT_PUBLIC_PUSHER_KEY"},
		{"S3_BUKET", nil, true, "S3_BUCKET"},
		{"AUTH_SECRT", nil, true, "AUTH_SECRET"},
		{"CRON_SECRETS", nil, true, "CRON_SECRET"},
		{"DATBASE_URL", nil, true, "DATABASE_URL"},
		{"DATABASE_URI", nil, true, "DATABASE_URL"},
		{"DATABASE_URL_UNPOLED", []string{"DATABASE_URL"}, true, "DATABASE_URL_UNPOOLED"},
		// Other programs' names, or the names of a variable's other value.
		{"DATABASE_URI", []string{"DATABASE_URL"}, false, another},
		{"POSTGRES_URI", []string{"DATABASE_URL"}, false, another},
		{"S3_BUCKET_2", []string{"S3_BUCKET"}, false, another},
		{"POSTGRES_USER", nil, false, another},
		{"POSTGRES_URL_NO_SSL", nil, false, another},
		{"R2_BUCKET", nil, false, another},
		{"AUTH0_SECRET", nil, false, another},
		{"AUTH_URL", nil, false, another},
		{"AUTH_TRUST_HOST", nil, false, another},
		{"USER_HOST", nil, false, another},
		{"HOST", nil, false, another},
		{"SORT", nil, false, another},
		{"CHAT", nil, false, another},
		{"CHAT_URL", nil, false, another}, // docs/e-mail.md has it
		{"DEVINBOX_URL", nil, false, another},
		{"DEVINBOX_POSTGRES", nil, false, another},
		{"CHAT_GUESTS", nil, false, another},
		{"PORT", nil, false, another},
		{"CHAT_TRUST_PROXY", nil, false, another}, // only devinbox serve reads it
	} {
		t.Run(strings.Join(append(test.set, test.name), " "), func(t *testing.T) {
			t.Parallel()
			d := &doctor{Options: Options{Lookup: func(name string) string {
				return map[bool]string{true: "x"}[slices.Contains(test.set, name)]
			}}}
			if nearest, meant := d.meant(test.name, config.Names()); meant != test.meant || nearest != test.nearest {
				t.Errorf("%t %q, want %t %q", meant, nearest, test.meant, test.nearest)
			}
		})
	}
}

// A port that is not written is the scheme's.
func TestTheSameAppWrittenOtherwiseIsNotAnother(t *testing.T) {
	t.Parallel()
	d := &doctor{Options: Options{Lookup: func(string) string { return "" }, Origin: func(string) string { return "" }}}
	own := func(port int, tls bool) realtime.Connection {
		return realtime.Connection{Enabled: true, Key: key, WSHost: "ws.example.com", WSPort: port, ForceTLS: tls}
	}
	for _, test := range []struct {
		there, here realtime.Connection
		variable    string // that differs
	}{
		{own(0, true), own(443, true), ""},
		{own(80, false), own(0, false), ""},
		{own(0, true), own(80, true), "PUSHER_PORT"},
		{own(6001, false), own(6001, true), "PUSHER_USE_TLS"},
	} {
		got := ""
		if f := d.otherApp(test.there, test.here); f != nil {
			got = f.Variable
		}
		if got != test.variable {
			t.Errorf("%+v and %+v differ in %q, want %q", test.there, test.here, got, test.variable)
		}
	}
}

// If nothing of Pusher is set here, nothing can be said of the app that a deployment has.
func TestADeploymentsAppIsNotComparedWithNone(t *testing.T) {
	t.Parallel()
	w := healthy(t, testdb.New(t))
	w.options.URL = w.deploy(maps.Clone(w.variables))
	maps.DeleteFunc(w.variables, func(name, _ string) bool { return strings.Contains(name, "PUSHER") })
	check(t, w, ill{finds: []string{"pusher/warning"}, says: "None of Pusher's variables"})
	for _, f := range w.run() {
		if f.Check == "deployment" && strings.Contains(f.Detail, "this Pusher app") {
			t.Errorf("it says %s", f.Detail)
		}
	}
}

func TestRandomSecretsAreNotCalledWeakAndThoseOfPeopleAre(t *testing.T) {
	t.Parallel()
	for range 2000 {
		bits := make([]byte, 16)
		rand.Read(bits)
		for _, secret := range []string{rand.Text(), hex.EncodeToString(bits), base64.StdEncoding.EncodeToString(bits), base64.RawURLEncoding.EncodeToString(append(bits, bits[:8]...))} {
			if reason := weakness(secret); reason != "" {
				t.Fatalf("%s %s", secret, reason)
			}
		}
	}
	for _, secret := range []string{
		"secretsecretsecretsecretsecretsecret", "my-super-secret-jwt-key-for-development-only", "please-change-me-please-change-me-please",
		"this is a very long secret with at least 32 characters", "00000000000000000000000000000000", "abcdefghijklmnopqrstuvwxyz123456",
		"12345678901234567890123456789012", "changeme-changeme-changeme-changeme", "aaaaaaaabbbbbbbbccccccccdddddddd", "devinbox-chat-production-secret-2026",
	} {
		if weakness(secret) == "" {
			t.Errorf("%s passes", secret)
		}
	}
}

func TestWithNothingConfiguredItSaysWhatDevBringsAndADeploymentNeeds(t *testing.T) {
	t.Parallel()
	said := []string{"Nothing is configured", "Postgres", "6001", "DATABASE_URL", "PUSHER_APP_ID", "CHAT_JWT_SECRET", "CRON_SECRET", ".env.local"}
	for _, test := range []struct {
		name    string
		options Options
		says    []string
		silent  []string // about what is not so
	}{
		{"in a checkout", Options{Program: "go run ./cmd/devinbox"}, []string{
			"`go run ./cmd/devinbox dev` provides", "the example ", "then go run ./cmd/devinbox migrate", "there is no .env.local or .env", "Copy .env.example to .env.local", "check them: go run ./cmd/devinbox doctor",
		}, nil},
		{"in an app", Options{Inside: true}, []string{
			"`devinbox dev --services-only -- npx vercel dev --local` provides", "then devinbox migrate", "check them: devinbox doctor",
		}, []string{"cmd/devinbox", "the example "}},
		{"with a copy of the example", Options{
			Files:       []string{".env.local"},
			Origin:      func(string) string { return ".env.local" },
			Placeholder: func(name string) bool { return name == "DATABASE_URL" },
		}, []string{".env.local is there, but the values are still the examples", "Write the values of a deployment into .env.local"}, []string{"Copy .env.example", "there is no"}},
		{"with files of other programs", Options{Files: []string{".env", ".env.local"}}, []string{
			".env and .env.local are there, but no variable of devinbox has a value", "Write the values of a deployment into .env.local",
		}, []string{"Copy .env.example", "still the examples"}},
		{"with the shared file alone", Options{Files: []string{".env"}}, []string{".env is there, but no variable", "Copy .env.example to .env.local"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Lookup = func(string) string { return "" }
			found := Run(t.Context(), test.options)
			var shown bytes.Buffer
			if err := Print(&shown, found[len(found)-1:]); err != nil {
				t.Fatal(err)
			}
			text := shown.String()
			if Worst(found) == Fault || strings.Count(text, "\n") > 24 {
				t.Errorf("%+v", found)
			}
			for _, word := range slices.Concat(said, test.says) {
				if !strings.Contains(text, word) {
					t.Errorf("it does not say %q: %s", word, text)
				}
			}
			for _, word := range test.silent {
				if strings.Contains(text, word) {
					t.Errorf("it says %q: %s", word, text)
				}
			}
			for line := range strings.Lines(text) {
				if len(line) > 140 {
					t.Errorf("a line of %d characters", len(line))
				}
			}
		})
	}
}

// What a deployment has need not be here too.
func TestWithNothingConfiguredOnlyTheDeploymentIsLookedAt(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	for _, test := range []struct {
		name   string
		change func(variables map[string]string) // of the deployment
		finds  []string
	}{
		{"a healthy one", func(map[string]string) {}, nil},
		{"one with a fault", func(v map[string]string) { v["CHAT_JWT_SECRET"] = "" }, []string{"deployment/fault/CHAT_JWT_SECRET"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := healthy(t, database)
			test.change(w.variables)
			w.options.URL = w.deploy(w.variables)
			w.variables = map[string]string{}
			found := w.run()
			if got := verdicts(found); !slices.Equal(got, test.finds) {
				t.Errorf("found %q, want %q", got, test.finds)
			}
			first := found[0]
			if first.Check != "variables" || !strings.Contains(first.Detail, "only the deployment is looked at") || !strings.Contains(first.Remedy, "vercel env pull") {
				t.Errorf("it begins with %+v", first)
			}
			for _, f := range found[1:] {
				if f.Check != "deployment" {
					t.Errorf("it looks at more than the deployment: %+v", f)
				}
			}
		})
	}
}

func TestCommandsAreThoseOfTheProject(t *testing.T) {
	t.Parallel()
	w := healthy(t, testdb.New(t))
	w.variables["DATABASE_URL"] = testdb.Empty(t)
	w.options.Program = "go run ./cmd/devinbox"
	check(t, w, ill{finds: []string{"migrations/fault"}, helps: "go run ./cmd/devinbox migrate"})
}

func TestMissingVariablesOfPusherAreNotDeniedBesideTheirWarning(t *testing.T) {
	t.Parallel()
	w := healthy(t, testdb.New(t))
	maps.DeleteFunc(w.variables, func(name, _ string) bool { return strings.Contains(name, "PUSHER") })
	for _, f := range w.run() {
		if f.Check == "variables" && strings.Contains(f.Detail, "none is missing") {
			t.Errorf("it says %s", f.Detail)
		}
	}
}

// What is copied from .env.example and not changed is named, though nothing else is configured.
func TestAPlaceholderIsNamedWhereNothingElseIsConfigured(t *testing.T) {
	t.Parallel()
	found := Run(t.Context(), Options{
		Lookup:      func(string) string { return "" },
		Origin:      func(string) string { return ".env.local" },
		Placeholder: func(name string) bool { return name == "DATABASE_URL" },
	})
	if got := verdicts(found); !slices.Equal(got, []string{"variables/warning/DATABASE_URL"}) || len(found) != 2 {
		t.Fatalf("found %+v", found)
	}
	if detail := found[0].Detail; !strings.Contains(detail, "DATABASE_URL (in .env.local) is a placeholder") || found[0].Remedy == "" {
		t.Errorf("%+v", found[0])
	}
}

func TestAMisspelledNameIsToldIfNothingElseIsConfigured(t *testing.T) {
	t.Parallel()
	found := Run(t.Context(), Options{Lookup: func(string) string { return "" }, Set: []string{"CHAT_GUEST", "HOME"}})
	if got := verdicts(found); !slices.Equal(got, []string{"variables/warning/CHAT_GUEST"}) || len(found) != 2 {
		t.Errorf("found %+v", found)
	}
}

func TestTheArrayOfObjectsHasTheFieldsOfTheContract(t *testing.T) {
	t.Parallel()
	w := healthy(t, testdb.New(t))
	w.variables["CHAT_GUESTS"] = "perhaps"
	var out bytes.Buffer
	if err := PrintJSON(&out, w.run()); err != nil {
		t.Fatal(err)
	}
	var objects []map[string]string
	if err := json.Unmarshal(out.Bytes(), &objects); err != nil || len(objects) < 5 {
		t.Fatalf("%v: %s", err, &out)
	}
	for _, o := range objects {
		want := []string{"check", "detail", "remedy", "status"}
		if o["variable"] != "" {
			want = append(want, "variable")
		}
		if got := slices.Sorted(maps.Keys(o)); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
