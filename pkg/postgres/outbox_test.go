package postgres_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
)

// due ends every lease.
func (w *world) due() {
	w.exec("update chat.outbox set due_at = clock_timestamp() - interval '1 second'")
}

// waiting names the events in the outbox: version, event and target.
func (w *world) waiting() []string {
	w.Helper()
	return ask[[]string](w, "select coalesce(array_agg(format('%s %s %s', version, event, target) order by version, event desc, target), '{}') from chat.outbox")
}

func TestAnEventIsLeasedToTheCallThatMadeIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	saved := w.send(fromClient("42", "Hello"))
	if got := w.deliver(chat.Delivery{}, 10); len(got) != 0 {
		t.Errorf("claimed within the lease: %+v", keys(got))
	}
	lease := ask[float64](w, "select extract(epoch from min(due_at - created_at))::float8 from chat.outbox")
	if want := chat.Lease.Seconds(); lease != want {
		t.Errorf("leased for %v s, want %v", lease, want)
	}
	w.due()
	wantKeys(t, w.deliver(chat.Delivery{}, 10), keys(saved.Events)...)
	if got := w.deliver(chat.Delivery{}, 10); len(got) != 0 {
		t.Errorf("claimed twice: %+v", keys(got))
	}
}

func TestAnEventThatWaitsGoesOutWithTheStateOfItsDelivery(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := fromClient("42", "Hello")
	p.ExceptSocket = "1.2"
	w.send(p)
	w.read(byAda("42", 1))
	w.send(fromClient("42", "Again"))
	w.read(byAda("42", 2))
	w.exec("update chat.message set body = 'edited', version = 9 where seq = 1")
	w.due()
	events := w.deliver(chat.Delivery{}, 10)
	wantKeys(t, events,
		chat.EventKey{ClientID: "42", Version: 1, Name: chat.NewMessage},
		chat.EventKey{ClientID: "42", Version: 3, Name: chat.NewMessage},
		chat.EventKey{ClientID: "42", Version: 4, Name: chat.MessagesRead},
		chat.EventKey{ClientID: "42", Version: 4, Name: chat.ConversationUpdated, ToInbox: true})
	if e := events[0]; e.Message.Body != "edited" || e.Message.Version != 9 || e.ExceptSocket != "1.2" || e.Conversation != nil || e.Read != nil {
		t.Errorf("the first message's event: %+v", e)
	}
	if e := events[1]; e.ExceptSocket != "" || e.Message.Body != "Again" {
		t.Errorf("the second message's event: %+v", e)
	}
	if r := events[2].Read; r.UpToSeq != 2 || r.Side != chat.Developer || r.Reader.ID != "ada" || *r.Reader.Name != "Ada" || r.Version != 4 || r.ReadAt == nil {
		t.Errorf("the mark's event: %+v", r)
	}
	if c := events[3].Conversation; c.Version != 4 || c.LastSeq != 2 {
		t.Errorf("the conversation's event: %+v", c)
	}
	if left := w.waiting(); len(left) != 4 {
		t.Errorf("%q wait: what a later event makes superfluous is dropped", left)
	}
}

func TestOfEventsThatWouldShowTheSameTheLatestLeaves(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("42", "Hello")).Message
	other := w.send(fromClient("42", "Another")).Message
	for n := range 150 {
		w.change(edit(m, client("42"), fmt.Sprint("edited ", n)))
		w.change(edit(other, client("42"), fmt.Sprint("edited ", n)))
	}
	w.update(chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed), Live: true, ExceptSocket: "1.1"})
	w.update(chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Open), Live: true, ExceptSocket: "2.2"})
	w.read(byAda("42", 1))
	w.read(byAda("42", 2))
	byGrace := byClient("42", 2)
	w.send(fromAda("42", "Hi"))
	w.read(byGrace)
	w.exec("delete from chat.outbox where event = 'new-message'")
	w.due()
	events := w.deliver(chat.Delivery{}, 10)
	last := events[len(events)-1].Version
	wantKeys(t, events,
		chat.EventKey{ClientID: "42", Version: 301, Name: chat.MessageUpdated},
		chat.EventKey{ClientID: "42", Version: 302, Name: chat.MessageUpdated},
		chat.EventKey{ClientID: "42", Version: 304, Name: chat.ConversationUpdated},
		chat.EventKey{ClientID: "42", Version: last - 2, Name: chat.MessagesRead}, // the developers'
		chat.EventKey{ClientID: "42", Version: last, Name: chat.MessagesRead},     // the client's
		chat.EventKey{ClientID: "42", Version: last, Name: chat.ConversationUpdated, ToInbox: true})
	if e := events[2]; e.ExceptSocket != "2.2" {
		t.Errorf("it excludes %q, want the connection of the last change", e.ExceptSocket)
	}
	if left := w.waiting(); len(left) != 6 {
		t.Errorf("%q wait", left)
	}
}

