package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

func TestAClientsFirstMessageCreatesItsConversation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := keyed(fromClient("42", "Hello\nthere"), "key")
	p.Sender.Name, p.Sender.Email, p.ExceptSocket = "Grace", "grace@example.com", "1.2"
	saved := w.send(p)

	m, c := saved.Message, saved.Conversation
	if m.ClientID != "42" || m.Seq != 1 || m.Version != 1 || m.Body != "Hello\nthere" || *m.ClientMessageID != "key" ||
		m.Sender.ID != "42" || m.Sender.Role != chat.Client || *m.Sender.Name != "Grace" || m.EditedAt != nil || m.DeletedAt != nil {
		t.Errorf("message %+v", m)
	}
	if len(m.ID) != 36 || m.ID[14] != '7' {
		t.Errorf("id %q, want a UUIDv7", m.ID)
	}
	if age := time.Since(m.CreatedAt.Time); age < -time.Minute || age > time.Minute {
		t.Errorf("created %v ago", age)
	}
	if c.ClientID != "42" || *c.ClientName != "Grace" || *c.ClientEmail != "grace@example.com" || c.Status != chat.Open || c.AssigneeID != nil ||
		c.LastSeq != 1 || c.Version != 1 || c.Read != (chat.Marks{}) || c.Unread != (chat.Marks{Developer: 1}) {
		t.Errorf("conversation %+v", c)
	}
	if want := (chat.LastMessage{Seq: 1, SenderRole: chat.Client, Preview: "Hello there", CreatedAt: m.CreatedAt}); c.LastMessage != want {
		t.Errorf("last message %+v, want %+v", c.LastMessage, want)
	}
	if *c.LastSeenAt != m.CreatedAt || c.CreatedAt.After(m.CreatedAt.Time) || c.UpdatedAt != m.CreatedAt {
		t.Errorf("last seen %v, created %v, updated %v, want those of the message, %v", c.LastSeenAt, c.CreatedAt, c.UpdatedAt, m.CreatedAt)
	}
	if saved.Replayed {
		t.Error("a first message is no replay")
	}
	wantKeys(t, saved.Events,
		chat.EventKey{ClientID: "42", Version: 1, Name: chat.NewMessage},
		chat.EventKey{ClientID: "42", Version: 1, Name: chat.ConversationUpdated, ToInbox: true})
	if e := saved.Events[0]; !reflect.DeepEqual(*e.Message, m) || e.Conversation != nil || e.Read != nil || e.ExceptSocket != "1.2" {
		t.Errorf("event %+v", e)
	}
	if e := saved.Events[1]; e.Message != nil || e.Read != nil || e.Conversation.Version != 1 {
		t.Errorf("event %+v", e)
	}
}

func TestADeveloperBeginsAConversationOnlyWhereItSaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := fromAda("42", "Hello")
	_, err := w.store.Send(t.Context(), p)
	wantKind(t, err, chat.NotFound)
	if n := ask[int](w, "select count(*) from chat.conversation"); n != 0 {
		t.Errorf("%d conversations after a refusal", n)
	}
	p.Create = true
	c := w.send(p).Conversation
	if c.ClientName != nil || c.ClientEmail != nil || c.LastSeenAt != nil {
		t.Errorf("the conversation has taken the developer for its client: %+v", c)
	}
	if c.Unread != (chat.Marks{Client: 1}) || c.LastMessage.SenderRole != chat.Developer {
		t.Errorf("conversation %+v", c)
	}
}

func TestAKeyThatIsSentAgainStoresNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.send(keyed(fromClient("42", "Hello"), "key"))
	w.send(fromAda("42", "Hi"))

	again := w.send(keyed(fromClient("42", "Hello"), "key"))
	if !again.Replayed || again.Message.ID != first.Message.ID || again.Message.Seq != 1 || again.Conversation.LastSeq != 2 {
		t.Errorf("replay %+v", again)
	}
	if len(again.Events) != 0 || !again.Queued {
		t.Errorf("events of another call are taken: %+v", again)
	}
	w.due()
	again = w.send(keyed(fromClient("42", "Hello"), "key"))
	wantKeys(t, again.Events, keys(first.Events)...)
	if again.Queued {
		t.Error("all events are this call's, and it says that some wait")
	}
	w.deliver(chat.Delivery{Delivered: keys(again.Events)[:1]}, 0)
	w.due()
	wantKeys(t, w.send(keyed(fromClient("42", "Hello"), "key")).Events, keys(first.Events)[1])
	w.deliver(chat.Delivery{Delivered: keys(again.Events)}, 0)
	if again := w.send(keyed(fromClient("42", "Hello"), "key")); len(again.Events) != 0 || again.Queued {
		t.Errorf("what was delivered is to be announced again: %+v", again)
	}

	// An edit changes the body, not what the key stands for.
	w.exec("update chat.message set body = 'edited' where seq = 1")
	if edited := w.send(keyed(fromClient("42", "Hello"), "key")); !edited.Replayed || edited.Message.Body != "edited" {
		t.Errorf("replay after an edit %+v", edited)
	}
	_, err := w.store.Send(t.Context(), keyed(fromClient("42", "edited"), "key"))
	wantKind(t, err, chat.Conflict)
}

func TestAKeyWithAnotherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(keyed(fromClient("42", "Hello"), "key"))
	_, err := w.store.Send(t.Context(), keyed(fromClient("42", "Goodbye"), "key"))
	e := wantKind(t, err, chat.Conflict)
	if len(e.Fields) != 1 || e.Fields[0].Name != "clientMessageId" {
		t.Errorf("the field to blame is %+v", e.Fields)
	}
	if n := ask[int](w, "select count(*) from chat.message"); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestAKeyIsOneSendersOwn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	grace := fromAda("ada", "Three")
	grace.Sender.ID = "grace"
	for i, p := range []chat.SendParams{fromClient("ada", "One"), fromAda("ada", "Two"), grace, fromClient("other", "Four")} {
		if saved := w.send(keyed(p, "key")); saved.Replayed {
			t.Errorf("message %d of another sender, side or conversation was taken for a replay", i+1)
		}
	}
}

func TestWithoutAKeyEveryMessageIsAnother(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for seq := int64(1); seq <= 3; seq++ {
		saved := w.send(fromClient("42", "Hello"))
		if saved.Replayed || saved.Message.Seq != seq || saved.Message.ClientMessageID != nil {
			t.Errorf("message %d: %+v", seq, saved)
		}
	}
}

func TestAClientsMessageReopensAConversation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.exec("update chat.conversation set status = 'closed'")

	answered := w.send(fromAda("42", "One more thing"))
	if answered.Conversation.Status != chat.Closed || len(answered.Events) != 2 {
		t.Errorf("a developer's message: %+v", answered)
	}
	reopened := w.send(fromClient("42", "Thanks"))
	if reopened.Conversation.Status != chat.Open {
		t.Errorf("the conversation is %s", reopened.Conversation.Status)
	}
	wantKeys(t, reopened.Events,
		chat.EventKey{ClientID: "42", Version: 3, Name: chat.NewMessage},
		chat.EventKey{ClientID: "42", Version: 3, Name: chat.ConversationUpdated, ToInbox: true},
		chat.EventKey{ClientID: "42", Version: 3, Name: chat.ConversationUpdated})
	if events := w.send(fromClient("42", "Bye")).Events; len(events) != 2 {
		t.Errorf("a message that changes no status announces %+v", keys(events))
	}
}

func TestAClientsNameFollowsItsTokenUntilADeveloperSetsIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	as := func(name, email string) chat.Saved {
		p := fromClient("42", "Hello")
		p.Sender.Name, p.Sender.Email = name, email
		return w.send(p)
	}
	if events := as("Grace", "").Events; len(events) != 2 {
		t.Errorf("a creation is announced to the conversation's channel: %+v", keys(events))
	}
	if saved := as("", "grace@example.com"); *saved.Conversation.ClientName != "Grace" || *saved.Conversation.ClientEmail != "grace@example.com" || len(saved.Events) != 2 {
		t.Errorf("a token without a name: %+v", saved)
	}
	if saved := as("Grace H.", ""); *saved.Conversation.ClientName != "Grace H." || *saved.Conversation.ClientEmail != "grace@example.com" || len(saved.Events) != 3 {
		t.Errorf("a token with another name: %+v", saved)
	}
	w.exec("update chat.conversation set client_name = 'The admiral', client_name_set = true")
	saved := as("Grace", "")
	if *saved.Conversation.ClientName != "The admiral" || *saved.Message.Sender.Name != "Grace" || len(saved.Events) != 2 {
		t.Errorf("a token beside a name that a developer set: %+v", saved)
	}
}

func TestNothingIsQueuedWhereNobodyIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := keyed(fromClient("42", "Hello"), "key")
	p.Live = false
	for range 2 {
		if saved := w.send(p); len(saved.Events) != 0 {
			t.Errorf("events %+v", saved.Events)
		}
	}
	mark := byAda("42", 1)
	mark.Live = false
	if marked := w.read(mark); len(marked.Events) != 0 || marked.UpToSeq != 1 {
		t.Errorf("marked %+v", marked)
	}
	if n := ask[int](w, "select count(*) from chat.outbox"); n != 0 {
		t.Errorf("%d events wait", n)
	}
}

func TestTimesKeepTheOrderOfSeqWhenTheClockStepsBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.exec("update chat.conversation set last_message_at = now() + interval '1 hour'")
	w.exec("update chat.message set created_at = (select last_message_at from chat.conversation)")
	before := ask[time.Time](w, "select last_message_at from chat.conversation")
	saved := w.send(fromClient("42", "Hello again"))
	if saved.Message.CreatedAt.Before(before) || saved.Conversation.LastMessage.CreatedAt != saved.Message.CreatedAt {
		t.Errorf("the second message is of %v, the first of %v", saved.Message.CreatedAt, before)
	}
}

func TestTextThatPostgresCannotHoldIsTheCallersFault(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, text := range []string{"a\x00b", "a\xff", "\xed\xa0\x80"} {
		for name, call := range map[string]func() error{
			"Send":   func() error { _, err := w.store.Send(t.Context(), fromClient("42", text)); return err },
			"client": func() error { _, err := w.store.MarkRead(t.Context(), byAda(text, 1)); return err },
			"ListMessages": func() error {
				_, err := w.store.ListMessages(t.Context(), chat.MessageQuery{ClientID: text, Limit: 1})
				return err
			},
			"ListConversations": func() error {
				_, err := w.store.ListConversations(t.Context(), chat.InboxQuery{AssigneeID: &text, Limit: 1})
				return err
			},
		} {
			if err := call(); chat.KindOf(err) != chat.Invalid {
				t.Errorf("%s of %q: %v", name, text, err)
			}
		}
	}
	if n := ask[int](w, "select count(*) from chat.message"); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// What is promised of a conversation holds however many senders, repeats and readers meet.
func TestEqualKeysAtOnceStoreOneMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                  string
		conversations, rounds int
	}{
		{"in one conversation", 1, 30},
		{"in 500 conversations", 500, 120},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			storm(w, test.conversations, test.rounds)
			wholeAndExact(w)
		})
	}
}

// stubbornly sends with a key until the database answers, which on a busy machine may take it longer than a
// call waits.
func stubbornly(w *world, store *postgres.Store, p chat.SendParams) (saved chat.Saved, tries int) {
	for tries = 1; ; tries++ {
		saved, err := store.Send(w.Context(), p)
		switch {
		case err == nil:
			return saved, tries
		case tries == 20 || chat.KindOf(err) != chat.Unavailable:
			w.Error(err)
			return saved, tries
		}
	}
}

