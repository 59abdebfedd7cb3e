package chat

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// WebhookType is the name of what a webhook tells.
type WebhookType string

// The four types: a closed list. What each carries is said at [Webhook.Payload].
const (
	MessageCreated     WebhookType = "message.created"
	MessageChanged     WebhookType = "message.updated" // edited or deleted
	MessageUnread      WebhookType = "message.unread"
	ConversationChange WebhookType = "conversation.updated"
)

const (
	// WebhookLifetime is how long a webhook is tried before it is given up.
	WebhookLifetime = 3 * 24 * time.Hour
	// WebhookLease is how long a webhook belongs to the call that claimed it. It is longer than a batch may take.
	WebhookLease = 30 * time.Second

	// webhookTimeout is what the receiver may take for its answer.
	webhookTimeout = 10 * time.Second
	// webhookReserve is what a run keeps of its budget to settle its last batch.
	webhookReserve = 3 * time.Second
	// webhookBatch is how many are sent at once.
	webhookBatch = 10

	// A webhook that was not taken is tried again after webhookFirstWait, then after three times as long each time, up to
	// webhookLongestWait; each wait is longer by up to a fifth, by chance.
	webhookFirstWait   = 5 * time.Second
	webhookLongestWait = 6 * time.Hour
)

// WebhookKey names one webhook. ID is the same each time that it is sent.
type WebhookKey struct {
	ClientID string
	ID       string // a UUID
}

// Webhook is one thing to be told to the team's own receiver. It shows the state at the moment at which it is sent.
type Webhook struct {
	WebhookKey
	Type         WebhookType
	QueuedAt     Time
	Attempts     int // this one included
	Message      *Message
	Conversation *Conversation
	Side         Role // of message.unread: who has not read
}

// UnreadNotice is what message.unread carries.
type UnreadNotice struct {
	Conversation *Conversation `json:"conversation"`
	Side         Role          `json:"side"`
}

// Payload is what the webhook carries, ready to be encoded: message.created and message.updated the [Message],
// conversation.updated the [Conversation], message.unread an [UnreadNotice].
func (w Webhook) Payload() any {
	switch w.Type {
	case MessageCreated, MessageChanged:
		return w.Message
	case MessageUnread:
		return UnreadNotice{w.Conversation, w.Side}
	default:
		return w.Conversation
	}
}

// At is when that happened which the webhook tells.
func (w Webhook) At() Time {
	switch {
	case w.Type == MessageCreated && w.Message != nil:
		return w.Message.CreatedAt
	case w.Type == MessageChanged && w.Message != nil && w.Message.DeletedAt != nil:
		return *w.Message.DeletedAt
	case w.Type == MessageChanged && w.Message != nil && w.Message.EditedAt != nil:
		return *w.Message.EditedAt
	case w.Type == ConversationChange:
		return w.Conversation.UpdatedAt
	default:
		return w.QueuedAt
	}
}

// Receiver is the team's own server, which takes webhooks.
type Receiver interface {
	// Enabled is false if there is none.
	Enabled() bool

	// Digest identifies its address.
	Digest() []byte

	// Send sends one webhook, and returns by the context's deadline.
	Send(ctx context.Context, w Webhook) Reception
}

// Reception is what a [Receiver] did with a webhook.
type Reception int

const (
	NotTaken Reception = iota // it failed, or did not answer; it is tried again
	Taken                     // it answered 2xx
	Gone                      // it answered 410: it wants no webhooks any more
)

// SettledWebhook is what is to become of a webhook that was sent.
type SettledWebhook struct {
	WebhookKey
	Taken    bool          // it is forgotten; else
	TryAfter time.Duration // it is due again after this
}

// WebhookStore keeps the webhooks that are to be sent. Each method is one atomic step and one round trip, and fails as
// those of [Store] do.
type WebhookStore interface {
	// QueueWebhooks queues the webhooks of some conversations that have changed since it was last called, and
	// message.unread of those that have been unread for unreadAfter; 0 queues none of these. more tells whether to call
	// it again. Nothing that was committed is passed over. One that waits already, and was not tried, is not doubled.
	QueueWebhooks(ctx context.Context, unreadAfter time.Duration) (more bool, err error)

	// ClaimWebhooks leases at most claim webhooks that are due to this call, for [WebhookLease]: none if the receiver has
	// answered [Gone] within a day, and at most one until it takes one again. It forgets those that were tried
	// for [WebhookLifetime], and gives them in givenUp, which shows no messages.
	ClaimWebhooks(ctx context.Context, receiverDigest []byte, claim int) (claimed, givenUp []Webhook, err error)

	// SettleWebhooks notes what became of webhooks that were claimed, and whether the receiver is gone.
	SettleWebhooks(ctx context.Context, receiverDigest []byte, settled []SettledWebhook, gone bool) error

	// CountWebhooks counts those that wait, due or not, stopping at limit.
	CountWebhooks(ctx context.Context, limit int) (int, error)
}

