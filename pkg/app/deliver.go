package app

import (
	"context"
	"errors"

	"devinbox/pkg/chat"
)

// Deliver delivers queued events, then sends webhooks in the time that is left. The result counts both. Then it deletes
// the files that are due for deletion. If one of the three fails, the others run all the same.
// Errors: those of the Store.
func (a *App) Deliver(ctx context.Context) (chat.Deliveries, error) {
	events, failedEvents := a.Chat.DeliverQueued(ctx)
	webhooks, failedWebhooks := a.Webhooks.Deliver(ctx)
	_, failedFiles := a.Chat.DeleteFiles(ctx)
	return events.Plus(webhooks), errors.Join(failedEvents, failedWebhooks, failedFiles)
}
