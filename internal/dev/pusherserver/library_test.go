package pusherserver_test

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/internal/dev/npm"
	"devinbox/internal/dev/pusherserver"
	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// goClient is a pusher-http-go client of a server.
func goClient(s *pusherserver.Server) *pusher.Client {
	return &pusher.Client{AppID: appID, Key: key, Secret: secret, Host: s.Address(), HTTPClient: &http.Client{Timeout: patience}}
}

func TestEveryCallOfPusherHTTPGo(t *testing.T) {
	t.Parallel()
	s := start(t)
	api := goClient(s)
	a, b := connect(t, s), connect(t, s)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// The library's own signatures are accepted.
	authorize := func(c *client, channel string) {
		t.Helper()
		params := []byte(url.Values{"socket_id": {c.id}, "channel_name": {channel}}.Encode())
		answer, err := api.AuthorizePrivateChannel(params)
		if strings.HasPrefix(channel, "presence-") {
			answer, err = api.AuthorizePresenceChannel(params, pusher.MemberData{UserID: "u", UserInfo: map[string]string{"name": "U"}})
		}
		must(err)
		var auth struct {
			Auth        string
			ChannelData *string `json:"channel_data"`
		}
		must(json.Unmarshal(answer, &auth))
		c.ask(channel, auth.Auth, auth.ChannelData)
		c.succeeded(channel)
	}
	authorize(a, "private-a;b,c@d=e")
	authorize(a, "presence-x")
	authorize(b, "presence-x")
	answer, err := api.AuthenticateUser([]byte("socket_id="+a.id), map[string]any{"id": "c:1"})
	must(err)
	a.sendRaw(1, []byte(`{"event":"pusher:signin","data":`+string(answer)+`}`))
	a.expect("pusher:signin_success")
	a.ask("#server-to-user-c:1", "", nil)
	a.succeeded("#server-to-user-c:1")

	must(api.Trigger("private-a;b,c@d=e", "one", map[string]string{"x": "<ä>"}))
	if got := a.expect("one").text(t); got != `{"x":"\u003cä\u003e"}` {
		t.Errorf("got %s", got)
	}
	must(api.TriggerMulti([]string{"presence-x", "private-a;b,c@d=e"}, "two", "text"))
	if first, second := a.expect("two"), a.expect("two"); first.Channel == second.Channel || first.text(t) != "text" {
		t.Errorf("got %+v and %+v", first, second)
	}
	b.expect("two")
	info := "user_count"
	counted, err := api.TriggerWithParams("presence-x", "three", "x", pusher.TriggerParams{SocketID: &b.id, Info: &info})
	must(err)
	if n := counted.Channels["presence-x"].UserCount; n == nil || *n != 1 {
		t.Errorf("counted %+v", counted)
	}
	a.expect("three")
	b.nothing()
	_, err = api.TriggerMultiWithParams([]string{"presence-x"}, "four", "x", pusher.TriggerParams{SocketID: &a.id})
	must(err)
	b.expect("four")
	count := "subscription_count"
	batch, err := api.TriggerBatch([]pusher.Event{
		{Channel: "presence-x", Name: "five", Data: "x", SocketID: &b.id, Info: &info},
		{Channel: "private-a;b,c@d=e", Name: "six", Data: "x", Info: &count},
		{Channel: "nobody", Name: "seven", Data: "x"},
	})
	must(err)
	if n := batch.Batch; len(n) != 3 || *n[0].UserCount != 1 || *n[1].SubscriptionCount != 1 || n[2].UserCount != nil {
		t.Errorf("counted %+v", batch)
	}
	a.expect("five")
	a.expect("six")
	must(api.SendToUser("c:1", "eight", "x"))
	a.expect("eight")
	a.nothing()
	b.nothing()

	prefix := "private-a;b,c@d="
	channels, err := api.Channels(pusher.ChannelsParams{FilterByPrefix: &prefix})
	must(err)
	if _, there := channels.Channels["private-a;b,c@d=e"]; !there || len(channels.Channels) != 1 {
		t.Errorf("channels %+v", channels)
	}
	presence := "presence-"
	channels, err = api.Channels(pusher.ChannelsParams{FilterByPrefix: &presence, Info: &info})
	must(err)
	if channels.Channels["presence-x"].UserCount != 1 {
		t.Errorf("channels %+v", channels)
	}
	channel, err := api.Channel("private-a;b,c@d=e", pusher.ChannelParams{Info: &count})
	must(err)
	if !channel.Occupied || channel.SubscriptionCount != 1 {
		t.Errorf("channel %+v", channel)
	}
	users, err := api.GetChannelUsers("presence-x")
	must(err)
	if len(users.List) != 1 || users.List[0].ID != "u" {
		t.Errorf("users %+v", users)
	}
	if err := api.Trigger("my-channel", "pusher:x", "x"); err == nil || !strings.Contains(err.Error(), "Status Code: 400") {
		t.Errorf("a refusal is %v", err)
	}
}

// oneConnection makes every request on the same connection, and fails once the server has ended it. Go's own transport
// begins another one if this machine stands still for a moment after a request.
type oneConnection struct {
	net.Conn
	answers *bufio.Reader
}

