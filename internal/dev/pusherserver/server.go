package pusherserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"devinbox/internal/dev/loopback"
)

// closeGrace is how long [Server.Close] waits for clients to answer the close frame, and for API requests to end.
const closeGrace = time.Second

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	loopback.Listening // its URL is the address of the HTTP API

	options  Options
	hub      *hub
	webhooks *webhooks // nil without a WebhookURL
	http     *http.Server
	refusal  atomic.Int32 // a Refusal
	skew     atomic.Int64 // a time.Duration

	ctx    context.Context // ends with the server, and ends every connection
	cancel context.CancelFunc

	running sync.WaitGroup // the goroutines of the listener and the webhooks

	mu      sync.Mutex // guards closed, so that no WebSocket starts once Close waits for them
	closed  bool
	sockets sync.WaitGroup
}

// Start listens, and serves until [Server.Close].
// Errors: options that are missing; an address that is not free; production (VERCEL_ENV).
func Start(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("pusherserver: %w", err)
	}
	s := &Server{options: o, Listening: loopback.ListeningOn(listener)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if o.WebhookURL != "" {
		s.webhooks = newWebhooks(o)
		s.running.Go(func() { s.webhooks.run(s.ctx) })
	}
	s.hub = newHub(s.webhooks, o.Recorder)
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       o.IdleTimeout,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
		ConnContext:       withNetwork,
	}
	s.running.Go(func() { s.http.Serve(listener) }) // it ends when it is closed, which is its only error
	return s, nil
}

// Connections returns the number of connected WebSockets.
func (s *Server) Connections() int { return s.hub.count() }

// Cut resets every WebSocket, at once and without a close frame, as a failing network does. New ones are served.
func (s *Server) Cut() {
	for _, c := range s.hub.all() {
		c.reset()
	}
}

// Refusal is a reason for refusing new WebSockets and requests.
type Refusal int32

// The reasons for which Pusher refuses a whole app.
const (
	// Nothing is refused.
	Nothing Refusal = iota
	// Disabled: new WebSockets are closed with 4003, the HTTP API answers 403.
	Disabled
	// OverQuota: new WebSockets are closed with 4004, the HTTP API answers 403.
	OverQuota
	// OverCapacity: new WebSockets are closed with 4100, and clients reconnect a second later. The HTTP API is
	// served.
	OverCapacity
	// Elsewhere: the app is in another cluster. New WebSockets are closed with 4001, the HTTP API answers 401.
	Elsewhere
)

// Refuse refuses new WebSockets and requests from now on, until Refuse(Nothing). Existing WebSockets stay open.
func (s *Server) Refuse(r Refusal) { s.refusal.Store(int32(r)) }

// Skew sets the clock by which requests to the HTTP API are judged, and which its answers tell (Date), so far ahead of
// this machine's, or behind it where d is negative: as if the caller's clock was wrong by as much the other way.
func (s *Server) Skew(d time.Duration) { s.skew.Store(int64(d)) }

// Close ends the server: it accepts no new connection, sends close frame 1001 to every WebSocket, and after at most a
// second closes what is still open. Pending webhooks are dropped. When it returns, the address is free and nothing of
// the server is running.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, closeGrace)
	defer cancel()
	for _, c := range s.hub.close() {
		c.end(websocket.StatusGoingAway, "Server shutting down")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.http.Shutdown(ctx)
		s.sockets.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel()
	s.http.Close() // closes what did not end in time
	<-done
	s.running.Wait()
}

// enter makes Close wait for a WebSocket. It is false if the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sockets.Add(1)
	return true
}

func (s *Server) handler() http.Handler {
	api := s.api()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			api.ServeHTTP(w, r)
		} else if s.enter() {
			defer s.sockets.Done()
			s.serveSocket(w, r)
		} else {
			http.Error(w, "Server shutting down", http.StatusServiceUnavailable)
		}
	})
}

type networkKey struct{}

// withNetwork keeps the network connection of a request in its context, since the WebSocket made from it hides it.
func withNetwork(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, networkKey{}, c)
}
