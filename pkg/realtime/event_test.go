package realtime_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"devinbox/pkg/chat"
)

// payload is what a receiver reads from a message event.
type payload struct {
	chat.Message
	CreatedAt string `json:"createdAt"`
	EditedAt  any    `json:"editedAt"`
	DeletedAt any    `json:"deletedAt"`
	Truncated *bool  `json:"truncated"`
}

func TestAMessageTooLongForPusherIsShortened(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, log := publisher(t, pusher.URL)
	for name, body := range map[string]string{
		"emoji":      strings.Repeat("😀", 8000),
		"shifted":    "a" + strings.Repeat("😀", 7999),
		"newlines":   strings.Repeat("\n", 7998) + "ab",
		"quotes":     strings.Repeat(`"`, 8000),
		"slashes":    strings.Repeat(`\`, 8000),
		"two bytes":  strings.Repeat("é", 8000),
		"separators": strings.Repeat("\u2028", 8000),
	} {
		e := message(1, body)
		mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
		requests := pusher.Requests()
		data := requests[len(requests)-1][0].Data
		var got payload
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			t.Fatal(err)
		}
		if len(data) > 10240 || len(data) < 10240-4 {
			t.Errorf("%s: %d bytes, want as many of 10240 as whole characters allow", name, len(data))
		}
		if got.Truncated == nil || !*got.Truncated || !strings.HasPrefix(body, got.Body) || !utf8.ValidString(got.Body) {
			t.Errorf("%s: truncated %v, body of %d bytes", name, got.Truncated, len(got.Body))
		}
		if got.Seq != 1 || got.ID != e.Message.ID || *got.ClientMessageID != "8c" || got.CreatedAt != "2026-11-23T10:00:00.123Z" {
			t.Errorf("%s: the rest is changed: %+v", name, got)
		}
		if e.Message.Body != body {
			t.Errorf("%s: the caller's message is changed", name)
		}
	}
	if log.String() != "" {
		t.Errorf("log: %s", log)
	}
}

func TestOnlyTheBodyOfAMessageIsShortened(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	for _, piece := range []string{`"`, "😀", "é"} {
		e := message(1, strings.Repeat(piece, 8000))
		e.Message.Sender.Name = pointer(strings.Repeat(piece, 120))
		e.Message.Sender.ID = strings.Repeat(piece, 120/len(piece))
		e.Message.ClientMessageID = pointer(strings.Repeat(`"`, 64))
		mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
		requests := pusher.Requests()
		data := requests[len(requests)-1][0].Data
		var got payload
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			t.Fatal(err)
		}
		if len(data) > 10240 || len(data) < 10240-4 || !strings.HasPrefix(e.Message.Body, got.Body) || got.Truncated == nil {
			t.Errorf("%s: %d bytes, with a body of %d", piece, len(data), len(got.Body))
		}
		if *got.Sender.Name != *e.Message.Sender.Name || got.Sender.ID != e.Message.Sender.ID || *got.ClientMessageID != *e.Message.ClientMessageID {
			t.Errorf("%s: more than the body is changed", piece)
		}
	}
}

func TestAMessageThatFitsGoesWhole(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	for _, body := range []string{strings.Repeat("<", 8000), strings.Repeat("&", 8000), strings.Repeat("a", 8000), "</script> \u2028 \\ \" \t \n é 😀"} {
		e := message(1, body)
		mustBe(t, p.Publish(t.Context(), []chat.Event{e}), keys(e), nil)
		requests := pusher.Requests()
		data := requests[len(requests)-1][0].Data
		var got payload
		if err := json.Unmarshal([]byte(data), &got); err != nil || got.Body != body || got.Truncated != nil {
			t.Errorf("%.10q: %d of %d bytes, truncated %v, %v", body, len(got.Body), len(body), got.Truncated, err)
		}
		if strings.Contains(data, `\u003c`) || strings.Contains(data, `\u0026`) || strings.Contains(data, `\u2028`) {
			t.Errorf("%.10q is written as escapes", body)
		}
	}
}

func TestTheLimitIsTenKibibytesExactly(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	p, _ := publisher(t, pusher.URL)
	p.Publish(t.Context(), []chat.Event{message(1, "")})
	rest := len(pusher.Only(t)[0].Data)
	for _, test := range []struct {
		over int
		want bool
	}{{0, false}, {1, true}} {
		p.Publish(t.Context(), []chat.Event{message(1, strings.Repeat("a", 10240-rest+test.over))})
		requests := pusher.Requests()
		data := requests[len(requests)-1][0].Data
		if got := strings.Contains(data, `"truncated":true`); got != test.want || len(data) != 10240 {
			t.Errorf("%d over: truncated %v, %d bytes", test.over, got, len(data))
		}
	}
}

func TestTheRecordOfARefusedEventHoldsNoEmail(t *testing.T) {
	t.Parallel()
	pusher := newAPI(t)
	pusher.Always(413, "{}")
	p, log := publisher(t, pusher.URL)
	event := message(1, "Hello")
	event.ClientID = "grace@example.com"
	p.Publish(t.Context(), []chat.Event{event})
	// printf %s grace@example.com | sha256sum | cut -c1-16
	if text := log.String(); !strings.Contains(text, "sha256=b533d4547eaa5a0f") || strings.Contains(text, "@") {
		t.Errorf("the log says %s", text)
	}
}

func TestWhatCannotBeSentIsRefusedAndTheOthersGo(t *testing.T) {
	t.Parallel()
	large := changed(2)
	large.Conversation.ClientName = pointer(strings.Repeat("a", 10240))
	unnamable := message(3, "Hello")
	unnamable.ClientID = strings.Repeat("😀", 30)
	invalid := message(4, "secret \xff body")
	hopeless := message(5, strings.Repeat("a", 10240))
	hopeless.Message.Sender.ID = strings.Repeat("a", 10240)
	fine := message(6, "Hello")

	pusher := newAPI(t)
	p, log := publisher(t, pusher.URL)
	mustBe(t, p.Publish(t.Context(), []chat.Event{large, unnamable, invalid, hopeless, fine}), keys(fine), keys(large, unnamable, invalid, hopeless))
	if n := len(pusher.Only(t)); n != 1 {
		t.Errorf("%d events are sent", n)
	}
	if lines := log.Lines(slog.LevelError); len(lines) != 4 || strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "aaaa") {
		t.Errorf("log: %s", log)
	}

	mustBe(t, p.Publish(t.Context(), []chat.Event{large}), nil, keys(large))
	if n := len(pusher.Requests()); n != 1 {
		t.Errorf("an empty batch is sent: %d requests", n)
	}
}
