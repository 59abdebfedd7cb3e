package chat_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"devinbox/pkg/chat"
)

func TestWhatIsQueuedIsDeliveredUntilNothingIsDue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		due    int
		pusher []became
		want   chat.Deliveries
		trace  string
	}{
		"nothing is due": {0, nil, chat.Deliveries{}, "drop, claim 10, count"},
		"a few":          {3, nil, chat.Deliveries{Delivered: 3}, "drop, claim 10, publish 3, acknowledge 3+0, count"},
		"many": {
			23, nil, chat.Deliveries{Delivered: 23},
			"drop, claim 10, publish 10, acknowledge 10+0, claim 10, publish 10, acknowledge 10+0, claim 10, publish 3, acknowledge 3+0, count",
		},
		"Pusher takes nothing": {23, []became{sorted(0, 0)}, chat.Deliveries{Failed: 10, Pending: 13}, "drop, claim 10, publish 10, count"},
		"Pusher stops taking": {
			23, []became{taken, sorted(0, 0)}, chat.Deliveries{Delivered: 10, Failed: 10, Pending: 3},
			"drop, claim 10, publish 10, acknowledge 10+0, claim 10, publish 10, count",
		},
		"a batch is poisoned": {
			13, []became{sorted(9, 1), taken}, chat.Deliveries{Delivered: 12, Failed: 1},
			"drop, claim 10, publish 10, acknowledge 9+1, claim 10, publish 3, acknowledge 3+0, count",
		},
		"all is poison": {
			13, []became{sorted(0, 10)}, chat.Deliveries{Failed: 13},
			"drop, claim 10, publish 10, acknowledge 0+10, claim 10, publish 3, acknowledge 0+3, count",
		},
		"a batch is rejected": {
			13, []became{sorted(0, 0, 10), taken}, chat.Deliveries{Delivered: 3, Failed: 10},
			"drop, claim 10, publish 10, acknowledge 0+0+10, others taken false, claim 10, publish 3, acknowledge 3+0, count",
		},
		"one is rejected after a batch that was taken": {
			11, []became{taken, sorted(0, 0, 1)}, chat.Deliveries{Delivered: 10, Failed: 1},
			"drop, claim 10, publish 10, acknowledge 10+0, claim 10, publish 1, acknowledge 0+0+1, others taken true, count",
		},
		"a part waits": {
			13, []became{sorted(4, 0), taken}, chat.Deliveries{Delivered: 7, Failed: 6},
			"drop, claim 10, publish 10, acknowledge 4+0, claim 10, publish 3, acknowledge 3+0, count",
		},
	} {
		w := newWorld()
		w.store.due, w.publisher.became = leftBehind(test.due), test.pusher
		got, err := w.DeliverQueued(t.Context())
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
		mustBe(t, name, w.trace.take(), test.trace)
	}
}

func TestARunEndsWithItsBudgetThoughEventsKeepComing(t *testing.T) {
	t.Parallel()
	slow := func(ctx context.Context, events []chat.Event) chat.Delivery {
		time.Sleep(time.Second)
		return taken(ctx, events)
	}
	for budget, batches := range map[time.Duration]int{
		0:                                  58, // none but the run's own minute
		10 * time.Second:                   8,
		10*time.Second - time.Nanosecond:   7,
		4*time.Second + time.Nanosecond:    2,
		2 * time.Second:                    1,
		10 * time.Minute:                   58,
		1500 * time.Millisecond:            1,
		59*time.Second + 1*time.Nanosecond: 57,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.store.alwaysDue, w.publisher.became = true, []became{slow}
			ctx := t.Context()
			if budget > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, budget)
				defer cancel()
			}
			run, err := w.DeliverQueued(ctx)
			if err != nil || run.Delivered != 10*batches || run.Failed != 0 {
				t.Errorf("in %v: %+v, %v, want %d batches", budget, run, err, batches)
			}
		})
	}
}

func TestAPusherThatHangsEndsARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.store.alwaysDue, w.publisher.became = true, []became{hanging}
		begun := time.Now()
		run, err := w.DeliverQueued(t.Context())
		if took := time.Since(begun); err != nil || run != (chat.Deliveries{Failed: 10}) || took != 1500*time.Millisecond {
			t.Errorf("%+v, %v, after %v", run, err, took)
		}
	})
}

func TestWithoutPusherARunOnlyDropsAndCounts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.publisher.disabled, w.store.due = true, leftBehind(3)
	if run, err := w.DeliverQueued(t.Context()); err != nil || run != (chat.Deliveries{Pending: 3}) {
		t.Errorf("%+v, %v", run, err)
	}
	mustBe(t, "the trace", w.trace.take(), "drop, count")
}

func TestARunFailsWithTheStore(t *testing.T) {
	t.Parallel()
	for method, trace := range map[string]string{
		"DropExpired": "drop",
		"Claim":       "drop, claim 10",
		"Queue":       "drop, claim 10, publish 3, acknowledge 3+0, count",
	} {
		w := newWorld()
		w.store.due = leftBehind(3)
		w.store.fail[method] = errors.New("a failure")
		if _, err := w.DeliverQueued(t.Context()); err != w.store.fail[method] {
			t.Errorf("%s: %v", method, err)
		}
		mustBe(t, method, w.trace.take(), trace)
	}
}

func TestWhatIsNotAcknowledgedEndsARunAndIsStillCounted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.due = leftBehind(23)
	w.publisher.became = []became{func(ctx context.Context, events []chat.Event) chat.Delivery {
		w.store.fail["Acknowledge"] = errors.New("a failure")
		return taken(ctx, events)
	}}
	if run, err := w.DeliverQueued(t.Context()); err != nil || run != (chat.Deliveries{Delivered: 10, Pending: 13}) {
		t.Errorf("%+v, %v", run, err)
	}
	mustBe(t, "the trace", w.trace.take(), "drop, claim 10, publish 10, acknowledge 10+0, count")
	if strings.Count(w.log.String(), "level=WARN") != 1 {
		t.Errorf("log: %s", w.log)
	}
}
