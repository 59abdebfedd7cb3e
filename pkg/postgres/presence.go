package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const presenceSQL = `
	select p.events, ` + conversationColumns + `
	from chat.presence_v1(
		p_client_id => @client_id::text[], p_online => @online::boolean[], p_at => @at::timestamptz[],
		p_live => @live::boolean, p_lease => @lease::interval, p_lifetime => @lifetime::interval
	) p
	cross join lateral (select (p.conversation).*) c`

// RecordPresence implements [chat.Store] with the function presence_v1.
func (s *Store) RecordPresence(ctx context.Context, news []chat.Presence, live bool) ([]chat.Event, error) {
	clientIDs, online, at := make([]string, len(news)), make([]bool, len(news)), make([]time.Time, len(news))
	for i, n := range news {
		clientIDs[i], online[i], at[i] = n.ClientID, n.Online, n.At
	}
	changed, err := query(ctx, s, presenceSQL, pgx.StrictNamedArgs{
		"client_id": clientIDs,
		"online":    online,
		"at":        at,
		"live":      live,
		"lease":     chat.Lease.String(),
		"lifetime":  chat.PresenceLifetime.String(),
	}, func(row pgx.CollectableRow) ([]chat.Event, error) {
		var names []string
		var about occurrence
		if err := row.Scan(slices.Concat([]any{&names}, about.targets())...); err != nil {
			return nil, err
		}
		return about.events(names)
	})
	return slices.Concat(changed...), err
}
