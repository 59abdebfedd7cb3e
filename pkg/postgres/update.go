package postgres

import (
	"context"

	"devinbox/pkg/chat"
)

const updateSQL = `
	select chat.update_v3(
		@call_id, @client_id, @by_id, @by_name, @status,
		@assign, @assignee_id, @client_name,
		@live, @socket_id, @lease, @lifetime
	)`

// UpdateConversation implements [chat.Store] with the function update_v3.
func (s *Store) UpdateConversation(ctx context.Context, p chat.UpdateParams) (chat.Saved, error) {
	saved, _, err := s.save(ctx, updateSQL, arguments{
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
