package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

// team is the team as the inbox tells it: id and name of each.
func (w *world) team() string {
	w.Helper()
	var members []string
	for _, m := range w.inbox(chat.InboxQuery{Limit: 1}).Team {
		members = append(members, m.ID+" "+text(m.Name))
	}
	return strings.Join(members, ", ")
}

func TestTheTeamIsWhoHasSentChangedOrRead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if got := w.team(); got != "" {
		t.Errorf("nobody has done anything: %s", got)
	}
	m := w.send(fromClient("42", "Hello")).Message
	ken, bob, eve := chat.Identity{ID: "ken", Role: chat.Developer, Name: "Ken"}, chat.Identity{ID: "bob", Role: chat.Developer, Name: "Bob"}, chat.Identity{ID: "eve", Role: chat.Developer}
	w.send(fromAda("42", "Hi"))
	w.update(chat.UpdateParams{By: ken, ClientID: "42", Status: pointer(chat.Closed)})
	w.read(chat.ReadParams{ClientID: "42", Reader: bob, UpToSeq: 1})
	w.change(chat.ChangeParams{ClientID: "42", MessageID: m.ID, By: eve})
	w.list(chat.MessageQuery{ClientID: "42", Limit: 1})
	if got, want := w.team(), "ada Ada, bob Bob, ken Ken, eve -"; got != want {
		t.Errorf("the team is %s, want %s", got, want)
	}
	renamed := fromAda("42", "Again")
	renamed.Sender.Name = "Countess"
	w.send(renamed)
	eve.Name = "Eve"
	w.read(chat.ReadParams{ClientID: "42", Reader: eve, UpToSeq: 2})
	ken.Name = "" // a token without a name takes none away
	w.update(chat.UpdateParams{By: ken, ClientID: "42", Status: pointer(chat.Open)})
	if got, want := w.team(), "bob Bob, ada Countess, eve Eve, ken Ken"; got != want {
		t.Errorf("the team is %s, want %s", got, want)
	}
	w.exec("update chat.developer set active_on = active_on - 90 where id = 'bob'")
	w.exec("update chat.developer set active_on = active_on - 91 where id = 'ada'")
	if got, want := w.team(), "bob Bob, eve Eve, ken Ken"; got != want {
		t.Errorf("after 90 days the team is %s, want %s", got, want)
	}
}

func TestTheTeamIsWrittenOnlyWhenItChanges(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(fromClient("42", "Hello"))
	w.send(fromAda("42", "Hi"))
	tx := w.hold("select from chat.developer for update") // whoever writes it would wait
	w.send(fromAda("42", "Again"))
	w.read(byAda("42", 1))
	w.update(chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed)})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.exec("update chat.developer set active_on = active_on - 1")
	w.send(fromAda("42", "The next day"))
	if n := ask[int](w, "select count(*) from chat.developer where active_on = (now() at time zone 'UTC')::date"); n != 1 {
		t.Error("a day later it is not written")
	}
}

func TestOfATeamTheHundredMostRecentAreTold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`insert into chat.developer (id, name, active_on)
		select 'dev-' || lpad(i::text, 3, '0'), 'Name', (now() at time zone 'UTC')::date - i / 10 from generate_series(0, 149) i`)
	team := w.inbox(chat.InboxQuery{Limit: 1}).Team
	if len(team) != 100 || team[0].ID != "dev-000" || team[99].ID != "dev-099" {
		t.Errorf("%d are told: %s", len(team), fmt.Sprint(team))
	}
}
