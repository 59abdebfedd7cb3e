package handler_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/serve"
	"devinbox/internal/testing/logbook"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
)

// fuzzedCall is a function and one of its methods, as a fuzzer picks them.
type fuzzedCall struct{ method, path string }

// fuzzedCalls are all that somebody else than the cron and a monitor calls.
var fuzzedCalls = []fuzzedCall{
	{"POST", "/api/messages/send"}, {"POST", "/api/messages/read"}, {"GET", "/api/messages/list"},
	{"PATCH", "/api/messages/edit"}, {"DELETE", "/api/messages/edit"},
	{"GET", "/api/conversations/list"}, {"POST", "/api/conversations/update"},
	{"POST", "/api/pusher/auth"}, {"POST", "/api/pusher/webhook"},
	{"GET", "/api/session"}, {"POST", "/api/session"}, {"DELETE", "/api/session"},
	{"POST", "/api/attachments"}, {"GET", "/api/attachments"},
}

// fuzzedApp is a deployment that a fuzzer calls in this process, with a real database and a Pusher-protocol server.
// Clients 42 and developer ada have each sent a message there.
type fuzzedApp struct {
	ctx        context.Context // of a request
	log        *logbook.Book
	grace, ada string // tokens
	messageID  string // grace's
}

func newFuzzedApp(f *testing.F) *fuzzedApp {
	f.Helper()
	pusher, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(pusher.Close)
	environment := map[string]string{
		// No object store is there: what asks one is answered 503.
		"S3_ENDPOINT": "http://127.0.0.1:1", "S3_REGION": "auto", "S3_BUCKET": "bucket", "S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret",
		"DATABASE_URL": testdb.Deployed(f, testdb.New(f)), "CHAT_JWT_SECRET": jwtSecret, "CRON_SECRET": cronSecret,
		"CHAT_RATE_LIMIT": "0", "CHAT_GUESTS": "true", "CHAT_CHANNELS": "presence",
		"PUSHER_APP_ID": "1", "PUSHER_SECRET": "test-secret", "NEXT_PUBLIC_PUSHER_KEY": "test-key", "NEXT_PUBLIC_PUSHER_CLUSTER": "local",
		"PUSHER_HOST": pusher.Host(), "PUSHER_PORT": pusher.Port(), "PUSHER_USE_TLS": "false",
	}
	settings, fault := config.Load(func(name string) string { return environment[name] })
	w := &fuzzedApp{log: &logbook.Book{}}
	a := app.New(settings, fault, slog.New(slog.NewJSONHandler(w.log, nil)))
	f.Cleanup(a.Close)
	w.ctx = app.NewContext(context.Background(), a)
	w.grace = signed(f, chat.Identity{ID: "42", Role: chat.Client, Name: "Grace"})
	w.ada = signed(f, chat.Identity{ID: "ada", Role: chat.Developer, Name: "Ada"})
	sent := w.call(f, fuzzedCalls[0], w.grace, "application/json", "", `{"body":"Hello"}`)
	var answer struct{ Message struct{ ID string } }
	if err := json.Unmarshal(sent.Body.Bytes(), &answer); err != nil || sent.Code != http.StatusCreated {
		f.Fatalf("%d %s", sent.Code, sent.Body)
	}
	w.messageID = answer.Message.ID
	return w
}

