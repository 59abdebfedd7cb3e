package chat_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"devinbox/pkg/chat"
)

func TestNewsOfPresenceAreKeptInTheOrderOfTheClientsAndAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.channels.presence = true
	first, second := time.UnixMilli(1000), time.UnixMilli(2000)
	// Of 42 there are two: among those of one client the order stays.
	news := []chat.Presence{{"43", true, first}, {"42", true, second}, {"42", false, first}, {"none", true, first}}
	given := slices.Clone(news)
	if err := w.RecordPresence(t.Context(), news); err != nil {
		t.Fatal(err)
	}
	if want := []chat.Presence{{"42", true, second}, {"42", false, first}, {"43", true, first}, {"none", true, first}}; !slices.Equal(w.store.news, want) {
		t.Errorf("the Store is told %v, want %v", w.store.news, want)
	}
	if !slices.Equal(news, given) {
		t.Errorf("what the caller gave is now %v", news)
	}
	mustBe(t, "the trace", w.trace.take(), "presence 4, publish 3, acknowledge 3+0")
	for _, e := range w.publisher.published {
		mustBe(t, "the channel", e.Conversation.Channel, "channel of "+e.ClientID)
		if e.Conversation.Online == nil {
			t.Errorf("it is announced that nobody knows whether %s is online", e.ClientID)
		}
	}
}

func TestNoNewsAskNobody(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if err := w.RecordPresence(t.Context(), nil); err != nil {
		t.Error(err)
	}
	mustBe(t, "the trace", w.trace.take(), "")
}

func TestManyNewsAreAnnouncedInBatchesThatPusherTakes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var news []chat.Presence
	for i := range 23 {
		id := fmt.Sprintf("c%02d", i)
		w.store.conversations[id] = &chat.Conversation{ClientID: id}
		news = append(news, chat.Presence{ClientID: id, Online: true})
	}
	if err := w.RecordPresence(t.Context(), news); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "the trace", w.trace.take(),
		"presence 23, publish 10, acknowledge 10+0, publish 10, acknowledge 10+0, publish 3, acknowledge 3+0")
	mustBe(t, "what still waits", len(w.store.waiting), 0)
}

func TestPresenceIsKeptWithoutPusherAndNobodyIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.publisher.disabled = true
	if err := w.RecordPresence(t.Context(), []chat.Presence{{ClientID: "42", Online: true}}); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "the trace", w.trace.take(), "presence 1")
	mustBe(t, "online", *w.store.conversations["42"].Online, true)
}

func TestPresenceThatTheStoreDoesNotKeepIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.fail["RecordPresence"] = errors.New("a failure")
	if err := w.RecordPresence(t.Context(), []chat.Presence{{ClientID: "42", Online: true}}); err != w.store.fail["RecordPresence"] {
		t.Error(err)
	}
	mustBe(t, "the trace", w.trace.take(), "presence 1")
}

// Where presence is not kept nobody knows who is online, whatever an earlier mode has left in the database.
func TestWhoIsOnlineIsToldOnlyWherePresenceIsKept(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		w := newWorld()
		w.channels.presence = kept
		w.store.conversations["42"] = &chat.Conversation{ClientID: "42", LastSeq: 1, Online: pointer(true)}
		sent, _ := w.Send(t.Context(), grace, chat.Draft{Body: "Hello"})
		read, _ := w.MarkRead(t.Context(), grace, chat.ReadMark{UpToSeq: pointer[int64](1)})
		changed, _ := w.DeleteMessage(t.Context(), grace, chat.Deletion{MessageID: pointer(messageID)})
		updated, _ := w.UpdateConversation(t.Context(), ada, chat.Update{ClientID: pointer("42")})
		page, _ := w.Messages(t.Context(), grace, nil, chat.MessageQuery{})
		inbox, _ := w.Inbox(t.Context(), ada, chat.InboxQuery{})
		shown := map[string]chat.Conversation{
			"send": sent.Conversation, "read": read.Conversation, "change": changed.Conversation, "update": updated.Conversation, "list": *page.Conversation,
			"inbox": inbox.Conversations[slices.IndexFunc(inbox.Conversations, func(c chat.Conversation) bool { return c.ClientID == "42" })],
		}
		for _, e := range w.publisher.published {
			if e.Conversation != nil {
				shown[fmt.Sprint("event ", e.Version)] = *e.Conversation
			}
		}
		mustBe(t, "what is shown", len(shown), 10)
		for what, c := range shown {
			if told := c.Online != nil; told != kept || told && !*c.Online {
				t.Errorf("%s: online is told: %v, though presence is kept: %v", what, told, kept)
			}
		}
	}
}
