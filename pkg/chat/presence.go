package chat

import "time"

// Presence is that a client came to its conversation, or that the last of its connections left it, as
// Pusher saw it. News of it come late, twice and in any order: of two, the one with the later At holds.
type Presence struct {
	ClientID string
	Online   bool
	At       time.Time // to the millisecond
}
