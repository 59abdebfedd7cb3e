package chat_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"devinbox/pkg/chat"
)

// counted is a Store that knows no more than its queue, and whether it takes writes.
type counted struct {
	chat.Store
	queue    chat.Queue
	writable bool
	err      error
	limit    int
}

func (c *counted) Queue(_ context.Context, limit int) (chat.Queue, bool, error) {
	c.limit = limit
	return c.queue, c.writable, c.err
}

func TestHealthIsWhatTheDependenciesSay(t *testing.T) {
	t.Parallel()
	failure := errors.New("a failure")
	for name, test := range map[string]struct {
		queue    chat.Queue
		readOnly bool
		err      error
		disabled bool
		want     chat.HealthStatus
	}{
		"all is well":              {want: chat.Healthy},
		"many wait, not for long":  {queue: chat.Queue{Pending: 1000, OldestSeconds: 60}, want: chat.Healthy},
		"one waits for too long":   {queue: chat.Queue{Pending: 1, OldestSeconds: 61}, want: chat.Degraded},
		"one is parked":            {queue: chat.Queue{Parked: 1}, want: chat.Degraded},
		"Pusher is off":            {disabled: true, want: chat.Degraded},
		"it takes no writes":       {readOnly: true, want: chat.Down},
		"it does not answer":       {err: failure, want: chat.Down},
		"it does not answer, both": {err: failure, disabled: true, want: chat.Down},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &counted{queue: test.queue, writable: !test.readOnly, err: test.err}
			service := chat.NewService(store, &scripted{trace: &trace{}, disabled: test.disabled}, &bucket{}, &named{}, limit, slog.New(slog.DiscardHandler))
			h, err := service.Health(t.Context())
			if (err != nil) != (test.want == chat.Down) || h.Status != test.want || h.Database.OK != (test.err == nil) ||
				h.Database.Writable != (test.err == nil && !test.readOnly) || h.Realtime.Enabled == test.disabled || h.Queue != test.queue {
				t.Errorf("%+v, %v", h, err)
			}
			mustBe(t, "where counting stops", store.limit, 1000)
		})
	}
}