func TestALaterEventThatIsAnotherCallsToDeliverReplacesNone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("42", "Hello")).Message
	w.exec("delete from chat.outbox")
	w.change(edit(m, client("42"), "edited"))
	w.due()
	w.change(edit(m, client("42"), "edited again"))
	if got := w.deliver(chat.Delivery{}, 10); len(got) != 2 || got[0].Version != 2 {
		t.Errorf("claimed %+v", keys(got))
	}
}

func TestClaimsTakeTurnsBetweenConversations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n := range 40 {
		w.send(fromClient("busy", fmt.Sprint(n)))
	}
	for _, id := range []string{"a", "b", "c"} {
		w.send(fromClient(id, "Hello"))
	}
	w.exec("update chat.outbox set due_at = clock_timestamp() - interval '1 second' * (1000 - version)")
	w.exec("update chat.outbox set due_at = clock_timestamp() where client_id <> 'busy'")
	found := map[string]bool{}
	for _, e := range w.deliver(chat.Delivery{}, 8) {
		found[e.ClientID] = true
	}
	if len(found) != 4 {
		t.Errorf("of four conversations that wait %v were served", found)
	}
}

func TestAnEventThatIsRejectedAloneIsParkedAtTheEighthTimeAfterTenMinutes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	saved := w.send(keyed(fromClient("42", "Hello"), "key"))
	poisoned, other := saved.Events[0].EventKey, saved.Events[1].EventKey
	parked := func() int { return w.queue(10).Parked }
	reject := func(others ...chat.EventKey) {
		t.Helper()
		w.due()
		w.deliver(chat.Delivery{Rejected: []chat.EventKey{poisoned}, Delivered: others, OthersTaken: len(others) > 0}, 0)
	}
	for range 20 {
		reject() // Pusher may refuse everything: that says nothing of the event
	}
	for range 9 {
		reject(other)
	}
	if parked() != 0 {
		t.Fatal("it is parked within ten minutes")
	}
	w.exec("update chat.outbox set rejected_at = rejected_at - interval '10 minutes'")
	reject(other)
	if parked() != 1 {
		t.Error("it is not parked after ten rejections over ten minutes")
	}
	w.exec("update chat.outbox set refused = false, rejections = 6, due_at = clock_timestamp()")
	reject(other)
	if parked() != 0 {
		t.Error("it is parked after seven rejections")
	}
	reject(other)
	if parked() != 1 {
		t.Error("it is not parked after eight rejections")
	}
}

func TestEventsThatWereLeasedBeforeTheClockWasSetBackAreDue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.exec("update chat.outbox set due_at = due_at + interval '1 hour', created_at = created_at + interval '1 hour'")
	if got := w.deliver(chat.Delivery{}, 10); len(got) != 2 {
		t.Errorf("claimed %+v", keys(got))
	}
	if late := ask[int](w, "select count(*) from chat.outbox where greatest(due_at, created_at) > clock_timestamp() + interval '1 minute'"); late != 0 {
		t.Errorf("%d events are still of the future", late)
	}
}

func TestAClaimWaitsForNoLockThoughTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.exec("update chat.outbox set due_at = due_at + interval '1 hour'")
	w.hold("select from chat.outbox where event = 'new-message' for update")
	if got := keys(w.deliver(chat.Delivery{}, 10)); len(got) != 1 || got[0].Name != chat.ConversationUpdated {
		t.Errorf("claimed %+v", got)
	}
}

