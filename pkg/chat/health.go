package chat

import "context"

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
