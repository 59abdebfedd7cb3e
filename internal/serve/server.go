package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"devinbox/pkg/app"
)

const (
	headerTimeout  = 10 * time.Second
	maxHeaderBytes = 64 << 10 // the cookies of Auth.js can have 32 KiB
	// idleTimeout is longer than that of most load balancers: they should close an idle connection first, because
	// a request can be on its way when we do.
	idleTimeout = 2 * time.Minute
)

// Options say how a process serves.
type Options struct {
	Handler http.Handler
	App     *app.App // serves every request
	Log     *slog.Logger

	// RequestTimeout limits how long a request may take to read, and how long to answer. 0 is no limit.
	RequestTimeout time.Duration
	// Linger is how long connections stay open at the end, because a request can be on its way. Each one is closed
	// after its next answer, so a busy server waits for less.
	Linger time.Duration
	// Patience is how long Run waits at the end for requests that have begun. 0 is as long as they take.
	Patience time.Duration
}

// Run serves the requests of a listener until ctx ends. Then it takes no more connections, and returns when every
// request that has begun is answered.
// Errors: those of the listener; context.DeadlineExceeded if a request took longer than Patience.
func Run(ctx context.Context, listener net.Listener, o Options) error {
	var ending atomic.Bool
	var connections atomic.Int64
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ending.Load() {
				w.Header().Set("Connection", "close")
			}
			o.Handler.ServeHTTP(w, r)
		}),
		BaseContext: func(net.Listener) context.Context { return app.NewContext(context.Background(), o.App) },
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Add(-1)
			}
		},
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       o.RequestTimeout,
		WriteTimeout:      o.RequestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	ending.Store(true)
	listener.Close()
	// Shutdown closes idle connections, even if a request is just arriving on one: a client that was answered a
	// moment ago can be sending its next request.
	for end := time.Now().Add(o.Linger); connections.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	patience := context.WithoutCancel(ctx)
	if o.Patience > 0 {
		var cancel context.CancelFunc
		patience, cancel = context.WithTimeout(patience, o.Patience)
		defer cancel()
	}
	err := server.Shutdown(patience)
	if errors.Is(err, net.ErrClosed) { // we closed the listener
		err = nil
	}
	return err
}
