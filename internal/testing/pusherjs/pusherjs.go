// Package pusherjs gives a test a real pusher-js client: the library that runs in a browser, here in a separate Node process.
// A test with two people has two clients:
//
//	grace := pusherjs.Connect(t, pusherjs.Options{Key: key, Host: host, Port: port, AuthEndpoint: url, Token: hers})
//	ada := pusherjs.Connect(t, pusherjs.Options{Key: key, Host: host, Port: port, AuthEndpoint: url, Token: his})
//	grace.Subscribe("private-client-42")
//	ada.Subscribe("private-client-42")
//	ada.Trigger("private-client-42", "client-typing", nil)
//	grace.Next("private-client-42", "client-typing")
//
// Anything unexpected fails the test at once, with the log of pusher-js. So call the methods in the goroutine of the
// test. Node and npm must be installed.
package pusherjs

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
)

// Version is the version of pusher-js that runs.
const Version = "8.6.0"

// User is the name that [Client.Next] and [Event] use as the channel of events to the signed-in user.
const User = "#user"

// patience is how long a test waits for what must come. pusher-js itself waits for 15 seconds if its first attempt to
// reconnect is refused.
const patience = 45 * time.Second

//go:embed driver.js
var driver string

// Options say where a client connects and how it authorises itself.
type Options struct {
	Key  string
	Host string // of the WebSockets, without TLS
	Port string

	// AuthEndpoint is the absolute URL that authorises private and presence channels. UserAuthEndpoint is the one that
	// signs in; if it is empty, it is AuthEndpoint.
	AuthEndpoint     string
	UserAuthEndpoint string
	// Token, if it is not empty, is sent to both as Authorization: Bearer, and Headers are sent as they are. As in a
	// browser, a program cannot set Cookie and Origin: pusher-js would leave them out.
	Token   string
	Headers map[string]string

	// ActivityTimeout and PongTimeout are those of pusher-js. Its own defaults are 120 s and 30 s.
	ActivityTimeout time.Duration
	PongTimeout     time.Duration
}

// Event is an event that a handler of the application received.
type Event struct {
	Channel string          // "" for an error of the connection, which is named "error"
	Name    string          // including pusher:subscription_succeeded, pusher:member_added and so on
	Data    json.RawMessage // as pusher-js decoded it: an object, or a string if that is not JSON
	UserID  string          // of the sender of a client event on a presence channel
}

// Members are the members of a presence channel.
type Members struct {
	Count   int                        `json:"count"`
	Me      Member                     `json:"me"`
	Members map[string]json.RawMessage `json:"members"` // their user_info, by user_id
}

// Member is a member of a presence channel.
type Member struct {
	ID   string          `json:"id"`
	Info json.RawMessage `json:"info"`
}

// Client is a pusher-js client in a process of its own, which ends with its test.
type Client struct {
	t     testing.TB
	stdin io.WriteCloser

	mu       sync.Mutex    // guards the fields below
	changed  chan struct{} // closed, and replaced, when any of them changes
	state    string
	socketID string
	events   []Event
	taken    []bool // which events Next has returned, one for each event
	lastID   int
	replies  map[int]reply
	ended    bool
	stderr   strings.Builder
}

type reply struct {
	value json.RawMessage
	err   string
}

// Connect starts a client, and waits until it is connected.
func Connect(t testing.TB, o Options) *Client {
	t.Helper()
	c := Start(t, o)
	c.WaitState("connected")
	return c
}

