package chat_test

import (
	"errors"
	"strings"
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

func TestASearchHasThreeTo254CodePointsAndNoControlCharacter(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"abc": true, "äöü": true, "😀😀😀": true, " a ": true, "%_\\": true, strings.Repeat("é", 254): true,
		"": false, "ab": false, "😀😀": false, strings.Repeat("a", 255): false, "a\x00bc": false, "abc\n": false, "a\u0085bc": false,
	} {
		w := newWorld()
		_, err := w.Inbox(t.Context(), ada, chat.InboxQuery{Search: &text, Limit: 30})
		asked := "inbox"
		if !good {
			asked = ""
		}
		if (err == nil) != good || !good && (chat.KindOf(err) != chat.Unprocessable || blamed(err) != "q") {
			t.Errorf("%q: %v", text, err)
		}
		mustBe(t, "the trace", w.trace.take(), asked)
		if good {
			mustBe(t, "what is searched for", *w.store.inbox[0].Search, text)
		}
	}
}
