package postgres

import (
	"context"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

// The three ways of asking for messages, each with its conversation in the same row: also a conversation of
// which no message is asked for is found, and what is shown is one state.
const (
	messagesHead = `
	select ` + conversationColumns + `, ` + messageColumns + `
	from chat.conversation c
	left join lateral (
		select m.seq, m.id, m.version, m.sender_role, m.sender_id, m.sender_name,
			m.client_message_id, m.body, m.attachments, m.created_at, m.edited_at, m.deleted_at
		from chat.message m
		where m.client_id = c.client_id`
	messagesTail = `
		limit @limit::int
	) m on true
	where c.client_id = @client_id::text
	order by `

	messagesBeforeSQL  = messagesHead + ` and m.seq < @bound::bigint order by m.seq desc` + messagesTail + `m.seq desc`
	messagesAfterSQL   = messagesHead + ` and m.seq > @bound::bigint order by m.seq` + messagesTail + `m.seq`
	messagesChangedSQL = messagesHead + ` and m.version > @bound::bigint order by m.version` + messagesTail + `m.version`
)

type messagesRow struct {
	conversation conversationRow
	message      messageRow
}

// ListMessages implements [chat.Store].
func (s *Store) ListMessages(ctx context.Context, q chat.MessageQuery) (chat.MessagePage, error) {
	sql, bound := messagesBeforeSQL, int64(math.MaxInt64)
	switch {
	case q.Before != nil:
		bound = *q.Before
	case q.After != nil:
		sql, bound = messagesAfterSQL, *q.After
	case q.ChangedSince != nil:
		sql, bound = messagesChangedSQL, *q.ChangedSince
	}
	rows, err := query(ctx, s, sql, arguments{
		"client_id": q.ClientID,
		"bound":     bound,
		"limit":     q.Limit + 1, // one more tells whether there are more
	}, func(row pgx.CollectableRow) (r messagesRow, err error) {
		err = row.Scan(slices.Concat(r.conversation.targets(), r.message.targets())...)
		return r, err
	})
	if err != nil {
		return chat.MessagePage{}, err
	}
	page := chat.MessagePage{Messages: []chat.Message{}}
	for _, r := range rows {
		page.Conversation = r.conversation.conversation()
		if message := r.message.message(q.ClientID); message != nil {
			page.Messages = append(page.Messages, *message)
		}
	}
	if len(page.Messages) > q.Limit {
		page.Messages, page.HasMore = page.Messages[:q.Limit], true
	}
	if q.After == nil && q.ChangedSince == nil {
		slices.Reverse(page.Messages)
	}
	return page, nil
}
