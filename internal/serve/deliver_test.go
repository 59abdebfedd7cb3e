package serve_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/serve"
	"devinbox/internal/testing/logbook"
	"devinbox/internal/testing/objectstores"
	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/webhooks"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/files"
	"devinbox/pkg/identity"
	"devinbox/pkg/postgres"
	"devinbox/pkg/realtime"
	"devinbox/pkg/webhook"
)

// deployment is an App with all that it depends on, and what is announced.
type deployment struct {
	*app.App
	t     *testing.T
	store *postgres.Store // past the App
	files objectstores.Store
	db    *pgxpool.Pool
	heard pusherserver.Recorder
	log   logbook.Book
}

func newDeployment(t *testing.T, to ...webhook.Options) *deployment {
	t.Helper()
	d := &deployment{t: t}
	database := postgres.Options{URL: testdb.New(t)}
	pusher, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Recorder: &d.heard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pusher.Close)
	if d.store, err = postgres.Open(database, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.store.Close)
	if d.db, err = pgxpool.New(t.Context(), database.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.db.Close)
	to = append(to, webhook.Options{})
	d.files = objectstores.Embedded(t, nil)
	d.App = app.New(config.Config{
		Webhook: to[0],
		Files: files.Options{
			Endpoint: d.files.Endpoint, Region: d.files.Region, Bucket: d.files.Bucket,
			AccessKeyID: d.files.AccessKeyID, SecretAccessKey: d.files.SecretAccessKey, MaxBytes: 1 << 20,
		},
		Database: database,
		Pusher:   realtime.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Host: pusher.Host(), Port: pusher.Port(), NoTLS: true},
		Identity: identity.Options{Secret: []byte(strings.Repeat("a secret ", 4))},
	}, nil, d.log.Logger())
	t.Cleanup(d.Close)
	return d
}

// leaveBehind saves a message whose two events nobody delivers, as a process does that dies after the commit.
func (d *deployment) leaveBehind(clientID string) {
	d.t.Helper()
	if _, err := d.store.Send(d.t.Context(), chat.SendParams{
		ClientID: clientID, Sender: chat.Identity{ID: clientID, Role: chat.Client}, Body: "Hello", Preview: "Hello", Create: true, Live: true,
	}); err != nil {
		d.t.Fatal(err)
	}
	d.exec("update chat.outbox set due_at = clock_timestamp() - interval '1 second'")
}

func (d *deployment) exec(statement string) {
	d.t.Helper()
	if _, err := d.db.Exec(d.t.Context(), statement); err != nil {
		d.t.Fatal(err)
	}
}

func (d *deployment) waiting() int { return d.count("select count(*) from chat.outbox") }

func (d *deployment) webhooks() int { return d.count("select count(*) from chat.webhook") }

func (d *deployment) count(query string) (n int) {
	d.t.Helper()
	if err := d.db.QueryRow(d.t.Context(), query).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestWhatIsLeftBehindIsDeliveredOnceWithoutTraffic(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.leaveBehind("before")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); serve.Deliver(ctx, d.App, d.log.Logger(), 5*time.Millisecond) }()

	eventually(t, "what was left before is delivered", func() bool { return d.waiting() == 0 })
	d.leaveBehind("later")
	eventually(t, "what is left later is delivered", func() bool { return d.waiting() == 0 })

	// It goes on after the database has failed.
	d.exec("alter table chat.outbox rename to gone")
	eventually(t, "the log tells of a failure", func() bool { return strings.Contains(d.log.String(), "could not be delivered") })
	d.exec("alter table chat.gone rename to outbox")
	d.leaveBehind("afterwards")
	eventually(t, "what is left afterwards is delivered", func() bool { return d.waiting() == 0 })

	stop()
	<-ended
	announced := map[string]int{}
	for _, event := range d.heard.Published() {
		announced[event.Channel+" "+event.Name]++
	}
	want := map[string]int{"private-developer-inbox conversation-updated": 3}
	for _, id := range []string{"before", "later", "afterwards"} {
		want["private-client-"+id+" new-message"] = 1
	}
	for name, n := range want {
		if announced[name] != n {
			t.Errorf("%s is announced %d times, want %d: %v", name, announced[name], n, announced)
		}
	}
	if len(announced) != len(want) {
		t.Errorf("announced: %v", announced)
	}
}

// A run takes so many batches as there are, and does not wait for its next turn between them.
func TestAllThatWaitsIsDeliveredInOneTurn(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	const conversations = 30 // 60 events, of which a request takes 10
	for i := range conversations {
		d.leaveBehind(string(rune('a'+i%26)) + strings.Repeat("x", i/26))
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); serve.Deliver(ctx, d.App, d.log.Logger(), time.Hour) }()
	eventually(t, "nothing waits", func() bool { return d.waiting() == 0 })
	stop()
	<-ended
	if n := len(d.heard.Published()); n != 2*conversations {
		t.Errorf("%d events are announced, want %d", n, 2*conversations)
	}
}

// A receiver of webhooks that hangs delays neither a live event nor the end of the process.
func TestWebhooksAreSentBesideLiveEventsAndEndWithTheProcess(t *testing.T) {
	t.Parallel()
	secret := webhooks.Secret()
	receiver := webhooks.Start(t, secret)
	d := newDeployment(t, webhook.Options{URL: receiver.URL, Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { serve.Deliver(ctx, d.App, d.log.Logger(), 5*time.Millisecond) })
	running.Go(func() { serve.SendWebhooks(ctx, d.App, d.log.Logger(), 5*time.Millisecond) })

	d.leaveBehind("before")
	receiver.Wait(2)
	receiver.Answer(func(_ http.ResponseWriter, r *http.Request, _ webhooks.Webhook) { <-r.Context().Done() })
	d.leaveBehind("later")
	receiver.Wait(4)
	d.leaveBehind("afterwards")
	eventually(t, "live events are delivered while the receiver hangs", func() bool { return d.waiting() == 0 })
	begun := time.Now()
	stop()
	running.Wait()
	if took := time.Since(begun); took > 5*time.Second { // a receiver has 10 s
		t.Errorf("the end took %v", took)
	}
	if n := d.webhooks(); n == 0 {
		t.Error("what was not taken is forgotten")
	}
}

func TestFilesThatNobodySentAreDeletedWithoutTraffic(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	fileOf := func(clientID string) {
		t.Helper()
		key := chat.ObjectPrefix(clientID) + "object"
		body := "text"
		put, err := d.Files.Upload(chat.StoredFile{Key: key, FileName: "a.txt", MediaType: "text/plain", Size: int64(len(body))})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), put.Method, put.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range put.Headers {
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
		answer.Body.Close()
		if _, err := d.store.BeginAttachment(t.Context(), chat.AttachmentParams{
			ClientID: clientID, Key: key, ByClient: true, MostUnsent: 1, DailyBytes: 10,
			Attachment: chat.Attachment{FileName: "a.txt", MediaType: "text/plain", Size: 4},
		}); err != nil {
			t.Fatal(err)
		}
	}
	fileOf("late")
	d.exec("update chat.attachment set begun_at = begun_at - interval '1 day'")
	fileOf("new")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); serve.DeleteFiles(ctx, d.App, d.log.Logger(), 5*time.Millisecond) }()
	eventually(t, "the file is deleted", func() bool {
		return d.count("select count(*) from chat.object_deletion") == 0 && len(d.files.List(t)) == 1
	})
	stop()
	<-ended
	if d.count("select count(*) from chat.attachment where client_id = 'new'") != 1 {
		t.Error("a file that may still be sent is deleted")
	}
}
