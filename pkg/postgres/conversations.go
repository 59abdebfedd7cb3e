package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

// Every page begins with the totals and the moment that it shows: what transactions were finished then. The
// totals are counted in the order of an index: where most rows do not count, a scan of the table could read
// all of them to find 1,000.
const inboxHead = `
	select head.open, head.unread, head.team_ids, head.team_names, head.server, head.xid, ` + conversationColumns + `
	from (
		select
			(select count(*) from (
				select from chat.conversation where status = 'open'
				order by last_message_at desc limit 1000
			) o) as open,
			(select count(*) from (
				select from chat.conversation where unread_developer > 0
				order by status, last_message_at desc limit 1000
			) u) as unread,
			team.ids as team_ids,
			team.names as team_names,
			chat.server() as server,
			pg_snapshot_xmin(pg_current_snapshot())::text as xid
		from (
			select coalesce(array_agg(id order by name, id), '{}') as ids, coalesce(array_agg(name order by name, id), '{}') as names
			from (
				select id, name from chat.developer where active_on >= (clock_timestamp() at time zone 'UTC')::date - 90
				order by active_on desc, id limit 100
			) active
		) team
	) head
	left join (`

// Each status is read by itself, for within one every filter has an index in the inbox's order; then the at
// most two pages are merged. A filter that is not asked for is a constant by the time that Postgres plans,
// since exec mode plans every statement with its arguments, and falls away.
const (
	pageHead = `
			select c.*
			from unnest(@statuses::text[]) s (status)
			cross join lateral (
				select ` + conversationColumns + `
				from chat.conversation c
				where c.status = s.status`
	pageFilters = `
				and (not @unread::boolean or c.unread_developer > 0)
				and (@assignee_id::text is null or c.assignee_id = @assignee_id::text)
				and (not @unassigned::boolean or c.assignee_id is null)
				and (@after_at::timestamptz is null or (c.last_message_at, c.client_id) < (@after_at::timestamptz, @after_id::text collate "C"))`
	pageTail = `
				order by c.last_message_at desc, c.client_id desc
				limit @limit::int
			) c`
	inboxTail = `
	) c on true
	order by c.last_message_at desc, c.client_id desc
	limit @limit::int`

	conversationsSQL = inboxHead + pageHead + pageFilters + pageTail + inboxTail
)

// A search reads what the index finds, where that is 5,000 conversations at most. What more of them hold is
// common, so that the inbox in its own order soon gives a page of it. Which of the two is decided by counting:
// Postgres would guess from the parts of the text, and take common parts together for something rare.
const searchSQL = `
	with wanted as materialized (
		select folded, chat.trigrams(folded) as trigrams from chat.fold(@search::text) folded
	), found as materialized (
		select f.client_id
		from wanted w
		join chat.search f on chat.trigrams(f.folded) collate "C" @> w.trigrams and position(w.folded in f.folded) > 0
		limit 5001
	), found_all as materialized (
		select count(*) <= 5000 as yes from found
	)` + inboxHead + `
		(
				select ` + conversationColumns + `
				from found
				join chat.conversation c using (client_id)
				where (select yes from found_all) and c.status = any (@statuses::text[])` + pageFilters + `
				order by c.last_message_at desc, c.client_id desc
				limit @limit::int
		) union all (` + pageHead + pageFilters + `
				and not (select yes from found_all)
				and (select position((select folded from wanted) in f.folded) > 0 from chat.search f where f.client_id = c.client_id)` + pageTail + `
		)` + inboxTail

// What has changed since a moment of this server is what was changed here by a transaction that was not
// finished then. Of a moment of another server, from before a dump and restore, or one that this server has
// not come to, as after a recovery to an earlier point, nothing can be told: then everything may have changed.
const changesSQL = inboxHead + `
		select ` + conversationColumns + `
		from (
			(
				select ` + conversationColumns + `
				from chat.conversation c
				where chat.server() = @server::bigint and pg_snapshot_xmax(pg_current_snapshot()) >= @xid::text::xid8
					and c.changed_on = @server::bigint and c.changed_xid >= @xid::text::xid8
					and c.client_id > @after_id::text collate "C"
				order by c.client_id
				limit @limit::int
			) union all (
				select ` + conversationColumns + `
				from chat.conversation c
				where not (chat.server() = @server::bigint and pg_snapshot_xmax(pg_current_snapshot()) >= @xid::text::xid8)
					and c.client_id > @after_id::text collate "C"
				order by c.client_id
				limit @limit::int
			)
		) c
	) c on true
	order by c.client_id`

