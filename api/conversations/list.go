package conversations

import (
	"context"
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// ListConversations serves GET /api/conversations/list: one page of the developers' inbox, or of what has changed in it.
func ListConversations(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{http.MethodGet: app.Developers(func(ctx context.Context, a *app.App, me chat.Identity) (web.Answer, error) {
		query, err := inboxQuery(web.ParseQuery(r, "status", "unread", "assigneeId", "q", "since", "cursor", "limit"))
		if err != nil {
			return web.Answer{}, err
		}
		page, err := a.Chat.Inbox(ctx, me, query)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, page), nil
	})})
}

func inboxQuery(q *web.Query) (chat.InboxQuery, error) {
	for _, filter := range []string{"status", "unread", "assigneeId", "q"} {
		q.AtMostOne("since", filter)
	}
	query := chat.InboxQuery{
		Unread: q.OneOf("unread", "false", "true") == "true",
		Search: q.Text("q"),
		Since:  q.Text("since"),
		Cursor: q.Text("cursor"),
		Limit:  q.Limit(30),
	}
	if status := chat.Status(q.OneOf("status", "open", "closed", "all")); status != "all" {
		query.Status = &status
	}
	if assignee := q.Text("assigneeId"); assignee != nil && *assignee == chat.Unassigned {
		query.Unassigned = true
	} else if query.AssigneeID = assignee; assignee != nil && !chat.ValidID(*assignee) {
		q.Fault("assigneeId", "must be none or the id of a developer")
	}
	return query, q.Err()
}
