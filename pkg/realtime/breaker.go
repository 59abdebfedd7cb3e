package realtime

import (
	"sync"
	"time"
)

// probeEvery is how long a breaker stays open before it lets one request through.
const probeEvery = 30 * time.Second

// breaker keeps requests from a Pusher that refuses this app: each would cost its sender time, Pusher
// patience, and change nothing. Its zero value is closed.
type breaker struct {
	mu      sync.Mutex
	open    bool
	probeAt time.Time
}

// allow tells whether a request may be made now. Of an open breaker it is true once every probeEvery.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	now := time.Now()
	if now.Before(b.probeAt) {
		return false
	}
	b.probeAt = now.Add(probeEvery)
	return true
}

// trip opens the breaker and tells whether it was closed.
func (b *breaker) trip() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.open
	b.open, b.probeAt = true, time.Now().Add(probeEvery)
	return !was
}

// reset closes the breaker and tells whether it was open.
func (b *breaker) reset() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.open
	b.open = false
	return was
}
