package handler_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"devinbox/internal/testing/mailroute"
	"devinbox/internal/testing/webhooks"
	"devinbox/pkg/chat"
)

// documentedRoute is the block of code of docs/e-mail.md.
func documentedRoute(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "e-mail.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```ts\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of TypeScript, want one", len(blocks))
	}
	return string(blocks[0][1])
}

func TestTheRouteOfTheDocumentationSendsOneMailForWhatIsUnread(t *testing.T) {
	t.Parallel()
	source := documentedRoute(t)
	if n := strings.Count(source, "\n"); n > 30 {
		t.Errorf("it has %d lines, and thirty were promised", n)
	}
	secret, former := webhooks.Secret(), webhooks.Secret()
	route := mailroute.Start(t, source, "CHAT_WEBHOOK_SECRET="+secret+" "+former, "MAIL_FROM=chat@example.com", "TEAM_EMAIL=support@example.com", "CHAT_URL=https://example.com/chat")
	w := newWorld(t, "CHAT_WEBHOOK_URL="+route.URL+"/api/webhooks", "CHAT_WEBHOOK_SECRET="+secret+" "+former, "CHAT_UNREAD_AFTER=1ms")
	grace := person{world: w, token: signed(t, chat.Identity{ID: "42", Role: chat.Client, Name: "Grace", Email: "grace@example.com"})}
	ada := w.developer("ada")

	grace.post("/api/messages/send", `{"body":"Where is my parcel?\nIt is late."}`).is(201)
	w.cron().is(200)
	w.cron().is(200).has("failed", 0, "pending", 0) // whatever was not yet unread for a millisecond
	mail := route.Wait(1)[0]
	if mail.From != "chat@example.com" || len(mail.To) != 1 || mail.To[0] != "support@example.com" || mail.Header("Subject") != "1 unread in your chat" ||
		!strings.Contains(mail.Text, "Where is my parcel? It is late.") || !strings.Contains(mail.Text, "https://example.com/chat") {
		t.Errorf("to the team: %+v", mail)
	}
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`).is(200)
	ada.post("/api/messages/send", `{"clientId":"42","body":"It is on its way."}`).is(201)
	ada.post("/api/messages/send", `{"clientId":"42","body":"It comes tomorrow."}`).is(201)
	route.Refuse(true)
	w.cron().is(200)
	if n := w.cron().is(200).number("pending"); n != 1 || len(route.Mails()) != 1 {
		t.Errorf("while the mail server refuses it %d wait, and %d have come", n, len(route.Mails()))
	}
	route.Refuse(false)
	w.dueWebhooks()
	w.cron().is(200).has("delivered", 1, "pending", 0)
	mail = route.Wait(2)[1]
	if mail.To[0] != "grace@example.com" || mail.Header("Subject") != "2 unread in your chat" || !strings.Contains(mail.Text, "It comes tomorrow.") {
		t.Errorf("to the client: %+v", mail)
	}

	// One whose answer is lost comes again: as the same mail.
	w.sql(`insert into chat.webhook (client_id, type, seq, side, id, created_at, due_at)
		select '42', 'message.unread', 0, 'client', $1::uuid, clock_timestamp(), clock_timestamp()`, strings.TrimSuffix(strings.TrimPrefix(mail.Header("Message-ID"), "<"), "@devinbox>"))
	w.cron().is(200).has("delivered", 1, "pending", 0)
	if again := route.Wait(3)[2]; again.Header("Message-ID") != mail.Header("Message-ID") {
		t.Errorf("it is %s, and then %s", mail.Header("Message-ID"), again.Header("Message-ID"))
	}
	// And one that somebody else has signed is refused.
	stranger := newWorldOn(t, w.database, "CHAT_WEBHOOK_URL="+route.URL+"/api/webhooks", "CHAT_WEBHOOK_SECRET="+former, "CHAT_UNREAD_AFTER=1ms")
	grace.post("/api/messages/read", `{"upToSeq":2}`).is(200)
	stranger.cron().is(200).has("delivered", 0, "failed", 2, "pending", 2) // the read mark, and what is unread after it
	if !strings.Contains(stranger.log.String(), `"class":"4xx","status":401`) {
		t.Errorf("the log: %s", stranger.log)
	}
	if n := len(route.Mails()); n != 3 {
		t.Errorf("%d mails", n)
	}
}
