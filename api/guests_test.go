package handler_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// withSession is the same person with our own session cookie and no bearer token.
func (p person) withSession(token string) person {
	p.token = ""
	return p.with("Cookie: "+identity.SessionCookie+"="+token, "Sec-Fetch-Site: same-origin")
}

// expired is a token of somebody that was good until an hour ago.
func expired(t *testing.T, who chat.Identity) string {
	t.Helper()
	verifier, err := identity.New(identity.Options{Secret: []byte(jwtSecret)})
	if err != nil {
		t.Fatal(err)
	}
	token, err := verifier.Mint(who, -time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

var guestID = regexp.MustCompile(`\Aguest-[a-z2-7]{26}\z`)

func TestAGuestBeginsAndChatsByTheCookieAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	began := w.nobody().post("/api/session", `{"name":"Gus","email":"gus@example.com"}`).is(201).has(
		"identity.role", "client", "identity.name", "Gus", "realtime.enabled", true, "realtime.key", "test-key", "realtime.channels.inbox", nil, "limits.bodyCodePoints", 8000,
	)
	id, token := began.text("identity.id"), began.text("token")
	own := "private-client-" + id
	began.has("realtime.channels.conversation", own)
	if !guestID.MatchString(id) {
		t.Errorf("the guest is %q", id)
	}
	if got, want := began.header.Get("Set-Cookie"), "devinbox_session="+token+"; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"; got != want {
		t.Errorf("the cookie is %q, want %q", got, want)
	}

	gus, ada := w.nobody().withSession(token), w.developer("ada")
	gus.get("/api/session").is(200).has("identity.id", id, "token", nil)
	message := gus.sends("Hello")
	gus.get("/api/messages/list").is(200).has("messages.0.id", message, "conversation.clientId", id, "conversation.clientName", "Gus", "conversation.clientEmail", "gus@example.com")
	gus.patch("/api/messages/edit", `{"messageId":%s,"body":"Hello!"}`, message).is(200).has("message.body", "Hello!")
	ada.sends("Hi", id)
	gus.post("/api/messages/read", `{"upToSeq":2}`).is(200).has("unread", 0)
	gus.remove("/api/messages/edit", `{"messageId":%s}`, message).is(200)
	gus.authorize("1.2", own).is(200).has("auth", signature("1.2:"+own))
	gus.form("/api/pusher/auth", "socket_id=1.2").is(200)
	// What a client may not, neither may a guest.
	gus.get("/api/conversations/list").fails(403, "forbidden")
	gus.update(`{"clientId":%s,"status":"closed"}`, id).fails(403, "forbidden")
	gus.authorize("1.2", "private-developer-inbox").fails(403, "forbidden")

	// The token is for whatever sends no cookies, such as pusher-js from another origin.
	atGus := person{world: w, token: token}.listen()
	atGus.Subscribe(own)
	ada.sends("Are you there?", id)
	if heard := atGus.Next(own, "new-message"); lookup(t, heard, "body") != "Are you there?" {
		t.Errorf("the guest hears %s", heard)
	}

	// It begins once: later it is who it was, and is not given its token again.
	for name, who := range map[string]person{"cookie": gus, "token": {world: w, token: token}} {
		again := who.post("/api/session", `{"name":"Somebody Else"}`).is(200).has("identity.id", id, "identity.name", "Gus", "token", nil)
		if again.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: there is another cookie", name)
		}
	}
	ada.post("/api/session", `{}`).is(200).has("identity.id", "ada", "identity.role", "developer", "token", nil, "realtime.channels.inbox", "private-developer-inbox")
}

func TestTheCookieOfASessionIsSecureOutsideThisMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	for host, secure := range map[string]string{"localhost:3000": "", "127.0.0.1": "", "chat.example.com": "; Secure", "localhost.example.com:3000": "; Secure"} {
		nobody := w.nobody().with("Host: " + host)
		began := nobody.post("/api/session", `{}`).is(201).header.Get("Set-Cookie")
		if !strings.HasSuffix(began, "; Path=/; Max-Age=2592000; HttpOnly"+secure+"; SameSite=Lax") {
			t.Errorf("%s: %q", host, began)
		}
		ended := nobody.call(http.MethodDelete, "/api/session", "", "").is(204)
		if got, want := ended.header.Get("Set-Cookie"), "devinbox_session=; Path=/; Max-Age=0; HttpOnly"+secure+"; SameSite=Lax"; got != want || len(ended.body) != 0 {
			t.Errorf("%s: %q %s, want %q", host, got, ended.body, want)
		}
	}
}

