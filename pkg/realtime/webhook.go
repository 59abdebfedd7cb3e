package realtime

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"devinbox/pkg/chat"
)

// A webhook is refused if it is older than webhookAge, since somebody may have kept it and be sending it again, or
// if it is ahead of our clock by more than webhookSkew. Pusher itself gives up after 5 minutes.
const (
	webhookAge  = 10 * time.Minute
	webhookSkew = time.Minute
)

var errNotPushers = chat.Fail(chat.Unauthorized, "This is not a webhook of this app's Pusher, or it is not of now.")

// Webhook reads from Pusher's webhook who is online. key and signature are the headers X-Pusher-Key and
// X-Pusher-Signature, body is the exact body of the request, and now is the time.
//
// It returns each client once, with its last state, and only in the mode [Presence]: in the others an occupied
// channel does not tell who is there. It ignores what else Pusher reports.
//
// The format is https://pusher.com/docs/channels/server_api/webhooks/. The library's own reader ignores the
// time, and fails on events that do not matter here.
//
// Errors: Unavailable if Pusher is not configured; Unauthorized for another key, a wrong signature, or a time
// more than 10 minutes ago or 1 minute ahead; Invalid for a signed body that cannot be read.
func (p *Publisher) Webhook(key, signature string, body []byte, now time.Time) ([]chat.Presence, error) {
	if !p.enabled { // without a secret, anybody could sign
		return nil, errDisabled
	}
	if key != p.client.Key { // not secret: every browser has it
		return nil, errNotPushers.Because(errors.New("the webhook has another app's key"))
	}
	if mac, err := hex.DecodeString(signature); err != nil || !hmac.Equal(mac, p.sign(body)) {
		return nil, errNotPushers.Because(errors.New("the webhook's signature is wrong"))
	}
	var hook webhook
	if err := json.Unmarshal(body, &hook); err != nil {
		return nil, chat.Fail(chat.Invalid, "The webhook cannot be read.").Because(errors.New("the webhook is signed, but not JSON of the known form"))
	}
	at := time.UnixMilli(hook.TimeMS).UTC()
	if age := now.Sub(at); age > webhookAge || age < -webhookSkew {
		return nil, errNotPushers.Because(errors.New("the webhook is too old, or a clock is wrong"))
	}
	return p.presences(hook.Events, at), nil
}

// webhook is the part of Pusher's webhook that is read.
type webhook struct {
	TimeMS int64          `json:"time_ms"`
	Events []webhookEvent `json:"events"`
}

type webhookEvent struct {
	Name    string `json:"name"`
	Channel string `json:"channel"`
	UserID  any    `json:"user_id"` // ours are strings; another type must not make the rest of the webhook unreadable
}

// presences returns the last state of each client in events.
func (p *Publisher) presences(events []webhookEvent, at time.Time) []chat.Presence {
	if p.channels != Presence {
		return nil
	}
	var found []chat.Presence
	for _, e := range events {
		if e.Name != "member_added" && e.Name != "member_removed" {
			continue
		}
		place, ok := p.channels.Parse(e.Channel)
		if !ok || place.Inbox || e.UserID != userID(chat.Client, place.ClientID) { // a developer may be in the channel too
			continue
		}
		i := slices.IndexFunc(found, func(f chat.Presence) bool { return f.ClientID == place.ClientID })
		if i < 0 {
			i = len(found)
			found = append(found, chat.Presence{ClientID: place.ClientID, At: at})
		}
		found[i].Online = e.Name == "member_added"
	}
	return found
}
