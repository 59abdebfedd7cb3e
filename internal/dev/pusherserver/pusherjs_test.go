package pusherserver_test

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/pusherjs"
)

// door is the app's endpoint. It authorises everybody under the name that is their token, except stranger, whom it
// refuses, and forger, for whom it signs with another secret.
func door(t testing.TB) string {
	api := pusher.Client{AppID: appID, Key: key, Secret: secret}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		params, _ := io.ReadAll(r.Body)
		form := string(params)
		var answer []byte
		var err error
		switch {
		case user == "stranger":
			http.Error(w, "no", http.StatusForbidden)
			return
		case user == "forger":
			api := pusher.Client{AppID: appID, Key: key, Secret: "another"}
			answer, err = api.AuthorizePrivateChannel(params)
		case !strings.Contains(form, "channel_name"):
			answer, err = api.AuthenticateUser(params, map[string]any{"id": user, "user_info": map[string]string{"name": user}})
		case strings.Contains(form, "channel_name=presence-") && !strings.Contains(form, "bare"):
			answer, err = api.AuthorizePresenceChannel(params, pusher.MemberData{UserID: user, UserInfo: map[string]string{"name": user}})
		default:
			answer, err = api.AuthorizePrivateChannel(params)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func js(t testing.TB, s *pusherserver.Server, user string) pusherjs.Options {
	return pusherjs.Options{Key: key, Host: s.Host(), Port: s.Port(), AuthEndpoint: door(t), Token: user}
}

func TestPusherJSComesBackRightAfterARestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := pusherjs.Connect(t, js(t, s, "ada"))
	c.Subscribe("private-x")
	c.Subscribe("presence-x")
	old := c.SocketID()

	begun := time.Now()
	s.Close()
	again := start(t, func(o *pusherserver.Options) { o.Address = s.Address() })
	c.WaitReconnected(old)
	// It reconnects after a second; after a closed port, or no close frame, it would have waited 15 more.
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("back after %v", took)
	}
	for range 2 {
		c.Next("private-x", "pusher:subscription_succeeded")
		c.Next("presence-x", "pusher:subscription_succeeded")
	}
	trigger(t, again, "private-x", "my-event", "x")
	c.Next("private-x", "my-event")
	if errors := c.Events(""); len(errors) != 0 {
		t.Errorf("errors: %v", errors)
	}
}

func TestPusherJSGivesUpWhereItIsRefusedForGood(t *testing.T) {
	t.Parallel()
	for refusal, code := range map[pusherserver.Refusal]string{pusherserver.Disabled: "4003", pusherserver.OverQuota: "4004", pusherserver.Nothing: "4001"} {
		log := &journal{}
		s := start(t, log.keep)
		s.Refuse(refusal)
		o := js(t, s, "ada")
		if refusal == pusherserver.Nothing {
			o.Key = "nobody"
		}
		c := pusherjs.Start(t, o)
		c.WaitState("disconnected")
		if got := string(c.Next("", "error")); !strings.Contains(got, `"code":`+code) {
			t.Errorf("%s: %s", code, got)
		}
		if n := strings.Count(log.String(), "connection refused"); n != 1 {
			t.Errorf("%s: tried %d times", code, n)
		}
	}
}

func TestPusherJSComesBackWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Refuse(pusherserver.OverCapacity)
	c := pusherjs.Start(t, js(t, s, "ada"))
	c.Next("", "error")
	s.Refuse(pusherserver.Nothing)
	c.WaitState("connected")
}

func TestPusherJSStaysConnectedByPings(t *testing.T) {
	t.Parallel()
	for what, set := range map[string]struct{ server, client time.Duration }{
		"the client's": {0, time.Second},
		"the server's": {time.Second, 0},
	} {
		s := start(t, func(o *pusherserver.Options) { o.ActivityTimeout = set.server })
		o := js(t, s, "ada")
		o.ActivityTimeout = set.client
		c := pusherjs.Connect(t, o)
		first := c.SocketID()
		time.Sleep(3500 * time.Millisecond)
		if c.SocketID() != first {
			t.Errorf("%s: %v", what, c)
		}
	}
}

func TestPusherJSIsToldWhyItMayNotListen(t *testing.T) {
	t.Parallel()
	s := start(t)
	for user, want := range map[string]int{"stranger": 403, "forger": 401} {
		c := pusherjs.Connect(t, js(t, s, user))
		if status := c.TrySubscribe("private-x"); status != want {
			t.Errorf("%s: %d, want %d", user, status, want)
		}
		c.Subscribe("my-channel")
		trigger(t, s, "private-x", "secret", "x")
		trigger(t, s, "my-channel", "my-event", "x")
		c.Next("my-channel", "my-event")
		for _, e := range c.Events("private-x") {
			if e.Name != "pusher:subscription_error" {
				t.Errorf("%s hears %s", user, e.Name)
			}
		}
	}
}

