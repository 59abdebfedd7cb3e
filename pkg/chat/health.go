package chat

import (
	"context"
	"errors"
)

// Health is what a monitor needs to know. It contains no secret and no host name.
type Health struct {
	Status   HealthStatus `json:"status"`
	Database struct {
		OK       bool `json:"ok"`
		Writable bool `json:"writable"` // false of a standby, or a database that is set to read only
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
	healthCounts = 1000 // the limit up to which the queue is counted
	healthLag    = 60   // seconds that the oldest event may wait
)

// Health checks the dependencies. If the database fails it returns an error, together with the Health to show.
func (s *Service) Health(ctx context.Context) (Health, error) {
	h := Health{Status: Healthy}
	h.Realtime.Enabled = s.publisher.Enabled()
	queue, writable, err := s.store.Queue(ctx, healthCounts)
	if err != nil {
		h.Status = Down
		return h, err
	}
	h.Database.OK, h.Database.Writable = true, writable
	h.Queue = queue
	if !writable {
		h.Status = Down
		return h, Fail(Unavailable, "The database takes no writes.").Because(errors.New("the database is a standby or read only"))
	}
	if queue.OldestSeconds > healthLag || queue.Parked > 0 || !h.Realtime.Enabled {
		h.Status = Degraded
	}
	return h, nil
}
