package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const updateSQL = `
	select saved.* from chat.update_v2(
		p_call_id => @call_id::uuid, p_client_id => @client_id::text, p_by_id => @by_id::text, p_by_name => @by_name::text, p_status => @status::text,
		p_assign => @assign::boolean, p_assignee_id => @assignee_id::text, p_client_name => @client_name::text,
		p_live => @live::boolean, p_socket_id => @socket_id::text, p_lease => @lease::interval, p_lifetime => @lifetime::interval
	) saved`

// UpdateConversation implements [chat.Store] with the function update_v2.
func (s *Store) UpdateConversation(ctx context.Context, p chat.UpdateParams) (chat.Saved, error) {
	saved, _, err := s.save(ctx, updateSQL, pgx.StrictNamedArgs{
		"client_id":   p.ClientID,
		"by_id":       p.By.ID,
		"by_name":     optional(p.By.Name),
		"status":      (*string)(p.Status),
		"assign":      p.Assign,
		"assignee_id": p.AssigneeID,
		"client_name": p.ClientName,
		"live":        p.Live,
		"socket_id":   p.ExceptSocket,
	})
	return saved, err
}
