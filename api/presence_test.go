package handler_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev/pusherserver"
)

// newPresenceWorld is a deployment whose Pusher tells it by webhooks who is there.
func newPresenceWorld(t *testing.T) *world {
	t.Helper()
	port := freePort(t) // each of the two has to know the other's address
	w := newWorld(t, "CHAT_CHANNELS=presence", "PUSHER_HOST=127.0.0.1", "PUSHER_PORT="+port)
	var err error
	w.pusher, err = pusherserver.Start(pusherserver.Options{
		AppID: "1", Key: "test-key", Secret: "test-secret", Address: net.JoinHostPort("127.0.0.1", port),
		WebhookURL: w.url + "/api/pusher/webhook", WebhookHoldBack: 50 * time.Millisecond, WebhookBackoff: 50 * time.Millisecond,
		Recorder: w.heard, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pusher.Close)
	return w
}

const (
	ownPresence = "presence-client-42"
	inboxName   = "private-developer-inbox"
)

func TestAClientIsOnlineAsLongAsABrowserOfItsListens(t *testing.T) {
	t.Parallel()
	w := newPresenceWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("conversation.online", false, "conversation.version", 1, "conversation.channel", ownPresence)
	atAda, atOther := ada.listen(), w.developer("42").listen() // of the client's own id, and yet not the client
	atAda.Subscribe(inboxName)
	atAda.Subscribe(ownPresence)
	atOther.Subscribe(ownPresence)

	atGrace, atGraceToo := grace.listen(), grace.listen()
	atGrace.Subscribe(ownPresence)
	if heard := atAda.Next(inboxName, "conversation-updated"); lookup(t, heard, "online") != true || lookup(t, heard, "version") != 2.0 {
		t.Errorf("the inbox hears %s", heard)
	}
	ada.get("/api/messages/list?clientId=42").is(200).has("conversation.online", true, "conversation.version", 2)
	grace.get("/api/messages/list").is(200).has("conversation.online", true)
	ada.get("/api/conversations/list").is(200).has("conversations.0.online", true)

	// A second window comes and goes, a developer goes: she is still there.
	atGraceToo.Subscribe(ownPresence)
	atGraceToo.Disconnect()
	atOther.Disconnect()
	atAda.Next(ownPresence, "pusher:member_removed") // the developer
	atGrace.Disconnect()
	if heard := atAda.Next(inboxName, "conversation-updated"); lookup(t, heard, "online") != false || lookup(t, heard, "version") != 3.0 {
		t.Errorf("the inbox hears %s", heard)
	}
	ada.get("/api/messages/list?clientId=42").is(200).has("conversation.online", false, "conversation.version", 3, "conversation.lastSeq", 1)
	for _, event := range atAda.Events(ownPresence) { // there one sees it by oneself
		if event.Name == "conversation-updated" {
			t.Errorf("the conversation's channel hears %s", event.Data)
		}
	}

	atGrace.Connect()
	if heard := atAda.Next(inboxName, "conversation-updated"); lookup(t, heard, "online") != true || lookup(t, heard, "version") != 4.0 {
		t.Errorf("the inbox hears %s", heard)
	}
}

func TestWhoCameWhileTheDatabaseWasAwayIsOnlineWhenItIsBack(t *testing.T) {
	t.Parallel()
	w := newPresenceWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.sends("a")
	atAda, atGrace := ada.listen(), grace.listen()
	atAda.Subscribe(inboxName)
	w.postgres.Refuse(true)
	w.postgres.Cut()
	atGrace.Subscribe(ownPresence)
	for end := time.Now().Add(30 * time.Second); !strings.Contains(w.log.String(), "webhook not taken"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the webhook was taken, or has not come")
		}
	}
	w.postgres.Refuse(false)
	if heard := atAda.Next(inboxName, "conversation-updated"); lookup(t, heard, "online") != true || lookup(t, heard, "version") != 2.0 {
		t.Errorf("the inbox hears %s", heard)
	}
}

