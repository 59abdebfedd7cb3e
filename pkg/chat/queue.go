package chat

import (
	"context"
	"time"
)

const (
	// deliverBudget is the time limit of a run, even if its context allows more: the next run may come a minute
	// later.
	deliverBudget = time.Minute
	// deliverReserve is the part of a run's budget that is kept for its last batch and its count.
	deliverReserve = 3 * time.Second
	// pendingCounts is the limit up to which a run counts the events that it leaves.
	pendingCounts = 1_000_000
)

// Deliveries is the outcome of one run of [Service.DeliverQueued] or [Webhooks.Deliver].
type Deliveries struct {
	Delivered int `json:"delivered"`
	Failed    int `json:"failed"`  // tried in this run and not accepted, for now or for good
	Pending   int `json:"pending"` // left in the queue, due or not
}

// Plus returns the outcome of two runs together.
func (d Deliveries) Plus(other Deliveries) Deliveries {
	return Deliveries{d.Delivered + other.Delivered, d.Failed + other.Failed, d.Pending + other.Pending}
}

// DeliverQueued delivers due events until none is left, until Pusher does not answer for any event of a batch, until
// another run is claiming or an acknowledgement fails, or until the context's budget ends, after a minute at the latest. It
// first drops events older than [EventLifetime].
// Several runs at once are harmless: each event is leased to one of them.
// Errors: those of the Store.
func (s *Service) DeliverQueued(ctx context.Context) (Deliveries, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverBudget)
	defer cancel()
	var run Deliveries
	if err := s.store.DropExpired(ctx); err != nil {
		return run, err
	}
	if s.publisher.Enabled() {
		events, err := s.store.Claim(ctx, MaxBatch)
		if err != nil {
			return run, err
		}
		for len(events) > 0 {
			done, next := s.deliver(ctx, events, deliverReserve, run.Delivered > 0)
			run.Delivered += len(done.Delivered)
			run.Failed += len(events) - len(done.Delivered)
			events = next
		}
	}
	left, _, err := s.store.Queue(ctx, pendingCounts)
	run.Pending = left.Pending + left.Parked
	return run, err
}
