package pusherserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	// webhookTimeout is how long the endpoint may take to answer.
	webhookTimeout = 10 * time.Second
	// maxWebhookWait is the longest wait between two attempts.
	maxWebhookWait = time.Minute
	// maxWebhooks is how many may wait if the endpoint is not there. More are dropped.
	maxWebhooks = 10_000
)

// webhookEvent is what happened: https://pusher.com/docs/channels/server_api/webhooks/. Nil strings are left out.
type webhookEvent struct {
	Name     string  `json:"name"`
	Channel  string  `json:"channel"`
	Event    *string `json:"event,omitempty"`
	Data     *string `json:"data,omitempty"`
	SocketID *string `json:"socket_id,omitempty"`
	UserID   *string `json:"user_id,omitempty"`
}

// webhook is an event and the time from which it may be sent.
type webhook struct {
	event webhookEvent
	time  time.Time
}

// webhooks sends events to one URL, one per request, in order: an event waits while those before it are retried. The
// end of something (channel_vacated, member_removed) is held back, and dropped together with the beginning if that
// follows soon: so a reconnect sends nothing. All methods except run return at once, and do nothing on nil.
type webhooks struct {
	url, key, secret string
	clientEvents     bool
	holdBack         time.Duration
	backoff          time.Duration
	giveUp           time.Duration
	client           *http.Client
	log              *slog.Logger

	wake chan struct{} // holds a value when run must check again

	mu    sync.Mutex // guards the fields below
	held  []webhook  // not due yet, the next one first
	queue []webhook  // due, the oldest first
}

func newWebhooks(o Options) *webhooks {
	return &webhooks{
		url: o.WebhookURL, key: o.Key, secret: o.Secret, clientEvents: o.WebhookClientEvents,
		holdBack: o.WebhookHoldBack, backoff: o.WebhookBackoff, giveUp: o.WebhookGiveUp, log: o.Log,
		client: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 15 * time.Second},
			Timeout:       webhookTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1),
	}
}

func (w *webhooks) occupied(channel string) {
	w.begin(webhookEvent{Name: "channel_occupied", Channel: channel}, "channel_vacated")
}

func (w *webhooks) vacated(channel string) {
	w.hold(webhookEvent{Name: "channel_vacated", Channel: channel})
}

func (w *webhooks) memberAdded(channel, id string) {
	w.begin(webhookEvent{Name: "member_added", Channel: channel, UserID: &id}, "member_removed")
}

func (w *webhooks) memberRemoved(channel, id string) {
	w.hold(webhookEvent{Name: "member_removed", Channel: channel, UserID: &id})
}

func (w *webhooks) clientEvent(r received, socket, userID string) {
	if w == nil || !w.clientEvents {
		return
	}
	data := text(r.Data)
	e := webhookEvent{Name: "client_event", Channel: r.Channel, Event: &r.Event, Data: &data, SocketID: &socket}
	if userID != "" {
		e.UserID = &userID
	}
	w.begin(e, "")
}

// begin queues an event, unless its opposite, the event end, is still held back: then it drops both.
func (w *webhooks) begin(e webhookEvent, end string) {
	if w == nil || isUsers(e.Channel) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.releaseLocked(now)
	held := slices.IndexFunc(w.held, func(h webhook) bool {
		return h.event.Name == end && h.event.Channel == e.Channel && (e.UserID == nil || *h.event.UserID == *e.UserID)
	})
	if held >= 0 {
		w.held = slices.Delete(w.held, held, held+1)
		return
	}
	w.queueLocked(webhook{e, now})
	w.look()
}

// hold keeps an event until its time.
func (w *webhooks) hold(e webhookEvent) {
	if w == nil || isUsers(e.Channel) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.releaseLocked(now)
	w.held = append(w.held, webhook{e, now.Add(w.holdBack)})
	w.look()
}

func (w *webhooks) releaseLocked(now time.Time) {
	for len(w.held) > 0 && !w.held[0].time.After(now) {
		w.queueLocked(w.held[0])
		w.held = w.held[1:]
	}
}

func (w *webhooks) queueLocked(h webhook) {
	if len(w.queue) == maxWebhooks {
		w.log.Warn("webhook dropped: too many wait", "event", h.event.Name)
		return
	}
	w.queue = append(w.queue, h)
}

func (w *webhooks) look() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// next returns the next event that is due or, if there is none, how long to wait for one.
func (w *webhooks) next() (h webhook, wait time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.releaseLocked(now)
	switch {
	case len(w.queue) > 0:
		h, w.queue = w.queue[0], w.queue[1:]
		return h, 0, true
	case len(w.held) > 0:
		return webhook{}, w.held[0].time.Sub(now), false
	default:
		return webhook{}, time.Hour, false
	}
}

// run sends the queued events, until ctx ends.
func (w *webhooks) run(ctx context.Context) {
	defer w.client.CloseIdleConnections()
	for ctx.Err() == nil {
		h, wait, ok := w.next()
		if ok {
			w.deliver(ctx, h)
			continue
		}
		select {
		case <-w.wake:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// deliver posts one event until it is accepted, or too old.
func (w *webhooks) deliver(ctx context.Context, h webhook) {
	body := encode(struct {
		TimeMS int64          `json:"time_ms"`
		Events []webhookEvent `json:"events"`
	}{h.time.UnixMilli(), []webhookEvent{h.event}})
	for wait := w.backoff; ; wait = min(2*wait, maxWebhookWait) {
		err := w.post(ctx, body)
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Since(h.time)+wait > w.giveUp {
			w.log.Warn("webhook given up", "event", h.event.Name, "error", err)
			return
		}
		w.log.Info("webhook not taken", "event", h.event.Name, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// post makes one attempt. Its errors do not contain the URL.
func (w *webhooks) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("no such URL")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Pusher-Key", w.key)
	r.Header.Set("X-Pusher-Signature", sign(w.secret, string(body)))
	response, err := w.client.Do(r)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	} else if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
