package webhook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"devinbox/internal/testing/logbook"
	"devinbox/internal/testing/webhooks"
	"devinbox/pkg/chat"
	"devinbox/pkg/webhook"
)

var at = chat.At(time.Date(2026, 11, 23, 10, 0, 0, 123e6, time.UTC))

// created is a webhook that holds what no log may.
func created() chat.Webhook {
	name := "canary of a name"
	return chat.Webhook{
		WebhookKey: chat.WebhookKey{ClientID: "grace@canary.example", ID: "0190a1b2-0000-4000-8000-000000000001"},
		Type:       chat.MessageCreated, Attempts: 1, QueuedAt: chat.At(at.Add(time.Hour)),
		Message: &chat.Message{
			ID: "1", ClientID: "grace@canary.example", Seq: 1, Version: 1, Body: "canary <b>of a body</b> \u2028 é",
			Sender: chat.Sender{ID: "grace@canary.example", Role: chat.Client, Name: &name}, CreatedAt: at,
		},
	}
}

func TestTheStandardLibraryTakesWhatIsSent(t *testing.T) {
	t.Parallel()
	secret, other := webhooks.Secret(), webhooks.Secret()
	r := webhooks.Start(t, secret)
	conversation := &chat.Conversation{ClientID: "42", UpdatedAt: chat.At(at.Add(time.Minute)), Version: 7}
	edited := created()
	edited.Type, edited.Message.EditedAt = chat.MessageChanged, chat.AtPointer(&at.Time)
	send := webhook.New(webhook.Options{URL: r.URL + "/hooks?for=us", Secret: secret})
	for _, test := range []struct {
		hook      chat.Webhook
		timestamp string
		has       string
	}{
		{created(), "2026-11-23T10:00:00.123Z", `"data":{"id":"1","clientId":"grace@canary.example","seq":1,`},
		{edited, "2026-11-23T10:00:00.123Z", `"editedAt":"2026-11-23T10:00:00.123Z"`},
		{chat.Webhook{WebhookKey: chat.WebhookKey{ID: "2"}, Type: chat.ConversationChange, Conversation: conversation}, "2026-11-23T10:01:00.123Z", `"data":{"clientId":"42",`},
		{chat.Webhook{WebhookKey: chat.WebhookKey{ID: "3"}, Type: chat.MessageUnread, Conversation: conversation, Side: chat.Client, QueuedAt: at}, "2026-11-23T10:00:00.123Z", `"side":"client"}}`},
	} {
		r.Forget()
		if got := send.Send(t.Context(), test.hook); got != chat.Taken {
			t.Fatalf("%s: %v", test.hook.Type, got)
		}
		hook := r.Received()[0]
		var body struct{ Type, Timestamp string }
		if err := json.Unmarshal(hook.Body, &body); err != nil {
			t.Fatal(err)
		}
		if hook.ID != test.hook.ID || hook.Path != "/hooks" || body.Type != string(test.hook.Type) || body.Timestamp != test.timestamp || !strings.Contains(string(hook.Body), test.has) {
			t.Errorf("%s of %s: %s", hook.ID, hook.Path, hook.Body)
		}
		if faults := webhooks.Verify(t, other, hook); faults[0] == "" {
			t.Error("it is good under another secret too")
		}
		hook.Body = append(hook.Body, ' ')
		if faults := webhooks.Verify(t, secret, hook); faults[0] == "" {
			t.Error("it is good with another body too")
		}
	}
}

func TestWhileOneSecretReplacesTheOtherBothSign(t *testing.T) {
	t.Parallel()
	old, young := webhooks.Secret(), webhooks.Secret()
	r := webhooks.Start(t, old)
	if got := webhook.New(webhook.Options{URL: r.URL, Secret: young + " " + old}).Send(t.Context(), created()); got != chat.Taken {
		t.Fatal(got)
	}
	if faults := webhooks.Verify(t, young, r.Received()...); faults[0] != "" { // and with the old one when the test ends
		t.Error(faults)
	}
	if n := len(strings.Fields(r.Received()[0].Signature)); n != 2 {
		t.Errorf("%d signatures", n)
	}
}

