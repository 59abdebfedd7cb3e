package chat

import (
	"context"
	"math"
	"slices"
	"time"
)

const (
	// publishTimeout bounds one request to Pusher, so that a Pusher that hangs costs a send this much and no more.
	publishTimeout = 1500 * time.Millisecond
	// healReserve is how much of a request's budget must be left for it to deliver what others left behind.
	healReserve = time.Second
	// claimNothing is a reserve that no budget has.
	claimNothing time.Duration = math.MaxInt64
)

// announce delivers the events of a call and acknowledges them. If earlier requests left some behind, which the
// acknowledgement tells, it claims a few of those: so the queue heals by traffic alone, without a cron. That costs a claim,
// one further request to Pusher and its acknowledgement at most for each batch, and only while there is time.
// No failure here is the caller's: what is not acknowledged waits in the outbox.
func (s *Service) announce(ctx context.Context, events []Event) Realtime {
	if !s.publisher.Enabled() {
		return Disabled
	}
	became := Delivered
	for batch := range slices.Chunk(events, MaxBatch) {
		done, leftovers := s.deliver(ctx, batch, healReserve, false)
		if len(leftovers) > 0 {
			s.deliver(ctx, leftovers, claimNothing, done.OthersTaken)
		}
		if len(done.Delivered) < len(batch) {
			became = Queued
		}
	}
	return became
}

// deliver publishes events and acknowledges what came of it. If others are due, it claims the next ones, while at
// least reserve of the budget is left. If Pusher did not look at any event there is nothing to acknowledge, and
// nothing is claimed. takenBefore tells whether Pusher took an event earlier in this call.
func (s *Service) deliver(ctx context.Context, events []Event, reserve time.Duration, takenBefore bool) (done Delivery, next []Event) {
	done = s.publish(ctx, events)
	done.OthersTaken = takenBefore || len(done.Delivered) > 0
	if done.settled() == 0 {
		return done, nil
	}
	due, err := s.store.Acknowledge(ctx, done)
	if err != nil {
		s.log.WarnContext(ctx, "delivered events were not acknowledged and will be repeated", "error", err.Error())
		return done, nil
	}
	if !due || timeLeft(ctx) < reserve {
		return done, nil
	}
	next, err = s.store.Claim(ctx, MaxBatch)
	if err != nil {
		s.log.WarnContext(ctx, "events of earlier requests were not claimed and wait", "error", err.Error())
	}
	return done, next
}

func (s *Service) publish(ctx context.Context, events []Event) Delivery {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	for _, e := range events {
		if e.Conversation != nil {
			s.complete(e.Conversation)
		}
	}
	return s.publisher.Publish(ctx, events)
}

// timeLeft is how much of the context's budget remains; without a deadline, more than enough.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour
	}
	return time.Until(deadline)
}
