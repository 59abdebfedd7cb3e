package chat

import (
	"context"
	"slices"
	"strings"
	"time"
)

// PresenceLifetime is how long nothing need be heard of a client who is online before it counts as gone.
const PresenceLifetime = 12 * time.Hour

// Presence is that a client came to its conversation, or that the last of its connections left it, as
// Pusher saw it. News of it come late, twice and in any order: of two, the one with the later At holds.
type Presence struct {
	ClientID string
	Online   bool
	At       time.Time // to the millisecond
}

// RecordPresence keeps who is online, and announces each conversation of which that has changed.
// Errors: those of the Store.
func (s *Service) RecordPresence(ctx context.Context, news []Presence) error {
	if len(news) == 0 {
		return nil
	}
	// Every writer locks several conversations in the same order, so that no two wait for each other.
	news = slices.SortedStableFunc(slices.Values(news), func(a, b Presence) int { return strings.Compare(a.ClientID, b.ClientID) })
	_, _, err := save(ctx, s, s.store.RecordPresence, PresenceParams{News: news, Live: s.publisher.Enabled()})
	return err
}
