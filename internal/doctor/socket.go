package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// Pusher's codes for an app that it does not serve.
const (
	codeUnknownApp   = 4001
	codeDisabled     = 4003
	codeOverQuota    = 4004
	codeOverCapacity = 4100
)

// socket is a connection to Pusher, as a browser has one.
type socket struct {
	conn *websocket.Conn
	id   string
}

type frame struct {
	Event   string          `json:"event"`
	Channel string          `json:"channel,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// into reads the data of a frame, which Pusher sends as an object or as a string of JSON.
func (f frame) into(to any) error {
	data := f.Data
	var text string
	if json.Unmarshal(data, &text) == nil {
		data = []byte(text)
	}
	return json.Unmarshal(data, to)
}

// refusal is why Pusher serves no connection: a code of its protocol, or else a word for what happened on the way.
type refusal struct {
	code int
	word string
}

func (r refusal) Error() string { return r.word }

// dial connects as a browser that knows a key. Its errors are refusals.
func dial(ctx context.Context, o realtime.Options, key string) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	u := url.URL{Scheme: "wss", Host: o.Host, Path: "/app/" + key, RawQuery: "protocol=7&client=devinbox&version=1.0.0&flash=false"}
	if o.NoTLS {
		u.Scheme = "ws"
	}
	if o.Host == "" {
		u.Host = "ws-" + o.Cluster + ".pusher.com"
	}
	if o.Port != "" {
		u.Host = net.JoinHostPort(o.Host, o.Port)
	} else if strings.Contains(o.Host, ":") {
		u.Host = "[" + o.Host + "]"
	}
	conn, _, err := websocket.Dial(ctx, u.String(), nil)
	if err != nil {
		return nil, refusal{word: wordFor(err)}
	}
	s := &socket{conn: conn}
	first, err := s.read(ctx)
	if err == nil && first.Event == "pusher:connection_established" {
		var hello struct {
			SocketID string `json:"socket_id"`
		}
		if first.into(&hello) == nil && chat.ValidSocketID(hello.SocketID) {
			s.id = hello.SocketID
			return s, nil
		}
	}
	s.close()
	var problem struct {
		Code *int `json:"code"`
	}
	code := int(websocket.CloseStatus(err))
	if err == nil && first.Event == "pusher:error" && first.into(&problem) == nil && problem.Code != nil {
		code = *problem.Code
	}
	switch {
	case code >= 4000:
		return nil, refusal{code: code, word: "refused"}
	case err != nil && code < 0:
		return nil, refusal{word: wordFor(err)}
	default:
		return nil, refusal{word: "foreign"}
	}
}

func (s *socket) close() { _ = s.conn.CloseNow() }

func (s *socket) read(ctx context.Context) (frame, error) {
	_, data, err := s.conn.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	return f, json.Unmarshal(data, &f)
}

func (s *socket) send(ctx context.Context, f any) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.conn.Write(ctx, websocket.MessageText, data)
}

// await reads until one of some events comes.
func (s *socket) await(ctx context.Context, events ...string) (frame, error) {
	for {
		f, err := s.read(ctx)
		if err != nil {
			return frame{}, err
		}
		for _, event := range events {
			if f.Event == event {
				return f, nil
			}
		}
	}
}

var errRefused = errors.New("the subscription was refused")

// subscribe listens to the conversation of a client, with the right that the product's own code gives an identity.
func (s *socket) subscribe(ctx context.Context, p *realtime.Publisher, channel string, me chat.Identity) error {
	signed, err := p.Authorize(me, s.id, channel)
	if err != nil {
		return err
	}
	var data map[string]any
	if err := json.Unmarshal(signed, &data); err != nil {
		return err
	}
	data["channel"] = channel
	if err := s.send(ctx, map[string]any{"event": "pusher:subscribe", "data": data}); err != nil {
		return err
	}
	answer, err := s.await(ctx, "pusher_internal:subscription_succeeded", "pusher:subscription_error", "pusher:error")
	if err == nil && answer.Event != "pusher_internal:subscription_succeeded" {
		err = errRefused
	}
	return err
}

// wordFor is one word for what went wrong on the way, which repeats no address.
func wordFor(err error) string {
	var dns *net.DNSError
	var network net.Error
	text := err.Error() // looked at, and not shown
	switch {
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case strings.Contains(text, "tls:"), strings.Contains(text, "x509:"), strings.Contains(text, "first record does not look like a TLS handshake"), strings.Contains(text, "gave HTTP response to HTTPS client"):
		return "tls"
	case strings.Contains(text, "refused"):
		return "refused"
	case strings.Contains(text, "expected handshake response status code"):
		return "foreign"
	default:
		return "connection"
	}
}

// because is a sentence's end for a word of [wordFor], or of [realtime.Probe].
func because(word string) string {
	switch word {
	case "dns":
		return "its name leads nowhere"
	case "timeout":
		return tooSlow
	case "tls":
		return "its certificate or its TLS is not accepted"
	case "refused":
		return "nothing listens there"
	case "foreign":
		return "something else answers instead, such as a proxy"
	default:
		return "the connection fails"
	}
}

var tooSlow = "it does not answer within " + callTimeout.String()

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
