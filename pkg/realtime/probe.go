package realtime

import (
	"context"
	"net/http"
	"time"

	"github.com/pusher/pusher-http-go/v5"
)

// Probe is what Pusher answers to a signed question that changes nothing. It holds no secret and no signature.
type Probe struct {
	Accepted bool      // Pusher knows the app and takes its signature
	Status   int       // 0 if no answer came
	Class    string    // one word for what went wrong, which may be shown
	Answer   string    // the body, at most 64 KB. Pusher's own words may repeat the key and a signature: do not show it
	Date     time.Time // Pusher's clock, to the second; zero if the answer has none
	Sent     time.Time // this machine's clock when the request left,
	Came     time.Time // and when the answer came
}

// Probe asks Pusher which channels are occupied, as the app that [Options] name and signed with its secret. It takes at
// most 5 s, pays no regard to the breaker, and counts as one message. If Pusher is not configured, its Class is "disabled".
func (p *Publisher) Probe(ctx context.Context) Probe {
	if !p.enabled {
		return Probe{Class: "disabled"}
	}
	prefix := probePrefix // so that the answer is short
	out := Probe{Sent: wallClock()}
	c := p.request(ctx, func(through *http.Client) {
		client := p.client
		client.HTTPClient = through
		_, _ = client.Channels(pusher.ChannelsParams{FilterByPrefix: &prefix}) // the call knows what happened
	})
	out.Came = wallClock()
	out.Accepted, out.Status, out.Answer, out.Date = c.accepted(), c.status, c.answer.String(), c.date
	if !out.Accepted {
		out.Class = c.class()
	}
	return out
}

// probePrefix begins the name of no channel that there is.
const probePrefix = "private-devinbox-probe"