func TestOnlyA2xxIsTakenAndNothingPrivateIsLogged(t *testing.T) {
	t.Parallel()
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	t.Cleanup(other.Close)
	secret := webhooks.Secret()
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request, hook webhooks.Webhook)
		want   chat.Reception
		class  string // in the log; empty for no record
	}{
		{name: "200", answer: func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) { w.Write([]byte("canary")) }, want: chat.Taken},
		{name: "202", answer: func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) { w.WriteHeader(202) }, want: chat.Taken},
		{name: "302", answer: func(w http.ResponseWriter, r *http.Request, _ webhooks.Webhook) {
			http.Redirect(w, r, other.URL+"/canary", http.StatusFound)
		}, class: "redirect"},
		{name: "308", answer: func(w http.ResponseWriter, r *http.Request, _ webhooks.Webhook) {
			http.Redirect(w, r, other.URL+"/canary", http.StatusPermanentRedirect)
		}, class: "redirect"},
		{name: "400", answer: func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) {
			http.Error(w, "canary", http.StatusBadRequest)
		}, class: "4xx"},
		{name: "410", answer: func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) {
			http.Error(w, "canary", http.StatusGone)
		}, want: chat.Gone, class: "gone"},
		{name: "500", answer: func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) {
			http.Error(w, "canary", http.StatusInternalServerError)
		}, class: "5xx"},
		{name: "hangs", answer: func(_ http.ResponseWriter, r *http.Request, _ webhooks.Webhook) { <-r.Context().Done() }, class: "timeout"},
		{name: "200, and a body that never ends", answer: func(w http.ResponseWriter, r *http.Request, _ webhooks.Webhook) {
			w.Write([]byte("canary"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, want: chat.Taken},
		{name: "the connection is cut", answer: func(w http.ResponseWriter, _ *http.Request, _ webhooks.Webhook) { panic(http.ErrAbortHandler) }, class: "connection"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := &logbook.Book{}
			r := webhooks.Start(t, secret)
			r.Answer(test.answer)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			got := webhook.New(webhook.Options{URL: r.URL + "/canary?canary", Secret: secret, Log: log.Logger()}).Send(ctx, created())
			if got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
			if test.class == "" && log.String() != "" || test.class != "" && !strings.Contains(log.String(), `"class":"`+test.class+`"`) {
				t.Errorf("the log: %s", log)
			}
			for _, private := range []string{"canary", r.URL, secret, "127.0.0.1"} {
				if strings.Contains(log.String(), private) {
					t.Errorf("the log holds %q: %s", private, log)
				}
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere != 0 {
			t.Errorf("redirects were followed %d times", elsewhere)
		}
	})
}

func TestAReceiverThatCannotBeReachedIsOneRecordWithoutItsAddress(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, test := range map[string]struct{ url, class string }{
		"nobody there":        {closed.URL + "/canary", "refused"},
		"no such host":        {"https://canary.invalid/canary", "dns"},
		"no TLS at this port": {"https://" + strings.TrimPrefix(webhooks.Start(t, "").URL, "http://") + "/canary", "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &logbook.Book{}
			got := webhook.New(webhook.Options{URL: test.url, Secret: webhooks.Secret(), Log: log.Logger()}).Send(t.Context(), created())
			if got != chat.NotTaken || !strings.Contains(log.String(), `"class":"`+test.class+`"`) || strings.Contains(log.String(), "canary") {
				t.Errorf("%v: %s", got, log)
			}
		})
	}
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	secret := webhooks.Secret()
	r := webhooks.Start(t, secret)
	from := map[string]bool{}
	r.Answer(func(w http.ResponseWriter, request *http.Request, _ webhooks.Webhook) {
		from[request.RemoteAddr] = true
		w.Write([]byte("ok"))
	})
	send := webhook.New(webhook.Options{URL: r.URL, Secret: secret})
	for range 5 {
		if got := send.Send(t.Context(), created()); got != chat.Taken {
			t.Fatal(got)
		}
	}
	if len(from) != 1 {
		t.Errorf("%d connections for five webhooks", len(from))
	}
}
