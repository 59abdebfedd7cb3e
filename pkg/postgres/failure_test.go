package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/wire"
	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

// behindProxy is setup with a proxy between the store and its database.
func behindProxy(t *testing.T) (*world, *wire.Postgres) {
	t.Helper()
	address := testdb.New(t)
	db := look(t, address)
	proxy := wire.NewPostgres(t, testdb.Deployed(t, address))
	w := &world{t, address, open(t, proxy.URL()), db}
	t.Cleanup(proxy.Cut)
	return w, proxy
}

// idle waits until the store no longer trusts its connections unseen.
func idle() { time.Sleep(300 * time.Millisecond) }

// healthy fails the test where the store cannot serve now.
func (w *world) healthy() {
	w.Helper()
	if _, err := w.store.Send(w.Context(), fromClient("healthy", "Hello")); err != nil {
		w.Errorf("not healed: %v", err)
	}
}

// down fails the test where a call of the store does anything but say in time that the database does not answer.
func (w *world) down() *chat.Error {
	w.Helper()
	var failure *chat.Error
	within(w.T, promised, func() {
		_, err := w.store.Send(w.Context(), fromClient("down", "Hello"))
		failure = wantKind(w.T, err, chat.Unavailable)
	})
	if failure.RetryAfter < time.Second {
		w.Errorf("to be tried again after %v", failure.RetryAfter)
	}
	return failure
}

func TestACallIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	sent := w.send(fromClient("42", "Hello"))
	events := sent.Events
	token := w.inbox(chat.InboxQuery{Limit: 1}).SyncToken
	for name, call := range map[string]func() error{
		"Send":              func() error { _, err := w.store.Send(t.Context(), keyed(fromClient("42", "Hello"), "key")); return err },
		"Send of a replay":  func() error { _, err := w.store.Send(t.Context(), keyed(fromClient("42", "Hello"), "key")); return err },
		"Send of the first": func() error { _, err := w.store.Send(t.Context(), fromClient("new", "Hello")); return err },
		"MarkRead":          func() error { _, err := w.store.MarkRead(t.Context(), byAda("42", 1)); return err },
		"ListMessages": func() error {
			_, err := w.store.ListMessages(t.Context(), chat.MessageQuery{ClientID: "42", Limit: 50})
			return err
		},
		"ChangeMessage": func() error {
			_, err := w.store.ChangeMessage(t.Context(), edit(sent.Message, client("42"), "edited"))
			return err
		},
		"UpdateConversation": func() error {
			_, err := w.store.UpdateConversation(t.Context(), chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed)})
			return err
		},
		"RecordPresence": func() error {
			_, err := w.store.RecordPresence(t.Context(), chat.PresenceParams{News: []chat.Presence{{ClientID: "42", Online: true, At: time.Now()}, {ClientID: "none", At: time.Now()}}, Live: true})
			return err
		},
		"AdmitGuest":        func() error { return w.store.AdmitGuest(t.Context(), []byte("address")) },
		"ListConversations": func() error { _, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Limit: 50}); return err },
		"ListConversations with a search": func() error {
			_, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Search: pointer("grace"), Limit: 50})
			return err
		},
		"ListConversations of changes": func() error {
			_, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Since: &token, Limit: 50})
			return err
		},
		"Acknowledge": func() error {
			_, err := w.store.Acknowledge(t.Context(), chat.Delivery{Delivered: keys(events)})
			return err
		},
		"Claim":       func() error { _, err := w.store.Claim(t.Context(), 10); return err },
		"DropExpired": func() error { return w.store.DropExpired(t.Context()) },
		"Queue":       func() error { _, _, err := w.store.Queue(t.Context(), 10); return err },
	} {
		w.send(fromClient("42", "keeps the connection warm"))
		proxy.Reset()
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		traffic := proxy.Traffic()
		if proxy.Statements() != 1 || traffic.Connections != 0 {
			t.Errorf("%s: %d statements and %d connections, want 1 and none: %+v", name, proxy.Statements(), traffic.Connections, traffic)
		}
	}
}

