package app

import (
	"context"

	"devinbox/pkg/chat"
)

// Deliver delivers queued events, then sends webhooks in the time that is left. The result counts both. Then it deletes
// the files that are due for deletion.
// Errors: those of the Store.
func (a *App) Deliver(ctx context.Context) (chat.Deliveries, error) {
	run, err := a.Chat.DeliverQueued(ctx)
	if err != nil {
		return run, err
	}
	webhooks, err := a.Webhooks.Deliver(ctx)
	run = run.Plus(webhooks)
	if err != nil {
		return run, err
	}
	_, err = a.Chat.DeleteFiles(ctx)
	return run, err
}
