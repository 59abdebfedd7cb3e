package chat

// EventName is the name under which a change is announced.
type EventName string

// The four events: a closed list. What each carries is said at [Event].
const (
	NewMessage          EventName = "new-message"
	MessageUpdated      EventName = "message-updated"
	MessagesRead        EventName = "messages-read"
	ConversationUpdated EventName = "conversation-updated"
)

// Place is where something is announced: a conversation, or the developers' inbox.
type Place struct {
	ClientID string // the conversation's client; empty for the inbox
	Inbox    bool
}

// Event is one announcement of one committed change. It carries exactly one of its three payloads:
// new-message and message-updated the Message, messages-read the Read, conversation-updated the Conversation.
// A payload shows the state at the moment of delivery, which may be newer than the change.
type Event struct {
	EventKey
	Message      *Message
	Read         *ReadEvent
	Conversation *Conversation
	ExceptSocket string // the Pusher connection that must not get it: the one that caused it
}

// EventKey identifies an event: the change that caused it (a conversation and the version after the change), its name and
// its place. Delivery is at least once, by this key.
type EventKey struct {
	ClientID string
	Version  int64
	Name     EventName
	ToInbox  bool // to the inbox; else to the conversation's own channel
}

// Place is where the event goes.
func (k EventKey) Place() Place {
	if k.ToInbox {
		return Place{Inbox: true}
	}
	return Place{ClientID: k.ClientID}
}

// Payload is the event's data, ready to be encoded.
func (e Event) Payload() any {
	switch {
	case e.Message != nil:
		return e.Message
	case e.Read != nil:
		return e.Read
	default:
		return e.Conversation
	}
}

// ReadEvent is the payload of messages-read. A receiver takes the maximum of UpToSeq per side and never
// drops one by its version.
type ReadEvent struct {
	ClientID string `json:"clientId"`
	Side     Role   `json:"side"`
	UpToSeq  int64  `json:"upToSeq"`
	ReadAt   *Time  `json:"readAt"`
	Reader   Sender `json:"reader"`
	Version  int64  `json:"version"`
}

// Realtime says what became of a call's events.
type Realtime string

// The outcomes. In all three cases the change itself is saved.
const (
	Delivered Realtime = "delivered" // Pusher has accepted all of them
	Queued    Realtime = "queued"    // at least one is in the outbox and will be delivered, or Pusher refused it for good
	Disabled  Realtime = "disabled"  // Pusher is not configured; there are no events
)
