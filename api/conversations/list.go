package conversations

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ListConversations serves GET /api/conversations/list: one page of the developers' inbox.
func ListConversations(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodGet, func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		if err := me.RequireDeveloper(); err != nil {
			return web.Answer{}, err
		}
		query, err := inboxQuery(web.ParseQuery(r, "status", "unread", "assigneeId", "cursor", "limit"))
		if err != nil {
			return web.Answer{}, err
		}
		page, err := a.Chat.Inbox(ctx, me, query)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, page), nil
	})
}

func inboxQuery(q *web.Query) (chat.InboxQuery, error) {
	query := chat.InboxQuery{Unread: q.OneOf("unread", "false", "true") == "true", Limit: q.Limit(30)}
	if status := chat.Status(q.OneOf("status", "open", "closed", "all")); status != "all" {
		query.Status = &status
	}
	if assignee := q.Text("assigneeId"); assignee != nil && *assignee == "none" {
		query.Unassigned = true
	} else if query.AssigneeID = assignee; assignee != nil && !chat.ValidID(*assignee) {
		q.Fault("assigneeId", "must be none or the id of a developer")
	}
	if text := q.Text("cursor"); text != nil {
		cursor, ok := chat.ParseInboxCursor(*text)
		if !ok {
			q.Fault("cursor", "must be the nextCursor of an earlier page")
		}
		query.After = &cursor
	}
	return query, q.Err()
}
