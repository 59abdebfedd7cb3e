package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
	"devinbox/pkg/postgres/migrate"
)

var receiver = []byte("the digest of a receiver")

// queueWebhooks queues all that there is to queue.
func (w *world) queueWebhooks(unreadAfter time.Duration) {
	w.Helper()
	for more := true; more; {
		var err error
		if more, err = w.store.QueueWebhooks(w.Context(), unreadAfter); err != nil {
			w.Fatal(err)
		}
	}
}

// claimWebhooks claims what must succeed.
func (w *world) claimWebhooks(claim int) []chat.Webhook {
	w.Helper()
	claimed, givenUp, err := w.store.ClaimWebhooks(w.Context(), receiver, claim)
	if err != nil {
		w.Fatal(err)
	}
	if len(givenUp) > 0 {
		w.Errorf("given up: %v", names(givenUp))
	}
	return claimed
}

// settle settles webhooks as taken or, with a wait, as not.
func (w *world) settle(webhooks []chat.Webhook, after time.Duration) {
	w.Helper()
	var settled []chat.SettledWebhook
	for _, h := range webhooks {
		settled = append(settled, chat.SettledWebhook{WebhookKey: h.WebhookKey, Taken: after == 0, TryAfter: after})
	}
	if err := w.store.SettleWebhooks(w.Context(), receiver, settled, false); err != nil {
		w.Fatal(err)
	}
}

// told is what a run would send now, and is taken.
func (w *world) told(unreadAfter time.Duration) []chat.Webhook {
	w.Helper()
	w.queueWebhooks(unreadAfter)
	var all []chat.Webhook
	for {
		claimed := w.claimWebhooks(10)
		if len(claimed) == 0 {
			return all
		}
		w.settle(claimed, 0)
		all = append(all, claimed...)
	}
}

// names are what webhooks tell, sorted: the type, the client and what it is about.
func names(webhooks []chat.Webhook) []string {
	var all []string
	for _, h := range webhooks {
		name := string(h.Type) + " " + h.ClientID
		switch {
		case h.Message != nil:
			name += fmt.Sprint(" ", h.Message.Seq)
		case h.Side != "":
			name += " " + string(h.Side)
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (w *world) wantTold(unreadAfter time.Duration, want ...string) []chat.Webhook {
	w.Helper()
	told := w.told(unreadAfter)
	if got := names(told); !slices.Equal(got, want) {
		w.Errorf("told %q, want %q", got, want)
	}
	return told
}

const (
	changedA = "conversation.updated a"
	createdA = "message.created a "
	updatedA = "message.updated a "
	never    = 0
)

func TestEachChangeIsToldOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.wantTold(never)
	var first chat.Message
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"nothing", func() {}, nil},
		{"a message", func() { first = w.send(fromClient("a", "Hello")).Message }, []string{changedA, createdA + "1"}},
		{"two messages", func() { w.send(fromAda("a", "Hi")); w.send(fromAda("a", "You")) }, []string{changedA, createdA + "2", createdA + "3"}},
		{"a read mark", func() { w.read(byAda("a", 1)) }, []string{changedA}},
		{"a read mark that stays", func() { w.read(byAda("a", 1)) }, nil},
		{"an edit", func() { first = w.change(edit(first, client("a"), "edited")).Message }, []string{changedA, updatedA + "1"}},
		{"two edits and a deletion", func() {
			w.change(edit(first, client("a"), "again"))
			w.change(edit(first, client("a"), "and again"))
			w.change(deletion(first, ada))
		}, []string{changedA, updatedA + "1"}},
		{"a message that is edited before it is told", func() {
			m := w.send(fromClient("a", "Hello")).Message
			w.change(edit(m, client("a"), "edited"))
		}, []string{changedA, createdA + "4", updatedA + "4"}},
		{"an update", func() { w.update(chat.UpdateParams{By: ada, ClientID: "a", Status: pointer(chat.Closed)}) }, []string{changedA}},
		{"an update that changes nothing", func() { w.update(chat.UpdateParams{By: ada, ClientID: "a", Status: pointer(chat.Closed)}) }, nil},
		{"presence", func() { w.presence(chat.Presence{ClientID: "a", Online: true, At: time.Now()}) }, []string{changedA}},
		{"a message of another conversation", func() { w.send(fromClient("b", "Hello")) }, []string{"conversation.updated b", "message.created b 1"}},
	} {
		step.do()
		if told := w.wantTold(never, step.want...); t.Failed() {
			t.Fatalf("after %s: %+v", step.what, told)
		}
	}
	if n := ask[int](w, "select count(*) from chat.webhook"); n != 0 {
		t.Errorf("%d are left over", n)
	}
}

