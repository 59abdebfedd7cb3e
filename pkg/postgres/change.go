package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const changeSQL = `
	select r.outcome, r.events, ` + conversationColumns + `, ` + messageColumns + `
	from chat.change_v1(
		p_client_id => @client_id::text, p_role => @role::text, p_by_id => @by_id::text,
		p_message_id => @message_id::uuid, p_body => @body::text, p_preview => @preview::text,
		p_live => @live::boolean, p_lease => @lease::interval
	) r
	cross join lateral (select (r.conversation).*) c
	cross join lateral (select (r.message).*) m`

type changeRow struct {
	outcome      string
	events       []string
	conversation conversationRow
	message      messageRow
}

// ChangeMessage implements [chat.Store] with the function change_v1.
func (s *Store) ChangeMessage(ctx context.Context, p chat.ChangeParams) (chat.Saved, error) {
	changed, err := queryOne(ctx, s, changeSQL, pgx.StrictNamedArgs{
		"client_id":  p.ClientID,
		"role":       string(p.By.Role),
		"by_id":      p.By.ID,
		"message_id": p.MessageID,
		"body":       p.Body,
		"preview":    optional(p.Preview),
		"live":       p.Live,
		"lease":      chat.Lease.String(),
	}, func(row pgx.CollectableRow) (r changeRow, err error) {
		err = row.Scan(slices.Concat([]any{&r.outcome, &r.events}, r.conversation.targets(), r.message.targets())...)
		return r, err
	})
	if err != nil {
		return chat.Saved{}, err
	}
	switch changed.outcome {
	case "absent":
		return chat.Saved{}, chat.ErrNoMessage
	case "forbidden":
		return chat.Saved{}, chat.ErrNotYours
	case "deleted":
		return chat.Saved{}, chat.Fail(chat.Conflict, "This message was deleted.")
	}
	message := changed.message.message()
	about := occurrence{conversationRow: changed.conversation, message: message}
	events, err := about.events(changed.events)
	if err != nil {
		return chat.Saved{}, err
	}
	return chat.Saved{Message: *message, Conversation: *changed.conversation.conversation(), Events: events}, nil
}
