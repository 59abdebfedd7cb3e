package bench

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"devinbox/internal/bench/floor"
)

// pusher stands for Pusher: it takes everything at once and looks at nothing, so that its own work, which is not to be
// measured, disturbs little.
type pusher struct {
	server   http.Server
	at       floor.Pusher
	requests atomic.Int64
}

func startPusher() (*pusher, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &pusher{at: floor.Pusher{URL: "http://" + l.Addr().String(), AppID: "1", Key: "bench-key", Secret: "bench-secret"}}
	p.server.Handler = p
	go p.server.Serve(l)
	return p, nil
}

// ServeHTTP is POST /apps/1/batch_events.
func (p *pusher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/batch_events") {
		http.NotFound(w, r)
		return
	}
	p.requests.Add(1)
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{}")
}

// variables are those by which a deployment finds it.
func (p *pusher) variables() []string {
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(p.at.URL, "http://"))
	return []string{
		"PUSHER_APP_ID=" + p.at.AppID, "NEXT_PUBLIC_PUSHER_KEY=" + p.at.Key, "PUSHER_SECRET=" + p.at.Secret,
		"PUSHER_HOST=" + host, "PUSHER_PORT=" + port, "PUSHER_USE_TLS=false",
	}
}

func (p *pusher) close() { p.server.Close() }
