package realtime

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

// Publisher is this deployment's app on Pusher. It is a [chat.Publisher], safe for concurrent use, and
// keeps its connections and its breaker for as long as the process lives: make one of it.
type Publisher struct {
	enabled   bool
	channels  Channels
	browser   Connection    // what every browser is told
	client    pusher.Client // without an HTTP client; each request has its own
	transport http.RoundTripper
	breaker   breaker // open while Pusher refuses this app
	apart     breaker // open while it is no use to take a batch apart
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
		transport: outgoing.NewTransport(connsMax, connsMax),
		log:       cmp.Or(o.Log, slog.Default()),
		observe:   o.Observe,
	}
}

// Enabled is false if Pusher is not configured.
func (p *Publisher) Enabled() bool { return p.enabled }

// Publish announces the first [chat.MaxBatch] events, which is what Pusher takes, in one request; further
// ones still wait. It returns by the context's deadline, and no request takes longer than 5 s.
//
// An event is Delivered only when Pusher says so in its own words: 2xx with a JSON object. Another 2xx is
// that of a proxy, and a failure.
//
// A batch that is refused as such (400, 413) is sent again event by event, in at most one request for each.
// What is too large even then (413), and what cannot be sent at all, is Refused. What is answered 400 by
// itself is Rejected, and still waits: perhaps it was something on the way to Pusher that answered. If
// nothing of a batch is taken then, the fault is not the events', and for 30 s, or until Pusher takes
// something, no batch is taken apart.
//
// A message whose data would pass 10,240 bytes goes with a shortened body and "truncated": true. If Pusher
// refuses the app itself (401, 403, 404: wrong credentials, disabled, over its quota) a breaker opens, and
// one request in 30 s is made until it is taken. Then, and if Pusher does not answer or fails (5xx, 429),
// the events still wait.
//
// Each failed request, each event refused or rejected, and each turn of the breaker is one record of the log.
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
	switch {
	case became == taken || len(batch) == 1:
		p.settle(ctx, &done, keys, became)
	case became != waiting && p.apart.allow():
		p.takeApart(ctx, &done, keys, batch)
	}
	return done
}

// takeApart sends the events of a batch that was refused as such one by one.
func (p *Publisher) takeApart(ctx context.Context, done *chat.Delivery, keys []chat.EventKey, batch []pusher.Event) {
	for i := 0; i < len(batch) && ctx.Err() == nil; i++ {
		p.settle(ctx, done, keys[i:i+1], p.trigger(ctx, batch[i:i+1]))
	}
	if len(done.Delivered) == 0 && len(done.Rejected) > 0 {
		p.apart.trip()
	}
}

// outcome is what became of one request.
type outcome int

const (
	waiting  outcome = iota // not taken; another time it may be
	taken                   // accepted by Pusher
	rejected                // 400: refused for what it holds, or by something that does not know Pusher's API
	tooLarge                // 413: refused for its size
)

// trigger makes one request, unless the breaker is open.
func (p *Publisher) trigger(ctx context.Context, batch []pusher.Event) outcome {
	if !p.breaker.allow() {
		return waiting
	}
	c := p.request(ctx, func(through *http.Client) {
		client := p.client // a copy: the library keeps no state beside its HTTP client
		client.HTTPClient = through
		// The library's error is not looked at: its text repeats the signed URL or the answer. The call knows
		// what happened.
		_, _ = client.TriggerBatch(batch)
	})
	result := waiting
	switch {
	case c.accepted():
		result = taken
		p.apart.reset()
	case c.status == http.StatusBadRequest:
		result = rejected
	case c.status == http.StatusRequestEntityTooLarge:
		result = tooLarge
	}
	if result != taken {
		p.log.WarnContext(ctx, "a request to Pusher failed", "class", c.class(), "status", c.status, "events", len(batch))
	}
	p.turn(ctx, c.status, result)
	return result
}

// turn opens the breaker if Pusher refuses the app, and closes it when Pusher looks at what it is sent.
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
	case tooLarge:
		for _, key := range keys {
			p.refuse(ctx, done, key, "Pusher refuses it as too large")
		}
	case rejected:
		done.Rejected = append(done.Rejected, keys...)
		for _, key := range keys {
			p.log.WarnContext(ctx, "an event was answered 400 by itself; it waits", logged(key)...)
		}
	}
}

// refuse gives an event up for good.
func (p *Publisher) refuse(ctx context.Context, done *chat.Delivery, key chat.EventKey, reason string) {
	done.Refused = append(done.Refused, key)
	p.log.ErrorContext(ctx, "an event can never be announced", append([]any{"reason", reason}, logged(key)...)...)
}

// logged is how the log names an event.
func logged(key chat.EventKey) []any {
	return []any{"event", string(key.Name), "clientId", chat.LogID(key.ClientID), "version", key.Version, "inbox", key.ToInbox}
}
