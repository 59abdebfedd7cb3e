package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const sendSQL = `
	select s.outcome, s.events, s.retry_after, ` + conversationColumns + `, ` + messageColumns + `
	from chat.send_v1(
		p_client_id => @client_id::text, p_role => @role::text, p_sender_id => @sender_id::text,
		p_sender_name => @sender_name::text, p_sender_email => @sender_email::text,
		p_message_id => @message_id::uuid, p_client_message_id => @client_message_id::text,
		p_body => @body::text, p_preview => @preview::text,
		p_create => @create::boolean, p_live => @live::boolean, p_socket_id => @socket_id::text,
		p_lease => @lease::interval, p_lifetime => @lifetime::interval,
		p_capacity => @capacity::float8, p_per_second => @per_second::float8
	) s
	cross join lateral (select (s.conversation).*) c
	cross join lateral (select (s.message).*) m`

type sendRow struct {
	outcome      string
	events       []string
	retryAfter   *float64
	conversation conversationRow
	message      messageRow
}

// Send implements [chat.Store] with the function send_v1.
func (s *Store) Send(ctx context.Context, p chat.SendParams) (chat.Saved, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return chat.Saved{}, chat.Defect(err)
	}
	sent, err := queryOne(ctx, s, sendSQL, pgx.StrictNamedArgs{
		"client_id":         p.ClientID,
		"role":              string(p.Sender.Role),
		"sender_id":         p.Sender.ID,
		"sender_name":       optional(p.Sender.Name),
		"sender_email":      optional(p.Sender.Email),
		"message_id":        id.String(),
		"client_message_id": p.ClientMessageID,
		"body":              p.Body,
		"preview":           p.Preview,
		"create":            p.Create,
		"live":              p.Live,
		"socket_id":         p.ExceptSocket,
		"lease":             chat.Lease.String(),
		"lifetime":          chat.EventLifetime.String(),
		"capacity":          p.Limit.Capacity,
		"per_second":        p.Limit.PerSecond,
	}, func(row pgx.CollectableRow) (r sendRow, err error) {
		err = row.Scan(slices.Concat([]any{&r.outcome, &r.events, &r.retryAfter}, r.conversation.targets(), r.message.targets())...)
		return r, err
	})
	if err != nil {
		return chat.Saved{}, err
	}

	switch sent.outcome {
	case "absent":
		return chat.Saved{}, chat.ErrNoConversation
	case "conflict":
		return chat.Saved{}, &chat.Error{
			Kind:   chat.Conflict,
			Detail: "This clientMessageId was used for another body. A new message needs a new key.",
			Fields: []chat.Field{{Name: "clientMessageId", Message: "was used for another body"}},
		}
	case "limited":
		return chat.Saved{}, &chat.Error{
			Kind:       chat.RateLimited,
			Detail:     "Too many messages in too short a time.",
			RetryAfter: time.Duration(math.Ceil(*sent.retryAfter)) * time.Second,
		}
	}
	message := sent.message.message()
	about := occurrence{conversationRow: sent.conversation, message: message, except: p.ExceptSocket}
	events, err := about.events(sent.events)
	if err != nil {
		return chat.Saved{}, err
	}
	return chat.Saved{
		Message:      *message,
		Conversation: *sent.conversation.conversation(),
		// A message with this call's own id was stored by this call, also where its first try lost the answer.
		Replayed: sent.outcome == "replayed" && message.ID != id.String(),
		Events:   events,
	}, nil
}

// parseEventName reads 'VERSION EVENT TARGET'.
func parseEventName(name string) (version int64, event chat.EventName, target string, err error) {
	parts := strings.Fields(name)
	if len(parts) == 3 {
		version, err = strconv.ParseInt(parts[0], 10, 64)
	}
	if len(parts) != 3 || err != nil {
		return 0, "", "", chat.Defect(fmt.Errorf("postgres: %q does not name an event", name))
	}
	return version, chat.EventName(parts[1]), parts[2], nil
}
