package chat_test

import (
	"errors"
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

const messageID = "019a3f6e-0000-7000-8000-0123456789ab"

func TestAnEditAsksTheStoreForWhatWasChecked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	changed, err := w.EditMessage(t.Context(), grace, chat.Edit{MessageID: pointer(messageID), Body: pointer(" \r\n a\r\n\r\nb "), IfVersion: pointer[int64](7)})
	if err != nil || changed.Message.Body != " a\n\nb" || changed.Conversation.Channel != "channel of 42" {
		t.Errorf("%+v, %v", changed, err)
	}
	p := w.store.changes[0]
	mustBe(t, "the body", *p.Body, " a\n\nb")
	mustBe(t, "the version", *p.IfVersion, 7)
	p.Body, p.IfVersion = nil, nil
	mustBe(t, "the rest", p, chat.ChangeParams{ClientID: "42", MessageID: messageID, By: grace, Preview: "a b", Live: true, Limit: limit})
	mustBe(t, "the trace", w.trace.take(), "change, publish 2, acknowledge 2+0")
}

func TestADeletionAsksTheStoreForNoBody(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.publisher.disabled = true
	changed, err := w.DeleteMessage(t.Context(), ada, chat.Deletion{ClientID: pointer("43"), MessageID: pointer(messageID)})
	if err != nil || changed.Message.ID != messageID || changed.Conversation.Channel != "channel of 43" {
		t.Errorf("%+v, %v", changed, err)
	}
	mustBe(t, "what is asked", w.store.changes[0], chat.ChangeParams{ClientID: "43", MessageID: messageID, By: ada})
	mustBe(t, "the trace", w.trace.take(), "change")
}

func TestEveryBrokenRuleOfAChangeIsNamedAtOnceAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	for name, test := range map[string]struct {
		who  chat.Identity
		edit chat.Edit
		want string // of a deletion the same, but for the body
	}{
		"all of them":         {ada, chat.Edit{}, "clientId messageId body"},
		"no message":          {grace, chat.Edit{Body: pointer("a")}, "messageId"},
		"an empty message":    {grace, chat.Edit{MessageID: pointer(""), Body: pointer("a")}, "messageId"},
		"a malformed message": {grace, chat.Edit{MessageID: pointer(canary), Body: pointer("a")}, "messageId"},
		"a message in braces": {grace, chat.Edit{MessageID: pointer("{" + messageID + "}"), Body: pointer("a")}, "messageId"},
		"without its hyphens": {grace, chat.Edit{MessageID: pointer(strings.ReplaceAll(messageID, "-", "")), Body: pointer("a")}, "messageId"},
		"a line break behind": {grace, chat.Edit{MessageID: pointer(messageID + "\n"), Body: pointer("a")}, "messageId"},
		"the body":            {grace, chat.Edit{MessageID: pointer(messageID), Body: pointer(canary + "\x00")}, "body"},
	} {
		w := newWorld()
		_, err := w.EditMessage(t.Context(), test.who, test.edit)
		if chat.KindOf(err) != chat.Unprocessable || blamed(err) != test.want || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		mustBe(t, name+": the trace", w.trace.take(), "")

		want := strings.TrimSpace(strings.TrimSuffix(test.want, "body"))
		_, err = w.DeleteMessage(t.Context(), test.who, chat.Deletion{ClientID: test.edit.ClientID, MessageID: test.edit.MessageID})
		if blamed(err) != want || (err == nil) != (want == "") {
			t.Errorf("%s, deleted: %v, want %s", name, err, want)
		}
	}
}

// Only the store knows whether a message has files, with which it needs no text.
func TestAnEditWithoutATextIsForTheStoreToRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, body := range []string{" \n", ""} {
		_, err := w.EditMessage(t.Context(), grace, chat.Edit{MessageID: pointer(messageID), Body: pointer(body)})
		mustBe(t, "the kind", chat.KindOf(err), chat.Unprocessable)
		mustBe(t, "what is blamed", blamed(err), "body")
		mustBe(t, "the trace", w.trace.take(), "change")
	}
}

func TestAnEditThatNamesNoTextIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, err := w.EditMessage(t.Context(), grace, chat.Edit{MessageID: pointer(messageID)})
	mustBe(t, "the kind", chat.KindOf(err), chat.Unprocessable)
	mustBe(t, "what is blamed", blamed(err), "body")
	mustBe(t, "the trace", w.trace.take(), "")
}

func TestAMessagesIdMayBeInUpperCase(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if _, err := w.DeleteMessage(t.Context(), grace, chat.Deletion{MessageID: pointer(strings.ToUpper(messageID))}); err != nil {
		t.Error(err)
	}
}

func TestOnlyWhoseConversationItIsMayChangeAMessage(t *testing.T) {
	t.Parallel()
	for _, who := range []chat.Identity{grace, nobody, {ID: "43"}, {ID: "43", Role: "admin"}} {
		w := newWorld()
		// Whose it is comes before the rules, so the broken ones are not told.
		_, edited := w.EditMessage(t.Context(), who, chat.Edit{ClientID: pointer("43")})
		_, deleted := w.DeleteMessage(t.Context(), who, chat.Deletion{ClientID: pointer("43")})
		if edited != error(chat.ErrNotYours) || deleted != error(chat.ErrNotYours) {
			t.Errorf("%+v: %v, %v", who, edited, deleted)
		}
		mustBe(t, "the trace", w.trace.take(), "")
	}
}

func TestAChangeThatTheStoreRefusesIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.fail["ChangeMessage"] = errors.New("a failure")
	if changed, err := w.DeleteMessage(t.Context(), grace, chat.Deletion{MessageID: pointer(messageID)}); err != w.store.fail["ChangeMessage"] || changed.Message.ID != "" || changed.Conversation != (chat.Conversation{}) {
		t.Errorf("%+v, %v", changed, err)
	}
	mustBe(t, "the trace", w.trace.take(), "change")
}
