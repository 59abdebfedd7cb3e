package handler_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"devinbox/api/messages"
	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
	"devinbox/pkg/postgres"
	"devinbox/pkg/realtime"
)

// BenchmarkSend measures a send, from the request to the answer, beside its floor: the statement that saves
// and the POST that announces, made by nothing but a connection and an HTTP client. Both are measured in
// turns, so that what else the machine does falls on both; "ratio" is the one over the other. A send
// beyond its floor is reading and checking the request, the acknowledgement, and the answer.
func BenchmarkSend(b *testing.B) {
	database := testdb.New(b)
	pusher, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pusher.Close)
	settings := config.Config{
		Database: postgres.Options{URL: database},
		Pusher:   realtime.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Host: pusher.Host(), Port: pusher.Port(), NoTLS: true},
		Identity: identity.Options{Secret: []byte(jwtSecret)},
	}
	a := app.New(settings, nil, slog.New(slog.DiscardHandler))
	b.Cleanup(a.Close)
	ctx := app.NewContext(context.Background(), a)
	token := signed(b, chat.Identity{ID: "42", Role: chat.Client, Name: "Grace"})
	send := func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/messages/send", strings.NewReader(`{"body":"Hello","socketId":"1.2"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		messages.SendMessage(w, r)
		if w.Code != http.StatusCreated {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	floor := rawSend(b, database, pusher.URL())
	send()
	floor()

	var sending, atFloor time.Duration
	for b.Loop() {
		begun := time.Now()
		send()
		between := time.Now()
		floor()
		sending += between.Sub(begun)
		atFloor += time.Since(between)
	}
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(float64(sending.Microseconds())/float64(b.N), "µs/send")
	b.ReportMetric(float64(atFloor.Microseconds())/float64(b.N), "µs/floor")
	b.ReportMetric(float64(sending)/float64(atFloor), "ratio")
}

// rawSend is what no send can do without.
func rawSend(b *testing.B, database, pusherURL string) func() {
	c, err := pgx.ParseConfig(database)
	if err != nil {
		b.Fatal(err)
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(context.Background()) })
	const statement = `select s.outcome, s.events, (s.message).seq, (s.conversation).version from chat.send_v2(
		p_client_id => 'floor', p_role => 'client', p_sender_id => 'floor', p_sender_name => 'Grace', p_sender_email => null,
		p_message_id => $1::uuid, p_client_message_id => null, p_body => 'Hello', p_preview => 'Hello', p_create => true, p_live => true,
		p_socket_id => '1.2', p_lease => '10s', p_lifetime => '24h', p_capacity => 0, p_per_second => 0) s`
	data := strings.Repeat("x", 400) // about as long as a message and a conversation are
	return func() {
		var outcome string
		var events []string
		var seq, version int64
		err := conn.QueryRow(context.Background(), statement, uuid.Must(uuid.NewV7()).String()).Scan(&outcome, &events, &seq, &version)
		if err != nil || outcome != "sent" {
			b.Fatalf("%q %v", outcome, err)
		}
		body := fmt.Appendf(nil, `{"batch":[{"channel":"private-client-42","name":"new-message","data":%q},{"channel":"private-developer-inbox","name":"conversation-updated","data":%q}]}`, data, data)
		query := fmt.Sprintf("auth_key=test-key&auth_timestamp=%d&auth_version=1.0&body_md5=%x", time.Now().Unix(), md5.Sum(body))
		mac := hmac.New(sha256.New, []byte("test-secret"))
		fmt.Fprintf(mac, "POST\n/apps/1/batch_events\n%s", query)
		response, err := http.Post(fmt.Sprintf("%s/apps/1/batch_events?%s&auth_signature=%x", pusherURL, query, mac.Sum(nil)), "application/json", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("%d %s %v", response.StatusCode, text, err)
		}
	}
}
