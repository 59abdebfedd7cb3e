package handler_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/internal/testing/objectstores"
	"devinbox/pkg/chat"
)

// What is protected against what is listed in docs/security.md, whose numbers stand beside these tests.

// forge makes a token of any header and payload, signed as HS256 whatever they say.
func forge(secret, header, payload string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// saying is somebody with a good token that says this beside its age.
func (w *world) saying(members string) person {
	return person{world: w, token: forge(jwtSecret, hs256, fmt.Sprintf(`{"exp":%d,%s}`, time.Now().Add(time.Hour).Unix(), members))}
}

// climbing are claims that somebody can write by itself at one provider or another, or that are almost the right ones.
const climbing = `"role":"Developer","Role":"developer","roles":["developer"],"user_metadata":{"role":"developer"},"app_metadata":{"role":"developer"},
	"https://example.com/role":"developer","name":"developer","nickname":"ada","email":"ada@example.com","email_verified":"true","scope":"developer","is_developer":true`

// attempt is one request about the conversation of the client 42, for every sort of caller. A position is where the id
// stands. OWN is the caller's own id and MESSAGE that of a message of the client's.
type attempt struct {
	name, position     string
	method, path, body string
	headers            []string
	stranger           int // wanted of nobody, and of whoever has a bad credential
	other              int // of another client, whatever it says of its role
	owner, developer   int
}

const form = "application/x-www-form-urlencoded"

var attempts = []attempt{
	{"send", "body", "POST", "/api/messages/send", `{"clientId":"42","body":"a"}`, nil, 401, 403, 201, 201},
	{"send", "nowhere", "POST", "/api/messages/send", `{"body":"a"}`, nil, 401, 201, 201, 422},
	{"send", "query", "POST", "/api/messages/send?clientId=42", `{"body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "doubled", "POST", "/api/messages/send", `{"clientId":"OWN","clientId":"42","body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "doubled in another case", "POST", "/api/messages/send", `{"clientId":"OWN","ClientID":"42","body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "doubled by an escape", "POST", "/api/messages/send", `{"clientId":"OWN","client\u0049d":"42","body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "list", "POST", "/api/messages/send", `{"clientId":["OWN","42"],"body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "number", "POST", "/api/messages/send", `{"clientId":42,"body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "another spelling", "POST", "/api/messages/send", `{"clientId":"42 ","body":"a"}`, nil, 401, 403, 403, 404},
	{"send", "another script", "POST", "/api/messages/send", `{"clientId":"４２","body":"a"}`, nil, 401, 403, 403, 404},
	{"send", "sender", "POST", "/api/messages/send", `{"sender":{"id":"42","role":"client"},"body":"a"}`, nil, 401, 400, 400, 400},
	{"send", "header", "POST", "/api/messages/send", `{"body":"a"}`, []string{"X-Client-Id: 42", "ClientId: 42", "X-User-Id: 42"}, 401, 201, 201, 422},
	{"send", "path", "POST", "/api/messages/send/42", `{"body":"a"}`, nil, 404, 404, 404, 404},
	{"send", "another method's header", "POST", "/api/messages/send", `{"clientId":"42","body":"a"}`, []string{"X-HTTP-Method-Override: GET"}, 401, 403, 201, 201},

	{"read", "body", "POST", "/api/messages/read", `{"clientId":"42","upToSeq":1}`, nil, 401, 403, 200, 200},
	{"read", "query", "POST", "/api/messages/read?clientId=42", `{"upToSeq":1}`, nil, 401, 400, 400, 400},
	{"read", "doubled", "POST", "/api/messages/read", `{"clientId":"OWN","clientId":"42","upToSeq":1}`, nil, 401, 400, 400, 400},
	{"read", "side", "POST", "/api/messages/read", `{"side":"developer","upToSeq":1}`, nil, 401, 400, 400, 400},
	{"read", "header", "POST", "/api/messages/read", `{"upToSeq":0}`, []string{"X-Client-Id: 42"}, 401, 200, 200, 422},

	{"list", "query", "GET", "/api/messages/list?clientId=42", "", nil, 401, 403, 200, 200},
	{"list", "query, catching up", "GET", "/api/messages/list?clientId=42&changedSince=0", "", nil, 401, 403, 200, 200},
	{"list", "nowhere", "GET", "/api/messages/list", "", nil, 401, 200, 200, 400},
	{"list", "doubled", "GET", "/api/messages/list?clientId=OWN&clientId=42", "", nil, 401, 400, 400, 400},
	{"list", "doubled by an escape", "GET", "/api/messages/list?clientId=OWN&client%49d=42", "", nil, 401, 400, 400, 400},
	{"list", "array", "GET", "/api/messages/list?clientId[]=42", "", nil, 401, 400, 400, 400},
	{"list", "after a semicolon", "GET", "/api/messages/list?limit=1;clientId=42", "", nil, 401, 400, 400, 400},
	{"list", "body", "GET", "/api/messages/list", `{"clientId":"42"}`, nil, 401, 200, 200, 400},
	{"list", "header", "GET", "/api/messages/list", "", []string{"X-Client-Id: 42", "X-Original-Url: /api/messages/list?clientId=42", "X-Rewrite-Url: /api/messages/list?clientId=42"}, 401, 200, 200, 400},
	{"list", "path", "GET", "/api/messages/list/42", "", nil, 404, 404, 404, 404},

	{"edit", "body", "PATCH", "/api/messages/edit", `{"clientId":"42","messageId":"MESSAGE","body":"b"}`, nil, 401, 403, 200, 403},
	{"edit", "nowhere", "PATCH", "/api/messages/edit", `{"messageId":"MESSAGE","body":"b"}`, nil, 401, 404, 200, 422},
	{"edit", "query", "PATCH", "/api/messages/edit?clientId=42", `{"messageId":"MESSAGE","body":"b"}`, nil, 401, 400, 400, 400},
	{"edit", "doubled", "PATCH", "/api/messages/edit", `{"clientId":"OWN","clientId":"42","messageId":"MESSAGE","body":"b"}`, nil, 401, 400, 400, 400},
	{"edit", "doubled message", "PATCH", "/api/messages/edit", `{"messageId":"01900000-0000-7000-8000-000000000000","messageId":"MESSAGE","body":"b"}`, nil, 401, 400, 400, 400},
	{"delete", "body", "DELETE", "/api/messages/edit", `{"clientId":"42","messageId":"MESSAGE"}`, nil, 401, 403, 200, 200},
	{"delete", "nowhere", "DELETE", "/api/messages/edit", `{"messageId":"MESSAGE"}`, nil, 401, 404, 200, 422},
	{"delete", "query", "DELETE", "/api/messages/edit?messageId=MESSAGE&clientId=42", `{}`, nil, 401, 400, 400, 400},
	{"delete", "header", "DELETE", "/api/messages/edit", `{"messageId":"MESSAGE"}`, []string{"X-Client-Id: 42"}, 401, 404, 200, 422},

	{"inbox", "nowhere", "GET", "/api/conversations/list", "", nil, 401, 403, 403, 200},
	{"inbox", "search", "GET", "/api/conversations/list?q=client%2042", "", nil, 401, 403, 403, 200},
	{"inbox", "assignee", "GET", "/api/conversations/list?assigneeId=OWN", "", nil, 401, 403, 403, 200},
	{"inbox", "role of one's own choice", "GET", "/api/conversations/list?role=developer", "", []string{"X-Role: developer"}, 401, 403, 403, 400},
	{"update", "body", "POST", "/api/conversations/update", `{"clientId":"42","assigneeId":"ada"}`, nil, 401, 403, 403, 200},
	{"update", "own", "POST", "/api/conversations/update", `{"clientId":"OWN","clientName":"a"}`, nil, 401, 403, 403, 404},
	{"update", "query", "POST", "/api/conversations/update?clientId=42", `{"status":"closed"}`, nil, 401, 403, 403, 400},
	{"update", "header", "POST", "/api/conversations/update", `{"status":"closed"}`, []string{"X-Client-Id: 42"}, 401, 403, 403, 422},

	{"channel", "of the conversation", "POST", "/api/pusher/auth", "socket_id=1.2&channel_name=private-client-42", nil, 401, 403, 200, 200},
	{"channel", "of the inbox", "POST", "/api/pusher/auth", "socket_id=1.2&channel_name=private-developer-inbox", nil, 401, 403, 403, 200},
	{"channel", "presence", "POST", "/api/pusher/auth", "socket_id=1.2&channel_name=presence-client-42", nil, 401, 403, 403, 403},
	{"channel", "encrypted", "POST", "/api/pusher/auth", "socket_id=1.2&channel_name=private-encrypted-client-42", nil, 401, 403, 403, 403},
	{"channel", "public", "POST", "/api/pusher/auth", "socket_id=1.2&channel_name=client-42", nil, 401, 403, 403, 403},
	{"channel", "doubled", "POST", "/api/pusher/auth", "socket_id=1.2&channel_name=private-client-OWN&channel_name=private-client-42", nil, 401, 400, 400, 400},
	{"channel", "query", "POST", "/api/pusher/auth?channel_name=private-client-42", "socket_id=1.2", nil, 401, 400, 400, 400},
	{"channel", "user", "POST", "/api/pusher/auth", "socket_id=1.2&user_id=c:42", nil, 401, 400, 400, 400},
	{"sign-in", "nowhere", "POST", "/api/pusher/auth", "socket_id=1.2", nil, 401, 200, 200, 200},
	{"sign-in", "header", "POST", "/api/pusher/auth", "socket_id=1.2", []string{"X-User-Id: c:42"}, 401, 200, 200, 200},

	{"session", "nowhere", "GET", "/api/session", "", nil, 401, 200, 200, 200},
	{"session", "query", "GET", "/api/session?clientId=42", "", nil, 401, 400, 400, 400},
	{"session", "header", "GET", "/api/session", "", []string{"X-Client-Id: 42", "X-Role: developer"}, 401, 200, 200, 200},
	{"begin", "body", "POST", "/api/session", `{"id":"42"}`, nil, 401, 400, 400, 400},
	{"end", "nowhere", "DELETE", "/api/session", "", nil, 204, 204, 204, 204},

	{"file", "body", "POST", "/api/attachments", `{"clientId":"42","fileName":"a","mediaType":"a/b","size":1}`, nil, 401, 403, 201, 201},
	{"file", "nowhere", "POST", "/api/attachments", `{"fileName":"a","mediaType":"a/b","size":1}`, nil, 401, 201, 201, 422},
	{"file", "query", "POST", "/api/attachments?clientId=42", `{"fileName":"a","mediaType":"a/b","size":1}`, nil, 401, 400, 400, 400},
	{"file", "doubled", "POST", "/api/attachments", `{"clientId":"OWN","clientId":"42","fileName":"a","mediaType":"a/b","size":1}`, nil, 401, 400, 400, 400},
	{"file", "path of the file", "POST", "/api/attachments", `{"fileName":"../42/a","mediaType":"a/b","size":1}`, nil, 401, 201, 201, 422},
	{"file", "key", "POST", "/api/attachments", `{"objectKey":"clients/42/a","fileName":"a","mediaType":"a/b","size":1}`, nil, 401, 400, 400, 400},
	{"files", "query", "GET", "/api/attachments?clientId=42&ids=MESSAGE", "", nil, 401, 403, 200, 200},
	{"files", "nowhere", "GET", "/api/attachments?ids=MESSAGE", "", nil, 401, 200, 200, 400},
	{"files", "doubled", "GET", "/api/attachments?clientId=OWN&clientId=42&ids=MESSAGE", "", nil, 401, 400, 400, 400},
	{"send", "another's file", "POST", "/api/messages/send", `{"clientId":"42","attachmentIds":["MESSAGE"]}`, nil, 401, 403, 404, 404},

	{"cron", "nowhere", "GET", "/api/cron/deliver", "", nil, 401, 401, 401, 401},
	{"webhook", "body", "POST", "/api/pusher/webhook", `{"time_ms":1,"events":[]}`, nil, 401, 401, 401, 401},
	{"health", "nowhere", "GET", "/api/health", "", nil, 200, 200, 200, 200},
}

func TestEveryCallerAtEveryFunctionWithTheIdOfAnotherAtEveryPlace(t *testing.T) { // T01, T02, T10, T11, T12, T14, T15, T30
	t.Parallel()
	w := newWorld(t, append(environment(objectstores.Embedded(t, nil)), "CHAT_RATE_LIMIT=0", "CHAT_GUESTS=true", "CHAT_DEVELOPERS=ada@example.com")...)
	const secret = "the secret of Grace"
	const name = "Grace Hopper"
	owner, ada := w.saying(object(t, `"sub":"42","name":%s`, name)), w.developer("ada")
	grace := chat.Identity{ID: "42", Role: chat.Client}
	message := owner.sends(secret)
	strangers := map[string]person{
		"expired":           {world: w, token: expired(t, grace)},
		"another key's":     {world: w, token: forge("another secret of thirty-two bytes and more", hs256, `{"sub":"42","exp":9999999999}`)},
		"of no algorithm":   {world: w, token: forge(jwtSecret, `{"alg":"none"}`, `{"sub":"42","exp":9999999999}`)},
		"without an end":    {world: w, token: forge(jwtSecret, hs256, `{"sub":"42"}`)},
		"of a list as id":   w.saying(`"sub":["42"]`),
		"by another scheme": w.nobody().with("Authorization: Basic " + owner.token),
		"in the address":    w.nobody().with("X-Access-Token: "+owner.token, "Cookie: token="+owner.token),
		"nobody":            w.nobody(),
	}
	guest := w.nobody().post("/api/session", `{"name":"Gus"}`).is(201)
	others := map[string]person{
		"eve":                           w.client("eve"),
		guest.text("identity.id"):       w.nobody().withSession(guest.text("token")),
		"climber":                       w.saying(`"sub":"climber",` + climbing),
		"ada":                           w.client("ada"), // a developer's id, on the other side
		"d:ada":                         w.client("d:ada"),
		"42/../42":                      w.client("42/../42"),
		"42\u200b":                      w.client("42\u200b"),
		strings.Repeat("4", 60) + "%34": w.client(strings.Repeat("4", 60) + "%34"),
	}
	text := map[string]string{"POST": "application/json", "PATCH": "application/json", "DELETE": "application/json"}
	for _, c := range attempts {
		make := func(who person, own string, message string) answer {
			contentType := text[c.method]
			if c.path == "/api/pusher/auth" || strings.HasPrefix(c.path, "/api/pusher/auth?") {
				contentType = form
			}
			fill := strings.NewReplacer("MESSAGE", message)
			encoded, _ := json.Marshal(own)
			body := strings.ReplaceAll(fill.Replace(c.body), `"OWN"`, string(encoded))
			path := strings.ReplaceAll(fill.Replace(c.path), "OWN", strings.TrimPrefix(parameters("", own), "="))
			w.postgres.Reset()
			return who.with(c.headers...).call(c.method, path, contentType, strings.ReplaceAll(body, "OWN", strings.TrimPrefix(parameters("", own), "=")))
		}
		if strings.Contains(c.path+c.body, "MESSAGE") { // the last one is deleted, perhaps
			message = owner.sends(secret)
		}
		before := w.version("42")
		for name, who := range strangers {
			want := c.stranger
			if c.name == "begin" && who.token == "" {
				want = 400 // those who have no credential may begin, though not as somebody of their choice
			}
			a := make(who, "42", message)
			if a.status != want {
				t.Errorf("%s, %s, %s: %d, want %d: %s", c.name, c.position, name, a.status, want, a.body)
			}
			if n := w.postgres.Statements(); n != 0 && c.name != "health" {
				t.Errorf("%s, %s, %s: %d statements: %q", c.name, c.position, name, n, w.postgres.Log())
			}
			if strings.Contains(string(a.body), secret) {
				t.Errorf("%s, %s, %s: %s", c.name, c.position, name, a.body)
			}
		}
		for own, who := range others {
			a := make(who, own, message)
			if a.status != c.other {
				t.Errorf("%s, %s, %q: %d, want %d: %s", c.name, c.position, own, a.status, c.other, a.body)
			}
			if n := w.postgres.Statements(); n != 0 && c.other == 403 { // so it cannot be told by the time that it takes
				t.Errorf("%s, %s, %q: %d statements: %q", c.name, c.position, own, n, w.postgres.Log())
			}
			if strings.Contains(string(a.body), secret) || strings.Contains(string(a.body), name) {
				t.Errorf("%s, %s, %q sees %s", c.name, c.position, own, a.body)
			}
			if a.status > 299 || len(a.body) == 0 {
				continue
			}
			for _, path := range []string{"clientId", "conversation.clientId", "message.clientId", "message.sender.id", "identity.id"} {
				if got := a.value(path); got != nil && got != own {
					t.Errorf("%s, %s, %q is taken for %v", c.name, c.position, own, got)
				}
			}
			if data := a.text("user_data"); data != "" && lookup(t, []byte(data), "id") != "c:"+own {
				t.Errorf("%s, %s, %q signs in as %s", c.name, c.position, own, data)
			}
		}
		if w.version("42") != before {
			t.Errorf("%s, %s: the conversation of another was changed", c.name, c.position)
		}
		if a := make(owner, "42", message); a.status != c.owner {
			t.Errorf("%s, %s, the owner: %d, want %d: %s", c.name, c.position, a.status, c.owner, a.body)
		}
		if c.name == "edit" || c.name == "delete" {
			message = owner.sends("another")
		}
		if a := make(ada, "nobody-yet", message); a.status != c.developer {
			t.Errorf("%s, %s, a developer: %d, want %d: %s", c.name, c.position, a.status, c.developer, a.body)
		}
	}
	if n := w.count("select count(*) from chat.message where client_id = '42' and (sender_role, sender_id) not in (('client', '42'), ('developer', 'ada'))"); n != 0 {
		t.Errorf("%d messages of others are in the conversation", n)
	}
	// Nothing but what the two were to hear was ever announced for them, nor was anything on a name that is open to all.
	for _, event := range w.heard.Published() {
		if !strings.HasPrefix(event.Channel, "private-") {
			t.Errorf("an event went to %s", event.Channel)
		}
		if event.Channel != "private-client-42" && event.Channel != "private-developer-inbox" && strings.Contains(event.Data, secret) {
			t.Errorf("an event of the client 42 went to %s", event.Channel)
		}
	}
}

// anonymous is an answer without what every answer has of its own.
func (a answer) anonymous() string {
	a.t.Helper()
	header := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control", "Vary", "Allow", "Retry-After", "Www-Authenticate", "Set-Cookie"} {
		header[name] = a.header[name] // a platform adds more, of its own
	}
	text := strings.ReplaceAll(string(a.body), a.header.Get("X-Request-Id"), "")
	return fmt.Sprint(a.status, header, text)
}

func TestWhatIsAnothersLooksLikeWhatIsNotThere(t *testing.T) { // T10, T13, T16
	t.Parallel()
	w := newWorld(t)
	theirs := w.client("there").post("/api/messages/send", `{"body":"a","clientMessageId":"k"}`).is(201).text("message.id")
	eve := w.client("eve")
	eve.sends("mine")
	const nothing = "01900000-0000-7000-8000-000000000000"
	for name, ask := range map[string]func(clientID, messageID string) answer{
		"send":    func(id, _ string) answer { return eve.post("/api/messages/send", `{"clientId":%s,"body":"a"}`, id) },
		"invalid": func(id, _ string) answer { return eve.post("/api/messages/send", `{"clientId":%s,"body":""}`, id) },
		"read":    func(id, _ string) answer { return eve.post("/api/messages/read", `{"clientId":%s,"upToSeq":1}`, id) },
		"list":    func(id, _ string) answer { return eve.get("/api/messages/list?clientId=" + id) },
		"edit": func(id, m string) answer {
			return eve.patch("/api/messages/edit", `{"clientId":%s,"messageId":%s,"body":"b"}`, id, m)
		},
		"delete": func(id, m string) answer {
			return eve.remove("/api/messages/edit", `{"clientId":%s,"messageId":%s}`, id, m)
		},
		"update":  func(id, _ string) answer { return eve.update(`{"clientId":%s,"status":"closed"}`, id) },
		"channel": func(id, _ string) answer { return eve.authorize("1.2", "private-client-"+id) },
		// In one's own conversation a message of another's is none.
		"edit by its id":   func(_, m string) answer { return eve.patch("/api/messages/edit", `{"messageId":%s,"body":"b"}`, m) },
		"delete by its id": func(_, m string) answer { return eve.remove("/api/messages/edit", `{"messageId":%s}`, m) },
	} {
		w.postgres.Reset()
		is := ask("there", theirs)
		statements := w.postgres.Statements()
		isNot := ask("other", nothing)
		if is.anonymous() != isNot.anonymous() || is.status != 403 && is.status != 404 {
			t.Errorf("%s: %s\n%s", name, is.anonymous(), isNot.anonymous())
		}
		if again := w.postgres.Statements() - statements; again != statements {
			t.Errorf("%s: %d statements and %d", name, statements, again)
		}
	}
	// The key of another's message tells nothing of it, either.
	eve.post("/api/messages/send", `{"body":"b","clientMessageId":"k"}`).is(201).has("message.clientId", "eve", "message.seq", 2)
}

func TestADeveloperIsOneByTheTokenOrTheListOnly(t *testing.T) { // T30, T31
	t.Parallel()
	w := newWorld(t, "CHAT_DEVELOPERS=bob, carol@example.com")
	for claims, want := range map[string]int{
		`"sub":"ada","role":"developer"`: 200,
		`"sub":"bob"`:                    200,
		`"sub":"bob","role":"client"`:    200,
		`"sub":"x","email":"carol@example.com","email_verified":true`:   200,
		`"sub":"x","email":"Carol@Example.com","email_verified":true`:   200,
		`"sub":"carol@example.com"`:                                     200, // an id like any other: see docs/security.md
		`"sub":"x","email":"carol@example.com"`:                         403,
		`"sub":"x","email":"carol@example.com","email_verified":"true"`: 403,
		`"sub":"x","email":"carol@example.com","email_verified":1`:      403,
		`"sub":"x","email":"carol@example.com ","email_verified":true`:  403,
		`"sub":"Bob"`:                            403,
		`"sub":"bob "`:                           403,
		`"sub":"x",` + climbing:                  403,
		`"sub":"x","role":"DEVELOPER"`:           403,
		`"sub":"x","role":"developer "`:          403,
		`"sub":"x","role":"client,developer"`:    403,
		`"sub":"x","role":null`:                  403,
		`"sub":"x","role":true`:                  403, // none
		`"sub":"x","role":["developer"]`:         403,
		`"sub":"x","role":{"developer":true}`:    403,
		`"sub":"x","role":"","role":"developer"`: 401, // doubled: one of the two is not who signed it
	} {
		if a := w.saying(claims).get("/api/conversations/list"); a.status != want {
			t.Errorf("%s: %d, want %d: %s", claims, a.status, want, a.body)
		}
	}
	// Where the id is the e-mail, an entry of the list is an id, unless the token says that the e-mail is not verified.
	byEmail := newWorld(t, "CHAT_ID_CLAIM=email", "CHAT_DEVELOPERS=carol@example.com", "CHAT_GUESTS=true")
	byEmail.saying(`"sub":"x","email":"carol@example.com"`).get("/api/conversations/list").is(200)
	byEmail.saying(`"sub":"x","email":"carol@example.com","email_verified":true`).get("/api/conversations/list").is(200)
	byEmail.saying(`"sub":"x","email":"carol@example.com","email_verified":false`).get("/api/conversations/list").fails(401, "unauthorized")
	byEmail.saying(`"sub":"x","email":"dan@example.com","email_verified":false`).get("/api/session").fails(401, "unauthorized")
	// Elsewhere such an e-mail is not shown, either: it would read as its owner's.
	w.saying(`"sub":"x","name":"Carol","email":"carol@example.com","email_verified":false`).post("/api/messages/send", `{"body":"a"}`).is(201).has("conversation.clientName", "Carol", "conversation.clientEmail", nil)
	began := byEmail.nobody().post("/api/session", `{"email":"carol@example.com"}`).is(201).has("identity.role", "client") // though not a guest's
	byEmail.nobody().withSession(began.text("token")).get("/api/conversations/list").fails(403, "forbidden")
	// Whoever is taken from the list is refused with the next request.
	bob := w.saying(`"sub":"bob"`)
	w.settings["CHAT_DEVELOPERS"] = ""
	w.url = w.instance()
	bob.get("/api/conversations/list").fails(403, "forbidden")
	bob.authorize("1.2", "private-developer-inbox").fails(403, "forbidden")
}

func TestThePublicModeSignsNothingAndIsWarnedOf(t *testing.T) { // T02, T03, T17
	t.Parallel()
	w := newWorld(t, "CHAT_CHANNELS=public")
	for _, channel := range []string{"client-42", "developer-inbox", "private-client-42", "private-developer-inbox", "presence-client-42"} {
		w.client("42").authorize("1.2", channel).fails(403, "forbidden")
		w.developer("ada").authorize("1.2", channel).fails(403, "forbidden")
		w.nobody().authorize("1.2", channel).fails(401, "unauthorized")
	}
	if !strings.Contains(w.log.String(), "CHAT_CHANNELS=public") {
		t.Error("the log does not warn of it")
	}
	// The truth is as closed as ever: what is open is what is announced.
	w.client("eve").get("/api/messages/list?clientId=42").fails(403, "forbidden")
}

// TestATokenIsGoodUntilItsEnd states what is promised, and no more: the end of a session takes the cookie from its
// browser. A copy is good until the token ends.
func TestATokenIsGoodUntilItsEnd(t *testing.T) { // T32, T47
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	began := w.nobody().post("/api/session", `{}`).is(201)
	gus := w.nobody().withSession(began.text("token"))
	gus.call("DELETE", "/api/session", "", "").is(204)
	gus.get("/api/session").is(200)
	w.nobody().withSession(expired(t, chat.Identity{ID: began.text("identity.id"), Role: chat.Client})).get("/api/session").fails(401, "unauthorized")
	// All tokens end at once with the secret.
	w.settings["CHAT_JWT_SECRET"] = "another secret of the tests, of thirty-two bytes or more"
	w.url = w.instance()
	gus.get("/api/session").fails(401, "unauthorized")
}

func TestTheInboxTellsOfAClientWhatItIsThereToTell(t *testing.T) { // T33
	t.Parallel()
	w := newWorld(t)
	w.saying(`"sub":"42","name":"Grace","email":"grace@example.com","phone":"1"`).with("User-Agent: canary", "X-Real-Ip: 192.0.2.77").sends("a")
	page := w.developer("ada").get("/api/conversations/list").is(200)
	var body struct{ Conversations []map[string]any }
	if err := json.Unmarshal(page.body, &body); err != nil {
		t.Fatal(err)
	}
	fields := slices.Sorted(maps.Keys(body.Conversations[0]))
	if got := strings.Join(fields, " "); got != "assigneeId channel clientEmail clientId clientName createdAt lastMessage lastSeenAt lastSeq online read status unread updatedAt version" {
		t.Errorf("a conversation has %s", got)
	}
	if strings.Contains(string(page.body), "canary") || strings.Contains(string(page.body), "192.0.2.77") {
		t.Errorf("%s", page.body)
	}
	// Nobody but developers sees an e-mail; a message has none.
	message := w.developer("ada").get("/api/messages/list?clientId=42").is(200)
	if strings.Contains(string(part(t, message.body, "messages")), "example.com") {
		t.Errorf("%s", message.body)
	}
}

// disguised are texts that are something else to somebody: to a browser, a database, a terminal, a template, a log.
var disguised = []string{
	`<img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `javascript:alert(1)`, `"><svg/onload=alert(1)>`, `&lt;b&gt; &#x3c;`, "\u202etxt.exe\u202c", "a\u2028b\u2029c",
	strings.Repeat("a\u0300\u0301\u0302", 300), `'; drop table chat.message; --`, `' or '1'='1`, `$1 $$ $function$ @body :body ?`, `\'; \x00 \u0000 E'\\'`, `%s %d %n %%`, `{{7*7}} ${7*7} #{7*7} <%= 7*7 %>`,
	`${jndi:ldap://example.com/a}`, `../../etc/passwd`, "\x7f\x1b[31m"[:1] + "[31m", `{"event":"pusher:error"}`, "null", `\`, `"`, "\ufeffa\u200b", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍👩‍👧‍👦", "İıſK",
}

func TestTextIsTextWhateverItLooksLike(t *testing.T) { // T53, T54, T72
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=0")
	grace, ada := w.client("42"), w.developer("ada")
	atAda := ada.listen()
	atAda.Subscribe("private-client-42")
	for _, text := range disguised {
		a := grace.post("/api/messages/send", `{"body":%s}`, text).is(201).has("message.body", text)
		if a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%v", a.header)
		}
		if heard := atAda.Next("private-client-42", "new-message"); lookup(t, heard, "body") != text && lookup(t, heard, "truncated") != true {
			t.Errorf("%q is heard as %s", text, heard)
		}
		grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, a.text("message.id"), text+"!").is(200).has("message.body", text+"!")
		ada.get("/api/messages/list?clientId=42&limit=1").is(200).has("messages.0.body", text+"!")
		// A search is for what stands there, and finds nothing else.
		if query := []rune(text); len(query) >= 3 && len(query) <= 254 && !strings.ContainsAny(text, "\x7f\x1b") {
			if got := ada.inbox("q", text).is(200).clients(); len(got) != 0 {
				t.Errorf("%q finds %q", text, got)
			}
		}
	}
	for _, text := range disguised {
		if len(text) > chat.MaxIDBytes || strings.ContainsAny(text, "\x7f\x1b") {
			continue
		}
		id := text
		ada.post("/api/messages/send", `{"clientId":%s,"body":"a"}`, id).fails(404, "not_found")
		ada.get("/api/messages/list?"+parameters("clientId", id)).fails(404, "not_found")
		ada.update(`{"clientId":"42","assigneeId":%s}`, id).is(200).has("conversation.assigneeId", id)
		if got := ada.inbox("assigneeId", id).is(200).clients(); !slices.Equal(got, []string{"42"}) {
			t.Errorf("assigned to %q: %q", id, got)
		}
		ada.inbox("cursor", id).fails(400, "invalid_request", "cursor")
		ada.inbox("since", id).fails(400, "invalid_request", "since")
		shown := chat.CleanName(text) // what it would disguise itself with is not kept
		ada.update(`{"clientId":"42","clientName":%s}`, text).is(200).has("conversation.clientName", shown)
		me := w.saying(object(t, `"sub":%s,"name":%s`, id, text)) // as long as a channel can be named so
		if a := me.post("/api/messages/send", `{"body":"a"}`); a.status == 201 {
			a.has("conversation.clientId", id, "conversation.clientName", shown)
			me.authorize("1.2", a.text("conversation.channel")).is(200)
			ada.post("/api/messages/read", `{"clientId":%s,"upToSeq":1}`, id).is(200)
		} else {
			a.fails(401, "unauthorized")
		}
	}
	if n := w.count("select count(*) from chat.message where client_id = '42'"); n != len(disguised) {
		t.Errorf("%d messages are there", n)
	}
}

