package serve

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"devinbox/pkg/app"
)

const (
	// DeliverEvery is how often to look for queued events. An event belongs to the request that made it for 10 s, so
	// one that is left behind goes out within 20 s.
	DeliverEvery = 10 * time.Second
	// deliverBudget is how long one delivery may take, and so how long it can delay the end of the process.
	deliverBudget = 5 * time.Second
)

// Deliver delivers what is queued, at once and after every interval, until ctx ends. It finishes a delivery that has begun.
// Several processes can do this at the same time: each event is leased to one of them.
func Deliver(ctx context.Context, a *app.App, log *slog.Logger, every time.Duration) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		for ctx.Err() == nil && deliverOnce(ctx, a, log) {
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// deliverOnce tells whether to go on at once: Pusher took events, and more are left.
func deliverOnce(ctx context.Context, a *app.App, log *slog.Logger) bool {
	defer func() {
		if p := recover(); p != nil { // or it would end the process, with every request that has begun
			log.Error("a defect in delivering what is queued", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliverBudget)
	defer cancel()
	run, err := a.Chat.DeliverQueued(ctx)
	if err != nil {
		log.Error("what is queued could not be delivered", "cause", err.Error())
		return false
	}
	if run.Delivered+run.Failed > 0 {
		log.Info("delivered what was queued", "delivered", run.Delivered, "failed", run.Failed, "pending", run.Pending)
	}
	return run.Delivered > 0 && run.Pending > 0
}
