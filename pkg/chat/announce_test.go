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

func TestASendIsSavedThenAnnouncedThenAcknowledged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pusher   []became
		due      int // events that earlier calls left behind
		disabled bool
		ackFails bool
		realtime chat.Realtime
		trace    string
	}{
		"all is taken":          {nil, 0, false, false, chat.Delivered, "send, publish 2, acknowledge 2+0"},
		"nothing is taken":      {[]became{sorted(0, 0)}, 10, false, false, chat.Queued, "send, publish 2"},
		"a part is taken":       {[]became{sorted(1, 0)}, 0, false, false, chat.Queued, "send, publish 2, acknowledge 1+0"},
		"one is refused":        {[]became{sorted(1, 1)}, 0, false, false, chat.Queued, "send, publish 2, acknowledge 1+1"},
		"all are refused":       {[]became{sorted(0, 2)}, 0, false, false, chat.Queued, "send, publish 2, acknowledge 0+2"},
		"one is rejected":       {[]became{sorted(1, 0, 1)}, 0, false, false, chat.Queued, "send, publish 2, acknowledge 1+0+1, others taken true"},
		"all are rejected":      {[]became{sorted(0, 0, 2)}, 0, false, false, chat.Queued, "send, publish 2, acknowledge 0+0+2, others taken false"},
		"one refused, one left": {[]became{sorted(0, 1)}, 0, false, false, chat.Queued, "send, publish 2, acknowledge 0+1"},
		"not acknowledged":      {nil, 5, false, true, chat.Delivered, "send, publish 2, acknowledge 2+0"},
		"Pusher is off":         {nil, 5, true, false, chat.Disabled, "send"},
		"one left behind":       {nil, 1, false, false, chat.Delivered, "send, publish 2, acknowledge 2+0, claim 10, publish 1, acknowledge 1+0"},
		"many left behind":      {nil, 99, false, false, chat.Delivered, "send, publish 2, acknowledge 2+0, claim 10, publish 10, acknowledge 10+0"},
		"a rejected one left":   {[]became{taken, sorted(0, 0, 1)}, 1, false, false, chat.Delivered, "send, publish 2, acknowledge 2+0, claim 10, publish 1, acknowledge 0+0+1, others taken true"},
		"a poisoned one left":   {[]became{taken, sorted(2, 1)}, 3, false, false, chat.Delivered, "send, publish 2, acknowledge 2+0, claim 10, publish 3, acknowledge 2+1"},
		"those are not taken":   {[]became{taken, sorted(0, 0)}, 99, false, false, chat.Delivered, "send, publish 2, acknowledge 2+0, claim 10, publish 10"},
		"a part, and others":    {[]became{sorted(1, 0), taken}, 1, false, false, chat.Queued, "send, publish 2, acknowledge 1+0, claim 10, publish 1, acknowledge 1+0"},
	} {
		w := newWorld()
		w.publisher.became, w.publisher.disabled, w.store.due = test.pusher, test.disabled, leftBehind(test.due)
		if test.ackFails {
			w.store.fail["Acknowledge"] = chat.Fail(chat.Unavailable, "The database does not answer.")
		}
		sent, err := w.Send(t.Context(), grace, chat.Draft{Body: "Hello"})
		if err != nil || sent.Message.Seq != 1 || sent.Realtime != test.realtime {
			t.Errorf("%s: %+v, %v, want %s", name, sent, err, test.realtime)
		}
		mustBe(t, name, w.trace.take(), test.trace)
		mustBe(t, name+": events are committed", w.store.sends[0].Live, !test.disabled)
		if warned := strings.Count(w.log.String(), "level=WARN"); warned == 1 != test.ackFails || strings.Count(w.log.String(), "\n") != warned {
			t.Errorf("%s: log: %s", name, w.log)
		}
	}
}

