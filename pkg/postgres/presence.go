package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const presenceSQL = `
	select saved.* from chat.presence_v2(
		p_call_id => @call_id::uuid, p_client_id => @client_id::text[], p_online => @online::boolean[], p_at => @at::timestamptz[],
		p_live => @live::boolean, p_lease => @lease::interval, p_lifetime => @lifetime::interval, p_online_for => @online_for::interval
	) saved`

// RecordPresence implements [chat.Store] with the function presence_v2.
func (s *Store) RecordPresence(ctx context.Context, p chat.PresenceParams) (chat.Saved, error) {
	clientIDs, online, at := make([]string, len(p.News)), make([]bool, len(p.News)), make([]time.Time, len(p.News))
	for i, n := range p.News {
		clientIDs[i], online[i], at[i] = n.ClientID, n.Online, n.At
	}
	rows, err := s.call(ctx, presenceSQL, pgx.StrictNamedArgs{
		"client_id":  clientIDs,
		"online":     online,
		"at":         at,
		"live":       p.Live,
		"online_for": chat.PresenceLifetime.String(),
	})
	return chat.Saved{Events: events(rows)}, err
}
