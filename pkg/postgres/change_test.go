package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

// edit is the edit of a message by somebody.
func edit(m chat.Message, by chat.Identity, body string) chat.ChangeParams {
	return chat.ChangeParams{ClientID: m.ClientID, MessageID: m.ID, By: by, Body: &body, Preview: chat.Preview(body), Live: true}
}

// deletion is the deletion of a message by somebody.
func deletion(m chat.Message, by chat.Identity) chat.ChangeParams {
	return chat.ChangeParams{ClientID: m.ClientID, MessageID: m.ID, By: by, Live: true}
}

// change changes what must succeed.
func (w *world) change(p chat.ChangeParams) chat.Saved {
	w.Helper()
	saved, err := w.store.ChangeMessage(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	return saved
}

// waitsForALock waits until a session of the world's database waits for a lock.
func (w *world) waitsForALock() {
	w.Helper()
	const waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
	for end := time.Now().Add(5 * time.Second); ask[int](w, waiting) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatal("nobody waits for a lock")
		}
	}
}

// overtaken makes a call while a transaction that ran sql is open, lets the transaction commit once the call waits for
// it, and gives the call's error.
func (w *world) overtaken(sql string, call func() error) error {
	w.Helper()
	tx := w.hold(sql)
	done := make(chan error)
	go func() { done <- call() }()
	w.waitsForALock()
	if err := tx.Commit(w.Context()); err != nil {
		w.Fatal(err)
	}
	return <-done
}

func TestAnEditGivesAMessageAnotherBody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sent := w.send(keyed(fromClient("42", "Hello"), "key"))
	saved := w.change(edit(sent.Message, client("42"), "Good\nmorning"))
	m, c := saved.Message, saved.Conversation
	if m.ID != sent.Message.ID || m.Seq != 1 || m.Version != 2 || m.Body != "Good\nmorning" || *m.ClientMessageID != "key" ||
		m.CreatedAt != sent.Message.CreatedAt || m.DeletedAt != nil || m.EditedAt == nil || m.EditedAt.Before(m.CreatedAt.Time) {
		t.Errorf("message %+v", m)
	}
	want := sent.Conversation.LastMessage
	want.Preview = "Good morning"
	if c.Version != 2 || c.LastMessage != want || c.LastSeq != 1 || c.UpdatedAt != *m.EditedAt || *c.LastSeenAt != *sent.Conversation.LastSeenAt ||
		c.Unread != sent.Conversation.Unread {
		t.Errorf("conversation %+v", c)
	}
	wantKeys(t, saved.Events,
		chat.EventKey{ClientID: "42", Version: 2, Name: chat.MessageUpdated},
		chat.EventKey{ClientID: "42", Version: 2, Name: chat.ConversationUpdated, ToInbox: true})
	if e := saved.Events[0]; fmt.Sprint(plain(*e.Message)) != fmt.Sprint(plain(m)) || e.Conversation != nil || e.ExceptSocket != "" {
		t.Errorf("event %+v", e)
	}
	if e := saved.Events[1]; e.Message != nil || e.Conversation.LastMessage != want {
		t.Errorf("event %+v", e)
	}
	listed := w.list(chat.MessageQuery{ClientID: "42", ChangedSince: pointer[int64](1), Limit: 9}).Messages
	if len(listed) != 1 || fmt.Sprint(plain(listed[0])) != fmt.Sprint(plain(m)) {
		t.Errorf("changed since: %+v", listed)
	}
}

func TestAChangeThatWaitsIsAnnouncedAsItIsThen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sent := w.send(fromClient("42", "Hello"))
	w.deliver(chat.Delivery{Delivered: keys(sent.Events)}, 0)
	edited := w.change(edit(sent.Message, client("42"), "Hi"))
	w.change(deletion(sent.Message, client("42")))
	w.due()
	events := w.deliver(chat.Delivery{}, 10)
	if len(events) != 2 || events[0].Version <= edited.Message.Version || events[0].Message.Version != 3 || events[0].Message.DeletedAt == nil ||
		events[1].Conversation.LastMessage.Preview != "" {
		t.Errorf("events %+v", events)
	}
}

