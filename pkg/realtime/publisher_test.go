package realtime_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

func TestAllEventsOfACallLeaveInOneRequest(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, log := publisher(t, pusher.URL)
	update := message(1, "")
	update.Name = chat.MessageUpdated
	events := []chat.Event{message(1, "Hello"), changed(1), read(2), update}
	events[0].ExceptSocket = "12.34"

	mustBe(t, p.Publish(t.Context(), events), keys(events...), nil)

	got := pusher.Only(t)
	var names []string
	for _, e := range got {
		names = append(names, e.Channel+" "+e.Name)
		if except := e.SocketID != nil; except != (e.Name == "new-message") || except && *e.SocketID != "12.34" {
			t.Errorf("%s is kept from %v", e.Name, e.SocketID)
		}
	}
	if want := []string{"private-client-42 new-message", "private-developer-inbox conversation-updated", "private-client-42 messages-read", "private-client-42 message-updated"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	for i, want := range []string{
		`{"id":"019ab000-0000-7000-8000-000000000001","clientId":"42","seq":1,"version":1,"sender":{"id":"42","role":"client","name":"Grace"},` +
			`"body":"Hello","clientMessageId":"8c","createdAt":"2026-11-23T10:00:00.123Z","editedAt":null,"deletedAt":null}`,
		`{"clientId":"42","channel":"","clientName":null,"clientEmail":null,"status":"open","assigneeId":null,"online":null,"lastSeenAt":null,"lastSeq":0,` +
			`"lastMessage":{"seq":0,"senderRole":"","preview":"","createdAt":"0001-01-01T00:00:00.000Z"},"read":{"client":0,"developer":0},"unread":{"client":0,"developer":0},` +
			`"version":1,"createdAt":"2026-11-23T10:00:00.123Z","updatedAt":"2026-11-23T10:00:00.123Z"}`,
		`{"clientId":"42","side":"client","upToSeq":1,"readAt":"2026-11-23T10:00:00.123Z","reader":{"id":"42","role":"client","name":null},"version":2}`,
	} {
		if got[i].Data != want {
			t.Errorf("%s carries\n%s, want\n%s", got[i].Name, got[i].Data, want)
		}
	}
	if log.String() != "" {
		t.Errorf("a success is logged: %s", log)
	}
}

func TestARequestHasTenEventsAtMost(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	var events []chat.Event
	for i := range 25 {
		events = append(events, message(int64(i+1), "Hello"))
	}
	mustBe(t, p.Publish(t.Context(), events), keys(events[:10]...), nil)
	if n := len(pusher.Only(t)); n != 10 {
		t.Errorf("%d events in a request", n)
	}
	mustBe(t, p.Publish(t.Context(), events[10:20]), keys(events[10:20]...), nil)
}

func TestNothingIsAnnouncedOnAPublicNameUnlessAskedFor(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		pusher := newAPI(t)
		o, _ := options(t, pusher.URL)
		o.Channels = mode
		p := realtime.New(o)
		t.Cleanup(p.Transport().CloseIdleConnections)
		p.Publish(t.Context(), []chat.Event{message(1, "Hello"), changed(1), read(2)})
		for _, e := range pusher.Only(t) {
			closed := strings.HasPrefix(e.Channel, "private-") || strings.HasPrefix(e.Channel, "presence-")
			if closed == (mode == realtime.Public) {
				t.Errorf("mode %d announces on %s", mode, e.Channel)
			}
		}
		if got, want := mode.KeepPresence(), mode == realtime.Presence; got != want {
			t.Errorf("mode %d keeps presence: %v", mode, got)
		}
	}
}

func TestAMalformedSocketIsIgnored(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	e := message(1, "Hello")
	e.ExceptSocket = "1.2\n"
	mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
	if id := pusher.Only(t)[0].SocketID; id != nil {
		t.Errorf("it is sent: %q", *id)
	}
}

func TestADisabledPublisherMakesNoRequest(t *testing.T) {
	t.Parallel()
	p := realtime.New(realtime.Options{Channels: realtime.Presence})
	p.SetTransport(roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request is made")
		return nil, http.ErrAbortHandler
	}))
	mustBe(t, p.Publish(t.Context(), []chat.Event{message(1, "Hello")}), nil, nil)
	if p.Enabled() {
		t.Error("it is enabled")
	}
}

func TestNoEventsAreNoRequest(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	mustBe(t, p.Publish(t.Context(), nil), nil, nil)
	if n := len(pusher.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAnAcceptedBatchIsDeliveredWhateverTheAnswersBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "ok", "<html>", `{"batch":"?"}`, strings.Repeat("x", 1<<20)} {
		pusher := newAPI(t)
		pusher.Always(http.StatusOK, body)
		p, log := publisher(t, pusher.URL)
		e := message(1, "Hello")
		mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
		if log.String() != "" {
			t.Errorf("%.20q is logged: %s", body, log)
		}
	}
}