// Start starts a client, and does not wait until it is connected.
func Start(t testing.TB, o Options) *Client {
	t.Helper()
	dir, err := npm.Install(t.Context(), map[string]string{"pusher-js": Version}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{t: t, changed: make(chan struct{}), state: "initialized", replies: map[int]reply{}}
	c.run(dir)

	headers := map[string]string{}
	if o.Token != "" {
		headers["Authorization"] = "Bearer " + o.Token
	}
	for name, value := range o.Headers {
		if slices.Contains([]string{"Cookie", "Origin", "Referer", "Host"}, http.CanonicalHeaderKey(name)) {
			t.Fatalf("pusher-js would not send the header %s", name)
		}
		headers[name] = value
	}
	options := map[string]any{"wsHost": o.Host, "wsPort": json.Number(o.Port)}
	if o.ActivityTimeout > 0 {
		options["activityTimeout"] = o.ActivityTimeout.Milliseconds()
	}
	if o.PongTimeout > 0 {
		options["pongTimeout"] = o.PongTimeout.Milliseconds()
	}
	userAuthEndpoint := o.UserAuthEndpoint
	if userAuthEndpoint == "" {
		userAuthEndpoint = o.AuthEndpoint
	}
	c.do("start", map[string]any{
		"key": o.Key, "options": options, "headers": headers,
		"authEndpoint": o.AuthEndpoint, "userAuthEndpoint": userAuthEndpoint,
	})
	return c
}

// run starts Node so that require finds the packages of dir.
func (c *Client) run(dir string) {
	c.t.Helper()
	node := exec.Command("node", "-e", driver)
	node.Dir = dir
	node.Stderr = lockedWriter{c}
	stdin, err := node.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		c.t.Fatalf("node: %v", err)
	}
	c.stdin = stdin
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.listen(stdout)
	}()
	c.t.Cleanup(func() {
		stdin.Close() // then it exits
		kill := time.AfterFunc(patience, func() { node.Process.Kill() })
		defer kill.Stop()
		<-read
		if err := node.Wait(); err != nil {
			c.t.Errorf("node: %v: %s", err, c)
		}
	})
}

