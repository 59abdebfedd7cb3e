package conversations

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// UpdateConversation serves POST /api/conversations/update: developers close or reopen a conversation, assign it, name its client.
func UpdateConversation(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodPost, func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		if err := me.RequireDeveloper(); err != nil {
			return web.Answer{}, err
		}
		update, err := web.Decode[chat.Update](r)
		if err != nil {
			return web.Answer{}, err
		}
		updated, err := a.Chat.UpdateConversation(ctx, me, update)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, updated), nil
	})
}
