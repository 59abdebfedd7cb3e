package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const changeSQL = `
	select saved.* from chat.change_v2(
		p_call_id => @call_id::uuid, p_client_id => @client_id::text, p_role => @role::text, p_by_id => @by_id::text, p_by_name => @by_name::text,
		p_message_id => @message_id::uuid, p_body => @body::text, p_preview => @preview::text, p_if_version => @if_version::bigint,
		p_live => @live::boolean, p_lease => @lease::interval, p_lifetime => @lifetime::interval,
		p_capacity => @capacity::float8, p_per_second => @per_second::float8
	) saved`

// ChangeMessage implements [chat.Store] with the function change_v2.
func (s *Store) ChangeMessage(ctx context.Context, p chat.ChangeParams) (chat.Saved, error) {
	saved, _, err := s.save(ctx, changeSQL, pgx.StrictNamedArgs{
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