func TestOnlyTheLastMessageIsPreviewed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, last := w.send(fromClient("42", "First")).Message, w.send(fromAda("42", "Last")).Message
	for _, step := range []struct {
		what   string
		change chat.ChangeParams
		want   string
	}{
		{"an edit of the first", edit(first, client("42"), "First, edited"), "Last"},
		{"an edit of the last", edit(last, ada, "Last, \n edited"), "Last, edited"},
		{"the deletion of the first", deletion(first, client("42")), "Last, edited"},
		{"the deletion of the last", deletion(last, ada), ""},
	} {
		c := w.change(step.change).Conversation
		if want := (chat.LastMessage{Seq: 2, SenderRole: chat.Developer, Preview: step.want, CreatedAt: last.CreatedAt}); c.LastMessage != want {
			t.Errorf("after %s: %+v, want %+v", step.what, c.LastMessage, want)
		}
	}
}

func TestADeletedMessageKeepsItsPlace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.send(fromClient("42", "One")).Message
	w.send(fromClient("42", "Two"))
	w.change(edit(first, client("42"), "One, edited"))
	saved := w.change(deletion(first, client("42")))
	m, c := saved.Message, saved.Conversation
	if m.Seq != 1 || m.Body != "" || m.DeletedAt == nil || m.EditedAt == nil || m.Version != 4 || m.CreatedAt != first.CreatedAt {
		t.Errorf("message %+v", m)
	}
	if c.LastSeq != 2 || c.Unread != (chat.Marks{Developer: 2}) || c.Version != 4 || c.UpdatedAt != *m.DeletedAt {
		t.Errorf("conversation %+v", c)
	}
	wantKeys(t, saved.Events,
		chat.EventKey{ClientID: "42", Version: 4, Name: chat.MessageUpdated},
		chat.EventKey{ClientID: "42", Version: 4, Name: chat.ConversationUpdated, ToInbox: true})

	for _, by := range []chat.Identity{client("42"), ada} {
		again := w.change(deletion(first, by))
		if len(again.Events) != 0 || again.Conversation.Version != 4 || *again.Message.DeletedAt != *m.DeletedAt || again.Message.Version != 4 {
			t.Errorf("deleting again: %+v", again)
		}
	}
	_, err := w.store.ChangeMessage(t.Context(), edit(first, client("42"), "back"))
	wantKind(t, err, chat.Conflict)
	_, err = w.store.ChangeMessage(t.Context(), edit(first, client("42"), ""))
	wantKind(t, err, chat.Unprocessable)
	if c := w.read(byAda("42", 1)).Conversation; c.Unread != (chat.Marks{Developer: 1}) || c.Version != 5 {
		t.Errorf("read up to a deleted message: %+v", c)
	}
	wholeMarks(w)
}

func TestTheSameBodyAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("42", "Hello")).Message
	if saved := w.change(edit(m, client("42"), "Hello")); len(saved.Events) != 0 || saved.Conversation.Version != 1 || saved.Message.EditedAt != nil {
		t.Errorf("an edit to the same: %+v", saved)
	}
	edited := w.change(edit(m, client("42"), "Hi"))
	if again := w.change(edit(m, client("42"), "Hi")); len(again.Events) != 0 || again.Conversation.Version != 2 || *again.Message.EditedAt != *edited.Message.EditedAt {
		t.Errorf("an edit again: %+v", again)
	}
}

