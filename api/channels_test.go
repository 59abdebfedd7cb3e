package handler_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

// signature is what Pusher expects of whoever holds the secret.
func signature(text string) string {
	mac := hmac.New(sha256.New, []byte("test-secret"))
	mac.Write([]byte(text))
	return "test-key:" + hex.EncodeToString(mac.Sum(nil))
}

func (p person) authorize(socket, channel string) answer {
	p.t.Helper()
	return p.form("/api/pusher/auth", url.Values{"socket_id": {socket}, "channel_name": {channel}}.Encode())
}

func TestAChannelIsAuthorisedForWhoMayListenThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.authorize("1.2", "private-client-42").is(200).has("auth", signature("1.2:private-client-42"))
	ada.authorize("1.2", "private-client-42").is(200).has("auth", signature("1.2:private-client-42"))
	ada.authorize("1.2", "private-developer-inbox").is(200).has("auth", signature("1.2:private-developer-inbox"))
	ada.authorize("1.2", "private-client-nobody-yet").is(200)
	grace.post("/api/pusher/auth", `{"socket_id":"1.2","channel_name":"private-client-42"}`).is(200).has("auth", signature("1.2:private-client-42"))

	presence := newWorld(t, "CHAT_CHANNELS=presence")
	a := presence.client("42").authorize("1.2", "presence-client-42").is(200)
	data := a.text("channel_data")
	if a.text("auth") != signature("1.2:presence-client-42:"+data) || lookup(t, []byte(data), "user_id") != "c:42" || strings.Contains(data, "@") {
		t.Errorf("%s", a.body)
	}
	a = presence.developer("42").authorize("1.2", "presence-client-42").is(200)
	if lookup(t, []byte(a.text("channel_data")), "user_id") != "d:42" {
		t.Errorf("%s", a.body)
	}
}

func TestWithoutAChannelTheUserSignsInUnderItsOwnId(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user, who := range map[string]person{"c:42": w.client("42"), "d:42": w.developer("42")} {
		a := who.form("/api/pusher/auth", "socket_id=1.2").is(200)
		data := a.text("user_data")
		if a.text("auth") != signature("1.2::user::"+data) || lookup(t, []byte(data), "id") != user {
			t.Errorf("%s: %s", user, a.body)
		}
	}
}

// The next three are about what an attacker would ask to be signed. The numbers are those of docs/security.md.

func TestNothingButTheTwoFormsOfAChannelIsEverSigned(t *testing.T) { // T10, T11, T17
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	long := strings.Repeat("a", 200)
	for _, channel := range []string{
		"private-client-43", "private-developer-inbox", "presence-client-42", "presence-developer-inbox", "client-42", "developer-inbox",
		"private-client-", "private-client-42 ", " private-client-42", "private-client-42\n", "private-client-42\x00", "PRIVATE-client-42", "private-Client-42",
		"private-client-=34=32", "private-client-4=32", "private-client-42=", "private-client-42=0", "private-encrypted-client-42", "private-cache-client-42",
		`:user::{"id":"d:ada"}`, `private-client-42:{"user_id":"d:ada"}`, `presence-developer-inbox:{"user_id":"d:ada"}`,
		"#server-to-user-d:ada", "#server-to-user-c:42", "private-client-42:x", "private-client-42,private-client-43", "private-client-" + long, long, "*", "private-client-*",
	} {
		grace.authorize("1.2", channel).fails(403, "forbidden")
	}
	for _, channel := range []string{
		"presence-client-42", "presence-developer-inbox", "client-42", "developer-inbox", "private-developer-inbox2", "private-developer-Inbox", "private-client-",
		`:user::{"id":"d:ada"}`, `private-developer-inbox:{"user_id":"d:eve"}`, "#server-to-user-d:ada", "private-client-" + long, "private-client-a:b", "private-client-=61", "private-client-=0A",
	} {
		ada.authorize("1.2", channel).fails(403, "forbidden")
	}
}

func TestTheAnswerDoesNotTellWhetherAConversationExists(t *testing.T) { // T10, T16
	t.Parallel()
	w := newWorld(t)
	w.client("there").post("/api/messages/send", `{"body":"a"}`).is(201)
	eve := w.client("eve")
	for _, ask := range []func(id string) answer{
		func(id string) answer { return eve.authorize("1.2", "private-client-"+id) },
		func(id string) answer { return eve.get("/api/messages/list?clientId=" + id) },
		func(id string) answer { return eve.post("/api/messages/send", `{"clientId":%s,"body":"a"}`, id) },
		func(id string) answer { return eve.post("/api/messages/read", `{"clientId":%s,"upToSeq":1}`, id) },
	} {
		there, nowhere := ask("there"), ask("nowhere")
		if there.status != 403 || nowhere.status != 403 || there.text("detail") != nowhere.text("detail") || len(there.body) != len(nowhere.body) {
			t.Errorf("%s\n%s", there.body, nowhere.body)
		}
	}
}

func TestParametersThatAreDoubledMalformedOrUnknownAreRefused(t *testing.T) { // T18
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	for form, field := range map[string]string{
		"socket_id=1.2&channel_name=private-client-42&channel_name=private-client-43": "channel_name",
		"channel_name=private-client-43&socket_id=1.2&channel_name=private-client-42": "channel_name",
		"socket_id=1.2&socket_id=1.3&channel_name=private-client-42":                  "socket_id",
		"socket_id=1.2&channel%5fname=private-client-42&channel_name=a":               "channel_name",
		"socket_id=1.2&channel_name=":                                                 "channel_name",
		"socket_id=&channel_name=private-client-42":                                   "socket_id",
		"channel_name=private-client-42":                                              "socket_id",
		"":                                                                            "socket_id",
		"socket_id=1&channel_name=private-client-42":                                  "socket_id",
		"socket_id=1.2.3&channel_name=private-client-42":                              "socket_id",
		"socket_id=1.2%0a&channel_name=private-client-42":                             "socket_id",
		"socket_id=1.2:private-client-43&channel_name=private-client-42":              "socket_id",
		"socket_id=a.b":           "socket_id",
		"socket_id=1.2&user_id=x": "user_id",
		"socket_id=1.2&channel_name=private-client-42&callback=x": "callback",
		"socket_id=1.2&channel_name[0]=private-client-42":         "channel_name[0]",
	} {
		grace.form("/api/pusher/auth", form).fails(400, "invalid_request", field)
	}
	grace.call("POST", "/api/pusher/auth", "text/plain", "socket_id=1.2").fails(415, "unsupported_media_type")
	grace.form("/api/pusher/auth?channel_name=private-client-42", "socket_id=1.2").fails(400, "invalid_request", "channel_name")
	w.nobody().authorize("1.2", "private-client-42").fails(401, "unauthorized")
	w.nobody().authorize("1.2", "client-42").fails(401, "unauthorized")
}
