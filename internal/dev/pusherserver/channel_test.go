package pusherserver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"devinbox/internal/dev/pusherserver"
)

func TestEventsReachSubscribersAsTheyWerePublished(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b, stranger := connect(t, s), connect(t, s), connect(t, s)
	for _, c := range []*client{a, b} {
		if data := c.subscribe("my-channel").text(t); data != "{}" {
			t.Errorf("succeeded with %s", data)
		}
	}
	for _, data := range []string{`{"a":1}`, "a text", "", `"12"`, "<b>&amp;\u2028 \u00e4 \U0001F600</b>"} {
		trigger(t, s, "my-channel", "my-event", data)
		for _, c := range []*client{a, b} {
			f := c.expect("my-event")
			if f.Channel != "my-channel" || f.text(t) != data || f.UserID != nil {
				t.Errorf("%q arrives as %+v", data, f)
			}
		}
	}
	stranger.nothing()
	b.unsubscribe("my-channel")
	b.nothing()
	trigger(t, s, "my-channel", "my-event", "x")
	b.nothing()
	a.expect("my-event")
}

func TestUnsubscribingAndSubscribingInOneBreath(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := connect(t, s)
	c.ask("my-channel", "", nil)
	for range 20 {
		c.unsubscribe("my-channel")
		c.ask("my-channel", "", nil)
	}
	for range 21 {
		c.succeeded("my-channel")
	}
	c.nothing()
	trigger(t, s, "my-channel", "my-event", "x")
	c.expect("my-event")
	c.nothing()
}

func TestASecondSubscriptionIsAnErrorAndNoSecondDelivery(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := connect(t, s)
	for _, channel := range []string{"my-channel", "private-x", "presence-x"} {
		if channel == "presence-x" {
			c.join(channel, `{"user_id":"1"}`)
			c.ask(channel, authFor(c.id+`:presence-x:{"user_id":"1"}`), pointer(`{"user_id":"1"}`))
		} else {
			c.subscribe(channel)
			c.ask(channel, authFor(c.id+":"+channel), nil)
		}
		if code, message := c.problem(); code != nil || message != "Existing subscription to channel "+channel {
			t.Errorf("%v %s", code, message)
		}
		trigger(t, s, channel, "my-event", "x")
		c.expect("my-event")
		c.nothing()
		c.unsubscribe(channel)
		trigger(t, s, "another", "my-event", "x")
		c.nothing()
	}
	if _, text := get(t, s, "/channels", nil); text != `{"channels":{}}` {
		t.Errorf("left behind: %s", text)
	}
}

func TestTheNamesOfChannels(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := connect(t, s)
	good := []string{"a", strings.Repeat("x", 164), "a_b", "a-b", "a=b", "a@b", "a,b", "a.b", "a;b", "Az09", "private", "presence", "Private-x", "client-42"}
	for _, channel := range good {
		c.ask(channel, "", nil)
		c.succeeded(channel)
		trigger(t, s, channel, "my-event", "x")
		if f := c.expect("my-event"); f.Channel != channel {
			t.Errorf("%s arrives on %s", channel, f.Channel)
		}
	}
	for _, channel := range []string{"", " ", "a b", "a:b", "a/b", "#x", "#server-to-user-", "ä", "a\n", "\na", "a!b", strings.Repeat("x", 165), "private-" + strings.Repeat("x", 157), "presence-a b"} {
		c.ask(channel, authFor(c.id+":"+channel), nil)
		if channel == "" { // in JSON an empty name is left out
			if f := c.expect("pusher:subscription_error"); f.Channel != "" {
				t.Errorf("%+v", f)
			}
		} else if status := c.refused(channel); status != 400 && !strings.HasPrefix(channel, "#") {
			t.Errorf("%q: status %d", channel, status)
		}
		if status, text := post(t, s, "/events", map[string]any{"channel": channel, "name": "my-event", "data": "x"}); status != 400 {
			t.Errorf("publish on %q: %d %s", channel, status, text)
		}
	}
	c.nothing()
}

func TestAGuardedChannelNeedsItsOwnSignature(t *testing.T) {
	t.Parallel()
	log := &journal{}
	s := start(t, log.keep)
	other, c := connect(t, s), connect(t, s)
	const data = `{"user_id":"1"}`
	for _, channel := range []string{"private-x", "presence-x", "private-encrypted-x"} {
		text := c.id + ":" + channel
		var channelData *string
		if channel == "presence-x" {
			text += ":" + data
			channelData = pointer(data)
		}
		signature := sign(text)
		for what, auth := range map[string]string{
			"no auth":           "",
			"no key":            signature,
			"an empty key":      ":" + signature,
			"another key":       "another:" + signature,
			"no signature":      key + ":",
			"another signature": key + ":" + strings.Repeat("0", 64),
			"capitals":          key + ":" + strings.ToUpper(signature),
			"another socket":    authFor(other.id + strings.TrimPrefix(text, c.id)),
			"another channel":   authFor(strings.Replace(text, channel, channel+"y", 1)),
			"more behind it":    key + ":" + signature + ":",
		} {
			c.ask(channel, auth, channelData)
			if status := c.refused(channel); status != 401 {
				t.Errorf("%s, %s: status %d", channel, what, status)
			}
		}
		trigger(t, s, channel, "my-event", "secret")
		c.nothing()
		c.ask(channel, key+":"+signature, channelData)
		c.succeeded(channel)
		trigger(t, s, channel, "my-event", "x")
		c.expect("my-event")
	}
	for _, word := range []string{secret, c.id + ":", sign(c.id + ":private-x")} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log tells %q: %s", word, log)
		}
	}
}

