package handler_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/internal/serve"
)

// promptly is what a caller waits for at most when something that we depend on does not answer: 2.5 s by the
// promise, 2.3 s by the code, and here as much more as a busy machine may add.
const promptly = 5 * time.Second

// timed tells how long a call took.
func timed(call func() answer) (answer, time.Duration) {
	begun := time.Now()
	a := call()
	return a, time.Since(begun)
}

func TestWithoutPusherMessagesAreSavedAndServed(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"missing":         {"PUSHER_APP_ID=", "PUSHER_SECRET=", "NEXT_PUBLIC_PUSHER_KEY=", "NEXT_PUBLIC_PUSHER_CLUSTER=", "PUSHER_HOST=", "PUSHER_PORT=", "PUSHER_USE_TLS="},
		"half of it":      {"PUSHER_SECRET="},
		"malformed":       {"PUSHER_APP_ID=a/b"},
		"a host with url": {"PUSHER_HOST=http://localhost:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings...)
			grace, ada := w.client("42"), w.developer("ada")
			grace.post("/api/messages/send", `{"body":"Hello"}`).is(201).has("realtime", "disabled")
			ada.get("/api/messages/list?clientId=42").is(200).has("messages.0.body", "Hello")
			ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`).is(200)
			grace.get("/api/session").is(200).has("realtime.enabled", false, "realtime.key", "")
			grace.authorize("1.2", "private-client-42").fails(503, "unavailable")
			w.nobody().get("/api/health").is(200).has("status", "degraded", "database.ok", true, "realtime.enabled", false, "queue.pending", 0)
			if n := w.count("select count(*) from chat.outbox"); n != 0 {
				t.Errorf("%d events were queued that nobody will ever take", n)
			}
			if n := strings.Count(w.log.String(), "realtime is disabled"); n == 0 || n > len(serve.Functions) { // once in each process
				t.Errorf("the log says so %d times", n)
			}
		})
	}
}

func TestWhilePusherIsDownMessagesAreSavedAndLaterEverythingArrivesOnce(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]struct{ down, up func(w *world) }{
		"refusing":                 {func(w *world) { w.toPusher.Refuse(true); w.toPusher.Cut() }, func(w *world) { w.toPusher.Refuse(false) }},
		"hanging":                  {func(w *world) { w.toPusher.Hang(true) }, func(w *world) { w.toPusher.Cut(); w.toPusher.Hang(false) }},
		"failing":                  {func(w *world) { w.toPusher.Answer(500, "oops") }, func(w *world) { w.toPusher.Decide(nil) }},
		"taking without an answer": {func(w *world) { w.toPusher.LoseAnswer(1 << 20) }, func(w *world) { w.toPusher.LoseAnswer(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			grace, ada := w.client("42"), w.developer("ada")
			atAda := ada.listen()
			atAda.Subscribe("private-client-42")
			fail.down(w)
			var want []string
			for i := range 3 {
				body := fmt.Sprint("message ", i)
				want = append(want, body)
				a, took := timed(func() answer { return grace.post("/api/messages/send", `{"body":%s,"clientMessageId":%s}`, body, body) })
				a.is(201).has("realtime", "queued")
				if took > promptly {
					t.Errorf("a send took %v", took)
				}
			}
			w.nobody().get("/api/health").is(200).has("queue.pending", 6)
			fail.up(w)

			// The same key posted again leaves its events to the call that may still deliver them. Once their leases have
			// ended it delivers them itself; the rest goes out with the next request.
			grace.post("/api/messages/send", `{"body":"message 0","clientMessageId":"message 0"}`).is(200).has("realtime", "queued")
			w.sql("update chat.outbox set due_at = clock_timestamp()")
			grace.post("/api/messages/send", `{"body":"message 0","clientMessageId":"message 0"}`).is(200).has("realtime", "delivered")
			w.sql("update chat.outbox set due_at = clock_timestamp()")
			want = append(want, "the next one")
			grace.post("/api/messages/send", `{"body":"the next one"}`).is(201).has("realtime", "delivered")
			sees := newReceiver(t)
			for len(sees.bySeq) < len(want) {
				sees.apply(atAda.Next("private-client-42", "new-message"))
			}
			sees.shows(want...)
			if n := w.count("select count(*) from chat.outbox"); n != 0 {
				t.Errorf("%d events are left over", n)
			}
		})
	}
}

func TestWhilePusherRefusesTheAppItIsNotAskedWithEverySend(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			grace := w.client("42")
			w.toPusher.Answer(status, "over quota")
			for range 5 {
				grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("realtime", "queued")
			}
			if n := len(w.toPusher.Requests()); n != 1 {
				t.Errorf("Pusher was asked %d times", n)
			}
			if n := strings.Count(w.log.String(), "Pusher refuses this app"); n != 1 {
				t.Errorf("the log says so %d times", n)
			}
		})
	}
}

func TestAnEventThatPusherRefusesDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ status, parked int }{
		"for its size":          {http.StatusRequestEntityTooLarge, 2},
		"perhaps not by Pusher": {http.StatusBadRequest, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			grace, ada := w.client("42"), w.developer("ada")
			atAda := ada.listen()
			atAda.Subscribe("private-client-42")
			w.toPusher.Decide(func(_ *http.Request, body []byte) (int, string, bool) {
				return test.status, "no", !strings.Contains(string(body), "developer-inbox")
			})
			grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("realtime", "queued")
			atAda.Next("private-client-42", "new-message")
			w.toPusher.Reset()
			grace.post("/api/messages/send", `{"body":"b"}`).is(201).has("realtime", "queued")
			atAda.Next("private-client-42", "new-message")
			if n := w.count("select count(*) from chat.outbox where refused"); n != test.parked {
				t.Errorf("%d events are parked, want %d", n, test.parked)
			}
			if n := w.count("select count(*) from chat.outbox"); n != 2 {
				t.Errorf("%d events wait or are parked, want the two for the inbox", n)
			}
			if n := len(w.toPusher.Requests()); n != 3 { // the batch, then each of its two events
				t.Errorf("%d requests to Pusher", n)
			}
		})
	}
}

// A proxy that answers in Pusher's place, a sign-in page, plain http on a port for TLS.
func TestWhatOnlySeemsToBePusherDeliversAndParksNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"a page":                 {200, "<html>Sign in to this network</html>"},
		"nothing":                {200, ""},
		"everything is refused":  {400, "<html>The plain HTTP request was sent to HTTPS port</html>"},
		"a proxy without a peer": {502, "<html>Bad Gateway</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			grace, ada := w.client("42"), w.developer("ada")
			w.toPusher.Answer(answer.status, answer.body)
			for range 6 {
				grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("realtime", "queued")
			}
			if n := w.count("select count(*) from chat.outbox where refused"); n != 0 {
				t.Errorf("%d events are parked", n)
			}
			if waiting := w.count("select count(*) from chat.outbox"); waiting != 12 {
				t.Errorf("%d events wait, want 12", waiting)
			}
			if n := len(w.toPusher.Requests()); n > 8 { // one for each send, and once one for each event
				t.Errorf("%d requests to Pusher", n)
			}
			atAda := ada.listen()
			atAda.Subscribe("private-client-42")
			w.toPusher.Decide(nil)
			grace.post("/api/messages/send", `{"body":"b"}`).is(201).has("realtime", "delivered")
			atAda.Next("private-client-42", "new-message")
		})
	}
}

func TestWithoutADatabaseEveryCallIs503AndAllIsWellWhenItIsBack(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]struct{ down, up func(w *world) }{
		"refusing":  {func(w *world) { w.postgres.Refuse(true); w.postgres.Cut() }, func(w *world) { w.postgres.Refuse(false) }},
		"hanging":   {func(w *world) { w.postgres.Hang(true); w.postgres.Cut() }, func(w *world) { w.postgres.Cut(); w.postgres.Hang(false) }},
		"blackhole": {func(w *world) { w.postgres.BlackHole(); w.postgres.Hang(true) }, func(w *world) { w.postgres.Cut(); w.postgres.Hang(false) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			grace, ada := w.client("42"), w.developer("ada")
			grace.post("/api/messages/send", `{"body":"before"}`).is(201)
			fail.down(w)
			calls := map[string]func() answer{
				"edit": func() answer {
					return grace.call("PATCH", "/api/messages/edit", "application/json", `{"messageId":"019a0000-0000-7000-8000-000000000000","body":"a"}`)
				},
				"delete": func() answer {
					return grace.call("DELETE", "/api/messages/edit", "application/json", `{"messageId":"019a0000-0000-7000-8000-000000000000"}`)
				},
				"update": func() answer { return ada.post("/api/conversations/update", `{"clientId":"42","status":"closed"}`) },
				"send":   func() answer { return grace.post("/api/messages/send", `{"body":"lost?","clientMessageId":"k"}`) },
				"read":   func() answer { return ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`) },
				"list":   func() answer { return grace.get("/api/messages/list") },
				"inbox":  func() answer { return ada.get("/api/conversations/list") },
				"cron": func() answer {
					return w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret)
				},
			}
			for what, call := range calls {
				a, took := timed(call)
				a.fails(503, "unavailable")
				if a.header.Get("Retry-After") == "" || took > promptly {
					t.Errorf("%s: Retry-After %q after %v", what, a.header.Get("Retry-After"), took)
				}
			}
			a, took := timed(func() answer { return w.nobody().get("/api/health") })
			a.is(503).has("status", "down", "database.ok", false)
			if took > promptly {
				t.Errorf("health took %v", took)
			}
			fail.up(w)
			grace.post("/api/messages/send", `{"body":"lost?","clientMessageId":"k"}`).is(201).has("message.seq", 2)
			w.nobody().get("/api/health").is(200).has("status", "ok")
		})
	}
}

