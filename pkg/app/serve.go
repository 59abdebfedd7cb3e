package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

const (
	// requestBudget is what one request may take. Vercel gives a request no deadline of its own.
	requestBudget = 5 * time.Second
	// cronBudget is what one run of the cron may take; vercel.json gives its function a little more.
	cronBudget = 50 * time.Second
)

// Handler answers one request of a caller who is known. What it returns, an answer or an error, is all
// that it says.
type Handler func(ctx context.Context, a *App, me chat.Identity) (web.Answer, error)

// OpenHandler answers one request of anybody, or of a caller whom it recognises by itself.
type OpenHandler func(ctx context.Context, a *App) (web.Answer, error)

// Serve answers a request with h where its method is the given one and its credential good. Around h it
// does what belongs to every request: CORS, the request's id, a deadline, the cross-origin guard for cookies,
// the problem details of an error, recovery from a panic, and one record of the log.
func Serve(w http.ResponseWriter, r *http.Request, method string, h Handler) {
	ServeMethods(w, r, map[string]Handler{method: h})
}

// ServeMethods is Serve for a resource with several methods.
func ServeMethods(w http.ResponseWriter, r *http.Request, handlers map[string]Handler) {
	a := of(r)
	a.serve(w, r, slices.Sorted(maps.Keys(handlers)), requestBudget, func(ctx context.Context, record *web.Record) (web.Answer, error) {
		me, err := a.authenticate(ctx, r)
		if err != nil {
			return web.Answer{}, err
		}
		record.Identify(me)
		if a.fault != nil {
			return web.Answer{}, a.unusable()
		}
		return handlers[r.Method](ctx, a, me)
	})
}

// ServeOpen is Serve for a GET that asks for no credential.
func ServeOpen(w http.ResponseWriter, r *http.Request, h OpenHandler) {
	a := of(r)
	a.serve(w, r, []string{http.MethodGet}, requestBudget, func(ctx context.Context, _ *web.Record) (web.Answer, error) {
		return h(ctx, a)
	})
}

// ServeCron is Serve for what Vercel Cron calls: a GET with the cron's own secret, and with a longer budget.
func ServeCron(w http.ResponseWriter, r *http.Request, h OpenHandler) {
	a := of(r)
	a.serve(w, r, []string{http.MethodGet}, cronBudget, func(ctx context.Context, _ *web.Record) (web.Answer, error) {
		if !a.isCron(r) {
			return web.Answer{}, chat.Fail(chat.Unauthorized, "This is for the cron, which sends its secret.")
		}
		if a.fault != nil {
			return web.Answer{}, a.unusable()
		}
		return h(ctx, a)
	})
}

type contextKey struct{}

// NewContext returns a context whose requests are served by a and not by the App of this process: so one
// process can hold several.
func NewContext(ctx context.Context, a *App) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// of is the App that serves a request.
func of(r *http.Request) *App {
	if a, ok := r.Context().Value(contextKey{}).(*App); ok {
		return a
	}
	return instance()
}

// serve is what belongs to every request.
func (a *App) serve(w http.ResponseWriter, r *http.Request, methods []string, budget time.Duration, h func(context.Context, *web.Record) (web.Answer, error)) {
	record, ctx := web.Begin(w, r)
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()

	a.origins.Share(w, r)
	answer, err := recovering(func() (web.Answer, error) {
		if r.Method == http.MethodOptions {
			return web.Preflight(w, methods), nil
		}
		if err := web.CheckMethod(w, r, methods); err != nil {
			return web.Answer{}, err
		}
		return h(ctx, record)
	})
	status, cause := answer.Status(), answer.Cause()
	if err == nil {
		err = web.Write(w, answer)
	}
	if err != nil {
		status, cause = web.Problem(w, err, record.RequestID()), err
	}
	record.End(ctx, a.log, status, cause)
}

// recovering turns a panic of h into a defect: on Vercel it would end the process and lose the answer.
func recovering(h func() (web.Answer, error)) (answer web.Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = chat.Defect(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	return h()
}

// authenticate finds out who makes a request.
func (a *App) authenticate(ctx context.Context, r *http.Request) (chat.Identity, error) {
	credential := a.identity.Find(r)
	if credential.IsCookie() {
		if err := a.origins.GuardCookie(r); err != nil {
			return chat.Identity{}, err
		}
	}
	return a.identity.Verify(ctx, credential)
}

// isCron tells whether a request carries the cron's secret. Both sides are hashed, so that the comparison
// takes the same time whatever their lengths.
func (a *App) isCron(r *http.Request) bool {
	want := sha256.Sum256([]byte("Bearer " + a.cronSecret))
	got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	return a.cronSecret != "" && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// unusable is the answer while the environment lacks something that nothing can be done without. The log
// said at the start what it is.
func (a *App) unusable() error {
	return chat.Fail(chat.Unavailable, "This deployment is not configured yet. Its log says what is missing.").
		Because(errors.New("the environment cannot be used"))
}
