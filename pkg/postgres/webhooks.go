package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

var _ chat.WebhookStore = (*Store)(nil)

const (
	// queueAtOnce is how many conversations a call looks at: few enough to be done in a moment.
	queueAtOnce = 500
	// queueTimeout is what it may take all the same. After a day without a cron there may be a hundred thousand messages
	// in one conversation, and nobody waits for a cron.
	queueTimeout = 20 * time.Second
)

const queueWebhooksSQL = `select chat.queue_webhooks_v1(@limit, @unread_after, @lifetime)`

// QueueWebhooks implements [chat.WebhookStore] with the function queue_webhooks_v1.
func (s *Store) QueueWebhooks(ctx context.Context, unreadAfter time.Duration) (more bool, err error) {
	args := arguments{"limit": queueAtOnce, "unread_after": (*string)(nil), "lifetime": chat.WebhookLifetime.String()}
	if unreadAfter > 0 {
		text := strconv.FormatFloat(unreadAfter.Seconds(), 'f', 6, 64) + " seconds"
		args["unread_after"] = &text
	}
	answer, err := queryWithin(ctx, s, queueTimeout, queueWebhooksSQL, args, pgx.RowTo[bool])
	return len(answer) == 1 && answer[0], err
}

// The function gives rows of the two tables, so that what it shows is not older than what it has leased.
const claimWebhooksSQL = `
	select w.outcome, w.id, w.type, w.side, w.created_at, w.attempts, ` + conversationColumns + `, ` + messageColumns + `
	from chat.claim_webhooks_v1(@receiver_digest, @claim, @lease, @lifetime) w
	cross join lateral (select (w.conversation).*) c
	cross join lateral (select (w.message).*) m`

type webhookRow struct {
	outcome, id, name, side string
	createdAt               time.Time
	attempts                int
	conversation            conversationRow
	message                 messageRow
}

const (
	webhookClaimed = "claimed"
	webhookGivenUp = "given_up"
)

// ClaimWebhooks implements [chat.WebhookStore] with the function claim_webhooks_v1.
func (s *Store) ClaimWebhooks(ctx context.Context, receiverDigest []byte, claim int) (claimed, givenUp []chat.Webhook, err error) {
	rows, err := query(ctx, s, claimWebhooksSQL, arguments{
		"receiver_digest": receiverDigest,
		"claim":           claim,
		"lease":           chat.WebhookLease.String(),
		"lifetime":        chat.WebhookLifetime.String(),
	}, func(row pgx.CollectableRow) (r webhookRow, err error) {
		err = row.Scan(slices.Concat(
			[]any{&r.outcome, &r.id, &r.name, &r.side, &r.createdAt, &r.attempts}, r.conversation.targets(), r.message.targets(),
		)...)
		return r, err
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range rows {
		switch rows[i].outcome {
		case webhookClaimed:
			claimed = append(claimed, rows[i].webhook())
		case webhookGivenUp:
			givenUp = append(givenUp, rows[i].webhook())
		default:
			return nil, nil, chat.Defect(fmt.Errorf("postgres: %q is no outcome of a claim", rows[i].outcome))
		}
	}
	return claimed, givenUp, nil
}

func (r *webhookRow) webhook() chat.Webhook {
	clientID := *r.conversation.clientID
	return chat.Webhook{
		WebhookKey:   chat.WebhookKey{ClientID: clientID, ID: r.id},
		Type:         chat.WebhookType(r.name),
		QueuedAt:     chat.At(r.createdAt),
		Attempts:     r.attempts,
		Message:      r.message.message(clientID),
		Conversation: r.conversation.conversation(),
		Side:         chat.Role(r.side),
	}
}

const settleWebhooksSQL = `select chat.settle_webhooks_v1(@receiver_digest, @client_id, @id, @try_after, @is_gone)`

// SettleWebhooks implements [chat.WebhookStore] with the function settle_webhooks_v1.
func (s *Store) SettleWebhooks(ctx context.Context, receiverDigest []byte, settled []chat.SettledWebhook, gone bool) error {
	clientIDs, ids, tryAfter := []string{}, []string{}, []*float64{} // not nil, which would be null
	for _, w := range settled {
		clientIDs, ids = append(clientIDs, w.ClientID), append(ids, w.ID)
		var after *float64
		if !w.Taken {
			seconds := w.TryAfter.Seconds()
			after = &seconds
		}
		tryAfter = append(tryAfter, after)
	}
	_, err := query(ctx, s, settleWebhooksSQL, arguments{
		"receiver_digest": receiverDigest,
		"client_id":       clientIDs,
		"id":              ids,
		"try_after":       tryAfter,
		"is_gone":         gone,
	}, nothing)
	return err
}

const countWebhooksSQL = `select count(*)::int from (select from chat.webhook limit @limit::int) w`

// CountWebhooks implements [chat.WebhookStore].
func (s *Store) CountWebhooks(ctx context.Context, limit int) (int, error) {
	return queryOne(ctx, s, countWebhooksSQL, arguments{"limit": limit}, pgx.RowTo[int])
}