func TestARefusalDoesNotTellTheSignatureThatWouldDo(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t))
	c.ask("private-x", key+":0", nil)
	f := c.expect("pusher:subscription_error")
	if strings.Contains(string(f.Data), sign(c.id+":private-x")) || strings.Contains(string(f.Data), secret) {
		t.Errorf("told: %s", f.Data)
	}
}

func TestChannelDataIsPartOfWhatIsSignedOnPrivateChannelsToo(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t))
	const data = `{"user_id":"1","user_info":{"name":"x"}}`
	c.ask("private-x", authFor(c.id+":private-x"), pointer(data))
	if status := c.refused("private-x"); status != 401 {
		t.Errorf("status %d", status)
	}
	c.ask("private-x", authFor(c.id+":private-x:"+data), pointer(data))
	if got := c.succeeded("private-x").text(t); got != "{}" {
		t.Errorf("succeeded with %s", got)
	}
}

func TestEventsOfOneRequestArriveInItsOrder(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := connect(t, s)
	c.subscribe("a")
	c.subscribe("b")
	for range 20 {
		var batch []map[string]any
		for i := range 10 {
			batch = append(batch, map[string]any{"channel": string("ab"[i%2]), "name": "my-event", "data": string(rune('0' + i))})
		}
		if status, text := post(t, s, "/batch_events", map[string]any{"batch": batch}); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		for i := range 10 {
			if f := c.expect("my-event"); f.text(t) != string(rune('0'+i)) || f.Channel != string("ab"[i%2]) {
				t.Fatalf("at %d: %s %s", i, f.Channel, f.Data)
			}
		}
	}
}

func TestAConnectionThatEndsLeavesItsChannels(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, end := range []func(*client){
		func(c *client) { c.socket.Close(1000, "") },
		func(c *client) { c.socket.CloseNow() },
		func(*client) { s.Cut() },
	} {
		c := connect(t, s)
		c.subscribe("my-channel")
		c.join("presence-x", `{"user_id":"1"}`)
		if _, text := get(t, s, "/channels", nil); text != `{"channels":{"my-channel":{},"presence-x":{}}}` {
			t.Fatalf("occupied: %s", text)
		}
		end(c)
		eventually(t, "the channels are vacated", func() bool {
			_, text := get(t, s, "/channels", nil)
			return text == `{"channels":{}}`
		})
	}
}

func TestAnExcludedSocketMissesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := connect(t, s), connect(t, s)
	for _, c := range []*client{a, b} {
		c.subscribe("x")
		c.subscribe("y")
	}
	publish := func(path string, body map[string]any) {
		t.Helper()
		if status, text := post(t, s, path, body); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
	}
	publish("/events", map[string]any{"channels": []string{"x", "y"}, "name": "one", "data": "", "socket_id": a.id})
	publish("/batch_events", map[string]any{"batch": []map[string]any{
		{"channel": "x", "name": "two", "data": "", "socket_id": b.id},
		{"channel": "y", "name": "three", "data": ""},
	}})
	publish("/events", map[string]any{"channel": "x", "name": "four", "data": "", "socket_id": "1.1"})
	var got [2]string
	for i, c := range []*client{a, b} {
		for {
			f := c.next()
			got[i] += f.Event + " "
			if f.Event == "four" {
				break
			}
		}
		c.nothing()
	}
	if got[0] != "two three four " || got[1] != "one one three four " {
		t.Errorf("a gets %sand b %s", got[0], got[1])
	}
}

func TestTheRecorderKeepsWhatIsPublished(t *testing.T) {
	t.Parallel()
	r := &pusherserver.Recorder{}
	s := start(t, func(o *pusherserver.Options) { o.Recorder = r })
	post(t, s, "/events", map[string]any{"channels": []string{"a", "b"}, "name": "one", "data": "1", "socket_id": "1.2"})
	post(t, s, "/events", map[string]any{"channel": "a", "name": "pusher:refused", "data": "2"})
	post(t, s, "/batch_events", map[string]any{"batch": []map[string]any{{"channel": "c", "name": "two", "data": "3"}}})
	got, _ := json.Marshal(r.Published())
	want, _ := json.Marshal([]pusherserver.Event{{"a", "one", "1", "1.2"}, {"b", "one", "1", "1.2"}, {"c", "two", "3", ""}})
	if string(got) != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	r.Reset()
	if n := len(r.Published()); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestASubscriptionThatHearsNothingIsHintedAtInTheLog(t *testing.T) {
	t.Parallel()
	log := &journal{}
	s := start(t, log.keep, func(o *pusherserver.Options) {
		o.Hint = func(channel string) string {
			if channel == "client-42" {
				return "nothing is sent there"
			}
			return ""
		}
	})
	c := connect(t, s)
	c.subscribe("my-channel")
	if log.String() != "" {
		t.Errorf("log: %s", log)
	}
	c.subscribe("client-42")
	eventually(t, "the log has it", func() bool { return strings.Contains(log.String(), `msg="nothing is sent there" channel=client-42`) })
}