func TestAWebhookShowsTheStateOfTheMomentInWhichItIsSent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("a", "Hello")).Message
	w.queueWebhooks(never)
	w.change(edit(m, client("a"), "edited"))
	for _, h := range w.claimWebhooks(10) {
		switch {
		case h.Type == chat.MessageCreated && (h.Message.Body != "edited" || h.Message.Version != 2 || h.Attempts != 1):
			t.Errorf("%+v of %+v", h, h.Message)
		case h.Type == chat.ConversationChange && (h.Conversation.Version != 2 || h.Conversation.LastMessage.Preview != "edited"):
			t.Errorf("%+v of %+v", h, h.Conversation)
		}
	}
}

// A change meanwhile is another webhook if the one before may have been received, or a receiver that drops ids which it
// knows would never see it.
func TestAWebhookThatWasTriedIsNotTheOneOfALaterChange(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(never)
	const id = "select id::text from chat.webhook where type = 'conversation.updated'"
	before := ask[string](w, id)
	w.read(byAda("a", 1))
	w.queueWebhooks(never)
	if again := ask[string](w, id); again != before {
		t.Error("one that nobody has tried got another id")
	}
	tried := w.claimWebhooks(10)
	w.settle(tried, time.Hour)
	w.update(chat.UpdateParams{By: ada, ClientID: "a", Status: pointer(chat.Closed)})
	w.queueWebhooks(never)
	after := ask[string](w, id)
	if after == before {
		t.Error("one that was tried keeps its id for another change")
	}
	// The late answer to the first one settles nothing of the second.
	w.settle(tried, 0)
	if told := w.claimWebhooks(10); len(told) != 1 || told[0].ID != after || told[0].Attempts != 1 || told[0].Conversation.Status != chat.Closed {
		t.Errorf("told %+v", told)
	}
}

// Whatever began first and ends last is what a clock or a counter would pass over.
func TestAChangeThatIsCommittedLateIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.send(fromClient("b", "Hello"))
	w.told(never)
	late := w.hold("select from chat.send_v3(gen_random_uuid(), 'a', 'client', 'a', null, null, gen_random_uuid(), null, 'Late', 'Late', true, true, '', '10s', '24h', 0, 0)")
	for n := range 3 {
		w.send(fromClient("b", fmt.Sprint("Hello ", n)))
		w.wantTold(never, "conversation.updated b", fmt.Sprint("message.created b ", n+2))
	}
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantTold(never, changedA, createdA+"2")
	w.wantTold(never)
}