func TestWhoMayChangeAMessage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bob := chat.Identity{ID: "bob", Role: chat.Developer}
	// A developer and a client of one id are two.
	for _, test := range []struct {
		what    string
		sent    chat.SendParams
		by      chat.Identity
		edits   bool
		deletes bool
	}{
		{"a client its own", fromClient("ada", "Hello"), client("ada"), true, true},
		{"a client a developer's", fromAda("ada", "Hello"), client("ada"), false, false},
		{"a client another's", fromClient("other", "Hello"), client("ada"), false, false},
		{"a developer its own", fromAda("ada", "Hello"), ada, true, true},
		{"a developer another's", fromAda("ada", "Hello"), bob, false, true},
		{"a developer a client's", fromClient("ada", "Hello"), ada, false, true},
	} {
		for _, try := range []struct {
			kind    string
			allowed bool
			params  func(chat.Message) chat.ChangeParams
		}{
			{"edits", test.edits, func(m chat.Message) chat.ChangeParams { return edit(m, test.by, "changed") }},
			{"deletes", test.deletes, func(m chat.Message) chat.ChangeParams { return deletion(m, test.by) }},
		} {
			sent := w.send(test.sent)
			_, err := w.store.ChangeMessage(t.Context(), try.params(sent.Message))
			switch {
			case try.allowed && err != nil:
				t.Errorf("%s: %s: %v", test.what, try.kind, err)
			case !try.allowed && !errors.Is(err, chat.ErrNotYours):
				t.Errorf("%s: %s: %v, want forbidden", test.what, try.kind, err)
			}
			if version := ask[int64](w, "select version from chat.conversation where client_id = $1", test.sent.ClientID); (version > sent.Conversation.Version) != try.allowed {
				t.Errorf("%s: %s: version %d after %d", test.what, try.kind, version, sent.Conversation.Version)
			}
		}
	}
}

func TestAMessageThatIsNotThereCannotBeChanged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	there, other := w.send(fromClient("42", "Hello")).Message, w.send(fromClient("43", "Hello")).Message
	nowhere, elsewhere, unknown := there, other, there
	nowhere.ClientID = "nobody"
	elsewhere.ClientID = "42"
	unknown.ID = uuid.NewString()
	for what, m := range map[string]chat.Message{"no conversation": nowhere, "another's message": elsewhere, "no message": unknown} {
		for _, p := range []chat.ChangeParams{edit(m, ada, "changed"), deletion(m, ada), deletion(m, client("42"))} {
			if _, err := w.store.ChangeMessage(t.Context(), p); !errors.Is(err, chat.ErrNoMessage) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if n := ask[int](w, "select count(*) from chat.message where body <> 'Hello'"); n != 0 {
		t.Errorf("%d messages have changed", n)
	}
}

func TestARepetitionAfterAChangeGivesTheMessageAsItIsNow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := keyed(fromClient("42", "Hello"), "key")
	sent := w.send(p)
	same := func(what, body string, version int64) {
		t.Helper()
		w.due()
		again := w.send(p)
		if !again.Replayed || again.Message.ID != sent.Message.ID || again.Message.Body != body || again.Message.Version != version {
			t.Errorf("after %s: %+v", what, again)
		}
		// Its own two events, however many of its changes wait beside them; and with the state of now.
		wantKeys(t, again.Events, keys(sent.Events)...)
		if again.Events[0].Message.Body != body || again.Events[1].Conversation.Version != version {
			t.Errorf("after %s it is announced as %+v", what, again.Events[0].Message)
		}
		for _, wrong := range []string{"Hello.", "edited 5", ""} {
			other := p
			other.Body = wrong
			_, err := w.store.Send(t.Context(), other)
			wantKind(t, err, chat.Conflict)
		}
	}
	for n := range 6 {
		w.change(edit(sent.Message, client("42"), fmt.Sprint("edited ", n)))
	}
	same("six edits", "edited 5", 7)
	w.change(deletion(sent.Message, ada))
	same("the deletion", "", 8)
	if n := ask[int](w, "select count(*) from chat.outbox where attempts > 1"); n != 2 { // though all were due
		t.Errorf("a repetition leased %d events, want its own 2", n)
	}
}

func TestAChangeLooksWhenItHasTheLock(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("42", "Hello")).Message
	err := w.overtaken("select from chat.send_v3(gen_random_uuid(), '42', 'developer', 'ada', null, null, gen_random_uuid(), null, 'Newer', 'Newer', false, true, '', '10s', '24h', 0, 0)",
		func() error {
			_, err := w.store.ChangeMessage(t.Context(), edit(m, client("42"), "edited"))
			return err
		})
	if preview := ask[string](w, "select last_preview from chat.conversation"); err != nil || preview != "Newer" {
		t.Errorf("behind a send: %v, preview %q", err, preview)
	}
	err = w.overtaken("select from chat.change_v3(gen_random_uuid(), '42', 'developer', 'ada', null, '"+m.ID+"', null, null, null, true, '10s', '24h', 0, 0)", func() error {
		_, err := w.store.ChangeMessage(t.Context(), edit(m, client("42"), "edited again"))
		return err
	})
	wantKind(t, err, chat.Conflict)
	if n := ask[int](w, "select count(*) from chat.message where body like 'edited%'"); n != 0 {
		t.Error("a deleted message has a text")
	}
}

