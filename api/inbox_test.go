package handler_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

// update posts an update of a conversation.
func (p person) update(format string, values ...any) answer {
	p.t.Helper()
	return p.post("/api/conversations/update", format, values...)
}

// inbox asks for a page of the inbox, by pairs of a parameter and its value.
func (p person) inbox(pairs ...string) answer {
	p.t.Helper()
	return p.get("/api/conversations/list?" + parameters(pairs...))
}

// parameters is a query of pairs of a parameter and its value.
func parameters(pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Add(pairs[i], pairs[i+1])
	}
	return query.Encode()
}

// clients are the ids of a page of the inbox, in its order.
func (a answer) clients() (ids []string) {
	a.t.Helper()
	for i := 0; a.value(fmt.Sprintf("conversations.%d", i)) != nil; i++ {
		ids = append(ids, a.text(fmt.Sprintf("conversations.%d.clientId", i)))
	}
	return ids
}

func TestWhatADeveloperSaysOfAConversationIsHeardByEverybodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada, bob := w.client("42"), w.developer("ada"), w.developer("bob")
	grace.sends("a")
	const own, inbox = "private-client-42", "private-developer-inbox"
	atGrace, atAda, atBob := grace.listen(), ada.listen(), bob.listen()
	atGrace.Subscribe(own)
	for _, developer := range []interface{ Subscribe(string) }{atAda, atBob} {
		developer.Subscribe(own)
		developer.Subscribe(inbox)
	}

	version := 1
	for _, c := range []struct {
		change string
		want   []any
	}{
		{`"status":"closed"`, []any{"status", "closed", "assigneeId", nil, "clientName", "Client 42"}},
		{`"assigneeId":"ada"`, []any{"status", "closed", "assigneeId", "ada"}},
		{`"clientName":" \u202eGrace\u200b\nHopper\u0000 "`, []any{"assigneeId", "ada", "clientName", "Grace Hopper"}},
		{`"status":"open","assigneeId":null`, []any{"status", "open", "assigneeId", nil, "clientName", "Grace Hopper"}},
		{`"status":"closed","assigneeId":"böb","clientName":"G"`, []any{"status", "closed", "assigneeId", "böb", "clientName", "G"}},
	} {
		version++
		w.toPusher.Reset()
		a := ada.call("POST", "/api/conversations/update", "application/json", object(t, `{"clientId":"42","socketId":%s,`, atAda.SocketID())+c.change+"}").is(200)
		if n := len(w.toPusher.Requests()); n != 1 {
			t.Errorf("%s: %d requests to Pusher", c.change, n)
		}
		conversation := part(t, a.body, "conversation")
		answer{t: t, body: conversation}.has(append(c.want, "version", version, "lastSeq", 1, "lastMessage.preview", "a", "channel", own, "unread.developer", 1)...)
		for where, heard := range map[string][]byte{
			"Grace": atGrace.Next(own, "conversation-updated"), "Bob": atBob.Next(own, "conversation-updated"), "the inbox": atBob.Next(inbox, "conversation-updated"),
		} {
			if !bytes.Equal(canonical(t, heard), canonical(t, conversation)) {
				t.Errorf("%s: %s hears %s, not %s", c.change, where, heard, conversation)
			}
		}
	}

	// What one has said oneself is no news, and what comes after it is.
	bob.update(`{"clientId":"42","status":"open","socketId":"nonsense"}`).is(200)
	for _, channel := range []string{own, inbox} {
		if heard := atAda.Next(channel, "conversation-updated"); lookup(t, heard, "version") != float64(version+1) {
			t.Errorf("Ada hears an echo of her own on %s: %s", channel, heard)
		}
		atBob.Next(channel, "conversation-updated") // he named no connection of his
	}
}

func TestAnUpdateThatChangesNothingIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.sends("a")
	ada.update(`{"clientId":"42","assigneeId":"ada","clientName":"Grace"}`).is(200).has("conversation.version", 2)
	w.toPusher.Reset()
	var updated string
	for _, change := range []string{
		`{"clientId":"42"}`, `{"clientId":"42","status":"open"}`, `{"clientId":"42","assigneeId":"ada"}`, `{"clientId":"42","clientName":"  Grace"}`,
		`{"clientId":"42","status":null,"clientName":null,"socketId":null}`, `{"clientId":"42","status":"open","assigneeId":"ada","clientName":"Grace"}`,
	} {
		a := ada.update("%s", rawJSON(change)).is(200).has("conversation.version", 2, "conversation.status", "open", "conversation.assigneeId", "ada", "conversation.clientName", "Grace")
		if at := a.text("conversation.updatedAt"); updated != "" && at != updated {
			t.Errorf("%s was an update", change)
		}
		updated = a.text("conversation.updatedAt")
	}
	if n := len(w.toPusher.Requests()) + w.count("select count(*) from chat.outbox"); n != 0 {
		t.Errorf("%d events or requests for no change", n)
	}
}

func TestANameThatADeveloperSetStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	named := func(name string) person {
		return person{world: w, token: signed(t, chat.Identity{ID: "42", Role: chat.Client, Name: name})}
	}
	named("One").sends("a")
	atGrace := named("One").listen()
	atGrace.Subscribe("private-client-42")
	named("Two").post("/api/messages/send", `{"body":"b"}`).is(201).has("conversation.clientName", "Two")
	if heard := atGrace.Next("private-client-42", "conversation-updated"); lookup(t, heard, "clientName") != "Two" || lookup(t, heard, "version") != 2.0 {
		t.Errorf("another name is heard as %s", heard)
	}
	// Also one that is the same as the token's was set.
	ada.update(`{"clientId":"42","clientName":"Two"}`).is(200).has("conversation.version", 2)
	named("Three").post("/api/messages/send", `{"body":"c"}`).is(201).has("conversation.clientName", "Two", "message.sender.name", "Three")
	ada.update(`{"clientId":"42","clientName":"Grace"}`).is(200).has("conversation.clientName", "Grace")
	named("Four").post("/api/messages/send", `{"body":"d"}`).is(201).has("conversation.clientName", "Grace")
}

