package pusherserver

import (
	"bytes"
	"encoding/json"
	"time"
)

// Events that clients may send, and events that only the server may send.
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

// frame makes the frame of an event whose data is a string already.
func frame(event, channel, data string) []byte {
	return encode(sent{Event: event, Channel: channel, Data: data})
}

// internal makes a frame of the protocol itself, whose data is JSON within a JSON string.
func internal(event, channel string, data any) []byte {
	return frame(event, channel, string(encode(data)))
}

func established(id string, activityTimeout time.Duration) []byte {
	return internal("pusher:connection_established", "", struct {
		SocketID        string `json:"socket_id"`
		ActivityTimeout int    `json:"activity_timeout"` // if it is 0, pusher-js gives up and does not retry
	}{id, max(1, int(activityTimeout/time.Second))})
}

// problem makes the frame of an error about the connection or, if one is named, a channel. The connection stays open.
// The code is an integer or nil.
func problem(channel string, code any, message string) []byte {
	return encode(sent{Event: "pusher:error", Channel: channel, Data: struct {
		Code    any    `json:"code"`
		Message string `json:"message"`
	}{code, message}})
}

// refusedSubscription makes the frame of an error that pusher-js passes to the handlers of the channel, as it does when
// an endpoint refuses. Pusher itself sends [problem], which no handler of the channel would see.
func refusedSubscription(channel string, status int, message string) []byte {
	return internal("pusher:subscription_error", channel, struct {
		Type   string `json:"type"`
		Error  string `json:"error"`
		Status int    `json:"status"`
	}{"AuthError", message, status})
}

// encode returns the JSON of a value of this package. HTML is not escaped: the browser takes it as text.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // v is made of types of this package, and of JSON that was decoded before
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