func TestWhatAGuestSaysOfItselfIsOnlyShown(t *testing.T) { // T22
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true", "CHAT_DEVELOPERS=ada,ada@example.com")
	begin := func(body string) answer {
		return w.nobody().from(body).call(http.MethodPost, "/api/session", "application/json", body)
	}
	for body, name := range map[string]any{
		`{}`:                                  nil,
		`{"name":null,"email":null}`:          nil,
		`{"name":" Gus "}`:                    "Gus",
		`{"name":" "}`:                        nil,
		`{"name":"a\u0000b"}`:                 "ab",
		`{"name":"<b>&\u202e"}`:               "<b>&",
		`{"name":"\u202ea\u2069\u200bda"}`:    "ada",
		`{"name":"\u200b\u3164\u00ad\ufeff"}`: nil,
		`{"name":"Zo\u00eb \ud83d\udc69\u200d\ud83d\udcbb"}`: "Zoë 👩\u200d💻",
		`{"name":"` + long("é") + `"}`:                       strings.Repeat("é", 120),
		`{"name":"ada","email":"ada@example.com"}`:           "ada",
	} {
		a := begin(body).is(201).has("identity.name", name, "identity.role", "client")
		w.nobody().withSession(a.text("token")).get("/api/conversations/list").fails(403, "forbidden")
	}
	for email, want := range map[string]any{
		strings.Repeat("e", 254): strings.Repeat("e", 254), strings.Repeat("e", 255): nil, "a\nb": "a b", "": nil, "no address": "no address", "gus\u200b@example.com\u202e": "gus@example.com", "\u2060": nil,
	} {
		a := begin(object(t, `{"email":%s}`, email)).is(201)
		w.nobody().withSession(a.text("token")).post("/api/messages/send", `{"body":"a"}`).is(201).has("conversation.clientEmail", want)
	}
	for body, field := range map[string]string{
		`{"role":"developer"}`: "role", `{"id":"42"}`: "id", `{"sub":"42"}`: "sub", `{"name":7}`: "name", `{"email":["a"]}`: "email", `{"Name":"a"}`: "Name", `{"name":"a","name":"b"}`: "name", `{"name":"\ud800"}`: "name", `[]`: "", ``: "",
	} {
		if a := begin(body).fails(400, "invalid_request"); a.text("errors.0.field") != field || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	nobody := w.nobody()
	nobody.form("/api/session", "name=a").fails(415, "unsupported_media_type")
	nobody.call(http.MethodPost, "/api/session", "", "").fails(415, "unsupported_media_type")
	nobody.call(http.MethodPost, "/api/session", "application/json", strings.Repeat(" ", 129<<10)).fails(413, "payload_too_large")
	nobody.post("/api/session?name=a", `{}`).fails(400, "invalid_request", "name")
}

// long is a text of 121 code points.
func long(s string) string { return strings.Repeat(s, 121) }

func TestGuestsAreOffUnlessTheyAreWanted(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"not said":    nil,
		"said no":     {"CHAT_GUESTS=false"},
		"no own keys": {"CHAT_GUESTS=true", "CHAT_JWT_SECRET=", "CHAT_JWKS_URL=https://keys.example.com/jwks.json"},
	} {
		w := newWorld(t, settings...)
		a := w.nobody().post("/api/session", `{}`).fails(403, "forbidden")
		w.nobody().form("/api/session?x=1", "x").fails(403, "forbidden")
		if a.header.Get("Set-Cookie") != "" || w.postgres.Statements() != 0 {
			t.Errorf("%s: %v, and %d statements", name, a.header, w.postgres.Statements())
		}
	}
	w := newWorld(t)
	w.client("42").post("/api/session", `{}`).is(200).has("identity.id", "42", "token", nil)
	// Where nobody can be recognised, nobody can begin either.
	newWorld(t, "CHAT_GUESTS=true", "CHAT_JWT_SECRET=").nobody().post("/api/session", `{}`).fails(503, "unavailable")
}

