-- Settles the events that a request to Pusher was about, then claims at most p_claim events that are due: see
-- claim_v1. Events are named by four arrays of equal length; the fifth says what became of each:
--
--   'delivered'  Pusher took it. It is forgotten.
--   'refused'    Pusher never takes it. It is parked until its lifetime ends, and then dropped.
--   'rejected'   Pusher refused it alone. If it took other events in this call (p_others_taken), that counts against the
--                event, which is parked when that has happened eight times over at least ten minutes.
--
-- Its commit does not wait for the disk: if the server crashes right after it, the events are delivered again,
-- which they may be anyway. (A SET clause of the function would end before the commit.)
create or replace function chat.acknowledge_v2(
  p_call_id uuid, p_client_id text[], p_version bigint[], p_event text[], p_target text[], p_became text[],
  p_others_taken boolean, p_claim integer, p_lease interval, p_lifetime interval
) returns setof chat.saved_v1
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off as $function$
declare
  clock    timestamptz := clock_timestamp(); -- a value: an index cannot be entered by a volatile function
  place    tid;
  hopeless boolean;
begin
  perform set_config('synchronous_commit', 'off', true);
  for i in 1 .. cardinality(p_client_id) loop
    -- Nothing here waits for a lock: a row that somebody else holds is being taken over by them, and theirs to settle.
    select stored.ctid into place from chat.outbox as stored
      where (stored.client_id, stored.version, stored.event, stored.target) = (p_client_id[i], p_version[i], p_event[i], p_target[i])
      for update skip locked;
    continue when not found;
    if p_became[i] = 'delivered' then
      delete from chat.outbox as stored where stored.ctid = place;
    elsif p_became[i] = 'refused' or p_others_taken then
      update chat.outbox as stored set rejections = stored.rejections + 1, rejected_at = coalesce(stored.rejected_at, clock)
        where stored.ctid = place
        returning stored.ctid, stored.rejections >= 8 and stored.rejected_at <= clock - interval '10 minutes' into place, hopeless;
      if p_became[i] = 'refused' or hopeless then
        update chat.outbox as stored set refused = true, due_at = stored.created_at + p_lifetime where stored.ctid = place;
      end if;
    end if;
  end loop;
  -- One look at the indexes tells whether there is anything to claim or to clear away, which there hardly ever is. An
  -- event that is due later than any lease ends was leased before the clock was set back.
  if p_claim > 0 and (
    exists (select from chat.outbox as stored where not stored.refused and stored.due_at <= clock)
    or exists (select from chat.outbox as stored where not stored.refused and stored.due_at > clock + p_lease * 7)
    or exists (select from chat.outbox as stored where stored.refused and stored.due_at <= clock)
  ) then
    update chat.outbox as stored set due_at = clock, created_at = least(stored.created_at, clock)
      where not stored.refused and stored.due_at > clock + p_lease * 7;
    perform chat.drop_expired_v1(p_lifetime, 100);
    return query select * from chat.claim_v1(p_call_id, p_claim, p_lease, p_lifetime);
  end if;
end
$function$;
