package postgres

import (
	"time"

	"devinbox/pkg/chat"
)

// A statement that reads a conversation calls it c and lists conversationColumns; one that reads a message
// calls it m and lists messageColumns. The two structs below take them in the same order. Every field is a
// pointer, for what was left-joined may be absent.
const (
	conversationColumns = `c.client_id, c.client_name, c.client_email, c.status, c.assignee_id, c.last_seen_at,
		c.online, c.online_at,
		c.last_seq, c.last_sender_role, c.last_preview, c.last_message_at,
		c.client_read_seq, c.client_read_at, c.developer_read_seq, c.developer_read_at,
		c.unread_client, c.unread_developer, c.version, c.created_at, c.updated_at`
	messageColumns = `m.client_id, m.seq, m.id::text, m.version, m.sender_role, m.sender_id, m.sender_name,
		m.client_message_id, m.body, m.created_at, m.edited_at, m.deleted_at`
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

// conversation is the row as the domain has it, and nil where there was none.
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

type messageRow struct {
	clientID                     *string
	seq                          *int64
	id                           *string
	version                      *int64
	role, senderID, senderName   *string
	clientMessageID, body        *string
	createdAt, editedAt, deleted *time.Time
}

func (r *messageRow) targets() []any {
	return []any{
		&r.clientID, &r.seq, &r.id, &r.version, &r.role, &r.senderID, &r.senderName,
		&r.clientMessageID, &r.body, &r.createdAt, &r.editedAt, &r.deleted,
	}
}

// message is the row as the domain has it, and nil where there was none.
func (r *messageRow) message() *chat.Message {
	if r.clientID == nil {
		return nil
	}
	return &chat.Message{
		ID:              *r.id,
		ClientID:        *r.clientID,
		Seq:             *r.seq,
		Version:         *r.version,
		Sender:          chat.Sender{ID: *r.senderID, Role: chat.Role(*r.role), Name: r.senderName},
		Body:            *r.body,
		ClientMessageID: r.clientMessageID,
		CreatedAt:       chat.At(*r.createdAt),
		EditedAt:        chat.AtPointer(r.editedAt),
		DeletedAt:       chat.AtPointer(r.deleted),
	}
}

// outboxColumns are those of an outbox row that a statement calls o.
const outboxColumns = `o.version, o.event, o.target, o.reader_role, o.reader_id, o.reader_name, o.socket_id`

type outboxRow struct {
	version                          int64
	event, target                    string
	readerRole, readerID, readerName *string
	socketID                         string
}

func (r *outboxRow) targets() []any {
	return []any{&r.version, &r.event, &r.target, &r.readerRole, &r.readerID, &r.readerName, &r.socketID}
}

// occurrence is everything that an event is composed of.
type occurrence struct {
	conversationRow
	message *chat.Message
	reader  chat.Sender // of messages-read
	except  string
}

// event composes one event of the state that the rows show.
func (o *occurrence) event(version int64, name chat.EventName, target string) chat.Event {
	e := chat.Event{
		EventKey:     chat.EventKey{ClientID: *o.clientID, Version: version, Name: name, ToInbox: target == targetInbox},
		ExceptSocket: o.except,
	}
	switch name {
	case chat.NewMessage, chat.MessageUpdated:
		e.Message = o.message
	case chat.MessagesRead:
		upTo, at := o.mark(o.reader.Role)
		e.Read = &chat.ReadEvent{ClientID: *o.clientID, Side: o.reader.Role, UpToSeq: upTo, ReadAt: at, Reader: o.reader, Version: version}
	default:
		e.Conversation = o.conversation()
	}
	return e
}

// events composes those that a function of ours names as 'VERSION EVENT TARGET'.
func (o *occurrence) events(names []string) ([]chat.Event, error) {
	var events []chat.Event
	for _, name := range names {
		version, event, target, err := parseEventName(name)
		if err != nil {
			return nil, err
		}
		events = append(events, o.event(version, event, target))
	}
	return events, nil
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
