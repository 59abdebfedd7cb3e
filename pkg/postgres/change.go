package postgres

import (
	"context"

	"devinbox/pkg/chat"
)

const changeSQL = `
	select chat.change_v3(
		@call_id, @client_id, @role, @by_id, @by_name,
		@message_id, @body, @preview, @if_version,
		@live, @lease, @lifetime,
		@capacity, @per_second
	)`

// ChangeMessage implements [chat.Store] with the function change_v3.
func (s *Store) ChangeMessage(ctx context.Context, p chat.ChangeParams) (chat.Saved, error) {
	saved, _, err := s.save(ctx, changeSQL, arguments{
		"client_id":  p.ClientID,
		"role":       string(p.By.Role),
		"by_id":      p.By.ID,
		"by_name":    optional(p.By.Name),
		"message_id": p.MessageID,
		"body":       p.Body,
		"preview":    optional(p.Preview),
		"if_version": p.IfVersion,
		"live":       p.Live,
		"capacity":   p.Limit.Capacity,
		"per_second": p.Limit.PerSecond,
	})
	return saved, err
}
