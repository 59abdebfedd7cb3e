package pusherserver

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// prefixUser is the start of the name of the channel for the events to one user.
const prefixUser = "#server-to-user-"

// channelName matches every channel name that an app may use.
var channelName = regexp.MustCompile(`\A[-A-Za-z0-9_=@,.;]{1,164}\z`)

func isPresence(channel string) bool { return strings.HasPrefix(channel, "presence-") }

// isGuarded says whether a subscription needs a signature.
func isGuarded(channel string) bool {
	return isPresence(channel) || strings.HasPrefix(channel, "private-")
}

// isUsers says whether a channel is for the events to one user. Webhooks and queries never name such a channel.
func isUsers(channel string) bool { return strings.HasPrefix(channel, "#") }

// channel is an occupied channel. The hub's mutex guards it.
type channel struct {
	name        string
	subscribers map[*connection]string // the member's id on a presence channel, otherwise empty
	members     map[string]*member     // on a presence channel, by id
}

// send queues a frame for every subscriber except the connection with the id excluded, which may be no connection's.
func (ch *channel) send(frame []byte, excluded string) {
	for c := range ch.subscribers {
		if c.id != excluded {
			c.send(frame)
		}
	}
}

// subscribe answers the frame
//
//	{"event":"pusher:subscribe","data":{"channel":"private-chat","auth":"key:signature","channel_data":"{…}"}}
func (s *Server) subscribe(c *connection, data json.RawMessage) {
	var request struct {
		Channel     string  `json:"channel"`
		Auth        string  `json:"auth"`
		ChannelData *string `json:"channel_data"`
	}
	if json.Unmarshal(data, &request) != nil {
		c.send(problem("", nil, "Expected data with a channel"))
		return
	}
	channel := request.Channel
	refuse := func(status int, message string) {
		s.options.Log.Info("subscription refused", "socket", c.id, "status", status)
		c.send(refusedSubscription(channel, status, message))
	}
	switch {
	case isUsers(channel):
		if c.user == nil || channel != prefixUser+c.user.id {
			refuse(401, "Only the user who is signed in may subscribe to "+channel)
			return
		}
	case !channelName.MatchString(channel):
		refuse(400, "Invalid channel name")
		return
	case isGuarded(channel):
		text := c.id + ":" + channel
		if request.ChannelData != nil {
			text += ":" + *request.ChannelData // part of the signed text on private channels too
		}
		if err := s.verifyAuth(request.Auth, text); err != nil {
			refuse(401, fmt.Sprintf("%v (subscribing to %s)", err, channel))
			return
		}
	}
	var m *member
	if isPresence(channel) {
		var err error
		if m, err = memberOf(request.ChannelData, c.user); err != nil {
			refuse(400, err.Error())
			return
		}
	}
	if err := s.hub.join(c, channel, m); err != nil {
		refuse(403, err.Error())
		return
	}
	if hint := s.options.Hint(channel); hint != "" {
		s.options.Log.Warn(hint, "channel", channel)
	}
}

// unsubscribe does what this frame asks, and sends no answer:
//
//	{"event":"pusher:unsubscribe","data":{"channel":"my-channel"}}
func (s *Server) unsubscribe(c *connection, data json.RawMessage) {
	var request struct {
		Channel string `json:"channel"`
	}
	if json.Unmarshal(data, &request) != nil {
		c.send(problem("", nil, "Expected data with a channel"))
		return
	}
	if !s.hub.leave(c, request.Channel) {
		c.send(problem("", nil, "No current subscription to channel "+request.Channel))
	}
}

// join subscribes a connection, as a member on a presence channel. It fails if that has too many members. A second
// subscription to one channel gets an error, as from Pusher, and the first one stays.
func (h *hub) join(c *connection, name string, m *member) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.connections[c.id] != c {
		return nil // expelled in the meantime: the frame will not be read
	}
	if c.channels[name] != nil {
		c.send(problem("", nil, "Existing subscription to channel "+name))
		return nil
	}
	ch, occupied := h.channels[name]
	if !occupied {
		ch = &channel{name: name, subscribers: map[*connection]string{}, members: map[string]*member{}}
	}
	if m == nil {
		ch.subscribers[c] = ""
	} else if err := ch.enter(c, m); err != nil {
		return err
	}
	c.channels[name], h.channels[name] = ch, ch
	if !occupied {
		h.webhooks.occupied(name)
	}
	c.send(frame("pusher_internal:subscription_succeeded", name, ch.state()))
	if m != nil && ch.members[m.id].connections == 1 {
		ch.send(memberAdded(name, m), c.id)
		h.webhooks.memberAdded(name, m.id)
	}
	return nil
}

// leave ends a subscription, and says whether there was one.
func (h *hub) leave(c *connection, name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	ch := c.channels[name]
	if ch == nil {
		return false
	}
	h.leaveLocked(c, ch)
	return true
}

func (h *hub) leaveLocked(c *connection, ch *channel) {
	id := ch.subscribers[c]
	delete(ch.subscribers, c)
	delete(c.channels, ch.name)
	if id != "" {
		if m := ch.members[id]; m.connections > 1 {
			m.connections--
		} else {
			delete(ch.members, id)
			ch.send(memberRemoved(ch.name, id), "")
			h.webhooks.memberRemoved(ch.name, id)
		}
	}
	if len(ch.subscribers) == 0 {
		delete(h.channels, ch.name)
		h.webhooks.vacated(ch.name)
	}
}
