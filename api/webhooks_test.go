package handler_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/testing/webhooks"
	"devinbox/pkg/chat"
)

// hooked is a deployment with a receiver of webhooks.
type hooked struct {
	*world
	receiver *webhooks.Receiver
	secret   string
}

// newHooked makes a deployment whose receiver is verified by the official library. Each of settings is as in newWorld.
func newHooked(t *testing.T, settings ...string) *hooked {
	t.Helper()
	secret := webhooks.Secret()
	h := &hooked{receiver: webhooks.Start(t, secret), secret: secret}
	h.world = newWorld(t, append([]string{"CHAT_WEBHOOK_URL=" + h.receiver.URL + "/hooks", "CHAT_WEBHOOK_SECRET=" + secret}, settings...)...)
	t.Cleanup(func() {
		for _, hook := range h.receiver.Received() {
			documented(t).CheckWebhook(t, hook.Type, hook.Body)
		}
	})
	return h
}

// cron calls the cron's function.
func (w *world) cron() answer {
	w.t.Helper()
	return w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret)
}

// dueWebhooks has every webhook that waits be due, as when time goes by.
func (w *world) dueWebhooks() {
	w.t.Helper()
	w.sql("update chat.webhook set due_at = clock_timestamp()")
}

func TestAReceiverIsToldWhatTheAPIAnswers(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	grace, ada := w.client("42"), w.developer("ada")
	first := grace.post("/api/messages/send", `{"body":"Hello <b>"}`).is(201)
	if n := len(w.receiver.Received()); n != 0 {
		t.Fatalf("%d webhooks left before the cron came", n)
	}
	w.cron().is(200).has("delivered", 2, "failed", 0, "pending", 0)
	w.cron().is(200).has("delivered", 0, "failed", 0, "pending", 0)
	ada.call("DELETE", "/api/messages/edit", "application/json", object(t, `{"clientId":"42","messageId":%s}`, first.text("message.id"))).is(200)
	ada.post("/api/messages/send", `{"clientId":"42","body":"Hi"}`).is(201)
	ada.post("/api/conversations/update", `{"clientId":"42","status":"closed"}`).is(200)
	w.cron().is(200).has("delivered", 3, "failed", 0, "pending", 0)

	listed := ada.get("/api/messages/list?clientId=42").is(200)
	want := map[string][]byte{
		"message.created 1": encoded(t, first.value("message")), "conversation.updated 1": encoded(t, first.value("conversation")),
		"message.updated 1": encoded(t, listed.value("messages.0")), "message.created 2": encoded(t, listed.value("messages.1")),
		"conversation.updated 2": encoded(t, listed.value("conversation")),
	}
	times := map[string]int{}
	for _, hook := range w.receiver.Received() {
		var about struct{ Seq, LastSeq int }
		if err := json.Unmarshal(hook.Data, &about); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint(hook.Type, " ", about.Seq+about.LastSeq)
		var data any
		if err := json.Unmarshal(hook.Data, &data); err != nil {
			t.Fatal(err)
		}
		times[name]++
		if got := encoded(t, data); string(got) != string(want[name]) || times[name] != 1 || hook.Path != "/hooks" {
			t.Errorf("%s, time %d, at %s:\n%s, want\n%s", name, times[name], hook.Path, got, want[name])
		}
	}
	if len(times) != len(want) {
		t.Errorf("told %v", times)
	}
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWithoutAReceiverNoWebhookIsQueued(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"none":     nil,
		"a faulty": {"CHAT_WEBHOOK_URL=http://canary.example/", "CHAT_WEBHOOK_SECRET=" + webhooks.Secret()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings...)
			w.client("42").post("/api/messages/send", `{"body":"Hello"}`).is(201)
			w.cron().is(200).has("delivered", 0, "pending", 0)
			if n := w.count("select count(*) from chat.webhook_seen"); n != 0 {
				t.Errorf("%d conversations were looked at", n)
			}
			if told := strings.Contains(w.log.String(), "CHAT_WEBHOOK_URL"); told != (settings != nil) || strings.Contains(w.log.String(), "canary") {
				t.Errorf("the log: %s", w.log)
			}
		})
	}
}

