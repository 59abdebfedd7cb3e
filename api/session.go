package handler

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// Session serves GET /api/session: who the caller is, and all that a browser needs to know to listen.
func Session(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodGet, func(_ context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		if err := web.ParseQuery(r).Err(); err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, a.Session(me)), nil
	})
}