type conversationsRow struct {
	totals       chat.Totals
	teamIDs      []string
	teamNames    []*string
	server       int64
	xid          string
	conversation conversationRow
}

// ListConversations implements [chat.Store].
func (s *Store) ListConversations(ctx context.Context, q chat.InboxQuery) (chat.InboxPage, error) {
	if q.Since != nil {
		return s.listChanges(ctx, q)
	}
	sql, args := conversationsSQL, arguments{
		"statuses":    []string{string(chat.Open), string(chat.Closed)},
		"unread":      q.Unread,
		"assignee_id": q.AssigneeID,
		"unassigned":  q.Unassigned,
		"after_at":    (*time.Time)(nil),
		"after_id":    "",
	}
	if q.Status != nil {
		args["statuses"] = []string{string(*q.Status)}
	}
	if q.Cursor != nil {
		cursor, ok := parseInboxCursor(*q.Cursor)
		if !ok {
			return chat.InboxPage{}, errCursor
		}
		args["after_at"], args["after_id"] = &cursor.lastMessageAt, cursor.clientID
	}
	if q.Search != nil {
		sql, args["search"] = searchSQL, *q.Search
	}
	return s.inboxPage(ctx, sql, args, q.Limit, func(last chat.Conversation) string {
		return inboxCursor{last.LastMessage.CreatedAt.Time, last.ClientID}.text()
	})
}

func (s *Store) listChanges(ctx context.Context, q chat.InboxQuery) (chat.InboxPage, error) {
	token, ok := parseSyncToken(*q.Since)
	if !ok {
		return chat.InboxPage{}, chat.InvalidField("since", "must be the syncToken of an earlier page")
	}
	var cursor changesCursor
	if q.Cursor != nil {
		if cursor, ok = parseChangesCursor(*q.Cursor); !ok {
			return chat.InboxPage{}, errCursor
		}
	}
	return s.inboxPage(ctx, changesSQL, arguments{
		"server":   token.server,
		"xid":      strconv.FormatUint(token.xid, 10),
		"after_id": cursor.clientID,
	}, q.Limit, func(last chat.Conversation) string {
		return changesCursor{last.ClientID}.text()
	})
}

var errCursor = chat.InvalidField("cursor", "must be the nextCursor of an earlier page")

// inboxPage runs one of the statements above and makes a page of limit conversations of what it gives. next
// is the cursor behind a conversation.
func (s *Store) inboxPage(ctx context.Context, sql string, args arguments, limit int, next func(last chat.Conversation) string) (chat.InboxPage, error) {
	args["limit"] = limit + 1 // one more tells whether there are more
	rows, err := query(ctx, s, sql, args, func(row pgx.CollectableRow) (r conversationsRow, err error) {
		err = row.Scan(slices.Concat([]any{&r.totals.Open, &r.totals.Unread, &r.teamIDs, &r.teamNames, &r.server, &r.xid}, r.conversation.targets())...)
		return r, err
	})
	if err != nil {
		return chat.InboxPage{}, err
	}
	page := chat.InboxPage{Conversations: []chat.Conversation{}, Team: []chat.Member{}}
	if len(rows) > 0 { // there is one even if no conversation is found
		for i, id := range rows[0].teamIDs {
			page.Team = append(page.Team, chat.Member{ID: id, Name: rows[0].teamNames[i]})
		}
	}
	for _, r := range rows {
		xid, err := strconv.ParseUint(r.xid, 10, 64)
		if err != nil {
			return chat.InboxPage{}, chat.Defect(errors.New("postgres: a transaction has no number"))
		}
		page.Totals, page.SyncToken = r.totals, syncToken{r.server, xid}.text()
		if c := r.conversation.conversation(); c != nil {
			page.Conversations = append(page.Conversations, *c)
		}
	}
	if len(page.Conversations) > limit {
		page.Conversations = page.Conversations[:limit]
		cursor := next(page.Conversations[limit-1])
		page.NextCursor = &cursor
	}
	return page, nil
}