// A receiver that does not do what it should costs nobody anything: sends are answered, live events go out, and the
// webhook comes again under the same id, each time later.
func TestAReceiverThatFailsIsTriedAgainAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	elsewhere := webhooks.Start(t, webhooks.Secret())
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request, hook webhooks.Webhook){
		"500": func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) {
			http.Error(w, "no", http.StatusInternalServerError)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request, _ webhooks.Webhook) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"a hang": func(_ http.ResponseWriter, r *http.Request, _ webhooks.Webhook) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHooked(t)
			w.receiver.Answer(answer)
			atAda := w.developer("ada").listen()
			atAda.Subscribe("private-client-42")
			w.toPusher.Answer(503, "no")
			w.client("42").post("/api/messages/send", `{"body":"Hello"}`).is(201).has("realtime", "queued")
			w.toPusher.Decide(nil)
			w.sql("update chat.outbox set due_at = clock_timestamp()")
			run := make(chan answerOf, 1)
			go func() { run <- w.cronAside() }()
			atAda.Next("private-client-42", "new-message") // while the receiver may hang
			w.receiver.Wait(2)
			w.client("42").post("/api/messages/send", `{"body":"Hello again"}`).is(201).has("realtime", "delivered")
			if got := <-run; got.err != nil || got.status != 200 || lookup(t, got.body, "delivered") != 2.0 || lookup(t, got.body, "failed") != 2.0 || lookup(t, got.body, "pending") != 2.0 {
				t.Fatalf("%d %s, %v", got.status, got.body, got.err)
			}
			first := w.receiver.Received()
			if wait := w.count("select (extract(epoch from min(due_at) - clock_timestamp()) * 1000)::int from chat.webhook"); wait > 6000 {
				t.Errorf("the next try is in %d ms", wait)
			}
			w.cron().is(200).has("delivered", 0) // what is new meets the same receiver
			w.receiver.Answer(nil)
			w.receiver.Forget()
			w.dueWebhooks()
			w.cron().is(200).has("delivered", 3, "failed", 0, "pending", 0)
			id := func(hooks []webhooks.Webhook, name string, body string) string {
				for _, hook := range hooks {
					if hook.Type == name && strings.Contains(string(hook.Body), body) {
						return hook.ID
					}
				}
				return ""
			}
			again := w.receiver.Received()
			if was, is := id(first, "message.created", "Hello"), id(again, "message.created", `"Hello"`); was != is || was == "" {
				t.Errorf("the message came as %q, then as %q", was, is)
			}
			if was, is := id(first, "conversation.updated", ""), id(again, "conversation.updated", ""); was == is || is == "" {
				t.Errorf("a conversation that has changed meanwhile came as %q, then as %q", was, is)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(elsewhere.Received()); n != 0 {
			t.Errorf("a redirect was followed %d times", n)
		}
	})
}

func TestWhatIsDueIsSentThoughNothingCanBeQueued(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	w.receiver.AnswerStatus(503)
	w.client("42").sends("Hello")
	w.cron().is(200).has("failed", 2)
	w.receiver.Answer(nil)
	w.receiver.Forget()
	w.dueWebhooks()
	w.sql("drop function chat.queue_webhooks_v1")
	w.cron().fails(503, "unavailable")
	if n := len(w.receiver.Received()); n != 2 {
		t.Errorf("%d webhooks were sent, want 2", n)
	}
}

// answerOf is the answer to a call that a goroutine makes, which may not end the test.
type answerOf struct {
	status int
	body   []byte
	err    error
}

func (w *world) cronAside() (a answerOf) {
	r, err := http.NewRequest("GET", w.url+"/api/cron/deliver", nil)
	if err != nil {
		return answerOf{err: err}
	}
	r.Header.Set("Authorization", "Bearer "+cronSecret)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answerOf{err: err}
	}
	defer response.Body.Close()
	a.status = response.StatusCode
	a.body, a.err = io.ReadAll(response.Body)
	return a
}

