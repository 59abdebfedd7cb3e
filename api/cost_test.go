package handler_test

import "testing"

// docs/questions.md counts with this.
func TestWhatIsPublishedForAMessageAndForItsReading(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	for _, call := range []struct {
		name string
		do   func()
	}{
		{"a client's message", func() { grace.sends("Hello") }},
		{"the developer reads it", func() { ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`).is(200) }},
		{"a developer's message", func() { ada.sends("Good morning", "42") }},
		{"the client reads it", func() { grace.post("/api/messages/read", `{"upToSeq":2}`).is(200) }},
	} {
		w.heard.Reset()
		call.do()
		var channels []string
		for _, event := range w.heard.Published() {
			channels = append(channels, event.Channel)
		}
		if len(channels) != 2 || channels[0] != "private-client-42" || channels[1] != "private-developer-inbox" {
			t.Errorf("%s is published to %q", call.name, channels)
		}
	}
}