// hook is the body of a webhook of one moment.
func hook(at time.Time, events ...string) string {
	return fmt.Sprintf(`{"time_ms":%d,"events":[%s]}`, at.UnixMilli(), strings.Join(events, ","))
}

// member is an event of a webhook: member_added or member_removed.
func member(name, channel, user string) string {
	return fmt.Sprintf(`{"name":%q,"channel":%q,"user_id":%q}`, name, channel, user)
}

// came and went are what a webhook tells of the client 42.
var came, went = member("member_added", ownPresence, "c:42"), member("member_removed", ownPresence, "c:42")

// webhook posts a webhook as Pusher does.
func (w *world) webhook(body string) answer {
	w.t.Helper()
	_, mac, _ := strings.Cut(signature(body), ":")
	return w.nobody().with("X-Pusher-Key: test-key", "X-Pusher-Signature: "+mac).call(http.MethodPost, "/api/pusher/webhook", "application/json", body)
}

func TestAWebhookThatIsNotPushersOrNotOfNowChangesNothing(t *testing.T) { // T60
	t.Parallel()
	w := newWorld(t, "CHAT_CHANNELS=presence")
	w.client("42").sends("a")
	now := time.Now()
	body := hook(now, came)
	_, mac, _ := strings.Cut(signature(body), ":")
	other := hmac.New(sha256.New, []byte("another secret"))
	other.Write([]byte(body))
	before := w.everything()
	w.toPusher.Reset()

	const key = "X-Pusher-Key: test-key"
	for name, headers := range map[string][]string{
		"no headers":            nil,
		"no signature":          {key},
		"an empty signature":    {key, "X-Pusher-Signature: "},
		"no key":                {"X-Pusher-Signature: " + mac},
		"another key":           {"X-Pusher-Key: other-key", "X-Pusher-Signature: " + mac},
		"another secret's":      {key, "X-Pusher-Signature: " + hex.EncodeToString(other.Sum(nil))},
		"another body's":        {key, "X-Pusher-Signature: " + signature(body + " ")[len("test-key:"):]},
		"a cut signature":       {key, "X-Pusher-Signature: " + mac[:len(mac)-2]},
		"a longer signature":    {key, "X-Pusher-Signature: " + mac + "00"},
		"no hexadecimal":        {key, "X-Pusher-Signature: " + strings.Repeat("z", 64)},
		"with the key before":   {key, "X-Pusher-Signature: test-key:" + mac},
		"a developer's token":   {"Authorization: Bearer " + w.developer("ada").token},
		"the cron's own secret": {"Authorization: Bearer " + cronSecret},
	} {
		a := w.nobody().with(headers...).call(http.MethodPost, "/api/pusher/webhook", "application/json", body)
		if a.fails(401, "unauthorized"); a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %v", name, a.header)
		}
	}
	for name, body := range map[string]string{
		"stale":       hook(now.Add(-10*time.Minute-5*time.Second), came),
		"of long ago": hook(time.UnixMilli(0), came),
		"ahead":       hook(now.Add(5*time.Minute), came),
		"far ahead":   hook(now.AddDate(1000, 0, 0), came),
		"of no time":  `{"events":[` + came + `]}`,
	} {
		if a := w.webhook(body); a.status != 401 {
			t.Errorf("%s: %d: %s", name, a.status, a.body)
		}
	}
	w.webhook(hook(now, came)+strings.Repeat(" ", 128<<10)).fails(413, "payload_too_large")
	w.webhook(strings.Repeat("x", 1<<20)).fails(413, "payload_too_large")
	w.webhook("x").fails(400, "invalid_request")
	w.webhook(`{"time_ms":"now","events":[]}`).fails(400, "invalid_request")
	signed := w.nobody().with(key, "X-Pusher-Signature: "+mac)
	signed.call(http.MethodPost, "/api/pusher/webhook", "text/plain", body).fails(415, "unsupported_media_type")
	signed.call(http.MethodPost, "/api/pusher/webhook?x=1", "application/json", body).fails(400, "invalid_request", "x")
	signed.get("/api/pusher/webhook").fails(405, "method_not_allowed")

	if w.everything() != before || len(w.toPusher.Requests()) != 0 {
		t.Error("one of them was heard")
	}
	if log := w.log.String(); strings.Contains(log, mac) || strings.Contains(log, "c:42") {
		t.Error("the log holds what was refused")
	}
	// That it was refused for what it lacked, and for nothing else, the same one tells.
	w.webhook(body).is(200)
	if w.version("42") != 2 {
		t.Error("a good webhook was not heard")
	}
	for _, at := range []time.Time{now.Add(-9 * time.Minute), now.Add(50 * time.Second)} {
		if a := w.webhook(hook(at)).is(200); string(a.body) != "{}" {
			t.Errorf("%s", a.body)
		}
	}
}

