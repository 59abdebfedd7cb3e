package pusherserver

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"time"
)

// Options say what [Start] starts. AppID, Key and Secret have no default; the other zero values mean Pusher's own.
type Options struct {
	AppID  string
	Key    string
	Secret string

	// Address is where to listen. Defaults to 127.0.0.1:0, a free port that only this machine reaches.
	Address string

	// NoClientEvents refuses the events that clients send each other. A new app at Pusher has them off; ours needs them.
	NoClientEvents bool

	// ActivityTimeout is how long a connection may be silent before one side pings the other. Clients are told whole
	// seconds, at least one. Defaults to 120 s.
	ActivityTimeout time.Duration
	// PongTimeout is how long a pinged client has for its answer. Defaults to 30 s.
	PongTimeout time.Duration
	// IdleTimeout is how long a connection to the HTTP API stays open between requests. Defaults to 60 s.
	IdleTimeout time.Duration
	// WriteTimeout is how long writing one frame may take; a client that reads more slowly is dropped. Defaults to 10 s.
	WriteTimeout time.Duration
	// SendQueue is how many frames may wait for one connection; a client that reads too slowly for that is dropped.
	// Defaults to 1,000.
	SendQueue int

	// WebhookURL is where webhooks are posted: channel_occupied, channel_vacated, member_added and member_removed, one
	// per request. If it is empty, none are sent.
	WebhookURL string
	// WebhookClientEvents adds the webhook client_event, for each event that clients send each other.
	WebhookClientEvents bool
	// WebhookHoldBack is the delay of channel_vacated and member_removed. If the channel is occupied again, or the
	// member is back, within it, neither event is sent. Defaults to 3 s.
	WebhookHoldBack time.Duration
	// WebhookBackoff is the wait after the first failure of a webhook. It doubles, up to a minute. Defaults to 1 s.
	WebhookBackoff time.Duration
	// WebhookGiveUp is the age at which a webhook that no endpoint has accepted is dropped. Defaults to 5 min.
	WebhookGiveUp time.Duration

	// Hint returns what the log says when somebody subscribes to a channel, or nothing. Nobody needs to have one.
	Hint func(channel string) string

	// Recorder keeps what is published through the HTTP API. Without one, nothing is kept.
	Recorder *Recorder

	// Log receives refusals and failures, never a secret, a signature or an event's data. Defaults to nothing.
	Log *slog.Logger
}

// complete checks the options and fills in the defaults.
func (o Options) complete() (Options, error) {
	switch {
	case os.Getenv("VERCEL_ENV") == "production":
		return o, errors.New("pusherserver: not in production")
	case o.AppID == "" || o.Key == "" || o.Secret == "":
		return o, errors.New("pusherserver: AppID, Key and Secret are needed")
	}
	if o.WebhookURL != "" {
		if u, err := url.Parse(o.WebhookURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return o, errors.New("pusherserver: WebhookURL is no http URL")
		}
	}
	o.Address = cmp.Or(o.Address, "127.0.0.1:0")
	o.ActivityTimeout = cmp.Or(o.ActivityTimeout, 120*time.Second)
	o.PongTimeout = cmp.Or(o.PongTimeout, 30*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, time.Minute)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.SendQueue = cmp.Or(o.SendQueue, 1000)
	o.WebhookHoldBack = cmp.Or(o.WebhookHoldBack, 3*time.Second)
	o.WebhookBackoff = cmp.Or(o.WebhookBackoff, time.Second)
	o.WebhookGiveUp = cmp.Or(o.WebhookGiveUp, 5*time.Minute)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Hint == nil {
		o.Hint = func(string) string { return "" }
	}
	return o, nil
}
