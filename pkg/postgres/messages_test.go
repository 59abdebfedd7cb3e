package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"devinbox/pkg/chat"
)

func (w *world) list(q chat.MessageQuery) chat.MessagePage {
	w.Helper()
	page, err := w.store.ListMessages(w.Context(), q)
	if err != nil {
		w.Fatal(err)
	}
	return page
}

func seqs(messages []chat.Message) []int64 {
	got := []int64{}
	for _, m := range messages {
		got = append(got, m.Seq)
	}
	return got
}

func TestMessagesAreGivenInPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n := range 7 {
		w.send(fromClient("42", fmt.Sprint("message ", n+1)))
		w.send(fromClient("other", "not to be seen"))
	}
	// What an edit will do: the second message changed last, the fifth before it.
	w.exec("update chat.message set version = 8, body = 'edited', edited_at = now() where client_id = '42' and seq = 5")
	w.exec("update chat.message set version = 9, body = '', deleted_at = now() where client_id = '42' and seq = 2")
	w.exec("update chat.conversation set version = 9 where client_id = '42'")

	for _, test := range []struct {
		name    string
		query   chat.MessageQuery
		want    []int64
		hasMore bool
	}{
		{"the newest", chat.MessageQuery{Limit: 3}, []int64{5, 6, 7}, true},
		{"all", chat.MessageQuery{Limit: 7}, []int64{1, 2, 3, 4, 5, 6, 7}, false},
		{"before", chat.MessageQuery{Before: pointer[int64](5), Limit: 3}, []int64{2, 3, 4}, true},
		{"before, to the beginning", chat.MessageQuery{Before: pointer[int64](4), Limit: 3}, []int64{1, 2, 3}, false},
		{"before the first", chat.MessageQuery{Before: pointer[int64](1), Limit: 3}, []int64{}, false},
		{"before what is not there yet", chat.MessageQuery{Before: pointer[int64](100), Limit: 2}, []int64{6, 7}, true},
		{"after", chat.MessageQuery{After: pointer[int64](2), Limit: 3}, []int64{3, 4, 5}, true},
		{"after, to the end", chat.MessageQuery{After: pointer[int64](4), Limit: 3}, []int64{5, 6, 7}, false},
		{"after nothing", chat.MessageQuery{After: pointer[int64](0), Limit: 2}, []int64{1, 2}, true},
		{"after the last", chat.MessageQuery{After: pointer[int64](7), Limit: 3}, []int64{}, false},
		{"changes, by version", chat.MessageQuery{ChangedSince: pointer[int64](6), Limit: 9}, []int64{7, 5, 2}, false},
		{"changes, in pages", chat.MessageQuery{ChangedSince: pointer[int64](6), Limit: 2}, []int64{7, 5}, true},
		{"changes since the beginning", chat.MessageQuery{ChangedSince: pointer[int64](0), Limit: 9}, []int64{1, 3, 4, 6, 7, 5, 2}, false},
		{"no changes", chat.MessageQuery{ChangedSince: pointer[int64](9), Limit: 3}, []int64{}, false},
	} {
		test.query.ClientID = "42"
		page := w.list(test.query)
		if got := seqs(page.Messages); !slices.Equal(got, test.want) || page.HasMore != test.hasMore {
			t.Errorf("%s: %v, more: %v; want %v, more: %v", test.name, got, page.HasMore, test.want, test.hasMore)
		}
		if page.Messages == nil {
			t.Errorf("%s: an empty page is null", test.name)
		}
		if page.Conversation == nil || page.Conversation.ClientID != "42" || page.Conversation.Version != 9 {
			t.Errorf("%s: conversation %+v", test.name, page.Conversation)
		}
	}
	changed := w.list(chat.MessageQuery{ClientID: "42", ChangedSince: pointer[int64](7), Limit: 9}).Messages
	if m := changed[0]; m.Body != "edited" || m.EditedAt == nil || m.DeletedAt != nil || m.Version != 8 {
		t.Errorf("an edited message %+v", m)
	}
	if m := changed[1]; m.Body != "" || m.DeletedAt == nil || m.Version != 9 {
		t.Errorf("a deleted message %+v", m)
	}
}

func TestWhatIsListedIsWhatWasSent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sent := []chat.Message{
		w.send(keyed(fromClient("42", "Hello \U0001f600\n\tthere"), "k")).Message,
		w.send(fromAda("42", "Hi")).Message,
	}
	for i, m := range w.list(chat.MessageQuery{ClientID: "42", Limit: 9}).Messages {
		if fmt.Sprint(plain(m)) != fmt.Sprint(plain(sent[i])) {
			t.Errorf("listed %+v, sent %+v", plain(m), plain(sent[i]))
		}
	}
}

// plain is a message with its pointers followed.
func plain(m chat.Message) []any {
	var key, name string
	if m.ClientMessageID != nil {
		key = *m.ClientMessageID
	}
	if m.Sender.Name != nil {
		name = *m.Sender.Name
	}
	return []any{m.ID, m.ClientID, m.Seq, m.Version, m.Sender.ID, m.Sender.Role, name, m.Body, key, m.CreatedAt, m.EditedAt, m.DeletedAt}
}

func TestAConversationThatIsNotThereHasNoMessages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, q := range []chat.MessageQuery{{}, {After: pointer[int64](0)}, {ChangedSince: pointer[int64](0)}} {
		q.ClientID, q.Limit = "42", 3
		if page := w.list(q); page.Conversation != nil || page.HasMore || page.Messages == nil || len(page.Messages) != 0 {
			t.Errorf("page %+v", page)
		}
	}
}
