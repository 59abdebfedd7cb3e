package chat_test

import (
	"errors"
	"testing"

	"devinbox/pkg/chat"
)

func TestTheInboxIsTheDevelopersOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, who := range []chat.Identity{grace, nobody, {ID: "ada"}} {
		if _, err := w.Inbox(t.Context(), who, chat.InboxQuery{Limit: 30}); err != error(chat.ErrNotYours) {
			t.Errorf("%+v: %v", who, err)
		}
	}
	mustBe(t, "the trace", w.trace.take(), "")

	page, err := w.Inbox(t.Context(), ada, chat.InboxQuery{Limit: 30, Unassigned: true})
	if err != nil || len(page.Conversations) != 2 || w.store.inbox[0] != (chat.InboxQuery{Limit: 30, Unassigned: true}) {
		t.Errorf("%+v, %v, asked as %+v", page, err, w.store.inbox)
	}
	for _, c := range page.Conversations {
		mustBe(t, "the channel", c.Channel, "channel of "+c.ClientID)
	}

	w.store.fail["ListConversations"] = errors.New("a failure")
	if page, err := w.Inbox(t.Context(), ada, chat.InboxQuery{}); err != w.store.fail["ListConversations"] || page.Conversations != nil {
		t.Errorf("%+v, %v", page, err)
	}
}
