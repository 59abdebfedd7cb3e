package chat

import (
	"context"
	"slices"
	"strings"
	"time"
)

// PresenceLifetime is after how long without news an online client counts as offline.
const PresenceLifetime = 12 * time.Hour

// Presence is news from Pusher: a client came to its conversation, or the last of its connections left it.
// News may arrive late, twice and in any order: the one with the latest At counts.
type Presence struct {
	ClientID string
	Online   bool
	At       time.Time // to the millisecond
}

// RecordPresence stores who is online, and announces each conversation for which that has changed.
// Errors: those of the Store.
func (s *Service) RecordPresence(ctx context.Context, news []Presence) error {
	if len(news) == 0 {
		return nil
	}
	// Every writer locks several conversations in the same order, so that no two wait for each other.
	news = slices.SortedStableFunc(slices.Values(news), func(a, b Presence) int { return strings.Compare(a.ClientID, b.ClientID) })
	_, _, err := saveAndAnnounce(ctx, s, s.store.RecordPresence, PresenceParams{News: news, Live: s.publisher.Enabled()})
	return err
}
