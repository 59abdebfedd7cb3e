-- Leases at most p_claim events that are due to this call alone, the longest due first, and drops of them those
-- whose lifetime has ended. It waits for no lock: an event that somebody else holds is being claimed by them.
create or replace function chat.claim_v1(p_call_id uuid, p_claim integer, p_lease interval, p_lifetime interval)
returns setof chat.saved_v1
language plpgsql volatile as $function$
declare
  clock timestamptz := clock_timestamp();
begin
  return query
    -- Materialized, because the limit and the locks hold only if it runs exactly once.
    with picked as materialized (
      select stored.client_id, stored.version, stored.event, stored.target, stored.created_at <= clock - p_lifetime as expired
        from chat.outbox as stored where stored.due_at <= clock
        order by stored.due_at limit p_claim for update skip locked
    ), dropped as (
      delete from chat.outbox as stored using picked
        where picked.expired
          and (stored.client_id, stored.version, stored.event, stored.target) = (picked.client_id, picked.version, picked.event, picked.target)
    ), claimed as (
      update chat.outbox as stored set
          due_at = clock + p_lease * least(power(2, stored.attempts), 5) * (1 + random() / 5),
          attempts = stored.attempts + 1,
          call_id = p_call_id
        from picked
        where not picked.expired
          and (stored.client_id, stored.version, stored.event, stored.target) = (picked.client_id, picked.version, picked.event, picked.target)
        returning stored.*
    )
    select saved.*
      from claimed
      join chat.conversation as conversation using (client_id)
      left join chat.message as message on message.client_id = claimed.client_id and message.seq = claimed.seq
      cross join lateral chat.saved_v1('claimed', null, false, claimed::chat.outbox, conversation, message) as saved;
end
$function$;