func TestAConnectionThatWasCutIsReplaced(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(){"while it was idle": idle, "a moment ago": func() {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, proxy := behindProxy(t)
			for range 3 {
				w.healthy()
				wait()
				proxy.Cut()
				w.healthy()
			}
		})
	}
}

func TestASessionThatTheServerEndedIsReplaced(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(){"while it was idle": idle, "a moment ago": func() {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := behindProxy(t)
			for range 3 {
				w.healthy()
				w.exec("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'devinbox' and datname = current_database()")
				wait()
				w.healthy()
			}
		})
	}
}

// A network that forgot an idle connection tells nobody. More of them in a row than the pool has places must
// not lock anybody out.
func TestAConnectionInABlackHoleIsReplaced(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.store = openAsDeployed(t, proxy.URL())
	for range 6 {
		w.healthy()
		idle()
		proxy.BlackHole()
		w.healthy()
	}
}

func TestAStatementInABlackHoleIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.store = openAsDeployed(t, proxy.URL())
	for range 3 { // again: more than the pool has places
		w.healthy()
		proxy.BlackHole()
		w.down()
		w.healthy()
	}
}

func TestARefusingDatabaseIsSaidToBeUnavailable(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.healthy()
	for range 2 {
		proxy.Refuse(true)
		proxy.Cut()
		w.down()
		w.down()
		proxy.Refuse(false)
		w.healthy()
	}
}

func TestAHangingDatabaseIsSaidToBeUnavailableInTime(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.store = openAsDeployed(t, proxy.URL())
	w.healthy()
	proxy.Hang(true)
	proxy.Cut()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			if _, _, err := w.store.Queue(t.Context(), 1); chat.KindOf(err) != chat.Unavailable {
				t.Errorf("while it hangs: %v", err)
			}
		})
	}
	w.down()
	calls.Wait()
	proxy.Hang(false)
	w.healthy()
}

func TestAServerThatStopsAndStartsIsServedAgainAtOnce(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t)
	w := &world{t, server.URL(), open(t, server.URL()), look(t, server.URL())}
	w.healthy()
	server.Stop()
	w.down()
	w.down()
	server.Start()
	w.healthy()
	w.db.Reset()
	if n := ask[int](w, "select count(*) from chat.message"); n != 2 {
		t.Errorf("%d messages, want the 2 that were acknowledged", n)
	}
}

func TestADatabaseThatDoesNotExistIsServedOnceItDoes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/") + "_late"
	u.Path = "/" + name
	w.store = open(t, u.String())
	if cause := w.down().Error(); !strings.Contains(cause, "3D000") {
		t.Errorf("the log reads: %s", cause)
	}
	w.exec("create database " + name + " template template0")
	t.Cleanup(func() { look(t, w.url).Exec(t.Context(), "drop database "+name+" with (force)") })
	if cause := w.down().Error(); !strings.Contains(cause, "devinbox migrate") {
		t.Errorf("the log reads: %s", cause)
	}
}

func TestAMissingSchemaNamesTheCommandThatMakesIt(t *testing.T) {
	t.Parallel()
	address := testdb.Empty(t)
	w := &world{t, address, open(t, address), look(t, address)}
	for state, sql := range map[string]string{
		"no schema":          "drop schema if exists chat cascade",
		"nothing but schema": "create schema if not exists chat",
	} {
		w.exec(sql)
		for name, call := range map[string]func() error{
			"Send": func() error { _, err := w.store.Send(t.Context(), fromClient("42", "Hello")); return err },
			"ListMessages": func() error {
				_, err := w.store.ListMessages(t.Context(), chat.MessageQuery{ClientID: "42", Limit: 1})
				return err
			},
			"ListConversations": func() error { _, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Limit: 1}); return err },
			"Queue":             func() error { _, _, err := w.store.Queue(t.Context(), 1); return err },
		} {
			err := call()
			if chat.KindOf(err) != chat.Unavailable || !strings.Contains(err.Error(), "devinbox migrate") {
				t.Errorf("%s, %s: %v", state, name, err)
			}
		}
	}
}