func TestNoAddressThatSomebodyWritesIsEverFetched(t *testing.T) { // T42, T77, T78
	t.Parallel()
	var asked atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(trap.Close)
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	id := grace.sends("look at " + trap.URL)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, id, "[this]("+trap.URL+"/a.png)").is(200)
	ada.update(`{"clientId":"42","clientName":%s}`, trap.URL).is(200)
	w.saying(object(t, `"sub":"43","name":%s,"picture":%s,"email":"a@example.com"`, trap.URL, trap.URL)).sends("a")
	grace.post("/api/messages/send", `{"body":"a","url":%s}`, trap.URL).fails(400, "invalid_request", "url")
	grace.post("/api/messages/send", `{"body":"a","attachments":[%s]}`, trap.URL).fails(400, "invalid_request", "attachments")
	// A token that brings its own key, or says where it is to be found.
	for _, member := range []string{"jku", "x5u", "kid", "iss"} {
		header := object(t, `{"alg":"RS256",`+`"`+member+`":%s}`, trap.URL)
		person{world: w, token: forge(jwtSecret, header, object(t, `{"sub":"42","exp":9999999999,"iss":%s}`, trap.URL))}.get("/api/session").fails(401, "unauthorized")
	}
	w.nobody().with("Host: "+strings.TrimPrefix(trap.URL, "http://"), "X-Forwarded-Host: "+strings.TrimPrefix(trap.URL, "http://"), "Authorization: Bearer "+grace.token).get("/api/session").is(200)
	if n := asked.Load(); n != 0 {
		t.Errorf("it was fetched %d times", n)
	}
}

