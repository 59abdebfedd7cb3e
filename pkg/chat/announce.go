package chat

import (
	"context"
	"regexp"
	"time"
)

const (
	// publishTimeout bounds one request to Pusher, so that a Pusher that hangs costs a send this much and no more.
	publishTimeout = 1500 * time.Millisecond
	// healReserve is how much of a request's budget must be left for it to deliver what others left behind.
	healReserve = time.Second
)

// socketID is the form of a Pusher connection's id.
var socketID = regexp.MustCompile(`\A\d{1,20}\.\d{1,20}\z`)

// socket is a caller's own connection, and empty where it names none. A malformed one is ignored, for it
// would make Pusher refuse the announcement of a message that is already saved.
func socket(given *string) string {
	if given == nil || !socketID.MatchString(*given) {
		return ""
	}
	return *given
}

// announce delivers the events of a call, acknowledges them, and with the same statement claims a few
// that earlier requests left behind: so the queue heals by traffic alone, without a cron. That costs one
// further request to Pusher and its acknowledgement at most, and only while there is time.
// No failure here is the caller's: what is not acknowledged waits in the outbox.
func (s *Service) announce(ctx context.Context, events []Event) Realtime {
	if !s.publisher.Enabled() {
		return Disabled
	}
	if len(events) == 0 {
		return Delivered
	}
	done := s.publish(ctx, events)
	if done.empty() {
		return Queued
	}
	claim := 0
	if timeLeft(ctx) >= healReserve {
		claim = MaxBatch
	}
	leftovers, err := s.store.Acknowledge(ctx, done, claim)
	if err != nil {
		s.log.WarnContext(ctx, "delivered events were not acknowledged and will be repeated", "error", err.Error())
	} else if len(leftovers) > 0 {
		s.deliver(ctx, leftovers, 0)
	}
	if len(done.Delivered)+len(done.Refused) < len(events) {
		return Queued
	}
	return Delivered
}

// deliver publishes claimed events and acknowledges what came of it, claiming the next ones with the same
// statement. Where nothing was taken there is nothing to acknowledge, and nothing more is claimed.
func (s *Service) deliver(ctx context.Context, events []Event, claim int) (done Delivery, next []Event) {
	done = s.publish(ctx, events)
	if done.empty() {
		return done, nil
	}
	next, err := s.store.Acknowledge(ctx, done, claim)
	if err != nil {
		s.log.WarnContext(ctx, "delivered events were not acknowledged and will be repeated", "error", err.Error())
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

func (d Delivery) empty() bool { return len(d.Delivered) == 0 && len(d.Refused) == 0 }

// timeLeft is how much of the context's budget remains; without a deadline, more than enough.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour
	}
	return time.Until(deadline)
}
