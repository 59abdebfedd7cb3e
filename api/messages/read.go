package messages

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// MarkRead serves POST /api/messages/read: it moves the read mark of the caller's side forward.
func MarkRead(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodPost, func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		mark, err := web.Decode[chat.ReadMark](r)
		if err != nil {
			return web.Answer{}, err
		}
		read, err := a.Chat.MarkRead(ctx, me, mark)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, read), nil
	})
}