func TestOfTwoNewsOfAClientTheLaterHolds(t *testing.T) { // T60
	t.Parallel()
	w := newWorld(t, "CHAT_CHANNELS=presence")
	ada := w.developer("ada")
	for _, id := range []string{"42", "43"} {
		w.client(id).sends("a")
	}
	at := time.Now().Add(-time.Minute)
	w.toPusher.Reset()
	requests := 0
	for _, c := range []struct {
		name    string
		body    string
		online  bool
		version int
		news    bool
	}{
		{"she came", hook(at, came), true, 2, true},
		{"the same again", hook(at, came), true, 2, false},
		{"she went, at the same moment", hook(at, went), true, 2, false},
		{"she went, before", hook(at.Add(-time.Second), went), true, 2, false},
		{"she came, later", hook(at.Add(2*time.Second), came), true, 2, false},
		{"she went, between the two", hook(at.Add(time.Second), went), true, 2, false},
		{"a developer went", hook(at.Add(3*time.Second), member("member_removed", ownPresence, "d:42")), true, 2, false},
		{"another client went from there", hook(at.Add(3*time.Second), member("member_removed", ownPresence, "c:43")), true, 2, false},
		{"her channel was left", hook(at.Add(3*time.Second), `{"name":"channel_vacated","channel":"presence-client-42"}`), true, 2, false},
		{"she typed", hook(at.Add(3*time.Second), `{"name":"client_event","channel":"presence-client-42","event":"client-typing","data":"{}","socket_id":"1.2","user_id":"c:42"}`), true, 2, false},
		{"she went", hook(at.Add(4*time.Second), went), false, 3, true},
		{"she came, repeated", hook(at, came), false, 3, false},
		{"she came and went", hook(at.Add(5*time.Second), came, went), false, 3, false},
		{"she went and came", hook(at.Add(6*time.Second), went, came), true, 4, true},
	} {
		w.webhook(c.body).is(200)
		ada.get("/api/messages/list?clientId=42").is(200).has("conversation.online", c.online, "conversation.version", c.version)
		if c.news {
			requests++
		}
		if n := len(w.toPusher.Requests()); n != requests {
			t.Errorf("%s: %d requests to Pusher, want %d", c.name, n, requests)
		}
	}
	ada.get("/api/messages/list?clientId=43").is(200).has("conversation.online", false, "conversation.version", 1)

	// A webhook may tell of several, also of some that nobody knows.
	w.webhook(hook(at.Add(7*time.Second), member("member_added", "presence-client-nobody", "c:nobody"), member("member_added", "presence-client-43", "c:43"), went)).is(200)
	if n := len(w.toPusher.Requests()); n != requests+1 {
		t.Errorf("%d requests to Pusher for one webhook", n-requests)
	}
	ada.get("/api/conversations/list").is(200).has("conversations.0.online", true, "conversations.1.online", false)
	if n := w.count("select count(*) from chat.outbox"); n != 0 {
		t.Errorf("%d events are left over", n)
	}
}

