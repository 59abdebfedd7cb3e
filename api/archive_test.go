package handler_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/internal/archive"
	"devinbox/internal/testing/pusherjs"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
)

// exports is what the command export writes about a client.
func (w *world) exports(clientID string) []byte {
	w.t.Helper()
	var out bytes.Buffer
	if err := archive.Export(w.t.Context(), w.database, clientID, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes()
}

// imports is what the command import does with a file.
func (w *world) imports(text []byte) archive.Imported {
	w.t.Helper()
	done, err := w.triesToImport(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

func (w *world) triesToImport(text []byte) (archive.Imported, error) {
	w.t.Helper()
	name := filepath.Join(w.t.TempDir(), "file")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	return archive.Import(w.t.Context(), w.database, file, archive.Options{Fits: func(string) bool { return true }})
}

// erases is what the command erase does, without --all and without clearing the storage.
func (w *world) erases(clientID string) archive.Erased {
	w.t.Helper()
	done, err := archive.Erase(w.t.Context(), w.database, clientID)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// moment is what an answer says of the moment in which it was given.
var moment = regexp.MustCompile(`"syncToken":"[^"]*"|"online":(true|false)`)

// answers are what a function says to somebody, each under its request, for every query.
func (p person) answers(into map[string]string, path string, queries ...string) {
	p.t.Helper()
	for _, query := range queries {
		into[path+query] = string(moment.ReplaceAll(p.get(path+query).is(200).body, []byte(`"moment":null`)))
	}
}

// conversation is what both sides are told of a client's conversation.
func (w *world) conversation(clientID string) map[string]string {
	w.t.Helper()
	queries := []string{"", "&limit=3", "&before=4&limit=2", "&after=2&limit=2", "&after=0&limit=100", "&changedSince=0&limit=100", "&changedSince=6"}
	told := map[string]string{}
	w.client(clientID).answers(told, "/api/messages/list?limit=50", "")
	w.developer("ada").answers(told, "/api/messages/list?clientId="+url.QueryEscape(clientID), queries...)
	return told
}

// inbox is what developers are told of all conversations.
func (w *world) inbox() map[string]string {
	w.t.Helper()
	told := map[string]string{}
	w.developer("ada").answers(told, "/api/conversations/list", "", "?status=all", "?status=closed", "?unread=true&status=all", "?assigneeId=ada&status=all",
		"?q=grace&status=all", "?q="+url.QueryEscape("@example"), "?q=client&status=all")
	return told
}

func (w *world) same(before, after map[string]string) {
	w.t.Helper()
	for request, answer := range before {
		if after[request] != answer {
			w.t.Errorf("%s\nanswers %s\nand was  %s", request, after[request], answer)
		}
	}
}

// talk makes a conversation with everything in it that can be.
func (w *world) talk(clientID string) {
	w.t.Helper()
	grace, ada, bob := w.client(clientID), w.developer("ada"), w.developer("bob")
	first := grace.post("/api/messages/send", `{"body":%s,"clientMessageId":"first"}`, "  Hello\u00a0\"there\" \\ <b>&\u2028 \U0001f469\u200d\U0001f680 e\u0301\n\tcode").is(201).text("message.id")
	ada.post("/api/messages/send", `{"clientId":%s,"body":"Hi","clientMessageId":"first"}`, clientID).is(201)
	secret := grace.sends("a slip of the tongue")
	grace.sends(strings.Repeat("long ", 1600))
	bob.sends("from somebody else", clientID)
	ada.post("/api/messages/read", `{"clientId":%s,"upToSeq":4}`, clientID).is(200)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"Hello, edited"}`, first).is(200)
	grace.remove("/api/messages/edit", `{"messageId":%s}`, secret).is(200)
	grace.post("/api/messages/read", `{"upToSeq":2}`).is(200)
	ada.post("/api/conversations/update", `{"clientId":%s,"assigneeId":"ada","clientName":"Grace H."}`, clientID).is(200)
	w.sql("update chat.conversation set client_email = 'grace@example.com' where client_id = $1", clientID)
	grace.sends("the last one")
}

func TestWhatWasExportedIsTheSameConversationAfterItsImport(t *testing.T) {
	t.Parallel()
	old := newWorld(t)
	old.talk("42")
	old.talk("grace@example.com/x")
	old.developer("ada").post("/api/conversations/update", `{"clientId":"42","status":"closed"}`).is(200)
	text := slices.Concat(old.exports("42"), old.exports("grace@example.com/x"))

	fresh := newWorld(t)
	before := fresh.developer("ada").get("/api/conversations/list").text("syncToken")
	if done := fresh.imports(text); done != (archive.Imported{Conversations: 2, Messages: 12}) {
		t.Errorf("%+v", done)
	}
	for _, clientID := range []string{"42", "grace@example.com/x"} {
		fresh.same(old.conversation(clientID), fresh.conversation(clientID))
	}
	fresh.same(old.inbox(), fresh.inbox())
	caughtUp := fresh.developer("ada").get("/api/conversations/list?since=" + before).is(200)
	if got := len(caughtUp.value("conversations").([]any)); got != 2 {
		t.Errorf("who catches up sees %d of 2 conversations", got)
	}
	if n := fresh.count("select count(*) from chat.outbox"); n != 0 || len(fresh.heard.Published()) != 0 {
		t.Errorf("%d events wait, %d were announced", n, len(fresh.heard.Published()))
	}

	// A second time it changes nothing, also when the conversation goes on meanwhile.
	fresh.client("42").post("/api/messages/send", `{"body":%s,"clientMessageId":"first"}`, "  Hello\u00a0\"there\" \\ <b>&\u2028 \U0001f469\u200d\U0001f680 e\u0301\n\tcode").is(200).has("message.seq", 1, "message.body", "Hello, edited")
	fresh.client("42").post("/api/messages/send", `{"body":"other","clientMessageId":"first"}`).fails(409, "conflict")
	fresh.client("42").post("/api/messages/send", `{"body":"and on"}`).is(201).has("message.seq", 7, "message.version", 13, "conversation.unread.developer", 2)
	again := fresh.conversation("42")
	if done := fresh.imports(text); done != (archive.Imported{Kept: 2}) {
		t.Errorf("%+v", done)
	}
	fresh.same(again, fresh.conversation("42"))
	of := func(text []byte) string {
		return regexp.MustCompile(`"exportedAt":"[^"]*"`).ReplaceAllString(string(text), "")
	}
	if was, is := of(old.exports("grace@example.com/x")), of(fresh.exports("grace@example.com/x")); was != is {
		t.Errorf("exported again it is\n%s\nand was\n%s", is, was)
	}
}

// line is what another chat may have written of a message.
type line map[string]any

func lines(of ...line) []byte {
	var text bytes.Buffer
	for _, l := range of {
		json.NewEncoder(&text).Encode(l)
	}
	return text.Bytes()
}

// comparable are answers without what lines do not say: the ids of messages, and how often and when the conversation was
// changed beside them.
func comparable(t *testing.T, answers map[string]string) map[string]string {
	t.Helper()
	var strip func(any)
	strip = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				strip(element)
			}
		case map[string]any:
			if value["channel"] != nil {
				for _, name := range []string{"version", "createdAt", "updatedAt", "lastSeenAt"} {
					delete(value, name)
				}
			} else if value["sender"] != nil {
				delete(value, "id")
			}
			for _, member := range value {
				strip(member)
			}
		}
	}
	for request, answer := range answers {
		var value any
		if err := json.Unmarshal([]byte(answer), &value); err != nil {
			t.Fatal(err)
		}
		strip(value)
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		answers[request] = string(text)
	}
	return answers
}