func TestEditsTakeTokensOfTheSameBucketAsSends(t *testing.T) {
	t.Parallel()
	w := setup(t)
	limit := chat.RateLimit{Capacity: 3, PerSecond: 1e-6}
	p := keyed(fromClient("42", "Hello"), "key")
	p.Limit = limit
	m := w.send(p).Message
	editing := func(body string) (chat.Saved, error) {
		e := edit(m, client("42"), body)
		e.Limit = limit
		return w.store.ChangeMessage(t.Context(), e)
	}
	for _, body := range []string{"one", "one", "two", "two"} { // what changes nothing is free
		if _, err := editing(body); err != nil {
			t.Fatal(err)
		}
	}
	_, err := editing("three")
	if e := wantKind(t, err, chat.RateLimited); e.RetryAfter < time.Second {
		t.Errorf("to be tried again after %v", e.RetryAfter)
	}
	another := fromClient("42", "Another")
	another.Limit = limit
	_, err = w.store.Send(t.Context(), another)
	wantKind(t, err, chat.RateLimited)
	if again := w.send(p); !again.Replayed { // free, too
		t.Errorf("%+v", again)
	}
	if n := ask[int](w, "select version from chat.conversation"); n != 3 {
		t.Errorf("version %d, want 3: a refusal changes nothing", n)
	}
	w.change(deletion(m, client("42")))
	w.exec("update chat.conversation set rate_tokens = 1")
	if _, err := editing("three"); chat.KindOf(err) != chat.Conflict { // before the rate is looked at
		t.Error(err)
	}
}

// A full bucket less one token is what it held before: that it was filled anew must be kept all the same.
func TestEditsAreLimitedAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	limit := chat.RateLimit{Capacity: 3, PerSecond: 1e-6}
	p := fromClient("42", "Hello")
	p.Limit = limit
	m := w.send(p).Message
	w.exec("update chat.conversation set rate_at = rate_at + interval '1 hour'")
	made := 0
	for n := range 6 {
		e := edit(m, client("42"), fmt.Sprint("edited ", n))
		e.Limit = limit
		if _, err := w.store.ChangeMessage(t.Context(), e); err == nil {
			made++
		} else {
			wantKind(t, err, chat.RateLimited)
		}
	}
	if made != 3 {
		t.Errorf("%d edits were made with a bucket of 3", made)
	}
}

func TestAnEditOfAnotherVersionThanItsAuthorSawIsAConflict(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.send(fromClient("42", "Hello")).Message
	seen := m.Version
	editing := func(body string, version *int64) error {
		e := edit(m, client("42"), body)
		e.IfVersion = version
		_, err := w.store.ChangeMessage(t.Context(), e)
		return err
	}
	if err := editing("first", &seen); err != nil {
		t.Error(err)
	}
	e := wantKind(t, editing("second", &seen), chat.Conflict)
	if len(e.Fields) != 1 || e.Fields[0].Name != "ifVersion" {
		t.Errorf("it blames %+v", e.Fields)
	}
	if body := ask[string](w, "select body from chat.message"); body != "first" {
		t.Errorf("the body is %q", body)
	}
	for _, version := range []*int64{&seen, pointer[int64](99), nil} { // it is so already
		if err := editing("first", version); err != nil {
			t.Error(err)
		}
	}
	if err := editing("third", nil); err != nil { // of any version
		t.Error(err)
	}
}

