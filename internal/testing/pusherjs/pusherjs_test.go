package pusherjs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/pusherjs"
)

// world is a server, its API, and an endpoint that authorises everybody with a token, under that name.
type world struct {
	*pusherserver.Server
	api      pusher.Client
	endpoint string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "key", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w := &world{Server: s, api: pusher.Client{AppID: "1", Key: "key", Secret: "secret", Host: s.Address(), HTTPClient: &http.Client{}}}
	endpoint := httptest.NewServer(w)
	t.Cleanup(endpoint.Close)
	w.endpoint = endpoint.URL
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	name, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	params, _ := io.ReadAll(r.Body)
	var answer []byte
	var err error
	switch {
	case name == "":
		http.Error(rw, "no", http.StatusForbidden)
		return
	case !strings.Contains(string(params), "channel_name"):
		answer, err = w.api.AuthenticateUser(params, map[string]any{"id": name})
	case strings.Contains(string(params), "channel_name=presence-"):
		answer, err = w.api.AuthorizePresenceChannel(params, pusher.MemberData{UserID: name, UserInfo: map[string]string{"name": strings.ToUpper(name)}})
	default:
		answer, err = w.api.AuthorizePrivateChannel(params)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	rw.Write(answer)
}

func (w *world) options(token string) pusherjs.Options {
	return pusherjs.Options{Key: "key", Host: w.Host(), Port: w.Port(), AuthEndpoint: w.endpoint, Token: token}
}

func TestTwoClientsInARoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := pusherjs.Connect(t, w.options("grace")), pusherjs.Connect(t, w.options("ada"))
	const room = "presence-room"
	grace.Subscribe(room)
	ada.Subscribe(room)
	if got := string(grace.Next(room, "pusher:member_added")); got != `{"id":"ada","info":{"name":"ADA"}}` {
		t.Errorf("added: %s", got)
	}
	if m := ada.Members(room); m.Count != 2 || m.Me.ID != "ada" || string(m.Members["grace"]) != `{"name":"GRACE"}` {
		t.Errorf("members: %+v", m)
	}

	ada.Trigger(room, "client-typing", map[string]int{"n": 1})
	ada.Trigger(room, "client-typing", nil)
	if e := grace.NextEvent(room, "client-typing"); e.UserID != "ada" || string(e.Data) != `{"n":1}` {
		t.Errorf("the first: %+v", e)
	}
	if e := grace.NextEvent(room, "client-typing"); string(e.Data) != "null" {
		t.Errorf("the second: %+v", e)
	}
	if err := w.api.TriggerMulti([]string{room, "elsewhere"}, "new-message", map[string]string{"body": "<b>"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*pusherjs.Client{grace, ada} {
		if got := string(c.Next(room, "new-message")); got != `{"body":"<b>"}` {
			t.Errorf("message: %s", got)
		}
	}
	for _, e := range ada.Events(room) {
		if e.Name == "client-typing" {
			t.Error("an event came back to its sender")
		}
	}
	ada.Unsubscribe(room)
	if got := string(grace.Next(room, "pusher:member_removed")); !strings.Contains(got, `"id":"ada"`) {
		t.Errorf("removed: %s", got)
	}
}

func TestARefusedSubscriptionGivesTheStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := pusherjs.Connect(t, w.options(""))
	if status := stranger.TrySubscribe("private-room"); status != 403 {
		t.Errorf("status %d", status)
	}
	if status := stranger.TrySubscribe("room"); status != 200 {
		t.Errorf("status %d", status)
	}
	if err := stranger.TrySignIn(); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("signed in: %v", err)
	}
	headers := w.options("")
	headers.Headers = map[string]string{"authorization": "Bearer grace"}
	pusherjs.Connect(t, headers).Subscribe("private-room")
}

func TestEventsToAUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := pusherjs.Connect(t, w.options("grace"))
	grace.SignIn()
	if err := w.api.SendToUser("grace", "hello", "a text"); err != nil {
		t.Fatal(err)
	}
	if got := string(grace.Next(pusherjs.User, "hello")); got != `"a text"` {
		t.Errorf("got %s", got)
	}
}

func TestTheStateOfAConnectionIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := pusherjs.Connect(t, w.options("grace"))
	first := c.SocketID()
	c.Subscribe("private-room")
	w.Cut()
	c.WaitReconnected(first)
	if c.SocketID() == first || c.SocketID() == "" {
		t.Errorf("%s after %s", c.SocketID(), first)
	}
	for range 2 { // it subscribes again by itself
		c.Next("private-room", "pusher:subscription_succeeded")
	}
	c.Disconnect()
	if c.State() != "disconnected" || c.SocketID() != "" {
		t.Errorf("%s %s", c.State(), c.SocketID())
	}
	c.Connect()
	c.WaitState("connected")
}

func TestARefusedConnectionIsAnErrorAndDisconnected(t *testing.T) {
	t.Parallel()
	o := newWorld(t).options("grace")
	o.Key = "another"
	c := pusherjs.Start(t, o)
	c.WaitState("disconnected")
	if got := string(c.Next("", "error")); !strings.Contains(got, `"code":4001`) {
		t.Errorf("error: %s", got)
	}
}

// A test that fails must say what pusher-js saw.
func TestAFailureTellsWhatHappened(t *testing.T) {
	t.Parallel()
	c := pusherjs.Connect(t, newWorld(t).options("grace"))
	c.Subscribe("room")
	if told := fmt.Sprint(c); !strings.Contains(told, "connected\n") || !strings.Contains(told, "room pusher:subscription_succeeded") {
		t.Errorf("told: %s", told)
	}
}
