package handler_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// patch calls a function with PATCH and a JSON object, as post does.
func (p person) patch(path, format string, values ...any) answer {
	p.t.Helper()
	return p.call(http.MethodPatch, path, "application/json", object(p.t, format, values...))
}

// remove calls a function with DELETE and a JSON object, as post does.
func (p person) remove(path, format string, values ...any) answer {
	p.t.Helper()
	return p.call(http.MethodDelete, path, "application/json", object(p.t, format, values...))
}

// sends sends a message, a client in its own conversation and a developer in the one named, and gives its id.
func (p person) sends(body string, clientID ...string) string {
	p.t.Helper()
	if len(clientID) > 0 {
		return p.post("/api/messages/send", `{"body":%s,"clientId":%s}`, body, clientID[0]).is(201).text("message.id")
	}
	return p.post("/api/messages/send", `{"body":%s}`, body).is(201).text("message.id")
}

// version is that of a conversation, and -1 where there is none.
func (w *world) version(clientID string) int {
	w.t.Helper()
	return w.count("select coalesce((select version from chat.conversation where client_id = $1), -1)", clientID)
}

func TestAnEditIsSeenAndHeardOnBothSides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	first := grace.post("/api/messages/send", `{"body":"Helo","clientMessageId":"k"}`).is(201)
	second := ada.sends("Hi \n Grace", "42")
	atGrace, atAda := grace.listen(), ada.listen()
	atGrace.Subscribe("private-client-42")
	atAda.Subscribe("private-client-42")
	atAda.Subscribe("private-developer-inbox")
	w.toPusher.Reset()

	edited := grace.patch("/api/messages/edit", `{"messageId":%s,"body":" \r\nHello\r\nthere "}`, first.text("message.id")).is(200).has(
		"message.id", first.text("message.id"), "message.seq", 1, "message.version", 3, "message.body", "Hello\nthere", "message.clientMessageId", "k",
		"message.sender.id", "42", "message.sender.role", "client", "message.createdAt", first.text("message.createdAt"), "message.deletedAt", nil,
		"conversation.version", 3, "conversation.lastSeq", 2, "conversation.lastMessage.preview", "Hi Grace", "conversation.channel", "private-client-42",
		"conversation.unread.developer", 1, "conversation.unread.client", 1, "realtime", nil,
	)
	if edited.text("message.editedAt") < first.text("message.createdAt") {
		t.Errorf("it was edited at %q", edited.text("message.editedAt"))
	}
	if requests := w.toPusher.Requests(); len(requests) != 1 {
		t.Errorf("%d requests to Pusher", len(requests))
	}
	for name, heard := range map[string][]byte{
		"she": atGrace.Next("private-client-42", "message-updated"), "he": atAda.Next("private-client-42", "message-updated"),
	} {
		if !bytes.Equal(canonical(t, heard), canonical(t, part(t, edited.body, "message"))) {
			t.Errorf("%s hears %s", name, heard)
		}
	}
	if heard := atAda.Next("private-developer-inbox", "conversation-updated"); lookup(t, heard, "version") != 3.0 || lookup(t, heard, "lastMessage.preview") != "Hi Grace" {
		t.Errorf("the inbox hears %s", heard)
	}

	// The last message is what the inbox shows a preview of.
	ada.patch("/api/messages/edit", `{"clientId":"42","messageId":%s,"body":"Hello  Grace"}`, strings.ToUpper(second)).is(200).
		has("message.seq", 2, "message.version", 4, "conversation.lastMessage.preview", "Hello Grace", "conversation.lastMessage.seq", 2)
	if heard := atAda.Next("private-developer-inbox", "conversation-updated"); lookup(t, heard, "lastMessage.preview") != "Hello Grace" {
		t.Errorf("the inbox hears %s", heard)
	}
	grace.get("/api/messages/list").is(200).has("messages.0.body", "Hello\nthere", "messages.1.body", "Hello  Grace", "conversation.version", 4)

	// That the status, the assignee and the name are as they were, the conversation's channel need not hear.
	atGrace.Next("private-client-42", "message-updated")
	for _, event := range atGrace.Events("private-client-42") {
		if event.Name == "conversation-updated" {
			t.Errorf("Grace hears %s", event.Data)
		}
	}
}

