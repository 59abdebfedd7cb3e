package pusherserver

import (
	"sync"

	"github.com/coder/websocket"
)

// hub knows who is connected, and who listens to which channel. One mutex guards all of it, so everybody sees the
// changes of a channel in the same order. Nothing waits while the mutex is held, since frames and webhooks are only
// queued.
type hub struct {
	webhooks *webhooks // has a mutex of its own, which is locked inside this one
	recorder *Recorder // the same; may be nil

	mu          sync.Mutex // guards the fields below, every channel, and channels and user of every connection
	connections map[string]*connection
	channels    map[string]*channel // the occupied ones
	closed      bool
}

func newHub(w *webhooks, r *Recorder) *hub {
	return &hub{webhooks: w, recorder: r, connections: map[string]*connection{}, channels: map[string]*channel{}}
}

// add adds a connection. It is false once the hub is closed.
func (h *hub) add(c *connection) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.connections[c.id] = c
	return true
}

// remove removes a connection from its channels and from the hub.
func (h *hub) remove(c *connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removeLocked(c)
}

func (h *hub) removeLocked(c *connection) {
	delete(h.connections, c.id)
	for _, ch := range c.channels {
		h.leaveLocked(c, ch)
	}
}

// expel removes a connection and closes it.
func (h *hub) expel(c *connection, code websocket.StatusCode, reason string) {
	h.remove(c)
	c.end(code, reason)
}

// close returns the connections, and makes add refuse new ones.
func (h *hub) close() []*connection {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	return h.all()
}

func (h *hub) all() []*connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*connection, 0, len(h.connections))
	for _, c := range h.connections {
		all = append(all, c)
	}
	return all
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)
}

// publish delivers events in order, each to the subscribers of its channel except the one that it excludes.
func (h *hub) publish(events []Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		h.recorder.record(e)
		if ch := h.channels[e.Channel]; ch != nil {
			ch.send(frame(e.Name, e.Channel, e.Data), e.SocketID)
		}
	}
}

// terminate closes the connections that are signed in as a user.
func (h *hub) terminate(userID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.connections {
		if c.user != nil && c.user.id == userID {
			h.removeLocked(c)
			c.end(codeUnauthorized, "You got disconnected by the app.")
		}
	}
}
