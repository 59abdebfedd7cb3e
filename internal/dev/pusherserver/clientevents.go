package pusherserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxClientEventRate is how many client events a connection may send per second.
const maxClientEventRate = 10

// clientEvent passes on an event that a client sends to the others of its channel:
//
//	{"event":"client-typing","channel":"private-chat","data":{…}}
//
// What Pusher refuses gets an error, and the connection stays open; pusher-js itself checks only the name.
func (s *Server) clientEvent(c *connection, r received) {
	var code any
	err := s.mayTrigger(r)
	if err == nil && !c.underRate(time.Now()) {
		code, err = clientEventRejected, fmt.Errorf("Too many client events: at most %d a second", maxClientEventRate)
	}
	if err == nil {
		err = s.hub.clientEvent(c, r)
	}
	if err != nil {
		s.options.Log.Info("client event refused", "socket", c.id)
		c.send(problem(r.Channel, code, err.Error()))
	}
}

// mayTrigger checks what can be checked without the channel's subscribers.
func (s *Server) mayTrigger(r received) error {
	switch {
	case !strings.HasPrefix(r.Event, prefixClient):
		return fmt.Errorf("Unknown event: those of clients begin with %s", prefixClient)
	case s.options.NoClientEvents:
		return errors.New("To send client events, you must enable this feature in the Settings page of your dashboard.")
	case !isGuarded(r.Channel):
		return errors.New("Client events are only for private and presence channels")
	case len([]rune(r.Event)) > maxEventName:
		return fmt.Errorf("The name of an event has at most %d characters", maxEventName)
	case len(text(r.Data)) > maxDataBytes:
		return fmt.Errorf("The data content of this event exceeds the allowed maximum (%d bytes)", maxDataBytes)
	}
	return nil
}

// underRate counts a client event, and is false, without counting it, if it is one too many.
func (c *connection) underRate(now time.Time) bool {
	if oldest := c.clientEvents[c.nextEvent]; !oldest.IsZero() && now.Sub(oldest) < time.Second {
		return false
	}
	c.clientEvents[c.nextEvent] = now
	c.nextEvent = (c.nextEvent + 1) % len(c.clientEvents)
	return true
}

// clientEvent delivers a client event to the other subscribers, with its data unchanged.
func (h *hub) clientEvent(c *connection, r received) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	ch := c.channels[r.Channel]
	if ch == nil {
		return fmt.Errorf("Cannot broadcast client event (connection not subscribed to channel %s)", r.Channel)
	}
	id := ch.subscribers[c]
	e := sent{Event: r.Event, Channel: r.Channel, UserID: id}
	if r.Data != nil {
		e.Data = r.Data
	}
	ch.send(encode(e), c.id)
	h.webhooks.clientEvent(r, c.id, id)
	return nil
}

// text returns an event's data as a string: the string itself, or the JSON of anything else.
func text(data json.RawMessage) string {
	var s string
	if json.Unmarshal(data, &s) == nil {
		return s
	}
	return string(data)
}
