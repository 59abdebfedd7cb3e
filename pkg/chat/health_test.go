package chat_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"devinbox/pkg/chat"
)

// counted is a Store that knows no more than how long its queue is.
type counted struct {
	chat.Store
	queue chat.Queue
	err   error
	limit int
}

func (c *counted) Queue(_ context.Context, limit int) (chat.Queue, error) {
	c.limit = limit
	return c.queue, c.err
}

func TestHealthIsWhatTheDependenciesSay(t *testing.T) {
	t.Parallel()
	failure := errors.New("a failure")
	for _, test := range []struct {
		queue    chat.Queue
		err      error
		disabled bool
		want     chat.HealthStatus
	}{
		{chat.Queue{}, nil, false, chat.Healthy},
		{chat.Queue{Pending: 1000, OldestSeconds: 60}, nil, false, chat.Healthy},
		{chat.Queue{Pending: 1, OldestSeconds: 61}, nil, false, chat.Degraded},
		{chat.Queue{}, nil, true, chat.Degraded},
		{chat.Queue{}, failure, false, chat.Down},
		{chat.Queue{}, failure, true, chat.Down},
	} {
		store := &counted{queue: test.queue, err: test.err}
		service := chat.NewService(store, &scripted{trace: &trace{}, disabled: test.disabled}, &named{}, limit, slog.New(slog.DiscardHandler))
		h, err := service.Health(t.Context())
		if err != test.err || h.Status != test.want || h.Database.OK != (err == nil) || h.Realtime.Enabled == test.disabled || h.Queue != test.queue {
			t.Errorf("%+v: %+v, %v", test, h, err)
		}
		mustBe(t, "where counting stops", store.limit, 1000)
	}
}
