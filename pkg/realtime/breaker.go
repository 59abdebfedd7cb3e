package realtime

import (
	"sync"
	"time"
)

// probeEvery is how long a breaker stays open before it lets one request through.
const probeEvery = 30 * time.Second

// breaker stops what has failed and would fail again: each try would cost its sender time, and change nothing.
// Its zero value is closed.
type breaker struct {
	mu    sync.Mutex
	open  bool
	asked time.Time // when the last try was made, or failed; on the wall clock
}

// allow tells whether a try may be made now. If the breaker is open, it is true once every probeEvery.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	now := wallClock()
	if wait := now.Sub(b.asked); 0 <= wait && wait < probeEvery { // if the clock was set back, do not wait
		return false
	}
	b.asked = now
	return true
}

// trip opens the breaker and tells whether it was closed.
func (b *breaker) trip() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.open
	b.open, b.asked = true, wallClock()
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

// wallClock is the time without its monotonic reading. The monotonic clock may stop while an instance is frozen,
// and then a thawed instance would wait too long.
func wallClock() time.Time { return time.Now().Round(0) }
