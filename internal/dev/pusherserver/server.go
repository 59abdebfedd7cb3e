package pusherserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// closeGrace is how long [Server.Close] lets clients answer the close frame, and requests to the API end.
const closeGrace = time.Second

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	options  Options
	address  *net.TCPAddr
	hub      *hub
	webhooks *webhooks // nil without a WebhookURL
	http     *http.Server
	refusal  atomic.Int32 // a Refusal

	ctx    context.Context // ends with the server, and ends every connection
	cancel context.CancelFunc

	running sync.WaitGroup // the listener and the webhooks

	mu      sync.Mutex // guards closed, so that no WebSocket begins once Close waits for them
	closed  bool
	sockets sync.WaitGroup
}

// Start listens, and serves until [Server.Close]. It fails for options that are missing, an address that cannot be
// had, and in production (VERCEL_ENV).
func Start(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("pusherserver: %w", err)
	}
	s := &Server{options: o, address: listener.Addr().(*net.TCPAddr)}
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
	s.running.Go(func() { s.http.Serve(listener) }) // until it is closed: its only error
	return s, nil
}

// Host returns the host to connect to: loopback where the server listens on every address.
func (s *Server) Host() string {
	if s.address.IP.IsUnspecified() {
		return "127.0.0.1"
	}
	return s.address.IP.String()
}

// Port returns the port to connect to.
func (s *Server) Port() string { return strconv.Itoa(s.address.Port) }

// Address returns host:port, as pusher-http-go's Client.Host and as [Options.Address] of a server in the place of one
// that was closed.
func (s *Server) Address() string { return net.JoinHostPort(s.Host(), s.Port()) }

// URL returns the address of the HTTP API: http://host:port.
func (s *Server) URL() string { return "http://" + s.Address() }

// Connections returns the number of WebSockets that are connected.
func (s *Server) Connections() int { return s.hub.count() }

// Cut resets every WebSocket, at once and without a close frame, as a network does that fails. New ones are served.
func (s *Server) Cut() {
	for _, c := range s.hub.all() {
		c.reset()
	}
}

// Refusal is a reason for which the server serves nobody new.
type Refusal int32

// The reasons for which Pusher turns away a whole app.
const (
	// Nothing is refused.
	Nothing Refusal = iota
	// Disabled: new WebSockets are closed with 4003, the HTTP API answers 403.
	Disabled
	// OverQuota: new WebSockets are closed with 4004, the HTTP API answers 403.
	OverQuota
	// OverCapacity: new WebSockets are closed with 4100, upon which clients come back a second later. The HTTP API is
	// served.
	OverCapacity
)

// Refuse turns away what comes from now on, until Refuse(Nothing). Existing WebSockets go on.
func (s *Server) Refuse(r Refusal) { s.refusal.Store(int32(r)) }

// Close ends the server: no new connection, close frame 1001 to every WebSocket, and after a second at most the end of
// what is still open. Webhooks that wait are dropped. When it returns, the address is free and nothing runs any more.
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
	s.http.Close() // what did not end in time
	<-done
	s.running.Wait()
}

// enter counts a WebSocket among what Close waits for, unless the server is closed.
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

// withNetwork keeps a request's connection, which the WebSocket made of it hides.
func withNetwork(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, networkKey{}, c)
}
