package handler_test

import (
	"fmt"
	"strings"
	"testing"

	"devinbox/internal/testing/pusherjs"
)

func TestACallCostsAFixedNumberOfRoundTrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada, nobody := w.client("42"), w.developer("ada"), w.nobody()
	grace.post("/api/messages/send", `{"body":"warm"}`).is(201)

	for _, c := range []struct {
		name               string
		call               func() answer
		status             int
		statements, pushes int
	}{
		{"send: one to save, one acknowledgement", func() answer { return grace.post("/api/messages/send", `{"body":"a","clientMessageId":"k"}`) }, 201, 2, 1},
		{"a repetition", func() answer { return grace.post("/api/messages/send", `{"body":"a","clientMessageId":"k"}`) }, 200, 1, 0},
		{"read: the same", func() answer { return ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`) }, 200, 2, 1},
		{"a read mark that stays", func() answer { return ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`) }, 200, 1, 0},
		{"list", func() answer { return grace.get("/api/messages/list") }, 200, 1, 0},
		{"catch up", func() answer { return grace.get("/api/messages/list?changedSince=1") }, 200, 1, 0},
		{"inbox", func() answer { return ada.get("/api/conversations/list") }, 200, 1, 0},
		{"health", func() answer { return nobody.get("/api/health") }, 200, 1, 0},
		{"channel authorisation", func() answer { return grace.authorize("1.2", "private-client-42") }, 200, 0, 0},
		{"a refused channel", func() answer { return grace.authorize("1.2", "private-client-43") }, 403, 0, 0},
		{"session", func() answer { return grace.get("/api/session") }, 200, 0, 0},
		{"send by nobody", func() answer { return nobody.post("/api/messages/send", `{"body":"a"}`) }, 401, 0, 0},
		{"read by nobody", func() answer { return nobody.post("/api/messages/read", `{"upToSeq":1}`) }, 401, 0, 0},
		{"list by nobody", func() answer { return nobody.get("/api/messages/list") }, 401, 0, 0},
		{"inbox by nobody", func() answer { return nobody.get("/api/conversations/list") }, 401, 0, 0},
		{"inbox by a client", func() answer { return grace.get("/api/conversations/list") }, 403, 0, 0},
		{"channel by nobody", func() answer { return nobody.authorize("1.2", "private-client-42") }, 401, 0, 0},
		{"session by nobody", func() answer { return nobody.get("/api/session") }, 401, 0, 0},
		{"cron by nobody", func() answer { return nobody.get("/api/cron/deliver") }, 401, 0, 0},
		{"a message that breaks a rule", func() answer { return grace.post("/api/messages/send", `{"body":""}`) }, 422, 0, 0},
	} {
		w.postgres.Reset()
		w.toPusher.Reset()
		c.call().is(c.status)
		if n := w.postgres.Statements(); n != c.statements {
			t.Errorf("%s: %d statements, want %d: %q", c.name, n, c.statements, w.postgres.Log())
		}
		if n := len(w.toPusher.Requests()); n != c.pushes {
			t.Errorf("%s: %d requests to Pusher, want %d", c.name, n, c.pushes)
		}
	}
}

func TestAllEventsOfACallLeaveInOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.client("42").post("/api/messages/send", `{"body":"a"}`).is(201)
	requests := w.toPusher.Requests()
	if len(requests) != 1 || requests[0].Path != "/apps/1/batch_events" {
		t.Fatalf("%v", requests)
	}
	for _, event := range []string{"new-message", "conversation-updated"} {
		if strings.Count(string(requests[0].Body), `"name":"`+event+`"`) != 1 {
			t.Errorf("%s is not in it once: %s", event, requests[0].Body)
		}
	}
}

// The README says how far Pusher's free plan goes. Each event counts once for its channel, and once for each that gets it.
func TestAMessageAndItsReadingTakeFifteenOfPushersMessagesWhereFiveDevelopersListen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	const own, inbox = "private-client-42", "private-developer-inbox"
	atGrace := grace.listen()
	atGrace.Subscribe(own)
	atAda := ada.listen()
	atAda.Subscribe(own)
	developers := []*pusherjs.Client{atAda}
	for i := range 4 {
		developers = append(developers, w.developer(fmt.Sprint("ken-", i)).listen())
	}
	for _, developer := range developers {
		developer.Subscribe(inbox)
	}

	grace.post("/api/messages/send", `{"body":"Hello","socketId":%s}`, atGrace.SocketID()).is(201)
	atAda.Next(own, "new-message")
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1,"socketId":%s}`, atAda.SocketID()).is(200)
	atGrace.Next(own, "messages-read")
	for _, developer := range developers[1:] {
		developer.Next(inbox, "conversation-updated")
		developer.Next(inbox, "conversation-updated")
	}

	taken := len(w.heard.Published())
	for _, listener := range append(developers, atGrace) {
		for _, channel := range []string{own, inbox} {
			for _, event := range listener.Events(channel) {
				if !strings.HasPrefix(event.Name, "pusher:") {
					taken++
				}
			}
		}
	}
	if taken != 15 {
		t.Errorf("%d messages of Pusher's", taken)
	}
}
