package postgres_test

import (
	"errors"
	"testing"

	"devinbox/pkg/chat"
)

// update updates what must succeed.
func (w *world) update(p chat.UpdateParams) chat.Saved {
	w.Helper()
	saved, err := w.store.UpdateConversation(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	return saved
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestAnUpdateChangesWhatItNames(t *testing.T) {
	t.Parallel()
	w := setup(t)
	begun := fromClient("42", "Hello")
	begun.Sender.Name = "Grace"
	sent := w.send(begun)
	version := int64(1)
	for _, step := range []struct {
		what                   string
		update                 chat.UpdateParams
		status, assignee, name string
		changes                bool
	}{
		{"nothing", chat.UpdateParams{}, "open", "-", "Grace", false},
		{"the status it has", chat.UpdateParams{Status: pointer(chat.Open)}, "open", "-", "Grace", false},
		{"closed", chat.UpdateParams{Status: pointer(chat.Closed)}, "closed", "-", "Grace", true},
		{"closed again", chat.UpdateParams{Status: pointer(chat.Closed)}, "closed", "-", "Grace", false},
		{"assigned", chat.UpdateParams{Assign: true, AssigneeID: pointer("ada")}, "closed", "ada", "Grace", true},
		{"assigned again", chat.UpdateParams{Assign: true, AssigneeID: pointer("ada")}, "closed", "ada", "Grace", false},
		{"an assignee that is not to change", chat.UpdateParams{AssigneeID: pointer("bob")}, "closed", "ada", "Grace", false},
		{"named", chat.UpdateParams{ClientName: pointer("The admiral")}, "closed", "ada", "The admiral", true},
		{"named again", chat.UpdateParams{ClientName: pointer("The admiral")}, "closed", "ada", "The admiral", false},
		{"nobody's again", chat.UpdateParams{Assign: true}, "closed", "-", "The admiral", true},
		{"nobody's as before", chat.UpdateParams{Assign: true}, "closed", "-", "The admiral", false},
		{"all at once", chat.UpdateParams{Status: pointer(chat.Open), Assign: true, AssigneeID: pointer("bob"), ClientName: pointer("Grace H.")}, "open", "bob", "Grace H.", true},
		{"one new among the old", chat.UpdateParams{Status: pointer(chat.Open), Assign: true, ClientName: pointer("Grace H.")}, "open", "-", "Grace H.", true},
	} {
		step.update.ClientID, step.update.Live, step.update.ExceptSocket = "42", true, "1.2"
		before := ask[string](w, "select updated_at::text from chat.conversation")
		saved := w.update(step.update)
		c := saved.Conversation
		if string(c.Status) != step.status || text(c.AssigneeID) != step.assignee || text(c.ClientName) != step.name {
			t.Errorf("%s: %s, %s, %s", step.what, c.Status, text(c.AssigneeID), text(c.ClientName))
		}
		if c.LastMessage != sent.Conversation.LastMessage || *c.LastSeenAt != *sent.Conversation.LastSeenAt || c.Unread != sent.Conversation.Unread {
			t.Errorf("%s: more has changed: %+v", step.what, c)
		}
		if step.changes {
			version++
			wantKeys(t, saved.Events,
				chat.EventKey{ClientID: "42", Version: version, Name: chat.ConversationUpdated},
				chat.EventKey{ClientID: "42", Version: version, Name: chat.ConversationUpdated, ToInbox: true})
			for _, e := range saved.Events {
				if e.Conversation.Version != version || string(e.Conversation.Status) != step.status || e.ExceptSocket != "1.2" {
					t.Errorf("%s: event %+v", step.what, e)
				}
			}
		} else if after := ask[string](w, "select updated_at::text from chat.conversation"); len(saved.Events) != 0 || after != before {
			t.Errorf("%s: events %+v; updated at %s, before at %s", step.what, keys(saved.Events), after, before)
		}
		if c.Version != version {
			t.Errorf("%s: version %d, want %d", step.what, c.Version, version)
		}
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version > 1 and socket_id = '1.2'"); n != 2*int(version-1) {
		t.Errorf("%d events wait, want %d", n, 2*(version-1))
	}
	w.due()
	wantKeys(t, w.deliver(chat.Delivery{}, 10),
		chat.EventKey{ClientID: "42", Version: 1, Name: chat.NewMessage},
		chat.EventKey{ClientID: "42", Version: version, Name: chat.ConversationUpdated},
		chat.EventKey{ClientID: "42", Version: version, Name: chat.ConversationUpdated, ToInbox: true})
}

func TestANameThatADeveloperSetOutlivesEveryToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	as := func(name string) chat.Saved {
		p := fromClient("42", "Hello")
		p.Sender.Name = name
		return w.send(p)
	}
	as("Grace")
	// The name that it has already: no reader sees a difference, and still it is the developer's from now on.
	if saved := w.update(chat.UpdateParams{By: ada, ClientID: "42", ClientName: pointer("Grace"), Live: true}); len(saved.Events) != 0 || saved.Conversation.Version != 1 {
		t.Errorf("the same name: %+v", saved)
	}
	if saved := as("Somebody"); *saved.Conversation.ClientName != "Grace" || *saved.Message.Sender.Name != "Somebody" || len(saved.Events) != 2 {
		t.Errorf("a token overwrote it: %+v", saved)
	}
	w.update(chat.UpdateParams{By: ada, ClientID: "42", ClientName: pointer("The admiral")})
	if name := *as("Grace").Conversation.ClientName; name != "The admiral" {
		t.Errorf("a token overwrote it: %s", name)
	}
}

func TestANameIsADevelopersAlsoWhereATokenComesAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	p := fromClient("42", "Hello")
	p.Sender.Name = "Token"
	err := w.overtaken("select from chat.update_v3(gen_random_uuid(), '42', 'ada', 'Ada', null, false, null, 'The admiral', true, '', '10s', '24h')", func() error {
		_, err := w.store.Send(t.Context(), p)
		return err
	})
	if name := ask[string](w, "select client_name from chat.conversation"); err != nil || name != "The admiral" {
		t.Errorf("the name is %s (%v)", name, err)
	}
	// And the other way round.
	w.exec("update chat.conversation set client_name = null, client_name_set = false")
	err = w.overtaken("select from chat.send_v3(gen_random_uuid(), '42', 'client', '42', 'Token', null, gen_random_uuid(), null, 'Hello', 'Hello', true, true, '', '10s', '24h', 0, 0)", func() error {
		_, err := w.store.UpdateConversation(t.Context(), chat.UpdateParams{By: ada, ClientID: "42", ClientName: pointer("The admiral"), Status: pointer(chat.Closed)})
		return err
	})
	if name := ask[string](w, "select client_name || ' ' || status from chat.conversation"); err != nil || name != "The admiral closed" {
		t.Errorf("the name is %s (%v)", name, err)
	}
}

func TestAConversationThatIsNotThereCannotBeUpdated(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, p := range []chat.UpdateParams{{}, {Status: pointer(chat.Closed)}, {ClientName: pointer("Grace")}} {
		p.ClientID = "42"
		if _, err := w.store.UpdateConversation(t.Context(), p); !errors.Is(err, chat.ErrNoConversation) {
			t.Error(err)
		}
	}
	if n := ask[int](w, "select count(*) from chat.conversation"); n != 0 {
		t.Errorf("%d conversations", n)
	}
}

func TestALostAnswerToAnUpdateChangesOnceAndNothingIsQueuedWhereNobodyIsTold(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.send(fromClient("42", "Hello"))
	proxy.LoseAnswer(1, "chat.update_v3")
	if c := w.update(chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed), Live: true}).Conversation; c.Version != 2 || c.Status != chat.Closed {
		t.Errorf("conversation %+v", c)
	}
	if saved := w.update(chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Open)}); saved.Conversation.Version != 3 || len(saved.Events) != 0 {
		t.Errorf("saved %+v", saved)
	}
	if n := ask[int](w, "select count(*) from chat.outbox where version > 1"); n != 2 {
		t.Errorf("%d events wait, want 2", n)
	}
}