func TestManyCronsAtOnceAnnounceEachEventOnce(t *testing.T) { // T62
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=0")
	grace := w.client("42")
	w.toPusher.Answer(500, "oops")
	const messages = 20
	for i := range messages {
		grace.sends(fmt.Sprint(i))
	}
	w.toPusher.Decide(nil)
	w.sql("update chat.outbox set due_at = clock_timestamp()")
	instances := []string{w.url, w.instance()}
	var delivered atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			at := *w
			at.url = instances[i%len(instances)]
			delivered.Add(int64(at.nobody().with("Authorization: Bearer " + cronSecret).get("/api/cron/deliver").is(200).number("delivered")))
		})
	}
	all.Wait()
	if n := delivered.Load(); n != messages+1 { // each message, and the conversation once: a later event shows the same
		t.Errorf("%d deliveries, want %d", n, messages+1)
	}
	heard := map[string]int{}
	for _, event := range w.heard.Published() {
		if event.Name == "new-message" {
			heard[event.Data]++
		}
	}
	if len(heard) != messages {
		t.Errorf("%d messages were announced", len(heard))
	}
	for data, n := range heard {
		if n != 1 {
			t.Errorf("%d times: %s", n, data)
		}
	}
}

// secrets are what no page may be told: what a deployment signs with, and where it keeps things.
var secrets = []string{jwtSecret, cronSecret, "test-secret", "postgres://", "a secret of Auth.js"}