// storm has 8 senders send to random conversations, each message three times at once, while readers move the
// marks of both sides. It checks every answer.
func storm(w *world, conversations, rounds int) {
	const senders, copies = 8, 3
	var stores [senders]*postgres.Store
	for i := range stores {
		stores[i] = open(w.T, w.url)
	}
	var sent sync.Map // what was acknowledged: id → key
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for round := range rounds {
				id := fmt.Sprintf("client-%d", rand.IntN(conversations))
				p := fromClient(id, "Hello")
				if s%2 == 1 {
					p = fromAda(id, "Hello")
					p.Create, p.Sender.ID = true, fmt.Sprintf("developer-%d", s)
				}
				p = keyed(p, fmt.Sprintf("%d-%d", s, round))
				var saved [copies]chat.Saved
				var repeated atomic.Bool
				var together sync.WaitGroup
				for c := range copies {
					together.Go(func() {
						var tries int
						saved[c], tries = stubbornly(w, stores[(s+c)%senders], p)
						if tries > 1 {
							repeated.Store(true)
						}
					})
				}
				together.Wait()
				stored := 0
				for _, one := range saved {
					if one.Message.ID != saved[0].Message.ID || one.Message.Seq != saved[0].Message.Seq {
						w.Errorf("one key stands for %v and for %v", one.Message, saved[0].Message)
					}
					if !one.Replayed {
						stored++
					}
				}
				if stored > 1 || stored == 0 && !repeated.Load() {
					w.Errorf("%d of %d equal sends say that they stored the message", stored, copies)
				}
				if before, again := sent.Swap(saved[0].Message.ID, *p.ClientMessageID); again {
					w.Errorf("the keys %v and %s stand for one message", before, *p.ClientMessageID)
				}
			}
		})
	}

	var done atomic.Bool
	var reading sync.WaitGroup
	for side := range 2 {
		store := open(w.T, w.url)
		reading.Go(func() {
			marks := map[string]int64{}
			for !done.Load() {
				id := fmt.Sprintf("client-%d", rand.IntN(conversations))
				mark := byClient(id, rand.Int64N(senders*int64(rounds)))
				if side == 1 {
					mark = byAda(id, mark.UpToSeq)
				}
				marked, err := store.MarkRead(w.Context(), mark)
				if err != nil {
					if kind := chat.KindOf(err); kind != chat.NotFound && kind != chat.Unavailable {
						w.Error(err)
					}
					continue
				}
				upTo := marked.Conversation.Read.Of(mark.Reader.Role)
				if upTo < marks[id] || upTo > marked.Conversation.LastSeq {
					w.Errorf("a mark of %s went from %d to %d of %d", id, marks[id], upTo, marked.Conversation.LastSeq)
				}
				marks[id] = upTo
			}
		})
	}
	sending.Wait()
	done.Store(true)
	reading.Wait()

	var ids, keys []string
	sent.Range(func(id, key any) bool {
		ids, keys = append(ids, id.(string)), append(keys, key.(string))
		return true
	})
	found := ask[int](w, `
		select count(*) from unnest($1::uuid[], $2::text[]) acknowledged (id, key)
		join chat.message m on m.id = acknowledged.id and m.client_message_id = acknowledged.key`, ids, keys)
	if stored := ask[int](w, "select count(*) from chat.message"); len(ids) != senders*rounds || found != len(ids) || stored != len(ids) {
		w.Errorf("%d messages were sent, %d acknowledged, %d of them stored, %d stored in all", senders*rounds, len(ids), found, stored)
	}
}

// wholeAndExact compares every derived number with what it is derived from.
func wholeAndExact(w *world) {
	w.Helper()
	for what, sql := range map[string]string{
		"conversations whose seq has a gap, or differs from last_seq": `
			select count(*) from chat.conversation c where c.last_seq is distinct from (
				select case when count(*) = max(m.seq) and min(m.seq) = 1 then max(m.seq) end from chat.message m where m.client_id = c.client_id)`,
		"messages whose running count is wrong": `
			select count(*) from (
				select client_total, count(*) filter (where sender_role = 'client') over (partition by client_id order by seq) as counted from chat.message
			) m where client_total <> counted`,
		"conversations whose unread numbers differ from a count": `
			select count(*) from chat.conversation c where (unread_client, unread_developer) is distinct from (
				select (count(*) filter (where m.sender_role = 'developer' and m.seq > c.client_read_seq),
					count(*) filter (where m.sender_role = 'client' and m.seq > c.developer_read_seq))
				from chat.message m where m.client_id = c.client_id)`,
		"messages older than the one before": `
			select count(*) from (select created_at, lag(created_at) over (partition by client_id order by seq) as before from chat.message) m
			where created_at < before`,
		"conversations whose last message is not the last": `
			select count(*) from chat.conversation c join chat.message m on m.client_id = c.client_id and m.seq = c.last_seq
			where (c.last_message_at, c.last_sender_role) is distinct from (m.created_at, m.sender_role)`,
		"messages without their two events": `
			select count(*) from chat.message m where 2 <> (
				select count(*) from chat.outbox o where o.client_id = m.client_id and o.version = m.version and o.seq = m.seq
					and (o.event, o.target) in (('new-message', 'conversation'), ('conversation-updated', 'inbox')))`,
		"versions without exactly one message or mark, or without the inbox's event": `
			select count(*) from chat.conversation c cross join generate_series(1, c.version) v where (1::bigint, 1::bigint) is distinct from (
				select (count(*) filter (where o.event in ('new-message', 'messages-read')), count(*) filter (where o.target = 'inbox'))
				from chat.outbox o where o.client_id = c.client_id and o.version = v)`,
		"events of what was never committed": `
			select count(*) from chat.outbox o join chat.conversation c using (client_id) where o.version > c.version or o.seq > c.last_seq`,
	} {
		if n := ask[int](w, sql); n != 0 {
			w.Errorf("%s: %d", what, n)
		}
	}
}