func TestWhatIsAcknowledgedIsForgottenAndOnlyThat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.send(fromClient("42", "Again"))
	w.send(fromClient("other", "Hello"))
	w.deliver(chat.Delivery{Delivered: []chat.EventKey{
		{ClientID: "42", Version: 1, Name: chat.NewMessage},
		{ClientID: "42", Version: 2, Name: chat.ConversationUpdated, ToInbox: true},
		{ClientID: "42", Version: 2, Name: chat.NewMessage, ToInbox: true}, // there is none of this name
		{ClientID: "nobody", Version: 1, Name: chat.NewMessage},
	}}, 0)
	want := []string{"1 new-message conversation", "1 conversation-updated inbox", "1 conversation-updated inbox", "2 new-message conversation"}
	if got := w.waiting(); !slices.Equal(got, want) {
		t.Errorf("%q wait, want %q", got, want)
	}
	w.deliver(chat.Delivery{}, 0)
	if got := w.waiting(); !slices.Equal(got, want) {
		t.Errorf("%q wait after acknowledging nothing, want %q", got, want)
	}
}

func TestTheLongestDueIsClaimedFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		w.send(fromClient(id, "Hello"))
	}
	w.exec(`update chat.outbox set due_at = clock_timestamp() - case client_id when 'b' then interval '9 minutes' else interval '1 minute' end
		where event = 'new-message'`)
	if got := w.deliver(chat.Delivery{}, 1); len(got) != 1 || got[0].ClientID != "b" {
		t.Errorf("claimed %+v", keys(got))
	}
	if got := w.deliver(chat.Delivery{}, 9); len(got) != 2 {
		t.Errorf("claimed %+v", keys(got))
	}
}

func TestAClaimReadsNoMoreThanWhatIsDue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("insert into chat.conversation (client_id, last_message_at, created_at, updated_at) values ('42', now(), now(), now())")
	w.exec(`insert into chat.outbox (client_id, version, event, target, seq, due_at)
		select '42', i, 'new-message', 'conversation', i, now() + interval '1 minute' from generate_series(1, 20000) i`)
	w.exec("update chat.outbox set due_at = now() where version <= 3")
	w.exec("vacuum analyze chat.outbox")
	read := func() (scans, rows int64) {
		const sql = "select array[idx_scan, idx_tup_read] from pg_stat_user_indexes where indexrelid = 'chat.outbox_due'::regclass"
		counts := ask[[]int64](w, sql)
		return counts[0], counts[1]
	}
	scans, rows := read()
	if got := w.deliver(chat.Delivery{}, chat.MaxBatch); len(got) != 3 {
		t.Errorf("claimed %+v", keys(got))
	}
	if err := w.store.DropExpired(t.Context()); err != nil {
		t.Error(err)
	}
	w.store.Close() // its sessions report what they read when they end
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		scansNow, rowsNow := read()
		if scansNow-scans >= 2 {
			if rowsNow-rows > 20 {
				t.Errorf("%d rows were read of an index in which 3 were due", rowsNow-rows)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d scans of the index, want one each", scansNow-scans)
		}
	}
}

func TestOneClaimsAtATime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("a", "Hello"))
	w.send(fromClient("b", "Hello"))
	w.exec("update chat.outbox set due_at = clock_timestamp()")
	tx := w.hold("select from chat.claim_v2(gen_random_uuid(), 1, interval '10 seconds', interval '24 hours')")
	within(t, time.Second, func() {
		if got := w.deliver(chat.Delivery{}, 10); len(got) != 0 {
			t.Errorf("%d events were claimed meanwhile: it locks what it does not get", len(got))
		}
	})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.deliver(chat.Delivery{}, 10); len(got) != 4 {
		t.Errorf("%d events were claimed afterwards, want all 4", len(got))
	}
}