func TestNoAnswerHoldsASecretOrRepeatsWhatWasWrong(t *testing.T) { // T05, T54, T63
	t.Parallel()
	w := newWorld(t, "CHAT_AUTHJS=true", "AUTH_SECRET=a secret of Auth.js", "CHAT_GUESTS=true")
	grace, ada := w.client("42"), w.developer("ada")
	grace.sends("a")
	const wrong = "canary<script>"
	var answers []answer
	for _, who := range []person{grace, ada, w.nobody()} {
		answers = append(answers, who.get("/api/session"), who.get("/api/health"), who.post("/api/session", `{}`), who.get("/api/session?"+parameters("x", wrong)),
			who.post("/api/messages/send", `{"body":7,"clientId":%s}`, wrong), who.post("/api/messages/send", `{"clientId":%s,"body":%s}`, wrong, wrong+"\u0001"),
			who.post("/api/messages/send", `{"clientId":"42","body":"b","clientMessageId":%s}`, wrong+"\n"), who.post("/api/messages/send", `{"body":%s,"x":%s}`, wrong, wrong),
			who.post("/api/messages/read", `{"clientId":"42","upToSeq":%s}`, wrong), who.get("/api/messages/list?"+parameters("clientId", "42", "limit", wrong)), who.get("/api/messages/list?"+parameters("clientId", wrong)),
			who.patch("/api/messages/edit", `{"clientId":"42","messageId":%s,"body":"b"}`, wrong), who.remove("/api/messages/edit", `{"clientId":%s,"messageId":%s}`, wrong, wrong),
			who.inbox("cursor", wrong), who.inbox("since", wrong), who.inbox("status", wrong), who.inbox("assigneeId", wrong+"\n"), who.inbox("q", wrong+"\n"),
			who.update(`{"clientId":"42","status":%s}`, wrong), who.update(`{"clientId":"42","clientName":[%s]}`, wrong), who.update(`{"clientId":%s}`, wrong),
			who.authorize(wrong, "private-client-42"), who.authorize("1.2", wrong), who.form("/api/pusher/auth", "socket_id="+wrong), who.with("X-Vercel-Id: "+wrong).get("/api/session"), who.with("Authorization: Bearer "+wrong).get("/api/messages/list"),
			who.with("X-Pusher-Key: "+wrong, "X-Pusher-Signature: "+wrong).post("/api/pusher/webhook", `{"x":%s}`, wrong), who.with("Authorization: Bearer "+wrong).get("/api/cron/deliver"),
		)
	}
	for _, a := range answers {
		text := fmt.Sprint(a.header, string(a.body))
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("an answer holds %q: %s", secret, text)
			}
		}
		if strings.Contains(text, "canary") || a.status >= 500 {
			t.Errorf("%d: %s", a.status, text)
		}
	}
}

func TestEveryTestThatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{(.*)$`)
	listed := read(t, "docs/security.md")
	numbers := map[string]bool{}
	for _, pattern := range []string{"api/*_test.go", "pkg/*/*_test.go", "pkg/*/*/*_test.go", "cmd/devinbox/*_test.go", "internal/*/*_test.go", "internal/*/*/*_test.go", "web/*/*_test.go"} {
		names, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			for _, found := range declared.FindAllStringSubmatch(read(t, name), -1) {
				there[name+" "+found[1]] = true
				for _, number := range regexp.MustCompile(`\bT(\d\d)\b`).FindAllStringSubmatch(found[2], -1) {
					numbers[number[1]] = true
				}
			}
		}
	}
	place := "api/threats_test.go"
	for _, named := range regexp.MustCompile("(?m)^|`(pkg/[a-z/]+|internal/[a-z/]+|web/[a-z0-9]+|cmd/devinbox|api/[a-z]+_test\\.go)`|`(Test\\w+)`|[;|]").FindAllStringSubmatch(listed, -1) {
		switch {
		case named[1] != "":
			place = named[1]
		case named[2] == "": // the end of a line, a cell or a part of one
			place = "api/threats_test.go"
		default:
			is := false
			for key := range there {
				is = is || strings.HasPrefix(key, place) && strings.HasSuffix(key, " "+named[2])
			}
			if !is {
				t.Errorf("%s has no %s", place, named[2])
			}
		}
	}
	for number := range numbers {
		if !regexp.MustCompile(`(?m)(\| |, |\(T|, T)` + number + `\b`).MatchString(listed) {
			t.Errorf("a test names T%s, and the list does not", number)
		}
	}
}