func TestAnEditTooLongForAnEventIsAnnouncedShortened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	id := grace.sends("short")
	atGrace := grace.listen()
	atGrace.Subscribe("private-client-42")
	long := strings.Repeat("€", 8000)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, id, long).is(200).has("message.body", long)
	heard := atGrace.Next("private-client-42", "message-updated")
	if lookup(t, heard, "truncated") != true || len(heard) > 10240 || lookup(t, heard, "version") != 2.0 {
		t.Errorf("%d bytes: %.200s", len(heard), heard)
	}
}

// TestWhoMayChangeAMessage is every pair of a message and a caller. A sender is an id on a side: a developer
// who has the id of a client is somebody else.
func TestWhoMayChangeAMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=0")
	senders := map[string]func() string{
		"the client":    func() string { return w.client("42").sends("a") },
		"ada":           func() string { return w.developer("ada").sends("a", "42") },
		"developer 42":  func() string { return w.developer("42").sends("a", "42") },
		"nobody's uuid": func() string { return "01900000-0000-7000-8000-000000000000" },
		"another's own": func() string { return w.client("eve").sends("a") }, // of another conversation
	}
	for _, c := range []struct {
		sender       string
		who          person
		clientID     string
		edit, delete int
	}{
		{"the client", w.client("42"), "", 200, 200},
		{"the client", w.client("42"), "42", 200, 200},
		{"the client", w.client("42"), "eve", 403, 403},
		{"the client", w.developer("ada"), "42", 403, 200},
		{"the client", w.developer("42"), "42", 403, 200},
		{"the client", w.developer("ada"), "eve", 404, 404},
		{"the client", w.developer("ada"), "", 422, 422},
		{"the client", w.client("eve"), "42", 403, 403},
		{"the client", w.client("eve"), "", 404, 404},
		{"the client", w.nobody(), "42", 401, 401},
		{"ada", w.developer("ada"), "42", 200, 200},
		{"ada", w.developer("bob"), "42", 403, 200},
		{"ada", w.client("42"), "", 403, 403},
		{"ada", w.client("ada"), "42", 403, 403},
		{"ada", w.client("ada"), "", 404, 404},
		{"developer 42", w.client("42"), "", 403, 403},
		{"developer 42", w.developer("42"), "42", 200, 200},
		{"nobody's uuid", w.client("42"), "", 404, 404},
		{"nobody's uuid", w.developer("ada"), "42", 404, 404},
		{"another's own", w.client("42"), "", 404, 404},
		{"another's own", w.developer("ada"), "42", 404, 404},
	} {
		for method, want := range map[string]int{"PATCH": c.edit, "DELETE": c.delete} {
			id := senders[c.sender]()
			before := w.version("42")
			body := object(t, `{"messageId":%s`, id)
			if c.clientID != "" {
				body += object(t, `,"clientId":%s`, c.clientID)
			}
			if method == "PATCH" {
				body += `,"body":"b"`
			}
			a := c.who.call(method, "/api/messages/edit", "application/json", body+"}")
			if a.status != want {
				t.Errorf("%s of %s in %q: %d, want %d: %s", method, c.sender, c.clientID, a.status, want, a.body)
			}
			if changed := w.version("42") - before; changed != 0 && want != 200 || changed != 1 && want == 200 {
				t.Errorf("%s of %s in %q: the version went up by %d", method, c.sender, c.clientID, changed)
			}
		}
	}
}

func TestADeletedMessageKeepsItsPlaceAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	atGrace := grace.listen()
	atGrace.Subscribe("private-client-42")
	first, second := grace.sends("one"), grace.sends("two")
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"two, edited"}`, second).is(200)

	deleted := ada.remove("/api/messages/edit", `{"clientId":"42","messageId":%s}`, second).is(200).has(
		"message.id", second, "message.seq", 2, "message.version", 4, "message.body", "", "message.sender.id", "42",
		"conversation.version", 4, "conversation.lastSeq", 2, "conversation.lastMessage.seq", 2, "conversation.lastMessage.preview", "",
		"conversation.unread.developer", 2,
	)
	if deleted.text("message.deletedAt") == "" || deleted.text("message.editedAt") == "" {
		t.Errorf("%s", deleted.body)
	}
	atGrace.Next("private-client-42", "message-updated")
	if heard := atGrace.Next("private-client-42", "message-updated"); !bytes.Equal(canonical(t, heard), canonical(t, part(t, deleted.body, "message"))) {
		t.Errorf("Grace hears %s", heard)
	}
	if n := w.count("select count(*) from chat.message where body like '%two%'"); n != 0 {
		t.Error("the text is still there")
	}

	// Again, by whomever may: nothing changes and nobody is told.
	w.toPusher.Reset()
	for _, again := range []answer{
		ada.remove("/api/messages/edit", `{"clientId":"42","messageId":%s}`, second),
		w.developer("bob").remove("/api/messages/edit", `{"clientId":"42","messageId":%s}`, second),
		grace.remove("/api/messages/edit", `{"messageId":%s}`, second),
	} {
		again.is(200).has("message.version", 4, "message.deletedAt", deleted.text("message.deletedAt"), "conversation.version", 4, "conversation.updatedAt", deleted.text("conversation.updatedAt"))
	}
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"again"}`, second).fails(409, "conflict")
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"one"}`, first).is(200).has("message.editedAt", nil, "conversation.version", 4) // the same body is no edit
	if n := len(w.toPusher.Requests()); n != 0 {
		t.Errorf("%d requests to Pusher for no change", n)
	}
	if n := w.count("select count(*) from chat.outbox"); n != 0 {
		t.Errorf("%d events for no change", n)
	}
	grace.get("/api/messages/list").is(200).has("messages.0.body", "one", "messages.1.body", "", "messages.1.seq", 2, "messages.2", nil)
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`).is(200).has("unread", 0)
	ada.post("/api/messages/send", `{"clientId":"42","body":"three"}`).is(201).has("message.seq", 3)
}

func TestAChangeThatBreaksARuleIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	id := grace.sends("a")
	message := `"messageId":"` + id + `"`
	for _, c := range []struct {
		method, body, code string
		status             int
		fields             string
	}{
		{"PATCH", `{}`, "validation_failed", 422, "messageId body"},
		{"PATCH", `{"messageId":null,"body":null}`, "validation_failed", 422, "messageId body"},
		{"PATCH", `{"messageId":"","body":"b"}`, "validation_failed", 422, "messageId"},
		{"PATCH", `{"messageId":"1","body":"\u0000"}`, "validation_failed", 422, "messageId body"},
		{"PATCH", `{"messageId":"` + id + `0","body":"b"}`, "validation_failed", 422, "messageId"},
		{"PATCH", `{"messageId":"{` + id + `}","body":"b"}`, "validation_failed", 422, "messageId"},
		{"PATCH", `{"messageId":"` + strings.ReplaceAll(id, "-", "") + `","body":"b"}`, "validation_failed", 422, "messageId"},
		{"PATCH", `{` + message + `,"body":" \n\u2003"}`, "validation_failed", 422, "body"},
		{"PATCH", `{` + message + `,"body":"` + strings.Repeat("é", 8001) + `"}`, "validation_failed", 422, "body"},
		{"PATCH", `{` + message + `,"body":7}`, "invalid_request", 400, "body"},
		{"PATCH", `{` + message + `,"body":"b","body":"c"}`, "invalid_request", 400, "body"},
		{"PATCH", `{` + message + `,"Body":"b"}`, "invalid_request", 400, "Body"},
		{"PATCH", `{` + message + `,"body":"b","socketId":"1.2"}`, "invalid_request", 400, "socketId"},
		{"PATCH", `{` + message + `,"body":"b","version":1}`, "invalid_request", 400, "version"},
		{"PATCH", `{` + message + `,"body":"\ud800"}`, "invalid_request", 400, "body"},
		{"PATCH", `{"messageId":7,"body":"b"}`, "invalid_request", 400, "messageId"},
		{"PATCH", `{"clientId":7,` + message + `,"body":"b"}`, "invalid_request", 400, "clientId"},
		{"PATCH", `[]`, "invalid_request", 400, ""},
		{"PATCH", `{` + message + `,"body":"b"}{}`, "invalid_request", 400, ""},
		{"DELETE", `{}`, "validation_failed", 422, "messageId"},
		{"DELETE", `{"messageId":"1"}`, "validation_failed", 422, "messageId"},
		{"DELETE", `{` + message + `,"body":"b"}`, "invalid_request", 400, "body"},
		{"DELETE", `{` + message + `,` + message + `}`, "invalid_request", 400, "messageId"},
		{"DELETE", ``, "invalid_request", 400, ""},
	} {
		a := grace.call(c.method, "/api/messages/edit", "application/json", c.body).fails(c.status, c.code)
		var fields []string
		for i := 0; a.value(fmt.Sprintf("errors.%d", i)) != nil; i++ {
			fields = append(fields, a.text(fmt.Sprintf("errors.%d.field", i)))
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%s %s blames %q, want %q", c.method, c.body, got, c.fields)
		}
	}
	// The rules of the rest are those of every function: which comes first is told.
	for _, method := range []string{"PATCH", "DELETE"} {
		grace.call(method, "/api/messages/edit?x=1", "text/plain", "x").fails(415, "unsupported_media_type")
		grace.call(method, "/api/messages/edit?x=1", "application/json", strings.Repeat(" ", 129<<10)).fails(413, "payload_too_large")
		grace.call(method, "/api/messages/edit?clientId=42", "application/json", `{`+message+`}`).fails(400, "invalid_request", "clientId")
		grace.call(method, "/api/messages/edit", "application/json", `{"clientId":"43","messageId":"1"}`).fails(403, "forbidden")
		ada.call(method, "/api/messages/edit", "application/json", `{"messageId":"1"}`).fails(422, "validation_failed", "clientId")
	}
	grace.get("/api/messages/edit").fails(405, "method_not_allowed")
	grace.post("/api/messages/edit", `{}`).fails(405, "method_not_allowed")
	grace.get("/api/messages/list").is(200).has("messages.0.body", "a", "messages.0.version", 1, "conversation.version", 1)
}

func TestWhatWasEditedAndDeletedIsCaughtUpInTheOrderOfItsVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	var ids []string
	for i := range 5 {
		ids = append(ids, grace.sends(fmt.Sprint(i+1)))
	}
	sees := newReceiver(t)
	sees.applyPage(grace.get("/api/messages/list").is(200))
	since := sees.version // 5
	grace.remove("/api/messages/edit", `{"messageId":%s}`, ids[3]).is(200)
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":5}`).is(200) // a version of the conversation and of no message
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"2a"}`, ids[1]).is(200)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"1a"}`, ids[0]).is(200)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"2b"}`, ids[1]).is(200)
	ada.sends("6", "42")

	var order []string
	for more := true; more; {
		page := grace.get(fmt.Sprintf("/api/messages/list?changedSince=%d&limit=2", since)).is(200)
		for i := 0; page.value(fmt.Sprintf("messages.%d", i)) != nil; i++ {
			order = append(order, fmt.Sprintf("%d@%d", page.number(fmt.Sprintf("messages.%d.seq", i)), page.number(fmt.Sprintf("messages.%d.version", i))))
			since = page.number(fmt.Sprintf("messages.%d.version", i))
		}
		sees.applyPage(page)
		more = page.value("hasMore") == true
	}
	if got := strings.Join(order, " "); got != "4@6 1@9 2@10 6@11" {
		t.Errorf("the changes are %s", got)
	}
	sees.shows("1a", "2b", "3", "", "5", "6")
}

func TestAnEditOfAnotherVersionOverwritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	id := grace.post("/api/messages/send", `{"body":"first"}`).is(201).text("message.id")
	edit := func(body, ifVersion string) answer {
		return grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s,"ifVersion":`+ifVersion+`}`, id, body)
	}
	edit("from the phone", "1").is(200).has("message.version", 2)
	for _, other := range []string{"1", "3", "0", "-1", "9223372036854775807"} {
		edit("from the desk", other).fails(409, "conflict")
	}
	for _, none := range []string{`"1"`, "1.5", "9223372036854775808", "true"} {
		edit("from the desk", none).fails(400, "invalid_request", "ifVersion")
	}
	grace.get("/api/messages/list").is(200).has("messages.0.body", "from the phone", "messages.0.version", 2)
	edit("from the phone", "1").is(200).has("message.version", 2) // its answer was lost
	edit("from the desk", "2").is(200).has("message.body", "from the desk", "message.version", 3)
	edit("whatever it was", "null").is(200).has("message.version", 4)
}

