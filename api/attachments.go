package handler

import (
	"context"
	"net/http"
	"strings"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ServeAttachments serves POST and GET /api/attachments: signed URLs to upload a file and to fetch files.
func ServeAttachments(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{
		http.MethodPost: app.Known(func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
			draft, err := web.Decode[chat.AttachmentDraft](r)
			if err != nil {
				return web.Answer{}, err
			}
			begun, err := a.Chat.BeginAttachment(ctx, me, draft)
			if err != nil {
				return web.Answer{}, err
			}
			return web.JSON(http.StatusCreated, begun), nil
		}),
		http.MethodGet: app.Known(func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
			q := web.ParseQuery(r, "clientId", "ids")
			ids := q.Text("ids")
			if ids == nil {
				q.Fault("ids", "is required")
			}
			if err := q.Err(); err != nil {
				return web.Answer{}, err
			}
			links, err := a.Chat.AttachmentLinks(ctx, me, q.Text("clientId"), strings.Split(*ids, ","))
			if err != nil {
				return web.Answer{}, err
			}
			return web.JSON(http.StatusOK, links), nil
		}),
	})
}
