package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"devinbox/pkg/chat"
)

// presence records what must succeed.
func (w *world) presence(news ...chat.Presence) []chat.Event {
	w.Helper()
	saved, err := w.store.RecordPresence(w.Context(), chat.PresenceParams{News: news, Live: true})
	if err != nil {
		w.Fatal(err)
	}
	return saved.Events
}

// shown tells whether a reader of the inbox sees a client as online, and at which version of its conversation.
func (w *world) shown(clientID string) (online bool, version int64) {
	w.Helper()
	c := w.list(chat.MessageQuery{ClientID: clientID, Limit: 1}).Conversation
	if c == nil || c.Online == nil {
		w.Fatalf("conversation %+v", c)
	}
	return *c.Online, c.Version
}

func TestOfTwoNewsTheLaterHolds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sent := w.send(fromClient("42", "Hello"))
	if *sent.Conversation.Online {
		t.Error("online, though nobody said so")
	}
	start := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	for _, step := range []struct {
		what    string
		at      time.Duration // after start
		said    bool
		online  bool
		version int64
	}{
		{"gone, as before", 0, false, false, 1},
		{"come", 10 * time.Millisecond, true, true, 2},
		{"the same seen twice", 10 * time.Millisecond, true, true, 2},
		{"gone at the same moment", 10 * time.Millisecond, false, true, 2},
		{"gone before, and late", 9 * time.Millisecond, false, true, 2},
		{"come again, with nothing between", 20 * time.Millisecond, true, true, 2},
		{"gone after the first, and late", 15 * time.Millisecond, false, true, 2},
		{"gone", 21 * time.Millisecond, false, false, 3},
		{"come before, and late", 20 * time.Millisecond, true, false, 3},
		{"gone again", 30 * time.Millisecond, false, false, 3},
		{"come between, and late", 25 * time.Millisecond, true, false, 3},
		{"come again", 31 * time.Millisecond, true, true, 4},
	} {
		_, before := w.shown("42")
		events := w.presence(chat.Presence{ClientID: "42", Online: step.said, At: start.Add(step.at)})
		online, version := w.shown("42")
		if online != step.online || version != step.version {
			t.Errorf("%s: online %v at version %d, want %v at %d", step.what, online, version, step.online, step.version)
		}
		if version == before {
			wantKeys(t, events)
			continue
		}
		wantKeys(t, events, chat.EventKey{ClientID: "42", Version: version, Name: chat.ConversationUpdated, ToInbox: true})
		if c := events[0].Conversation; *c.Online != step.online || c.Version != version || events[0].ExceptSocket != "" {
			t.Errorf("%s: event %+v", step.what, c)
		}
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version > 1"); n != 3 {
		t.Errorf("%d events wait, want 3", n)
	}
	c := w.list(chat.MessageQuery{ClientID: "42", Limit: 1}).Conversation
	if *c.LastSeenAt != *sent.Conversation.LastSeenAt || c.LastMessage != sent.Conversation.LastMessage || !c.UpdatedAt.After(sent.Conversation.UpdatedAt.Time) {
		t.Errorf("conversation %+v", c)
	}
}

func TestWhoIsNotHeardOfForTwelveHoursIsGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.presence(chat.Presence{ClientID: "42", Online: true, At: time.Now()})
	aged := func(by time.Duration) {
		w.exec("update chat.conversation set online_at = clock_timestamp() - $1::interval", by.String())
	}
	aged(chat.PresenceLifetime - time.Minute)
	if online, _ := w.shown("42"); !online {
		t.Error("gone too early")
	}
	if events := w.presence(chat.Presence{ClientID: "42", Online: true, At: time.Now()}); len(events) != 0 {
		t.Errorf("heard of in time: %+v", keys(events))
	}
	aged(chat.PresenceLifetime + time.Minute)
	if online, version := w.shown("42"); online || version != 2 {
		t.Errorf("online %v at version %d", online, version)
	}
	if events := w.presence(chat.Presence{ClientID: "42", Online: true, At: time.Now()}); len(events) != 1 || !*events[0].Conversation.Online {
		t.Errorf("back: %+v", events)
	}
	// Who read the conversation before that lapsed shows it still.
	aged(chat.PresenceLifetime + time.Minute)
	if events := w.presence(chat.Presence{ClientID: "42", Online: false, At: time.Now()}); len(events) != 1 || *events[0].Conversation.Online {
		t.Errorf("gone for good: %+v", events)
	}
	if online, version := w.shown("42"); online || version != 4 {
		t.Errorf("online %v at version %d", online, version)
	}
}

func TestWhoIsOnlineBeforeTheFirstMessageIsSoAfterwards(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := time.Now().Add(-time.Minute)
	if events := w.presence(
		chat.Presence{ClientID: "a", Online: true, At: at},
		chat.Presence{ClientID: "b", Online: true, At: at},
		chat.Presence{ClientID: "b", Online: false, At: at.Add(time.Second)},
		chat.Presence{ClientID: "c", Online: false, At: at.Add(time.Second)},
		chat.Presence{ClientID: "c", Online: true, At: at},
		chat.Presence{ClientID: "d", Online: true, At: at},
	); len(events) != 0 {
		t.Errorf("events of conversations that are not there: %+v", keys(events))
	}
	byDeveloper := fromAda("d", "Hello")
	byDeveloper.Create = true
	for _, test := range []struct {
		p    chat.SendParams
		want bool
	}{{fromClient("a", "Hello"), true}, {fromClient("b", "Hello"), false}, {fromClient("c", "Hello"), false}, {byDeveloper, true}, {fromClient("e", "Hello"), false}} {
		saved := w.send(test.p)
		if *saved.Conversation.Online != test.want || saved.Conversation.Version != 1 || len(saved.Events) != 2 {
			t.Errorf("%s: %+v", test.p.ClientID, saved)
		}
	}
	if n := ask[int](w, "select count(*) from chat.presence"); n != 0 {
		t.Errorf("%d are still kept apart", n)
	}
	// What was known counts: what is older is late.
	if events := w.presence(chat.Presence{ClientID: "a", Online: false, At: at}); len(events) != 0 {
		t.Errorf("late: %+v", keys(events))
	}
	if events := w.presence(chat.Presence{ClientID: "a", Online: false, At: at.Add(time.Millisecond)}); len(events) != 1 {
		t.Errorf("later: %+v", keys(events))
	}
}