// listen reads what the process prints until it ends.
func (c *Client) listen(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	for {
		text, err := lines.ReadBytes('\n')
		var line struct {
			ID       int             `json:"id"`
			Value    json.RawMessage `json:"value"`
			Error    string          `json:"error"`
			State    string          `json:"state"`
			SocketID string          `json:"socketId"`
			Event    *Event          `json:"event"`
		}
		c.mu.Lock()
		switch {
		case err != nil:
			c.ended = true
		case json.Unmarshal(text, &line) != nil:
			fmt.Fprintf(&c.stderr, "%s", text)
		case line.Event != nil:
			c.events = append(c.events, *line.Event)
			c.taken = append(c.taken, false)
		case line.State != "":
			c.state, c.socketID = line.State, line.SocketID
		default:
			c.replies[line.ID] = reply{line.Value, line.Error}
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait returns when is, which is called under the lock, returns true. If that takes too long, the test fails.
func (c *Client) wait(what string, is func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		done, ended, changed := is(), c.ended, c.changed
		c.mu.Unlock()
		switch {
		case done:
			return
		case ended:
			c.t.Fatalf("pusher-js ended before %s: %s", what, c)
		}
		select {
		case <-changed:
		case <-deadline:
			c.t.Fatalf("not within %v: %s: %s", patience, what, c)
		}
	}
}

// String returns what has happened, for the message of a test that fails.
func (c *Client) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", c.state)
	for _, e := range c.events {
		fmt.Fprintf(&b, "\t%s %s %s\n", e.Channel, e.Name, e.Data)
	}
	b.WriteString(c.stderr.String())
	return b.String()
}

// try runs a command, and returns its result.
func (c *Client) try(command string, arguments map[string]any) (json.RawMessage, error) {
	c.t.Helper()
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	c.mu.Unlock()
	line := map[string]any{"id": id, "do": command}
	for name, value := range arguments {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		c.t.Fatalf("%s: %v", command, err)
	}
	if _, err := c.stdin.Write(append(text, '\n')); err != nil {
		c.t.Fatalf("%s: %v", command, err)
	}
	var r reply
	c.wait(command, func() bool {
		var done bool
		r, done = c.replies[id]
		return done
	})
	if r.err != "" {
		return nil, fmt.Errorf("%s: %s", command, r.err)
	}
	return r.value, nil
}

func (c *Client) do(command string, arguments map[string]any) json.RawMessage {
	c.t.Helper()
	value, err := c.try(command, arguments)
	if err != nil {
		c.t.Fatal(err)
	}
	return value
}

// Subscribe subscribes to a channel, and waits until that has succeeded.
func (c *Client) Subscribe(channel string) {
	c.t.Helper()
	if status := c.TrySubscribe(channel); status != 200 {
		c.t.Fatalf("the subscription to %s is refused with %d", channel, status)
	}
}

// TrySubscribe subscribes to a channel, and returns 200 or the status of the refusal: the endpoint's, or 401 if the
// server does not accept the endpoint's signature; 0 if the endpoint did not answer.
func (c *Client) TrySubscribe(channel string) (status int) {
	c.t.Helper()
	if err := json.Unmarshal(c.do("subscribe", map[string]any{"channel": channel}), &status); err != nil {
		c.t.Fatal(err)
	}
	return status
}

// Unsubscribe leaves a channel. The server does not confirm that.
func (c *Client) Unsubscribe(channel string) {
	c.t.Helper()
	c.do("unsubscribe", map[string]any{"channel": channel})
}

// Trigger sends a client event to the other subscribers of a channel. The server does not confirm that; a refusal
// arrives as an "error" event.
func (c *Client) Trigger(channel, event string, data any) {
	c.t.Helper()
	c.do("trigger", map[string]any{"channel": channel, "name": event, "data": data})
}

// SignIn signs in, and waits until events to the user would arrive.
func (c *Client) SignIn() {
	c.t.Helper()
	c.do("signin", nil)
}

// TrySignIn signs in like SignIn, and returns the error if that fails.
func (c *Client) TrySignIn() error {
	c.t.Helper()
	_, err := c.try("signin", nil)
	return err
}

// Members returns the current members of a presence channel.
func (c *Client) Members(channel string) Members {
	c.t.Helper()
	var m Members
	if err := json.Unmarshal(c.do("members", map[string]any{"channel": channel}), &m); err != nil {
		c.t.Fatal(err)
	}
	return m
}

// Next returns the data of the next event of this name on the channel: the first that Next has not returned yet. It
// waits if that has not come. It skips other events, which later calls can still return.
func (c *Client) Next(channel, event string) json.RawMessage {
	c.t.Helper()
	return c.NextEvent(channel, event).Data
}

// NextEvent is Next for the whole event.
func (c *Client) NextEvent(channel, event string) Event {
	c.t.Helper()
	var next Event
	c.wait(fmt.Sprintf("%s on %q", event, channel), func() bool {
		for i, e := range c.events {
			if !c.taken[i] && e.Channel == channel && e.Name == event {
				c.taken[i], next = true, e
				return true
			}
		}
		return false
	})
	return next
}

// Events returns the events of a channel that have come, oldest first, including those that Next returned. That an
// event is missing means something only after a later one has come: events come in the order of publishing.
func (c *Client) Events(channel string) []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.events), func(e Event) bool { return e.Channel != channel })
}

// Connect connects again after Disconnect, or after a refusal that pusher-js does not retry. It does not wait until it
// is connected.
func (c *Client) Connect() {
	c.t.Helper()
	c.do("connect", nil)
}

// Disconnect closes the connection, and waits until its state is disconnected.
func (c *Client) Disconnect() {
	c.t.Helper()
	c.do("disconnect", nil)
	c.WaitState("disconnected")
}

// State returns the state of the connection: initialized, connecting, connected, unavailable, failed or disconnected.
func (c *Client) State() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// WaitState waits until the connection is in one of these states. It may miss a state that lasts only for a moment.
func (c *Client) WaitState(states ...string) {
	c.t.Helper()
	c.wait(strings.Join(states, " or "), func() bool { return slices.Contains(states, c.state) })
}

// SocketID returns the id of the connection, which is new after each reconnect; "" while there is none.
func (c *Client) SocketID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != "connected" {
		return ""
	}
	return c.socketID
}

// WaitReconnected waits until the client has a connection with another id than old.
func (c *Client) WaitReconnected(old string) {
	c.t.Helper()
	c.wait("another connection", func() bool { return c.state == "connected" && c.socketID != old })
}

// lockedWriter keeps what pusher-js logs.
type lockedWriter struct{ c *Client }

func (w lockedWriter) Write(text []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.c.stderr.Write(text)
}
