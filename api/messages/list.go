package messages

import (
	"context"
	"math"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ListMessages serves GET /api/messages/list: one page of a conversation, or what has changed in it since a version.
func ListMessages(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodGet, func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		q := web.ParseQuery(r, "clientId", "before", "after", "changedSince", "limit")
		query := chat.MessageQuery{
			Before:       q.Integer("before", 0, math.MaxInt64),
			After:        q.Integer("after", 0, math.MaxInt64),
			ChangedSince: q.Integer("changedSince", 0, math.MaxInt64),
			Limit:        q.Limit(50),
		}
		q.AtMostOne("before", "after", "changedSince")
		if err := q.Err(); err != nil {
			return web.Answer{}, err
		}
		page, err := a.Chat.Messages(ctx, me, q.Text("clientId"), query)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, page), nil
	})
}