// Postgres committed and the answer was lost: the second try must find what the first one did.
func TestALostAnswerStoresAMessageOnce(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]chat.SendParams{
		"with a key":    keyed(fromClient("42", "Hello"), "key"),
		"without a key": fromClient("42", "Hello"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, proxy := behindProxy(t)
			w.healthy()
			proxy.LoseAnswer(1, "chat.send_v3")
			saved := w.send(p)
			if saved.Replayed || saved.Message.Seq != 1 || len(saved.Events) != 2 {
				t.Errorf("saved %+v: to the caller it is the first time", saved)
			}
			if n := ask[int](w, "select count(*) from chat.message where client_id = '42'"); n != 1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

func TestAnAnswerThatIsLostTwiceIsUnavailableAndARepeatFindsIt(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.healthy()
	p := keyed(fromClient("42", "Hello"), "key")
	proxy.LoseAnswer(2, "chat.send_v3")
	_, err := w.store.Send(t.Context(), p)
	wantKind(t, err, chat.Unavailable)
	if saved := w.send(p); !saved.Replayed || saved.Message.Seq != 1 || !saved.Queued {
		t.Errorf("while the first call may still deliver: saved %+v", saved)
	}
	w.due()
	if saved := w.send(p); !saved.Replayed || saved.Message.Seq != 1 || len(saved.Events) != 2 {
		t.Errorf("saved %+v", saved)
	}
}

func TestALostAnswerToAReadMarkMovesItOnce(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.send(fromClient("42", "Hello"))
	proxy.LoseAnswer(1, "chat.read_v3")
	if marked := w.read(byAda("42", 1)); marked.UpToSeq != 1 || marked.Conversation.Version != 2 {
		t.Errorf("marked %+v", marked)
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version = 2"); n != 2 {
		t.Errorf("%d events wait, want 2", n)
	}
}

func TestAStatementBehindALockIsGivenUpInTimeAndStoresNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.store = openAsDeployed(t, w.url)
	w.send(fromClient("42", "Hello"))
	tx := w.hold("select from chat.conversation where client_id = '42' for update")
	within(t, promised, func() {
		_, err := w.store.Send(t.Context(), fromClient("42", "Behind a lock"))
		wantKind(t, err, chat.Unavailable)
	})
	// The server hears of it as well, so that the statement does not run once the lock is free.
	const waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
	for end := time.Now().Add(5 * time.Second); ask[int](w, waiting) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the statement still waits for the lock")
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](w, "select count(*) from chat.message"); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	w.healthy()
}

