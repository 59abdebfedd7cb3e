package chat

import (
	"context"
	"time"
)

// Lease is how long an event belongs to the request that committed it, or to the one that claimed it last: it is leased
// to that request. During this time nobody else delivers the event. It is longer than any request may take.
const Lease = 10 * time.Second

// EventLifetime is how long an event waits to be delivered before it is dropped. Readers that missed it
// catch up over HTTP.
const EventLifetime = 24 * time.Hour

// Store is the database. Each method is one atomic step and one round trip.
//
// A method that changes something returns the state that it committed, or found committed, and the events
// that the caller must announce. If the answer of the database is lost, the method retries by itself: that
// commits nothing twice, and loses no event.
//
// Every method fails with [Unavailable] if the database does not answer or is not migrated, and with
// [Internal] if its answer is impossible.
type Store interface {
	FileStore

	// Send commits a message, its conversation's new state and its events together.
	// A key that was sent before commits nothing and returns the stored message, with those of its events
	// that are due, now leased to this call (see [Lease]).
	// Errors: NotFound without a conversation if p.Create is false; Conflict if the key was used
	// with another body or other files, or if a file already belongs to a message; NotFound for a file that was not begun
	// in this conversation within [AttachmentLifetime]; Unprocessable for a file whose size is not the announced one;
	// RateLimited, with RetryAfter, if a client's bucket is empty.
	Send(ctx context.Context, p SendParams) (Saved, error)

	// MarkRead moves one side's read mark forward, to the conversation's last message at most.
	// A mark that would not move commits nothing but the client's LastSeenAt.
	// Errors: NotFound without a conversation.
	MarkRead(ctx context.Context, p ReadParams) (Saved, error)

	// ChangeMessage replaces a message's body or, if p.Body is nil, deletes its text and its files.
	// If nothing would change, nothing is committed.
	// Errors: NotFound without the conversation or the message; Forbidden if p.By may not change it;
	// Unprocessable if it would have neither text nor files;
	// Conflict if a deleted message would be edited, or one of another version than p.IfVersion; RateLimited, with
	// RetryAfter, if a client's bucket is empty.
	ChangeMessage(ctx context.Context, p ChangeParams) (Saved, error)

	// UpdateConversation changes a conversation's status, assignee or client name. If nothing would change, nothing is committed.
	// Errors: NotFound without a conversation.
	UpdateConversation(ctx context.Context, p UpdateParams) (Saved, error)

	// RecordPresence stores news that is later than what is known, for clients with and without a conversation.
	// Only the events of the returned Saved count: they may belong to several conversations.
	RecordPresence(ctx context.Context, p PresenceParams) (Saved, error)

	// AdmitGuest counts a guest from an IP address, exactly, over all instances.
	// Errors: RateLimited, with RetryAfter, if [GuestsPerMinute] began within [GuestWindow].
	AdmitGuest(ctx context.Context, addressDigest []byte) error

	// ListMessages returns one page of a conversation, with a nil Conversation if there is none.
	ListMessages(ctx context.Context, q MessageQuery) (MessagePage, error)

	// ListConversations returns one page of the inbox, or of what has changed in it since the token of an
	// earlier page. Changes are never left out; some may be repeated.
	// Errors: Invalid if q.Since or q.Cursor did not come from this Store.
	ListConversations(ctx context.Context, q InboxQuery) (InboxPage, error)

	// Acknowledge deletes the delivered events and parks the refused ones: they are not tried again. A rejected event is
	// parked after eight rejections over at least ten minutes, each while others were delivered. due says whether events
	// of earlier calls are left for Claim, to deliver or to merge.
	Acknowledge(ctx context.Context, d Delivery) (due bool, err error)

	// Claim leases up to limit due events to this call: the longest due of each conversation first, and of events that
	// would show the same state only the latest.
	Claim(ctx context.Context, limit int) ([]Event, error)

	// DropExpired deletes events that have waited for longer than EventLifetime.
	DropExpired(ctx context.Context) error

	// Queue counts the pending and the parked events, each up to limit, and returns the age of the oldest pending one
	// and whether the database accepts writes.
	Queue(ctx context.Context, limit int) (q Queue, writable bool, err error)
}

