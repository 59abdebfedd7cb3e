package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const updateSQL = `
	select u.outcome, u.events, ` + conversationColumns + `
	from chat.update_v1(
		p_client_id => @client_id::text, p_status => @status::text,
		p_assign => @assign::boolean, p_assignee_id => @assignee_id::text, p_client_name => @client_name::text,
		p_live => @live::boolean, p_socket_id => @socket_id::text, p_lease => @lease::interval
	) u
	cross join lateral (select (u.conversation).*) c`

type updateRow struct {
	outcome      string
	events       []string
	conversation conversationRow
}

// UpdateConversation implements [chat.Store] with the function update_v1.
func (s *Store) UpdateConversation(ctx context.Context, p chat.UpdateParams) (chat.Saved, error) {
	updated, err := queryOne(ctx, s, updateSQL, pgx.StrictNamedArgs{
		"client_id":   p.ClientID,
		"status":      (*string)(p.Status),
		"assign":      p.Assign,
		"assignee_id": p.AssigneeID,
		"client_name": p.ClientName,
		"live":        p.Live,
		"socket_id":   p.ExceptSocket,
		"lease":       chat.Lease.String(),
	}, func(row pgx.CollectableRow) (r updateRow, err error) {
		err = row.Scan(slices.Concat([]any{&r.outcome, &r.events}, r.conversation.targets())...)
		return r, err
	})
	if err != nil {
		return chat.Saved{}, err
	}
	if updated.outcome == "absent" {
		return chat.Saved{}, chat.ErrNoConversation
	}
	about := occurrence{conversationRow: updated.conversation, except: p.ExceptSocket}
	events, err := about.events(updated.events)
	if err != nil {
		return chat.Saved{}, err
	}
	return chat.Saved{Conversation: *updated.conversation.conversation(), Events: events}, nil
}