func TestAReadMarkIsAnnouncedLikeASend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		became   became
		disabled bool
		trace    string
	}{
		"all is taken":     {taken, false, "read, publish 2, acknowledge 2+0"},
		"nothing is taken": {sorted(0, 0), false, "read, publish 2"},
		"Pusher is off":    {taken, true, "read"},
	} {
		w := newWorld()
		w.store.conversations["42"].LastSeq = 1
		w.publisher.became, w.publisher.disabled = []became{test.became}, test.disabled
		if _, err := w.MarkRead(t.Context(), grace, chat.ReadMark{UpToSeq: pointer[int64](1)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		mustBe(t, name, w.trace.take(), test.trace)
		mustBe(t, name+": events are committed", w.store.reads[0].Live, !test.disabled)
	}
}

func TestAReplayDeliversWhatIsDueAndTellsWhatIsAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	draft := chat.Draft{Body: "Hello", ClientMessageID: pointer("8c")}
	for _, step := range []struct {
		became     became
		leaseEnded bool
		replayed   bool
		realtime   chat.Realtime
		trace      string
	}{
		{sorted(0, 0), false, false, chat.Queued, "send, publish 2"},
		{taken, false, true, chat.Queued, "send"}, // they are another call's
		{sorted(1, 0), true, true, chat.Queued, "send, publish 2, acknowledge 1+0"},
		{taken, true, true, chat.Delivered, "send, publish 1, acknowledge 1+0"},
		{taken, true, true, chat.Delivered, "send"},
	} {
		w.publisher.became, w.store.leaseEnded = []became{step.became}, step.leaseEnded
		sent, err := w.Send(t.Context(), grace, draft)
		if err != nil || sent.Replayed != step.replayed || sent.Realtime != step.realtime || sent.Message.Seq != 1 {
			t.Errorf("%+v, %v, want %+v", sent, err, step)
		}
		mustBe(t, "the trace", w.trace.take(), step.trace)
	}
}

func TestAPusherThatHangsCostsASendASecondAndAHalf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pusher   []became
		budget   time.Duration // 0 for none
		took     time.Duration
		realtime chat.Realtime
		trace    string
	}{
		"at once":               {[]became{hanging}, 0, 1500 * time.Millisecond, chat.Queued, "send, publish 2"},
		"with others' events":   {[]became{taken, hanging}, 5 * time.Second, 1500 * time.Millisecond, chat.Delivered, "send, publish 2, acknowledge 2+0, claim 10, publish 10"},
		"within a small budget": {[]became{hanging}, 400 * time.Millisecond, 400 * time.Millisecond, chat.Queued, "send, publish 2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.publisher.became, w.store.due = test.pusher, leftBehind(99)
			ctx := t.Context()
			if test.budget > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.budget)
				defer cancel()
			}
			begun := time.Now()
			sent, err := w.Send(ctx, grace, chat.Draft{Body: "Hello"})
			if took := time.Since(begun); err != nil || sent.Realtime != test.realtime || took != test.took {
				t.Errorf("%s: %+v, %v, after %v", name, sent, err, took)
			}
			mustBe(t, name, w.trace.take(), test.trace)
		})
	}
}

func TestOthersEventsAreDeliveredOnlyWhileASecondIsLeft(t *testing.T) {
	t.Parallel()
	slow := func(ctx context.Context, events []chat.Event) chat.Delivery {
		time.Sleep(time.Second)
		return taken(ctx, events)
	}
	for budget, want := range map[time.Duration]string{
		2 * time.Second:                 "send, publish 2, acknowledge 2+0, claim 10, publish 1, acknowledge 1+0",
		2*time.Second - time.Nanosecond: "send, publish 2, acknowledge 2+0",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.publisher.became, w.store.due = []became{slow, taken}, leftBehind(1)
			ctx, cancel := context.WithTimeout(t.Context(), budget)
			defer cancel()
			sent, err := w.Send(ctx, grace, chat.Draft{Body: "Hello"})
			if err != nil || sent.Realtime != chat.Delivered {
				t.Errorf("%+v, %v", sent, err)
			}
			mustBe(t, "the trace", w.trace.take(), want)
		})
	}
}

func TestACallerWhoIsGoneHasSentAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.publisher.became = []became{func(ctx context.Context, _ []chat.Event) chat.Delivery {
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("the Publisher is not told: %v", ctx.Err())
		}
		return chat.Delivery{}
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if sent, err := w.Send(ctx, grace, chat.Draft{Body: "Hello"}); err != nil || sent.Realtime != chat.Queued || len(w.store.waiting) != 2 {
		t.Errorf("%+v, %v, %d wait", sent, err, len(w.store.waiting))
	}
}
