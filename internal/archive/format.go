package archive

import (
	"time"

	"devinbox/pkg/chat"
)

// Every export begins with these two. Version 1 is the same without files, and is read as well.
const (
	formatName    = "devinbox-conversation"
	formatVersion = 2
)

// heading is all of an export but its messages, which follow it.
type heading struct {
	Format        string        `json:"format"`
	FormatVersion int           `json:"formatVersion"`
	ExportedAt    time.Time     `json:"exportedAt"`
	ClientID      string        `json:"clientId"`
	Presence      *presence     `json:"presence"`
	Conversation  *conversation `json:"conversation"` // nil of a client who was only seen online
}

// presence is whether the client was online, as Pusher last said, and when it said so.
type presence struct {
	Online bool      `json:"online"`
	At     time.Time `json:"at"`
}

// conversation is what is kept of a conversation beside its messages, without what follows from them.
type conversation struct {
	ClientName    *string    `json:"clientName"`
	ClientNameSet bool       `json:"clientNameSet"` // by a developer: tokens no longer overwrite it
	ClientEmail   *string    `json:"clientEmail"`
	Status        string     `json:"status"`
	AssigneeID    *string    `json:"assigneeId"`
	LastSeenAt    *time.Time `json:"lastSeenAt"`
	LastSeq       int64      `json:"lastSeq"` // as many messages follow
	Read          readMarks  `json:"read"`
	Version       int64      `json:"version"`
	CreatedAt     *time.Time `json:"createdAt"`
	UpdatedAt     *time.Time `json:"updatedAt"`
}

type readMarks struct {
	Client    readMark `json:"client"`
	Developer readMark `json:"developer"`
}

// readMark is how far one side has read, and when it came there.
type readMark struct {
	UpToSeq int64      `json:"upToSeq"`
	ReadAt  *time.Time `json:"readAt"`
}

// message is a message as it is stored.
type message struct {
	ID              string       `json:"id"`
	Seq             int64        `json:"seq"`
	Version         int64        `json:"version"`
	Sender          sender       `json:"sender"`
	Body            string       `json:"body"`
	BodyDigest      *string      `json:"bodyDigest"` // what a repeated key is compared with, hexadecimal; nil once erased
	Attachments     []attachment `json:"attachments"`
	ClientMessageID *string      `json:"clientMessageId"`
	CreatedAt       *time.Time   `json:"createdAt"`
	EditedAt        *time.Time   `json:"editedAt"`
	DeletedAt       *time.Time   `json:"deletedAt"`
}

// attachment is what is known of a file of a message. Its bytes are not in an export.
type attachment struct {
	chat.Attachment
	ObjectKey string `json:"objectKey"` // where the object store has it
}

type sender struct {
	ID   string  `json:"id"`
	Role string  `json:"role"`
	Name *string `json:"name"`
}

// line is a message of another chat, in the simple form: one such object on each line.
type line struct {
	ClientID        *string `json:"clientId"`
	SenderRole      *string `json:"senderRole"`
	SenderID        *string `json:"senderId"`
	SenderName      *string `json:"senderName"`
	SenderEmail     *string `json:"senderEmail"`
	Body            *string `json:"body"`
	CreatedAt       *string `json:"createdAt"`
	ReadAt          *string `json:"readAt"` // when the other side had read it
	ClientMessageID *string `json:"clientMessageId"`
	Status          *string `json:"status"`     // of the conversation
	AssigneeID      *string `json:"assigneeId"` // of the conversation
}
