package pusherserver

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// maxFrameBytes is the size of the largest frame that is accepted. It is enough for the largest event, also after
// escaping.
const maxFrameBytes = 128 << 10

// Close codes of https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/#error-codes.
const (
	codeUnknownApp          websocket.StatusCode = 4001
	codeDisabled            websocket.StatusCode = 4003
	codeOverQuota           websocket.StatusCode = 4004
	codePath                websocket.StatusCode = 4005
	codeVersion             websocket.StatusCode = 4006
	codeUnsupportedProtocol websocket.StatusCode = 4007
	codeNoProtocol          websocket.StatusCode = 4008
	codeUnauthorized        websocket.StatusCode = 4009
	codeOverCapacity        websocket.StatusCode = 4100
	codePongTimeout         websocket.StatusCode = 4201
)

// clientEventRejected is not a close code: 4300 and above would make pusher-js give up.
const clientEventRejected = 4301

var libraryVersion = regexp.MustCompile(`\A\d+(\.\d+)*([-+.][-+.0-9A-Za-z]*)?\z`)

// connection is one WebSocket. Three goroutines serve it: one reads frames and does what they say, one writes, one
// checks that the client is still there.
type connection struct {
	id      string
	socket  *websocket.Conn
	network net.Conn
	log     *slog.Logger
	drop    context.CancelFunc // ends the connection without a close frame
	queue   chan []byte
	writing time.Duration // that one frame may take
	tooSlow sync.Once
	pulse   *pulse

	ending  chan struct{} // closed by end
	endOnce sync.Once
	code    websocket.StatusCode // set together with ending
	reason  string

	clientEvents [maxClientEventRate]time.Time // the times of the latest ones, a ring; only the reading goroutine uses it
	nextEvent    int

	// Guarded by hub.mu. Only the reading goroutine changes user, so it may read it without the mutex.
	channels map[string]*channel
	user     *user
}

// serveSocket upgrades a request and serves the WebSocket until it ends. It reports what is wrong with the request by a
// close code, which needs an upgraded connection.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	pulse := &pulse{start: time.Now()}
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // browsers come from another origin, and send nothing but the public key
		OnPingReceived:     func(context.Context, []byte) bool { pulse.beat(); return true },
		OnPongReceived:     func(context.Context, []byte) { pulse.beat() },
	})
	if err != nil {
		return // Accept has sent an error already
	}
	defer socket.CloseNow()
	socket.SetReadLimit(-1) // read enforces the limit, without closing the connection
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	network := r.Context().Value(networkKey{}).(net.Conn)
	context.AfterFunc(ctx, func() { network.Close() }) // nothing may block on it after the connection has ended

	if code, reason := s.check(r); code != 0 {
		s.options.Log.Info("connection refused", "code", int(code), "reason", reason)
		socket.Write(ctx, websocket.MessageText, problem("", int(code), reason))
		socket.Close(code, reason)
		return
	}
	c := &connection{
		id: newSocketID(), socket: socket, network: network, log: s.options.Log, drop: cancel,
		queue: make(chan []byte, s.options.SendQueue), writing: s.options.WriteTimeout, pulse: pulse,
		ending: make(chan struct{}), channels: map[string]*channel{},
	}
	c.send(established(c.id, s.options.ActivityTimeout))
	if !s.hub.add(c) {
		c.end(websocket.StatusGoingAway, "Server shutting down")
	}
	var running sync.WaitGroup
	running.Go(func() { c.write(ctx) })
	running.Go(func() {
		if c.fellSilent(ctx, s.options.ActivityTimeout, s.options.PongTimeout) {
			s.hub.expel(c, codePongTimeout, "Pong reply not received in time")
		}
	})
	for {
		frame, err := c.read(ctx)
		if err != nil {
			break
		}
		s.receive(c, frame)
	}
	s.hub.remove(c)
	cancel()
	running.Wait()
}

// check returns why a connection is refused: a close code and its text; 0 if it is not.
func (s *Server) check(r *http.Request) (websocket.StatusCode, string) {
	key, isApp := strings.CutPrefix(r.URL.Path, "/app/")
	query := r.URL.Query()
	protocol, err := strconv.Atoi(query.Get("protocol"))
	version := query.Get("version")
	switch {
	case !isApp || key == "" || strings.Contains(key, "/"):
		return codePath, "Path not found"
	case query.Get("protocol") == "":
		return codeNoProtocol, "No protocol version supplied"
	case err != nil || protocol < 5 || protocol > 7:
		return codeUnsupportedProtocol, "Unsupported protocol version"
	case version != "" && !libraryVersion.MatchString(version):
		return codeVersion, "Invalid version string format"
	case key != s.options.Key, Refusal(s.refusal.Load()) == Elsewhere:
		return codeUnknownApp, "App key not in this cluster. Did you forget to specify the cluster?"
	}
	switch Refusal(s.refusal.Load()) {
	case Disabled:
		return codeDisabled, "Application disabled"
	case OverQuota:
		return codeOverQuota, "Account over quota"
	case OverCapacity:
		return codeOverCapacity, "Over capacity"
	}
	return 0, ""
}