// Pusher tells of a client at about the time at which it sends its first message. Whichever of the two comes
// second must see the other.
func TestNewsThatMeetAFirstMessageAreNotLost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	err := w.overtaken("select from chat.send_v3(gen_random_uuid(), 'a', 'client', 'a', null, null, gen_random_uuid(), null, 'Hello', 'Hello', true, true, '', '10s', '24h', 0, 0)", func() error {
		_, err := w.store.RecordPresence(t.Context(), chat.PresenceParams{News: []chat.Presence{{ClientID: "a", Online: true, At: time.Now()}}, Live: true})
		return err
	})
	if online, version := w.shown("a"); err != nil || !online || version != 2 {
		t.Errorf("behind the message: %v, online %v at version %d", err, online, version)
	}
	err = w.overtaken("select from chat.presence_v3(gen_random_uuid(), '{b}', '{true}', array[now()], true, '10s', '24h', '12h')", func() error {
		_, err := w.store.Send(t.Context(), fromClient("b", "Hello"))
		return err
	})
	if online, version := w.shown("b"); err != nil || !online || version != 1 {
		t.Errorf("before the message: %v, online %v at version %d", err, online, version)
	}

	const rounds = 60
	other := open(t, w.url)
	for round := range rounds {
		id := fmt.Sprint("client-", round)
		var both sync.WaitGroup
		both.Go(func() { stubbornly(w, w.store, keyed(fromClient(id, "Hello"), "key")) })
		both.Go(func() {
			time.Sleep(rand.N(2 * time.Millisecond))
			if _, err := other.RecordPresence(t.Context(), chat.PresenceParams{News: []chat.Presence{{ClientID: id, Online: true, At: time.Now()}}, Live: true}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
	}
	if online, apart := ask[int](w, "select count(*) from chat.conversation where online"), ask[int](w, "select count(*) from chat.presence"); online != rounds+2 || apart != 0 {
		t.Errorf("%d of %d are online, and the news of %d were put where nobody looks", online, rounds+2, apart)
	}
}

func TestNewsOfManyClientsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const clients, writers, rounds = 20, 4, 10
	for n := range clients / 2 { // the others have no conversation
		w.send(fromClient(fmt.Sprintf("client-%02d", 2*n), "Hello"))
	}
	var writing sync.WaitGroup
	for range writers {
		store := open(t, w.url)
		writing.Go(func() {
			for range rounds {
				var news []chat.Presence
				for n := range clients {
					if rand.IntN(3) > 0 {
						news = append(news, chat.Presence{ClientID: fmt.Sprintf("client-%02d", n), Online: rand.IntN(2) == 0, At: time.Now()})
					}
				}
				_, err := store.RecordPresence(t.Context(), chat.PresenceParams{News: news, Live: true})
				for tries := 1; chat.KindOf(err) == chat.Unavailable && tries < 20; tries++ { // a busy machine
					_, err = store.RecordPresence(t.Context(), chat.PresenceParams{News: news, Live: true})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	if n := ask[int](w, "select deadlocks from pg_stat_database where datname = current_database()"); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
	if n := ask[int](w, `select count(*) from chat.conversation c where c.version - 1 <> (
		select count(*) from chat.outbox o where o.client_id = c.client_id and o.version > 1 and o.target = 'inbox')`); n != 0 {
		t.Errorf("%d conversations have changed otherwise than announced", n)
	}
}

func TestWhatNobodyWouldShowIsForgotten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("insert into chat.presence select 'old-' || i, true, now() - interval '13 hours' from generate_series(1, 25) i")
	w.exec("insert into chat.presence select 'new-' || i, true, now() - interval '11 hours' from generate_series(1, 25) i")
	for _, left := range []int{15, 5, 0, 0} {
		w.presence(chat.Presence{ClientID: "42", Online: true, At: time.Now()})
		if n := ask[int](w, "select count(*) from chat.presence where client_id like 'old-%'"); n != left {
			t.Errorf("%d are left, want %d", n, left)
		}
	}
	if n := ask[int](w, "select count(*) from chat.presence"); n != 26 {
		t.Errorf("%d are kept, want 26", n)
	}
}

func TestALostAnswerToNewsLeavesTheirEventsWaiting(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.send(fromClient("42", "Hello"))
	proxy.LoseAnswer(1, "chat.presence_v3")
	w.presence(chat.Presence{ClientID: "42", Online: true, At: time.Now()})
	if n := ask[int](w, "select count(*) from chat.outbox where version = 2"); n != 1 {
		t.Errorf("%d events wait, want 1", n)
	}
	if online, version := w.shown("42"); !online || version != 2 {
		t.Errorf("online %v at version %d", online, version)
	}
	if _, err := w.store.RecordPresence(t.Context(), chat.PresenceParams{News: []chat.Presence{{ClientID: "42", At: time.Now()}}, Live: false}); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version = 3"); n != 0 {
		t.Error("an event is queued where nobody is told")
	}
}
