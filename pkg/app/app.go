// Package app wires the rooms of the house together, once for each instance, and puts around every handler
// what all of them have in common.
package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
	"devinbox/pkg/postgres"
	"devinbox/pkg/realtime"
	"devinbox/pkg/web"
)

// App is everything that a handler may use.
type App struct {
	Chat     *chat.Service
	Realtime *realtime.Publisher

	identity   *identity.Verifier
	origins    *web.Origins
	guests     bool
	secret     string // CHAT_JWT_SECRET
	cronSecret string
	store      *postgres.Store
	log        *slog.Logger
	fault      error // what the environment lacks or spoils; while there is one, nothing is served
}

// instance is the App of this process, made when the first request comes: a cold start opens no connection.
var instance = sync.OnceValue(func() *App {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	c, fault := config.Load(os.Getenv)
	return New(c, fault, log)
})

// New makes an App of what [config.Load] gave. It never fails: what cannot be used is one line of the log
// for each variable, and then every request is answered 503. Two things may be missing: without Pusher
// messages are saved and served and nobody is told, without a key nobody is let in.
func New(c config.Config, fault error, log *slog.Logger) *App {
	a := &App{log: log, secret: c.Identity.Secret, cronSecret: c.CronSecret}
	a.guests = c.Guests && c.Identity.Secret != "" // their tokens are signed with it
	faults := []error{fault}

	channels, ok := realtime.ParseChannels(c.Channels)
	if !ok {
		faults = append(faults, config.Fault{Variable: "CHAT_CHANNELS", Message: "must be private, presence or public"})
	} else if channels == realtime.Public {
		log.Warn("CHAT_CHANNELS=public: whoever has the app key, which is in every page, can read every conversation")
	}

	var err error
	if a.Realtime, err = NewPublisher(c, log); err != nil {
		log.Warn("realtime is disabled: messages are saved and served, but nobody is told of them", "faults", err.Error())
	}
	if a.store, err = postgres.Open(c.DatabaseURL, observe("db")); err != nil {
		faults = append(faults, config.Fault{Variable: "DATABASE_URL", Message: err.Error()})
	}
	if a.origins, err = web.NewOrigins(c.AllowedOrigins); err != nil {
		faults = append(faults, config.Fault{Variable: "CHAT_ALLOWED_ORIGINS", Message: err.Error()})
	}
	if a.identity, err = NewVerifier(c, log); err != nil {
		faults = append(faults, err)
	} else if !a.identity.Configured() {
		log.Error("nobody can be recognised: set CHAT_JWT_SECRET or CHAT_JWKS_URL, or CHAT_AUTHJS with AUTH_SECRET")
	}
	a.Chat = chat.NewService(a.store, a.Realtime, channels, c.RateLimit, log)

	if a.fault = errors.Join(faults...); a.fault != nil {
		log.Error("the environment cannot be used: every request is answered 503", "faults", a.fault.Error())
	}
	return a
}

// Close closes what the App has opened.
func (a *App) Close() { a.store.Close() }

// NewPublisher makes the way to Pusher out of the environment.
// Errors: one [config.Fault] for each variable that is missing or malformed, joined; the Publisher is then disabled.
func NewPublisher(c config.Config, log *slog.Logger) (*realtime.Publisher, error) {
	channels, _ := realtime.ParseChannels(c.Channels)
	options := realtime.Options{
		AppID: c.Pusher.AppID, Key: c.Pusher.Key, Secret: c.Pusher.Secret, Cluster: c.Pusher.Cluster,
		Host: c.Pusher.Host, Port: c.Pusher.Port, NoTLS: c.Pusher.NoTLS,
		Channels: channels, Log: log, Observe: observe("pusher"),
	}
	variables := map[string]string{
		"AppID": "PUSHER_APP_ID", "Key": "NEXT_PUBLIC_PUSHER_KEY", "Secret": "PUSHER_SECRET",
		"Cluster": "NEXT_PUBLIC_PUSHER_CLUSTER", "Host": "PUSHER_HOST", "Port": "PUSHER_PORT", "NoTLS": "PUSHER_USE_TLS",
	}
	var faults []error
	for _, f := range options.Faults() {
		faults = append(faults, config.Fault{Variable: variables[f.Name], Message: f.Message})
	}
	return realtime.New(options), errors.Join(faults...)
}

// observe notes in a request's record how long it waited for a dependency.
func observe(name string) func(context.Context, time.Duration) {
	return func(ctx context.Context, took time.Duration) { web.Observe(ctx, name, took) }
}
