package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const acknowledgeSQL = `
	select chat.acknowledge_v2(
		@client_id, @version, @event, @target, @became,
		@others_taken, @lease, @lifetime
	)`

// Acknowledge implements [chat.Store] with the function acknowledge_v2.
func (s *Store) Acknowledge(ctx context.Context, d chat.Delivery) (due bool, err error) {
	clientIDs, names, targets, became := []string{}, []string{}, []string{}, []string{} // not nil, which would be null
	versions := []int64{}
	name := func(keys []chat.EventKey, what string) {
		for _, k := range keys {
			clientIDs, versions = append(clientIDs, k.ClientID), append(versions, k.Version)
			names, targets, became = append(names, string(k.Name)), append(targets, target(k)), append(became, what)
		}
	}
	name(d.Delivered, "delivered")
	name(d.Refused, "refused")
	name(d.Rejected, "rejected")
	return queryOne(ctx, s, acknowledgeSQL, arguments{
		"client_id":    clientIDs,
		"version":      versions,
		"event":        names,
		"target":       targets,
		"became":       became,
		"others_taken": d.OthersTaken || len(d.Delivered) > 0,
		"lease":        chat.Lease.String(),
		"lifetime":     chat.EventLifetime.String(),
	}, pgx.RowTo[bool])
}

const claimSQL = `select chat.claim_v2(@call_id, @claim, @lease, @lifetime)`

// Claim implements [chat.Store] with the function claim_v2.
func (s *Store) Claim(ctx context.Context, most int) ([]chat.Event, error) {
	rows, err := s.call(ctx, claimSQL, arguments{"claim": most})
	return events(rows), err
}

// Each count stops at a limit. The age is that of the oldest of the thousand that are due first, which is close to the
// oldest of all: what has been tried is due a minute later at most. What is parked waits for nothing.
const queueSQL = `
	select
		not pg_is_in_recovery() and not current_setting('transaction_read_only')::boolean,
		(select count(*) from (select from chat.outbox where not refused limit @limit::int) o),
		(select count(*) from (select from chat.outbox where refused limit @limit::int) o),
		(select greatest(coalesce(extract(epoch from clock_timestamp() - min(o.created_at)), 0), 0)::bigint from (
			select created_at from chat.outbox where not refused order by due_at limit 1000
		) o)`

// Queue implements [chat.Store].
func (s *Store) Queue(ctx context.Context, limit int) (q chat.Queue, writable bool, err error) {
	q, err = queryOne(ctx, s, queueSQL, arguments{"limit": limit}, func(row pgx.CollectableRow) (q chat.Queue, err error) {
		err = row.Scan(&writable, &q.Pending, &q.Parked, &q.OldestSeconds)
		return q, err
	})
	return q, writable, err
}

const dropExpiredSQL = `select chat.drop_expired_v1(@lifetime, 10000)`

// DropExpired implements [chat.Store] with the function drop_expired_v1.
func (s *Store) DropExpired(ctx context.Context) error {
	_, err := query(ctx, s, dropExpiredSQL, arguments{"lifetime": chat.EventLifetime.String()}, nothing)
	return err
}
