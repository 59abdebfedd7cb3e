package chat_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

func TestATextIsLeftChangedOrCleared(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		given bool
		value string // "nil" where there is none
	}{
		`{}`:                    {false, "nil"},
		`{"assigneeId":null}`:   {true, "nil"},
		`{"assigneeId":"ada"}`:  {true, "ada"},
		`{"assigneeId":""}`:     {true, ""},
		`{"assigneeId":"null"}`: {true, "null"},
	} {
		var u chat.Update
		if err := json.Unmarshal([]byte(text), &u); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		got := "nil"
		if u.AssigneeID.Value != nil {
			got = *u.AssigneeID.Value
		}
		if u.AssigneeID.Given != want.given || got != want.value {
			t.Errorf("%s: given %v, %q", text, u.AssigneeID.Given, got)
		}
	}
	for _, text := range []string{`{"assigneeId":7}`, `{"assigneeId":["ada"]}`, `{"assigneeId":false}`} {
		if err := json.Unmarshal([]byte(text), &chat.Update{}); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

func TestAnUpdateAsksTheStoreForWhatWasChecked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	name := " \tGrace Hopper\u00a0"
	update := chat.Update{
		ClientID: pointer("42"), Status: pointer(chat.Closed), AssigneeID: chat.Clearable{Given: true, Value: pointer("ada")},
		ClientName: &name, SocketID: pointer("12.34"),
	}
	updated, err := w.UpdateConversation(t.Context(), ada, update)
	if err != nil || updated.Conversation.Channel != "channel of 42" {
		t.Errorf("%+v, %v", updated, err)
	}
	p := w.store.updates[0]
	if p.ClientID != "42" || *p.Status != chat.Closed || !p.Assign || *p.AssigneeID != "ada" || *p.ClientName != "Grace Hopper" || !p.Live || p.ExceptSocket != "12.34" {
		t.Errorf("%+v", p)
	}
	mustBe(t, "the caller's own text", name, " \tGrace Hopper\u00a0")
	mustBe(t, "the trace", w.trace.take(), "update, publish 1, acknowledge 1+0")
}

func TestWhatAnUpdateDoesNotNameStays(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.publisher.disabled = true
	for _, test := range []struct {
		update chat.Update
		want   chat.UpdateParams
	}{
		{chat.Update{ClientID: pointer("42")}, chat.UpdateParams{ClientID: "42", By: ada}},
		{chat.Update{ClientID: pointer("42"), AssigneeID: chat.Clearable{Given: true}}, chat.UpdateParams{ClientID: "42", By: ada, Assign: true}},
		{chat.Update{ClientID: pointer("42"), SocketID: pointer("nonsense")}, chat.UpdateParams{ClientID: "42", By: ada}},
	} {
		if _, err := w.UpdateConversation(t.Context(), ada, test.update); err != nil {
			t.Error(err)
		}
		mustBe(t, "what is asked", w.store.updates[len(w.store.updates)-1], test.want)
	}
	mustBe(t, "the trace", w.trace.take(), "update, update, update")
}

func TestEveryBrokenRuleOfAnUpdateIsNamedAtOnceAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	assign := func(id string) chat.Clearable { return chat.Clearable{Given: true, Value: &id} }
	for name, test := range map[string]struct {
		update chat.Update
		want   string
	}{
		"all of them": {
			chat.Update{ClientID: pointer(canary + "\x00"), Status: pointer(chat.Status(canary)), AssigneeID: assign(canary + "\n"), ClientName: pointer("\x1b\u200b")},
			"clientId status assigneeId clientName",
		},
		"no client":               {chat.Update{}, "clientId"},
		"an empty status":         {chat.Update{ClientID: pointer("42"), Status: pointer(chat.Status(""))}, "status"},
		"all as a status":         {chat.Update{ClientID: pointer("42"), Status: pointer(chat.Status("all"))}, "status"},
		"a status in upper case":  {chat.Update{ClientID: pointer("42"), Status: pointer(chat.Status("Open"))}, "status"},
		"an empty assignee":       {chat.Update{ClientID: pointer("42"), AssigneeID: assign("")}, "assigneeId"},
		"the word for nobody":     {chat.Update{ClientID: pointer("42"), AssigneeID: assign(chat.Unassigned)}, "assigneeId"},
		"a long assignee":         {chat.Update{ClientID: pointer("42"), AssigneeID: assign(strings.Repeat("a", 121))}, "assigneeId"},
		"an empty name":           {chat.Update{ClientID: pointer("42"), ClientName: pointer("")}, "clientName"},
		"a name without letters":  {chat.Update{ClientID: pointer("42"), ClientName: pointer("\u202e\u3164\u200d\x00")}, "clientName"},
		"a name of blank symbols": {chat.Update{ClientID: pointer("42"), ClientName: pointer("\u2800 \u2800\u0301")}, "clientName"},
		"a name of white space":   {chat.Update{ClientID: pointer("42"), ClientName: pointer(" \t\u3000")}, "clientName"},
	} {
		w := newWorld()
		_, err := w.UpdateConversation(t.Context(), ada, test.update)
		if chat.KindOf(err) != chat.Unprocessable || blamed(err) != test.want || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		mustBe(t, name+": the trace", w.trace.take(), "")
	}
}

func TestANameThatADeveloperGivesIsCleanedLikeEveryOther(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"G": "G", "O'Neill <b>": "O'Neill <b>", " " + strings.Repeat("😀", 120) + " ": strings.Repeat("😀", 120), strings.Repeat("é", 121): strings.Repeat("é", 120),
		"Grace\nHopper": "Grace Hopper", "Gra\x00ce": "Grace", "Gra\u009bce": "Grace", "\u202eecarG": "ecarG", "می\u200cخواهم": "می\u200cخواهم",
	} {
		w := newWorld()
		if _, err := w.UpdateConversation(t.Context(), ada, chat.Update{ClientID: pointer("42"), ClientName: &name}); err != nil {
			t.Errorf("%+q: %v", name, err)
		} else if got := *w.store.updates[0].ClientName; got != want {
			t.Errorf("%+q is kept as %+q, want %+q", name, got, want)
		}
	}
}

func TestOnlyDevelopersUpdateAConversation(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, who := range []chat.Identity{grace, nobody, {ID: "ada"}, {ID: "ada", Role: "Developer"}} {
		// Its own or another's, right or wrong: a role is looked at first.
		for _, update := range []chat.Update{{}, {ClientID: pointer("42"), Status: pointer(chat.Closed)}, {ClientID: pointer("43")}} {
			if _, err := w.UpdateConversation(t.Context(), who, update); err != error(chat.ErrNotYours) {
				t.Errorf("%+v: %v", who, err)
			}
		}
	}
	mustBe(t, "the trace", w.trace.take(), "")
}

func TestAnUpdateThatTheStoreRefusesIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if _, err := w.UpdateConversation(t.Context(), ada, chat.Update{ClientID: pointer("44")}); err != error(chat.ErrNoConversation) {
		t.Error(err)
	}
	w.store.fail["UpdateConversation"] = errors.New("a failure")
	if updated, err := w.UpdateConversation(t.Context(), ada, chat.Update{ClientID: pointer("42")}); err != w.store.fail["UpdateConversation"] || updated != (chat.Updated{}) {
		t.Errorf("%+v, %v", updated, err)
	}
	mustBe(t, "the trace", w.trace.take(), "update, update")
}
