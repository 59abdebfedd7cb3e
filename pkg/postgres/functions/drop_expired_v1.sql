-- Drops events whose lifetime has ended: those that were parked, and those that are due. Of each at most p_limit, so that
-- a backlog of days costs nobody its deadline. It waits for no lock.
create or replace function chat.drop_expired_v1(p_lifetime interval, p_limit integer) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  clock timestamptz := clock_timestamp();
begin
  with parked as materialized (
    select stored.client_id, stored.version, stored.event, stored.target from chat.outbox as stored
      where stored.refused and stored.due_at <= clock
      order by stored.due_at limit p_limit for update skip locked
  )
  delete from chat.outbox as stored using parked
    where (stored.client_id, stored.version, stored.event, stored.target) = (parked.client_id, parked.version, parked.event, parked.target);
  with expired as materialized (
    select stored.client_id, stored.version, stored.event, stored.target from chat.outbox as stored
      where not stored.refused and stored.due_at <= clock and stored.created_at <= clock - p_lifetime
      order by stored.due_at limit p_limit for update skip locked
  )
  delete from chat.outbox as stored using expired
    where (stored.client_id, stored.version, stored.event, stored.target) = (expired.client_id, expired.version, expired.event, expired.target);
end
$function$;