func TestAPoisonedEventIsRefusedAloneAndTheOthersGo(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge} {
		pusher := newAPI(t)
		pusher.Answer(func(events []sent) (int, string) {
			if slices.ContainsFunc(events, func(e sent) bool { return strings.Contains(e.Data, "poison") }) {
				return status, "refused: poison"
			}
			return http.StatusOK, "{}"
		})
		p, log := publisher(t, pusher.URL)
		before, poison, after := message(1, "Hello"), message(2, "poison"), changed(2)
		mustBe(t, p.Publish(t.Context(), []chat.Event{before, poison, after}), keys(before, after), keys(poison))
		if n := len(pusher.Requests()); n != 4 {
			t.Errorf("%d requests, want the batch and 3 single ones", n)
		}
		if warned, failed := log.Lines(slog.LevelWarn), log.Lines(slog.LevelError); len(warned) != 2 || len(failed) != 1 ||
			!strings.Contains(failed[0], "event=new-message clientId=42 version=2") || strings.Contains(log.String(), "poison") {
			t.Errorf("log: %s", log)
		}

		mustBe(t, p.Publish(t.Context(), []chat.Event{poison}), nil, keys(poison))
		if n := len(pusher.Requests()); n != 5 {
			t.Errorf("a single event is sent again: %d requests, want 5", n)
		}
	}
}

func TestABatchTakenApartStopsAtTheDeadline(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	pusher.Always(http.StatusBadRequest, "")
	ctx, cancel := context.WithCancel(t.Context())
	o, log := options(t, pusher.URL)
	o.Observe = func(context.Context, time.Duration) { cancel() }
	p := realtime.New(o)
	t.Cleanup(p.Transport().CloseIdleConnections)
	mustBe(t, p.Publish(ctx, []chat.Event{message(1, "Hello"), changed(1), read(2)}), nil, nil)
	if pusher.Only(t); len(log.Lines(slog.LevelWarn)) != 1 {
		t.Errorf("log: %s", log)
	}
}

func TestWhatFailsForNowWaits(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]string{500: "5xx", 502: "5xx", 503: "5xx", 429: "4xx", 408: "4xx", 301: "3xx", 307: "3xx"} {
		pusher := newAPI(t)
		pusher.Always(status, "secret text")
		p, log := publisher(t, pusher.URL)
		events := []chat.Event{message(1, "Hello"), changed(1)}
		mustBe(t, p.Publish(t.Context(), events), nil, nil)
		pusher.Only(t)
		if lines := log.Lines(slog.LevelWarn); len(lines) != 1 || !strings.Contains(lines[0], "class="+class) || !strings.Contains(lines[0], "events=2") || strings.Contains(log.String(), "text") {
			t.Errorf("log: %s", log)
		}

		pusher.Always(http.StatusOK, "{}")
		mustBe(t, p.Publish(t.Context(), events), keys(events...), nil)
	}
}

// roundTrip is a transport that does not use the network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPusherItselfIsReachedOverHTTPSOnly(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]realtime.Options{
		"https://api-eu.pusher.com/apps/3/batch_events":      {Cluster: "eu"},
		"https://api-us2.pusher.com:443/apps/3/batch_events": {Cluster: "us2", Port: "443"},
		"https://pusher.example/apps/3/batch_events":         {Host: "pusher.example"},
		"https://[::1]/apps/3/batch_events":                  {Host: "::1"},
		"http://[::1]:6001/apps/3/batch_events":              {Host: "::1", Port: "6001", NoTLS: true},
		"http://localhost:6001/apps/3/batch_events":          {Host: "localhost", Port: "6001", NoTLS: true, Cluster: "local"},
	} {
		o.AppID, o.Key, o.Secret, o.Log = appID, key, secret, slog.New(slog.DiscardHandler)
		var asked string
		p := realtime.New(o)
		p.SetTransport(roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
			return nil, http.ErrAbortHandler
		}))
		p.Publish(t.Context(), []chat.Event{message(1, "Hello")})
		if asked != want {
			t.Errorf("%q, want %q", asked, want)
		}
	}
}

func TestEachRequestIsObserved(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	pusher := newAPI(t)
	pusher.Answer(func(events []sent) (int, string) {
		time.Sleep(10 * time.Millisecond)
		return map[bool]int{true: http.StatusBadRequest, false: http.StatusOK}[len(events) > 1], "{}"
	})
	o, _ := options(t, pusher.URL)
	var took []time.Duration
	o.Observe = func(ctx context.Context, d time.Duration) {
		if ctx.Value(contextKey{}) != "request" {
			t.Error("observed under another context")
		}
		took = append(took, d)
	}
	p := realtime.New(o)
	t.Cleanup(p.Transport().CloseIdleConnections)
	p.Publish(context.WithValue(t.Context(), contextKey{}, "request"), []chat.Event{message(1, "Hello"), changed(1)})
	if len(took) != 3 || slices.Min(took) < 10*time.Millisecond {
		t.Errorf("observed %v, want three of 10 ms and more", took)
	}
}

func TestManyMayPublishAtOnce(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	var delivered atomic.Int64
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			e := message(int64(i+1), "Hello")
			delivered.Add(int64(len(p.Publish(t.Context(), []chat.Event{e, changed(e.Version)}).Delivered)))
		})
	}
	all.Wait()
	if delivered.Load() != 100 || len(pusher.Requests()) != 50 {
		t.Errorf("%d delivered in %d requests", delivered.Load(), len(pusher.Requests()))
	}
}
