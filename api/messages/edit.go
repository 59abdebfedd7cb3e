package messages

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ChangeMessage serves PATCH and DELETE /api/messages/edit: another body for a message, or none.
func ChangeMessage(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{
		http.MethodPatch: app.Known(func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
			edit, err := web.Decode[chat.Edit](r)
			if err != nil {
				return web.Answer{}, err
			}
			changed, err := a.Chat.EditMessage(ctx, me, edit)
			if err != nil {
				return web.Answer{}, err
			}
			return web.JSON(http.StatusOK, changed), nil
		}),
		http.MethodDelete: app.Known(func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
			deletion, err := web.Decode[chat.Deletion](r)
			if err != nil {
				return web.Answer{}, err
			}
			changed, err := a.Chat.DeleteMessage(ctx, me, deletion)
			if err != nil {
				return web.Answer{}, err
			}
			return web.JSON(http.StatusOK, changed), nil
		}),
	})
}