// Webhooks tells a [Receiver] what has happened. It works when it is called, and makes no other call wait.
type Webhooks struct {
	store       WebhookStore
	receiver    Receiver
	channels    Channels
	unreadAfter time.Duration
	log         *slog.Logger
}

// NewWebhooks makes Webhooks over its dependencies. unreadAfter is when message.unread is due; 0 is never.
func NewWebhooks(store WebhookStore, receiver Receiver, channels Channels, unreadAfter time.Duration, log *slog.Logger) *Webhooks {
	return &Webhooks{store, receiver, channels, unreadAfter, log}
}

// Enabled tells whether there is a receiver. If there is none, Deliver does nothing.
func (h *Webhooks) Enabled() bool { return h.receiver.Enabled() }

// Deliver queues what has happened and sends what is due, until nothing is, until the receiver takes nothing of a batch or
// is gone, or until the context's budget ends, after a minute at the latest. The outcome counts webhooks only.
// Several runs at once are harmless: each webhook is leased to one of them.
// Errors: those of the Store.
func (h *Webhooks) Deliver(ctx context.Context) (Deliveries, error) {
	var run Deliveries
	if !h.Enabled() {
		return run, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverBudget)
	defer cancel()
	for more := true; more && timeLeft(ctx) > webhookReserve; {
		var err error
		if more, err = h.store.QueueWebhooks(ctx, h.unreadAfter); err != nil {
			return run, err
		}
	}
	for goOn := true; goOn && timeLeft(ctx) > webhookTimeout+webhookReserve; {
		claimed, givenUp, err := h.store.ClaimWebhooks(ctx, h.receiver.Digest(), webhookBatch)
		if err != nil {
			return run, err
		}
		for _, w := range givenUp {
			h.log.ErrorContext(ctx, "a webhook is given up: it was not taken for three days", h.logged(w)...)
		}
		taken, gone := h.send(ctx, claimed)
		run.Delivered += taken
		run.Failed += len(claimed) - taken + len(givenUp)
		goOn = (taken > 0 || len(givenUp) > 0 && len(claimed) == 0) && !gone
	}
	left, err := h.store.CountWebhooks(ctx, pendingCounts)
	run.Pending = left
	return run, err
}

// send sends webhooks, all at once, and settles them.
func (h *Webhooks) send(ctx context.Context, claimed []Webhook) (taken int, gone bool) {
	if len(claimed) == 0 {
		return 0, false
	}
	receptions := make([]Reception, len(claimed))
	var sending sync.WaitGroup
	for i, w := range claimed {
		complete(h.channels, w.Conversation)
		sending.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
			defer cancel()
			receptions[i] = h.receiver.Send(ctx, w)
		})
	}
	sending.Wait()
	settled := make([]SettledWebhook, len(claimed))
	for i, w := range claimed {
		settled[i] = SettledWebhook{w.WebhookKey, receptions[i] == Taken, webhookWait(w.Attempts)}
		if receptions[i] == Taken {
			taken++
		}
		gone = gone || receptions[i] == Gone
	}
	if gone {
		h.log.ErrorContext(ctx, "the receiver of webhooks answers 410: it is left alone for a day, and what waits is kept as long as ever")
	}
	// Also when the run is being stopped: what was taken and is not settled is sent again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), webhookReserve)
	defer cancel()
	if err := h.store.SettleWebhooks(ctx, h.receiver.Digest(), settled, gone); err != nil {
		h.log.WarnContext(ctx, "webhooks that were sent could not be settled and will be repeated", "error", err.Error())
	}
	return taken, gone
}

// logged is how the log names a webhook.
func (h *Webhooks) logged(w Webhook) []any {
	return []any{"type", string(w.Type), "webhookId", w.ID, "clientId", LogID(w.ClientID), "attempts", w.Attempts}
}

// webhookWait is when a webhook is due again that was not taken, the time of this number.
func webhookWait(attempts int) time.Duration {
	wait := math.Min(float64(webhookFirstWait)*math.Pow(3, float64(attempts-1)), float64(webhookLongestWait))
	return time.Duration(wait * (1 + rand.Float64()/5))
}
