package postgres

import (
	"context"

	"devinbox/pkg/chat"
)

const readSQL = `
	select chat.read_v3(
		@call_id, @client_id,
		@role, @reader_id, @reader_name, @up_to_seq,
		@live, @socket_id, @lease, @lifetime
	)`

// MarkRead implements [chat.Store] with the function read_v3.
func (s *Store) MarkRead(ctx context.Context, p chat.ReadParams) (chat.Saved, error) {
	saved, row, err := s.save(ctx, readSQL, arguments{
		"client_id":   p.ClientID,
		"role":        string(p.Reader.Role),
		"reader_id":   p.Reader.ID,
		"reader_name": optional(p.Reader.Name),
		"up_to_seq":   p.UpToSeq,
		"live":        p.Live,
		"socket_id":   p.ExceptSocket,
	})
	if err != nil {
		return chat.Saved{}, err
	}
	_, saved.ReadAt = row.conversation.mark(p.Reader.Role)
	return saved, nil
}