// Sixteen writers, half of them in transactions that end in another order than they began or come to nothing, and four that
// queue and claim all the while: each message is told exactly once, and each conversation with its last version.
func TestNothingIsPassedOverAndNothingDoubledHoweverManyWriteAndTell(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t)
	w := &world{t, server.URL(), open(t, server.URL()), look(t, server.URL())}
	const writers, rounds, clients = 16, 25, 30
	w.queueWebhooks(never)
	raw := look(t, w.url+"&pool_max_conns=8")
	stores := [4]*postgres.Store{open(t, w.url), open(t, w.url), open(t, w.url), open(t, w.url)}
	var writing, telling sync.WaitGroup
	for n := range writers {
		writing.Go(func() {
			for range rounds {
				id := fmt.Sprintf("client-%02d", rand.IntN(clients))
				var err error
				if n%2 == 0 {
					_, err = stores[n%len(stores)].Send(t.Context(), fromClient(id, "Hello"))
				} else {
					err = slowly(w, raw, id, rand.N(10*time.Millisecond), rand.IntN(5) == 0)
				}
				// On a busy machine a lock may not come in time.
				if err != nil && chat.KindOf(err) != chat.Unavailable && !strings.Contains(err.Error(), "55P03") {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	var done atomic.Bool
	created, version, ids := map[string]int{}, map[string]int64{}, map[string]bool{}
	key := func(h chat.Webhook) string {
		if h.Message == nil {
			return ""
		}
		return fmt.Sprint(h.ClientID, " ", h.Message.Seq)
	}
	tell := func(store *postgres.Store) (found bool) {
		if _, err := store.QueueWebhooks(t.Context(), never); err != nil {
			if chat.KindOf(err) != chat.Unavailable {
				t.Error(err)
			}
			return true
		}
		claimed, _, err := store.ClaimWebhooks(t.Context(), receiver, 10)
		if err != nil {
			if chat.KindOf(err) != chat.Unavailable {
				t.Error(err)
			}
			return true
		}
		var settled []chat.SettledWebhook
		mu.Lock()
		for _, h := range claimed {
			settled = append(settled, chat.SettledWebhook{WebhookKey: h.WebhookKey, Taken: true})
			if ids[h.ID] {
				t.Errorf("%v came twice", names([]chat.Webhook{h}))
			}
			ids[h.ID] = true
			version[h.ClientID] = max(version[h.ClientID], h.Conversation.Version)
			if h.Type == chat.MessageCreated {
				created[key(h)]++
			}
		}
		mu.Unlock()
		if err := store.SettleWebhooks(t.Context(), receiver, settled, false); err != nil {
			if chat.KindOf(err) != chat.Unavailable {
				t.Error(err)
			}
			mu.Lock()
			for _, h := range claimed { // they may come again
				delete(ids, h.ID)
				delete(created, key(h))
			}
			mu.Unlock()
		}
		return len(claimed) > 0
	}
	for _, store := range stores {
		telling.Go(func() {
			for !done.Load() {
				tell(store)
			}
		})
	}
	writing.Wait()
	done.Store(true)
	telling.Wait()
	w.exec("update chat.webhook set due_at = clock_timestamp()") // a claim whose answer was lost, on a busy machine
	for tell(w.store) {
	}
	stored := ask[int](w, "select count(*) from chat.message")
	if len(created) != stored {
		t.Errorf("%d messages are told, and %d stored", len(created), stored)
	}
	for name, n := range created {
		if n != 1 {
			t.Errorf("%s is told %d times", name, n)
		}
	}
	rows, err := w.db.Query(t.Context(), "select client_id, version from chat.conversation")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var last int64
		if err := rows.Scan(&id, &last); err != nil {
			t.Fatal(err)
		}
		if version[id] != last {
			t.Errorf("of %s version %d is told, and the last is %d", id, version[id], last)
		}
	}
	if n := ask[int](w, "select count(*) from chat.webhook"); n != 0 {
		t.Errorf("%d are left over", n)
	}
}

func TestFiftyRunsAtOnceClaimEachWebhookOnce(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t)
	w := &world{t, server.URL(), open(t, server.URL()), look(t, server.URL())}
	const conversations = 150
	for n := range conversations {
		w.send(fromClient(fmt.Sprint("client-", n), "Hello"))
	}
	runs := look(t, w.url+"&pool_max_conns=50") // and not a store, which gives up on a busy machine
	var mu sync.Mutex
	times := map[string]int{}
	claim := func() (found bool) {
		rows, err := runs.Query(t.Context(), "select id from chat.claim_webhooks_v1('x', 10, '1 hour', '3 days')")
		if err != nil {
			t.Error(err)
			return false
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, id := range ids {
			times[id]++
		}
		return len(ids) > 0
	}
	queue := func() {
		if _, err := runs.Exec(t.Context(), "select chat.queue_webhooks_v1(1000, null, '3 days')"); err != nil {
			t.Error(err)
		}
	}
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			queue()
			for claim() {
			}
		})
	}
	running.Wait()
	queue()
	for claim() { // what was queued when the others had looked
	}
	if len(times) != 2*conversations {
		t.Errorf("%d webhooks, want %d", len(times), 2*conversations)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("%s was claimed %d times within its lease", id, n)
		}
	}
}