func TestALostAnswerToAChangeChangesOnce(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	m := w.send(fromClient("42", "Hello")).Message
	proxy.LoseAnswer(1, "chat.change_v3")
	if saved := w.change(edit(m, client("42"), "Hi")); saved.Message.Version != 2 || saved.Conversation.Version != 2 {
		t.Errorf("saved %+v", saved)
	}
	proxy.LoseAnswer(1, "chat.change_v3")
	if saved := w.change(deletion(m, client("42"))); saved.Message.Version != 3 || saved.Message.DeletedAt == nil {
		t.Errorf("saved %+v", saved)
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version > 1"); n != 4 {
		t.Errorf("%d events wait, want 4", n)
	}
}

func TestAChangeQueuesNothingWhereNobodyIsTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sent := fromClient("42", "Hello")
	sent.Live = false
	m := w.send(sent).Message
	for _, p := range []chat.ChangeParams{edit(m, client("42"), "Hi"), deletion(m, client("42"))} {
		p.Live = false
		if saved := w.change(p); len(saved.Events) != 0 {
			t.Errorf("events %+v", saved.Events)
		}
	}
	if n := ask[int](w, "select count(*) from chat.outbox"); n != 0 {
		t.Errorf("%d events wait", n)
	}
}

// Sends, edits, deletions and reads of one conversation, all at once: every version has one cause and one line in the
// inbox, nothing deleted has a text, and the preview is the last message's.
func TestChangesMeet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const workers, rounds = 6, 25
	var stores [workers]*postgres.Store
	for i := range stores {
		stores[i] = open(t, w.url)
	}
	var mu sync.Mutex
	messages := []chat.Message{w.send(fromClient("42", "Hello")).Message}
	any := func() chat.Message {
		mu.Lock()
		defer mu.Unlock()
		return messages[max(0, len(messages)-1-rand.IntN(4))] // mostly the last ones: they are previewed
	}
	// A round's calls run at once. The next round waits for them, so that no worker is done with all before others begin.
	for round := range rounds {
		var working sync.WaitGroup
		for n, store := range stores {
			working.Go(func() {
				var err error
				switch n % 3 {
				case 0:
					var saved chat.Saved
					saved, _ = stubbornly(w, store, keyed(fromClient("42", fmt.Sprint("Hello ", round)), fmt.Sprint(n, "-", round)))
					mu.Lock()
					messages = append(messages, saved.Message)
					mu.Unlock()
				case 1:
					_, err = store.ChangeMessage(t.Context(), edit(any(), client("42"), fmt.Sprint("edited ", n, " ", round)))
				case 2:
					_, err = store.ChangeMessage(t.Context(), deletion(any(), ada))
					if err == nil {
						_, err = store.MarkRead(t.Context(), byAda("42", rand.Int64N(50)))
					}
				}
				if kind := chat.KindOf(err); err != nil && kind != chat.Conflict && kind != chat.Unavailable {
					t.Error(err)
				}
			})
		}
		working.Wait()
	}
	for what, sql := range map[string]string{
		"deleted messages with a text":                     "select count(*) from chat.message where deleted_at is not null and body <> ''",
		"previews that are not the last message's":         "select count(*) from chat.conversation c join chat.message m using (client_id) where m.seq = c.last_seq and m.body <> c.last_preview",
		"messages changed later than their conversation":   "select count(*) from chat.message m join chat.conversation c using (client_id) where m.version > c.version",
		"messages whose last change is not announced":      "select count(*) from chat.message m where not exists (select from chat.outbox o where (o.client_id, o.version, o.seq) = (m.client_id, m.version, m.seq) and o.event in ('new-message', 'message-updated'))",
		"versions without one event to each of two places": "select count(*) from chat.conversation c cross join generate_series(1, c.version) v where '{conversation,inbox}' is distinct from (select array_agg(o.target order by o.target) from chat.outbox o where (o.client_id, o.version) = (c.client_id, v))",
	} {
		if n := ask[int](w, sql); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	if deleted, edited := ask[int](w, "select count(*) from chat.message where deleted_at is not null"), ask[int](w, "select count(*) from chat.message where edited_at is not null"); deleted == 0 || edited == 0 {
		t.Errorf("%d deleted and %d edited: they have not met", deleted, edited)
	}
	wholeMarks(w)
}