// A request to cancel a statement may be lost behind a pooler, so the server itself must end the wait.
func TestACallThatWaitsForALockEndsOnTheServer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("42", "Hello")).Message
	w.hold("select from chat.conversation where client_id = '42' for update")
	for name, call := range map[string]func() error{
		"send":   func() error { _, err := w.store.Send(t.Context(), fromClient("42", "Behind a lock")); return err },
		"read":   func() error { _, err := w.store.MarkRead(t.Context(), byAda("42", 1)); return err },
		"edit":   func() error { _, err := w.store.ChangeMessage(t.Context(), edit(m, client("42"), "Hi")); return err },
		"delete": func() error { _, err := w.store.ChangeMessage(t.Context(), deletion(m, client("42"))); return err },
		"update": func() error {
			_, err := w.store.UpdateConversation(t.Context(), chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed)})
			return err
		},
		"presence": func() error {
			news := []chat.Presence{{ClientID: "42", Online: true, At: time.Now()}}
			_, err := w.store.RecordPresence(t.Context(), chat.PresenceParams{News: news, Live: true})
			return err
		},
	} {
		err := call()
		wantKind(t, err, chat.Unavailable)
		if !strings.Contains(err.Error(), "55P03") { // lock_not_available: nothing was stored
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALostAnswerLosesNoEvent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, function string
		call           func(w *world, m chat.Message) (chat.Saved, error)
		events         int
	}{
		{"read", "chat.read_v3", func(w *world, _ chat.Message) (chat.Saved, error) {
			return w.store.MarkRead(w.Context(), byAda("42", 1))
		}, 2},
		{"edit", "chat.change_v3", func(w *world, m chat.Message) (chat.Saved, error) {
			return w.store.ChangeMessage(w.Context(), edit(m, client("42"), "Hi"))
		}, 2},
		{"delete", "chat.change_v3", func(w *world, m chat.Message) (chat.Saved, error) {
			return w.store.ChangeMessage(w.Context(), deletion(m, client("42")))
		}, 2},
		{"update", "chat.update_v3", func(w *world, _ chat.Message) (chat.Saved, error) {
			return w.store.UpdateConversation(w.Context(), chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed), Live: true})
		}, 2},
		{"presence", "chat.presence_v3", func(w *world, _ chat.Message) (chat.Saved, error) {
			news := []chat.Presence{{ClientID: "42", Online: true, At: time.Now()}, {ClientID: "43", Online: true, At: time.Now()}}
			return w.store.RecordPresence(w.Context(), chat.PresenceParams{News: news, Live: true})
		}, 2},
		{"send", "chat.send_v3", func(w *world, _ chat.Message) (chat.Saved, error) {
			return w.store.Send(w.Context(), fromAda("42", "Hi"))
		}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, proxy := behindProxy(t)
			m := w.send(fromClient("42", "Hello")).Message
			w.send(fromClient("43", "Hello"))
			w.exec("delete from chat.outbox")
			proxy.LoseAnswer(1, test.function)
			saved, err := test.call(w, m)
			if err != nil || len(saved.Events) != test.events || saved.Replayed {
				t.Errorf("%v, events %+v, replayed %v", err, keys(saved.Events), saved.Replayed)
			}
			if got := w.waiting(); len(got) != test.events {
				t.Errorf("%q wait", got)
			}
			if version := ask[int](w, "select max(version) from chat.conversation"); version != 2 {
				t.Errorf("version %d, want 2: one change", version)
			}
		})
	}
}

