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
	"testing/synctest"
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
			`"body":"Hello","attachments":[],"clientMessageId":"8c","createdAt":"2026-11-23T10:00:00.123Z","editedAt":null,"deletedAt":null}`,
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

func TestOnlyPushersOwnAnswerDelivers(t *testing.T) {
	t.Parallel()
	const page = "<!doctype html><title>Sign in to this network</title>"
	for name, test := range map[string]struct {
		status int
		body   string
		taken  bool
	}{
		"an empty object":         {200, "{}", true},
		"an object":               {200, ` {"batch":[{},{}]} `, true},
		"an object, created":      {201, "{}", true},
		"nothing":                 {200, "", false},
		"no content":              {204, "", false},
		"a page":                  {200, page, false},
		"a word":                  {200, "ok", false},
		"an array":                {200, "[]", false},
		"a string":                {200, `"{}"`, false},
		"half an object":          {200, `{"batch":[`, false},
		"an object and a page":    {200, "{}" + page, false},
		"an object over 64 KiB":   {200, `{"batch":"` + strings.Repeat("x", 1<<20) + `"}`, false},
		"text without an end":     {200, strings.Repeat("x", 1<<20), false},
		"an object of a redirect": {302, "{}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pusher := newAPI(t)
			pusher.Always(test.status, test.body)
			p, log := publisher(t, pusher.URL)
			events := []chat.Event{message(1, "Hello"), changed(1)}
			var want []chat.EventKey
			if test.taken {
				want = keys(events...)
			}
			mustBe(t, p.Publish(t.Context(), events), want, nil)
			pusher.Only(t)
			if warned := log.Lines(slog.LevelWarn); test.taken != (log.String() == "") || !test.taken && len(warned) != 1 || strings.Contains(log.String(), "Sign in") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// poisoned answers a batch that holds poison with a status, and takes every other one.
func poisoned(status int) func([]sent) (int, string) {
	return func(events []sent) (int, string) {
		if slices.ContainsFunc(events, func(e sent) bool { return strings.Contains(e.Data, "poison") }) {
			return status, "refused: poison"
		}
		return http.StatusOK, "{}"
	}
}

func TestAPoisonedEventIsToldApartAndTheOthersGo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		forGood bool
		log     slog.Level
	}{
		"too large":   {http.StatusRequestEntityTooLarge, true, slog.LevelError},
		"bad request": {http.StatusBadRequest, false, slog.LevelWarn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pusher := newAPI(t)
			pusher.Answer(poisoned(test.status))
			p, log := publisher(t, pusher.URL)
			before, poison, after := message(1, "Hello"), message(2, "poison"), changed(2)
			mustBePoison := func(done chat.Delivery, delivered []chat.EventKey) {
				t.Helper()
				if test.forGood {
					mustBe(t, done, delivered, keys(poison))
				} else {
					mustBe(t, done, delivered, nil, keys(poison)...)
				}
			}
			mustBePoison(p.Publish(t.Context(), []chat.Event{before, poison, after}), keys(before, after))
			if n := len(pusher.Requests()); n != 4 {
				t.Errorf("%d requests, want the batch and 3 single ones", n)
			}
			named := 0
			for _, line := range log.Lines(test.log) {
				if strings.Contains(line, "event=new-message clientId=42 version=2") {
					named++
				}
			}
			if failed := strings.Count(log.String(), "class="); failed != 2 || named != 1 || strings.Contains(log.String(), "poison") {
				t.Errorf("%d failed requests, the event is named %d times: %s", failed, named, log)
			}

			mustBePoison(p.Publish(t.Context(), []chat.Event{poison}), nil)
			if n := len(pusher.Requests()); n != 5 {
				t.Errorf("a single event is sent again: %d requests, want 5", n)
			}
		})
	}
}

// A proxy, or plain http on a port for TLS, answers everything with 400: that tells nothing of the events.
func TestWhileEverythingIsAnswered400NoBatchIsTakenApartAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pusher := &scripted{}
		p, _ := scriptedPublisher(pusher)
		events := []chat.Event{message(1, "Hello"), changed(1), read(2)}
		publish := func(requests int64, delivered, rejected []chat.EventKey) {
			t.Helper()
			pusher.requests.Store(0)
			mustBe(t, p.Publish(t.Context(), events), delivered, nil, rejected...)
			if n := pusher.requests.Load(); n != requests {
				t.Errorf("%d requests, want %d", n, requests)
			}
		}
		pusher.status.Store(http.StatusBadRequest)
		publish(4, nil, keys(events...))
		for range 10 {
			publish(1, nil, nil)
		}
		time.Sleep(30 * time.Second)
		publish(4, nil, keys(events...))
		publish(1, nil, nil)
		pusher.status.Store(http.StatusOK)
		publish(1, keys(events...), nil) // nothing that waits has to wait longer
		pusher.status.Store(http.StatusBadRequest)
		publish(4, nil, keys(events...))
	})
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
