-- Forgets the events that were delivered, parks those that Pusher refused as such, then claims at most
-- p_claim events that are due: the longest due first, each leased to this call alone. What was claimed and
-- is not acknowledged becomes due again, each time later: after two leases, then four, then up to six.
--
-- Events are named by four arrays of equal length. A parked event is due when its lifetime ends, and what
-- is due at the end of its lifetime is dropped.
--
-- Nothing here waits for a lock: a row that somebody else holds is being taken over or forgotten by them,
-- and theirs to acknowledge. So two calls that name the same events in another order cannot block each other.
create or replace function chat.acknowledge_v1(
  p_done_client_id text[], p_done_version bigint[], p_done_event text[], p_done_target text[],
  p_refused_client_id text[], p_refused_version bigint[], p_refused_event text[], p_refused_target text[],
  p_claim integer, p_lease interval, p_lifetime interval
) returns table (event chat.outbox, conversation chat.conversation, message chat.message)
language plpgsql volatile as $function$
declare
  at timestamptz := clock_timestamp(); -- a value: the index of what is due cannot be entered by a volatile function
begin
  if cardinality(p_done_client_id) > 0 then
    with done as materialized (
      select o.client_id, o.version, o.event, o.target
        from unnest(p_done_client_id, p_done_version, p_done_event, p_done_target) as d (client_id, version, event, target)
        join chat.outbox o using (client_id, version, event, target)
        for update of o skip locked
    )
    delete from chat.outbox o using done d
      where (o.client_id, o.version, o.event, o.target) = (d.client_id, d.version, d.event, d.target);
  end if;
  if cardinality(p_refused_client_id) > 0 then
    with refused as materialized (
      select o.client_id, o.version, o.event, o.target
        from unnest(p_refused_client_id, p_refused_version, p_refused_event, p_refused_target) as r (client_id, version, event, target)
        join chat.outbox o using (client_id, version, event, target)
        for update of o skip locked
    )
    update chat.outbox o set due_at = o.created_at + p_lifetime, refused = true
      from refused r
      where (o.client_id, o.version, o.event, o.target) = (r.client_id, r.version, r.event, r.target);
  end if;
  if p_claim <= 0 then
    return;
  end if;
  return query
    -- Materialized, for the limit and the locks hold only where it runs exactly once.
    with picked as materialized (
      select o.client_id, o.version, o.event, o.target, o.created_at <= at - p_lifetime as expired
        from chat.outbox o where o.due_at <= at
        order by o.due_at limit p_claim for update skip locked
    ), dropped as (
      delete from chat.outbox o using picked p
        where p.expired and (o.client_id, o.version, o.event, o.target) = (p.client_id, p.version, p.event, p.target)
    ), claimed as (
      update chat.outbox o set
          due_at = at + p_lease * least(power(2, o.attempts), 5) * (1 + random() / 5),
          attempts = o.attempts + 1
        from picked p
        where not p.expired and (o.client_id, o.version, o.event, o.target) = (p.client_id, p.version, p.event, p.target)
        returning o.*
    )
    select claimed::chat.outbox, c, m
      from claimed
      join chat.conversation c on c.client_id = claimed.client_id
      left join chat.message m on m.client_id = claimed.client_id and m.seq = claimed.seq
      order by claimed.client_id, claimed.version, claimed.event desc, claimed.target;
end
$function$;