func TestAClaimedWebhookComesAgainWhenItsLeaseIsOverUnderTheSameId(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(never)
	first := w.claimWebhooks(10)
	if again := w.claimWebhooks(10); len(first) != 2 || len(again) != 0 {
		t.Fatalf("claimed %v, then %v", names(first), names(again))
	}
	lease := ask[float64](w, "select extract(epoch from min(due_at) - clock_timestamp())::float8 from chat.webhook")
	if lease < 15 || lease > 30 {
		t.Errorf("the lease ends in %v s", lease)
	}
	w.exec("update chat.webhook set due_at = clock_timestamp()")
	second := w.claimWebhooks(10)
	ids := func(all []chat.Webhook) (ids []string) {
		for _, h := range all {
			ids = append(ids, h.ID)
		}
		slices.Sort(ids)
		return ids
	}
	if !slices.Equal(ids(first), ids(second)) || second[0].Attempts != 2 {
		t.Errorf("claimed %+v, then %+v", first, second)
	}
	w.settle(second, time.Hour)
	if wait := ask[float64](w, "select extract(epoch from min(due_at) - clock_timestamp())::float8 from chat.webhook"); wait < 3000 || wait > 3600 {
		t.Errorf("due again in %v s, want in an hour", wait)
	}
	if n, err := w.store.CountWebhooks(t.Context(), 10); n != 2 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
}

func TestWhatIsUnreadForLongEnoughIsToldOnceUntilTheNextRead(t *testing.T) {
	t.Parallel()
	const after = time.Hour
	unread := func(side chat.Role) string { return "message.unread a " + string(side) }
	// later has everything be older by a duration.
	later := func(w *world, by time.Duration) {
		w.exec("update chat.message set created_at = created_at - $1::interval", by.String())
		w.exec("update chat.webhook_unread set since = since - $1::interval", by.String())
		w.exec("update chat.webhook_progress set begun_at = begun_at - $1::interval", by.String())
	}
	told := func(w *world) (names_ []string) {
		for _, name := range names(w.told(after)) {
			if strings.HasPrefix(name, "message.unread") {
				names_ = append(names_, name)
			}
		}
		return names_
	}
	for _, test := range []struct {
		name string
		do   func(w *world)
		want []string
	}{
		{"too early", func(w *world) { w.send(fromClient("a", "Hello")); told(w); later(w, after-time.Minute) }, nil},
		{"in time", func(w *world) { w.send(fromClient("a", "Hello")); told(w); later(w, after) }, []string{unread(chat.Developer)}},
		{"nobody looked before", func(w *world) { w.send(fromClient("a", "Hello")); told(w); later(w, 2*after) }, []string{unread(chat.Developer)}},
		{"to both sides", func(w *world) { w.send(fromClient("a", "Hello")); w.send(fromAda("a", "Hi")); told(w); later(w, after) }, []string{unread(chat.Client), unread(chat.Developer)}},
		{"read meanwhile", func(w *world) { w.send(fromClient("a", "Hello")); told(w); later(w, after); w.read(byAda("a", 1)) }, nil},
		{"read by the wrong side", func(w *world) { w.send(fromClient("a", "Hello")); told(w); later(w, after); w.read(byClient("a", 1)) }, []string{unread(chat.Developer)}},
		{"deleted meanwhile", func(w *world) {
			m := w.send(fromClient("a", "Hello")).Message
			told(w)
			later(w, after)
			w.change(deletion(m, ada))
		}, nil},
		{"the first deleted, and another one later", func(w *world) {
			m := w.send(fromClient("a", "Hello")).Message
			told(w)
			later(w, after)
			w.change(deletion(m, ada))
			w.send(fromClient("a", "Hello again"))
		}, nil},
		{"… and that in time", func(w *world) {
			m := w.send(fromClient("a", "Hello")).Message
			told(w)
			w.send(fromClient("a", "Hello again"))
			later(w, after)
			w.change(deletion(m, ada))
		}, []string{unread(chat.Developer)}},
		{"told before", func(w *world) { w.send(fromClient("a", "Hello")); told(w); later(w, after); told(w); later(w, 2*after) }, nil},
		{"told before, and another message", func(w *world) {
			w.send(fromClient("a", "Hello"))
			told(w)
			later(w, after)
			told(w)
			w.send(fromClient("a", "Hello again"))
			told(w)
			later(w, 2*after)
		}, nil},
		{"told before, then read, then another message", func(w *world) {
			w.send(fromClient("a", "Hello"))
			told(w)
			later(w, after)
			told(w)
			w.read(byAda("a", 1))
			w.send(fromClient("a", "Hello again"))
			told(w)
			later(w, after)
		}, []string{unread(chat.Developer)}},
		{"told before, then read in part", func(w *world) {
			w.send(fromClient("a", "Hello"))
			w.send(fromClient("a", "Hello again"))
			told(w)
			later(w, after)
			told(w)
			w.read(byAda("a", 1))
		}, []string{unread(chat.Developer)}},
		{"too long ago to be told", func(w *world) {
			w.send(fromClient("a", "Hello"))
			told(w)
			later(w, 4*24*time.Hour)
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			told(w)
			test.do(w)
			if got := told(w); !slices.Equal(got, test.want) {
				t.Errorf("told %q, want %q", got, test.want)
			}
		})
	}

	t.Run("read while it waits to be sent", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.send(fromClient("a", "Hello"))
		w.told(after)
		later(w, after)
		w.queueWebhooks(after)
		if n := ask[int](w, "select count(*) from chat.webhook"); n != 1 {
			t.Fatalf("%d wait", n)
		}
		w.read(byAda("a", 1))
		if claimed := w.claimWebhooks(10); len(claimed) != 0 {
			t.Errorf("told %v", names(claimed))
		}
		if n := ask[int](w, "select count(*) from chat.webhook"); n != 0 {
			t.Errorf("%d wait after that", n)
		}
	})
	t.Run("read while it waits for another try, and then another message", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.send(fromClient("a", "Hello"))
		w.told(after)
		later(w, after)
		w.queueWebhooks(after)
		w.settle(w.claimWebhooks(10), time.Hour) // it was not taken
		w.read(byAda("a", 1))
		w.send(fromClient("a", "Hello again"))
		w.queueWebhooks(after)
		w.exec("update chat.webhook set due_at = clock_timestamp()")
		if got := told(w); len(got) != 0 {
			t.Errorf("told %q at once", got)
		}
		later(w, after)
		if got := told(w); !slices.Equal(got, []string{unread(chat.Developer)}) {
			t.Errorf("told %q in time", got)
		}
	})
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.send(fromClient("a", "Hello"))
		w.told(after)
		later(w, after)
		w.queueWebhooks(after)
		w.wantTold(never)
		w.wantTold(never)
	})
}

