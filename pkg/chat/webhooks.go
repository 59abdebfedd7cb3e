package chat

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// WebhookType is the type of a webhook.
type WebhookType string

// The four types: a closed list. What each carries is said at [Webhook.Payload].
const (
	MessageCreated     WebhookType = "message.created"
	MessageChanged     WebhookType = "message.updated" // edited or deleted
	MessageUnread      WebhookType = "message.unread"
	ConversationChange WebhookType = "conversation.updated"
)

const (
	// WebhookLifetime is how long a webhook is retried before it is given up.
	WebhookLifetime = 3 * 24 * time.Hour
	// WebhookLease is how long a webhook belongs to the call that claimed it. It is longer than a batch may take.
	WebhookLease = 30 * time.Second

	// webhookTimeout is how long the receiver may take to answer.
	webhookTimeout = 10 * time.Second
	// webhookReserve is the part of a run's budget that is kept for settling its last batch.
	webhookReserve = 3 * time.Second
	// webhookBatch is how many are sent at once.
	webhookBatch = 10

	// A webhook that was not accepted is retried after webhookFirstWait, then after three times as long each time, up to
	// webhookLongestWait; each wait is randomly longer by up to a fifth.
	webhookFirstWait   = 5 * time.Second
	webhookLongestWait = 6 * time.Hour
)

// WebhookKey identifies a webhook. ID stays the same in retries.
type WebhookKey struct {
	ClientID string
	ID       string // a UUID
}

// Webhook is one notification for the team's own receiver. It shows the state at the moment of sending.
type Webhook struct {
	WebhookKey
	Type         WebhookType
	QueuedAt     Time
	Attempts     int // including this one
	Message      *Message
	Conversation *Conversation
	Side         Role // of message.unread: the side that has not read
}

// UnreadNotice is the data of message.unread.
type UnreadNotice struct {
	Conversation *Conversation `json:"conversation"`
	Side         Role          `json:"side"`
}

// Payload is the webhook's data, ready to be encoded: message.created and message.updated the [Message],
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

// At is when the reported change happened.
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

// Receiver is the team's own server, which receives webhooks.
type Receiver interface {
	// Enabled is false if there is none.
	Enabled() bool

	// Digest identifies its URL.
	Digest() []byte

	// Send sends one webhook, and returns by the context's deadline.
	Send(ctx context.Context, w Webhook) Reception
}

// Reception is what a [Receiver] did with a webhook.
type Reception int

const (
	NotTaken Reception = iota // it failed, or did not answer; it is retried
	Taken                     // it answered 2xx
	Gone                      // it answered 410: it wants no more webhooks
)

// SettledWebhook says what becomes of a webhook that was sent.
type SettledWebhook struct {
	WebhookKey
	Taken    bool          // it is deleted; otherwise
	TryAfter time.Duration // it is due again after this
}

// WebhookStore is the database's queue of webhooks. Each method is one atomic step and one round trip, and fails as
// those of [Store] do.
type WebhookStore interface {
	// QueueWebhooks queues the webhooks of some conversations that have changed since it was last called, and
	// message.unread of those that have been unread for unreadAfter; 0 queues none of these. more says whether to call
	// it again. No committed change is missed. A webhook that is pending and was not tried yet is not queued twice.
	QueueWebhooks(ctx context.Context, unreadAfter time.Duration) (more bool, err error)

	// ClaimWebhooks leases at most claim webhooks that are due to this call, for [WebhookLease]: none if the receiver has
	// answered [Gone] within a day, and at most one until it takes one again. It forgets those that were tried
	// for [WebhookLifetime], and returns them in givenUp, without their messages.
	ClaimWebhooks(ctx context.Context, receiverDigest []byte, claim int) (claimed, givenUp []Webhook, err error)

	// SettleWebhooks notes what became of webhooks that were claimed, and whether the receiver is gone.
	SettleWebhooks(ctx context.Context, receiverDigest []byte, settled []SettledWebhook, gone bool) error

	// CountWebhooks counts those that wait, due or not, stopping at limit.
	CountWebhooks(ctx context.Context, limit int) (int, error)
}

// Webhooks sends webhooks to a [Receiver]. It works only when it is called, and makes no other call wait.
type Webhooks struct {
	store       WebhookStore
	receiver    Receiver
	channels    Channels
	unreadAfter time.Duration
	log         *slog.Logger
}

// NewWebhooks returns Webhooks over its dependencies. unreadAfter is after how long message.unread is due; 0 is never.
func NewWebhooks(store WebhookStore, receiver Receiver, channels Channels, unreadAfter time.Duration, log *slog.Logger) *Webhooks {
	return &Webhooks{store, receiver, channels, unreadAfter, log}
}

// Enabled returns whether there is a receiver. If there is none, Deliver does nothing.
func (h *Webhooks) Enabled() bool { return h.receiver.Enabled() }

// Deliver queues webhooks for what has happened and sends those that are due, until none is left, until the receiver
// accepts none of a batch or is gone, or until the context's budget ends, after a minute at the latest. The outcome counts
// webhooks only.
// Several runs at once are harmless: each webhook is leased to one of them.
// Errors: those of the Store. If only the queueing fails, what is due already is sent all the same.
func (h *Webhooks) Deliver(ctx context.Context) (Deliveries, error) {
	var run Deliveries
	if !h.Enabled() {
		return run, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverBudget)
	defer cancel()
	reserved := timeLeft(ctx) / 2 // for sending
	var failedQueue error
	for more := true; more && timeLeft(ctx) > max(reserved, webhookReserve); {
		more, failedQueue = h.store.QueueWebhooks(ctx, h.unreadAfter) // no more if it failed
	}
	for goOn := true; goOn && timeLeft(ctx) > webhookTimeout+webhookReserve; {
		claimed, givenUp, err := h.store.ClaimWebhooks(ctx, h.receiver.Digest(), webhookBatch)
		if err != nil {
			return run, errors.Join(failedQueue, err)
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
	return run, errors.Join(failedQueue, err)
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
	// Even if the run is being stopped: a webhook that was accepted and is not settled is sent again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), webhookReserve)
	defer cancel()
	if err := h.store.SettleWebhooks(ctx, h.receiver.Digest(), settled, gone); err != nil {
		h.log.WarnContext(ctx, "webhooks that were sent could not be settled and will be repeated", "error", err.Error())
	}
	return taken, gone
}

// logged returns what the log says about a webhook.
func (h *Webhooks) logged(w Webhook) []any {
	return []any{"type", string(w.Type), "webhookId", w.ID, "clientId", LogID(w.ClientID), "attempts", w.Attempts}
}

// webhookWait returns how long to wait after this number of attempts.
func webhookWait(attempts int) time.Duration {
	wait := math.Min(float64(webhookFirstWait)*math.Pow(3, float64(attempts-1)), float64(webhookLongestWait))
	return time.Duration(wait * (1 + rand.Float64()/5))
}
