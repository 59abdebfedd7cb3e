-- Settles the events that a request to Pusher was about, and tells whether there is anything for claim_v2 to do. Events
-- are named by four arrays of equal length; the fifth says what became of each:
--
--   'delivered'  Pusher took it. It is forgotten.
--   'refused'    Pusher never takes it. It is parked until its lifetime ends, and then dropped.
--   'rejected'   Pusher refused it alone. If it took other events in this call (p_others_taken), that counts against the
--                event, which is parked when that has happened eight times over at least ten minutes.
--
-- Nothing here waits for a lock: a row that somebody else holds is being taken over by them, and theirs to settle. Nor
-- does the commit wait for the disk: if the server crashes right after it, the events are delivered again, which they may
-- be anyway. (A SET clause of the function would end before the commit.)
create or replace function chat.acknowledge_v2(
  p_client_id text[], p_version bigint[], p_event text[], p_target text[], p_became text[],
  p_others_taken boolean, p_lease interval, p_lifetime interval
) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  clock timestamptz := clock_timestamp(); -- a value: an index cannot be entered by a volatile function
begin
  perform set_config('synchronous_commit', 'off', true);
  for i in 1 .. cardinality(p_client_id) loop
    if p_became[i] = 'delivered' then
      delete from chat.outbox as stored where stored.ctid = (
        select named.ctid from chat.outbox as named
          where (named.client_id, named.version, named.event, named.target) = (p_client_id[i], p_version[i], p_event[i], p_target[i])
          for update skip locked
      );
    elsif p_became[i] = 'refused' or p_others_taken then
      perform chat.reject_v1(p_client_id[i], p_version[i], p_event[i], p_target[i], p_became[i] = 'refused', p_lifetime);
    end if;
  end loop;
  -- One look at the indexes. An event that is due later than any lease ends was leased before the clock was set back.
  return exists (select from chat.outbox as stored where not stored.refused and stored.due_at <= clock)
    or exists (select from chat.outbox as stored where not stored.refused and stored.due_at > clock + p_lease * 7)
    or exists (select from chat.outbox as stored where stored.refused and stored.due_at <= clock);
end
$function$;