func TestAWebhookIsGivenUpAfterThreeDays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(never)
	w.settle(w.claimWebhooks(10), time.Hour)
	w.exec("update chat.webhook set created_at = created_at - interval '71 hours', due_at = clock_timestamp()")
	w.settle(w.claimWebhooks(10), time.Hour)
	w.exec("update chat.webhook set created_at = created_at - interval '1 hour', due_at = clock_timestamp()")
	claimed, givenUp, err := w.store.ClaimWebhooks(t.Context(), receiver, 10)
	if err != nil || len(claimed) != 0 || len(givenUp) != 2 || givenUp[0].Attempts != 2 || givenUp[0].ClientID != "a" {
		t.Errorf("claimed %v, given up %+v, %v", names(claimed), givenUp, err)
	}
	if n := ask[int](w, "select count(*) from chat.webhook"); n != 0 {
		t.Errorf("%d wait after that", n)
	}
}

func TestAReceiverThatIsGoneIsLeftAloneForADayAndThenAskedWithOne(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		w.send(fromClient(id, "Hello"))
	}
	w.queueWebhooks(never)
	gone := func(claim int) {
		t.Helper()
		var settled []chat.SettledWebhook
		for _, h := range w.claimWebhooks(claim) {
			settled = append(settled, chat.SettledWebhook{WebhookKey: h.WebhookKey})
		}
		if err := w.store.SettleWebhooks(t.Context(), receiver, settled, true); err != nil {
			t.Fatal(err)
		}
	}
	gone(1)
	if claimed := w.claimWebhooks(10); len(claimed) != 0 {
		t.Errorf("it gets %v", names(claimed))
	}
	if claimed, _, err := w.store.ClaimWebhooks(t.Context(), []byte("another"), 1); err != nil || len(claimed) != 1 {
		t.Errorf("another one gets %v, %v", names(claimed), err)
	}
	w.exec("update chat.webhook_gone set until = until - interval '1 day'")
	w.exec("update chat.webhook set due_at = clock_timestamp()")
	gone(10)
	if n := ask[int](w, "select count(*) from chat.webhook where due_at <= clock_timestamp() and attempts = 0"); n == 0 {
		t.Error("it was asked with more than one")
	}
	w.exec("update chat.webhook_gone set until = until - interval '1 day'")
	w.exec("update chat.webhook set due_at = clock_timestamp()")
	one := w.claimWebhooks(10)
	if len(one) != 1 {
		t.Errorf("it is asked with %v", names(one))
	}
	w.settle(one, 0)
	if rest := w.claimWebhooks(10); len(rest) != 5 {
		t.Errorf("when it takes them again it gets %v", names(rest))
	}
}

