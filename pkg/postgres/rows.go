package postgres

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"devinbox/pkg/chat"
)

// A statement that reads a conversation calls it c and lists conversationColumns; one that reads a message
// calls it m and lists messageColumns. The type chat.saved_v2 has the same columns in the same order, and the
// structs below take them. Every field is a pointer, because what was left-joined may be absent.
const (
	conversationColumns = `c.client_id, c.client_name, c.client_email, c.status, c.assignee_id, c.last_seen_at,
		c.online, c.online_at,
		c.last_seq, c.last_sender_role, c.last_preview, c.last_message_at,
		c.client_read_seq, c.client_read_at, c.developer_read_seq, c.developer_read_at,
		c.unread_client, c.unread_developer, c.version, c.created_at, c.updated_at`
	messageColumns = `m.seq, m.id::text, m.version, m.sender_role, m.sender_id, m.sender_name,
		m.client_message_id, m.body, m.attachments, m.created_at, m.edited_at, m.deleted_at`
)

type conversationRow struct {
	clientID, name, email, status, assigneeID *string
	lastSeenAt                                *time.Time
	online                                    *bool
	onlineAt                                  *time.Time
	lastSeq                                   *int64
	lastRole, lastPreview                     *string
	lastAt                                    *time.Time
	clientRead                                *int64
	clientReadAt                              *time.Time
	developerRead                             *int64
	developerReadAt                           *time.Time
	unreadClient, unreadDeveloper, version    *int64
	createdAt, updatedAt                      *time.Time
}

func (r *conversationRow) targets() []any {
	return []any{
		&r.clientID, &r.name, &r.email, &r.status, &r.assigneeID, &r.lastSeenAt, &r.online, &r.onlineAt,
		&r.lastSeq, &r.lastRole, &r.lastPreview, &r.lastAt,
		&r.clientRead, &r.clientReadAt, &r.developerRead, &r.developerReadAt,
		&r.unreadClient, &r.unreadDeveloper, &r.version, &r.createdAt, &r.updatedAt,
	}
}

// conversation is the row as the domain has it, and nil if there is none.
func (r *conversationRow) conversation() *chat.Conversation {
	if r.clientID == nil {
		return nil
	}
	online := *r.online && time.Since(*r.onlineAt) < chat.PresenceLifetime
	return &chat.Conversation{
		ClientID:    *r.clientID,
		ClientName:  r.name,
		ClientEmail: r.email,
		Status:      chat.Status(*r.status),
		AssigneeID:  r.assigneeID,
		Online:      &online,
		LastSeenAt:  chat.AtPointer(r.lastSeenAt),
		LastSeq:     *r.lastSeq,
		LastMessage: chat.LastMessage{
			Seq:        *r.lastSeq,
			SenderRole: chat.Role(*r.lastRole),
			Preview:    *r.lastPreview,
			CreatedAt:  chat.At(*r.lastAt),
		},
		Read:      chat.Marks{Client: *r.clientRead, Developer: *r.developerRead},
		Unread:    chat.Marks{Client: *r.unreadClient, Developer: *r.unreadDeveloper},
		Version:   *r.version,
		CreatedAt: chat.At(*r.createdAt),
		UpdatedAt: chat.At(*r.updatedAt),
	}
}

// mark is where one side's read mark stands, and when it came there.
func (r *conversationRow) mark(side chat.Role) (seq int64, at *chat.Time) {
	if side == chat.Client {
		return *r.clientRead, chat.AtPointer(r.clientReadAt)
	}
	return *r.developerRead, chat.AtPointer(r.developerReadAt)
}

// files are those of a message, as its column attachments has them: JSON with the names of the API.
type files []chat.Attachment

// Scan implements [database/sql.Scanner], which pgx gives the text of a value.
func (f *files) Scan(value any) error {
	switch text := value.(type) {
	case nil:
		*f = nil
		return nil
	case string:
		return json.Unmarshal([]byte(text), f)
	case []byte:
		return json.Unmarshal(text, f)
	default:
		return fmt.Errorf("a %T is no list of files", value)
	}
}

type messageRow struct {
	seq                          *int64
	id                           *string
	version                      *int64
	role, senderID, senderName   *string
	clientMessageID, body        *string
	attachments                  files
	createdAt, editedAt, deleted *time.Time
}

func (r *messageRow) targets() []any {
	return []any{
		&r.seq, &r.id, &r.version, &r.role, &r.senderID, &r.senderName,
		&r.clientMessageID, &r.body, &r.attachments, &r.createdAt, &r.editedAt, &r.deleted,
	}
}

// message is the row as the domain has it, in the conversation of a client, and nil if there is none.
func (r *messageRow) message(clientID string) *chat.Message {
	if r.seq == nil {
		return nil
	}
	if r.attachments == nil {
		r.attachments = files{} // [] to a reader
	}
	return &chat.Message{
		ID:              *r.id,
		ClientID:        clientID,
		Seq:             *r.seq,
		Version:         *r.version,
		Sender:          chat.Sender{ID: *r.senderID, Role: chat.Role(*r.role), Name: r.senderName},
		Body:            *r.body,
		Attachments:     r.attachments,
		ClientMessageID: r.clientMessageID,
		CreatedAt:       chat.At(*r.createdAt),
		EditedAt:        chat.AtPointer(r.editedAt),
		DeletedAt:       chat.AtPointer(r.deleted),
	}
}

// eventRow is an event of the outbox, in chat.saved_v2.
type eventRow struct {
	version                          *int64
	name, target                     *string
	readerRole, readerID, readerName *string
	socketID                         *string
}

func (r *eventRow) targets() []any {
	return []any{&r.version, &r.name, &r.target, &r.readerRole, &r.readerID, &r.readerName, &r.socketID}
}

// The two targets of an event in the outbox.
const (
	targetConversation = "conversation"
	targetInbox        = "inbox"
)

func target(key chat.EventKey) string {
	if key.ToInbox {
		return targetInbox
	}
	return targetConversation
}

// optional is nil for an empty text, which the tables keep as null.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
