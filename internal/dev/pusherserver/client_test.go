package pusherserver_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"devinbox/internal/dev/pusherserver"

	"devinbox/internal/testing/logbook"
)

// The credentials of Pusher's own published examples.
const (
	appID  = "3"
	key    = "278d425bdf160c739803"
	secret = "7ad3773142a6692b25b8"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// sign is Pusher's signature of a text, implemented again for the tests.
func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func authFor(text string) string { return key + ":" + sign(text) }

func credentials() pusherserver.Options {
	return pusherserver.Options{AppID: appID, Key: key, Secret: secret}
}

// start runs a server with the published credentials until the test ends.
func start(t testing.TB, set ...func(*pusherserver.Options)) *pusherserver.Server {
	t.Helper()
	o := credentials()
	for _, f := range set {
		f(&o)
	}
	s, err := pusherserver.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// frame is a frame that a client receives.
type frame struct {
	Event   string          `json:"event"`
	Channel string          `json:"channel"`
	Data    json.RawMessage `json:"data"`
	UserID  *string         `json:"user_id"`
}

// text returns the data, which must be a string: otherwise the test fails.
func (f frame) text(t testing.TB) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(f.Data, &s); err != nil {
		t.Fatalf("data is no string: %s", f.Data)
	}
	return s
}

// client is a raw WebSocket.
type client struct {
	t      testing.TB
	socket *websocket.Conn
	id     string
}

// open opens a WebSocket, and waits for no frame.
func open(t testing.TB, s *pusherserver.Server, path string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, s.URL()+path, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	socket.SetReadLimit(1 << 20)
	t.Cleanup(func() { socket.CloseNow() })
	return &client{t: t, socket: socket}
}

const appPath = "/app/" + key + "?protocol=7&client=js&version=8.6.0&flash=false"

// connect opens a connection and reads its id.
func connect(t testing.TB, s *pusherserver.Server) *client {
	t.Helper()
	c := open(t, s, appPath)
	var hello struct {
		SocketID string `json:"socket_id"`
	}
	if err := json.Unmarshal([]byte(c.expect("pusher:connection_established").text(t)), &hello); err != nil || hello.SocketID == "" {
		t.Fatal("no socket id")
	}
	c.id = hello.SocketID
	return c
}

func (c *client) sendRaw(kind websocket.MessageType, data []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.socket.Write(ctx, kind, data); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) send(v any) {
	c.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	c.sendRaw(websocket.MessageText, data)
}

func (c *client) read() (frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, data, err := c.socket.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	return f, json.Unmarshal(data, &f)
}

// next returns the next frame, of any event.
func (c *client) next() frame {
	c.t.Helper()
	f, err := c.read()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return f
}

// expect returns the next frame, which must be of this event.
func (c *client) expect(event string) frame {
	c.t.Helper()
	f := c.next()
	if f.Event != event {
		c.t.Fatalf("got %s %s %s, want %s", f.Event, f.Channel, f.Data, event)
	}
	return f
}

// nothing makes sure that no frame is on its way: frames come in order, so the next is the pong of a ping.
func (c *client) nothing() {
	c.t.Helper()
	c.send(map[string]any{"event": "pusher:ping", "data": map[string]any{}})
	c.expect("pusher:pong")
}

// closed returns the code of the close frame, which must come next.
func (c *client) closed() websocket.StatusCode {
	c.t.Helper()
	f, err := c.read()
	if err == nil {
		c.t.Fatalf("open, and got %s", f.Event)
	}
	return websocket.CloseStatus(err)
}

// problem returns the code and the message of a pusher:error, which must come next.
func (c *client) problem() (code *int, message string) {
	c.t.Helper()
	var p struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if f := c.expect("pusher:error"); json.Unmarshal(f.Data, &p) != nil || p.Message == "" {
		c.t.Fatalf("an error without a message: %s", f.Data)
	}
	return p.Code, p.Message
}

// ask sends a subscription with exactly these values.
func (c *client) ask(channel, auth string, channelData *string) {
	c.t.Helper()
	data := map[string]any{"channel": channel, "auth": auth}
	if channelData != nil {
		data["channel_data"] = *channelData
	}
	c.send(map[string]any{"event": "pusher:subscribe", "data": data})
}

// subscribe subscribes with a valid signature, and waits until that has succeeded.
func (c *client) subscribe(channel string) frame {
	c.t.Helper()
	c.ask(channel, authFor(c.id+":"+channel), nil)
	return c.succeeded(channel)
}

// join subscribes to a presence channel with this channel_data.
func (c *client) join(channel, channelData string) frame {
	c.t.Helper()
	c.ask(channel, authFor(c.id+":"+channel+":"+channelData), &channelData)
	return c.succeeded(channel)
}

func (c *client) succeeded(channel string) frame {
	c.t.Helper()
	f := c.expect("pusher_internal:subscription_succeeded")
	if f.Channel != channel {
		c.t.Fatalf("subscribed to %s, want %s", f.Channel, channel)
	}
	return f
}

// refused returns the status of the pusher:subscription_error, which must come next.
func (c *client) refused(channel string) int {
	c.t.Helper()
	f := c.expect("pusher:subscription_error")
	var e struct {
		Type, Error string
		Status      int
	}
	if err := json.Unmarshal([]byte(f.text(c.t)), &e); err != nil || f.Channel != channel || e.Type != "AuthError" || e.Error == "" {
		c.t.Fatalf("%s: %s", f.Channel, f.Data)
	}
	return e.Status
}

func (c *client) unsubscribe(channel string) {
	c.t.Helper()
	c.send(map[string]any{"event": "pusher:unsubscribe", "data": map[string]any{"channel": channel}})
}

func (c *client) signIn(userData string) {
	c.t.Helper()
	c.send(map[string]any{"event": "pusher:signin", "data": map[string]any{"auth": authFor(c.id + "::user::" + userData), "user_data": userData}})
}

// request is a request to the HTTP API before it is signed.
type request struct {
	Method, Path string
	Query        map[string]string
	Body         string
	Key, Secret  string
	At           time.Time
	Change       func(*http.Request, url.Values) // after signing
}

// do signs the request, sends it, and returns the answer.
func (r request) do(t testing.TB, s *pusherserver.Server) (status int, body string, header http.Header) {
	t.Helper()
	if r.At.IsZero() {
		r.At = time.Now()
	}
	if r.Key == "" {
		r.Key = key
	}
	if r.Secret == "" {
		r.Secret = secret
	}
	query := map[string]string{"auth_key": r.Key, "auth_timestamp": strconv.FormatInt(r.At.Unix(), 10), "auth_version": "1.0"}
	if r.Body != "" {
		sum := md5.Sum([]byte(r.Body))
		query["body_md5"] = hex.EncodeToString(sum[:])
	}
	maps.Copy(query, r.Query)
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(query)) {
		pairs = append(pairs, k+"="+query[k])
	}
	mac := hmac.New(sha256.New, []byte(r.Secret))
	mac.Write([]byte(r.Method + "\n" + r.Path + "\n" + strings.Join(pairs, "&")))
	values := url.Values{"auth_signature": {hex.EncodeToString(mac.Sum(nil))}}
	for k, v := range query {
		values.Set(k, v)
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = r.Path
	out, err := http.NewRequestWithContext(t.Context(), r.Method, u.String(), strings.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	if r.Change != nil {
		r.Change(out, values)
	}
	if out.URL.RawQuery == "" {
		out.URL.RawQuery = values.Encode()
	}
	response, err := http.DefaultClient.Do(out)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

// post sends a signed body to /apps/3/…, and returns the answer.
func post(t testing.TB, s *pusherserver.Server, path string, body any) (int, string) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, text, _ := request{Method: "POST", Path: "/apps/" + appID + path, Body: string(data)}.do(t, s)
	return status, text
}

// trigger publishes one event, which must be accepted.
func trigger(t testing.TB, s *pusherserver.Server, channel, name, data string) {
	t.Helper()
	if status, text := post(t, s, "/events", map[string]any{"channel": channel, "name": name, "data": data}); status != 200 || text != "{}" {
		t.Fatalf("%d %s", status, text)
	}
}

// get makes a signed GET request.
func get(t testing.TB, s *pusherserver.Server, path string, query map[string]string) (int, string) {
	t.Helper()
	status, text, _ := request{Method: "GET", Path: "/apps/" + appID + path, Query: query}.do(t, s)
	return status, text
}

// eventually waits until is returns true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func pointer[T any](v T) *T { return &v }

func name(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// journal is a log that can be read back while it is written.
type journal struct{ logbook.Book }

func (j *journal) keep(o *pusherserver.Options) { o.Log = slog.New(slog.NewTextHandler(j, nil)) }
