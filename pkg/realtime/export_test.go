package realtime

import "net/http"

// SetTransport replaces the connections of p.
func (p *Publisher) SetTransport(t http.RoundTripper) { p.transport = t }

// Transport gives the connections of p.
func (p *Publisher) Transport() *http.Transport { return p.transport.(*http.Transport) }
