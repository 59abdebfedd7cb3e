package postgres_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

func TestAReadMarkMovesForwardToTheLastMessageAtMost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 3 {
		w.send(fromClient("42", "Hello"))
	}
	w.send(fromAda("42", "Hi"))

	for _, step := range []struct{ upTo, mark, unread, version int64 }{
		{2, 2, 1, 5},
		{1, 2, 1, 5}, // never back
		{2, 2, 1, 5}, // nor again
		{0, 2, 1, 5},
		{4, 4, 0, 6},
		{math.MaxInt64, 4, 0, 6},
	} {
		marked := w.read(byAda("42", step.upTo))
		c := marked.Conversation
		if marked.UpToSeq != step.mark || c.Read != (chat.Marks{Developer: step.mark}) || c.Unread != (chat.Marks{Client: 1, Developer: step.unread}) || c.Version != step.version {
			t.Errorf("read up to %d: mark %d, conversation %+v, want %+v", step.upTo, marked.UpToSeq, c, step)
		}
		if marked.ReadAt == nil {
			t.Errorf("read up to %d: no time", step.upTo)
		}
	}
	if marked := w.read(byClient("42", math.MaxInt64)); marked.UpToSeq != 4 || marked.Conversation.Unread != (chat.Marks{}) {
		t.Errorf("the client's side: %+v", marked)
	}
	wholeMarks(w)
}

// wholeMarks compares the unread numbers with a count.
func wholeMarks(w *world) {
	w.Helper()
	if n := ask[int](w, `
		select count(*) from chat.conversation c where (unread_client, unread_developer) is distinct from (
			select (count(*) filter (where m.sender_role = 'developer' and m.seq > c.client_read_seq),
				count(*) filter (where m.sender_role = 'client' and m.seq > c.developer_read_seq))
			from chat.message m where m.client_id = c.client_id)`); n != 0 {
		w.Errorf("%d conversations have an unread number that differs from a count", n)
	}
}

func TestReadingNothingLeavesNoTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	marked := w.read(byAda("42", 0))
	if marked.UpToSeq != 0 || marked.ReadAt != nil || len(marked.Events) != 0 || marked.Conversation.Version != 1 {
		t.Errorf("marked %+v", marked)
	}
	if marked := w.read(byAda("42", 1)); marked.ReadAt == nil {
		t.Error("no time of a mark that moved")
	}
}

func TestAReadMarkThatMovesIsAnnounced(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	p := byAda("42", 9)
	p.ExceptSocket = "1.2"
	marked := w.read(p)
	wantKeys(t, marked.Events,
		chat.EventKey{ClientID: "42", Version: 2, Name: chat.MessagesRead},
		chat.EventKey{ClientID: "42", Version: 2, Name: chat.ConversationUpdated, ToInbox: true})
	e := marked.Events[0]
	name := "Ada"
	if r := e.Read; e.ExceptSocket != "1.2" || r.ClientID != "42" || r.Side != chat.Developer || r.UpToSeq != 1 || r.Version != 2 ||
		*r.ReadAt != *marked.ReadAt || r.Reader.ID != "ada" || r.Reader.Role != chat.Developer || *r.Reader.Name != name {
		t.Errorf("event %+v", e.Read)
	}
	if c := marked.Events[1].Conversation; c.Version != 2 || c.Unread.Developer != 0 {
		t.Errorf("event %+v", c)
	}
	for _, again := range []int64{1, 0, 99} {
		if marked := w.read(byAda("42", again)); len(marked.Events) != 0 {
			t.Errorf("a mark that stays announces %+v", keys(marked.Events))
		}
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version = 2"); n != 2 {
		t.Errorf("%d events wait, want 2", n)
	}
}

func TestOnlyTheClientIsSeenAndThatAloneIsNoChange(t *testing.T) {
	t.Parallel()
	w := setup(t)
	seen := w.send(fromClient("42", "Hello")).Conversation.LastSeenAt
	w.send(fromAda("42", "Hi"))
	if got := w.read(byAda("42", 2)).Conversation.LastSeenAt; *got != *seen {
		t.Errorf("a developer's reading moved the client's last seen from %v to %v", seen, got)
	}
	before := w.read(byClient("42", 2)).Conversation
	if !before.LastSeenAt.After(seen.Time) {
		t.Errorf("a client's reading did not move its last seen: %v", before.LastSeenAt)
	}
	after := w.read(byClient("42", 2)).Conversation
	if !after.LastSeenAt.After(before.LastSeenAt.Time) {
		t.Errorf("a client's reading again did not move its last seen: %v", after.LastSeenAt)
	}
	if after.Version != before.Version || after.UpdatedAt != before.UpdatedAt {
		t.Errorf("last seen alone changed the version from %d to %d", before.Version, after.Version)
	}
}

func TestAReadMarkNeverMovesBackWhereReadersMeet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const rounds, readers = 15, 6
	w.exec("insert into chat.conversation (client_id, last_seq, client_total, last_message_at, created_at, updated_at) values ('42', 1000, 1000, now(), now(), now())")
	w.exec(`insert into chat.message (client_id, seq, id, version, sender_role, sender_id, body, body_digest, client_total, created_at)
		select '42', s, gen_random_uuid(), s, 'client', '42', 'Hello', '', s, now() from generate_series(1, 1000) s`)
	var stores [readers]*postgres.Store
	for i := range stores {
		stores[i] = open(t, w.url)
	}
	for round := range int64(rounds) {
		var reading sync.WaitGroup
		for i, n := range rand.Perm(readers) {
			reading.Go(func() {
				if _, err := stores[i].MarkRead(t.Context(), byAda("42", round*readers+int64(n)+1)); err != nil {
					t.Error(err)
				}
			})
		}
		reading.Wait()
		if mark, want := ask[int64](w, "select developer_read_seq from chat.conversation"), (round+1)*readers; mark != want {
			t.Fatalf("the mark is %d after %d was read", mark, want)
		}
	}
	if moves, version := ask[int64](w, "select count(distinct version) from chat.outbox"), ask[int64](w, "select version from chat.conversation"); moves != version {
		t.Errorf("the version is %d after %d moves", version, moves)
	}
	wholeMarks(w)
}

func TestSendingMovesNoReadMark(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	if c := w.send(fromAda("42", "Hi")).Conversation; c.Read != (chat.Marks{}) || c.Unread != (chat.Marks{Client: 1, Developer: 1}) {
		t.Errorf("conversation %+v", c)
	}
}

func TestNobodyReadsAConversationThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, p := range []chat.ReadParams{byClient("42", 1), byAda("42", 1)} {
		_, err := w.store.MarkRead(t.Context(), p)
		wantKind(t, err, chat.NotFound)
	}
}
