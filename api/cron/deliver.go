package cron

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/web"
)

// Deliver serves GET /api/cron/deliver: it delivers what is queued, for whoever sends the cron's secret.
func Deliver(w http.ResponseWriter, r *http.Request) {
	app.ServeCron(w, r, func(ctx context.Context, a *app.App) (web.Answer, error) {
		if err := web.ParseQuery(r).Err(); err != nil {
			return web.Answer{}, err
		}
		run, err := a.Chat.DeliverQueued(ctx)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, run), nil
	})
}