func TestASendIsRepeatedByTheBodyAsFirstStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	id := grace.post("/api/messages/send", `{"body":"first","clientMessageId":"k"}`).is(201).text("message.id")
	repeat := func(body string) answer {
		return grace.post("/api/messages/send", `{"body":%s,"clientMessageId":"k"}`, body)
	}
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"second"}`, id).is(200)
	replayed := repeat("\r\nfirst ").is(200).has("message.id", id, "message.body", "second", "message.seq", 1, "message.version", 2, "conversation.version", 2)
	if replayed.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a repetition does not say so")
	}
	repeat("second").fails(409, "conflict", "clientMessageId")
	ada.remove("/api/messages/edit", `{"clientId":"42","messageId":%s}`, id).is(200)
	repeat("first").is(200).has("message.id", id, "message.body", "", "message.version", 3, "conversation.lastSeq", 1)
	repeat("second").fails(409, "conflict", "clientMessageId")
}

func TestEditsTakeTokensOfTheRateLimitAndDeletionsDoNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=3/1h")
	grace := w.client("42")
	id := grace.sends("a")
	for _, body := range []string{"b", "b", "c"} { // what changes nothing is free
		grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, id, body).is(200)
	}
	announced := len(w.heard.Published())
	a := grace.patch("/api/messages/edit", `{"messageId":%s,"body":"d"}`, id).fails(429, "rate_limited")
	if a.header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	if n := len(w.heard.Published()); n != announced {
		t.Errorf("a refused edit is announced: %d events, before %d", n, announced)
	}
	grace.post("/api/messages/send", `{"body":"another"}`).fails(429, "rate_limited")
	grace.remove("/api/messages/edit", `{"messageId":%s}`, id).is(200)
}

func TestAnEditWhilePusherIsDownIsAnnouncedLaterAsItThenIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	id := grace.sends("a")
	atGrace := grace.listen()
	atGrace.Subscribe("private-client-42")
	w.toPusher.Answer(500, "oops")
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"b"}`, id).is(200)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"c"}`, id).is(200)
	if n := w.count("select count(*) from chat.outbox"); n != 4 {
		t.Errorf("%d events wait", n)
	}
	w.toPusher.Decide(nil)
	w.sql("update chat.outbox set due_at = clock_timestamp()")
	w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", 2, "pending", 0) // once: the first edit's event would show the same
	if heard := atGrace.Next("private-client-42", "message-updated"); lookup(t, heard, "body") != "c" || lookup(t, heard, "version") != 3.0 {
		t.Errorf("Grace hears %s", heard)
	}
}

// canonical is JSON whose members have one order.
func canonical(t *testing.T, text []byte) []byte {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("not JSON: %s", text)
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return sorted
}
