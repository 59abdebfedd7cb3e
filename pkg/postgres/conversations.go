package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

// Each status is read by itself, for within one every filter has an index in the inbox's order; then the at
// most two pages are merged. A filter that is not asked for is a constant by the time that Postgres plans,
// since exec mode plans every statement with its arguments, and falls away. The totals are counted in the
// order of an index: where most rows do not count, a scan of the table could read all of them to find 1,000.
const conversationsSQL = `
	select totals.open, totals.unread, ` + conversationColumns + `
	from (
		select
			(select count(*) from (
				select from chat.conversation where status = 'open'
				order by last_message_at desc limit 1000
			) o) as open,
			(select count(*) from (
				select from chat.conversation where unread_developer > 0
				order by status, last_message_at desc limit 1000
			) u) as unread
	) totals
	left join (
		unnest(@statuses::text[]) s (status)
		cross join lateral (
			select ` + conversationColumns + `
			from chat.conversation c
			where c.status = s.status
				and (not @unread::boolean or c.unread_developer > 0)
				and (@assignee_id::text is null or c.assignee_id = @assignee_id::text)
				and (not @unassigned::boolean or c.assignee_id is null)
				and (@after_at::timestamptz is null or (c.last_message_at, c.client_id) < (@after_at::timestamptz, @after_id::text collate "C"))
			order by c.last_message_at desc, c.client_id desc
			limit @limit::int
		) c
	) on true
	order by c.last_message_at desc, c.client_id desc
	limit @limit::int`

type conversationsRow struct {
	totals       chat.Totals
	conversation conversationRow
}

// ListConversations implements [chat.Store].
func (s *Store) ListConversations(ctx context.Context, q chat.InboxQuery) (chat.InboxPage, error) {
	statuses := []string{string(chat.Open), string(chat.Closed)}
	if q.Status != nil {
		statuses = []string{string(*q.Status)}
	}
	var afterAt *time.Time
	var afterID string
	if q.After != nil {
		afterAt, afterID = &q.After.LastMessageAt, q.After.ClientID
	}
	rows, err := query(ctx, s, conversationsSQL, pgx.StrictNamedArgs{
		"statuses":    statuses,
		"unread":      q.Unread,
		"assignee_id": q.AssigneeID,
		"unassigned":  q.Unassigned,
		"after_at":    afterAt,
		"after_id":    afterID,
		"limit":       q.Limit + 1, // one more tells whether there are more
	}, func(row pgx.CollectableRow) (r conversationsRow, err error) {
		err = row.Scan(slices.Concat([]any{&r.totals.Open, &r.totals.Unread}, r.conversation.targets())...)
		return r, err
	})
	if err != nil {
		return chat.InboxPage{}, err
	}
	page := chat.InboxPage{Conversations: []chat.Conversation{}}
	for _, r := range rows {
		page.Totals = r.totals
		if c := r.conversation.conversation(); c != nil {
			page.Conversations = append(page.Conversations, *c)
		}
	}
	if len(page.Conversations) > q.Limit {
		page.Conversations = page.Conversations[:q.Limit]
		last := page.Conversations[q.Limit-1]
		page.NextCursor = &chat.InboxCursor{LastMessageAt: last.LastMessage.CreatedAt.Time, ClientID: last.ClientID}
	}
	return page, nil
}
