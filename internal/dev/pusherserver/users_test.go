package pusherserver_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// signedIn signs a connection in as a user.
func signedIn(c *client, userData string) {
	c.t.Helper()
	c.signIn(userData)
	var success struct {
		UserData string `json:"user_data"`
	}
	if err := json.Unmarshal([]byte(c.expect("pusher:signin_success").text(c.t)), &success); err != nil || success.UserData != userData {
		c.t.Fatalf("signed in with %q", success.UserData)
	}
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, other := connect(t, s), connect(t, s)
	const data = `{"id":"u1", "name":"Ä<b>"}`
	for what, auth := range map[string]string{
		"no auth":           "",
		"another signature": key + ":" + strings.Repeat("0", 64),
		"another key":       "another:" + sign(c.id+"::user::"+data),
		"another socket":    authFor(other.id + "::user::" + data),
		"a channel's":       authFor(c.id + ":user:" + data),
	} {
		c.send(map[string]any{"event": "pusher:signin", "data": map[string]any{"auth": auth, "user_data": data}})
		if code, message := c.problem(); code != nil || strings.Contains(message, sign(c.id+"::user::"+data)) {
			t.Errorf("%s: %v %s", what, code, message)
		}
	}
	for _, data := range []string{`{}`, `{"id":""}`, `{"id":1}`, `{"id":null}`, `[]`, `x`, ``} {
		c.signIn(data)
		c.problem()
	}
	c.ask("#server-to-user-u1", "", nil)
	if status := c.refused("#server-to-user-u1"); status != 401 {
		t.Errorf("status %d", status)
	}

	signedIn(c, data)
	signedIn(c, `{"id":"u1"}`)
	c.signIn(`{"id":"u2"}`)
	if code, _ := c.problem(); code != nil {
		t.Errorf("code %d", *code)
	}
	for _, channel := range []string{"#server-to-user-u2", "#server-to-user-u1x", "#server-to-user-", "#u1"} {
		c.ask(channel, authFor(c.id+":"+channel), nil)
		if status := c.refused(channel); status != 401 {
			t.Errorf("%s: status %d", channel, status)
		}
	}
	c.ask("#server-to-user-u1", "", nil)
	c.succeeded("#server-to-user-u1")
	c.nothing()
}

func TestEventsToAUserReachOnlyThatOne(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, id := range []string{"u1", "c:42", "a b", "Ä\U0001F600", `a"\/b`, strings.Repeat("x", 200)} {
		a, b, c := connect(t, s), connect(t, s), connect(t, s)
		data, _ := json.Marshal(map[string]string{"id": id})
		signedIn(a, string(data))
		signedIn(b, string(data))
		signedIn(c, `{"id":"another"}`)
		for _, client := range []*client{a, b} {
			client.ask("#server-to-user-"+id, "", nil)
			client.succeeded("#server-to-user-" + id)
		}
		trigger(t, s, "#server-to-user-"+id, "hello", "x")
		for _, client := range []*client{a, b} {
			if f := client.expect("hello"); f.Channel != "#server-to-user-"+id {
				t.Errorf("%q: on %s", id, f.Channel)
			}
		}
		c.nothing()
		if _, text := get(t, s, "/channels", nil); text != `{"channels":{}}` {
			t.Errorf("listed: %s", text)
		}
		a.socket.CloseNow()
		b.socket.CloseNow()
	}
	for _, channel := range []string{"#server-to-user-", "#server-to-user-" + strings.Repeat("x", 201), "#u1"} {
		if status, _ := post(t, s, "/events", map[string]any{"channel": channel, "name": "hello", "data": "x"}); status != 400 {
			t.Errorf("%.30s: %d", channel, status)
		}
	}
}

func TestAMemberIsWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t))
	signedIn(c, `{"id":"u1","user_info":{"name":"Grace"},"watchlist":[]}`)
	c.ask("presence-x", authFor(c.id+":presence-x"), nil)
	if got := c.succeeded("presence-x").text(t); got != `{"presence":{"ids":["u1"],"hash":{"u1":{"name":"Grace"}},"count":1}}` {
		t.Errorf("finds %s", got)
	}
	// The signed channel_data takes precedence over the signed-in user.
	if got := c.join("presence-y", `{"user_id":"u2"}`).text(t); got != `{"presence":{"ids":["u2"],"hash":{"u2":null},"count":1}}` {
		t.Errorf("finds %s", got)
	}
	signedIn(c, `{"id":"u1","user_info":{"x":"`+strings.Repeat("x", 1024)+`"}}`)
	c.ask("presence-z", authFor(c.id+":presence-z"), nil)
	if status := c.refused("presence-z"); status != 400 {
		t.Errorf("too much to say: status %d", status)
	}
}

func TestTerminatingTheConnectionsOfAUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	const id = "c:4 2/Ä"
	a, b, other, anonymous := connect(t, s), connect(t, s), connect(t, s), connect(t, s)
	signedIn(a, `{"id":"`+id+`"}`)
	signedIn(b, `{"id":"`+id+`"}`)
	signedIn(other, `{"id":"c:4"}`)
	a.join("presence-x", `{"user_id":"1"}`)
	other.join("presence-x", `{"user_id":"2"}`)
	a.expect("pusher_internal:member_added")
	// A member of that name is not a user: it has not signed in.
	anonymous.join("presence-y", `{"user_id":"`+id+`"}`)

	status, text, _ := request{Method: "POST", Path: "/apps/3/users/" + id + "/terminate_connections", Body: "{}", Change: func(r *http.Request, _ url.Values) {
		r.URL.RawPath = "/apps/3/users/" + url.PathEscape(id) + "/terminate_connections"
	}}.do(t, s)
	if status != 200 || text != "{}" {
		t.Fatalf("%d %s", status, text)
	}
	for _, c := range []*client{a, b} {
		if code := c.closed(); code != 4009 {
			t.Errorf("closed with %d", code)
		}
	}
	if f := other.expect("pusher_internal:member_removed"); f.text(t) != `{"user_id":"1"}` {
		t.Errorf("removed %s", f.Data)
	}
	other.nothing()
	anonymous.nothing()
	if status, text := post(t, s, "/users/nobody/terminate_connections", struct{}{}); status != 200 || text != "{}" {
		t.Errorf("nobody: %d %s", status, text)
	}
}

// The client may not have read the close frame yet, and may send more.
func TestAConnectionThatIsTerminatedJoinsNothingMore(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, other := connect(t, s), connect(t, s)
	signedIn(c, `{"id":"u1"}`)
	other.join("presence-x", `{"user_id":"2"}`)
	if status, text := post(t, s, "/users/u1/terminate_connections", struct{}{}); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	c.ask("presence-x", authFor(c.id+`:presence-x:{"user_id":"1"}`), pointer(`{"user_id":"1"}`))
	if code := c.closed(); code != 4009 {
		t.Errorf("closed with %d", code)
	}
	for range 20 {
		other.nothing()
		time.Sleep(5 * time.Millisecond)
	}
}
