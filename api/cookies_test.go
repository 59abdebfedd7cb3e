package handler_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"devinbox/internal/serve"
	"devinbox/pkg/chat"
)

// everything is a digest of every row and of which transaction wrote it: it stays as long as nothing is written.
func (w *world) everything() int {
	w.t.Helper()
	return w.count(`
		select coalesce(sum(hashtext(row)), 0) from (
			select xmin || c::text from chat.conversation c union all select xmin || m::text from chat.message m
			union all select xmin || o::text from chat.outbox o union all select xmin || s::text from chat.search s
			union all select xmin || p::text from chat.presence p union all select xmin || g::text from chat.guest_rate g
		) x (row)`)
}

// mutation is a request that changes something, or signs something, where it is allowed.
type mutation struct {
	name, method, path, contentType, body string
	status                                int // where it is allowed
}

// mutations are one request of every function and method that takes something in, for a developer. Each can be
// made again and again.
func (w *world) mutations() []mutation {
	w.t.Helper()
	w.client("42").sends("a")
	kept, gone := w.developer("ada").sends("b", "42"), w.developer("ada").sends("c", "42")
	const text = "application/json"
	return []mutation{
		{"send", "POST", "/api/messages/send", text, `{"clientId":"42","body":"d"}`, 201},
		{"read", "POST", "/api/messages/read", text, `{"clientId":"42","upToSeq":9223372036854775807}`, 200},
		{"edit", "PATCH", "/api/messages/edit", text, `{"clientId":"42","messageId":"` + kept + `","body":"e"}`, 200},
		{"delete", "DELETE", "/api/messages/edit", text, `{"clientId":"42","messageId":"` + gone + `"}`, 200},
		{"update", "POST", "/api/conversations/update", text, `{"clientId":"42","assigneeId":"ada"}`, 200},
		{"authorise", "POST", "/api/pusher/auth", "application/x-www-form-urlencoded", "socket_id=1.2&channel_name=private-developer-inbox", 200},
		{"sign in", "POST", "/api/pusher/auth", "application/x-www-form-urlencoded", "socket_id=1.2", 200},
		{"begin", "POST", "/api/session", text, `{}`, 200},
		{"end", "DELETE", "/api/session", "", "", 204},
	}
}

func (p person) mutate(m mutation) answer {
	p.t.Helper()
	return p.call(m.method, m.path, m.contentType, m.body)
}

