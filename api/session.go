package handler

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ServeSession serves GET, POST and DELETE /api/session: GET returns who the caller is and what its browser needs to listen, POST starts a guest's session, DELETE ends it.
func ServeSession(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{
		http.MethodGet: app.Known(func(_ context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
			if err := web.ParseQuery(r).Err(); err != nil {
				return web.Answer{}, err
			}
			return web.JSON(http.StatusOK, a.Session(me)), nil
		}),
		http.MethodPost: app.Visitor(func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
			if me.Role == "" && !a.Guests() {
				return web.Answer{}, chat.ErrNotYours
			}
			guest, err := web.Decode[app.Guest](r)
			if err != nil {
				return web.Answer{}, err
			}
			if me.Role != "" {
				return web.JSON(http.StatusOK, a.Session(me)), nil
			}
			session, cookie, err := a.StartSession(ctx, r, guest)
			if err != nil {
				return web.Answer{}, err
			}
			return web.JSON(http.StatusCreated, session).With("Set-Cookie", cookie), nil
		}),
		http.MethodDelete: app.Anybody(func(context.Context, *app.App, chat.Identity) (web.Answer, error) {
			return web.NoContent().With("Set-Cookie", app.EndSession(r)), web.ParseQuery(r).Err()
		}),
	})
}