func TestAClientsMessageReopensItsConversationAndADevelopersDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	const own, inbox = "private-client-42", "private-developer-inbox"
	grace.sends("a")
	ada.update(`{"clientId":"42","status":"closed"}`).is(200).has("conversation.version", 2)
	atGrace, atAda := grace.listen(), ada.listen()
	atGrace.Subscribe(own)
	atAda.Subscribe(own)
	atAda.Subscribe(inbox)

	ada.post("/api/messages/send", `{"clientId":"42","body":"b"}`).is(201).has("conversation.status", "closed", "conversation.version", 3)
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`).is(200).has("conversation.status", "closed", "conversation.version", 4)
	grace.post("/api/messages/read", `{"upToSeq":2}`).is(200).has("conversation.status", "closed", "conversation.version", 5)
	grace.post("/api/messages/send", `{"body":"c","socketId":%s}`, atGrace.SocketID()).is(201).has("conversation.status", "open", "conversation.version", 6)
	if heard := atAda.Next(own, "conversation-updated"); lookup(t, heard, "status") != "open" || lookup(t, heard, "version") != 6.0 {
		t.Errorf("the first that the conversation's channel hears is %s", heard)
	}
	for _, want := range []float64{3, 4, 5, 6} {
		if heard := atAda.Next(inbox, "conversation-updated"); lookup(t, heard, "version") != want {
			t.Errorf("the inbox hears %s, want version %v", heard, want)
		}
	}
	// The next of an open conversation is no news of its status.
	grace.post("/api/messages/send", `{"body":"d"}`).is(201).has("conversation.status", "open")
	for seen := 0; seen < 2; {
		if heard := atGrace.Next(own, "new-message"); lookup(t, heard, "body") != "c" { // c she sent from this very connection
			seen++
		}
	}
	for _, event := range atGrace.Events(own) {
		if event.Name == "conversation-updated" {
			t.Errorf("Grace hears %s", event.Data)
		}
	}
}

func TestAnUpdateThatBreaksARuleIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.sends("a")
	for body, want := range map[string]string{
		`{}`:                  "422 clientId",
		`{"clientId":null}`:   "422 clientId",
		`{"clientId":""}`:     "422 clientId",
		`{"clientId":"4\n2"}`: "422 clientId",
		`{"clientId":"` + strings.Repeat("4", 121) + `"}`:                  "422 clientId",
		`{"clientId":"42","status":"Closed"}`:                              "422 status",
		`{"clientId":"42","status":""}`:                                    "422 status",
		`{"clientId":"42","status":"all"}`:                                 "422 status",
		`{"clientId":"42","assigneeId":""}`:                                "422 assigneeId",
		`{"clientId":"42","assigneeId":"none"}`:                            "422 assigneeId", // it could not be asked for
		`{"clientId":"42","assigneeId":"a\u0000"}`:                         "422 assigneeId",
		`{"clientId":"42","assigneeId":"` + strings.Repeat("é", 61) + `"}`: "422 assigneeId",
		`{"clientId":"42","clientName":""}`:                                "422 clientName",
		`{"clientId":"42","clientName":" \u2003"}`:                         "422 clientName",
		`{"clientId":"42","clientName":"\u202e\u200b\u0000"}`:              "422 clientName",
		`{"status":"x","assigneeId":"","clientName":""}`:                   "422 clientId status assigneeId clientName",
		`{"clientId":"42","status":true}`:                                  "400 status",
		`{"clientId":"42","assigneeId":7}`:                                 "400 assigneeId",
		`{"clientId":"42","assigneeId":["ada"]}`:                           "400 assigneeId",
		`{"clientId":"42","assigneeId":"\udc00"}`:                          "400 assigneeId",
		`{"clientId":"42","assigneeId":"a","assigneeId":null}`:             "400 assigneeId",
		`{"clientId":"42","clientName":{}}`:                                "400 clientName",
		`{"clientId":"42","clientEmail":"a@example.com"}`:                  "400 clientEmail",
		`{"clientId":"42","online":true}`:                                  "400 online",
		`{"clientId":"42","Status":"closed"}`:                              "400 Status",
		`{"clientId":"43","status":"closed"}`:                              "404",
		`{"clientId":"42","status":"closed"} x`:                            "400",
		`null`:                                                             "400",
	} {
		a := ada.call("POST", "/api/conversations/update", "application/json", body)
		got := fmt.Sprint(a.status)
		for i := 0; a.value(fmt.Sprintf("errors.%d", i)) != nil; i++ {
			got += " " + a.text(fmt.Sprintf("errors.%d.field", i))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	// Only developers, and that is told first.
	grace.update(`{"clientId":"42","status":"closed"}`).fails(403, "forbidden")
	grace.call("POST", "/api/conversations/update?x=1", "text/plain", "x").fails(403, "forbidden")
	ada.call("POST", "/api/conversations/update?x=1", "text/plain", "x").fails(415, "unsupported_media_type")
	ada.call("POST", "/api/conversations/update?clientId=42", "application/json", "{}").fails(400, "invalid_request", "clientId")
	ada.get("/api/messages/list?clientId=42").is(200).has("conversation.version", 1, "conversation.status", "open", "conversation.assigneeId", nil, "conversation.clientName", "Client 42")
}

func TestTheInboxIsSearchedInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	for id, who := range map[string]chat.Identity{
		"müller-7":  {Name: "Jörg Müller", Email: "Joerg.Mueller+Test@Beispiel.example"},
		"tanaka":    {Name: "田中 太郎さん", Email: "taro@example.jp"},
		"giorgos":   {Name: "Γιώργος Παπαδόπουλος"},
		"percent":   {Name: "100% _sure_ \\o/"},
		"x/Y:Z+9=1": {},
	} {
		who.ID, who.Role = id, chat.Client
		person{world: w, token: signed(t, who)}.sends("needle in a message")
	}
	ada.update(`{"clientId":"x/Y:Z+9=1","clientName":"Named By Ada","status":"closed"}`).is(200)
	for text, want := range map[string]string{
		"müller":   "müller-7",
		"MÜLLER":   "müller-7",
		"ÖRG":      "müller-7",
		"g M":      "müller-7",
		"+test@b":  "müller-7",
		".example": "müller-7", "EXAMPLE.JP": "tanaka",
		"中 太":    "tanaka",
		"太郎さん":   "tanaka",
		"ΓΙΏΡΓ":  "giorgos",
		"παπαδό": "giorgos",
		"00%":    "percent",
		"_sure_": "percent",
		`\o/`:    "percent",
		"%%%":    "", "___": "", "a%b": "",
		"by ada":                 "x/Y:Z+9=1",
		"/y:z+9=":                "x/Y:Z+9=1",
		"Client ":                "", // a name that a developer has overwritten
		"needle":                 "", // messages are not searched
		"ada\nx/Y":               "422",
		"ab":                     "422",
		"":                       "422",
		"太郎":                     "422",
		strings.Repeat("é", 255): "422",
		strings.Repeat("é", 254): "",
	} {
		a := ada.inbox("q", text, "status", "all")
		if want == "422" {
			a.fails(422, "validation_failed", "q")
			continue
		}
		if got := strings.Join(a.is(200).clients(), " "); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
		a.has("totals.open", 4, "totals.unread", 5) // of all conversations
	}
	if got := ada.inbox("q", "named by").is(200).clients(); len(got) != 0 {
		t.Errorf("among the open ones %q is found", got)
	}
	ada.get("/api/conversations/list?q=abc&q=abd").fails(400, "invalid_request", "q")
	ada.get("/api/conversations/list?q=%ff%ff%ff").fails(400, "invalid_request", "q")
	w.client("42").inbox("q", "ab").fails(403, "forbidden")

	// A search is paged as the inbox is.
	var found []string
	for cursor := []string{}; ; {
		page := ada.inbox(append([]string{"q", "EXAMPLE", "limit", "1", "unread", "true"}, cursor...)...).is(200)
		found = append(found, page.clients()...)
		if page.value("nextCursor") == nil {
			break
		}
		cursor = []string{"cursor", page.text("nextCursor")}
	}
	slices.Sort(found)
	if got := strings.Join(found, " "); got != "müller-7 tanaka" {
		t.Errorf("the pages hold %q", got)
	}
}

func TestTheInboxIsCaughtUpFromATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	for i := range 6 {
		w.client(fmt.Sprint("c", i)).sends("a")
	}
	first := ada.inbox("limit", "2").is(200)
	// While she pages on, one that she has seen already changes; the first page's token tells of it.
	w.client("c5").sends("b")
	second := ada.inbox("limit", "2", "cursor", first.text("nextCursor")).is(200)
	id := w.client("c4").sends("b")
	ada.update(`{"clientId":"c3","status":"closed"}`).is(200)
	ada.update(`{"clientId":"c2","assigneeId":"bob"}`).is(200)
	ada.post("/api/messages/read", `{"clientId":"c1","upToSeq":1}`).is(200)
	w.client("c4").remove("/api/messages/edit", `{"messageId":%s}`, id).is(200)
	w.client("new").sends("a")

	since := first.text("syncToken")
	changed := map[string]answer{}
	token := ""
	for cursor := []string{}; ; {
		page := ada.inbox(append([]string{"since", since, "limit", "2"}, cursor...)...).is(200).has("totals.open", 6, "totals.unread", 6)
		if token == "" {
			token = page.text("syncToken")
		}
		for i, id := range page.clients() {
			if _, twice := changed[id]; twice {
				t.Errorf("%s is there twice", id)
			}
			changed[id] = answer{t: t, body: part(t, page.body, "conversations")}.at(i)
		}
		if page.value("nextCursor") == nil {
			break
		}
		cursor = []string{"cursor", page.text("nextCursor")}
	}
	for id, want := range map[string][]any{
		"c5": {"lastSeq", 2}, "c4": {"lastMessage.preview", "", "version", 3}, "c3": {"status", "closed"}, "c2": {"assigneeId", "bob"},
		"c1": {"read.developer", 1}, "new": {"lastSeq", 1, "channel", "private-client-new"},
	} {
		conversation, found := changed[id]
		if !found {
			t.Errorf("%s has changed and is not told; told are %q", id, slices.Sorted(maps.Keys(changed)))
			continue
		}
		conversation.has(want...)
	}
	// A catch-up gives the token of the next one.
	ada.update(`{"clientId":"c0","status":"closed"}`).is(200)
	if ids := ada.inbox("since", token).is(200).clients(); !slices.Contains(ids, "c0") {
		t.Errorf("the next catch-up tells of %q", ids)
	}

	for _, c := range []struct {
		field string
		pairs []string
	}{
		{"status", []string{"since", since, "status", "open"}},
		{"status", []string{"status", "all", "since", since}},
		{"unread", []string{"since", since, "unread", "false"}},
		{"assigneeId", []string{"since", since, "assigneeId", "none"}},
		{"q", []string{"since", since, "q", "abc"}},
		{"since", []string{"since", ""}},
		{"since", []string{"since", "x"}},
		{"since", []string{"since", since + "A"}},
		{"since", []string{"since", first.text("nextCursor")}},
		{"cursor", []string{"since", since, "cursor", first.text("nextCursor") + "A"}},
		{"cursor", []string{"cursor", since + "A"}},
		{"limit", []string{"since", since, "limit", "101"}},
		{"since", []string{"since", since, "since", since}},
	} {
		ada.inbox(c.pairs...).fails(400, "invalid_request", c.field)
	}
	if second.text("syncToken") == "" || len(second.clients()) != 2 {
		t.Errorf("the second page is %s", second.body)
	}
	w.client("c0").inbox("since", since).fails(403, "forbidden")
}

// at is the element of a list.
func (a answer) at(i int) answer {
	a.t.Helper()
	var elements []json.RawMessage
	if err := json.Unmarshal(a.body, &elements); err != nil {
		a.t.Fatal(err)
	}
	return answer{t: a.t, body: elements[i]}
}

func TestTheTotalsAreOfAllConversationsWhateverTheFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	ada.inbox().is(200).has("totals.open", 0, "totals.unread", 0, "nextCursor", nil, "conversations.0", nil)
	for i := range 4 {
		w.client(fmt.Sprint("c", i)).sends("a")
	}
	ada.update(`{"clientId":"c0","status":"closed","assigneeId":"ada"}`).is(200) // closed and unread
	ada.post("/api/messages/read", `{"clientId":"c1","upToSeq":1}`).is(200)      // open and read
	ada.update(`{"clientId":"c2","assigneeId":"ada"}`).is(200)
	for query, want := range map[string]string{
		"": "c3 c2 c1", "status=closed": "c0", "status=all": "c3 c2 c1 c0", "unread=true": "c3 c2", "status=all&unread=true": "c3 c2 c0",
		"assigneeId=ada": "c2", "assigneeId=none": "c3 c1", "assigneeId=ada&status=all": "c2 c0", "assigneeId=bob&status=all": "", "status=all&q=client%20c&limit=1": "c3",
	} {
		a := ada.get("/api/conversations/list?"+query).is(200).has("totals.open", 3, "totals.unread", 3)
		if got := strings.Join(a.clients(), " "); got != want {
			t.Errorf("%q gives %q, want %q", query, got, want)
		}
	}
}
