package chat

import (
	"context"
	"time"
)

// Lease is how long an event belongs to the request that committed it, or to the one that claimed it last.
// Within it nobody else delivers the event; it is longer than any request may take.
const Lease = 10 * time.Second

// EventLifetime is how long an event waits to be delivered before it is dropped. Readers that missed it
// catch up over HTTP.
const EventLifetime = 24 * time.Hour

// Store keeps the truth. Each method is one atomic step and one round trip.
//
// A method that changes something gives back the state that it committed, or found committed, with the events
// that the caller is to announce. If the answer of the database is lost, the method asks again by itself: that
// commits nothing twice, and loses no event.
//
// Every method fails with [Unavailable] if the database does not answer or is not migrated, and with
// [Internal] if it answers what it never should.
type Store interface {
	FileStore

	// Send commits a message, its conversation's new state and its events together.
	// A key that was sent before commits nothing and gives back what was stored, with those of its events
	// that are due, now leased to this call.
	// Errors: NotFound without a conversation where p.Create is false; Conflict where the key was used
	// with another body or other files, or one of the files belongs to a message; NotFound for a file that was not begun
	// in this conversation within [AttachmentLifetime]; Unprocessable for one whose size is not the one that was begun;
	// RateLimited, with RetryAfter, where a client's bucket is empty.
	Send(ctx context.Context, p SendParams) (Saved, error)

	// MarkRead moves one side's read mark forward, to the conversation's last message at most.
	// A mark that would not move commits nothing but the client's LastSeenAt.
	// Errors: NotFound without a conversation.
	MarkRead(ctx context.Context, p ReadParams) (Saved, error)

	// ChangeMessage gives a message another body or, without one, takes its text and its files away.
	// What is so already commits nothing.
	// Errors: NotFound without the conversation or the message; Forbidden if it is not p.By's to change;
	// Unprocessable if it would have neither text nor files;
	// Conflict if a deleted message would be edited, or one of another version than p.IfVersion; RateLimited, with
	// RetryAfter, if a client's bucket is empty.
	ChangeMessage(ctx context.Context, p ChangeParams) (Saved, error)

	// UpdateConversation changes what developers say about a conversation. What is so already commits nothing.
	// Errors: NotFound without a conversation.
	UpdateConversation(ctx context.Context, p UpdateParams) (Saved, error)

	// RecordPresence keeps the news that are later than what is known, of conversations that exist and of those
	// that will. Of the Saved that it gives only the events count: there may be several conversations.
	RecordPresence(ctx context.Context, p PresenceParams) (Saved, error)

	// AdmitGuest counts a guest from an address, exactly, for all instances together.
	// Errors: RateLimited, with RetryAfter, where [GuestsPerMinute] began within [GuestWindow].
	AdmitGuest(ctx context.Context, addressDigest []byte) error

	// ListMessages gives one page of one conversation, and a nil Conversation where there is none.
	ListMessages(ctx context.Context, q MessageQuery) (MessagePage, error)

	// ListConversations gives one page of the inbox, or of what has changed in it since a token of an
	// earlier page was given. Nothing that committed is ever left out of the latter; something may be repeated.
	// Errors: Invalid where q.Since or, with it, q.Cursor is not one that this Store gave.
	ListConversations(ctx context.Context, q InboxQuery) (InboxPage, error)

	// Acknowledge forgets the events that were delivered and parks those that were refused. A rejected one it parks
	// when that has happened eight times over at least ten minutes, each time while others were delivered. It tells
	// whether there are events of earlier calls for Claim to take, or to clear away.
	Acknowledge(ctx context.Context, d Delivery) (due bool, err error)

	// Claim leases at most so many events to this call that are due: the longest due of each conversation first, and
	// of several that would show the same only the last.
	Claim(ctx context.Context, most int) ([]Event, error)

	// DropExpired forgets events that have waited for longer than EventLifetime.
	DropExpired(ctx context.Context) error

	// Queue counts the events that wait and those that are parked, stopping at limit each, says how old the oldest
	// that waits is, and whether the database takes writes.
	Queue(ctx context.Context, limit int) (q Queue, writable bool, err error)
}

// Publisher tells the browsers.
type Publisher interface {
	// Enabled is false if Pusher is not configured. Then nothing is queued.
	Enabled() bool

	// Publish announces the events, of which the first [MaxBatch] are looked at, in one request. It always
	// returns, by the context's deadline at the latest, and sorts them by what became of each.
	Publish(ctx context.Context, events []Event) Delivery
}

// Channels says how the places where something is announced are called.
type Channels interface {
	// Name is the channel of a place.
	Name(place Place) string

	// Fits tells whether the conversation of a client can have a channel, whose name Pusher limits.
	Fits(clientID string) bool

	// KeepPresence tells whether it is known which clients are online.
	KeepPresence() bool
}

// MaxBatch is how many events one request to Pusher may carry.
const MaxBatch = 10

// MaxPage is how many messages or conversations one page may hold.
const MaxPage = 100

// Delivery is what became of some events. Those that it does not name still wait.
type Delivery struct {
	Delivered []EventKey // taken
	Refused   []EventKey // refused as such: trying again would change nothing
	Rejected  []EventKey // refused alone, perhaps by something else than Pusher: to be tried again for a while

	// OthersTaken tells whether Pusher took any event in the same call, before or with these. Only then does a
	// rejection count against an event.
	OthersTaken bool
}

// settled counts the events of which something is to be acknowledged.
func (d Delivery) settled() int { return len(d.Delivered) + len(d.Refused) + len(d.Rejected) }

// SendParams is a message as [Store.Send] commits it. Everything in it has been checked.
type SendParams struct {
	ClientID        string
	Sender          Identity
	Body            string
	Preview         string   // of the body
	AttachmentIDs   []string // the files that become the message's, in this order; in one spelling, and each once
	Sizes           []*int64 // what the object store has of each; nil for what it has not, or was not asked for
	ClientMessageID *string
	Create          bool      // begin the conversation where there is none
	Live            bool      // queue events
	ExceptSocket    string    // kept with the events; empty for none
	Limit           RateLimit // applies to clients
}

// RateLimit is a token bucket. Its zero value limits nothing.
type RateLimit struct {
	Capacity  float64
	PerSecond float64
}

// ChangeParams is a change of a message as [Store.ChangeMessage] commits it. Everything in it has been checked.
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

// UpdateParams is a change of a conversation as [Store.UpdateConversation] commits it. What is nil stays.
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

// PresenceParams is news of who is online as [Store.RecordPresence] keeps it.
type PresenceParams struct {
	News []Presence // sorted by client, each client once
	Live bool
}

// Saved is what a call committed, or had committed before.
type Saved struct {
	Message      Message // only of a call that is about a message
	Conversation Conversation
	ReadAt       *Time // only of a read mark: when the reader's side last moved; nil if nothing was ever read
	Replayed     bool
	Queued       bool    // an event of the change waits that is not this call's to announce
	Events       []Event // still to be announced, leased to this call
}

// ReadParams is a read mark as [Store.MarkRead] commits it.
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

// MessagePage is one page of messages: ascending by seq, or by version where the query asked for changes.
type MessagePage struct {
	Messages     []Message     `json:"messages"`
	HasMore      bool          `json:"hasMore"` // further ones lie beyond, in the direction asked for
	Conversation *Conversation `json:"conversation"`
}

// Queue is the state of the outbox.
type Queue struct {
	Pending       int `json:"pending"`
	Parked        int `json:"parked"`        // refused by Pusher for good: they wait for nothing but their end
	OldestSeconds int `json:"oldestSeconds"` // of those that are pending; 0 if there are none
}
