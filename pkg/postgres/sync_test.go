package postgres_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

// parts is what a token holds.
func parts(t *testing.T, token string) (server int64, xid string) {
	t.Helper()
	plain, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(strings.Replace(string(plain), ":", " ", 1), "%d %s", &server, &xid); err != nil {
		t.Fatal(err)
	}
	return server, xid
}

// forged is a token that nobody gave.
func forged(server int64, xid string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", server, xid))
}

// since is every conversation of every page that a token leads to, in pages of limit, and the token to go on with.
func (w *world) since(from string, limit int) (changed []chat.Conversation, next string) {
	w.Helper()
	q := chat.InboxQuery{Since: &from, Limit: limit}
	for {
		page := w.inbox(q)
		if next == "" {
			next = page.SyncToken
		}
		changed = append(changed, page.Conversations...)
		if page.NextCursor == nil {
			return changed, next
		}
		if len(page.Conversations) != limit {
			w.Errorf("a page of %d before the last", len(page.Conversations))
		}
		q.Cursor = page.NextCursor
	}
}

// wantSince fails the test where a token does not lead to exactly these conversations, in the order of their ids, in
// pages of any size.
func (w *world) wantSince(from string, want ...string) {
	w.Helper()
	for _, limit := range []int{100, 2} {
		changed, _ := w.since(from, limit)
		if got := ids(changed); !slices.Equal(got, append([]string{}, want...)) {
			w.Errorf("since then, in pages of %d: %v, want %v", limit, got, want)
		}
	}
}

// settled follows tokens until one leads to nothing. That may take a few: a transaction that is open holds them back,
// also one of another test's database on the same server.
func (w *world) settled(token string) string {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		changed, next := w.since(token, 100)
		if len(changed) == 0 {
			return token
		}
		if time.Now().After(end) {
			w.Fatalf("repeated without end: %v", ids(changed))
		}
		token = next
	}
}

func TestATokenLeadsToWhatHasChangedSince(t *testing.T) {
	t.Parallel()
	w := setup(t)
	empty := w.inbox(chat.InboxQuery{Limit: 1}).SyncToken
	w.wantSince(empty)
	var first chat.Message
	for _, id := range []string{"a", "b", "c", "d"} {
		first = w.send(fromClient(id, "Hello")).Message
	}
	w.wantSince(empty, "a", "b", "c", "d")
	// Whatever page of the inbox it comes with.
	token := w.inbox(chat.InboxQuery{Status: pointer(chat.Closed), Search: pointer("nobody"), Limit: 1}).SyncToken
	token = w.settled(token)
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"nothing", func() {}, nil},
		{"a message", func() { w.send(fromAda("b", "Hi")) }, []string{"b"}},
		{"a read mark", func() { w.read(byAda("a", 1)) }, []string{"a"}},
		{"a read mark that stays, which moves lastSeenAt alone", func() { w.read(byClient("b", 0)) }, nil},
		{"an edit", func() { w.change(edit(first, client("d"), "edited")) }, []string{"d"}},
		{"a deletion", func() { w.change(deletion(first, ada)) }, []string{"d"}},
		{"a deletion again", func() { w.change(deletion(first, ada)) }, nil},
		{"an update", func() { w.update(chat.UpdateParams{By: ada, ClientID: "c", Status: pointer(chat.Closed)}) }, []string{"c"}},
		{"an update that changes nothing", func() { w.update(chat.UpdateParams{By: ada, ClientID: "c", Status: pointer(chat.Closed)}) }, nil},
		{"presence", func() {
			w.presence(chat.Presence{ClientID: "a", Online: true, At: time.Now()}, chat.Presence{ClientID: "b", Online: true, At: time.Now()})
		}, []string{"a", "b"}},
		{"presence as before", func() { w.presence(chat.Presence{ClientID: "a", Online: true, At: time.Now()}) }, nil},
		{"a new conversation", func() { w.send(fromClient("Z", "Hello")) }, []string{"Z"}},
		{"one twice", func() { w.send(fromClient("a", "1")); w.send(fromClient("a", "2")) }, []string{"a"}},
	} {
		step.do()
		w.wantSince(token, step.want...)
		if t.Failed() {
			t.Fatalf("after %s", step.what)
		}
		token = w.settled(token)
	}
	w.wantSince(empty, "Z", "a", "b", "c", "d")
}

// The transaction that began first and ends last is the one that a clock or a counter would pass over.
func TestATransactionThatEndsLateIsNotPassedOver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.send(fromClient("b", "Hello"))
	token := w.settled(w.inbox(chat.InboxQuery{Limit: 1}).SyncToken)
	late := w.hold("select from chat.read_v3(gen_random_uuid(), 'a', 'developer', 'ada', null, 1, true, '', '10s', '24h')")
	for n := range 3 { // time goes on, and tokens with it
		w.send(fromClient("b", fmt.Sprint("Hello ", n)))
		changed, next := w.since(token, 100)
		if got := ids(changed); !slices.Equal(got, []string{"b"}) {
			t.Errorf("while it is open: %v, want b", got)
		}
		token = next
	}
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	changed, _ := w.since(token, 100)
	if !slices.ContainsFunc(changed, func(c chat.Conversation) bool { return c.ClientID == "a" && c.Version == 2 }) {
		t.Errorf("after it: %v", ids(changed))
	}
	w.settled(token)
}