func TestAClientWhoCameBeforeItsFirstMessageIsOnlineWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_CHANNELS=presence")
	w.webhook(hook(time.Now(), came, member("member_added", "presence-client-43", "c:43"))).is(200)
	w.webhook(hook(time.Now().Add(time.Second), member("member_removed", "presence-client-43", "c:43"))).is(200)
	w.client("42").post("/api/messages/send", `{"body":"a"}`).is(201).has("conversation.online", true, "conversation.version", 1)
	w.client("43").post("/api/messages/send", `{"body":"a"}`).is(201).has("conversation.online", false)
	if n := w.count("select count(*) from chat.presence"); n != 0 {
		t.Errorf("%d are kept twice", n)
	}
}

func TestAClientOfWhomNothingIsHeardForTwelveHoursIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_CHANNELS=presence")
	ada := w.developer("ada")
	w.client("42").sends("a")
	w.webhook(hook(time.Now().Add(-time.Minute), came)).is(200)
	w.sql("update chat.conversation set online_at = clock_timestamp() - interval '11 hours 59 minutes'")
	ada.get("/api/messages/list?clientId=42").is(200).has("conversation.online", true)
	w.sql("update chat.conversation set online_at = clock_timestamp() - interval '12 hours 1 second'")
	ada.get("/api/messages/list?clientId=42").is(200).has("conversation.online", false)
	ada.get("/api/conversations/list").is(200).has("conversations.0.online", false)
	w.webhook(hook(time.Now(), came)).is(200)
	ada.get("/api/messages/list?clientId=42").is(200).has("conversation.online", true, "conversation.version", 3)
}

func TestNobodyIsOnlineOrNotWherePresenceIsNotKept(t *testing.T) {
	t.Parallel()
	for mode, channel := range map[string]string{"private": "private-client-42", "public": "client-42"} {
		w := newWorld(t, "CHAT_CHANNELS="+mode)
		grace, ada := w.client("42"), w.developer("ada")
		id := grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("conversation.online", nil).text("message.id")
		before := w.everything()
		w.toPusher.Reset()
		for _, name := range []string{channel, ownPresence} {
			w.webhook(hook(time.Now(), member("member_added", name, "c:42"), `{"name":"channel_occupied","channel":"`+name+`"}`)).is(200)
		}
		if w.everything() != before || len(w.toPusher.Requests()) != 0 {
			t.Errorf("%s: the webhook was heard", mode)
		}
		w.sql("update chat.conversation set online = true, online_at = clock_timestamp()") // as it may be after a change of mode
		for name, a := range map[string]answer{
			"list":   grace.get("/api/messages/list"),
			"read":   ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`),
			"edit":   grace.patch("/api/messages/edit", `{"messageId":%s,"body":"b"}`, id),
			"update": ada.update(`{"clientId":"42","status":"closed"}`),
		} {
			if a.is(200); a.value("conversation.online") != nil {
				t.Errorf("%s: %s tells %v", mode, name, a.value("conversation.online"))
			}
		}
		ada.get("/api/conversations/list?status=all").is(200).has("conversations.0.online", nil)
		for _, event := range w.heard.Published() {
			if strings.Contains(event.Data, `"online":true`) || strings.Contains(event.Data, `"online":false`) {
				t.Errorf("%s: %s", mode, event.Data)
			}
		}
	}
}

func TestWithoutPusherNoWebhookIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_CHANNELS=presence", "PUSHER_SECRET=")
	w.client("42").sends("a")
	before := w.everything()
	body := hook(time.Now(), came)
	mac := hmac.New(sha256.New, nil) // what anybody could sign with
	mac.Write([]byte(body))
	w.nobody().with("X-Pusher-Key: test-key", "X-Pusher-Signature: "+hex.EncodeToString(mac.Sum(nil))).post("/api/pusher/webhook", "%s", rawJSON(body)).fails(503, "unavailable")
	w.webhook(body).fails(503, "unavailable")
	if w.everything() != before {
		t.Error("it was heard")
	}
}