// Whatever was sent to a deployment is written as simple lines, and these are imported into another one.
func TestSimpleLinesAreAsIfTheyHadBeenSent(t *testing.T) {
	t.Parallel()
	old, fresh := newWorld(t), newWorld(t)
	grace, ada := old.client("42"), old.developer("ada")
	var written []line
	send := func(p person, role, id, name, body string, readAt any) {
		t.Helper()
		sent := p.post("/api/messages/send", `{"clientId":"42","body":%s,"clientMessageId":%s}`, body, fmt.Sprint("key ", len(written))).is(201)
		written = append(written, line{
			"clientId": "42", "senderRole": role, "senderId": id, "senderName": name, "body": body, "clientMessageId": fmt.Sprint("key ", len(written)),
			"createdAt": sent.text("message.createdAt"), "readAt": readAt,
		})
	}
	send(grace, "client", "42", "Client 42", " \r\n  Hello\r\n there ", nil)
	send(grace, "client", "42", "Client 42", "Anybody?", time.Now())
	send(ada, "developer", "ada", "Developer ada", "Yes", time.Now())
	send(ada, "developer", "ada", "Developer ada", strings.Repeat("and more ", 40), nil)
	send(grace, "client", "42", "Client 42", "Thanks", nil)
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`).is(200)
	grace.post("/api/messages/read", `{"upToSeq":3}`).is(200)

	if done := fresh.imports(lines(written...)); done != (archive.Imported{Conversations: 1, Messages: 5}) {
		t.Errorf("%+v", done)
	}
	fresh.same(comparable(t, old.conversation("42")), comparable(t, fresh.conversation("42")))
	fresh.same(comparable(t, old.inbox()), comparable(t, fresh.inbox()))
	if done := fresh.imports(lines(written...)); done != (archive.Imported{Kept: 1}) {
		t.Errorf("%+v", done)
	}
	fresh.client("42").post("/api/messages/send", `{"body":"Anybody?","clientMessageId":"key 1"}`).is(200).has("message.seq", 2)
	fresh.client("42").post("/api/messages/send", `{"body":"On"}`).is(201).has("message.seq", 6, "conversation.unread.developer", 2, "conversation.unread.client", 1)
}

// canary stands in every text of the client that is to be erased.
const canary = "canary"

// dump is all that pg_dump writes of the database.
func (w *world) dump() string {
	w.t.Helper()
	return testdb.Dump(w.t, w.database)
}

func TestWhatIsErasedIsGoneFromADumpAndKeepsItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.token = signed(t, chat.Identity{ID: "42", Role: chat.Client, Name: "Grace " + canary})
	var ids []string
	for i := range 4 {
		ids = append(ids, grace.post("/api/messages/send", `{"body":%s,"clientMessageId":%s}`, fmt.Sprint(canary, i), fmt.Sprint("key", i)).is(201).text("message.id"))
	}
	ada.remove("/api/messages/edit", `{"clientId":"42","messageId":%s}`, ada.sends("deleted "+canary, "42")).is(200) // only its digest is left
	ada.sends("as you said, "+canary, "42")
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":"another canary"}`, ids[0]).is(200)
	grace.remove("/api/messages/edit", `{"messageId":%s}`, ids[1]).is(200)
	w.toPusher.Answer(500, "oops")
	grace.post("/api/messages/read", `{"upToSeq":6}`).is(200) // an event that waits, with the reader's name
	w.toPusher.Decide(nil)
	w.sql("update chat.conversation set client_email = 'canary@example.com', assignee_id = 'ada' where client_id = '42'")
	w.client("43").sends("somebody else's")
	w.sql("insert into chat.presence values ('42', true, now()), ('44', true, now())")
	w.sql("insert into chat.guest_rate (address_digest, last_at) values ('old', now() - interval '2 minutes'), ('new', now())")
	digests := []string{fmt.Sprintf("%x", sha256.Sum256([]byte(canary+"1"))), fmt.Sprintf("%x", sha256.Sum256([]byte("deleted "+canary)))}
	if before := w.dump(); strings.Count(before, canary) < 8 || !strings.Contains(before, digests[0]) || !strings.Contains(before, digests[1]) {
		t.Fatal("the canaries are not where they are looked for")
	}
	version, token := w.version("42"), ada.get("/api/conversations/list").text("syncToken")
	others := w.conversation("43")

	if done := w.erases("42"); done.Messages != 6 || !done.Changed {
		t.Errorf("%+v", done)
	}
	after := w.dump()
	for _, gone := range []string{canary, "Grace", digests[0], digests[1]} {
		if strings.Contains(after, gone) {
			t.Errorf("a dump still has %q", gone)
		}
	}
	if w.count("select count(*) from chat.presence") != 1 || w.count("select count(*) from chat.guest_rate") != 1 {
		t.Error("of presence or of guests too much is left, or too little")
	}
	for i := range 6 {
		ada.get("/api/messages/list?clientId=42").is(200).has(
			fmt.Sprintf("messages.%d.seq", i), i+1, fmt.Sprintf("messages.%d.body", i), "", "conversation.lastSeq", 6,
			"conversation.clientName", nil, "conversation.clientEmail", nil, "conversation.lastMessage.preview", "", "conversation.assigneeId", "ada",
		)
		if ada.get("/api/messages/list?clientId=42").text(fmt.Sprintf("messages.%d.deletedAt", i)) == "" {
			t.Errorf("message %d is not deleted", i+1)
		}
	}
	for q, found := range map[string]int{"canary": 0, "grace": 0} {
		if got := len(ada.get("/api/conversations/list?status=all&q=" + q).value("conversations").([]any)); got != found {
			t.Errorf("a search for %s finds %d", q, got)
		}
	}
	w.same(others, w.conversation("43"))

	// Who was away catches up. The message that was deleted before is no other than it was.
	changed := ada.get(fmt.Sprint("/api/messages/list?clientId=42&limit=100&changedSince=", version)).is(200)
	if got := len(changed.value("messages").([]any)); got != 5 {
		t.Errorf("%d of 5 messages are caught up with", got)
	}
	ada.get("/api/conversations/list?since="+token).is(200).has("conversations.0.clientId", "42", "conversations.0.clientName", nil)

	// The key alone decides, whatever the body is.
	again := grace.with()
	again.token = signed(t, chat.Identity{ID: "42", Role: chat.Client})
	for i, id := range ids {
		again.post("/api/messages/send", `{"body":"anything","clientMessageId":%s}`, fmt.Sprint("key", i)).is(200).has("message.id", id, "message.body", "")
	}
	again.post("/api/messages/send", `{"body":"new"}`).is(201).has("message.seq", 7)

	w.sql("delete from chat.message where seq = 7")
	w.sql("update chat.conversation set last_seq = 6, last_seen_at = null, last_preview = '', client_total = 4 where client_id = '42'")
	version = w.version("42")
	if done := w.erases("42"); done.Changed || w.version("42") != version {
		t.Errorf("a second time it changes something: %+v", done)
	}
}

func TestOpenPagesAreToldOfAnErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.client("42").sends("one")
	w.developer("ada").sends("two", "42")
	atGrace, atAda := w.client("42").listen(), w.developer("ada").listen()
	atGrace.Subscribe("private-client-42")
	atAda.Subscribe("private-developer-inbox")
	w.erases("42")
	w.nobody().with("Authorization: Bearer "+cronSecret).get("/api/cron/deliver").is(200).has("delivered", 4, "pending", 0)
	for seq := 1; seq <= 2; seq++ {
		data := atGrace.Next("private-client-42", "message-updated")
		if lookup(t, data, "body") != "" || lookup(t, data, "deletedAt") == nil {
			t.Errorf("told of %s", data)
		}
	}
	for _, at := range []struct {
		page    *pusherjs.Client
		channel string
	}{{atGrace, "private-client-42"}, {atAda, "private-developer-inbox"}} {
		if data := at.page.Next(at.channel, "conversation-updated"); lookup(t, data, "clientName") != nil || lookup(t, data, "lastMessage.preview") != "" {
			t.Errorf("told of %s", data)
		}
	}
}

func TestAConversationThatIsRemovedLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.talk("canary-42")
	w.talk("43")
	others := w.conversation("43")
	w.erases("canary-42")
	if err := archive.Remove(t.Context(), w.database, "canary-42"); err != nil {
		t.Fatal(err)
	}
	if dump := w.dump(); strings.Contains(dump, canary) {
		t.Error("a dump still has the id")
	}
	w.same(others, w.conversation("43"))
	w.developer("ada").get("/api/messages/list?clientId=canary-42").fails(404, "not_found")
	w.client("canary-42").get("/api/messages/list").is(200).has("conversation", nil)
	if err := archive.Remove(t.Context(), w.database, "canary-42"); err != archive.ErrNothing {
		t.Error(err)
	}
	w.client("canary-42").post("/api/messages/send", `{"body":"back"}`).is(201).has("message.seq", 1)
}

func TestAReceiverOfWebhooksHearsOfAnErasureAndOfNoImport(t *testing.T) {
	t.Parallel()
	w := newHooked(t, "CHAT_UNREAD_AFTER=1s")
	w.cron().is(200) // it has begun
	now := time.Now().Add(-time.Minute).Format(time.RFC3339)
	w.imports(lines(
		line{"clientId": "42", "senderRole": "client", "body": "canary", "createdAt": now},
		line{"clientId": "42", "senderRole": "developer", "senderId": "ada", "body": "canary", "createdAt": now},
	))
	w.cron().is(200).has("delivered", 0, "pending", 0)
	w.erases("42")
	w.cron().is(200).has("failed", 0, "pending", 0)
	types := map[string]int{}
	for _, hook := range w.receiver.Received() {
		types[hook.Type]++
		if strings.Contains(string(hook.Body), canary) {
			t.Errorf("told: %s", hook.Body)
		}
	}
	if len(types) != 2 || types["message.updated"] != 2 || types["conversation.updated"] != 1 {
		t.Errorf("told %v", types)
	}
}