func TestTwoClaimersNeverGetTheSameEvent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const events, claimers = 400, 8
	w.exec("insert into chat.conversation (client_id, last_message_at, created_at, updated_at) values ('42', now(), now(), now())")
	w.exec(`insert into chat.outbox (client_id, version, event, target, seq, due_at)
		select '42', i, 'new-message', 'conversation', i, now() from generate_series(1, $1::bigint) i`, events)
	var mu sync.Mutex
	claimed := map[int64]int{}
	var claiming sync.WaitGroup
	for range claimers {
		store := open(t, w.url)
		claiming.Go(func() {
			for {
				got, err := store.Claim(t.Context(), chat.MaxBatch)
				if err != nil {
					t.Error(err)
				}
				if len(got) > chat.MaxBatch {
					t.Errorf("%d events at once", len(got))
				}
				mu.Lock()
				again := false
				for _, e := range got {
					claimed[e.Version]++
					again = again || claimed[e.Version] > 1
				}
				mu.Unlock()
				if len(got) == 0 || again { // what comes again would come for ever
					return
				}
			}
		})
	}
	claiming.Wait()
	for version, times := range claimed {
		if times != 1 {
			t.Errorf("the event of version %d was claimed %d times", version, times)
		}
	}
	// A claimer ends when what is due is locked by others; what it left is there for the next one.
	for got := w.deliver(chat.Delivery{}, 100); len(got) > 0; got = w.deliver(chat.Delivery{}, 100) {
		for _, e := range got {
			if claimed[e.Version]++; claimed[e.Version] != 1 {
				t.Fatalf("the event of version %d was claimed again", e.Version)
			}
		}
	}
	if len(claimed) != events {
		t.Errorf("%d events were claimed, want %d", len(claimed), events)
	}
}

func TestWhatIsTriedAgainWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	for _, leases := range []float64{2, 4, 5, 5, 5} {
		w.due()
		if got := w.deliver(chat.Delivery{}, 10); len(got) != 2 {
			t.Fatalf("claimed %+v", keys(got))
		}
		waits := ask[[]float64](w, "select array_agg(extract(epoch from due_at - clock_timestamp())::float8) from chat.outbox")
		for _, wait := range waits {
			least, most := leases*chat.Lease.Seconds(), leases*chat.Lease.Seconds()*1.2
			if wait < least-1 || wait > most {
				t.Errorf("due again in %.1f s, want %v to %v", wait, least, most)
			}
		}
	}
}

func TestARefusedEventIsParkedUntilItsLifetimeEnds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	saved := w.send(keyed(fromClient("42", "Hello"), "key"))
	poisoned := saved.Events[0].EventKey
	w.deliver(chat.Delivery{Refused: []chat.EventKey{poisoned}}, 0)
	if parked := ask[float64](w, "select extract(epoch from due_at - created_at)::float8 from chat.outbox where refused"); parked != chat.EventLifetime.Seconds() {
		t.Errorf("parked for %v s, want %v", parked, chat.EventLifetime.Seconds())
	}
	w.exec("update chat.outbox set created_at = created_at - interval '1 hour', due_at = due_at - interval '1 hour'")
	wantKeys(t, w.deliver(chat.Delivery{}, 10), saved.Events[1].EventKey)
	w.exec("update chat.outbox set due_at = clock_timestamp() where not refused")
	if again := w.send(keyed(fromClient("42", "Hello"), "key")); len(again.Events) != 1 || again.Events[0].EventKey == poisoned || !again.Queued {
		t.Errorf("a replay takes over what was refused as such: %+v", keys(again.Events))
	}
	w.deliver(chat.Delivery{Delivered: keys(saved.Events)[1:]}, 0)
	if q := w.queue(100); q != (chat.Queue{Parked: 1}) {
		t.Errorf("the queue %+v: what is parked is left, and no reason for an alarm", q)
	}
	w.exec("update chat.outbox set created_at = created_at - interval '23 hours', due_at = due_at - interval '23 hours'")
	if got := w.deliver(chat.Delivery{}, 10); len(got) != 0 || len(w.waiting()) != 0 {
		t.Errorf("at the end of its lifetime: claimed %+v, %q wait", keys(got), w.waiting())
	}
}

func TestAnEventIsDroppedAtTheEndOfItsLifetime(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(*world){
		"by the next claim": func(w *world) {
			if got := w.deliver(chat.Delivery{}, 10); len(got) != 1 || got[0].ClientID != "young" {
				w.Errorf("claimed %+v", keys(got))
			}
		},
		"by the cron": func(w *world) {
			if err := w.store.DropExpired(w.Context()); err != nil {
				w.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			for _, id := range []string{"old", "young", "old-but-leased"} {
				w.send(fromClient(id, "Hello"))
			}
			w.exec("delete from chat.outbox where event <> 'new-message'")
			w.exec("update chat.outbox set created_at = created_at - interval '24 hours' where client_id <> 'young'")
			w.exec("update chat.outbox set created_at = created_at - interval '23 hours' where client_id = 'young'")
			w.exec("update chat.outbox set due_at = clock_timestamp() where client_id <> 'old-but-leased'")
			drop(w)
			left := ask[[]string](w, "select array_agg(client_id order by client_id) from chat.outbox")
			if want := []string{"old-but-leased", "young"}; !slices.Equal(left, want) {
				t.Errorf("%q are left, want %q", left, want)
			}
		})
	}
}

