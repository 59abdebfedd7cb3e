package handler_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/serve"
	"devinbox/internal/testing/objectstores"
	"devinbox/internal/testing/pusherjs"
	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/webhooks"
	"devinbox/internal/testing/wire"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
	"devinbox/pkg/realtime"
)

// canaries are texts that no log may hold, each with what it is.
type canaries map[string]string

// plant makes one more text for a test to hide somewhere. It looks the same in JSON, in a URL and in a form.
func (c canaries) plant(what string) string {
	text := "canary-" + strings.ToLower(rand.Text())
	c[text] = what
	return text
}

// keep makes a canary of a text that is there already.
func (c canaries) keep(what, text string) string {
	c[text] = what
	return text
}

// seek looks for all of them in a log.
func (c canaries) seek(t *testing.T, name, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		for text, what := range c {
			if strings.Contains(line, text) {
				t.Errorf("%s holds %s: %s", name, what, line)
			}
		}
	}
}

// hostile is a deployment on a Postgres server of its own, in which everything that must not be told is a canary.
type hostile struct {
	*world
	canaries
	server      *testdb.OwnServer
	store       objectstores.Store
	receiver    *webhooks.Receiver
	grace, ada  person
	own, inbox  string
	first, last string // messages of Grace's
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	c := canaries{}
	server := testdb.Server(t)
	proxy := wire.NewPostgres(t, server.URL())
	secret := webhooks.Secret()
	receiver := webhooks.Start(t, secret)
	store := objectstores.Embedded(t, nil)
	w := newWorld(t, append(environment(store), "CHAT_WEBHOOK_URL="+receiver.URL+"/"+c.plant("the URL of the receiver"), "CHAT_WEBHOOK_SECRET="+c.keep("the receiver's secret", secret),
		"DATABASE_URL="+proxy.URL(), "CHAT_CHANNELS=presence", "CHAT_GUESTS=true", "CHAT_RATE_LIMIT=30/1h",
		"CHAT_AUTHJS=true", "AUTH_SECRET="+c.plant("the secret of Auth.js"), "CHAT_JWKS_URL=http://127.0.0.1:1/"+c.plant("the URL of the keys"),
		"CHAT_ALLOWED_ORIGINS=https://"+c.plant("an allowed origin")+".com")...)
	w.database, w.postgres = server.URL(), proxy

	at, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	c.keep("the password of the database", password)
	c.keep("the secret of the tokens", jwtSecret)
	c.keep("the secret of the cron", cronSecret)
	c.keep("the secret of Pusher", "test-secret")
	c.keep("a signed URL", "auth_signature=")
	c.keep("the secret of the object store", store.SecretAccessKey)
	c.keep("an address in the object store", "X-Amz-Signature")
	c.keep("the key of an object", chat.ObjectPrefix("42"))
	h := &hostile{world: w, canaries: c, server: server, store: store, receiver: receiver, own: "presence-client-42", inbox: "private-developer-inbox"}
	h.grace = h.somebody("42", chat.Client)
	h.ada = h.somebody("ada", chat.Developer)
	return h
}

// somebody is a person whose name, e-mail and token are canaries.
func (h *hostile) somebody(id string, role chat.Role) person {
	h.t.Helper()
	token := signed(h.t, chat.Identity{ID: id, Role: role, Name: h.plant("a name"), Email: h.plant("an e-mail") + "@example.com"})
	h.keep("a token", token)
	parts := strings.Split(token, ".")
	h.keep("what a token says", parts[1])
	h.keep("a token's signature", parts[2])
	return person{world: h.world, token: token}
}

