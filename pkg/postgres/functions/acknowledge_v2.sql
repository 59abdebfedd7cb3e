-- Forgets the events that were delivered, parks those that Pusher refused as such, then claims at most
-- p_claim events that are due: the longest due first, each leased to this call alone. What was claimed and
-- is not acknowledged becomes due again, each time later: after two leases, then four, then up to six.
--
-- Events are named by four arrays of equal length; the fifth says which of them were refused. A parked event is
-- due when its lifetime ends, and what is due at the end of its lifetime is dropped.
--
-- Its commit does not wait for the disk: if the server crashes right after it, the events are delivered again,
-- which they may be anyway. (A SET clause of the function would end before the commit.)
create or replace function chat.acknowledge_v2(
  p_call_id uuid, p_client_id text[], p_version bigint[], p_event text[], p_target text[], p_refused boolean[],
  p_claim integer, p_lease interval, p_lifetime interval
) returns setof chat.saved_v1
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '750ms' as $function$
declare
  clock timestamptz := clock_timestamp(); -- a value: an index cannot be entered by a volatile function
begin
  perform set_config('synchronous_commit', 'off', true);
  -- A row that somebody else holds is being taken over by them, and theirs to acknowledge: nothing here waits for it.
  for i in 1 .. cardinality(p_client_id) loop
    if p_refused[i] then
      update chat.outbox as stored set due_at = stored.created_at + p_lifetime, refused = true
        where stored.ctid = (
          select free.ctid from chat.outbox as free
            where (free.client_id, free.version, free.event, free.target) = (p_client_id[i], p_version[i], p_event[i], p_target[i])
            for update skip locked
        );
    else
      delete from chat.outbox as stored
        where stored.ctid = (
          select free.ctid from chat.outbox as free
            where (free.client_id, free.version, free.event, free.target) = (p_client_id[i], p_version[i], p_event[i], p_target[i])
            for update skip locked
        );
    end if;
  end loop;
  if p_claim > 0 and exists (select from chat.outbox as stored where stored.due_at <= clock) then
    return query select * from chat.claim_v1(p_call_id, p_claim, p_lease, p_lifetime);
  end if;
end
$function$;
