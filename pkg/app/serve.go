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
	// requestBudget is what one request may take. Vercel gives a request no deadline of its own.
	requestBudget = 5 * time.Second
	// cronBudget is what one run of the cron may take; vercel.json gives its function a little more.
	cronBudget = 50 * time.Second
)

// Handler answers one request. me is who makes it, where its [Route] says who that may be, and nobody
// elsewhere. What it returns, an answer or an error, is all that it says.
type Handler func(ctx context.Context, a *App, me chat.Identity) (web.Answer, error)

// Route is how one method of a resource is served: to whom, by which handler, and in what time.
type Route struct {
	admit  func(a *App, ctx context.Context, r *http.Request) (chat.Identity, error)
	handle Handler
	budget time.Duration
}

// Known serves callers with a good credential.
func Known(h Handler) Route { return Route{(*App).known, h, requestBudget} }

// Developers serves developers. Others are refused before anything of what they ask is read.
func Developers(h Handler) Route { return Route{(*App).developer, h, requestBudget} }

// Visitor serves callers with a good credential, and those with none, who are nobody. One whose session of ours is
// not good is nobody, too.
func Visitor(h Handler) Route { return Route{(*App).visitor, h, requestBudget} }

// Anybody serves every caller as nobody, also where the environment cannot be used.
func Anybody(h Handler) Route { return Route{(*App).anybody, h, requestBudget} }

// Cron serves what Vercel Cron calls, with the cron's own secret, and has a longer budget.
func Cron(h Handler) Route { return Route{(*App).cron, h, cronBudget} }

// Call is the Handler of a request whose body is what a method of the chat takes, and whose answer is a 200 with
// what the method gives.
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

// Serve answers a request with h where its method is the given one and its credential good.
func Serve(w http.ResponseWriter, r *http.Request, method string, h Handler) {
	ServeRoutes(w, r, Routes{method: Known(h)})
}

// ServeRoutes answers a request by the route of its method. Around the handler it does what belongs to every
// request: CORS, the request's id, a deadline for it and for its body, the cross-origin guard for cookies, the problem details of
// an error, recovery from a panic, and one record of the log.
func ServeRoutes(w http.ResponseWriter, r *http.Request, routes Routes) {
	a := of(r)
	methods := slices.Sorted(maps.Keys(routes))
	route := routes[r.Method]
	record, ctx := web.Begin(w, r)
	// What is saved is announced also where the browser has left meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(route.budget, requestBudget))
	defer cancel()
	if end, ok := ctx.Deadline(); ok {
		web.LimitBody(w, r, end)
	}

	a.origins.Share(w, r)
	answer, err := recovering(func() (web.Answer, error) {
		if r.Method == http.MethodOptions {
			return web.Preflight(w, methods), nil
		}
		if err := web.CheckMethod(w, r, methods); err != nil {
			return web.Answer{}, err
		}
		me, err := route.admit(a, ctx, r)
		record.Identify(me) // also who is known and not admitted
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