func (c *oneConnection) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(c); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.answers, r)
}

func TestAThousandTriggersOnOneConnection(t *testing.T) {
	t.Parallel()
	r := &pusherserver.Recorder{}
	s := start(t, func(o *pusherserver.Options) { o.Recorder = r })
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	api := goClient(s)
	api.HTTPClient = &http.Client{Transport: &oneConnection{conn, bufio.NewReader(conn)}}
	for i := range 1000 {
		if err := api.Trigger("my-channel", "my-event", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range r.Published() {
		if e.Data != fmt.Sprint(i) {
			t.Fatalf("at %d: %s", i, e.Data)
		}
	}
	if n := len(r.Published()); n != 1000 {
		t.Errorf("%d events", n)
	}
}

// Again and again, the server ends idle connections just when the next request comes.
func TestNoEventIsLostWithAnIdleConnection(t *testing.T) {
	t.Parallel()
	r := &pusherserver.Recorder{}
	const idle = 3 * time.Millisecond
	s := start(t, func(o *pusherserver.Options) { o.Recorder, o.IdleTimeout = r, idle })
	p := realtime.New(realtime.Options{AppID: appID, Key: key, Secret: secret, Host: s.Host(), Port: s.Port(), NoTLS: true})
	const n = 200
	for i := range n {
		event := chat.Event{EventKey: chat.EventKey{ClientID: "42", Version: int64(i + 1), Name: chat.NewMessage}, Message: &chat.Message{
			ID: "019ab000-0000-7000-8000-000000000001", ClientID: "42", Seq: 1, Version: int64(i + 1),
			Sender: chat.Sender{ID: "42", Role: chat.Client}, Body: "Hello", CreatedAt: chat.At(time.Now()),
		}}
		if d := p.Publish(t.Context(), []chat.Event{event}); len(d.Delivered) != 1 {
			t.Fatalf("event %d: %+v", i, d)
		}
		time.Sleep(idle)
	}
	if got := len(r.Published()); got < n {
		t.Errorf("%d of %d are published", got, n)
	}
}

//go:embed testdata/calls.js
var callsJS string

// node runs a script in which require finds packages, and returns what it prints.
func node(t testing.TB, packages map[string]string, script string, arguments ...string) []byte {
	t.Helper()
	dir, err := npm.Install(t.Context(), packages, nil)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", append([]string{"-e", script, "--"}, arguments...)...)
	command.Dir = dir
	out, err := command.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v: %s\n%s", err, failed.Stderr, out)
	} else if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEveryCallOfTheNodeLibrary(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b, other := connect(t, s), connect(t, s), connect(t, s)
	a.join("presence-x", `{"user_id":"u"}`)
	b.subscribe("private-a;b,c@d=e")
	signedIn(a, `{"id":"c:1 Ä"}`)
	signedIn(other, `{"id":"another"}`)
	a.ask("#server-to-user-c:1 Ä", "", nil)
	a.succeeded("#server-to-user-c:1 Ä")

	out := node(t, map[string]string{"pusher": "5.3.4"}, callsJS, s.Host(), s.Port(), a.id, b.id)
	var got []string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	want := []string{
		`200 {}`,
		`200 {"channels":{"presence-x":{"user_count":1}}}`,
		`200 {}`,
		`200 {"batch":[{"user_count":1},{}]}`,
		`200 {}`,
		`200 {"channels":{"private-a;b,c@d=e":{}}}`,
		`200 {"occupied":true,"subscription_count":1}`,
		`200 {"users":[{"id":"u"}]}`,
		`400 user_count is only for presence channels`,
		`413 The data content of this event exceeds the allowed maximum (10240 bytes)`,
		`200 {}`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	for _, event := range []string{"one", "three", "four", "six"} {
		a.expect(event)
	}
	if code := a.closed(); code != 4009 {
		t.Errorf("closed with %d", code)
	}
	for _, event := range []string{"three", "five"} {
		b.expect(event)
	}
	// The library's signatures for a channel and for a user are accepted.
	var signed struct{ Auth, ChannelData, User, UserData string }
	out = node(t, map[string]string{"pusher": "5.3.4"}, signJS, other.id)
	if err := json.Unmarshal(out, &signed); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	other.ask("presence-x", signed.Auth, &signed.ChannelData)
	other.succeeded("presence-x")
	b.send(object{"event": "pusher:signin", "data": object{"auth": signed.User, "user_data": signed.UserData}})
	b.problem() // it is for another socket
	other.send(object{"event": "pusher:signin", "data": object{"auth": signed.User, "user_data": signed.UserData}})
	other.expect("pusher:signin_success")
}

const signJS = `
const Pusher = require('pusher');
const pusher = new Pusher({ appId: '3', key: '` + key + `', secret: '` + secret + `', host: 'localhost' });
const [socket] = process.argv.slice(1);
const channel = pusher.authorizeChannel(socket, 'presence-x', { user_id: 'v', user_info: { name: 'V' } });
const user = pusher.authenticateUser(socket, { id: 'another' });
console.log(JSON.stringify({ Auth: channel.auth, ChannelData: channel.channel_data, User: user.auth, UserData: user.user_data }));
`
