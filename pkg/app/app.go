// Package app builds the services once per instance and wraps every handler with the common request processing.
package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/files"
	"devinbox/pkg/identity"
	"devinbox/pkg/postgres"
	"devinbox/pkg/realtime"
	"devinbox/pkg/web"
	"devinbox/pkg/webhook"
)

// App is everything that a handler may use.
type App struct {
	Chat     *chat.Service
	Webhooks *chat.Webhooks
	Realtime *realtime.Publisher
	Files    *files.Store

	identity   *identity.Verifier
	origins    *web.Origins
	guests     bool
	secret     []byte // CHAT_JWT_SECRET
	cronSecret string
	store      *postgres.Store
	browsers   browsers
	allowed    []string // CHAT_ALLOWED_ORIGINS
	log        *slog.Logger
	fault      error // what is missing or wrong in the environment; if not nil, nothing is served
}

// instance is the App of this process, made at the first request: a cold start opens no connection.
//
// A function serves one request at a time, and waits for most of that time. So GOMAXPROCS is 1: there is nothing to do in
// parallel, and Go need not wake other threads. Only a few megabytes are live, so GOGC is 400: the garbage collector then
// runs less often. Together they save a sixth of a send's processor time.
var instance = sync.OnceValue(func() *App {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	c, fault := config.Load(os.Getenv)
	return New(c, fault, log)
})

// New makes an App from what [config.Load] returned. It never fails: each variable that cannot be used is one line in
// the log, and then every request gets a 503. Pusher and the keys are optional: without Pusher nothing is live;
// without keys every caller is rejected.
func New(c config.Config, fault error, log *slog.Logger) *App {
	a := &App{log: log, secret: c.Identity.Secret, cronSecret: c.CronSecret, allowed: c.AllowedOrigins}
	a.guests = c.Guests && len(c.Identity.Secret) > 0 // guests' tokens are signed with it
	c.Pusher.Log, c.Pusher.Observe, c.Identity.Log, c.Webhook.Log = log, observe("pusher"), log, log
	c.Files.Log, c.Files.Observe = log, observe("files")

	var database, origins, keys error
	a.store, database = postgres.Open(c.Database, observe("db"))
	a.origins, origins = web.NewOrigins(c.AllowedOrigins)
	a.identity, keys = identity.New(c.Identity)
	a.Realtime = realtime.New(c.Pusher)
	a.Files = files.New(c.Files)
	a.Chat = chat.NewService(a.store, a.Realtime, a.Files, c.Pusher.Channels, c.RateLimit, log)
	a.Webhooks = chat.NewWebhooks(a.store, webhook.New(c.Webhook), c.Pusher.Channels, c.UnreadAfter, log)

	a.fault = errors.Join(fault, c.DatabaseFaults)
	if a.fault == nil { // otherwise it reports the same faults, by the variables' names
		a.fault = errors.Join(database, origins, keys)
	}
	if a.fault != nil {
		log.Error("the environment cannot be used: every request is answered 503", "faults", a.fault.Error())
	}
	if keys == nil && !a.identity.Configured() {
		log.Error("nobody can be recognised: set CHAT_JWT_SECRET or CHAT_JWKS_URL, or CHAT_AUTHJS with AUTH_SECRET")
	}
	if c.PusherFaults != nil {
		log.Warn("realtime is disabled: messages are saved and served, but nobody is told of them", "faults", c.PusherFaults.Error())
	}
	if c.CronFault != nil {
		log.Warn("nobody can call /api/cron/deliver: it always answers 401", "faults", c.CronFault.Error())
	}
	if c.WebhookFaults != nil {
		log.Error("no webhook is sent: their variables cannot be used", "faults", c.WebhookFaults.Error())
	}
	if c.FilesFaults != nil {
		log.Error("no file is taken or given: the object store's variables cannot be used", "faults", c.FilesFaults.Error())
	}
	if c.Pusher.Channels == realtime.Public {
		log.Warn("CHAT_CHANNELS=public: whoever has the app key, which is in every page, can read every conversation")
	}
	return a
}

// Close closes what the App has opened.
func (a *App) Close() { a.store.Close() }

// observe adds to a request's log record how long it waited for a dependency.
func observe(name string) func(context.Context, time.Duration) {
	return func(ctx context.Context, took time.Duration) { web.Observe(ctx, name, took) }
}
