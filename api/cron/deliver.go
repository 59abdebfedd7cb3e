package cron

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// Deliver serves GET /api/cron/deliver: it delivers queued events, sends webhooks and deletes files, for callers with the cron's secret.
func Deliver(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{http.MethodGet: app.Cron(func(ctx context.Context, a *app.App, _ chat.Identity) (web.Answer, error) {
		if err := web.ParseQuery(r).Err(); err != nil {
			return web.Answer{}, err
		}
		run, err := a.Deliver(ctx)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, run), nil
	})})
}
