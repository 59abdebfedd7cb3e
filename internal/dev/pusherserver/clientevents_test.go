package pusherserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"devinbox/internal/dev/pusherserver"
)

func TestAClientEventReachesTheOthersAsItWasSent(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b, stranger := connect(t, s), connect(t, s), connect(t, s)
	a.subscribe("private-x")
	b.subscribe("private-x")
	a.join("presence-x", `{"user_id":"ada"}`)
	b.join("presence-x", `{"user_id":7}`)
	a.expect("pusher_internal:member_added")
	for _, data := range []string{`{"a":"<b>ä"}`, `"a text"`, `12`, `[1,2]`} {
		for _, channel := range []string{"private-x", "presence-x"} {
			b.sendRaw(websocket.MessageText, []byte(`{"event":"client-x","channel":"`+channel+`","data":`+data+`}`))
			f := a.expect("client-x")
			if string(f.Data) != data || f.Channel != channel {
				t.Errorf("%s arrives as %s on %s", data, f.Data, f.Channel)
			}
			if presence := channel == "presence-x"; presence != (f.UserID != nil) || presence && *f.UserID != "7" {
				t.Errorf("%s: from %v", channel, f.UserID)
			}
		}
	}
	b.sendRaw(websocket.MessageText, []byte(`{"event":"client-x","channel":"private-x"}`))
	if f := a.expect("client-x"); f.Data != nil {
		t.Errorf("no data arrives as %s", f.Data)
	}
	b.nothing()
	stranger.nothing()
}

func TestAClientEventThatPusherRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := connect(t, s), connect(t, s)
	for _, c := range []*client{a, b} {
		c.subscribe("my-channel")
		c.subscribe("private-x")
	}
	b.subscribe("private-y")
	off := start(t, func(o *pusherserver.Options) { o.NoClientEvents = true })
	c := connect(t, off)
	c.subscribe("private-x")
	for what, test := range map[string]struct {
		from                 *client
		event, channel, data string
	}{
		"a public channel":       {a, "client-x", "my-channel", "x"},
		"a channel of others":    {a, "client-x", "private-y", "x"},
		"a channel of nobody":    {a, "client-x", "private-z", "x"},
		"no channel":             {a, "client-x", "", "x"},
		"another prefix":         {a, "x-client-", "private-x", "x"},
		"a name of Pusher's":     {a, "pusher:x", "private-x", "x"},
		"an internal name":       {a, "pusher_internal:member_added", "private-x", "x"},
		"too much data":          {a, "client-x", "private-x", strings.Repeat("x", 10241)},
		"too many bytes":         {a, "client-x", "private-x", strings.Repeat("ä", 5121)},
		"too long a name":        {a, "client-" + strings.Repeat("x", 194), "private-x", "x"},
		"client events are off":  {c, "client-x", "private-x", "x"},
		"another user's channel": {a, "client-x", "#server-to-user-1", "x"},
	} {
		test.from.send(map[string]any{"event": test.event, "channel": test.channel, "data": test.data})
		f := test.from.expect("pusher:error")
		if f.Channel != test.channel || !strings.Contains(string(f.Data), `"code":null`) {
			t.Errorf("%s: %+v", what, f)
		}
		b.nothing()
	}
	a.send(map[string]any{"event": "client-" + strings.Repeat("x", 193), "channel": "private-x", "data": strings.Repeat("x", 10240)})
	if f := b.next(); len(f.text(t)) != 10240 {
		t.Errorf("the largest arrives with %d", len(f.Data))
	}
	a.nothing()
}

func TestTheEleventhClientEventWithinASecondIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := connect(t, s), connect(t, s)
	a.subscribe("private-x")
	b.subscribe("private-x")
	typing := map[string]any{"event": "client-typing", "channel": "private-x", "data": map[string]any{}}
	for round := range 2 {
		for range 11 {
			a.send(typing)
		}
		if code, _ := a.problem(); code == nil || *code != 4301 {
			t.Fatalf("round %d: the 11th is answered with %v", round, code)
		}
		for range 10 {
			b.expect("client-typing")
		}
		b.send(typing) // each connection has its own rate
		a.expect("client-typing")
		b.nothing()
		time.Sleep(1100 * time.Millisecond)
	}
}
