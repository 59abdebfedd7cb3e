package realtime

import (
	"errors"
	"sort"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
)

// maxDataBytes is Pusher's limit for the data of one event, in bytes as encoded.
const maxDataBytes = 10 * 1024

// The reasons why an event cannot be sent at all. They are logged.
var (
	errNameTooLong = errors.New("the channel's name is too long")
	errTooLarge    = errors.New("the data is too large")
	errUnencodable = errors.New("the data cannot be encoded")
)

// shortened is a message whose body was cut. A receiver fetches the whole message.
type shortened struct {
	chat.Message
	Truncated bool `json:"truncated"`
}

// outgoing turns an event into what the library sends. Its data is a string already: the library would write
// each <, > and & in it as six bytes.
func (p *Publisher) outgoing(e chat.Event) (pusher.Event, error) {
	channel := p.channels.Name(e.Place())
	if len(channel) > MaxChannelName {
		return pusher.Event{}, errNameTooLong
	}
	data, err := encode(e)
	if err != nil {
		return pusher.Event{}, err
	}
	out := pusher.Event{Channel: channel, Name: string(e.Name), Data: data}
	if chat.ValidSocketID(e.ExceptSocket) { // for a malformed one the library would refuse the whole batch
		out.SocketID = &e.ExceptSocket
	}
	return out, nil
}

// encode returns the payload of an event as JSON of at most maxDataBytes. A message that is too long for that gets
// as much of its body as fits.
func encode(e chat.Event) (string, error) {
	data, err := json.Marshal(e.Payload())
	if err != nil {
		return "", errUnencodable
	}
	if len(data) <= maxDataBytes {
		return string(data), nil
	}
	if e.Message == nil {
		return "", errTooLarge
	}
	cut := shortened{*e.Message, true}
	cut.Body = longestPrefix(e.Message.Body, func(body string) bool {
		cut.Body = body
		data, err = json.Marshal(cut)
		return err == nil && len(data) <= maxDataBytes
	})
	if data, err = json.Marshal(cut); err != nil || len(data) > maxDataBytes {
		return "", errTooLarge
	}
	return string(data), nil
}

// longestPrefix returns the longest prefix of s that ends between two code points and fits, or "" if none
// does. Every prefix of one that fits must fit too.
func longestPrefix(s string, fits func(string) bool) string {
	prefix := func(n int) string {
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		return s[:n]
	}
	return prefix(sort.Search(len(s), func(n int) bool { return !fits(prefix(n + 1)) }))
}