func TestTheFirstCallBeginsAnHourBeforeItself(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		w.send(fromClient(id, "Hello"))
	}
	old := func(id string) {
		w.exec("update chat.message set created_at = created_at - interval '61 minutes' where client_id = $1", id)
		w.exec("update chat.conversation set updated_at = updated_at - interval '61 minutes' where client_id = $1", id)
	}
	old("a")
	old("b")
	w.send(fromClient("b", "Hello again"))
	w.wantTold(never, "conversation.updated b", "conversation.updated c", "message.created b 2", "message.created c 1")
	// What is older is not told when its conversation changes, either.
	w.send(fromAda("a", "Hi"))
	w.wantTold(never, changedA, createdA+"2")
	// … and what has been unread for years is no message.unread.
	w.wantTold(time.Microsecond, "message.unread a client", "message.unread b developer", "message.unread c developer")
}

func TestAfterAPauseTheLastThreeDaysAreTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.told(never)
	for range 2 {
		w.send(fromClient("a", "Hello"))
	}
	w.send(fromClient("b", "Hello"))
	w.exec("update chat.message set created_at = created_at - interval '73 hours' where seq = 1")
	w.exec("update chat.conversation set updated_at = updated_at - interval '73 hours' where client_id = 'b'")
	w.exec("update chat.webhook_progress set begun_at = begun_at - interval '30 days', looked_at = looked_at - interval '30 days'")
	w.wantTold(never, changedA, createdA+"2")
}

func TestWhatIsSaidAfterTheClockWasSetBackIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(never)
	w.settle(w.claimWebhooks(10), time.Hour)
	// The clock that ran two days ahead until now.
	w.exec("update chat.webhook_progress set begun_at = begun_at + interval '2 days', looked_at = looked_at + interval '2 days'")
	w.exec("update chat.webhook set created_at = created_at + interval '2 days', due_at = due_at + interval '2 days'")
	w.send(fromClient("b", "Hello"))
	w.wantTold(never, changedA, "conversation.updated b", createdA+"1", "message.created b 1")
}

func TestAClaimOfWebhooksWaitsForNoLockThoughTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(never)
	w.exec("update chat.webhook set due_at = due_at + interval '1 day'")
	w.hold("select from chat.webhook where type = 'message.created' for update")
	if got := names(w.claimWebhooks(10)); !slices.Equal(got, []string{changedA}) {
		t.Errorf("claimed %q", got)
	}
}

// After a pause that is longer than what is told of, the conversations that were read meanwhile are passed by.
func TestWhatWasReadDuringALongPauseIsNotLookedAtForEver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(time.Hour)
	w.read(byAda("a", 1))
	for table, columns := range map[string][]string{
		"conversation": {"updated_at", "last_message_at", "created_at"}, "message": {"created_at"},
		"webhook_unread": {"since"}, "webhook_progress": {"begun_at", "looked_at"},
	} {
		for _, column := range columns {
			w.exec(fmt.Sprintf("update chat.%s set %s = %[2]s - interval '30 days'", table, column))
		}
	}
	w.queueWebhooks(time.Hour)
	if left := ask[int](w, "select count(*) from chat.webhook_unread"); left != 0 {
		t.Errorf("%d sides are still waited for", left)
	}
}