// succeed calls every function as it is meant to be called.
func (h *hostile) succeed() {
	h.t.Helper()
	h.first = h.grace.post("/api/messages/send", `{"body":%s,"clientMessageId":"k"}`, h.plant("a body")).is(201).text("message.id")
	h.last = h.grace.post("/api/messages/send", `{"body":%s}`, h.plant("a body")).is(201).has("realtime", "delivered").text("message.id")
	h.ada.post("/api/messages/send", `{"clientId":"42","body":%s}`, h.plant("a developer's body")).is(201)
	h.ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`).is(200)
	h.grace.get("/api/messages/list").is(200)
	h.grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, h.last, h.plant("an edited body")).is(200)
	h.ada.get("/api/conversations/list?q=" + h.plant("a search")).is(200)
	h.ada.post("/api/conversations/update", `{"clientId":"42","assigneeId":%s,"clientName":%s}`, h.plant("an assignee"), h.plant("a name that a developer gives")).is(200)
	for _, a := range []answer{h.grace.authorize("1.2", h.own), h.ada.authorize("1.2", h.own), h.ada.authorize("1.2", h.inbox), h.grace.form("/api/pusher/auth", "socket_id=1.2")} {
		h.keep("a signature for Pusher", strings.TrimPrefix(a.is(200).text("auth"), "test-key:"))
	}
	h.webhook(http.StatusOK, `{"time_ms":%d,"x":"`+h.plant("a webhook")+`","events":[{"name":"member_added","channel":"presence-client-42","user_id":"c:42"}]}`)
	guest := h.nobody().post("/api/session", `{"name":%s,"email":%s}`, h.plant("a guest's name"), h.plant("a guest's e-mail")+"@example.com").is(201)
	h.keep("a guest's token", guest.text("token"))
	h.keep("a guest's signature", guest.text("token")[strings.LastIndexByte(guest.text("token"), '.')+1:])
	h.nobody().call("GET", "/api/session", "", "", "Cookie: devinbox_session="+guest.text("token")+"; other="+h.plant("a cookie")).is(200)
	h.nobody().call("DELETE", "/api/session", "", "", "Cookie: devinbox_session="+guest.text("token")).is(204)
	h.cron().is(200)
	h.failReceiver()
	h.sendFiles()
	h.nobody().get("/api/health").is(200)
}

// sendFiles sends a file and fetches it, through an object store that works and that fails in every way that it should not.
func (h *hostile) sendFiles() {
	h.t.Helper()
	begun := h.ada.post("/api/attachments", `{"clientId":"42","fileName":%s,"mediaType":%s,"size":4}`, h.plant("a file's name"), "text/"+h.plant("a media type")).is(201)
	begun.puts("text")
	id := begun.text("attachment.id")
	for _, failure := range []objectstore.Failure{objectstore.InternalError, objectstore.Page, objectstore.Drop} {
		h.store.Server.Fail(failure)
		h.ada.post("/api/messages/send", `{"clientId":"42","attachmentIds":[%s]}`, id).is(503)
		h.sql("update chat.object_deletion set due_at = now()")
		h.sql("insert into chat.object_deletion values ($1, now()) on conflict do nothing", chat.ObjectPrefix("42")+"x")
		h.cron().is(200)
	}
	h.store.Server.Fail(objectstore.Nothing)
	message := h.ada.post("/api/messages/send", `{"clientId":"42","attachmentIds":[%s]}`, id).is(201).text("message.id")
	h.ada.get("/api/attachments?clientId=42&ids=" + id).is(200)
	h.ada.remove("/api/messages/edit", `{"clientId":"42","messageId":%s}`, message).is(200)
	h.cron().is(200)
}

// failReceiver has the receiver of webhooks answer in every way that it should not.
func (h *hostile) failReceiver() {
	h.t.Helper()
	for _, answer := range []func(w http.ResponseWriter, r *http.Request, _ webhooks.Webhook){
		func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) {
			http.Error(w, h.plant("a receiver's answer"), http.StatusInternalServerError)
		},
		func(w http.ResponseWriter, r *http.Request, _ webhooks.Webhook) {
			http.Redirect(w, r, "/"+h.plant("where a receiver leads to"), http.StatusFound)
		},
		func(http.ResponseWriter, *http.Request, webhooks.Webhook) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) {
			http.Error(w, h.plant("a receiver's answer"), http.StatusGone)
		},
	} {
		var one sync.Mutex // canaries are planted one at a time
		h.receiver.Answer(func(w http.ResponseWriter, r *http.Request, hook webhooks.Webhook) {
			one.Lock()
			defer one.Unlock()
			answer(w, r, hook)
		})
		h.grace.post("/api/messages/send", `{"body":%s}`, h.plant("a body that the receiver does not take")).is(201)
		h.sql("update chat.webhook set due_at = clock_timestamp()")
		h.cron().is(200).has("delivered", 0)
	}
	for _, hook := range h.receiver.Received() {
		h.keep("the signature of a webhook", strings.TrimPrefix(hook.Signature, "v1,"))
	}
	for _, class := range []string{"5xx", "redirect", "connection", "gone"} {
		if !strings.Contains(h.log.String(), `"class":"`+class+`"`) {
			h.t.Errorf("the log tells of no receiver of the class %s", class)
		}
	}
	h.sql("delete from chat.webhook_gone")
	h.receiver.Answer(nil)
	h.cron().is(200)
}

// webhook posts a webhook of Pusher's, whose format takes the time.
func (h *hostile) webhook(status int, format string) {
	h.t.Helper()
	body := fmt.Sprintf(format, time.Now().UnixMilli())
	mac := hmac.New(sha256.New, []byte("test-secret"))
	mac.Write([]byte(body))
	h.nobody().call("POST", "/api/pusher/webhook", "application/json", body,
		"X-Pusher-Key: test-key", "X-Pusher-Signature: "+h.keep("a webhook's signature", hex.EncodeToString(mac.Sum(nil)))).is(status)
}

// ask makes the mistakes that a caller can make.
func (h *hostile) ask() {
	h.t.Helper()
	nobody, grace, ada := h.nobody(), h.grace, h.ada
	for _, header := range []string{
		"Authorization: Bearer " + h.plant("a bad token"), "Authorization: Basic " + h.plant("another scheme"), "Authorization: Bearer " + grace.token + "x",
		"Cookie: devinbox_session=" + h.plant("a bad session"), "Cookie: authjs.session-token=" + h.plant("a session of Auth.js"),
		"Cookie: authjs.session-token.0=" + h.plant("a chunk") + "; authjs.session-token.2=" + h.plant("a chunk"),
		"X-Vercel-Id: " + h.plant("an id") + " with a blank",
	} {
		nobody.call("GET", "/api/session", "", "", header).is(401)
	}
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	unknown := part(`{"alg":"RS256"}`) + "." + part(`{"sub":"`+h.plant("a subject")+`"}`) + "." + part("x")
	nobody.call("GET", "/api/session", "", "", "Authorization: Bearer "+h.keep("a token of unknown keys", unknown)).is(503)
	nobody.call("POST", "/api/messages/send", "application/json", `{"body":"a"}`,
		"Cookie: devinbox_session="+grace.token, "Origin: https://"+h.plant("another origin")+".com", "Sec-Fetch-Site: cross-site").is(403)
	nobody.call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+h.plant("a wrong secret")).is(401)
	nobody.call("POST", "/api/pusher/webhook", "application/json", `{"x":"`+h.plant("a forged webhook")+`"}`, "X-Pusher-Key: test-key", "X-Pusher-Signature: "+h.plant("a forged signature")).is(401)
	nobody.call("POST", "/api/pusher/webhook", "application/json", "{}", "X-Pusher-Key: "+h.plant("another key")).is(401)
	h.webhook(400, `{"time_ms":%d,"events":"`+h.plant("events of another form")+`"}`)

	grace.call("PUT", "/api/messages/send?x="+h.plant("a query"), "application/json", `{"body":"a"}`).is(405)
	grace.call("POST", "/api/messages/send", "text/"+h.plant("a content type"), `{"body":"a"}`).is(415)
	grace.post("/api/messages/send", `{"body":%s}`, strings.Repeat(h.plant("a large body"), 5000)).is(413)
	for _, body := range []string{
		`{"body":"` + h.plant("a body that is cut off"), `{"` + h.plant("a field") + `":1}`, `{"body":"a","body":"` + h.plant("a doubled body") + `"}`,
		`{"body":["` + h.plant("a body of another type") + `"]}`, `{"body":"a"}` + h.plant("trailing data"), `{"body":"` + h.plant("a lone surrogate") + `\ud800"}`,
		`"` + h.plant("a text alone") + `"`, `{"body":"` + h.plant("no UTF-8") + "\xff\"}",
	} {
		grace.call("POST", "/api/messages/send", "application/json", body).is(400)
	}
	grace.post("/api/messages/send", `{"clientId":%s,"body":"a"}`, h.plant("another's id")).is(403)
	grace.post("/api/messages/send", `{"body":%s,"clientMessageId":"é"}`, h.plant("a body with NUL")+"\x00").is(422)
	grace.post("/api/messages/send", `{"body":%s,"clientMessageId":"k"}`, h.plant("another body of a key")).is(409)
	grace.authorize("1.2", h.plant("a channel")).is(403)
	grace.authorize(h.plant("a socket"), h.own).is(400)
	grace.form("/api/pusher/auth", "socket_id=1.2&"+h.plant("a parameter")+"="+h.plant("a value")).is(400)
	grace.form("/api/pusher/auth", "%"+h.plant("no form")).is(400)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, h.plant("no id"), h.plant("an edit of nothing")).is(422)
	grace.remove("/api/messages/edit", `{"messageId":%s}`, "019a3f6e-0000-7000-8000-0123456789ab").is(404)
	ada.patch("/api/messages/edit", `{"clientId":"42","messageId":%s,"body":%s}`, h.first, h.plant("another's edit")).is(403)
	ada.post("/api/messages/send", `{"clientId":%s,"body":%s}`, h.plant("nobody's id"), h.plant("a body for nobody")).is(404)
	ada.post("/api/conversations/update", `{"clientId":"42","status":%s,"clientName":%s}`, h.plant("a status"), h.plant("a name with a line break")+"\n").is(422)
	for _, parameter := range []string{"cursor", "since", "status", "assigneeId=a%00&status", h.plant("an unknown parameter")} {
		ada.get("/api/conversations/list?" + parameter + "=" + h.plant("a query's value")).is(400)
	}
	ada.get("/api/conversations/list?q=" + h.plant("a search with NUL") + "%00").is(422)
	fast := h.somebody("fast", chat.Client)
	for range 30 {
		fast.post("/api/messages/send", `{"body":"a"}`).is(201)
	}
	fast.post("/api/messages/send", `{"body":%s}`, h.plant("one body too many")).is(429)
	for range 10 {
		nobody.post("/api/session", `{"name":%s}`, h.plant("a guest of many"))
	}
	nobody.post("/api/session", `{"name":%s}`, h.plant("one guest too many")).is(429)
}

