package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const sendSQL = `
	select saved.* from chat.send_v2(
		p_call_id => @call_id::uuid, p_client_id => @client_id::text,
		p_role => @role::text, p_sender_id => @sender_id::text, p_sender_name => @sender_name::text, p_sender_email => @sender_email::text,
		p_message_id => @message_id::uuid, p_client_message_id => @client_message_id::text, p_body => @body::text, p_preview => @preview::text,
		p_create => @create::boolean, p_live => @live::boolean, p_socket_id => @socket_id::text,
		p_lease => @lease::interval, p_lifetime => @lifetime::interval,
		p_capacity => @capacity::float8, p_per_second => @per_second::float8
	) saved`

// Send implements [chat.Store] with the function send_v2.
func (s *Store) Send(ctx context.Context, p chat.SendParams) (chat.Saved, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return chat.Saved{}, chat.Defect(err)
	}
	saved, row, err := s.save(ctx, sendSQL, pgx.StrictNamedArgs{
		"client_id":         p.ClientID,
		"role":              string(p.Sender.Role),
		"sender_id":         p.Sender.ID,
		"sender_name":       optional(p.Sender.Name),
		"sender_email":      optional(p.Sender.Email),
		"message_id":        id.String(),
		"client_message_id": p.ClientMessageID,
		"body":              p.Body,
		"preview":           p.Preview,
		"create":            p.Create,
		"live":              p.Live,
		"socket_id":         p.ExceptSocket,
		"capacity":          p.Limit.Capacity,
		"per_second":        p.Limit.PerSecond,
	})
	// A message with this call's own id was stored by this call, also if its first try lost the answer.
	saved.Replayed = row.outcome == replayed && saved.Message.ID != id.String()
	return saved, err
}