func TestAnEnvironmentThatCannotBeUsedIs503AndOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	for setting, named := range map[string]string{
		"DATABASE_URL=": "DATABASE_URL", "DATABASE_URL=canary://x:canary@h/d": "DATABASE_URL", "CHAT_RATE_LIMIT=canary": "CHAT_RATE_LIMIT", "CHAT_CHANNELS=canary": "CHAT_CHANNELS",
		"CHAT_ALLOWED_ORIGINS=canary": "CHAT_ALLOWED_ORIGINS", "CHAT_JWT_SECRET=canary": "CHAT_JWT_SECRET", "CHAT_JWT_SECRET=": "CHAT_JWT_SECRET", "CHAT_JWKS_URL=http://canary.example.com": "CHAT_JWKS_URL",
	} {
		w := newWorld(t, setting)
		grace := w.client("42")
		grace.post("/api/messages/send", `{"body":"a"}`).fails(503, "unavailable")
		grace.get("/api/session").fails(503, "unavailable")
		if log := w.log.String(); !strings.Contains(log, named) || strings.Contains(log, "canary") {
			t.Errorf("%s: the log says %s", setting, log)
		}
	}
}

func TestASchemaThatIsMissingIs503AndTheLogNamesTheRemedy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sql("drop schema chat cascade")
	w.client("42").post("/api/messages/send", `{"body":"a"}`).fails(503, "unavailable")
	w.nobody().get("/api/health").is(503).has("status", "down")
	if !strings.Contains(w.log.String(), "devinbox migrate") {
		t.Errorf("the log says %s", w.log.String())
	}
}

