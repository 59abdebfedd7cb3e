package handler_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// receiver applies events by the rules that the documentation gives a frontend.
type receiver struct {
	t        *testing.T
	bySeq    map[int]json.RawMessage
	versions map[int]int
	version  int // up to which everything was fetched
}

func newReceiver(t *testing.T) *receiver {
	return &receiver{t: t, bySeq: map[int]json.RawMessage{}, versions: map[int]int{}}
}

// apply takes one message, from an event or from a page: per seq the higher version is kept.
func (r *receiver) apply(message json.RawMessage) {
	r.t.Helper()
	seq := int(lookup(r.t, message, "seq").(float64))
	version := int(lookup(r.t, message, "version").(float64))
	if version > r.versions[seq] {
		r.bySeq[seq], r.versions[seq] = message, version
	}
}

// applyPage takes every message of a page.
func (r *receiver) applyPage(page answer) {
	r.t.Helper()
	var body struct{ Messages []json.RawMessage }
	if err := json.Unmarshal(page.body, &body); err != nil {
		r.t.Fatal(err)
	}
	for _, message := range body.Messages {
		r.apply(message)
	}
	if page.value("hasMore") == false {
		r.version = max(r.version, page.number("conversation.version"))
	}
}

// shows requires exactly these bodies, in order, with seq 1, 2, 3 ….
func (r *receiver) shows(bodies ...string) {
	r.t.Helper()
	if len(r.bySeq) != len(bodies) {
		r.t.Errorf("%d messages are shown, want %d", len(r.bySeq), len(bodies))
	}
	for i, want := range bodies {
		message, found := r.bySeq[i+1]
		if !found {
			r.t.Errorf("message %d is missing", i+1)
		} else if got := lookup(r.t, message, "body"); got != want {
			r.t.Errorf("message %d says %q, want %q", i+1, got, want)
		}
	}
}

func TestTwoPeopleChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")

	// Each asks where to listen; no name of a channel is made up here.
	session := grace.get("/api/session").is(200).has(
		"identity.id", "42", "identity.role", "client", "identity.name", "Client 42",
		"realtime.enabled", true, "realtime.key", "test-key", "realtime.forceTLS", false, "realtime.authEndpoint", "/api/pusher/auth",
		"realtime.channels.conversation", "private-client-42", "realtime.channels.inbox", nil,
		"limits.bodyCodePoints", 8000, "limits.pageSize", 100,
	)
	inbox := ada.get("/api/session").is(200).has("realtime.channels.conversation", nil).text("realtime.channels.inbox")
	own := session.text("realtime.channels.conversation")
	atGrace, atAda := grace.listen(), ada.listen()
	atGrace.Subscribe(own)
	atAda.Subscribe(inbox)
	graceSees, adaSees := newReceiver(t), newReceiver(t)

	// She writes; the developers' inbox hears of it, she hears nothing of her own.
	sent := grace.post("/api/messages/send", `{"body":"Hello","clientMessageId":"m-1","socketId":%s}`, atGrace.SocketID()).is(201).has(
		"realtime", "delivered", "message.seq", 1, "message.body", "Hello", "message.clientMessageId", "m-1",
		"message.sender.role", "client", "message.sender.name", "Client 42",
		"conversation.channel", own, "conversation.lastSeq", 1, "conversation.unread.developer", 1, "conversation.unread.client", 0,
	)
	graceSees.apply(part(t, sent.body, "message"))
	updated := atAda.Next(inbox, "conversation-updated")
	if seq := lookup(t, updated, "lastMessage.seq"); seq != 1.0 {
		t.Errorf("the inbox hears of message %v", seq)
	}

	// A developer opens the conversation that the inbox shows, reads and answers.
	channel, _ := lookup(t, updated, "channel").(string)
	atAda.Subscribe(channel)
	adaSees.applyPage(ada.get("/api/messages/list?clientId=42").is(200).has("hasMore", false, "conversation.clientId", "42"))
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1,"socketId":%s}`, atAda.SocketID()).is(200).has("side", "developer", "upToSeq", 1, "unread", 0)
	read := atGrace.Next(own, "messages-read")
	if lookup(t, read, "side") != "developer" || lookup(t, read, "upToSeq") != 1.0 || lookup(t, read, "reader.id") != "ada" {
		t.Errorf("Grace hears %s", read)
	}
	answered := ada.post("/api/messages/send", `{"clientId":"42","body":"Hi Grace","socketId":%s}`, atAda.SocketID()).is(201)
	adaSees.apply(part(t, answered.body, "message"))
	graceSees.apply(atGrace.Next(own, "new-message"))
	graceSees.shows("Hello", "Hi Grace")
	adaSees.shows("Hello", "Hi Grace")

	// She loses her connection. What is said meanwhile she fetches when she is back, by the version that she has.
	atGrace.Disconnect()
	for i := range 3 {
		ada.post("/api/messages/send", `{"clientId":"42","body":%s}`, fmt.Sprint("while you were away ", i)).is(201)
	}
	atGrace.Connect()
	for range 2 { // pusher-js subscribes again by itself
		atGrace.Next(own, "pusher:subscription_succeeded")
	}
	graceSees.applyPage(grace.get(fmt.Sprintf("/api/messages/list?changedSince=%d", graceSees.version)).is(200).has("hasMore", false))
	graceSees.shows("Hello", "Hi Grace", "while you were away 0", "while you were away 1", "while you were away 2")

	// She reads to the end; the developers hear it.
	grace.post("/api/messages/read", `{"upToSeq":5}`).is(200).has("side", "client", "upToSeq", 5, "unread", 0, "conversation.read.client", 5)
	for {
		read := atAda.Next(channel, "messages-read")
		if lookup(t, read, "side") == "client" {
			if lookup(t, read, "upToSeq") != 5.0 {
				t.Errorf("the developers hear %s", read)
			}
			break
		}
	}

	// Nothing that was announced is left over, and nobody heard an echo of their own.
	if left := w.count("select count(*) from chat.outbox"); left != 0 {
		t.Errorf("%d events are left over", left)
	}
	for _, event := range atGrace.Events(own) {
		if event.Name == "new-message" && lookup(t, event.Data, "sender.role") == "client" {
			t.Errorf("Grace heard her own message: %s", event.Data)
		}
	}
}

// part is what stands under a name of a JSON object.
func part(t *testing.T, body []byte, name string) json.RawMessage {
	t.Helper()
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(body, &parts); err != nil {
		t.Fatal(err)
	}
	return parts[name]
}

func TestTheNamesOfChannelsFollowTheMode(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct{ conversation, inbox string }{
		"private":  {"private-client-a=20b", "private-developer-inbox"},
		"presence": {"presence-client-a=20b", "private-developer-inbox"},
		"public":   {"client-a=20b", "developer-inbox"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "CHAT_CHANNELS="+mode)
			grace, ada := w.client("a b"), w.developer("ada")
			grace.get("/api/session").is(200).has("realtime.channels.conversation", want.conversation)
			ada.get("/api/session").is(200).has("realtime.channels.inbox", want.inbox)
			atGrace, atAda := grace.listen(), ada.listen()
			atGrace.Subscribe(want.conversation)
			atAda.Subscribe(want.inbox)
			grace.post("/api/messages/send", `{"body":"Hello"}`).is(201).has("realtime", "delivered", "conversation.channel", want.conversation)
			if body := lookup(t, atGrace.Next(want.conversation, "new-message"), "body"); body != "Hello" {
				t.Errorf("%v", body)
			}
			atAda.Next(want.inbox, "conversation-updated")
		})
	}
}

func TestAMessageTooLongForAnEventIsAnnouncedShortenedAndFetchedWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	atAda := ada.listen()
	atAda.Subscribe("private-client-42")
	body := ""
	for range 8000 {
		body += "€"
	}
	grace.post("/api/messages/send", `{"body":%s}`, body).is(201).has("realtime", "delivered")
	event := atAda.Next("private-client-42", "new-message")
	if lookup(t, event, "truncated") != true || len(event) > 10240 || len(lookup(t, event, "body").(string)) >= len(body) {
		t.Errorf("%d bytes, truncated %v", len(event), lookup(t, event, "truncated"))
	}
	if whole := ada.get("/api/messages/list?clientId=42").is(200).text("messages.0.body"); whole != body {
		t.Errorf("%d bytes were stored", len(whole))
	}
}

func TestAPersonIsNeverHeardByWhoMayNotListen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.client("eve").listen()
	for _, channel := range []string{"private-client-42", "private-developer-inbox", "presence-client-42", "private-client-EVE"} {
		if status := eve.TrySubscribe(channel); status != 403 {
			t.Errorf("%s: %d", channel, status)
		}
	}
	for _, channel := range []string{"client-42", "developer-inbox"} {
		eve.Subscribe(channel) // public: nobody can forbid it, so nothing is ever said there
	}
	w.client("42").post("/api/messages/send", `{"body":"for the developers only"}`).is(201)
	w.client("eve").post("/api/messages/send", `{"body":"mine"}`).is(201)
	eve.Subscribe("private-client-eve")
	w.developer("ada").post("/api/messages/send", `{"clientId":"eve","body":"yours"}`).is(201)
	eve.Next("private-client-eve", "new-message")
	for _, channel := range []string{"client-42", "developer-inbox"} {
		for _, event := range eve.Events(channel) {
			if event.Name != "pusher:subscription_succeeded" {
				t.Errorf("Eve heard %s on %s", event.Data, channel)
			}
		}
	}
	for _, published := range w.heard.Published() {
		if published.Channel == "client-42" || published.Channel == "developer-inbox" {
			t.Errorf("an event went to the public channel %s", published.Channel)
		}
	}
}