func TestPusherJSInTwoTabsIsOneMember(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, tab := pusherjs.Connect(t, js(t, s, "ada")), pusherjs.Connect(t, js(t, s, "ada"))
	grace := pusherjs.Connect(t, js(t, s, "grace"))
	grace.Subscribe("presence-x")
	ada.Subscribe("presence-x")
	tab.Subscribe("presence-x")
	if m := tab.Members("presence-x"); m.Count != 2 || m.Me.ID != "ada" || string(m.Members["grace"]) != `{"name":"grace"}` {
		t.Errorf("%+v", m)
	}
	ada.Disconnect()
	eventually(t, "one has left", func() bool { return s.Connections() == 2 })
	if m := grace.Members("presence-x"); m.Count != 2 {
		t.Errorf("%+v", m)
	}
	tab.Unsubscribe("presence-x")
	grace.Next("presence-x", "pusher:member_removed")
	var told []string
	for _, e := range grace.Events("presence-x") {
		told = append(told, e.Name)
	}
	if got := strings.Join(told, " "); got != "pusher:subscription_succeeded pusher:member_added pusher:member_removed" {
		t.Errorf("told %s", got)
	}
	if m := grace.Members("presence-x"); m.Count != 1 {
		t.Errorf("%+v", m)
	}
}

func TestPusherJSSignsIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	api := goClient(s)
	for _, user := range []string{"c:1", "a b", "M\u00fcller"} {
		c := pusherjs.Connect(t, js(t, s, user))
		c.SignIn()
		if err := api.SendToUser(user, "hello", map[string]int{"n": 1}); err != nil {
			t.Fatal(err)
		}
		if got := string(c.Next(pusherjs.User, "hello")); got != `{"n":1}` {
			t.Errorf("%s gets %s", user, got)
		}
		c.Subscribe("presence-bare") // authorised without channel_data
		if me := c.Members("presence-bare").Me; me.ID != user {
			t.Errorf("%s is %+v", user, me)
		}
	}
	stranger := pusherjs.Connect(t, js(t, s, "stranger"))
	if err := stranger.TrySignIn(); err == nil || stranger.State() != "connected" {
		t.Errorf("signed in: %v, %s", err, stranger.State())
	}
	forger := pusherjs.Connect(t, js(t, s, "forger"))
	if err := forger.TrySignIn(); err == nil || forger.State() != "connected" {
		t.Errorf("signed in: %v, %s", err, forger.State())
	}
}

func TestPusherJSIsLeftOutOfItsOwnEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	api := goClient(s)
	a, b := pusherjs.Connect(t, js(t, s, "ada")), pusherjs.Connect(t, js(t, s, "grace"))
	for _, c := range []*pusherjs.Client{a, b} {
		c.Subscribe("private-x")
	}
	id := a.SocketID()
	if _, err := api.TriggerWithParams("private-x", "one", "x", pusher.TriggerParams{SocketID: &id}); err != nil {
		t.Fatal(err)
	}
	trigger(t, s, "private-x", "two", "x")
	b.Next("private-x", "one")
	a.Next("private-x", "two")
	for _, e := range a.Events("private-x") {
		if e.Name == "one" {
			t.Error("a gets its own")
		}
	}
}

//go:embed testdata/specs.js
var specsJS string

// pusher-js comes with specs of what it expects from a server, for channels of every kind.
func TestPusherJSsOwnSpecs(t *testing.T) {
	t.Parallel()
	s := start(t)
	api := goClient(s)
	helpers := http.NewServeMux()
	helpers.HandleFunc("POST /auth", func(w http.ResponseWriter, r *http.Request) {
		socket, channel := r.FormValue("socket_id"), r.FormValue("channel_name")
		data := fmt.Sprintf(`{"user_id":%q,"user_info":{"name":"Integration %[1]s","email":"integration-%[1]s@example.com"}}`, socket)
		json.NewEncoder(w).Encode(map[string]string{"auth": authFor(socket + ":" + channel + ":" + data), "channel_data": data})
	})
	helpers.HandleFunc("GET /v2/send", func(_ http.ResponseWriter, r *http.Request) {
		decode := func(name string) string {
			text, err := base64.StdEncoding.DecodeString(r.FormValue(name))
			if err != nil {
				t.Error(err)
			}
			return string(text)
		}
		if err := api.Trigger(decode("channel"), decode("event"), decode("data")); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(helpers)
	t.Cleanup(server.Close)

	// The specs mostly wait, so their three parts can run side by side.
	var mu sync.Mutex
	passed := map[string]bool{}
	t.Run("parts", func(t *testing.T) {
		for _, part := range []string{"with a public channel", "with a private channel", "with a presence channel"} {
			t.Run(part, func(t *testing.T) {
				t.Parallel()
				out := node(t, map[string]string{"pusher-js": pusherjs.Version, "jasmine": "5.12.0"}, specsJS, s.Host(), s.Port(), server.URL, part)
				lines := json.NewDecoder(strings.NewReader(string(out)))
				for lines.More() {
					var spec struct {
						Name, Status string
						Failures     []string
					}
					if err := lines.Decode(&spec); err != nil {
						t.Fatalf("%s: %v", out, err)
					}
					if spec.Status != "passed" {
						t.Errorf("%s: %s %q", spec.Name, spec.Status, spec.Failures)
					}
					mu.Lock()
					passed[spec.Name] = true
					mu.Unlock()
				}
			})
		}
	})
	if len(passed) != 31 {
		t.Errorf("%d specs ran, want 31", len(passed))
	}
}
