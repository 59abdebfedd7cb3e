-- Leases at most p_claim events that are due to this call alone. What was claimed and is not acknowledged becomes due
-- again, each time later: after two leases, then four, then up to six.
--
-- It first gives back what was leased before the clock was set back, which is due later than any lease ends, and clears
-- away what has expired.
--
-- Of the thousand that are longest due, it drops those whose lifetime has ended, and those that a later one makes
-- superfluous: an event shows the state at its delivery, so of several on one channel, of one name and about one
-- message (or one side's read mark), the last suffices. It takes turns between conversations: first the longest due of
-- each. It waits for no lock: an event that somebody else holds is being claimed by them.
--
-- One claims at a time; whoever comes meanwhile gets nothing, for the other goes on. Else a claim whose snapshot is a
-- little older would lock events that were just leased, find that they are not due, and keep them locked until it ends:
-- an acknowledgement passes over what is locked, and the event would be delivered again.
create or replace function chat.claim_v2(p_call_id uuid, p_claim integer, p_lease interval, p_lifetime interval)
returns setof chat.saved_v2
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  clock timestamptz;
begin
  if not pg_try_advisory_xact_lock(6401736120514209) then -- any number that nobody else uses
    return;
  end if;
  clock := clock_timestamp();
  with late as materialized (
    select stored.client_id, stored.version, stored.event, stored.target from chat.outbox as stored
      where not stored.refused and stored.due_at > clock + p_lease * 7 for update skip locked
  )
  update chat.outbox as stored set due_at = clock, created_at = least(stored.created_at, clock)
    from late where (stored.client_id, stored.version, stored.event, stored.target) = (late.client_id, late.version, late.event, late.target);
  perform chat.drop_expired_v1(p_lifetime, 100);
  return query
    with ranked as materialized (
      select due.client_id, due.version, due.event, due.target, due.due_at,
          due.created_at <= clock - p_lifetime or due.version < max(due.version) over (
            partition by due.client_id, due.target, due.event,
              case when due.event in ('new-message', 'message-updated') then due.seq end,
              case when due.event = 'messages-read' then due.reader_role end
          ) as superfluous
        from (
          select stored.* from chat.outbox as stored where not stored.refused and stored.due_at <= clock
            order by stored.due_at limit 1000
        ) as due
    ), held as materialized (
      select stored.client_id, stored.version, stored.event, stored.target
        from ranked join chat.outbox as stored using (client_id, version, event, target)
        where ranked.superfluous for update of stored skip locked
    ), dropped as (
      delete from chat.outbox as stored using held
        where (stored.client_id, stored.version, stored.event, stored.target) = (held.client_id, held.version, held.event, held.target)
    ), turns as (
      select ranked.*, row_number() over (partition by ranked.client_id order by ranked.due_at, ranked.version) as turn
        from ranked where not ranked.superfluous
    ), picked as materialized ( -- because the limit and the locks hold only if it runs exactly once
      select stored.client_id, stored.version, stored.event, stored.target
        from turns join chat.outbox as stored using (client_id, version, event, target)
        where stored.due_at <= clock
        order by turns.turn, turns.due_at limit p_claim for update of stored skip locked
    ), claimed as (
      update chat.outbox as stored set
          due_at = clock + p_lease * least(power(2, stored.attempts), 5) * (1 + random() / 5),
          attempts = stored.attempts + 1,
          call_id = p_call_id
        from picked
        where (stored.client_id, stored.version, stored.event, stored.target) = (picked.client_id, picked.version, picked.event, picked.target)
        returning stored.*
    )
    select saved.*
      from claimed
      join chat.conversation as conversation using (client_id)
      left join chat.message as message on message.client_id = claimed.client_id and message.seq = claimed.seq
      cross join lateral chat.saved_v2('claimed', null, false, claimed::chat.outbox, conversation, message) as saved;
end
$function$;
