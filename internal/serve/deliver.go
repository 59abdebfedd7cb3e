package serve

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
)

const (
	// DeliverEvery is how often to look for queued events. An event belongs to the request that made it for 10 s, so
	// one that is left behind goes out within 20 s.
	DeliverEvery = 10 * time.Second
	// DeleteEvery is how often to look for files that are to be deleted.
	DeleteEvery = time.Minute
	// deliverBudget is how long one delivery may take, and so how long it can delay the end of the process.
	deliverBudget = 5 * time.Second
)

// Deliver delivers the live events that are queued, at once and after every interval, until ctx ends. It finishes a delivery
// that has begun. Several processes can do this at the same time: each event is leased to one of them.
func Deliver(ctx context.Context, a *app.App, log *slog.Logger, every time.Duration) {
	repeat(ctx, every, func() bool {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliverBudget)
		defer cancel()
		return deliverOnce(ctx, log, "what is queued", a.Chat.DeliverQueued)
	})
}

// SendWebhooks sends webhooks in the same way, beside Deliver: a receiver that hangs holds no live event up. It does not
// finish what has begun, for a receiver may take longer than the end of the process: that is sent again.
func SendWebhooks(ctx context.Context, a *app.App, log *slog.Logger, every time.Duration) {
	if !a.Webhooks.Enabled() {
		return
	}
	repeat(ctx, every, func() bool { return deliverOnce(ctx, log, "webhooks", a.Webhooks.Deliver) })
}

// DeleteFiles has files deleted that were not sent, or whose messages were deleted, beside the others. What it has not
// finished when the process ends is due again. Several processes can do this at the same time.
func DeleteFiles(ctx context.Context, a *app.App, log *slog.Logger, every time.Duration) {
	if !a.Files.Enabled() {
		return
	}
	repeat(ctx, every, func() bool {
		return deliverOnce(ctx, log, "deletions of files", func(ctx context.Context) (chat.Deliveries, error) {
			deleted, err := a.Chat.DeleteFiles(ctx)
			return chat.Deliveries{Delivered: deleted}, err
		})
	})
}

// repeat calls do at once, again as long as it returns true, and after every interval, until ctx ends.
func repeat(ctx context.Context, every time.Duration, do func() bool) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		for ctx.Err() == nil && do() {
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// deliverOnce tells whether to go on at once: some were taken, and more are left.
func deliverOnce(ctx context.Context, log *slog.Logger, what string, deliver func(context.Context) (chat.Deliveries, error)) bool {
	defer func() {
		if p := recover(); p != nil { // or it would end the process, with every request that has begun
			log.Error("a defect in delivering "+what, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	run, err := deliver(ctx)
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return false // the process ends
	}
	if err != nil {
		log.Error(what+" could not be delivered", "cause", err.Error())
		return false
	}
	if run.Delivered+run.Failed > 0 {
		log.Info("delivered "+what, "delivered", run.Delivered, "failed", run.Failed, "pending", run.Pending)
	}
	return run.Delivered > 0 && run.Pending > 0
}