func TestEachTryComesLaterUpToSixHours(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	w.receiver.AnswerStatus(503)
	w.client("42").post("/api/messages/send", `{"body":"Hello"}`).is(201)
	for attempts, least := range []float64{5, 15, 45, 135, 405, 1215, 3645, 10935, 21600, 21600, 21600} {
		w.dueWebhooks()
		w.cron().is(200).has("failed", 2, "pending", 2)
		if n := w.count("select count(*) from chat.webhook where attempts = $1", attempts+1); n != 2 {
			t.Fatalf("%d were tried %d times", n, attempts+1)
		}
		soonest, latest := w.count("select extract(epoch from min(due_at) - clock_timestamp())::int from chat.webhook"), w.count("select extract(epoch from max(due_at) - clock_timestamp())::int from chat.webhook")
		if float64(soonest) < least-5 || float64(latest) > least*1.2+1 {
			t.Errorf("after %d tries the next is in %d to %d s, want %v and up to a fifth more", attempts+1, soonest, latest, least)
		}
	}
	w.sql("update chat.webhook set created_at = created_at - interval '3 days'")
	w.dueWebhooks()
	w.cron().is(200).has("delivered", 0, "failed", 2, "pending", 0)
	if n := strings.Count(w.log.String(), "a webhook is given up"); n != 2 {
		t.Errorf("the log tells of %d: %s", n, w.log)
	}
}

func TestAReceiverThatAnswers410IsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	w.receiver.AnswerStatus(410)
	w.client("42").post("/api/messages/send", `{"body":"Hello"}`).is(201)
	w.cron().is(200).has("delivered", 0, "failed", 2, "pending", 2)
	w.dueWebhooks()
	w.client("43").post("/api/messages/send", `{"body":"Hello"}`).is(201)
	for range 3 {
		w.cron().is(200).has("delivered", 0, "failed", 0, "pending", 4)
	}
	if n := len(w.receiver.Received()); n != 2 {
		t.Errorf("it got %d requests, want the first two alone", n)
	}
	if !strings.Contains(w.log.String(), "the receiver of webhooks answers 410") {
		t.Errorf("the log: %s", w.log)
	}
	// A day later it is asked with one, and when it takes that, it gets the others.
	w.sql("update chat.webhook_gone set until = until - interval '1 day'")
	w.cron().is(200).has("failed", 1, "pending", 4)
	w.receiver.Answer(nil)
	w.dueWebhooks()
	w.cron().is(200).has("delivered", 0, "pending", 4)
	w.sql("update chat.webhook_gone set until = until - interval '1 day'")
	w.cron().is(200).has("delivered", 4, "failed", 0, "pending", 0)
}

// The process dies when the receiver has the webhook and nobody has noted that.
func TestAWebhookWhoseSenderIsKilledComesAgainUnderTheSameId(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	w.client("42").post("/api/messages/send", `{"body":"Hello"}`).is(201)
	w.receiver.Answer(func(_ http.ResponseWriter, r *http.Request, _ webhooks.Webhook) { <-r.Context().Done() })
	process, url := w.child()
	gone := make(chan struct{})
	go func() { defer close(gone); w.of(url).cronAside() }()
	first := w.receiver.Wait(2)
	process.Process.Kill()
	<-gone
	w.receiver.Answer(nil)
	w.cron().is(200).has("delivered", 0, "pending", 2) // while the lease lasts they are the dead process's
	w.dueWebhooks()
	w.cron().is(200).has("delivered", 2, "failed", 0, "pending", 0)
	ids := map[string]int{}
	for _, hook := range w.receiver.Received() {
		ids[hook.ID]++
	}
	if len(ids) != 2 || ids[first[0].ID] != 2 || ids[first[1].ID] != 2 {
		t.Errorf("received %v", ids)
	}
}

