package pusherserver

import (
	"slices"
	"sync"
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
}

// Published returns the events since the start or the last Reset, oldest first.
func (r *Recorder) Published() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Reset forgets the events.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}

// record does nothing on a nil Recorder.
func (r *Recorder) record(e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}
