package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const readSQL = `
	select r.outcome, r.events, ` + conversationColumns + `
	from chat.read_v1(
		p_client_id => @client_id::text, p_role => @role::text,
		p_reader_id => @reader_id::text, p_reader_name => @reader_name::text,
		p_up_to_seq => @up_to_seq::bigint,
		p_live => @live::boolean, p_socket_id => @socket_id::text, p_lease => @lease::interval
	) r
	cross join lateral (select (r.conversation).*) c`

type readRow struct {
	outcome      string
	events       []string
	conversation conversationRow
}

// MarkRead implements [chat.Store] with the function read_v1.
func (s *Store) MarkRead(ctx context.Context, p chat.ReadParams) (chat.Marked, error) {
	read, err := queryOne(ctx, s, readSQL, pgx.StrictNamedArgs{
		"client_id":   p.ClientID,
		"role":        string(p.Reader.Role),
		"reader_id":   p.Reader.ID,
		"reader_name": optional(p.Reader.Name),
		"up_to_seq":   p.UpToSeq,
		"live":        p.Live,
		"socket_id":   p.ExceptSocket,
		"lease":       chat.Lease.String(),
	}, func(row pgx.CollectableRow) (r readRow, err error) {
		err = row.Scan(slices.Concat([]any{&r.outcome, &r.events}, r.conversation.targets())...)
		return r, err
	})
	if err != nil {
		return chat.Marked{}, err
	}
	if read.outcome == "absent" {
		return chat.Marked{}, chat.ErrNoConversation
	}
	about := occurrence{
		conversationRow: read.conversation,
		reader:          chat.Sender{ID: p.Reader.ID, Role: p.Reader.Role, Name: optional(p.Reader.Name)},
		except:          p.ExceptSocket,
	}
	events, err := about.events(read.events)
	if err != nil {
		return chat.Marked{}, err
	}
	upTo, at := read.conversation.mark(p.Reader.Role)
	return chat.Marked{Conversation: *read.conversation.conversation(), UpToSeq: upTo, ReadAt: at, Events: events}, nil
}
