package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const acknowledgeSQL = `
	select ` + outboxColumns + `, ` + conversationColumns + `, ` + messageColumns + `
	from chat.acknowledge_v1(
		p_done_client_id => @done_client_id::text[], p_done_version => @done_version::bigint[],
		p_done_event => @done_event::text[], p_done_target => @done_target::text[],
		p_refused_client_id => @refused_client_id::text[], p_refused_version => @refused_version::bigint[],
		p_refused_event => @refused_event::text[], p_refused_target => @refused_target::text[],
		p_claim => @claim::int, p_lease => @lease::interval, p_lifetime => @lifetime::interval
	) a
	cross join lateral (select (a.event).*) o
	cross join lateral (select (a.conversation).*) c
	cross join lateral (select (a.message).*) m`

// Acknowledge implements [chat.Store] with the function acknowledge_v1.
func (s *Store) Acknowledge(ctx context.Context, d chat.Delivery, claim int) ([]chat.Event, error) {
	args := pgx.StrictNamedArgs{
		"claim":    claim,
		"lease":    chat.Lease.String(),
		"lifetime": chat.EventLifetime.String(),
	}
	nameEvents(args, "done", d.Delivered)
	nameEvents(args, "refused", d.Refused)
	return query(ctx, s, acknowledgeSQL, args, func(row pgx.CollectableRow) (chat.Event, error) {
		var o outboxRow
		var m messageRow
		var about occurrence
		err := row.Scan(slices.Concat(o.targets(), about.targets(), m.targets())...)
		if err != nil {
			return chat.Event{}, err
		}
		about.message, about.except = m.message(), o.socketID
		if o.readerRole != nil {
			about.reader = chat.Sender{ID: *o.readerID, Role: chat.Role(*o.readerRole), Name: o.readerName}
		}
		return about.event(o.version, chat.EventName(o.event), o.target), nil
	})
}

// nameEvents gives events to a statement as four arrays of equal length.
func nameEvents(args pgx.StrictNamedArgs, prefix string, keys []chat.EventKey) {
	clientIDs, versions := make([]string, len(keys)), make([]int64, len(keys))
	names, targets := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		clientIDs[i], versions[i], names[i], targets[i] = k.ClientID, k.Version, string(k.Name), target(k)
	}
	args[prefix+"_client_id"], args[prefix+"_version"] = clientIDs, versions
	args[prefix+"_event"], args[prefix+"_target"] = names, targets
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

// A run of cron drops a bounded number, so that a backlog of days does not cost it its deadline.
const dropExpiredSQL = `
	with expired as materialized (
		select o.client_id, o.version, o.event, o.target
		from chat.outbox o
		where o.due_at <= now() and o.created_at <= now() - @lifetime::interval
		order by o.due_at
		limit 10000
		for update skip locked
	)
	delete from chat.outbox o using expired e
	where (o.client_id, o.version, o.event, o.target) = (e.client_id, e.version, e.event, e.target)`

// DropExpired implements [chat.Store].
func (s *Store) DropExpired(ctx context.Context) error {
	_, err := query(ctx, s, dropExpiredSQL, pgx.StrictNamedArgs{"lifetime": chat.EventLifetime.String()}, pgx.RowTo[int])
	return err
}