func TestTheRateLimitIsExactUnderConcurrentSenders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const senders, each, capacity = 32, 3, 20
	// So slow a refill that none falls into the test.
	limit := chat.RateLimit{Capacity: capacity, PerSecond: 1.0 / 3600}
	stores := [4]*postgres.Store{w.store, open(t, w.url), open(t, w.url), open(t, w.url)}
	var accepted, limited atomic.Int64
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for n := range each {
				p := keyed(fromClient("42", "Hello"), fmt.Sprintf("%d-%d", s, n)) // for a busy machine; replays are free
				p.Limit = limit
				_, err := stores[s%len(stores)].Send(t.Context(), p)
				for tries := 1; tries < 20 && chat.KindOf(err) == chat.Unavailable; tries++ {
					_, err = stores[s%len(stores)].Send(t.Context(), p)
				}
				switch {
				case err == nil:
					accepted.Add(1)
				case chat.KindOf(err) == chat.RateLimited:
					limited.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	if accepted.Load() != capacity || limited.Load() != senders*each-capacity {
		t.Errorf("%d accepted and %d refused, want %d and %d", accepted.Load(), limited.Load(), capacity, senders*each-capacity)
	}
	wholeAndExact(w)
}

func TestTheRateLimitRefillsAndSaysWhen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := fromClient("42", "Hello")
	p.Limit = chat.RateLimit{Capacity: 2, PerSecond: 0.25}
	limited := func(want time.Duration) {
		t.Helper()
		_, err := w.store.Send(t.Context(), p)
		if e := wantKind(t, err, chat.RateLimited); e.RetryAfter != want {
			t.Errorf("to be tried again after %v, want %v", e.RetryAfter, want)
		}
	}
	later := func(seconds float64) {
		w.exec("update chat.conversation set rate_at = rate_at - make_interval(secs => $1), last_message_at = last_message_at - make_interval(secs => $1)", seconds)
	}
	first := w.send(keyed(p, "first"))
	w.send(p)
	limited(4 * time.Second)
	later(3.5)
	limited(time.Second)
	if again := w.send(keyed(p, "first")); !again.Replayed || again.Message.ID != first.Message.ID {
		t.Errorf("a replay is not free: %+v", again)
	}
	unlimited := fromAda("42", "No limit for developers")
	w.send(unlimited)
	later(0.5)
	w.send(p)
	limited(4 * time.Second)
	later(1e6) // never more than the capacity
	w.send(p)
	w.send(p)
	limited(4 * time.Second)

	p.Limit = chat.RateLimit{}
	w.send(p)
}

func TestTheSmallestWaitIsOneSecond(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := fromClient("42", "Hello")
	p.Limit = chat.RateLimit{Capacity: 1, PerSecond: 1e-6}
	w.send(p)
	w.exec("update chat.conversation set rate_at = clock_timestamp(), rate_tokens = 1 - 9e-7") // 0.9 s are missing
	_, err := w.store.Send(t.Context(), p)
	if e := wantKind(t, err, chat.RateLimited); e.RetryAfter != time.Second {
		t.Errorf("to be tried again after %v", e.RetryAfter)
	}
}

func TestAClockThatJumpsCostsOneBucket(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := fromClient("42", "Hello")
	p.Limit = chat.RateLimit{Capacity: 2, PerSecond: 1e-6}
	for range 2 {
		w.send(p)
	}
	_, err := w.store.Send(t.Context(), p)
	wantKind(t, err, chat.RateLimited)
	for _, jump := range []string{"+ interval '1 year'", "- interval '1 year'"} { // as seen after the clock was set back, and forward
		w.exec("update chat.conversation set rate_at = rate_at " + jump)
		for range 2 {
			w.send(p)
		}
		_, err := w.store.Send(t.Context(), p)
		wantKind(t, err, chat.RateLimited)
	}
	if late := ask[int](w, "select count(*) from chat.outbox where due_at > clock_timestamp() + interval '1 minute'"); late != 0 {
		t.Errorf("%d events are due too late", late)
	}
}

func TestTheLongestTextsFit(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := fromClient(strings.Repeat("é", chat.MaxIDBytes/2), strings.Repeat("😀", chat.MaxBodyCodePoints))
	p.Sender.Name = strings.Repeat("名", chat.MaxNameCodePoints)
	p.Sender.Email = strings.Repeat("e", chat.MaxEmailBytes)
	saved := w.send(keyed(p, strings.Repeat("~", chat.MaxClientMessageID)))
	if saved.Message.Body != p.Body || *saved.Conversation.ClientName != p.Sender.Name || *saved.Conversation.ClientEmail != p.Sender.Email {
		t.Error("something was shortened")
	}
}
