package realtime_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/testing/logbook"
	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// The credentials of Pusher's own published examples.
const (
	appID  = "3"
	key    = "278d425bdf160c739803"
	secret = "7ad3773142a6692b25b8"
)

// sign is Pusher's signature of a text, implemented again so that the library's can be compared with it.
func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestTheSignatureOfTheTestsIsPushers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f": "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
		"1234.1234:private-foobar": "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
		`1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}`: "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80",
		`1234.1234::user::{"id":"12345"}`:                                              "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
	} {
		if got := sign(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// sent is one event as Pusher was asked to announce it.
type sent struct {
	Channel  string  `json:"channel"`
	Name     string  `json:"name"`
	Data     string  `json:"data"`
	SocketID *string `json:"socket_id"`
}

// api stands for Pusher's HTTP API: it accepts signed batches of events, and answers what it is told to.
type api struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	requests [][]sent
	answer   func([]sent) (status int, body string)
}

func newAPI(t testing.TB) *api {
	a := &api{t: t}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// ServeHTTP checks what Pusher checks, and answers 200 {} until Answer says otherwise.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = verify(r, "/apps/"+appID+"/batch_events", body)
	}
	var batch struct {
		Batch []sent `json:"batch"`
	}
	if err == nil {
		err = json.Unmarshal(body, &batch)
	}
	if err != nil {
		a.t.Errorf("a request that Pusher would refuse: %v", err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	a.mu.Lock()
	a.requests = append(a.requests, batch.Batch)
	answer := a.answer
	a.mu.Unlock()
	status, text := http.StatusOK, "{}"
	if answer != nil {
		status, text = answer(batch.Batch)
	}
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// verify checks a request as Pusher does: https://pusher.com/docs/channels/library_auth_reference/rest-api/#authentication.
func verify(r *http.Request, path string, body []byte) error {
	if r.Method != http.MethodPost || r.URL.Path != path {
		return fmt.Errorf("%s %s", r.Method, r.URL.Path)
	}
	if r.Header.Get("Content-Type") != "application/json" {
		return errors.New("not JSON")
	}
	values := map[string]string{}
	var signed []string
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
		if name != "auth_signature" {
			signed = append(signed, pair)
		}
	}
	slices.Sort(signed)
	sum := md5.Sum(body)
	at, _ := strconv.ParseInt(values["auth_timestamp"], 10, 64)
	switch {
	case values["auth_key"] != key || values["auth_version"] != "1.0":
		return errors.New("wrong key or version")
	case values["body_md5"] != hex.EncodeToString(sum[:]):
		return errors.New("wrong digest of the body")
	case time.Since(time.Unix(at, 0)).Abs() > 600*time.Second:
		return errors.New("timestamp expired")
	case values["auth_signature"] != sign(r.Method+"\n"+r.URL.Path+"\n"+strings.Join(signed, "&")):
		return errors.New("wrong signature")
	}
	return nil
}

// Answer sets a function that decides every later answer.
func (a *api) Answer(f func(events []sent) (status int, body string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// Always sets the answer of every later request.
func (a *api) Always(status int, body string) {
	a.Answer(func([]sent) (int, string) { return status, body })
}

// Requests returns the events of each request so far.
func (a *api) Requests() [][]sent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

// Only returns the events of the one request that was made.
func (a *api) Only(t testing.TB) []sent {
	t.Helper()
	requests := a.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests, want 1", len(requests))
	}
	return requests[0]
}

// journal is a log that can be read back while it is written.
type journal struct{ logbook.Book }

// Lines returns the records of one level.
func (j *journal) Lines(level slog.Level) []string {
	var found []string
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, "level="+level.String()+" ") {
			found = append(found, line)
		}
	}
	return found
}

// options returns the options for an app on the server at serverURL, and its log.
func options(t testing.TB, serverURL string) (realtime.Options, *journal) {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	return realtime.Options{
		AppID: appID, Key: key, Secret: secret,
		Host: u.Hostname(), Port: u.Port(), NoTLS: u.Scheme == "http",
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}, log
}

// publisher returns a publisher to the server at serverURL, and its log.
func publisher(t testing.TB, serverURL string) (*realtime.Publisher, *journal) {
	t.Helper()
	o, log := options(t, serverURL)
	p := realtime.New(o)
	t.Cleanup(p.Transport().CloseIdleConnections)
	return p, log
}

// unreachable returns a URL where nothing listens.
func unreachable(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

var moment = chat.At(time.Date(2026, 11, 23, 10, 0, 0, 123_000_000, time.UTC))

func pointer[T any](v T) *T { return &v }

// message is the event of a new message with this body, from client 42 in its conversation.
func message(version int64, body string) chat.Event {
	return chat.Event{
		EventKey: chat.EventKey{ClientID: "42", Version: version, Name: chat.NewMessage},
		Message: &chat.Message{
			ID: "019ab000-0000-7000-8000-000000000001", ClientID: "42", Seq: version, Version: version,
			Sender: chat.Sender{ID: "42", Role: chat.Client, Name: pointer("Grace")},
			Body:   body, ClientMessageID: pointer("8c"), CreatedAt: moment,
		},
	}
}

// changed is the inbox's event for a change of client 42's conversation.
func changed(version int64) chat.Event {
	return chat.Event{
		EventKey:     chat.EventKey{ClientID: "42", Version: version, Name: chat.ConversationUpdated, ToInbox: true},
		Conversation: &chat.Conversation{ClientID: "42", Status: chat.Open, Version: version, CreatedAt: moment, UpdatedAt: moment},
	}
}

// read is the event of a read mark of client 42.
func read(version int64) chat.Event {
	return chat.Event{
		EventKey: chat.EventKey{ClientID: "42", Version: version, Name: chat.MessagesRead},
		Read:     &chat.ReadEvent{ClientID: "42", Side: chat.Client, UpToSeq: 1, ReadAt: &moment, Reader: chat.Sender{ID: "42", Role: chat.Client}, Version: version},
	}
}

func keys(events ...chat.Event) []chat.EventKey {
	var k []chat.EventKey
	for _, e := range events {
		k = append(k, e.EventKey)
	}
	return k
}

// mustBe compares a Delivery.
func mustBe(t testing.TB, got chat.Delivery, delivered, refused []chat.EventKey, rejected ...chat.EventKey) {
	t.Helper()
	if !slices.Equal(got.Delivered, delivered) || !slices.Equal(got.Refused, refused) || !slices.Equal(got.Rejected, rejected) {
		t.Errorf("delivered %v, refused %v, rejected %v, want %v, %v, %v", got.Delivered, got.Refused, got.Rejected, delivered, refused, rejected)
	}
}
