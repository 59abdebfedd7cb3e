package pusherserver_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"devinbox/internal/dev/pusherserver"
)

func TestAConnectionBeginsWithItsIDAndTheActivityTimeout(t *testing.T) {
	t.Parallel()
	for timeout, seconds := range map[time.Duration]string{0: "120", 7 * time.Second: "7", time.Millisecond: "1"} {
		s := start(t, func(o *pusherserver.Options) { o.ActivityTimeout = timeout })
		got := open(t, s, appPath).expect("pusher:connection_established").text(t)
		if !regexp.MustCompile(`\A\{"socket_id":"\d+\.\d+","activity_timeout":` + seconds + `\}\z`).MatchString(got) {
			t.Errorf("%v: %s", timeout, got)
		}
	}
}

func TestSocketIDsDoNotRepeat(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`\A\d+\.\d+\z`)
	seen := map[string]bool{}
	for range 10_000 {
		id := pusherserver.NewSocketID()
		if seen[id] || !form.MatchString(id) {
			t.Fatalf("%q after %d", id, len(seen))
		}
		seen[id] = true
	}
}

func TestARefusedConnectionIsUpgradedAndClosedWithAReason(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/app/nobody?protocol=7":                            4001,
		"/app/" + key + "x?protocol=7":                      4001,
		"/elsewhere?protocol=7":                             4005,
		"/app/?protocol=7":                                  4005,
		"/app/" + key + "/x?protocol=7":                     4005,
		"/apps/3/events?protocol=7":                         4005,
		"/app/" + key + "?protocol=7&version=x":             4006,
		"/app/" + key + "?protocol=3":                       4007,
		"/app/" + key + "?protocol=8":                       4007,
		"/app/" + key + "?protocol=seven":                   4007,
		"/app/" + key:                                       4008,
		"/app/" + key + "?client=js&version=8.6.0":          4008,
		"/app/" + key + "?protocol=":                        4008,
		"/app/" + strings.Repeat("a", 2000) + "?protocol=7": 4001,
	} {
		c := open(t, start(t), path)
		if code, _ := c.problem(); code == nil || *code != want {
			t.Errorf("%.60s: error %v, want %d", path, code, want)
		}
		if code := c.closed(); int(code) != want {
			t.Errorf("%.60s: closed with %d, want %d", path, code, want)
		}
	}
}

func TestOlderProtocolsAndVersionsAreServed(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, query := range []string{"protocol=5", "protocol=6&version=7.0", "protocol=7&version=8.4.0-rc2", "protocol=7&version=2.2.1%2B5"} {
		open(t, s, "/app/"+key+"?"+query).expect("pusher:connection_established")
	}
}

func TestAnAppThatIsTurnedAway(t *testing.T) {
	t.Parallel()
	for refusal, want := range map[pusherserver.Refusal]struct{ code, status int }{
		pusherserver.Disabled:     {4003, 403},
		pusherserver.OverQuota:    {4004, 403},
		pusherserver.OverCapacity: {4100, 200},
		pusherserver.Elsewhere:    {4001, 401},
	} {
		s := start(t)
		before := connect(t, s)
		s.Refuse(refusal)
		c := open(t, s, appPath)
		if code, _ := c.problem(); code == nil || *code != want.code {
			t.Errorf("error %v, want %d", code, want.code)
		}
		if code := c.closed(); int(code) != want.code {
			t.Errorf("closed with %d, want %d", code, want.code)
		}
		if status, text := get(t, s, "/channels", nil); status != want.status {
			t.Errorf("the API answers %d %s, want %d", status, text, want.status)
		}
		before.nothing()
		s.Refuse(pusherserver.Nothing)
		connect(t, s)
		if status, _ := get(t, s, "/channels", nil); status != 200 {
			t.Errorf("the API still answers %d", status)
		}
	}
}