func TestAReplayTakesOverWhatStillWaits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := keyed(fromClient("42", "Hello"), "key")
	first := w.send(p)
	w.send(fromClient("42", "Again"))
	w.due()
	p.ExceptSocket = "3.4"
	again := w.send(p)
	wantKeys(t, again.Events, keys(first.Events)...)
	if again.Events[0].ExceptSocket != "3.4" || *again.Events[0].Message.ClientMessageID != "key" || again.Events[1].Conversation.LastSeq != 2 {
		t.Errorf("events %+v", again.Events)
	}
	for _, e := range w.deliver(chat.Delivery{}, 10) {
		if e.Version == 1 {
			t.Errorf("somebody else claimed %+v, which the replay took over", e.EventKey)
		}
	}
	w.exec("update chat.outbox set created_at = created_at - interval '24 hours'")
	if late := w.send(p); len(late.Events) != 0 {
		t.Errorf("a replay takes over what has expired: %+v", keys(late.Events))
	}
}

func TestTheQueueIsCountedUpToALimit(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if q := w.queue(10); q != (chat.Queue{}) {
		t.Errorf("an empty queue: %+v", q)
	}
	for n := range 3 {
		w.send(fromClient(fmt.Sprint(n), "Hello"))
	}
	w.exec("update chat.outbox set created_at = clock_timestamp() - interval '90 seconds' where client_id = '1'")
	for limit, want := range map[int]int{3: 3, 6: 6, 1_000_000: 6} {
		q := w.queue(limit)
		if q.Pending != want || q.OldestSeconds < 90 || q.OldestSeconds > 100 {
			t.Errorf("counted up to %d: %+v, want %d, 90 s old", limit, q, want)
		}
	}
	w.exec("update chat.outbox set created_at = clock_timestamp() + interval '90 seconds'")
	if q := w.queue(10); q.OldestSeconds != 0 {
		t.Errorf("a clock that stepped back: %+v", q)
	}
}

func (w *world) queue(limit int) chat.Queue {
	w.Helper()
	q, _, err := w.store.Queue(w.Context(), limit)
	if err != nil {
		w.Fatal(err)
	}
	return q
}

// A server that waits for a standby which never comes finishes no commit that is to be safe.
func TestAnAcknowledgementWaitsForNoDiskAndASendDoes(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t)
	w := &world{t, server.URL(), open(t, server.URL()), look(t, server.URL())}
	events := w.send(fromClient("42", "Hello")).Events
	w.exec("do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$")
	w.exec("alter system set synchronous_standby_names = 'nobody'")
	w.exec("select pg_reload_conf()")
	careful := openAsDeployed(t, server.URL())
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the settings take a moment to arrive
		if _, err := careful.Send(t.Context(), fromClient("43", "Hello")); err != nil {
			wantKind(t, err, chat.Unavailable)
			break
		}
		if time.Now().After(end) {
			t.Fatal("a send does not wait for its commit to be safe")
		}
	}
	if _, err := careful.Acknowledge(t.Context(), chat.Delivery{Delivered: keys(events)}); err != nil {
		t.Errorf("an acknowledgement waits: %v", err)
	}
	if n := ask[int](w, "select count(*) from chat.outbox where client_id = '42'"); n != 0 {
		t.Errorf("%d events of it wait", n)
	}
}

func TestAnAcknowledgementWaitsForNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	events := append(w.send(fromClient("a", "Hello")).Events, w.send(fromClient("b", "Hello")).Events...)
	tx := w.hold("select from chat.outbox where client_id = 'a' and event = 'new-message' for update")
	within(t, time.Second, func() {
		w.deliver(chat.Delivery{Delivered: keys(events)[:2], Refused: keys(events)[2:3]}, 10)
	})
	within(t, time.Second, func() { w.deliver(chat.Delivery{Refused: keys(events)[:1]}, 10) })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"1 new-message conversation", "1 new-message conversation", "1 conversation-updated inbox"}
	if got := w.waiting(); !slices.Equal(got, want) {
		t.Errorf("%q wait, want %q: what was locked is its holder's to acknowledge", got, want)
	}
}
