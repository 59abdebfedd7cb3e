package chat

import (
	"context"
	"time"
)

// deliverReserve is what a run of DeliverQueued keeps of its budget for its last batch and its count.
const deliverReserve = 3 * time.Second

// Deliveries is the outcome of one run of [Service.DeliverQueued].
type Deliveries struct {
	Delivered int `json:"delivered"`
	Failed    int `json:"failed"`  // tried in this run and not taken
	Pending   int `json:"pending"` // left in the queue, due or not
}

// DeliverQueued delivers what is due until nothing is, until Pusher takes nothing, or until the context's
// budget ends. It first drops what is older than [EventLifetime]. Several runs at once are harmless:
// each event is leased to one of them.
// Errors: those of the Store.
func (s *Service) DeliverQueued(ctx context.Context) (Deliveries, error) {
	var run Deliveries
	if err := s.store.DropExpired(ctx); err != nil {
		return run, err
	}
	if s.publisher.Enabled() {
		events, err := s.store.Acknowledge(ctx, Delivery{}, MaxBatch)
		if err != nil {
			return run, err
		}
		for len(events) > 0 {
			claim := 0
			if timeLeft(ctx) >= deliverReserve {
				claim = MaxBatch
			}
			done, next := s.deliver(ctx, events, claim)
			run.Delivered += len(done.Delivered)
			run.Failed += len(events) - len(done.Delivered)
			events = next
		}
	}
	left, err := s.store.Queue(ctx, 1_000_000)
	run.Pending = left.Pending
	return run, err
}

// Health is what a monitor needs to know. It holds no secret and no name of a host.
type Health struct {
	Status   HealthStatus `json:"status"`
	Database struct {
		OK bool `json:"ok"`
	} `json:"database"`
	Realtime struct {
		Enabled bool `json:"enabled"`
	} `json:"realtime"`
	Queue Queue `json:"queue"`
}

// HealthStatus is the one word for all of it.
type HealthStatus string

// The three states of health.
const (
	Healthy  HealthStatus = "ok"
	Degraded HealthStatus = "degraded" // messages are saved, but reach browsers late or by polling only
	Down     HealthStatus = "down"     // nothing can be saved
)

const (
	healthCounts = 1000 // where counting the queue stops
	healthLag    = 60   // seconds that the oldest event may wait
)

// Health looks at the dependencies. It fails where the database does, with the Health to show beside the error.
func (s *Service) Health(ctx context.Context) (Health, error) {
	h := Health{Status: Healthy}
	h.Realtime.Enabled = s.publisher.Enabled()
	queue, err := s.store.Queue(ctx, healthCounts)
	if err != nil {
		h.Status = Down
		return h, err
	}
	h.Database.OK = true
	h.Queue = queue
	if queue.OldestSeconds > healthLag || !h.Realtime.Enabled {
		h.Status = Degraded
	}
	return h, nil
}