// change is one kind of call that changes a conversation.
type change struct {
	name     string
	function string                                              // that stores it, without its version
	call     func(w *world, message string, at time.Time) answer // about the message of that id, at that time
	status   int
	repeated int      // the status of the same call made again; 0 if the caller cannot say that it is the same
	messages int      // that the conversation has then
	events   []string // "CHANNEL NAME" of each, sorted
}

// changes are the calls that change the conversation 42, which has one message. Each is one change of version.
var changes = []change{
	{
		name: "send", function: "chat.send_v", status: 201, repeated: 200, messages: 2,
		call: func(w *world, _ string, _ time.Time) answer {
			return w.client("42").post("/api/messages/send", `{"body":"Once","clientMessageId":"k"}`)
		},
		events: []string{"presence-client-42 new-message", "private-developer-inbox conversation-updated"},
	},
	{
		name: "send without a key", function: "chat.send_v", status: 201, messages: 2,
		call: func(w *world, _ string, _ time.Time) answer {
			return w.client("42").post("/api/messages/send", `{"body":"Once"}`)
		},
		events: []string{"presence-client-42 new-message", "private-developer-inbox conversation-updated"},
	},
	{
		name: "read", function: "chat.read_v", status: 200, repeated: 200, messages: 1,
		call: func(w *world, _ string, _ time.Time) answer {
			return w.developer("ada").post("/api/messages/read", `{"clientId":"42","upToSeq":1}`)
		},
		events: []string{"presence-client-42 messages-read", "private-developer-inbox conversation-updated"},
	},
	{
		name: "edit", function: "chat.change_v", status: 200, repeated: 200, messages: 1,
		call: func(w *world, message string, _ time.Time) answer {
			return w.client("42").patch("/api/messages/edit", `{"messageId":%s,"body":"Edited"}`, message)
		},
		events: []string{"presence-client-42 message-updated", "private-developer-inbox conversation-updated"},
	},
	{
		name: "delete", function: "chat.change_v", status: 200, repeated: 200, messages: 1,
		call: func(w *world, message string, _ time.Time) answer {
			return w.client("42").remove("/api/messages/edit", `{"messageId":%s}`, message)
		},
		events: []string{"presence-client-42 message-updated", "private-developer-inbox conversation-updated"},
	},
	{
		name: "update", function: "chat.update_v", status: 200, repeated: 200, messages: 1,
		call: func(w *world, _ string, _ time.Time) answer {
			return w.developer("ada").update(`{"clientId":"42","status":"closed"}`)
		},
		events: []string{"presence-client-42 conversation-updated", "private-developer-inbox conversation-updated"},
	},
	{
		name: "presence", function: "chat.presence_v", status: 200, repeated: 200, messages: 1,
		call:   func(w *world, _ string, at time.Time) answer { return w.webhook(hook(at, came)) },
		events: []string{"private-developer-inbox conversation-updated"},
	},
}

