package pusherserver

import (
	"bytes"
	"encoding/json"
	"time"
)

// What clients may send, and what only the server may say.
const (
	prefixPusher   = "pusher:"
	prefixInternal = "pusher_internal:"
	prefixClient   = "client-"
)

// received is a frame from a client:
//
//	{"event":"pusher:subscribe","data":{"channel":"my-channel"}}
//	{"event":"client-typing","channel":"private-chat","data":{…}}
type received struct {
	Event   string          `json:"event"`
	Channel string          `json:"channel"`
	Data    json.RawMessage `json:"data"`
}

// sent is a frame to a client:
//
//	{"event":"new-message","channel":"my-channel","data":"{\"id\":1}"}
type sent struct {
	Event   string `json:"event"`
	Channel string `json:"channel,omitempty"`
	Data    any    `json:"data,omitempty"`
	UserID  string `json:"user_id,omitempty"` // on a presence channel, of the client who sent it
}

var pong = frame("pusher:pong", "", "{}")

// frame is the frame of an event whose data is a text already.
func frame(event, channel, data string) []byte {
	return encode(sent{Event: event, Channel: channel, Data: data})
}

// internal is a frame of the protocol's own, whose data is JSON within a JSON string.
func internal(event, channel string, data any) []byte {
	return frame(event, channel, string(encode(data)))
}

func established(id string, activityTimeout time.Duration) []byte {
	return internal("pusher:connection_established", "", struct {
		SocketID        string `json:"socket_id"`
		ActivityTimeout int    `json:"activity_timeout"` // pusher-js gives up for good where it is 0
	}{id, max(1, int(activityTimeout/time.Second))})
}

// problem is an error that concerns the connection or, where it is named, a channel. It closes nothing. The code is
// an integer or nil.
func problem(channel string, code any, message string) []byte {
	return encode(sent{Event: "pusher:error", Channel: channel, Data: struct {
		Code    any    `json:"code"`
		Message string `json:"message"`
	}{code, message}})
}

// refusedSubscription is the error that pusher-js hands to the handlers of the channel, in the form of its own for an
// endpoint that refuses. Pusher sends [problem] in its place, which no handler of the channel would see.
func refusedSubscription(channel string, status int, message string) []byte {
	return internal("pusher:subscription_error", channel, struct {
		Type   string `json:"type"`
		Error  string `json:"error"`
		Status int    `json:"status"`
	}{"AuthError", message, status})
}

// encode gives the JSON of what this package made. HTML is not escaped: a browser reads text.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // only types of this package come here, and JSON that was decoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