func TestAPingIsAnswered(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t))
	for _, ping := range []string{`{"event":"pusher:ping","data":{}}`, `{"event":"pusher:ping","data":"{}"}`, `{"event":"pusher:ping"}`, `{"event":"pusher:ping","data":null}`} {
		c.sendRaw(websocket.MessageText, []byte(ping))
		if data := c.expect("pusher:pong").text(t); data != "{}" {
			t.Errorf("%s: %s", ping, data)
		}
	}
	c.sendRaw(websocket.MessageText, []byte(`{"event":"pusher:pong","data":"{}"}`))
	c.nothing()
}

func TestAPingFrameIsAnswered(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.socket.CloseRead(ctx)
	if err := c.socket.Ping(ctx); err != nil {
		t.Error(err)
	}
}

func TestASilentClientIsClosedWith4201(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *pusherserver.Options) {
		o.ActivityTimeout, o.PongTimeout = 50*time.Millisecond, 2*time.Second
	})
	other := connect(t, s)
	reading := make(chan frame, 8)
	go func() { // a client that reads answers pings
		for {
			f, err := other.read()
			if err != nil {
				close(reading)
				return
			}
			reading <- f
		}
	}()
	expect := func(want string) {
		t.Helper()
		if f, open := <-reading; !open || f.Event != want {
			t.Fatalf("got %s, want %s", f.Event, want)
		}
	}
	other.ask("presence-x", authFor(other.id+`:presence-x:{"user_id":"1"}`), pointer(`{"user_id":"1"}`))
	expect("pusher_internal:subscription_succeeded") // before the other joins, or it would be told of it in this answer
	silent := connect(t, s)
	silent.join("presence-x", `{"user_id":"2"}`)
	// Nothing reads from now on, so nothing answers the ping.
	expect("pusher_internal:member_added")
	expect("pusher_internal:member_removed")
	if code := silent.closed(); code != 4201 {
		t.Errorf("closed with %d", code)
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestAClientThatOnlyAnswersPingsStays(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *pusherserver.Options) {
		o.ActivityTimeout, o.PongTimeout = 20*time.Millisecond, 5*time.Second
	})
	c := connect(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, _, err := c.socket.Read(ctx); websocket.CloseStatus(err) != -1 || ctx.Err() == nil {
		t.Errorf("after a while: %v", err)
	}
}

func TestNonsenseIsAnsweredAndHarmsNobody(t *testing.T) {
	t.Parallel()
	s := start(t)
	other := connect(t, s)
	other.subscribe("my-channel")
	c := connect(t, s)
	c.subscribe("my-channel")
	large, _ := json.Marshal(map[string]string{"event": "client-x", "channel": "private-x", "data": strings.Repeat("x", 1<<20)})
	for _, nonsense := range []struct {
		kind websocket.MessageType
		data string
	}{
		{websocket.MessageText, ""},
		{websocket.MessageText, "{"},
		{websocket.MessageText, "[]"},
		{websocket.MessageText, "null"},
		{websocket.MessageText, `"x"`},
		{websocket.MessageText, "{}"},
		{websocket.MessageText, `{"event":7}`},
		{websocket.MessageText, `{"event":""}`},
		{websocket.MessageText, `{"event":"pusher:nonsense","data":{}}`},
		{websocket.MessageText, `{"event":"pusher_internal:member_added","channel":"my-channel","data":"{}"}`},
		{websocket.MessageText, `{"event":"my-event","channel":"my-channel","data":"{}"}`},
		{websocket.MessageText, `{"event":"pusher:subscribe"}`},
		{websocket.MessageText, `{"event":"pusher:subscribe","data":"my-channel"}`},
		{websocket.MessageText, `{"event":"pusher:subscribe","data":{"channel":7}}`},
		{websocket.MessageText, `{"event":"pusher:unsubscribe"}`},
		{websocket.MessageText, `{"event":"pusher:unsubscribe","data":{"channel":"never-joined"}}`},
		{websocket.MessageText, `{"event":"pusher:unsubscribe","data":{}}`},
		{websocket.MessageText, `{"event":"pusher:signin"}`},
		{websocket.MessageText, `{"event":"pusher:signin","data":{"auth":7}}`},
		{websocket.MessageText, `{"event":"client-x"}`},
		{websocket.MessageText, "{\"event\":\"client-x\",\"channel\":\"private-x\",\"data\":\"\xff\"}"},
		{websocket.MessageText, strings.Repeat("[", 100_000)},
		{websocket.MessageText, string(large)},
		{websocket.MessageBinary, `{"event":"pusher:ping"}`},
	} {
		c.sendRaw(nonsense.kind, []byte(nonsense.data))
		if code, _ := c.problem(); code != nil {
			t.Errorf("%.80q: code %d", nonsense.data, *code)
		}
	}
	trigger(t, s, "my-channel", "my-event", "still here")
	for _, c := range []*client{c, other} {
		if got := c.expect("my-event").text(t); got != "still here" {
			t.Error(got)
		}
		c.nothing()
	}
}