// prepare makes a deployment for a change, in which nothing of what was done before is to be seen any more.
func (c change) prepare(t *testing.T) (w *world, call func() answer) {
	t.Helper()
	w = newWorld(t, "CHAT_CHANNELS=presence")
	message := w.client("42").sends("Hello")
	w.heard.Reset()
	w.postgres.Reset()
	at := time.Now()
	return w, func() answer { return c.call(w, message, at) }
}

// tries is how often the change has been sent to Postgres.
func (c change) tries(w *world) (n int) {
	for _, sql := range w.postgres.Log() {
		if strings.Contains(sql, c.function) {
			n++
		}
	}
	return n
}

// happenedOnce fails the test unless Postgres holds the change, and holds it once.
func (c change) happenedOnce(w *world) {
	w.t.Helper()
	if n := w.version("42"); n != 2 {
		w.t.Errorf("the version went from 1 to %d", n)
	}
	if n := w.count("select count(*) from chat.message"); n != c.messages {
		w.t.Errorf("there are %d messages, want %d", n, c.messages)
	}
}

// announced fails the test unless exactly the events of the change were published, and none waits.
func (c change) announced(w *world) {
	w.t.Helper()
	var got []string
	for _, event := range w.heard.Published() {
		got = append(got, event.Channel+" "+event.Name)
		if version := lookup(w.t, []byte(event.Data), "version"); version != 2.0 {
			w.t.Errorf("the %s is of version %v", event.Name, version)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, c.events) {
		w.t.Errorf("published were %q, want %q", got, c.events)
	}
	if n := w.count("select count(*) from chat.outbox"); n != 0 {
		w.t.Errorf("%d events are left over", n)
	}
}

func TestAChangeWhoseAnswerIsLostHappensOnceAndIsAnnouncedByTheSameCall(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, call := c.prepare(t)
			w.postgres.LoseAnswer(1, c.function)
			call().is(c.status)
			if n := c.tries(w); n != 2 {
				t.Errorf("it was tried %d times", n)
			}
			c.happenedOnce(w)
			c.announced(w)
		})
	}
}

