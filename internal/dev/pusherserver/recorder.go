package pusherserver

import (
	"slices"
	"sync"
	"time"
)

// Event is an event that was published through the HTTP API, on one channel.
type Event struct {
	Channel  string
	Name     string
	Data     string
	SocketID string // of the connection that did not get it, if any
}

// Recorder keeps the events that a server published, whether anybody listened or not. The zero value is ready to use.
// It may be used by one server after another. Its methods may be called from several goroutines.
type Recorder struct {
	mu     sync.Mutex
	events []Event
	times  []time.Time // of each of events
}

// Published returns the events since the start or the last Reset, oldest first.
func (r *Recorder) Published() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Times returns when each of the events that Published returns was published. It may hold those of a few later ones, too.
func (r *Recorder) Times() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.times)
}

// Reset forgets the events.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.times = nil, nil
}

// record does nothing on a nil Recorder.
func (r *Recorder) record(e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.times = append(r.events, e), append(r.times, time.Now())
}