// signedWith is a token of somebody that another secret signed.
func signedWith(t *testing.T, secret string, who chat.Identity) string {
	t.Helper()
	verifier, err := identity.New(identity.Options{Secret: []byte(secret)})
	if err != nil {
		t.Fatal(err)
	}
	token, err := verifier.Mint(who, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// The secret is changed twice. A guest of the first change is still who it was; of the second it begins anew, once, and
// is not locked out for as long as its browser keeps the cookie.
func TestAGuestOutlivesAChangeOfTheSecret(t *testing.T) { // T49
	t.Parallel()
	const first, second, third = "the first secret of the tests, in use for years", "the second secret of the tests, in use for days", "the third secret of the tests, as of right now"
	settings := func(now, before string) []string {
		return []string{"CHAT_GUESTS=true", "CHAT_JWT_SECRET=" + now, "CHAT_JWT_SECRET_PREVIOUS=" + before}
	}
	a := newWorld(t, settings(first, "")...).nobody().post("/api/session", `{"name":"Gus"}`).is(201)
	id, cookie := a.text("identity.id"), a.text("token")

	w := newWorld(t, settings(second, first)...)
	gus := w.nobody().from("a guest").withSession(cookie)
	gus.get("/api/session").is(200).has("identity.id", id)
	gus.post("/api/session", `{}`).is(200).has("identity.id", id, "token", nil)
	person{world: w, token: cookie}.sends("still here")
	if token := w.nobody().from("another").post("/api/session", `{}`).is(201).text("token"); newWorld(t, settings(third, second)...).nobody().withSession(token).get("/api/session").status != 200 {
		t.Error("a new session is not signed with the new secret")
	}

	w = newWorld(t, settings(third, second)...)
	gus = w.nobody().from("a guest").withSession(cookie)
	gus.get("/api/session").fails(401, "unauthorized")
	again := gus.post("/api/session", `{"name":"Gus"}`).is(201).has("identity.role", "client", "identity.name", "Gus")
	if again.text("identity.id") == id || !strings.HasPrefix(again.header.Get("Set-Cookie"), "devinbox_session="+again.text("token")+"; ") {
		t.Errorf("the cookie is %q: %s", again.header.Get("Set-Cookie"), again.body)
	}
	w.nobody().withSession(again.text("token")).get("/api/session").is(200).has("identity.id", again.value("identity.id"))
}

func TestACredentialThatIsThereDecidesAlsoWhereItIsBad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	me := chat.Identity{ID: "42", Role: chat.Client}
	good, old, foreign := signed(t, me), expired(t, me), signedWith(t, "what was the secret of the tests before this one", me)
	forged := good[:strings.LastIndexByte(good, '.')+1] + old[strings.LastIndexByte(old, '.')+1:]
	nobody := w.nobody()
	for name, c := range map[string]struct {
		who          person
		start, other int
	}{
		"none":                           {nobody, 201, 401},
		"another scheme":                 {nobody.with("Authorization: Basic " + good), 201, 401},
		"another cookie":                 {nobody.with("Cookie: session=" + good), 201, 401},
		"a session":                      {nobody.withSession(good), 200, 200},
		"an expired session":             {nobody.withSession(old), 201, 401}, // it begins anew
		"a forged session":               {nobody.withSession(forged), 201, 401},
		"a session of another secret":    {nobody.withSession(foreign), 201, 401},
		"an empty session":               {nobody.withSession(""), 201, 401},
		"a session that is no token":     {nobody.withSession("x"), 201, 401},
		"two sessions":                   {nobody.withSession(good).withSession(good), 201, 401},
		"an expired and another":         {nobody.withSession(old).withSession(good), 201, 401},
		"an expired token":               {nobody.with("Authorization: Bearer " + old), 401, 401},
		"an expired token and a session": {nobody.withSession(good).with("Authorization: Bearer " + old), 401, 401},
		"a token and an expired session": {nobody.withSession(old).with("Authorization: Bearer " + good), 200, 200},
		"an empty token":                 {nobody.with("Authorization: Bearer"), 401, 401},
	} {
		c.who = c.who.from(name)
		if a := c.who.post("/api/session", `{}`); a.status != c.start {
			t.Errorf("POST with %s: %d, want %d", name, a.status, c.start)
		} else if began := a.header.Get("Set-Cookie") != ""; began != (c.start == 201) {
			t.Errorf("POST with %s: the cookie is %q", name, a.header.Get("Set-Cookie"))
		}
		if a := c.who.get("/api/session"); a.status != c.other || a.status == 401 && a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("GET with %s: %d, want %d", name, a.status, c.other)
		}
		// The end needs no credential, and none is in its way.
		if a := c.who.call(http.MethodDelete, "/api/session", "", ""); a.status != 204 || !strings.HasPrefix(a.header.Get("Set-Cookie"), "devinbox_session=; ") {
			t.Errorf("DELETE with %s: %d %q", name, a.status, a.header.Get("Set-Cookie"))
		}
	}
	nobody.call(http.MethodDelete, "/api/session?x=1", "", "").fails(400, "invalid_request", "x")
	nobody.get("/api/session?x=1").fails(401, "unauthorized")
	w.client("42").get("/api/session?x=1").fails(400, "invalid_request", "x")
}