// receive does what one frame says. The frames of a connection arrive here one after another, in order.
func (s *Server) receive(c *connection, frame []byte) {
	var r received
	if !utf8.Valid(frame) || json.Unmarshal(frame, &r) != nil || r.Event == "" {
		c.send(problem("", nil, "Expected a text frame of JSON with an event"))
		return
	}
	switch r.Event {
	case "pusher:ping":
		c.send(pong)
	case "pusher:pong":
	case "pusher:subscribe":
		s.subscribe(c, r.Data)
	case "pusher:unsubscribe":
		s.unsubscribe(c, r.Data)
	case "pusher:signin":
		s.signIn(c, r.Data)
	default:
		s.clientEvent(c, r)
	}
}

// newSocketID makes a connection's id: two random numbers of 32 bits, so that ids do not collide and cannot be guessed.
func newSocketID() string {
	var b [8]byte
	rand.Read(b[:])
	return fmt.Sprintf("%d.%d", binary.BigEndian.Uint32(b[:4]), binary.BigEndian.Uint32(b[4:]))
}

// read returns the next text frame. It discards a frame that is binary or too large, and returns nil for it.
func (c *connection) read(ctx context.Context) ([]byte, error) {
	kind, r, err := c.socket.Reader(ctx)
	if err != nil {
		return nil, err
	}
	frame, err := io.ReadAll(io.LimitReader(r, maxFrameBytes))
	if err != nil {
		return nil, err
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return nil, err
	}
	c.pulse.beat()
	if rest > 0 || kind != websocket.MessageText {
		return nil, nil
	}
	return frame, nil
}

// send queues a frame. It never blocks: a client whose queue is full reads too slowly and is dropped.
func (c *connection) send(frame []byte) {
	select {
	case <-c.ending:
		return
	default:
	}
	select {
	case c.queue <- frame:
	default:
		c.tooSlow.Do(func() {
			c.log.Info("connection dropped: it reads too slowly", "socket", c.id)
			c.drop()
		})
	}
}

// end closes the connection after the queued frames are sent. Only the first call has an effect.
func (c *connection) end(code websocket.StatusCode, reason string) {
	c.endOnce.Do(func() {
		c.code, c.reason = code, reason
		close(c.ending)
	})
}

// reset ends the connection as a broken network would.
func (c *connection) reset() {
	if tcp, ok := c.network.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.network.Close()
}

// write sends the queued frames until the connection ends.
func (c *connection) write(ctx context.Context) {
	for {
		select {
		case frame := <-c.queue:
			if !c.writeFrame(ctx, frame) {
				return
			}
		case <-c.ending:
			for len(c.queue) > 0 && c.writeFrame(ctx, <-c.queue) {
			}
			c.socket.Close(c.code, c.reason)
			c.drop()
			return
		case <-ctx.Done():
			return
		}
	}
}

// writeFrame writes a frame, and drops the connection if that fails.
func (c *connection) writeFrame(ctx context.Context, frame []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, c.writing)
	defer cancel()
	if err := c.socket.Write(ctx, websocket.MessageText, frame); err != nil {
		c.drop()
		return false
	}
	return true
}

// fellSilent waits until the client has been silent for too long and does not answer a ping, or until the connection
// ends. It is true in the first case.
func (c *connection) fellSilent(ctx context.Context, activity, pong time.Duration) bool {
	for wait := activity; ; {
		select {
		case <-time.After(wait):
		case <-c.ending:
			return false
		case <-ctx.Done():
			return false
		}
		if wait = activity - c.pulse.silence(); wait > 0 {
			continue
		}
		wait = activity
		pinging, cancel := context.WithTimeout(ctx, pong)
		err := c.socket.Ping(pinging)
		cancel()
		if err != nil && c.pulse.silence() >= pong { // and nothing else has come in the meantime
			return ctx.Err() == nil
		}
	}
}

// pulse knows when something last came from a client.
type pulse struct {
	start time.Time
	last  atomic.Int64 // a time.Duration since start
}

func (p *pulse) beat() { p.last.Store(int64(time.Since(p.start))) }

func (p *pulse) silence() time.Duration { return time.Since(p.start) - time.Duration(p.last.Load()) }
