package pusherserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/internal/dev/pusherserver"
)

// endpoint receives webhooks, checks them with the library's own reader, and answers what it is told to.
type endpoint struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	got    []string // what each request reported, in a few words
	times  []int64  // time_ms of each
	status func(n int) int
}

func newEndpoint(t testing.TB) *endpoint {
	e := &endpoint{t: t, status: func(int) int { return 200 }}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was closed in the meantime
	}
	api := pusher.Client{Key: key, Secret: secret}
	hook, err := api.Webhook(r.Header, body)
	if err != nil || len(hook.Events) != 1 || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
		e.t.Errorf("%s %v: %s: %v", r.Method, r.Header, body, err)
		return
	}
	var raw struct{ Events []map[string]string }
	if err := json.Unmarshal(body, &raw); err != nil {
		e.t.Errorf("%s: not all are texts: %v", body, err)
	}
	words := []string{hook.Events[0].Name, hook.Events[0].Channel}
	for _, name := range []string{"event", "data", "socket_id", "user_id"} {
		if value, there := raw.Events[0][name]; there {
			words = append(words, name+"="+value)
		}
	}
	e.mu.Lock()
	e.got = append(e.got, strings.Join(words, " "))
	e.times = append(e.times, int64(hook.TimeMs))
	status := e.status(len(e.got))
	e.mu.Unlock()
	if status == 302 {
		w.Header().Set("Location", e.URL+"/elsewhere")
	}
	w.WriteHeader(status)
}

func (e *endpoint) told() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

// expect waits until exactly this has been reported since the start.
func (e *endpoint) expect(want ...string) {
	e.t.Helper()
	eventually(e.t, name("%q is told", want[len(want)-1]), func() bool { return len(e.told()) >= len(want) })
	if got := e.told(); !slices.Equal(got, want) {
		e.t.Errorf("told %q, want %q", got, want)
	}
}

func withWebhooks(e *endpoint, holdBack time.Duration) func(*pusherserver.Options) {
	return func(o *pusherserver.Options) {
		o.WebhookURL, o.WebhookHoldBack, o.WebhookBackoff = e.URL, holdBack, time.Millisecond
	}
}

func TestEachTransitionIsToldOnce(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s := start(t, withWebhooks(e, time.Millisecond))
	a, b := connect(t, s), connect(t, s)
	a.subscribe("my-channel")
	e.expect("channel_occupied my-channel")
	b.subscribe("my-channel")
	a.unsubscribe("my-channel")
	a.join("presence-x", `{"user_id":7}`)
	b.join("presence-x", `{"user_id":"7"}`)
	e.expect("channel_occupied my-channel", "channel_occupied presence-x", "member_added presence-x user_id=7")
	b.socket.CloseNow()
	e.expect("channel_occupied my-channel", "channel_occupied presence-x", "member_added presence-x user_id=7", "channel_vacated my-channel")
	a.unsubscribe("presence-x")
	e.expect("channel_occupied my-channel", "channel_occupied presence-x", "member_added presence-x user_id=7", "channel_vacated my-channel",
		"member_removed presence-x user_id=7", "channel_vacated presence-x")
	signedIn(a, `{"id":"u1"}`)
	a.ask("#server-to-user-u1", "", nil)
	a.succeeded("#server-to-user-u1")
	a.subscribe("last")
	e.expect("channel_occupied my-channel", "channel_occupied presence-x", "member_added presence-x user_id=7", "channel_vacated my-channel",
		"member_removed presence-x user_id=7", "channel_vacated presence-x", "channel_occupied last")
}

func TestAQuickReturnIsNotTold(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s := start(t, withWebhooks(e, time.Hour))
	a := connect(t, s)
	want := []string{"channel_occupied presence-x", "member_added presence-x user_id=1"}
	for range 3 {
		a.join("presence-x", `{"user_id":"1"}`)
		a.unsubscribe("presence-x")
	}
	b := connect(t, s)
	a.nothing()
	b.join("presence-x", `{"user_id":"2"}`) // the channel is occupied again, by another
	want = append(want, "member_added presence-x user_id=2")
	e.expect(want...)
	b.subscribe("last")
	e.expect(append(want, "channel_occupied last")...)
}

