package realtime

import (
	"strconv"
	"strings"

	"devinbox/pkg/chat"
)

// MaxChannelName is how many characters Pusher allows in the name of a channel.
const MaxChannelName = 164

// Channels says who can listen on Pusher without being authorised, and with it how channels are named.
// Its zero value is [Private].
type Channels uint8

// The three ways to name channels.
const (
	Private  Channels = iota // private-client-42 and private-developer-inbox: both need authorisation
	Presence                 // presence-client-42 and private-developer-inbox: members see who is there, 100 at most
	Public                   // client-42 and developer-inbox: readable by anybody who has the app key
)

// ParseChannels reads the word for one of the three: private, presence or public. An empty one is private.
func ParseChannels(mode string) (c Channels, ok bool) {
	switch mode {
	case "", "private":
		return Private, true
	case "presence":
		return Presence, true
	case "public":
		return Public, true
	default:
		return Private, false
	}
}

var _ chat.Channels = Private

// names are the name of the inbox and what stands before the escaped id in the name of a conversation.
func (c Channels) names() (inbox, conversation string) {
	switch c {
	case Public:
		return "developer-inbox", "client-"
	case Presence:
		// Nobody asks which developers watch the inbox, and each one there would count against the hundred.
		return "private-developer-inbox", "presence-client-"
	default:
		return "private-developer-inbox", "private-client-"
	}
}

// Name is the channel of a place. It holds nothing but the characters that Pusher allows; whether there
// are too many of them, [Channels.Fits] tells.
func (c Channels) Name(place chat.Place) string {
	inbox, conversation := c.names()
	if place.Inbox {
		return inbox
	}
	return conversation + escape(place.ClientID)
}

// Parse is the inverse of Name: it gives the place whose channel has exactly this name. It is false for
// every name that Name never gives to a valid id, and for one of more than [MaxChannelName] characters.
func (c Channels) Parse(name string) (place chat.Place, ok bool) {
	if len(name) > MaxChannelName {
		return chat.Place{}, false
	}
	inbox, conversation := c.names()
	if name == inbox {
		return chat.Place{Inbox: true}, true
	}
	escaped, found := strings.CutPrefix(name, conversation)
	place.ClientID = unescape(escaped)
	// Only one spelling of an id is its name: the one that would be made of it again.
	if !found || !chat.ValidID(place.ClientID) || c.Name(place) != name {
		return chat.Place{}, false
	}
	return place, true
}

// Fits tells whether the conversation of a client can have a channel: whether its name, in which each
// byte of the id outside [A-Za-z0-9_@,.;-] takes three characters, has at most [MaxChannelName] of them.
func (c Channels) Fits(clientID string) bool {
	return len(c.Name(chat.Place{ClientID: clientID})) <= MaxChannelName
}

// KeepPresence is true of [Presence]: only there does Pusher tell which clients are online.
func (c Channels) KeepPresence() bool { return c == Presence }

// escape writes each byte that may not stand for itself as = and two upper-case hexadecimal digits.
func escape(id string) string {
	const digits = "0123456789ABCDEF"
	var name strings.Builder
	for i := range len(id) {
		if b := id[i]; plain(b) {
			name.WriteByte(b)
		} else {
			name.Write([]byte{'=', digits[b>>4], digits[b&15]})
		}
	}
	return name.String()
}

// unescape reads what escape wrote. What it makes of anything else is not that thing's own id.
func unescape(name string) string {
	var id strings.Builder
	for i := 0; i < len(name); i++ {
		b := name[i]
		if b == '=' {
			code, err := strconv.ParseUint(name[i+1:min(i+3, len(name))], 16, 8)
			if err != nil {
				return ""
			}
			b = byte(code)
			i += 2
		}
		id.WriteByte(b)
	}
	return id.String()
}

// plain is true of the bytes that stand for themselves: all that Pusher allows in a name but =, which escapes.
func plain(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("_@,.;-", b) >= 0
}