// from is the same person at an address of its own for each name. A platform sets X-Real-Ip itself, by the connection;
// so that comes from there, too.
func (p person) from(name string) person {
	sum := 0
	for _, b := range []byte(name) {
		sum = sum*31 + int(b)
	}
	address := net.IPv4(127, 1+byte(sum>>16)%254, byte(sum>>8), 1+byte(sum)%254)
	p.address = address
	return p.with("X-Real-Ip: " + address.String())
}

func TestTenGuestsAMinuteBeginFromOneAddressOnWhateverInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	instances := []string{w.url, w.instance()}
	begin := func(i int, from string) answer {
		at := *w
		at.url = instances[i%len(instances)]
		return at.nobody().from(from).post("/api/session", `{}`)
	}

	// Of many at once exactly ten begin.
	var mu sync.Mutex
	statuses, ids := map[int]int{}, map[string]bool{}
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			a := begin(i, "here")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
			if a.status == 201 {
				ids[a.text("identity.id")] = true
			}
		})
	}
	all.Wait()
	if statuses[201] != 10 || statuses[429] != 20 || len(ids) != 10 {
		t.Errorf("%v, of %d ids", statuses, len(ids))
	}
	for i := range instances {
		a := begin(i, "here").fails(429, "rate_limited")
		after, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil || after < 1 || after > 60 || a.header.Get("Set-Cookie") != "" {
			t.Errorf("Retry-After is %q, the cookie %q", a.header.Get("Retry-After"), a.header.Get("Set-Cookie"))
		}
	}
	begin(0, "there").is(201)
	// Whoever has a credential does not begin, and what cannot be read does not count.
	w.client("42").from("here").post("/api/session", `{}`).is(200)
	w.nobody().from("here").post("/api/session", `{"x":1}`).fails(400, "invalid_request", "x")

	// A minute later there is room again.
	w.sql("update chat.guest_rate set admitted = array(select a - interval '1 minute' from unnest(admitted) a), last_at = last_at - interval '1 minute'")
	begin(1, "here").is(201)
	// The address itself is kept nowhere.
	if n := w.count("select count(*) from chat.guest_rate where encode(address_digest, 'escape') like '%127.%' or octet_length(address_digest) <> 32"); n != 0 {
		t.Error("an address can be read in the database")
	}
	if strings.Contains(w.log.String(), w.nobody().from("here").address.String()) {
		t.Error("an address can be read in the log")
	}
}

func TestOneCallersManyAddressesAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_GUESTS=true")
	w.url = w.here() // where nobody sets X-Real-Ip but the test
	for _, addresses := range [][]string{
		{"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:0db8:0001:0002::3", " 2001:db8:1:2::1"}, // one network
		{"2001:db8:1:3::1"}, // another
		{"192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"}, // one address in three spellings
		{"192.0.2.2"},
		{"fe80::1%a", "fe80::2%b"},
	} {
		for i := range chat.GuestsPerMinute {
			w.nobody().with("X-Real-Ip: "+addresses[i%len(addresses)]).post("/api/session", `{}`).is(201)
		}
		for _, address := range addresses {
			w.nobody().with("X-Real-Ip: "+address).post("/api/session", `{}`).fails(429, "rate_limited")
		}
	}
}

// signIn is a program that signs somebody in with the real Auth.js, through its own routes and a provider by OAuth, as
// often as is asked, and prints the cookies of each session. Arguments: the secret, the origin, how often.
const signIn = `
import { Auth, customFetch, raw, skipCSRFCheck } from "@auth/core";

const [secret, origin, times] = process.argv.slice(1);
const answers = { "/token": { access_token: "a", token_type: "bearer" }, "/userinfo": { name: "Grace", email: "grace@example.com" } };
const config = {
  basePath: "/auth", trustHost: true, secret, skipCSRFCheck, raw,
  session: { strategy: "jwt" },
  providers: [{
    id: "provider", name: "Provider", type: "oauth", clientId: "client", clientSecret: "secret", checks: ["state"],
    authorization: "https://provider.example/authorize", token: "https://provider.example/token", userinfo: "https://provider.example/userinfo",
    profile: ({ name, email }) => ({ id: "7", name, email }),
    [customFetch]: async (url) => Response.json(answers[new URL(url).pathname]),
  }],
  logger: { debug() {}, warn() {}, error(problem) { console.error(problem); } },
};
const cookies = [];
for (let i = 0; i < times; i++) {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const begun = await Auth(new Request(origin + "/auth/signin/provider", { method: "POST", body: "", headers }), config);
  const cookie = begun.cookies.map(({ name, value }) => name + "=" + value).join("; ");
  const state = new URL(begun.redirect).searchParams.get("state");
  const done = await Auth(new Request(origin + "/auth/callback/provider?code=c&state=" + state, { headers: { cookie } }), config);
  cookies.push(done.cookies.filter(({ name }) => name.includes("session-token")).map(({ name, value }) => name + "=" + value).join("; "));
}
console.log(JSON.stringify(cookies));
`