// Sixteen writers, half of them in transactions that stay open for a while and end in another order than they
// began, or are rolled back; and a reader that goes from token to token. Nothing may be missing of its copy at the end.
func TestAReaderThatFollowsTokensMissesNothing(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t) // of its own: another test's long transaction would hold every token back
	w := &world{t, server.URL(), open(t, server.URL()), look(t, server.URL())}
	const writers, rounds, clients = 16, 25, 30
	name := func() string { return fmt.Sprintf("client-%02d", rand.IntN(clients)) }
	var tokens atomic.Int32 // that the reader took; on a busy machine the writers go on until it has followed
	var writing sync.WaitGroup
	stores := [4]*postgres.Store{open(t, w.url), open(t, w.url), open(t, w.url), open(t, w.url)}
	raw := look(t, w.url+"&pool_max_conns=8")
	for n := range writers {
		writing.Go(func() {
			for round := 0; round < rounds || tokens.Load() < 10 && round < 40*rounds; round++ {
				id, store := name(), stores[n%len(stores)]
				var err error
				switch n % 8 {
				case 0:
					_, err = store.Send(t.Context(), fromClient(id, "Hello"))
				case 1:
					_, err = store.MarkRead(t.Context(), byAda(id, rand.Int64N(20)))
				case 2:
					_, err = store.UpdateConversation(t.Context(), chat.UpdateParams{By: ada, ClientID: id, Assign: true, AssigneeID: pointer(fmt.Sprint("dev-", rand.IntN(9)))})
				case 3:
					page, failed := store.ListMessages(t.Context(), chat.MessageQuery{ClientID: id, Limit: 1})
					if err = failed; err == nil && len(page.Messages) > 0 && page.Messages[0].DeletedAt == nil {
						_, err = store.ChangeMessage(t.Context(), edit(page.Messages[0], client(id), fmt.Sprint("edited ", rand.Int())))
					}
				default:
					err = slowly(w, raw, id, rand.N(15*time.Millisecond), rand.IntN(5) == 0)
				}
				switch chat.KindOf(err) {
				case chat.NotFound, chat.Conflict, chat.Forbidden, chat.Unavailable: // not there yet, another's, or a busy machine
				default:
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}

	mine, token := map[string]int64{}, w.inbox(chat.InboxQuery{Limit: 1}).SyncToken
	take := func() {
		changed, next := w.since(token, 3)
		for _, c := range changed {
			mine[c.ClientID] = max(mine[c.ClientID], c.Version) // as a reader does: what is not newer is dropped
		}
		if next != token {
			tokens.Add(1)
		}
		token = next
	}
	var done atomic.Bool
	go func() { writing.Wait(); done.Store(true) }()
	for !done.Load() {
		take()
	}
	take()
	rows, err := w.db.Query(t.Context(), "select client_id, version from chat.conversation")
	if err != nil {
		t.Fatal(err)
	}
	var id string
	var version int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		if mine[id] != version {
			t.Errorf("of %s the reader has version %d, and the last is %d", id, mine[id], version)
		}
		delete(mine, id)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(mine) != 0 {
		t.Errorf("the reader has what is not there: %v", mine)
	}
	if n := tokens.Load(); n < 10 {
		t.Errorf("the reader took %d tokens: it has not followed", n)
	}
	w.settled(token)
}

// slowly writes in a transaction that stays open for a while, and may come to nothing.
func slowly(w *world, raw *pgxpool.Pool, id string, pause time.Duration, forNothing bool) error {
	tx, err := raw.Begin(w.Context())
	if err != nil {
		return err
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(w.Context(), "select pg_current_xact_id()"); err != nil { // numbered now, whatever it waits for then
		return err
	}
	time.Sleep(pause)
	_, err = tx.Exec(w.Context(), "select from chat.send_v3(gen_random_uuid(), $1, 'client', $1, null, null, gen_random_uuid(), null, 'Late', 'Late', true, true, '', '10s', '24h', 0, 0)", id)
	if err != nil {
		return err
	}
	time.Sleep(pause)
	if forNothing {
		return tx.Rollback(w.Context())
	}
	return tx.Commit(w.Context())
}

// What a dump and restore carries along was changed on another server, by transactions whose numbers mean nothing here,
// be they below this server's or above.
func TestATokenFromBeforeARestoreGivesEverythingOnce(t *testing.T) {
	t.Parallel()
	for name, xid := range map[string]string{"of higher numbers": "9000000000000", "of lower numbers": "3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				w.send(fromClient(id, "Hello"))
			}
			w.exec("update chat.conversation set changed_on = 4711, changed_xid = $1::text::xid8", xid)
			old := forged(4711, xid)
			w.wantSince(old, "a", "b", "c", "d", "e")
			_, next := w.since(old, 2)
			w.wantSince(next) // at once: what was restored is not new to a token of this server
			w.send(fromClient("c", "Hello again"))
			w.wantSince(next, "c")
			w.settled(next)
			w.wantSince(forged(4711, xid), "a", "b", "c", "d", "e") // a reader who comes late
		})
	}
}

func TestATokenOfWhatThisServerHasNotComeToGivesEverything(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		w.send(fromClient(id, "Hello"))
	}
	server, xid := parts(t, w.inbox(chat.InboxQuery{Limit: 1}).SyncToken)
	var now int64
	if _, err := fmt.Sscan(xid, &now); err != nil {
		t.Fatal(err)
	}
	future := forged(server, fmt.Sprint(now+1_000_000))
	w.wantSince(future, "a", "b", "c")
	_, next := w.since(future, 2)
	w.settled(next)
}