// A dump and restore brings along how far the webhooks were, and what was not queued by then has the old server's numbers.
func TestAfterARestoreNothingIsPassedOverAndNothingRepeated(t *testing.T) {
	t.Parallel()
	for name, elsewhere := range map[string]string{
		"on another server":                  "update chat.%s set %s = 4711",
		"on a restored copy of the same one": "update chat.%[1]s set %[2]s = %[2]s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			for _, id := range []string{"a", "b", "c"} {
				w.send(fromClient(id, "Hello"))
			}
			w.told(never)
			w.send(fromAda("b", "Hi"))
			w.exec(fmt.Sprintf(elsewhere, "conversation", "changed_on"))
			w.exec(fmt.Sprintf(elsewhere, "webhook_progress", "server"))
			w.exec("update chat.conversation set changed_xid = '9000000000000' where client_id = 'b'")
			w.exec("update chat.conversation set changed_xid = '8000000000000' where client_id <> 'b'")
			w.exec("update chat.webhook_progress set xid = '8500000000000'")
			w.send(fromAda("c", "Hi"))
			w.wantTold(never, "conversation.updated b", "conversation.updated c", "message.created b 2", "message.created c 2")
			w.send(fromAda("a", "Hi"))
			w.wantTold(never, changedA, createdA+"2")
			w.wantTold(never)
		})
	}
}

// Code of the version before goes on writing after the migration, and knows nothing of webhooks.
func TestWhatTheVersionBeforeWroteIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, name := range []string{"webhook", "webhook_gone", "webhook_progress", "webhook_seen", "webhook_unread"} {
		w.exec("drop table chat." + name + " cascade")
	}
	for _, name := range []string{"queue_webhooks_v1", "claim_webhooks_v1", "settle_webhooks_v1"} {
		w.exec("drop function if exists chat." + name)
	}
	w.exec("update chat.schema_version set version = 2")
	w.send(fromClient("a", "before the migration"))
	wantKind(t, func() error { _, err := w.store.QueueWebhooks(t.Context(), never); return err }(), chat.Unavailable)
	for _, later := range []string{ // what the steps after it add
		"type chat.saved_v2 cascade", "table chat.attachment, chat.attachment_rate, chat.object_deletion",
		"function chat.delete_object, chat.delete_attachments, chat.file_preview cascade",
	} {
		w.exec("drop " + later)
	}
	w.exec("alter table chat.message drop column attachments cascade")
	if err := migrate.Up(t.Context(), w.db.Config().ConnString(), func(string) {}); err != nil {
		t.Fatal(err)
	}
	w.send(fromClient("a", "after it"))
	w.wantTold(never, changedA, createdA+"1", createdA+"2")
}

func TestAConversationThatIsDeletedTakesItsWebhooksWithIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.queueWebhooks(never)
	w.exec("delete from chat.conversation")
	for _, name := range []string{"webhook", "webhook_seen", "webhook_unread"} {
		if n := ask[int](w, "select count(*) from chat."+name); n != 0 {
			t.Errorf("%d rows of chat.%s are left", n, name)
		}
	}
}

// No send waits for what the cron does, and the other way round.
func TestQueueingAndClaimingHoldNoSendUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	ctx := context.Background()
	tx, err := w.db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	for _, sql := range []string{
		"select chat.queue_webhooks_v1(100, '10m', '3 days')",
		"select from chat.claim_webhooks_v1('x', 100, '30s', '3 days')",
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
		w.send(fromClient("a", "Hello"))
		w.read(byAda("a", 1))
		w.change(edit(w.send(fromAda("a", "Hi")).Message, ada, "edited"))
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	sending := w.hold("select from chat.send_v3(gen_random_uuid(), 'a', 'client', 'a', null, null, gen_random_uuid(), null, 'Late', 'Late', true, true, '', '10s', '24h', 0, 0)")
	w.queueWebhooks(never)
	if told := w.claimWebhooks(100); len(told) == 0 {
		t.Error("nothing is told while somebody sends")
	}
	if err := sending.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// After a restore, or with webhooks switched on for a database that is years old, everything may have the number of one
// transaction. What has nothing to tell must not be gone through again and again.
func TestWhatHasNothingToTellIsPassedByInOneCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`
		insert into chat.conversation (client_id, status, last_message_at, version, created_at, updated_at)
		select 'client-' || i, 'open', now() - interval '2 hours', 1, now() - interval '2 hours', now() - interval '2 hours' from generate_series(1, 5000) i`)
	w.send(fromClient("a", "Hello"))
	if more, err := w.store.QueueWebhooks(t.Context(), never); more || err != nil {
		t.Errorf("more %v, %v", more, err)
	}
	w.wantTold(never, changedA, createdA+"1")
	if n := ask[int](w, "select count(*) from chat.webhook_seen"); n != 1 {
		t.Errorf("%d conversations are remembered, want the one with something to tell", n)
	}
}