// sessionsOfAuthJS are the cookies of several sign-ins of grace@example.com over https.
func sessionsOfAuthJS(t *testing.T, secret string, times int) (cookies []string) {
	t.Helper()
	dir, err := npm.Install(t.Context(), map[string]string{"jose": "6.2.18", "@auth/core": "0.41.3"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", signIn, "--", secret, "https://chat.example.com", strconv.Itoa(times))
	node.Dir = dir // where it looks for packages
	var complaints strings.Builder
	node.Stderr = &complaints
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &complaints)
	}
	if err := json.Unmarshal(out, &cookies); err != nil || len(cookies) != times || slices.Contains(cookies, "") {
		t.Fatalf("%v: %s%s", err, out, &complaints)
	}
	return cookies
}

func TestWhoSignsInAgainWithAuthJSIsTheSameClientByItsEmail(t *testing.T) {
	t.Parallel()
	const secret = "a secret of Auth.js"
	sessions := sessionsOfAuthJS(t, secret, 2)
	https := func(w *world, cookie string) person {
		return w.nobody().with("Cookie: "+cookie, "Sec-Fetch-Site: same-origin", "X-Forwarded-Proto: https", "Host: chat.example.com")
	}

	w := newWorld(t, "CHAT_AUTHJS=true", "AUTH_SECRET="+secret, "CHAT_ID_CLAIM=email")
	first := https(w, sessions[0])
	first.get("/api/session").is(200).has("identity.id", "grace@example.com", "identity.role", "client", "identity.name", "Grace", "realtime.channels.conversation", "private-client-grace@example.com")
	first.post("/api/messages/send", `{"body":"before"}`).is(201).has("message.seq", 1, "conversation.clientName", "Grace", "conversation.clientEmail", "grace@example.com")
	first.authorize("1.2", "private-client-grace@example.com").is(200)
	verifier, err := identity.New(identity.Options{Secret: []byte(jwtSecret), IDClaim: "email"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := verifier.Mint(chat.Identity{ID: "ada@example.com", Role: chat.Developer}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	person{world: w, token: token}.sends("Hi", "grace@example.com")

	https(w, "a=b").get("/api/messages/list").fails(401, "unauthorized") // signed out: Auth.js has taken the cookie away

	second := https(w, sessions[1])
	second.get("/api/messages/list").is(200).has("conversation.lastSeq", 2, "messages.0.body", "before", "messages.1.body", "Hi", "conversation.unread.client", 1)
	message := second.post("/api/messages/send", `{"body":"after"}`).is(201).has("message.seq", 3).text("message.id")
	second.patch("/api/messages/edit", `{"messageId":%s,"body":"after!"}`, message).is(200)
	if n := w.count("select count(*) from chat.conversation"); n != 1 {
		t.Errorf("%d conversations", n)
	}
	// Another secret, and a cookie of the same value under the name that it has elsewhere, open nothing.
	https(newWorld(t, "CHAT_AUTHJS=true", "AUTH_SECRET=another secret of Auth.js"), sessions[0]).get("/api/session").fails(401, "unauthorized")
	https(w, strings.TrimPrefix(sessions[0], "__Secure-")).get("/api/session").fails(401, "unauthorized")
	https(newWorld(t, "AUTH_SECRET="+secret), sessions[0]).get("/api/session").fails(401, "unauthorized") // it is not looked for

	// By sub, which Auth.js makes anew at each sign-in, one would be two clients.
	bySub := newWorld(t, "CHAT_AUTHJS=true", "AUTH_SECRET="+secret)
	if a, b := https(bySub, sessions[0]).get("/api/session").is(200).text("identity.id"), https(bySub, sessions[1]).get("/api/session").is(200).text("identity.id"); a == b {
		t.Errorf("both sessions have the sub %q", a)
	}
}