// failPusher lets Pusher fail in every way, and somebody talk to it who has no secret.
func (h *hostile) failPusher() {
	h.t.Helper()
	send := func(who person, realtime string) {
		h.t.Helper()
		who.post("/api/messages/send", `{"body":%s}`, h.plant("a body that Pusher does not take")).is(201).has("realtime", realtime)
	}
	writer := h.somebody("writer", chat.Client)
	forged := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"auth":"test-key:%s","user_data":"{\"id\":\"c:42\"}","channel_data":"{\"user_id\":\"c:42\"}"}`, h.plant("a forged signature"))
	}))
	defer forged.Close()
	eve := pusherjs.Connect(h.t, pusherjs.Options{Key: "test-key", Host: h.pusher.Host(), Port: h.pusher.Port(), AuthEndpoint: forged.URL})
	if status := eve.TrySubscribe(h.own); status != 401 {
		h.t.Errorf("a forged signature is answered %d", status)
	}
	if err := eve.TrySignIn(); err == nil {
		h.t.Error("a forged signature signs in")
	}
	for _, query := range []string{"auth_key=test-key&auth_timestamp=1&auth_version=1.0&auth_signature=" + h.plant("a forged signature"), h.plant("no signature")} {
		response, err := http.Post(h.pusher.URL()+"/apps/1/events?"+query, "application/json", strings.NewReader(`{"data":"`+h.plant("a forged event")+`"}`))
		if err != nil {
			h.t.Fatal(err)
		}
		response.Body.Close()
	}

	send(writer, "delivered")
	for _, status := range []int{500, 400, 413} {
		h.toPusher.Answer(status, h.plant("what Pusher answers"))
		send(writer, "queued")
	}
	h.toPusher.Decide(nil)
	h.toPusher.LoseAnswer(1 << 20)
	send(writer, "queued")
	h.toPusher.LoseAnswer(0)
	h.toPusher.Hang(true)
	send(writer, "queued")
	h.toPusher.Cut()
	h.toPusher.Hang(false)
	h.toPusher.Refuse(true)
	h.toPusher.Cut()
	send(writer, "queued")
	h.cron().is(200)
	h.toPusher.Refuse(false)
	h.toPusher.Answer(401, h.plant("why Pusher refuses the app"))
	send(writer, "queued")
	h.sql("update chat.outbox set due_at = clock_timestamp()")
	h.cron().is(200)
	h.toPusher.Decide(nil)
}

// failDatabase lets statements fail within Postgres, and Postgres on the way.
func (h *hostile) failDatabase() {
	h.t.Helper()
	writer := h.somebody("unlucky", chat.Client)
	send := func(body string) answer {
		h.t.Helper()
		return writer.post("/api/messages/send", `{"body":%s,"clientMessageId":%s}`, body, rand.Text())
	}
	refuse := func() string { return "refuse " + h.plant("a body that Postgres refuses") }
	mine := send(h.plant("a body")).is(201).text("message.id")
	h.ada.post("/api/messages/send", `{"clientId":"unlucky","body":%s}`, h.plant("a body")).is(201)

	// A constraint that fails makes Postgres tell of the whole row.
	for constraint, call := range map[string]func() answer{
		"chat.message add constraint canary check (body not like 'refuse%') not valid":              func() answer { return send(refuse()) },
		"chat.conversation add constraint canary check (last_preview not like 'refuse%') not valid": func() answer { return send(refuse()) },
		"chat.outbox add constraint canary check (event <> 'messages-read') not valid":              func() answer { return writer.post("/api/messages/read", `{"upToSeq":2}`) },
		"chat.search add constraint canary check (folded not like 'refuse%') not valid":             func() answer { return h.rename(refuse()) },
		"chat.conversation add constraint canary check (client_name not like 'refuse%') not valid":  func() answer { return h.rename(refuse()) },
		"chat.message add constraint canary check (body <> '') not valid":                           func() answer { return writer.remove("/api/messages/edit", `{"messageId":%s}`, mine) },
		"chat.message add constraint canary exclude (body with =) where (body like 'refuse all%')":  func() answer { body := "refuse all " + h.plant("a body"); send(body).is(201); return send(body) },
	} {
		table, _, _ := strings.Cut(constraint, " ")
		h.sql("alter table " + constraint)
		call().fails(500, "internal")
		h.sql("alter table " + table + " drop constraint canary")
	}
	h.sql("create unique index canary on chat.message (body) where body like 'refuse twice%'")
	twice := "refuse twice " + h.plant("a body")
	send(twice).is(201)
	send(twice).fails(500, "internal")
	h.sql("drop index chat.canary")

	// Somebody holds the row: first for longer than a statement may take, then until the connection is ended.
	ctx := context.Background()
	holder, err := pgx.Connect(ctx, h.database)
	if err != nil {
		h.t.Fatal(err)
	}
	defer holder.Close(ctx)
	hold := func(sql string) {
		h.t.Helper()
		if _, err := holder.Exec(ctx, sql); err != nil {
			h.t.Fatal(err)
		}
	}
	hold("begin; select from chat.conversation where client_id = 'unlucky' for update")
	send(h.plant("a body that waits for too long")).fails(503, "unavailable")
	sent := make(chan answer, 1)
	body := h.plant("a body whose connection is ended")
	go func() { sent <- send(body) }()
	for end := time.Now().Add(10 * time.Second); h.count(`select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event_type = 'Lock' and query like '%send_v3%'`) == 0; {
		if time.Now().After(end) {
			h.t.Fatal("no send waits")
		}
	}
	hold("rollback")
	(<-sent).is(201)

	h.postgres.LoseAnswer(2, "send_v3")
	send(h.plant("a body whose answer is lost")).fails(503, "unavailable")
	h.postgres.Refuse(true)
	h.postgres.Cut()
	send(h.plant("a body without a database")).fails(503, "unavailable")
	h.nobody().get("/api/health").is(503)
	h.cron().fails(503, "unavailable")
	h.postgres.Refuse(false)
	h.server.Stop()
	send(h.plant("a body without a server")).fails(503, "unavailable")
	h.server.Start()
	h.sql("alter function chat.send_v3 rename to gone")
	send(h.plant("a body without a function")).fails(503, "unavailable")
	h.sql("drop schema chat cascade")
	h.ada.get("/api/conversations/list?q="+h.plant("a search without a schema")).fails(503, "unavailable")

	// A deployment that does not get in at all.
	at, err := url.Parse(h.postgres.URL())
	if err != nil {
		h.t.Fatal(err)
	}
	at.User = url.UserPassword(at.User.Username(), h.plant("a wrong password"))
	h.settings["DATABASE_URL"] = at.String()
	locked := *h.world
	locked.url = h.instance()
	person{world: &locked, token: h.grace.token}.get("/api/messages/list").fails(503, "unavailable")
}

// rename has a developer give the client of a conversation a name.
func (h *hostile) rename(name string) answer {
	h.t.Helper()
	return h.ada.post("/api/conversations/update", `{"clientId":"unlucky","clientName":%s}`, name)
}

func TestNoLogHoldsWhatIsNobodysBusiness(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	h.succeed()
	h.ask()
	h.failPusher()
	h.failDatabase()

	ours, err := os.ReadFile(h.server.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	postgres := string(ours)
	// First that all of it happened, and was logged.
	for path := range serve.Functions {
		if !strings.Contains(h.log.String(), `"path":"`+path+`"`) {
			t.Errorf("%s was never called", path)
		}
	}
	for _, code := range []string{
		"method_not_allowed", "forbidden", "unauthorized", "unsupported_media_type", "payload_too_large", "invalid_request", "validation_failed",
		"not_found", "conflict", "rate_limited", "internal", "unavailable",
	} {
		if !strings.Contains(h.log.String(), `"code":"`+code+`"`) {
			t.Errorf("no call ever failed with %s", code)
		}
	}
	for _, failure := range []string{
		`new row for relation "message" violates check constraint`, `new row for relation "conversation" violates check constraint`, `new row for relation "outbox" violates check constraint`,
		`new row for relation "search" violates check constraint`, "duplicate key value violates unique constraint", "conflicting key value violates exclusion constraint",
		"terminating connection due to administrator command", "function chat.send_v3", `schema "chat" does not exist`, "password authentication failed",
	} {
		if !strings.Contains(postgres, failure) {
			t.Errorf("Postgres never said: %s", failure)
		}
	}
	h.seek(t, "the log of the deployment and of Pusher", h.log.String())
	h.seek(t, "the log of Postgres", postgres)
}

// Whatever claim is the id, an e-mail may be it, or be in it. The log tells of nobody's, and yet shows what one person did.
func TestNoLogHoldsAnEmailAndOnePersonCanBeFollowedThroughIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, claim, grace, ada string // ids
	}{
		{"an e-mail", "email", "grace@example.com", "ada@example.com"},
		{"a URL of one", "sub", "mailto:grace@example.com", "mailto:ada@example.com"},
		{"a provider and one", "sub", "auth0|grace@example.com", "auth0|ada@example.com"},
		{"an encoded one", "sub", "grace%40example.com", "ada%40example.com"},
		{"one within another claim", "user.mail", "<grace@example.com>", "<ada@example.com>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "CHAT_ID_CLAIM="+test.claim)
			verifier, err := identity.New(identity.Options{Secret: []byte(jwtSecret), IDClaim: test.claim})
			if err != nil {
				t.Fatal(err)
			}
			somebody := func(id string, role chat.Role) person {
				token, err := verifier.Mint(chat.Identity{ID: id, Role: role, Name: "grace@example.com"}, time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				return person{world: w, token: token}
			}
			grace, ada := somebody(test.grace, chat.Client), somebody(test.ada, chat.Developer)

			// What grace does is eight records of hers, whatever comes of it.
			channel := grace.post("/api/messages/send", `{"body":"a"}`).is(201).text("conversation.channel")
			grace.get("/api/messages/list").is(200)
			grace.authorize("1.2", channel).is(200)
			grace.authorize("1.2", channel+"x").is(403)
			grace.post("/api/messages/send", `{"clientId":%s,"body":"a"}`, test.ada).is(403)
			grace.get("/api/conversations/list").is(403)
			grace.post("/api/messages/read", `{"upToSeq":"grace@example.com"}`).is(400)
			w.toPusher.Answer(413, "grace@example.com") // an event of hers is given up
			grace.post("/api/messages/send", `{"body":"b"}`).is(201)
			w.toPusher.Decide(nil)
			ada.get("/api/messages/list?" + parameters("clientId", test.grace)).is(200)
			ada.get("/api/conversations/list?" + parameters("q", "grace@example.com")).is(200)
			ada.update(`{"clientId":%s,"assigneeId":%s}`, test.grace, test.ada).is(200)
			w.nobody().call("GET", "/api/session", "", "", "Authorization: Bearer grace@example.com").is(401)

			// Pusher's server of this machine logs, too.
			settings, err := config.Load(func(name string) string { return w.settings[name] })
			if err != nil {
				t.Fatal(err)
			}
			settings.Pusher.Secret = "another"
			if err := realtime.New(settings.Pusher).Disconnect(t.Context(), chat.Client, test.grace); err == nil {
				t.Error("Pusher takes another secret")
			}

			log := w.log.String()
			for _, happened := range []string{"an event can never be announced", "API request refused"} {
				if !strings.Contains(log, happened) {
					t.Errorf("the log does not say %q", happened)
				}
			}
			for line := range strings.Lines(log) {
				if strings.ContainsAny(line, "@＠") || strings.Contains(line, "grace") || strings.Contains(line, "example.com") {
					t.Errorf("the log tells of somebody: %s", line)
				}
			}
			// As docs/operations.md has it.
			out, err := exec.Command("sh", "-c", `printf %s "$1" | sha256sum | cut -c1-16`, "sh", test.grace).Output()
			if err != nil {
				t.Fatal(err)
			}
			digest := "sha256=" + strings.TrimSpace(string(out))
			if n := strings.Count(log, `"id":"`+digest+`"`); n != 8 {
				t.Errorf("%s did %d things by the log, want 8: %s", digest, n, log)
			}
			if !strings.Contains(log, `"clientId":"`+digest+`"`) {
				t.Errorf("the event that was given up is not of %s: %s", digest, log)
			}
		})
	}
}