func TestWhatEndsIsToldLate(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	const late = 400 * time.Millisecond
	s := start(t, withWebhooks(e, late))
	a := connect(t, s)
	a.subscribe("my-channel")
	left := time.Now()
	a.unsubscribe("my-channel")
	a.nothing()
	e.expect("channel_occupied my-channel", "channel_vacated my-channel")
	e.mu.Lock()
	defer e.mu.Unlock()
	if at := time.UnixMilli(e.times[1]); at.Before(left.Add(late).Truncate(time.Millisecond)) {
		t.Errorf("told %v after it happened", at.Sub(left))
	}
}

func TestAClientEventIsToldIfAskedFor(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		e := newEndpoint(t)
		s := start(t, withWebhooks(e, time.Hour), func(o *pusherserver.Options) { o.WebhookClientEvents = on })
		c := connect(t, s)
		c.join("presence-x", `{"user_id":7}`)
		c.subscribe("private-x")
		want := []string{"channel_occupied presence-x", "member_added presence-x user_id=7", "channel_occupied private-x"}
		c.send(object{"event": "client-a", "channel": "presence-x", "data": object{"b": "ä"}})
		c.send(object{"event": "client-c", "channel": "private-x", "data": "text"})
		c.nothing()
		if on {
			want = append(want, `client_event presence-x event=client-a data={"b":"ä"} socket_id=`+c.id+` user_id=7`,
				`client_event private-x event=client-c data=text socket_id=`+c.id)
		}
		c.subscribe("last")
		e.expect(append(want, "channel_occupied last")...)
	}
}

func TestAWebhookIsRepeatedUntilItIsTaken(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	statuses := []int{500, 404, 302, 301, 204, 503, 200}
	e.status = func(n int) int {
		if n <= len(statuses) {
			return statuses[n-1]
		}
		return 200
	}
	s := start(t, withWebhooks(e, time.Hour))
	c := connect(t, s)
	c.subscribe("a")
	c.subscribe("b")
	c.subscribe("c")
	a, b := "channel_occupied a", "channel_occupied b"
	e.expect(a, a, a, a, a, b, b, "channel_occupied c")
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(slices.Compact(slices.Clone(e.times[:5]))) != 1 || e.times[5] != e.times[6] || !slices.IsSorted(e.times) {
		t.Errorf("times %v", e.times)
	}
}

func TestAWebhookThatNobodyTakesIsGivenUp(t *testing.T) {
	t.Parallel()
	log := &journal{}
	e := newEndpoint(t)
	e.status = func(int) int { return 500 }
	s := start(t, log.keep, withWebhooks(e, time.Hour), func(o *pusherserver.Options) { o.WebhookGiveUp = 500 * time.Millisecond })
	c := connect(t, s)
	c.subscribe("a")
	eventually(t, "it is given up", func() bool { return strings.Contains(log.String(), "webhook given up") })
	tried := len(e.told())
	if tried < 2 || tried > 10 { // the waits double: 1, 2, 4 ms and so on
		t.Errorf("tried %d times", tried)
	}
	e.mu.Lock()
	e.status = func(int) int { return 200 }
	e.mu.Unlock()
	c.subscribe("b")
	eventually(t, "the next is told", func() bool { return slices.Contains(e.told(), "channel_occupied b") })
	for _, word := range []string{secret, e.URL, "signature"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log tells %q: %s", word, log)
		}
	}
}

func TestClosingDoesNotWaitForAnEndpointThatHangs(t *testing.T) {
	t.Parallel()
	arrived, hang := make(chan struct{}), make(chan struct{})
	e := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-hang
	}))
	t.Cleanup(e.Close)
	t.Cleanup(func() { close(hang) })
	s := start(t, func(o *pusherserver.Options) { o.WebhookURL = e.URL })
	connect(t, s).subscribe("a")
	<-arrived
	begun := time.Now()
	s.Close()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
}

func TestAnEndpointThatIsNotThereDoesNotTellItsURL(t *testing.T) {
	t.Parallel()
	log := &journal{}
	s := start(t, log.keep, func(o *pusherserver.Options) {
		o.WebhookURL, o.WebhookBackoff, o.WebhookGiveUp = "http://nowhere.invalid/token-in-a-path", time.Millisecond, time.Millisecond
	})
	connect(t, s).subscribe("a")
	eventually(t, "it is given up", func() bool { return strings.Contains(log.String(), "webhook given up") })
	if strings.Contains(log.String(), "token") || strings.Contains(log.String(), fmt.Sprint(secret)) {
		t.Errorf("log: %s", log)
	}
}