func TestDeployedCodeHasNoRightToWriteATable(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	deployed := look(t, w.url)
	tables := strings.Fields(ask[string](w, "select string_agg(relname, ' ') from pg_class where relnamespace = 'chat'::regnamespace and relkind = 'r'"))
	if len(tables) < 12 {
		t.Errorf("only %q are looked at", tables)
	}
	for _, table := range tables {
		for _, sql := range []string{"delete from chat." + table, "truncate chat." + table, "drop table chat." + table} {
			_, err := deployed.Exec(t.Context(), sql)
			if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "42501" {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
}

func TestARoleThatLacksARightIsToldWhatToRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("do $$ begin execute format('revoke usage on schema chat from %I', (select rolname from pg_roles where rolname like 'devinbox_test_deployed')); end $$")
	_, err := w.store.Send(t.Context(), fromClient("42", "Hello"))
	if e := wantKind(t, err, chat.Unavailable); !strings.Contains(e.Error(), "devinbox migrate --grant") {
		t.Error(e)
	}
}

func TestEachFailureOfAStatementIsTriedAgainOrTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("create table fault (code text, times int)")
	w.exec("create sequence tries")
	w.exec(`create function fail() returns trigger language plpgsql as $$ begin
		if nextval('public.tries') <= (select times from public.fault) then
			raise exception 'canary' using errcode = (select code from public.fault), detail = new.body, constraint = 'a_constraint';
		end if;
		return new; end $$`)
	w.exec("create trigger fail before insert on chat.message for each row execute function fail()")
	for _, test := range []struct {
		code, what string
		tries      int
		want       chat.Kind
	}{
		{"40001", "a transaction that must be repeated", 2, chat.Unavailable},
		{"40P01", "a deadlock", 2, chat.Unavailable},
		{"25006", "a server that only reads", 2, chat.Unavailable},
		{"57P03", "a server that starts", 2, chat.Unavailable},
		{"08006", "a pooler's lost connection", 2, chat.Unavailable},
		{"55P03", "a lock that is not to be had", 1, chat.Unavailable},
		{"57014", "a statement that took too long", 1, chat.Unavailable},
		{"53200", "no memory", 1, chat.Unavailable},
		{"42883", "a function of a later version", 1, chat.Unavailable},
		{"22021", "a text that cannot be stored", 1, chat.Invalid},
		{"23505", "a constraint", 1, chat.Internal},
		{"XX000", "a defect of Postgres", 1, chat.Internal},
	} {
		w.exec("delete from fault")
		w.exec("insert into fault values ($1, 2)", test.code)
		w.exec("alter sequence tries restart")
		_, err := w.store.Send(t.Context(), fromClient("42", "canary"))
		if chat.KindOf(err) != test.want || !strings.Contains(err.Error(), test.code) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s and the code %s", test.what, err, test.want, test.code)
		}
		if tries := ask[int](w, "select last_value from tries"); tries != test.tries {
			t.Errorf("%s: tried %d times, want %d", test.what, tries, test.tries)
		}
	}
	w.exec("update fault set code = '40001', times = 1")
	w.exec("alter sequence tries restart")
	if saved := w.send(fromClient("42", "Hello")); saved.Replayed || saved.Message.Seq != 1 {
		t.Errorf("after one repetition: %+v", saved)
	}
}

func TestTooManyConnectionsAreUnavailableInTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	role := strings.TrimPrefix(u.Path, "/")
	w.exec(fmt.Sprintf("create role %s login password 'secret' connection limit 1", role))
	if err := migrate.Grant(t.Context(), w.db.Config().ConnString(), role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db := look(t, w.url)
		db.Exec(t.Context(), "drop owned by "+role)
		db.Exec(t.Context(), "drop role "+role)
	})
	u.User = url.UserPassword(role, "secret")
	only, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	w.store = open(t, u.String())
	if cause := w.down().Error(); !strings.Contains(cause, "53300") {
		t.Errorf("the log reads: %s", cause)
	}
	if err := only.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	const sessions = "select count(*) from pg_stat_activity where usename = $1"
	for ask[int](w, sessions, role) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	w.healthy()
}