// pages are what browsers say of the page that makes a request to chat.example.com.
var pages = []struct {
	name    string
	headers []string
	cookie  bool // whether it may use a cookie
}{
	{"of this origin", []string{"Sec-Fetch-Site: same-origin", "Origin: https://chat.example.com"}, true},
	{"of this origin, as GETs are", []string{"Sec-Fetch-Site: same-origin"}, true},
	{"of this origin, old browser", []string{"Origin: https://chat.example.com"}, true},
	{"typed by the user", []string{"Sec-Fetch-Site: none"}, true},
	{"no browser", nil, true},
	{"an exact entry", []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example.net"}, true},
	{"an exact entry of this site", []string{"Sec-Fetch-Site: same-site", "Origin: https://www.example.com"}, true},
	{"an exact entry, old browser", []string{"Origin: https://app.example.net"}, true},
	{"an entry with a star", []string{"Sec-Fetch-Site: cross-site", "Origin: https://a.example.org"}, false},
	{"an entry with a star, old browser", []string{"Origin: https://a.example.org"}, false},
	{"another site", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, false},
	{"another site, old browser", []string{"Origin: https://evil.example"}, false},
	{"another site without a name", []string{"Sec-Fetch-Site: cross-site"}, false},
	{"another origin of this site", []string{"Sec-Fetch-Site: same-site", "Origin: https://other.example.com"}, false},
	{"this origin with another port", []string{"Sec-Fetch-Site: same-site", "Origin: https://chat.example.com:8443"}, false},
	{"an entry over http", []string{"Sec-Fetch-Site: cross-site", "Origin: http://app.example.net"}, false},
	{"an entry with another port", []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example.net:8443"}, false},
	{"an entry with more behind it", []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example.net.evil.example"}, false},
	{"a sandboxed frame", []string{"Sec-Fetch-Site: cross-site", "Origin: null"}, false},
	{"a sandboxed frame, old browser", []string{"Origin: null"}, false},
	{"a word that no browser has", []string{"Sec-Fetch-Site: sure"}, false},
}

func TestOnlyAPageOfThisOriginOrOfAnExactEntryUsesACookie(t *testing.T) {
	t.Parallel()
	const secret = "a secret of Auth.js"
	w := newWorld(t, "CHAT_ALLOWED_ORIGINS=https://app.example.net,https://www.example.com,https://*.example.org", "CHAT_GUESTS=true", "CHAT_AUTHJS=true", "AUTH_SECRET="+secret)
	ada := w.developer("ada").with("Host: chat.example.com")
	cookie := w.nobody().with("Host: chat.example.com", "Cookie: devinbox_session="+ada.token)
	mutations := w.mutations()
	for _, m := range mutations { // what can change only once is changed then
		ada.mutate(m).is(m.status)
	}
	for _, page := range pages {
		before := w.everything()
		w.postgres.Reset()
		for _, m := range mutations {
			want := m.status
			if !page.cookie {
				want = 403
			}
			a := cookie.with(page.headers...).mutate(m)
			if a.status != want || want == 403 && a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s of a page %s, on a cookie: %d, want %d: %v %s", m.name, page.name, a.status, want, a.header, a.body)
			}
		}
		if page.cookie {
			continue
		}
		if w.postgres.Statements() != 0 || w.everything() != before {
			t.Errorf("a page %s was refused and heard: %q", page.name, w.postgres.Log())
		}
		// All that this is about is what a browser adds by itself. A bearer token somebody has put there.
		for _, m := range mutations {
			if a := ada.with(page.headers...).mutate(m); a.status != m.status {
				t.Errorf("%s of a page %s, on a bearer token: %d, want %d: %s", m.name, page.name, a.status, m.status, a.body)
			}
		}
	}

	// It is asked before whether the credential is any good, whichever cookie holds it, and whatever the role.
	evil := []string{"Host: chat.example.com", "X-Forwarded-Proto: https", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}
	for name, held := range map[string]string{
		"a bad session": "devinbox_session=x", "an expired session": "devinbox_session=" + expired(t, chat.Identity{ID: "42", Role: chat.Client}),
		"a client's session": "devinbox_session=" + w.client("42").token,
		"Auth.js":            "__Secure-authjs.session-token=x", "a chunk of Auth.js": "__Secure-authjs.session-token.0=x",
	} {
		for _, m := range mutations {
			if a := w.nobody().with(evil...).with("Cookie: " + held).mutate(m); a.status != 403 {
				t.Errorf("%s on %s: %d", m.name, name, a.status)
			}
		}
	}
	// Whose credential decides is a bearer token's, be there a cookie as well.
	ada.with(evil[1:]...).with("Cookie: devinbox_session=x").post("/api/messages/send", `{"clientId":"42","body":"f"}`).is(201)
	// Without any credential there is nothing to borrow.
	w.nobody().with(evil...).post("/api/session", `{}`).is(201)
	w.nobody().with(evil...).call("DELETE", "/api/session", "", "").is(204)
	// What Pusher and the cron call asks for no cookie, and is not done on one.
	w.nobody().with(evil...).with("Cookie: devinbox_session="+ada.token).post("/api/pusher/webhook", `{}`).fails(403, "forbidden")
	w.nobody().with(evil...).with("Cookie: devinbox_session="+ada.token).get("/api/cron/deliver").fails(401, "unauthorized")
}

// TestAPageThatOnlyReadsOnACookieChangesNothingAndIsNotShownTheAnswer is the reason why reading needs no guard.
func TestAPageThatOnlyReadsOnACookieChangesNothingAndIsNotShownTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_ALLOWED_ORIGINS=https://app.example.net")
	w.client("42").sends("a")
	token := w.developer("ada").token
	before := w.everything()
	for _, origin := range []string{"https://evil.example", "null", "https://app.example.net"} {
		ada := w.nobody().with("Cookie: devinbox_session="+token, "Sec-Fetch-Site: cross-site", "Origin: "+origin)
		for _, path := range []string{"/api/messages/list?clientId=42", "/api/messages/list?clientId=42&changedSince=0", "/api/conversations/list", "/api/conversations/list?q=client", "/api/session", "/api/health"} {
			a := ada.get(path).is(200)
			if shared := a.header.Get("Access-Control-Allow-Origin"); shared != "" && origin != "https://app.example.net" {
				t.Errorf("%s is shared with %s", path, shared)
			}
			if a.header.Get("Access-Control-Allow-Credentials") != "" { // without it a browser shows no answer to a request with cookies
				t.Errorf("%s is shared with cookies", path)
			}
		}
	}
	if w.everything() != before {
		t.Error("reading has written something")
	}
}

func TestABodyThatAFormCanSendIsNoJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	ada, mutations := w.developer("ada"), w.mutations()
	before := w.everything()
	for _, m := range mutations {
		if m.contentType != "application/json" {
			continue
		}
		// What a page may send to another origin without asking, and what only looks like JSON's type.
		for _, contentType := range []string{"", "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain", "application/json; charset=utf-16", "text/json", "application/jsonp"} {
			m.contentType = contentType
			if a := ada.mutate(m); a.status != 415 {
				t.Errorf("%s as %q: %d: %s", m.name, contentType, a.status, a.body)
			}
		}
	}
	if w.everything() != before {
		t.Error("one of them has changed something")
	}
	for _, contentType := range []string{"text/plain", "multipart/form-data; boundary=x"} {
		ada.call("POST", "/api/pusher/auth", contentType, "socket_id=1.2&channel_name=private-developer-inbox").fails(415, "unsupported_media_type")
	}
}

func TestAnOriginReadsWhatIsForItAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_ALLOWED_ORIGINS=https://app.example.com,http://localhost:5173,https://*.example.org,https://*.example.net:8443")
	grace := w.client("42")
	for origin, allowed := range map[string]bool{
		"https://app.example.com":             true,
		"http://localhost:5173":               true,
		"https://a.example.org":               true,
		"https://preview-7.example.org":       true,
		"https://a.example.net:8443":          true,
		"":                                    false,
		"null":                                false,
		"*":                                   false,
		"https://evil.example":                false,
		"http://app.example.com":              false,
		"https://app.example.com:443":         false,
		"https://app.example.com:8443":        false,
		"https://app.example.com/":            false,
		"https://app.example.com.evil.com":    false,
		"https://app.example.comevil.com":     false,
		"https://evil-app.example.com":        false,
		"https://APP.example.com":             false,
		"HTTPS://app.example.com":             false,
		"https://app.example.com https://x.y": false,
		"http://localhost":                    false,
		"http://localhost:3000":               false,
		"https://localhost:5173":              false,
		"https://example.org":                 false,
		"https://.example.org":                false,
		"https://a.b.example.org":             false,
		"https://a.example.org:8443":          false,
		"http://a.example.org":                false,
		"https://evil.com/.example.org":       false,
		"https://evil.com#.example.org":       false,
		"https://evil.com?.example.org":       false,
		"https://evil@a.example.org":          false,
		"https://a.example.net":               false,
		"https://*.example.org":               false,
	} {
		var headers []string
		if origin != "" {
			headers = []string{"Origin: " + origin}
		}
		want, exposed, methods, asked, age := "", "", "", "", ""
		if allowed {
			want, exposed, methods = origin, "X-Request-Id, Retry-After, Idempotent-Replayed, Server-Timing", "GET, POST, DELETE"
			asked, age = "Authorization, Content-Type", "600"
		}
		for name, a := range map[string]answer{
			"an answer":   grace.with(headers...).get("/api/session").is(200),
			"a refusal":   w.nobody().with(headers...).get("/api/session").is(401),
			"a wrong one": w.nobody().with(headers...).get("/api/messages/send").is(405),
			"a preflight": w.nobody().with(headers...).with("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization").call("OPTIONS", "/api/session", "", "").is(204),
		} {
			if name != "a preflight" {
				methods, asked, age = "", "", ""
			} else if allowed {
				methods, asked, age = "DELETE, GET, POST", "Authorization, Content-Type", "600"
			}
			for header, value := range map[string]string{
				"Access-Control-Allow-Origin": want, "Access-Control-Expose-Headers": exposed, "Vary": "Origin", "Access-Control-Allow-Credentials": "",
				"Access-Control-Allow-Methods": methods, "Access-Control-Allow-Headers": asked, "Access-Control-Max-Age": age,
			} {
				if got := a.header.Values(header); strings.Join(got, "|") != value {
					t.Errorf("%s for %q: %s is %q, want %q", name, origin, header, got, value)
				}
			}
		}
	}
}

func TestEveryFunctionIsSharedTheSameWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_ALLOWED_ORIGINS=https://app.example.com")
	none := newWorld(t)
	for path := range serve.Functions {
		preflight := w.nobody().with("Origin: https://app.example.com", "Access-Control-Request-Method: POST").call(http.MethodOptions, path, "", "").is(204)
		methods, allow := preflight.header.Get("Access-Control-Allow-Methods"), preflight.header.Get("Allow")
		if methods+", OPTIONS" != allow || slices.Contains(strings.Split(methods, ", "), "OPTIONS") {
			t.Errorf("%s: methods %q, Allow %q", path, methods, allow)
		}
		if len(preflight.body) != 0 || preflight.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
			t.Errorf("%s: %v %s", path, preflight.header, preflight.body)
		}
		if a := none.nobody().with("Origin: https://app.example.com").call(http.MethodOptions, path, "", "").is(204); a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Vary") != "Origin" {
			t.Errorf("%s without a list: %v", path, a.header)
		}
	}
	if w.postgres.Statements() != 0 {
		t.Error("a preflight asks the database")
	}
}