func TestClosingTellsEverybodyAndFreesTheAddressAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	var all []*client
	for range 20 {
		all = append(all, connect(t, s))
	}
	all[0].subscribe("my-channel")
	deaf := connect(t, s) // does not answer the close frame
	codes := make(chan websocket.StatusCode)
	for _, c := range all {
		go func() {
			_, err := c.read()
			codes <- websocket.CloseStatus(err)
		}()
	}
	begun := time.Now()
	s.Close()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
	for range all {
		if code := <-codes; code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", code)
		}
	}
	if code := deaf.closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	if s.Connections() != 0 {
		t.Errorf("%d connections", s.Connections())
	}
	again, err := pusherserver.Start(pusherserver.Options{AppID: appID, Key: key, Secret: secret, Address: s.Address()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	connect(t, again).nothing()
	s.Close()
	if again.URL() != s.URL() {
		t.Errorf("%s, and then %s", s.URL(), again.URL())
	}
}

func TestWhatWasPublishedBeforeTheEndStillArrives(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *pusherserver.Options) { o.WriteTimeout = time.Minute }) // nothing is read while all is published
	c := connect(t, s)
	signedIn(c, `{"id":"u1"}`)
	c.subscribe("my-channel")
	const n = 900 // more than the system buffers, so some of it waits in the queue
	for range n / 10 {
		batch := many(10, func(int) any {
			return object{"channel": "my-channel", "name": "my-event", "data": strings.Repeat("x", 10<<10)}
		})
		if status, text := post(t, s, "/batch_events", object{"batch": batch}); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
	}
	if status, text := post(t, s, "/users/u1/terminate_connections", object{}); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	for range n {
		c.expect("my-event")
	}
	if code := c.closed(); code != 4009 {
		t.Errorf("closed with %d", code)
	}
}

func TestCutBreaksEveryConnectionWithoutAWord(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := connect(t, s), connect(t, s)
	s.Cut()
	for _, c := range []*client{a, b} {
		if code := c.closed(); code != -1 {
			t.Errorf("closed with %d", code)
		}
	}
	eventually(t, "no connection is left", func() bool { return s.Connections() == 0 })
	connect(t, s).nothing()
}

func TestASlowReaderIsDroppedAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	log := &journal{}
	s := start(t, log.keep, func(o *pusherserver.Options) { o.SendQueue = 64 })
	slow, quick := connect(t, s), connect(t, s)
	slow.subscribe("my-channel")
	quick.subscribe("my-channel")
	data := strings.Repeat("x", 10<<10)
	sent := 0
	for s.Connections() == 2 {
		trigger(t, s, "my-channel", "my-event", data)
		quick.expect("my-event")
		if sent++; sent > 100_000 {
			t.Fatal("the slow reader is still served")
		}
	}
	quick.nothing()
	if !strings.Contains(log.String(), "reads too slowly") {
		t.Errorf("log: %s", log)
	}
	for {
		f, err := slow.read()
		if err != nil {
			break
		}
		if f.Event != "my-event" {
			t.Errorf("got %s", f.Event)
		}
	}
}
