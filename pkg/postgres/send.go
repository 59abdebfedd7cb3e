package postgres

import (
	"context"

	"github.com/google/uuid"

	"devinbox/pkg/chat"
)

const (
	// sendHead is the call without its closing parenthesis: files add two arguments.
	sendHead = `
	select chat.send_v3(
		@call_id, @client_id,
		@role, @sender_id, @sender_name, @sender_email,
		@message_id, @client_message_id, @body, @preview,
		@create, @live, @socket_id,
		@lease, @lifetime,
		@capacity, @per_second`

	sendSQL          = sendHead + `)`
	sendWithFilesSQL = sendHead + `,
		@attachment_ids, @sizes)`
)

// notThere is the size of what is not in the object store. No file has it.
const notThere = -1

// Send implements [chat.Store] with the function send_v3.
func (s *Store) Send(ctx context.Context, p chat.SendParams) (chat.Saved, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return chat.Saved{}, chat.Defect(err)
	}
	sql, args := sendSQL, arguments{
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
	}
	if len(p.AttachmentIDs) > 0 {
		sizes := make([]int64, len(p.Sizes)) // no nulls, which a database may be set to read as texts
		for i, size := range p.Sizes {
			if sizes[i] = notThere; size != nil {
				sizes[i] = *size
			}
		}
		sql, args["attachment_ids"], args["sizes"] = sendWithFilesSQL, p.AttachmentIDs, sizes
	}
	saved, row, err := s.save(ctx, sql, args)
	// A message with this call's own id was stored by this call, also if its first try lost the answer.
	saved.Replayed = row.outcome == replayed && saved.Message.ID != id.String()
	return saved, err
}
