package handler

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// CheckHealth serves GET /api/health, for monitors: 503 if the database does not answer.
func CheckHealth(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{http.MethodGet: app.Anybody(func(ctx context.Context, a *app.App, _ chat.Identity) (web.Answer, error) {
		if err := web.ParseQuery(r).Err(); err != nil {
			return web.Answer{}, err
		}
		health, err := a.Health(ctx, r)
		if err != nil {
			return web.JSON(http.StatusServiceUnavailable, health).With("Retry-After", "2").Because(err), nil
		}
		return web.JSON(http.StatusOK, health), nil
	})})
}
