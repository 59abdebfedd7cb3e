package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const acknowledgeSQL = `
	select saved.* from chat.acknowledge_v2(
		p_call_id => @call_id::uuid, p_client_id => @client_id::text[], p_version => @version::bigint[],
		p_event => @event::text[], p_target => @target::text[], p_refused => @refused::boolean[],
		p_claim => @claim::int, p_lease => @lease::interval, p_lifetime => @lifetime::interval
	) saved`

// Acknowledge implements [chat.Store] with the function acknowledge_v2.
func (s *Store) Acknowledge(ctx context.Context, d chat.Delivery, claim int) ([]chat.Event, error) {
	keys := slices.Concat(d.Delivered, d.Refused)
	clientIDs, versions := make([]string, len(keys)), make([]int64, len(keys))
	names, targets := make([]string, len(keys)), make([]string, len(keys))
	refused := make([]bool, len(keys))
	for i, k := range keys {
		clientIDs[i], versions[i], names[i], targets[i] = k.ClientID, k.Version, string(k.Name), target(k)
		refused[i] = i >= len(d.Delivered)
	}
	rows, err := s.call(ctx, acknowledgeSQL, pgx.StrictNamedArgs{
		"client_id": clientIDs,
		"version":   versions,
		"event":     names,
		"target":    targets,
		"refused":   refused,
		"claim":     claim,
	})
	return events(rows), err
}

// The age is that of the oldest of the thousand that are due first, which is close to the oldest of all: what
// has been tried is due a minute later at most. What is parked ages in peace, for nobody can deliver it.
const queueSQL = `
	select
		(select count(*) from (select from chat.outbox limit @limit::int) o),
		(select greatest(coalesce(extract(epoch from clock_timestamp() - min(o.created_at)), 0), 0)::bigint from (
			select created_at from chat.outbox where not refused order by due_at limit 1000
		) o)`

// Queue implements [chat.Store].
func (s *Store) Queue(ctx context.Context, limit int) (chat.Queue, error) {
	return queryOne(ctx, s, queueSQL, pgx.StrictNamedArgs{"limit": limit}, func(row pgx.CollectableRow) (q chat.Queue, err error) {
		err = row.Scan(&q.Pending, &q.OldestSeconds)
		return q, err
	})
}

const dropExpiredSQL = `select chat.drop_expired_v1(p_lifetime => @lifetime::interval)`

// DropExpired implements [chat.Store] with the function drop_expired_v1.
func (s *Store) DropExpired(ctx context.Context) error {
	_, err := query(ctx, s, dropExpiredSQL, pgx.StrictNamedArgs{"lifetime": chat.EventLifetime.String()}, func(pgx.CollectableRow) (struct{}, error) { return struct{}{}, nil })
	return err
}
