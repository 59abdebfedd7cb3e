package pusher

import (
	"context"
	"net/http"
	"time"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ReceiveWebhook serves POST /api/pusher/webhook: Pusher reports who came and who left. The request is authenticated by its signature.
func ReceiveWebhook(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{http.MethodPost: app.Anybody(func(ctx context.Context, a *app.App, _ chat.Identity) (web.Answer, error) {
		body, err := web.ReadBody(r)
		if err != nil {
			return web.Answer{}, err
		}
		news, err := a.Realtime.Webhook(r.Header.Get("X-Pusher-Key"), r.Header.Get("X-Pusher-Signature"), body, time.Now())
		if err != nil {
			return web.Answer{}, err
		}
		if err := web.RequireJSON(r); err != nil {
			return web.Answer{}, err
		}
		if err := a.Chat.RecordPresence(ctx, news); err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, struct{}{}), nil
	})})
}