// Publisher sends events to the browsers.
type Publisher interface {
	// Enabled is false if Pusher is not configured. Then nothing is queued.
	Enabled() bool

	// Publish sends the first [MaxBatch] of the events in one request. It always returns, by the context's deadline at
	// the latest, and says what became of each.
	Publish(ctx context.Context, events []Event) Delivery
}

// Channels names the channel of each place.
type Channels interface {
	// Name is the channel of a place.
	Name(place Place) string

	// Fits returns whether a client's conversation can have a channel: Pusher limits the length of names.
	Fits(clientID string) bool

	// KeepPresence returns whether it is known which clients are online.
	KeepPresence() bool
}

// MaxBatch is how many events one request to Pusher may carry.
const MaxBatch = 10

// MaxPage is how many messages or conversations one page may hold.
const MaxPage = 100

// Delivery is what became of some events. Events that it does not name are still pending.
type Delivery struct {
	Delivered []EventKey // accepted by Pusher
	Refused   []EventKey // refused for what they are: a retry would change nothing
	Rejected  []EventKey // refused when sent alone, perhaps by something other than Pusher: retried for a while

	// OthersTaken says whether Pusher accepted any other event in the same call. Only then does a rejection count
	// against an event.
	OthersTaken bool
}

// settled counts the events that must be acknowledged.
func (d Delivery) settled() int { return len(d.Delivered) + len(d.Refused) + len(d.Rejected) }

// SendParams is a message for [Store.Send]. Everything in it has been checked.
type SendParams struct {
	ClientID        string
	Sender          Identity
	Body            string
	Preview         string   // of the body
	AttachmentIDs   []string // of the message's files, in this order; normalized, and without duplicates
	Sizes           []*int64 // of each file in the object store; nil if it is not there, or if the store was not asked
	ClientMessageID *string
	Create          bool      // begin the conversation if there is none
	Live            bool      // queue events
	ExceptSocket    string    // stored with the events; empty for none
	Limit           RateLimit // applies to clients
}

// RateLimit is a token bucket. Its zero value limits nothing.
type RateLimit struct {
	Capacity  float64
	PerSecond float64
}

// ChangeParams is a change of a message for [Store.ChangeMessage]. Everything in it has been checked.
type ChangeParams struct {
	ClientID  string
	MessageID string
	By        Identity
	Body      *string   // nil deletes
	Preview   string    // of the body
	IfVersion *int64    // the version that the message must still have; nil for any
	Live      bool      // queue events
	Limit     RateLimit // applies to edits of clients
}

// UpdateParams is a change of a conversation for [Store.UpdateConversation]. What is nil stays as it is.
type UpdateParams struct {
	ClientID     string
	By           Identity
	Status       *Status
	Assign       bool    // whether the assignee changes
	AssigneeID   *string // to whom; nil for nobody
	ClientName   *string
	Live         bool
	ExceptSocket string
}

// PresenceParams is news of who is online for [Store.RecordPresence].
type PresenceParams struct {
	News []Presence // sorted by client, each client once
	Live bool
}

// Saved is what a call committed, or what an earlier one had committed.
type Saved struct {
	Message      Message // only of a call that is about a message
	Conversation Conversation
	ReadAt       *Time // only of a read mark: when the reader's side last moved; nil if nothing was ever read
	Replayed     bool
	Queued       bool    // an event of the change is pending that another call announces
	Events       []Event // still to be announced, leased to this call
}

// ReadParams is a read mark for [Store.MarkRead].
type ReadParams struct {
	ClientID     string
	Reader       Identity // its role is the side whose mark moves
	UpToSeq      int64
	Live         bool
	ExceptSocket string
}

// MessageQuery asks for one page of a conversation's messages. At most one bound is set;
// without one it asks for the newest page.
type MessageQuery struct {
	ClientID     string
	Before       *int64 // seq below this
	After        *int64 // seq above this
	ChangedSince *int64 // new, edited or deleted since this version
	Limit        int
}

// MessagePage is one page of messages: ascending by seq, or by version if the query asked for changes.
type MessagePage struct {
	Messages     []Message     `json:"messages"`
	HasMore      bool          `json:"hasMore"` // there are more, in the direction asked for
	Conversation *Conversation `json:"conversation"`
}

// Queue is the state of the outbox.
type Queue struct {
	Pending       int `json:"pending"`
	Parked        int `json:"parked"`        // refused by Pusher for good, and kept until they expire
	OldestSeconds int `json:"oldestSeconds"` // of those that are pending; 0 if there are none
}
