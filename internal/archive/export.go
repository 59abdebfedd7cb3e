package archive

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const (
	exportConversationSQL = `
	select clock_timestamp(), c.client_id, c.client_name, coalesce(c.client_name_set, false), c.client_email, c.status, c.assignee_id, c.last_seen_at,
		coalesce(c.last_seq, 0), coalesce(c.client_read_seq, 0), c.client_read_at, coalesce(c.developer_read_seq, 0), c.developer_read_at,
		coalesce(c.version, 0), c.created_at, c.updated_at,
		coalesce(c.online, p.online), coalesce(c.online_at, p.online_at)
	from (select $1::text collate "C" as client_id) wanted
	left join chat.conversation c using (client_id)
	left join chat.presence p using (client_id)`

	exportMessagesSQL = `
	select m.id::text, m.seq, m.version, m.sender_id, m.sender_role, m.sender_name, m.body, m.body_digest, (
		select jsonb_agg(file.value || jsonb_build_object('objectKey', a.object_key) order by file.place)
		from jsonb_array_elements(m.attachments) with ordinality as file (value, place)
		join chat.attachment a on a.client_id = m.client_id and a.id = (file.value ->> 'id')::uuid
	), m.client_message_id, m.created_at, m.edited_at, m.deleted_at
	from chat.message m where m.client_id = $1::text order by m.seq`
)

// Export writes everything that the database holds about a client, as one JSON document of the state at one moment. It
// reads and writes message by message, however many there are. An export that failed half-way is no whole document.
// Errors: ErrNothing, before anything is written; those of the database and of the writer.
func Export(ctx context.Context, url, clientID string, to io.Writer) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	out := bufio.NewWriterSize(to, 1<<16)
	// All statements of such a transaction see the moment of the first one.
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	if err := transact(ctx, conn, snapshot, func(tx pgx.Tx) error {
		head, err := readHeading(ctx, tx, clientID)
		if err != nil {
			return err
		}
		return write(ctx, tx, head, out)
	}); err != nil {
		return err
	}
	return out.Flush()
}

func readHeading(ctx context.Context, tx pgx.Tx, clientID string) (heading, error) {
	head := heading{Format: formatName, FormatVersion: formatVersion, ClientID: clientID}
	var c conversation
	var id, status *string
	var online *bool
	var onlineAt *time.Time
	if err := tx.QueryRow(ctx, exportConversationSQL, clientID).Scan(
		&head.ExportedAt, &id, &c.ClientName, &c.ClientNameSet, &c.ClientEmail, &status, &c.AssigneeID, &c.LastSeenAt,
		&c.LastSeq, &c.Read.Client.UpToSeq, &c.Read.Client.ReadAt, &c.Read.Developer.UpToSeq, &c.Read.Developer.ReadAt,
		&c.Version, &c.CreatedAt, &c.UpdatedAt, &online, &onlineAt,
	); err != nil {
		return heading{}, err
	}
	utc(&head.ExportedAt, c.LastSeenAt, c.Read.Client.ReadAt, c.Read.Developer.ReadAt, c.CreatedAt, c.UpdatedAt, onlineAt)
	if online != nil && onlineAt != nil {
		head.Presence = &presence{*online, *onlineAt}
	}
	if id != nil {
		c.Status = *status
		head.Conversation = &c
	}
	if head.Conversation == nil && head.Presence == nil {
		return heading{}, ErrNothing
	}
	return head, nil
}

// write writes the heading, and each message on a line of its own.
func write(ctx context.Context, tx pgx.Tx, head heading, out *bufio.Writer) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	out.Write(text[:len(text)-1]) // a bufio.Writer keeps its first error until it is flushed
	out.WriteString(`,"messages":[`)
	rows, err := tx.Query(ctx, exportMessagesSQL, head.ClientID)
	if err != nil {
		return err
	}
	defer rows.Close()
	written := int64(0)
	for rows.Next() {
		var m message
		var digest, attachments []byte
		if err := rows.Scan(&m.ID, &m.Seq, &m.Version, &m.Sender.ID, &m.Sender.Role, &m.Sender.Name, &m.Body, &digest,
			&attachments, &m.ClientMessageID, &m.CreatedAt, &m.EditedAt, &m.DeletedAt); err != nil {
			return err
		}
		utc(m.CreatedAt, m.EditedAt, m.DeletedAt)
		if len(digest) > 0 {
			text := hex.EncodeToString(digest)
			m.BodyDigest = &text
		}
		if attachments != nil {
			if err := json.Unmarshal(attachments, &m.Attachments); err != nil {
				return err
			}
		}
		if written++; written > 1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		if text, err = json.Marshal(m); err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if head.Conversation != nil && written != head.Conversation.LastSeq {
		return chat.Defect(errors.New("archive: a conversation has not the messages that it counts"))
	}
	_, err = out.WriteString("\n]}\n")
	return err
}

// utc has times be written with a Z.
func utc(times ...*time.Time) {
	for _, t := range times {
		if t != nil {
			*t = t.UTC()
		}
	}
}
