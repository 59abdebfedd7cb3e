package realtime

import (
	"net/http"
	"time"
)

// SetTransport replaces the connections of p.
func (p *Publisher) SetTransport(t http.RoundTripper) { p.transport = t }

// Transport returns the connections of p.
func (p *Publisher) Transport() *http.Transport { return p.transport.(*http.Transport) }

// Asked returns the time from which p's open breaker counts.
func (p *Publisher) Asked() *time.Time { return &p.breaker.asked }