// call makes a request in this process, and has the answer checked against the document. What comes to the webhook is
// signed, so that it is read.
func (w *fuzzedApp) call(t testing.TB, c fuzzedCall, token, contentType, query, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(w.ctx, c.method, c.path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header["Content-Type"] = []string{contentType}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	mac := hmac.New(sha256.New, []byte("test-secret"))
	mac.Write([]byte(body))
	r.Header.Set("X-Pusher-Key", "test-key")
	r.Header.Set("X-Pusher-Signature", hex.EncodeToString(mac.Sum(nil)))
	answer := httptest.NewRecorder()
	documented(t).Handler(t, serve.Functions[c.path]).ServeHTTP(answer, r)
	return answer
}

// Whatever is sent to whichever function by whomever, the answer is one of the document's, and no failure of ours.
func FuzzWhatAFunctionIsSent(f *testing.F) {
	w := newFuzzedApp(f)
	const form = "application/x-www-form-urlencoded"
	id := fmt.Sprintf("%q", w.messageID)
	now := time.Now().UnixMilli()
	for _, seed := range []struct{ path, method, contentType, query, body string }{
		{"/api/messages/send", "POST", "application/json", "", `{"clientId":"42","body":"Hello","clientMessageId":"k","socketId":"1.2","create":true}`},
		{"/api/messages/send", "POST", "application/json; charset=utf-8", "", `{"body":"\u0000\ud83d\ude00\u0085 \r\n","clientId":null}`},
		{"/api/messages/send", "POST", "application/json", "a=b", "{\"clientId\":\"\xff\",\"body\":\"\\ud800\"}"},
		{"/api/messages/read", "POST", "application/json", "", `{"clientId":"42","upToSeq":9223372036854775807,"socketId":""}`},
		{"/api/messages/list", "GET", "", "clientId=42&limit=100&after=0", ""},
		{"/api/messages/list", "GET", "", "before=9223372036854775807", ""},
		{"/api/messages/list", "GET", "", "changedSince=1&x-vercel-id=a&limit=01", ""},
		{"/api/messages/edit", "PATCH", "application/json", "", `{"messageId":` + id + `,"body":"Hello again","ifVersion":1}`},
		{"/api/messages/edit", "PATCH", "application/json", "", `{"messageId":` + id + `,"body":"Hello","ifVersion":-9223372036854775808}`},
		{"/api/messages/edit", "DELETE", "application/json", "", `{"clientId":"42","messageId":"00000000-0000-0000-0000-000000000000"}`},
		{"/api/conversations/list", "GET", "", "status=all&unread=true&assigneeId=none&q=gra%25&limit=1", ""},
		{"/api/conversations/list", "GET", "", "since=MS4y&cursor=MTox&q=%F0%9F%98%80", ""},
		{"/api/conversations/list", "GET", "", "q=zoe%CC%88%00&cursor=", ""},
		{"/api/conversations/update", "POST", "application/json", "", `{"clientId":"42","status":"closed","assigneeId":null,"clientName":"Z\u200b\u202eoë","socketId":"1.2"}`},
		{"/api/pusher/auth", "POST", form, "", "socket_id=1.2&channel_name=presence-client-42"},
		{"/api/pusher/auth", "POST", form, "", "socket_id=1.2&channel_name=%3A%3Auser%3A%3A%7B%22id%22%3A%22x%22%7D"},
		{"/api/pusher/auth", "POST", "application/json", "", `{"socket_id":"1.2","channel_name":null}`},
		{"/api/pusher/webhook", "POST", "application/json", "", fmt.Sprintf(`{"time_ms":%d,"events":[{"name":"member_added","channel":"presence-client-42","user_id":"c:42"},{"name":"x","user_id":1}]}`, now)},
		{"/api/pusher/webhook", "POST", "application/json", "", `{"time_ms":1e400,"events":null}`},
		{"/api/session", "GET", "", "", ""},
		{"/api/session", "POST", "application/json", "", `{"name":"\u202e\u200b","email":"\u0000@"}`},
		{"/api/session", "DELETE", "", "x=1", ""},
		{"/api/attachments", "POST", "application/json", "", `{"clientId":"42","fileName":"a/\u202e\"b.svg","mediaType":"Image/SVG+XML","size":1,"width":1}`},
		{"/api/attachments", "POST", "application/json", "", `{"fileName":"\u0000","mediaType":"a/b;c","size":9223372036854775807,"height":-1}`},
		{"/api/attachments", "GET", "", "clientId=42&ids=" + w.messageID + "," + w.messageID, ""},
		{"/api/messages/send", "POST", "application/json", "", `{"clientId":"42","attachmentIds":[` + id + `],"clientMessageId":"f"}`},
	} {
		call := slices.Index(fuzzedCalls, fuzzedCall{seed.method, seed.path})
		for who := range 3 {
			f.Add(uint(call), uint(who), seed.contentType, seed.query, seed.body)
		}
	}
	f.Fuzz(func(t *testing.T, call, who uint, contentType, query, body string) {
		c := fuzzedCalls[call%uint(len(fuzzedCalls))]
		token := [...]string{w.grace, w.ada, ""}[who%3]
		answer := w.call(t, c, token, contentType, query, body)
		if answer.Code >= 500 {
			t.Errorf("%s %s: %d %s\n%s", c.method, c.path, answer.Code, answer.Body, w.log)
		}
		if media, _, _ := mime.ParseMediaType(answer.Header().Get("Content-Type")); answer.Code >= 400 && media != "application/problem+json" {
			t.Errorf("%s %s: %d of type %q", c.method, c.path, answer.Code, media)
		}
	})
}

// Whatever somebody calls itself by, a cookie or a token or both, it is one of the identities that were signed or nobody.
func FuzzACredential(f *testing.F) {
	w := newFuzzedApp(f)
	for _, seed := range [][2]string{
		{"", ""}, {"Bearer", ""}, {"Bearer " + w.grace, ""}, {"bearer\t" + w.ada + " ", "devinbox_session=x"},
		{"", "devinbox_session=" + w.grace}, {"", "devinbox_session=" + w.grace + "; devinbox_session=" + w.ada},
		{"", "authjs.session-token.0=a; authjs.session-token.1=b"}, {"Basic eDp5", "=; ;;devinbox_session"}, {"Bearer \xff.\x00.", "devinbox_session=\"\x00\""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, authorization, cookie string) {
		r := httptest.NewRequestWithContext(w.ctx, http.MethodGet, "/api/session", nil)
		r.Header["Authorization"], r.Header["Cookie"] = []string{authorization}, []string{cookie}
		answer := httptest.NewRecorder()
		documented(t).Handler(t, serve.Functions["/api/session"]).ServeHTTP(answer, r)
		if answer.Code != http.StatusUnauthorized && !(answer.Code == http.StatusOK && holdsToken(authorization+" "+cookie)) {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}

var tokenForm = regexp.MustCompile(`([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)`)

// holdsToken tells whether a text holds a token that our secret has signed. A fuzzer's processes each sign their own.
func holdsToken(text string) bool {
	for _, token := range tokenForm.FindAllStringSubmatch(text, -1) {
		mac := hmac.New(sha256.New, []byte(jwtSecret))
		mac.Write([]byte(token[1]))
		if token[2] == base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// A channel is signed only for its own client or for a developer, and only the name that its conversation has.
func FuzzAChannel(f *testing.F) {
	w := newFuzzedApp(f)
	for _, name := range []string{
		"presence-client-42", "presence-client-43", "private-developer-inbox", "private-client-42", "presence-client-=34=32", "presence-client-a=2Fb",
		"", "presence-", "presence-cache-client-42", "private-encrypted-client-42", "#server-to-user-42", `::user::{"id":"d:ada"}`, "presence-client-42\n", "presence-client-=", "presence-client-=ZZ", "presence-client-é",
	} {
		f.Add("1.2", name)
	}
	f.Add("1.2:presence-client-42", "x")
	f.Add("", "presence-client-42")
	f.Fuzz(func(t *testing.T, socket, channel string) {
		call := fuzzedCall{"POST", "/api/pusher/auth"}
		form := url.Values{"socket_id": {socket}, "channel_name": {channel}}.Encode()
		for token, allowed := range map[string]func(string) bool{
			w.grace: func(name string) bool { return name == "presence-client-42" },
			w.ada: func(name string) bool {
				return name == "private-developer-inbox" || strings.HasPrefix(name, "presence-client-") && len(name) > len("presence-client-")
			},
		} {
			answer := w.call(t, call, token, "application/x-www-form-urlencoded", "", form)
			if answer.Code >= 500 || answer.Code == http.StatusOK && !allowed(channel) {
				t.Errorf("%q, %q: %d %s", socket, channel, answer.Code, answer.Body)
			}
		}
	})
}
