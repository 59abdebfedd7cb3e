-- Drops events whose lifetime has ended: a bounded number, so that a backlog of days does not cost the cron its
-- deadline. It waits for no lock.
create or replace function chat.drop_expired_v1(p_lifetime interval) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '750ms' as $function$
declare
  clock timestamptz := clock_timestamp();
begin
  with expired as materialized (
    select stored.client_id, stored.version, stored.event, stored.target
      from chat.outbox as stored
      where stored.due_at <= clock and stored.created_at <= clock - p_lifetime
      order by stored.due_at limit 10000 for update skip locked
  )
  delete from chat.outbox as stored using expired
    where (stored.client_id, stored.version, stored.event, stored.target) = (expired.client_id, expired.version, expired.event, expired.target);
end
$function$;