func TestNoErrorRepeatsWhatWasSentOrHowToConnect(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	w, proxy := behindProxy(t)
	w.store = openAsDeployed(t, proxy.URL())
	p := fromClient(canary+"-client", canary+"-body")
	p.Sender.Name, p.Sender.Email = canary+"-name", canary+"@example.com"
	p = keyed(p, canary+"-key")
	w.send(p)

	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	wrong := *u
	wrong.User = url.UserPassword(canary, canary)
	noDatabase := *u
	noDatabase.Path = "/" + canary
	noHost := *u
	noHost.Host = canary + ".invalid:5432"

	send := func(store *postgres.Store, p chat.SendParams) error {
		_, err := store.Send(t.Context(), p)
		return err
	}
	other := p
	other.Body = canary + "-other-body"
	unstorable := keyed(p, canary+"-second")
	unstorable.Body = canary + "\x00"
	limited := keyed(p, canary+"-third")
	limited.Limit = chat.RateLimit{Capacity: 0.5, PerSecond: 1}
	forbidden := keyed(p, canary+"-fourth")
	m := w.send(keyed(p, canary+"-deleted")).Message
	w.change(deletion(m, p.Sender))
	m.Body = canary
	list := func(q chat.InboxQuery) error {
		q.Limit = 1
		_, err := w.store.ListConversations(t.Context(), q)
		return err
	}
	change := func(p chat.ChangeParams) error { _, err := w.store.ChangeMessage(t.Context(), p); return err }
	update := func(p chat.UpdateParams) error { _, err := w.store.UpdateConversation(t.Context(), p); return err }

	w.exec("alter table chat.message add constraint no_canaries check (body not like '%fourth')")
	forbidden.Body += "fourth"
	for _, test := range []struct {
		name string
		want chat.Kind
		call func() error
	}{
		{"a conflict", chat.Conflict, func() error { return send(w.store, other) }},
		{"a limit", chat.RateLimited, func() error { return send(w.store, limited) }},
		{"a text that cannot be stored", chat.Invalid, func() error { return send(w.store, unstorable) }},
		{"a defect", chat.Internal, func() error { return send(w.store, forbidden) }},
		{"an edit of what is deleted", chat.Conflict, func() error { return change(edit(m, p.Sender, canary)) }},
		{"an edit of another's", chat.Forbidden, func() error { return change(edit(m, client(canary), canary)) }},
		{"an edit of nothing", chat.NotFound, func() error {
			return change(chat.ChangeParams{ClientID: canary, MessageID: m.ID, Body: pointer(canary)})
		}},
		{"an edit to what cannot be stored", chat.Invalid, func() error { return change(edit(m, p.Sender, canary+"\x00")) }},
		{"a message's id that is none", chat.Internal, func() error { return change(chat.ChangeParams{ClientID: canary, MessageID: canary}) }},
		{"an update of nothing", chat.NotFound, func() error { return update(chat.UpdateParams{By: ada, ClientID: canary, ClientName: pointer(canary)}) }},
		{"a status that is none", chat.Internal, func() error {
			return update(chat.UpdateParams{By: ada, ClientID: p.ClientID, Status: pointer(chat.Status(canary)), ClientName: pointer(canary)})
		}},
		{"a name that cannot be stored", chat.Invalid, func() error {
			return update(chat.UpdateParams{By: ada, ClientID: canary, ClientName: pointer(canary + "\xff")})
		}},
		{"news of what cannot be stored", chat.Invalid, func() error {
			_, err := w.store.RecordPresence(t.Context(), chat.PresenceParams{News: []chat.Presence{{ClientID: canary + "\x00", At: time.Now()}}, Live: true})
			return err
		}},
		{"a search that cannot be made", chat.Invalid, func() error { return list(chat.InboxQuery{Search: pointer(canary + "\x00")}) }},
		{"a token that is none", chat.Invalid, func() error { return list(chat.InboxQuery{Since: pointer(canary)}) }},
		{"a cursor that is none", chat.Invalid, func() error { return list(chat.InboxQuery{Cursor: pointer(canary)}) }},
		{"an argument of a type that cannot be sent", chat.Internal, func() error { return w.store.Ask(t.Context(), struct{ Body string }{canary}) }},
		{"a wrong password", chat.Unavailable, func() error { return send(open(t, wrong.String()), p) }},
		{"no such database", chat.Unavailable, func() error { return send(open(t, noDatabase.String()), p) }},
		{"no such host", chat.Unavailable, func() error { return send(open(t, noHost.String()), p) }},
		{"a lost answer", chat.Unavailable, func() error { proxy.LoseAnswer(2, ""); return send(w.store, p) }},
		{"a black hole", chat.Unavailable, func() error { w.healthy(); proxy.BlackHole(); return send(w.store, p) }},
		{"a refusal", chat.Unavailable, func() error { proxy.Refuse(true); proxy.Cut(); return send(w.store, p) }},
	} {
		err := test.call()
		if chat.KindOf(err) != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			for _, text := range []string{inner.Error(), fmt.Sprintf("%+v", inner), fmt.Sprintf("%#v", inner)} {
				if strings.Contains(text, canary) || strings.Contains(text, u.Host) || strings.Contains(text, u.User.Username()+"@") {
					t.Errorf("%s: %s", test.name, text)
				}
			}
		}
	}
}