func TestWhatIsNoTokenIsRefusedAndNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.send(fromClient("b", "Hello"))
	inbox := w.inbox(chat.InboxQuery{Limit: 1})
	good := inbox.SyncToken
	server, xid := parts(t, good)
	changes := w.inbox(chat.InboxQuery{Since: pointer(forged(1, "1")), Limit: 1})
	if changes.NextCursor == nil || inbox.NextCursor == nil {
		t.Fatal("no cursors to try")
	}
	for _, since := range []string{"", "x", good + "=", good + "A", *inbox.NextCursor, *changes.NextCursor, forged(server, "-1"), forged(server, "0"+xid), forged(server, "18446744073709551615")} {
		_, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Since: &since, Limit: 1})
		if e := wantKind(t, err, chat.Invalid); len(e.Fields) != 1 || e.Fields[0].Name != "since" {
			t.Errorf("%q: the field to blame is %+v", since, e.Fields)
		}
	}
	for _, cursor := range []string{"", "x", *inbox.NextCursor, good} {
		_, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Since: &good, Cursor: &cursor, Limit: 1})
		if e := wantKind(t, err, chat.Invalid); len(e.Fields) != 1 || e.Fields[0].Name != "cursor" {
			t.Errorf("%q: the field to blame is %+v", cursor, e.Fields)
		}
	}
	_, err := w.store.ListConversations(t.Context(), chat.InboxQuery{Cursor: changes.NextCursor, Limit: 1})
	if e := wantKind(t, err, chat.Invalid); len(e.Fields) != 1 || e.Fields[0].Name != "cursor" {
		t.Errorf("a cursor of changes in the inbox: %+v", e.Fields)
	}
}

// A page costs no transaction's number and can be read where nothing can be written.
func TestReadingWritesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		w.send(fromClient(id, "Hello"))
	}
	first := w.inbox(chat.InboxQuery{Limit: 1})
	store := open(t, w.url+"&options=-c%20default_transaction_read_only%3Don")
	if _, err := store.Send(t.Context(), fromClient("a", "Hello")); chat.KindOf(err) != chat.Unavailable {
		t.Fatalf("this store can write: %v", err)
	}
	for _, q := range []chat.InboxQuery{{}, {Cursor: first.NextCursor}, {Search: pointer("nobody")}, {Since: &first.SyncToken}, {Since: pointer(forged(1, "1"))}} {
		q.Limit = 1
		if _, err := store.ListConversations(t.Context(), q); err != nil {
			t.Error(err)
		}
	}
	if _, err := store.ListMessages(t.Context(), chat.MessageQuery{ClientID: "a", Limit: 1}); err != nil {
		t.Error(err)
	}

	server, xid := parts(t, first.SyncToken)
	args := pgx.NamedArgs{
		"search": "client", "statuses": []string{"open", "closed"}, "unread": false, "assignee_id": nil, "unassigned": false,
		"after_at": nil, "after_id": "", "limit": 2, "server": server, "xid": xid, "client_id": "a", "bound": 1,
	}
	constants := statements(t)
	for _, name := range []string{"conversationsSQL", "searchSQL", "changesSQL", "messagesBeforeSQL", "messagesAfterSQL", "messagesChangedSQL"} {
		sql, list, err := args.RewriteQuery(t.Context(), nil, constants[name], nil)
		if err != nil {
			t.Fatal(err)
		}
		tx := w.hold("select")
		if _, err := tx.Exec(t.Context(), sql, append([]any{pgx.QueryExecModeExec}, list...)...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var number *string
		if err := tx.QueryRow(t.Context(), "select pg_current_xact_id_if_assigned()::text").Scan(&number); err != nil || number != nil {
			t.Errorf("%s: %v, and took a transaction's number, %s", name, err, text(number))
		}
		tx.Rollback(t.Context())
	}
}
