package messages

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// SendMessage serves POST /api/messages/send: it saves a message, then announces it. docs/architecture.md,
// "One message", follows a request through all of it.
func SendMessage(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodPost, func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		draft, err := web.Decode[chat.Draft](r)
		if err != nil {
			return web.Answer{}, err
		}
		sent, err := a.Chat.Send(ctx, me, draft)
		if err != nil {
			return web.Answer{}, err
		}
		if sent.Replayed {
			return web.JSON(http.StatusOK, sent).With("Idempotent-Replayed", "true"), nil
		}
		return web.JSON(http.StatusCreated, sent), nil
	})
}
