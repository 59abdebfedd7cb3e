package realtime

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
)

// Publisher is this deployment's app on Pusher. It is a [chat.Publisher], safe for concurrent use, and
// keeps its connections and its breaker for as long as the process lives: make one of it.
type Publisher struct {
	enabled   bool
	channels  Channels
	browser   Connection    // what every browser is told
	client    pusher.Client // without an HTTP client; each request has its own
	transport http.RoundTripper
	breaker   breaker
	log       *slog.Logger
	observe   func(context.Context, time.Duration)
}

var _ chat.Publisher = (*Publisher)(nil)

// New makes a Publisher. It opens no connection. Where [Options.Faults] finds any, Pusher counts as not
// configured: the Publisher is disabled and still gives channels their names.
func New(o Options) *Publisher {
	return &Publisher{
		enabled:   len(o.Faults()) == 0,
		channels:  o.Channels,
		browser:   o.connection(),
		client:    pusher.Client{AppID: o.AppID, Key: o.Key, Secret: o.Secret, Host: o.endpoint(), Secure: !o.NoTLS},
		transport: newTransport(),
		log:       cmp.Or(o.Log, slog.Default()),
		observe:   o.Observe,
	}
}

// Enabled is false if Pusher is not configured.
func (p *Publisher) Enabled() bool { return p.enabled }

// Publish announces the first [chat.MaxBatch] events, which is what Pusher takes, in one request; further
// ones still wait. It returns by the context's deadline, and no request takes longer than 5 s.
//
// A batch that Pusher refuses as such (400, 413) is sent again event by event; what it refuses even then,
// and what cannot be sent at all, is Refused. A message whose data would pass 10,240 bytes goes with a
// shortened body and "truncated": true. Where Pusher refuses the app itself (401, 403, 404: wrong
// credentials, disabled, over its quota) a breaker opens, and one request in 30 s is made until it is
// taken. There, and where Pusher does not answer or fails (5xx, 429), the events still wait.
//
// Each failed request, each event refused, and each turn of the breaker is one record of the log.
func (p *Publisher) Publish(ctx context.Context, events []chat.Event) chat.Delivery {
	var done chat.Delivery
	if !p.enabled {
		return done
	}
	var keys []chat.EventKey
	var batch []pusher.Event
	for _, e := range events[:min(len(events), chat.MaxBatch)] {
		out, err := p.outgoing(e)
		if err != nil {
			p.refuse(ctx, &done, e.EventKey, err.Error())
			continue
		}
		keys, batch = append(keys, e.EventKey), append(batch, out)
	}
	if len(batch) == 0 {
		return done
	}

	became := p.trigger(ctx, batch)
	if became != malformed || len(batch) == 1 {
		p.settle(ctx, &done, keys, became)
		return done
	}
	for i := 0; i < len(batch) && ctx.Err() == nil; i++ {
		p.settle(ctx, &done, keys[i:i+1], p.trigger(ctx, batch[i:i+1]))
	}
	return done
}

// outcome is what became of one request.
type outcome int

const (
	waiting   outcome = iota // not taken; another time it may be
	taken                    // accepted by Pusher
	malformed                // refused for what it holds
)

// trigger makes one request, unless the breaker is open.
func (p *Publisher) trigger(ctx context.Context, batch []pusher.Event) outcome {
	if !p.breaker.allow() {
		return waiting
	}
	c := p.request(ctx, func(through *http.Client) {
		client := p.client // a copy: the library keeps no state beside its HTTP client
		client.HTTPClient = through
		// The library's error is not looked at: it is one also where an accepted request was not answered in
		// JSON, and its text repeats the signed URL or the answer. The call knows what happened.
		_, _ = client.TriggerBatch(batch)
	})
	result := waiting
	switch {
	case c.status/100 == 2:
		result = taken
	case c.status == http.StatusBadRequest, c.status == http.StatusRequestEntityTooLarge:
		result = malformed
	}
	if result != taken {
		p.log.WarnContext(ctx, "a request to Pusher failed", "class", c.class(), "status", c.status, "events", len(batch))
	}
	p.turn(ctx, c.status, result)
	return result
}

// turn opens the breaker where Pusher refuses the app, and closes it where Pusher looks at what it is sent.
// A 404 belongs to the first, for all events go to one path: there is no such app, or no Pusher on this host.
func (p *Publisher) turn(ctx context.Context, status int, result outcome) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		if p.breaker.trip() {
			p.log.ErrorContext(ctx, "Pusher refuses this app; events wait, and it is asked again every 30 s", "status", status)
		}
	default:
		if result != waiting && p.breaker.reset() {
			p.log.InfoContext(ctx, "Pusher takes this app's events again")
		}
	}
}

// settle sorts events by what became of the request that carried them.
func (p *Publisher) settle(ctx context.Context, done *chat.Delivery, keys []chat.EventKey, o outcome) {
	switch o {
	case taken:
		done.Delivered = append(done.Delivered, keys...)
	case malformed:
		for _, key := range keys {
			p.refuse(ctx, done, key, "Pusher refuses it")
		}
	}
}

// refuse gives an event up for good.
func (p *Publisher) refuse(ctx context.Context, done *chat.Delivery, key chat.EventKey, reason string) {
	done.Refused = append(done.Refused, key)
	p.log.ErrorContext(ctx, "an event can never be announced", "reason", reason,
		"event", string(key.Name), "clientId", chat.LogID(key.ClientID), "version", key.Version, "inbox", key.ToInbox)
}
