package chat

import (
	"context"
	"math"
	"slices"
	"time"
)

const (
	// publishTimeout limits one request to Pusher, and so what a send loses if Pusher hangs.
	publishTimeout = 1500 * time.Millisecond
	// healReserve is how much of a request's budget must be left for it to deliver events of earlier requests.
	healReserve = time.Second
	// claimNothing is a reserve that no budget has.
	claimNothing time.Duration = math.MaxInt64
)

// announce delivers the events of a call and acknowledges them. If the acknowledgement says that earlier requests left
// events behind, it claims a few of them: so traffic alone empties the queue, without a cron. For each batch that costs
// at most a claim, one further request to Pusher and its acknowledgement, and only while there is time.
// The caller gets no error from here: an event that is not acknowledged stays in the outbox.
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

// deliver publishes events and acknowledges the result. If others are due, it claims the next ones, while at
// least reserve of the budget is left. If Pusher handled no event there is nothing to acknowledge, and
// nothing is claimed. takenBefore says whether Pusher accepted an event earlier in this call.
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
