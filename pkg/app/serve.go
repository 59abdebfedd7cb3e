package app

import (
	"cmp"
	"context"
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
	// requestBudget is how long one request may take. Vercel sets no deadline.
	requestBudget = 5 * time.Second
	// cronBudget is how long one run of the cron may take; vercel.json gives its function a little more.
	cronBudget = 50 * time.Second
)

// Handler answers one request. me is the caller, or the zero Identity if the [Route] does not authenticate. The handler
// writes nothing itself: it returns an answer or an error.
type Handler func(ctx context.Context, a *App, me chat.Identity) (web.Answer, error)

// Route is how one method of a resource is served: to whom, by which handler, and within what time.
type Route struct {
	admit  func(a *App, ctx context.Context, r *http.Request) (chat.Identity, error)
	handle Handler
	budget time.Duration
}

// Known serves callers with a valid credential.
func Known(h Handler) Route { return Route{(*App).known, h, requestBudget} }

// Developers serves developers. Others are rejected before their request is read.
func Developers(h Handler) Route { return Route{(*App).developer, h, requestBudget} }

// Visitor serves callers with a valid credential, and callers without one, who are nobody (the zero Identity). An invalid
// devinbox session also counts as nobody.
func Visitor(h Handler) Route { return Route{(*App).visitor, h, requestBudget} }

// Anybody serves every caller without authentication, even if the configuration is invalid.
func Anybody(h Handler) Route { return Route{(*App).anybody, h, requestBudget} }

// Cron serves callers that send the cron's secret, such as Vercel Cron, and has a longer budget.
func Cron(h Handler) Route { return Route{(*App).cron, h, cronBudget} }

// Call returns a Handler that decodes the body into the parameter of a method of the chat, calls it, and answers 200
// with its result.
func Call[In, Out any](r *http.Request, method func(*chat.Service, context.Context, chat.Identity, In) (Out, error)) Handler {
	return func(ctx context.Context, a *App, me chat.Identity) (web.Answer, error) {
		in, err := web.Decode[In](r)
		if err != nil {
			return web.Answer{}, err
		}
		out, err := method(a.Chat, ctx, me, in)
		if err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusOK, out), nil
	}
}

// Routes are the methods of a resource.
type Routes map[string]Route

// Serve answers a request with h if it has the given method and a valid credential.
func Serve(w http.ResponseWriter, r *http.Request, method string, h Handler) {
	ServeRoutes(w, r, Routes{method: Known(h)})
}

// ServeRoutes answers a request by the route of its method. Around the handler it does what every request
// needs: CORS, the request's id, a deadline for it and for its body, the cross-origin guard for cookies, the problem details of
// an error, recovery from a panic, and one record of the log.
func ServeRoutes(w http.ResponseWriter, r *http.Request, routes Routes) {
	a := of(r)
	methods := slices.Sorted(maps.Keys(routes))
	route := routes[r.Method]
	record, ctx := web.Begin(w, r)
	// A saved message is announced even if the browser has disconnected.
	end := time.Now().Add(cmp.Or(route.budget, requestBudget))
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	web.LimitBody(w, r, end)

	a.origins.Share(w, r)
	answer, err := recovering(func() (web.Answer, error) {
		if r.Method == http.MethodOptions {
			return web.Preflight(w, methods), nil
		}
		if err := web.CheckMethod(w, r, methods); err != nil {
			return web.Answer{}, err
		}
		me, err := route.admit(a, ctx, r)
		record.Identify(me) // even if this caller is rejected below
		if err != nil {
			return web.Answer{}, err
		}
		return route.handle(ctx, a, me)
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
