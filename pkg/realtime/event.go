package realtime

import (
	"errors"
	"sort"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/pusher/pusher-http-go/v5"

	"devinbox/pkg/chat"
)

// maxDataBytes is how long Pusher lets the data of one event be, in bytes as encoded.
const maxDataBytes = 10 * 1024

// The reasons for which an event cannot be sent at all. The log names them.
var (
	errNameTooLong = errors.New("the channel's name is too long")
	errTooLarge    = errors.New("the data is too large")
	errUnencodable = errors.New("the data cannot be encoded")
)

// shortened is a message whose body was cut. A receiver fetches the whole one.
type shortened struct {
	chat.Message
	Truncated bool `json:"truncated"`
}

// outgoing makes of an event what the library sends. Its data is text already: the library would write
// each < > and & of it as six bytes.
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
	if chat.ValidSocketID(e.ExceptSocket) { // a malformed one would make the library refuse the whole batch
		out.SocketID = &e.ExceptSocket
	}
	return out, nil
}

// encode gives the payload of an event as JSON of at most maxDataBytes, a message too long for that with
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

// longestPrefix is the longest beginning of s that ends between two code points and fits, and "" where
// none does. A beginning of what fits must fit.
func longestPrefix(s string, fits func(string) bool) string {
	prefix := func(n int) string {
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		return s[:n]
	}
	return prefix(sort.Search(len(s), func(n int) bool { return !fits(prefix(n + 1)) }))
}