func TestAChangeWhoseAnswersAreAllLostIs503AndHappensOnceHoweverOftenItIsRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, call := c.prepare(t)
			w.postgres.LoseAnswer(2, c.function)
			call().fails(503, "unavailable")
			if n := c.tries(w); n != 2 {
				t.Errorf("it was tried %d times", n)
			}
			c.happenedOnce(w)
			if c.repeated != 0 {
				for range 2 {
					call().is(c.repeated)
				}
				c.happenedOnce(w)
			}
			// The call that made the events may deliver them still, for all that others know. Waiting for the end of its lease is
			// all that is skipped here.
			if n := w.count("select count(*) from chat.outbox where due_at > clock_timestamp()"); n != len(c.events) || len(w.heard.Published()) != 0 {
				t.Errorf("%d events wait and %d were published, want %d and none", n, len(w.heard.Published()), len(c.events))
			}
			w.sql("update chat.outbox set due_at = clock_timestamp()")
			w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", len(c.events), "failed", 0, "pending", 0)
			c.announced(w)
		})
	}
}

func TestDeliveredEventsThatCouldNotBeAcknowledgedAreRepeatedAndDoNotFailTheSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	atAda := ada.listen()
	atAda.Subscribe("private-client-42")
	w.toPusher.Decide(func(*http.Request, []byte) (int, string, bool) {
		w.postgres.Refuse(true) // between the announcement and its acknowledgement the database goes away
		w.postgres.Cut()
		return 0, "", true
	})
	grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("realtime", "delivered")
	w.toPusher.Decide(nil)
	w.postgres.Refuse(false)
	w.sql("update chat.outbox set due_at = clock_timestamp()")
	w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", 2, "failed", 0, "pending", 0)
	sees := newReceiver(t)
	for range 2 {
		sees.apply(atAda.Next("private-client-42", "new-message"))
	}
	sees.shows("a")
}

func TestTheCronDeliversABacklogAndDropsWhatIsTooOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=0")
	grace := w.client("42")
	w.toPusher.Refuse(true)
	w.toPusher.Cut()
	for range 25 {
		grace.post("/api/messages/send", `{"body":"a"}`).is(201).has("realtime", "queued")
	}
	// 23 messages are left to be announced, and the conversation once: of its events the last shows what all would.
	w.sql("update chat.outbox set due_at = clock_timestamp()")
	w.sql("update chat.outbox set created_at = clock_timestamp() - interval '24 hours 1 second' where version <= 2")
	w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", 0, "failed", 10, "pending", 24)
	w.toPusher.Refuse(false)
	w.toPusher.Reset()
	w.sql("update chat.outbox set due_at = clock_timestamp()")
	w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", 24, "failed", 0, "pending", 0)
	if n := len(w.toPusher.Requests()); n != 3 {
		t.Errorf("24 events took %d requests", n)
	}
}

func TestNothingSecretIsEverLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	grace.post("/api/messages/send", `{"body":"canary-of-a-body"}`).is(201)
	w.toPusher.Refuse(true)
	w.toPusher.Cut()
	grace.post("/api/messages/send", `{"body":"canary-of-a-body"}`).is(201)
	w.postgres.Refuse(true)
	w.postgres.Cut()
	grace.post("/api/messages/send", `{"body":"canary-of-a-body"}`).is(503)
	grace.authorize("1.2", "private-client-42").is(200)
	for _, secret := range []string{"canary-of-a-body", grace.token, grace.token[strings.LastIndexByte(grace.token, '.'):], jwtSecret, "test-secret", "auth_signature", "postgres://", signature("1.2:private-client-42")[9:]} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