func TestFiftyCronsAtOnceSendEachWebhookOnce(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	const conversations = 20
	for n := range conversations {
		w.client(fmt.Sprint("client-", n)).post("/api/messages/send", `{"body":"Hello"}`).is(201)
	}
	instances := []*world{w.world, w.of(w.here()), w.of(w.here()), w.of(w.here()), w.of(w.here())}
	var calling sync.WaitGroup
	for n := range 50 {
		calling.Go(func() {
			// 503 is of a busy machine, whose pool of two connections fifty share.
			if got := instances[n%len(instances)].cronAside(); got.err != nil || got.status != 200 && got.status != 503 {
				t.Errorf("%d %s, %v", got.status, got.body, got.err)
			}
		})
	}
	calling.Wait()
	for end := time.Now().Add(time.Minute); len(w.receiver.Received()) < 2*conversations; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("received %v", w.receiver.Types())
		}
		w.cronAside() // if all fifty were given up, or somebody's statement is not yet over
	}
	w.cron().is(200).has("delivered", 0, "failed", 0, "pending", 0)
	ids := map[string]int{}
	for _, hook := range w.receiver.Received() {
		ids[hook.ID]++
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if types := w.receiver.Types(); types["message.created"] != conversations || types["conversation.updated"] != conversations {
		t.Errorf("received %v", types)
	}
}

func TestWhatIsNotReadInTimeIsToldAndWhatIsReadIsNot(t *testing.T) {
	t.Parallel()
	w := newHooked(t, "CHAT_UNREAD_AFTER=1h")
	later := func(by string) {
		w.sql("update chat.message set created_at = created_at - $1::interval", by)
		w.sql("update chat.webhook_unread set since = since - $1::interval", by)
		w.sql("update chat.webhook_progress set begun_at = begun_at - $1::interval", by)
	}
	unread := func(want int) []webhooks.Webhook {
		t.Helper()
		w.cron().is(200).has("failed", 0, "pending", 0)
		found := slices.DeleteFunc(w.receiver.Received(), func(hook webhooks.Webhook) bool { return hook.Type != "message.unread" })
		if len(found) != want {
			t.Fatalf("told %d, want %d", len(found), want)
		}
		return found
	}
	ada := w.developer("ada")
	for _, id := range []string{"waits", "reads"} {
		ada.post("/api/messages/send", `{"clientId":%s,"body":"Hello","create":true}`, id).is(201)
	}
	unread(0)
	later("50 minutes")
	unread(0)
	w.client("reads").post("/api/messages/read", `{"upToSeq":1}`).is(200)
	later("10 minutes")
	found := unread(1)
	if body := found[0].Body; lookup(t, body, "data.conversation.clientId") != "waits" || lookup(t, body, "data.side") != "client" || lookup(t, body, "data.conversation.unread.client") != 1.0 {
		t.Errorf("told %s", body)
	}
	// Not again until it reads, however much more comes.
	ada.post("/api/messages/send", `{"clientId":"waits","body":"Hello?"}`).is(201)
	unread(1)
	later("2 hours")
	unread(1)
	w.client("waits").post("/api/messages/read", `{"upToSeq":2}`).is(200)
	ada.post("/api/messages/send", `{"clientId":"waits","body":"And now?"}`).is(201)
	unread(1)
	later("1 hour")
	unread(2)
}

// What waits for the receiver is no live event: a monitor is not told of it.
func TestHealthCountsLiveEventsOnly(t *testing.T) {
	t.Parallel()
	w := newHooked(t)
	w.receiver.AnswerStatus(500)
	w.client("42").post("/api/messages/send", `{"body":"Hello"}`).is(201)
	w.cron().is(200).has("pending", 2)
	w.sql("update chat.webhook set created_at = created_at - interval '1 hour'")
	w.nobody().get("/api/health").is(200).has("status", string(chat.Healthy), "queue.pending", 0, "queue.oldestSeconds", 0)
}
