package realtime_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// scripted is a Pusher without a network, so that requests to it work in a synctest bubble with a fake clock.
type scripted struct {
	status   atomic.Int64 // 0 is no answer
	requests atomic.Int64
	delay    time.Duration
}

func (s *scripted) RoundTrip(*http.Request) (*http.Response, error) {
	s.requests.Add(1)
	time.Sleep(s.delay)
	status := int(s.status.Load())
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func scriptedPublisher(s *scripted) (*realtime.Publisher, *journal) {
	log := &journal{}
	p := realtime.New(realtime.Options{AppID: appID, Key: key, Secret: secret, Cluster: "eu", Log: slog.New(slog.NewTextHandler(log, nil))})
	p.SetTransport(s)
	return p, log
}

func TestARefusedAppIsAskedOnceInThirtySeconds(t *testing.T) {
	t.Parallel()
	for _, status := range []int64{401, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			pusher := &scripted{}
			p, log := scriptedPublisher(pusher)
			e := message(1, "Hello")
			publish := func(requests int64, delivered bool) {
				t.Helper()
				pusher.requests.Store(0)
				var want []chat.EventKey
				if delivered {
					want = keys(e)
				}
				mustBe(t, p.Publish(t.Context(), []chat.Event{e}), want, nil)
				if n := pusher.requests.Load(); n != requests {
					t.Errorf("%d requests, want %d", n, requests)
				}
			}
			pusher.status.Store(status)
			publish(1, false)
			for range 100 {
				publish(0, false)
			}
			time.Sleep(30*time.Second - time.Nanosecond)
			publish(0, false)
			time.Sleep(time.Nanosecond)
			publish(1, false) // the probe
			publish(0, false)
			time.Sleep(29 * time.Second)
			publish(0, false)

			pusher.status.Store(0) // a probe that is not answered says nothing
			time.Sleep(time.Second)
			publish(1, false)
			publish(0, false)

			pusher.status.Store(200)
			publish(0, false)
			time.Sleep(30 * time.Second)
			publish(1, true)
			publish(1, true)
			if opened, closed := log.Lines(slog.LevelError), log.Lines(slog.LevelInfo); len(opened) != 1 || len(closed) != 1 {
				t.Errorf("the breaker's turns are logged %d and %d times: %s", len(opened), len(closed), log)
			}
		})
	}
}

// The monotonic clock may stop while an instance is frozen, and the wall clock may be set back.
func TestTheBreakerGoesByTheWallClock(t *testing.T) {
	t.Parallel()
	pusher := &scripted{}
	pusher.status.Store(403)
	p, _ := scriptedPublisher(pusher)
	for i := range 2 { // the refusal that opens it, and a probe
		p.Publish(t.Context(), []chat.Event{message(1, "Hello")})
		if asked := *p.Asked(); asked != asked.Round(0) || time.Since(asked).Abs() > time.Minute {
			t.Errorf("request %d: the breaker counts from %v", i, asked)
		}
		*p.Asked() = time.Now().Add(-time.Hour).Round(0)
	}
	for ago, want := range map[time.Duration]int64{time.Hour: 1, 31 * time.Second: 1, 20 * time.Second: 0, -time.Hour: 1} {
		*p.Asked() = time.Now().Add(-ago).Round(0)
		pusher.requests.Store(0)
		p.Publish(t.Context(), []chat.Event{message(1, "Hello")})
		if n := pusher.requests.Load(); n != want {
			t.Errorf("asked %v ago: %d requests, want %d", ago, n, want)
		}
	}
}

func TestOneOfManyIsTheProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pusher := &scripted{delay: 100 * time.Millisecond}
		pusher.status.Store(403)
		p, log := scriptedPublisher(pusher)
		together := func() int64 {
			pusher.requests.Store(0)
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() { p.Publish(t.Context(), []chat.Event{message(int64(i+1), "Hello")}) })
			}
			all.Wait()
			return pusher.requests.Load()
		}
		together()
		for range 3 {
			time.Sleep(30 * time.Second)
			if n := together(); n != 1 {
				t.Errorf("%d probes, want 1", n)
			}
		}
		if opened := log.Lines(slog.LevelError); len(opened) != 1 {
			t.Errorf("the opening is logged %d times", len(opened))
		}
	})
}

func TestARefusedEventDoesNotHoldTheBreakerOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pusher := &scripted{}
		p, _ := scriptedPublisher(pusher)
		events := []chat.Event{message(1, "Hello"), changed(1)}
		pusher.status.Store(401)
		p.Publish(t.Context(), events)
		time.Sleep(30 * time.Second)
		pusher.status.Store(413)
		mustBe(t, p.Publish(t.Context(), events), nil, keys(events...))
	})
}

func TestABatchTakenApartStopsWhereTheAppIsRefused(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	pusher.Answer(func(events []sent) (int, string) {
		switch {
		case len(events) > 1:
			return http.StatusBadRequest, ""
		case events[0].Name == "new-message":
			return http.StatusOK, "{}"
		default:
			return http.StatusForbidden, ""
		}
	})
	p, _ := publisher(t, pusher.URL)
	first := message(1, "Hello")
	mustBe(t, p.Publish(t.Context(), []chat.Event{first, changed(1), read(2), message(3, "Hello")}), keys(first), nil)
	if n := len(pusher.Requests()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}
