package postgres

import (
	"context"
	"time"

	"devinbox/pkg/chat"
)

const presenceSQL = `
	select chat.presence_v3(
		@call_id, @client_id, @online, @at,
		@live, @lease, @lifetime, @online_for
	)`

// RecordPresence implements [chat.Store] with the function presence_v3.
func (s *Store) RecordPresence(ctx context.Context, p chat.PresenceParams) (chat.Saved, error) {
	clientIDs, online, at := make([]string, len(p.News)), make([]bool, len(p.News)), make([]time.Time, len(p.News))
	for i, n := range p.News {
		clientIDs[i], online[i], at[i] = n.ClientID, n.Online, n.At
	}
	rows, err := s.call(ctx, presenceSQL, arguments{
		"client_id":  clientIDs,
		"online":     online,
		"at":         at,
		"live":       p.Live,
		"online_for": chat.PresenceLifetime.String(),
	})
	return chat.Saved{Events: events(rows)}, err
}
