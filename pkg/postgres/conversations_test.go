package postgres_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"devinbox/pkg/chat"
)

func (w *world) inbox(q chat.InboxQuery) chat.InboxPage {
	w.Helper()
	page, err := w.store.ListConversations(w.Context(), q)
	if err != nil {
		w.Fatal(err)
	}
	return page
}

func ids(conversations []chat.Conversation) []string {
	got := []string{}
	for _, c := range conversations {
		got = append(got, c.ClientID)
	}
	return got
}

func TestTheInboxIsFilteredAndNewestFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		w.send(fromClient(id, "Hello"))
	}
	w.send(fromAda("b", "Hi")) // now the newest: b e d c a
	w.read(byAda("b", 1))
	w.read(byAda("e", 1))
	w.exec("update chat.conversation set status = 'closed' where client_id in ('c', 'e')")
	w.exec("update chat.conversation set assignee_id = 'ada' where client_id in ('a', 'b', 'e')")
	w.exec("update chat.conversation set assignee_id = 'bob' where client_id = 'c'")

	open, closed := pointer(chat.Open), pointer(chat.Closed)
	for _, test := range []struct {
		name  string
		query chat.InboxQuery
		want  []string
	}{
		{"open", chat.InboxQuery{Status: open}, []string{"b", "d", "a"}},
		{"closed", chat.InboxQuery{Status: closed}, []string{"e", "c"}},
		{"all", chat.InboxQuery{}, []string{"b", "e", "d", "c", "a"}},
		{"open and unread", chat.InboxQuery{Status: open, Unread: true}, []string{"d", "a"}},
		{"unread", chat.InboxQuery{Unread: true}, []string{"d", "c", "a"}},
		{"open and ada's", chat.InboxQuery{Status: open, AssigneeID: pointer("ada")}, []string{"b", "a"}},
		{"ada's", chat.InboxQuery{AssigneeID: pointer("ada")}, []string{"b", "e", "a"}},
		{"ada's and unread", chat.InboxQuery{AssigneeID: pointer("ada"), Unread: true}, []string{"a"}},
		{"somebody's who has none", chat.InboxQuery{AssigneeID: pointer("eve")}, []string{}},
		{"nobody's", chat.InboxQuery{Unassigned: true}, []string{"d"}},
		{"closed and nobody's", chat.InboxQuery{Status: closed, Unassigned: true}, []string{}},
	} {
		test.query.Limit = 10
		page := w.inbox(test.query)
		if got := ids(page.Conversations); !slices.Equal(got, test.want) || page.NextCursor != nil {
			t.Errorf("%s: %v, cursor %v; want %v", test.name, got, page.NextCursor, test.want)
		}
		if want := (chat.Totals{Open: 3, Unread: 3}); page.Totals != want {
			t.Errorf("%s: totals %+v, want those of all, %+v", test.name, page.Totals, want)
		}
		if page.Conversations == nil {
			t.Errorf("%s: an empty page is null", test.name)
		}
	}
	if c := w.inbox(chat.InboxQuery{Limit: 1}).Conversations[0]; c.LastMessage.Preview != "Hi" || *c.AssigneeID != "ada" || c.Unread != (chat.Marks{Client: 1}) {
		t.Errorf("conversation %+v", c)
	}
}

func TestAnEmptyInboxHasTotals(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if page := w.inbox(chat.InboxQuery{Limit: 10}); page.Conversations == nil || len(page.Conversations) != 0 || page.NextCursor != nil || page.Totals != (chat.Totals{}) {
		t.Errorf("page %+v", page)
	}
}

func TestEveryConversationIsOnExactlyOnePageAndTotalsStopAtAThousand(t *testing.T) {
	t.Parallel()
	w := setup(t)
	// Ties by the dozen: 1,200 conversations share 100 moments, and a third of them is closed.
	w.exec(`
		insert into chat.conversation (client_id, status, last_seq, client_total, last_message_at, version, created_at, updated_at)
		select 'client-' || i, case when i % 3 = 0 then 'closed' else 'open' end, 1, 1, now() - i % 100 * interval '1 microsecond', 1, now(), now()
		from generate_series(1, 1200) i`)
	for _, status := range []*chat.Status{nil, pointer(chat.Open), pointer(chat.Closed)} {
		for _, limit := range []int{7, 100} {
			var got []chat.Conversation
			q := chat.InboxQuery{Status: status, Limit: limit}
			for page := (chat.InboxPage{}); len(got) == 0 || page.NextCursor != nil; {
				page = w.inbox(q)
				if page.NextCursor != nil && len(page.Conversations) != limit {
					t.Fatalf("a page of %d before the last", len(page.Conversations))
				}
				if page.Totals.Unread != 1000 || page.Totals.Open != 800 {
					t.Fatalf("totals %+v", page.Totals)
				}
				got = append(got, page.Conversations...)
				q.Cursor = page.NextCursor
			}
			seen := map[string]bool{}
			for i, c := range got {
				if seen[c.ClientID] {
					t.Errorf("%s twice", c.ClientID)
				}
				seen[c.ClientID] = true
				if i > 0 && !newestFirst(got[i-1], c) {
					t.Errorf("%v, %s after %v, %s", c.LastMessage.CreatedAt, c.ClientID, got[i-1].LastMessage.CreatedAt, got[i-1].ClientID)
				}
			}
			want := ask[int](w, "select count(*) from chat.conversation where $1::text is null or status = $1::text", (*string)(status))
			if len(got) != want {
				t.Errorf("%d conversations in pages of %d, want %d", len(got), limit, want)
			}
		}
	}
}

func newestFirst(a, b chat.Conversation) bool {
	if a.LastMessage.CreatedAt != b.LastMessage.CreatedAt {
		return a.LastMessage.CreatedAt.After(b.LastMessage.CreatedAt.Time)
	}
	return a.ClientID > b.ClientID
}

func TestACursorStaysWhereItIsWhileConversationsMove(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n := range 6 {
		w.send(fromClient(fmt.Sprint("client-", n), "Hello"))
	}
	first := w.inbox(chat.InboxQuery{Limit: 3})
	if got, want := ids(first.Conversations), []string{"client-5", "client-4", "client-3"}; !slices.Equal(got, want) {
		t.Fatalf("first page %v", got)
	}
	w.send(fromClient("client-4", "Again"))
	w.send(fromClient("client-0", "Again")) // goes to the top, as a new one does
	w.exec("update chat.conversation set status = 'closed' where client_id = 'client-3'")
	second := w.inbox(chat.InboxQuery{Limit: 3, Cursor: first.NextCursor})
	if got, want := ids(second.Conversations), []string{"client-2", "client-1"}; !slices.Equal(got, want) || second.NextCursor != nil {
		t.Errorf("second page %v, want %v", got, want)
	}
}

func TestACursorOfAnyTimeCanBeAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	for micros, want := range map[int64]int{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(): 0, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(): 1} {
		cursor := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:42", micros))
		if page := w.inbox(chat.InboxQuery{Limit: 3, Cursor: &cursor}); len(page.Conversations) != want {
			t.Errorf("behind %d: %v", micros, ids(page.Conversations))
		}
	}
}
