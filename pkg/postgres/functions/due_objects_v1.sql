-- Gives the keys of at most p_limit objects that are to be deleted from the store now, the longest due first. They stay due
-- until settle_objects_v1 is told that they are gone: to delete an object twice is harmless, so nobody leases one.
--
-- First it deletes at most as many files that were not sent within a day, and what is no longer needed of
-- attachment_rate. It waits for no lock.
create or replace function chat.due_objects_v1(p_limit integer) returns setof text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  clock timestamptz := clock_timestamp();
begin
  with expired as materialized (
    select stored.client_id, stored.id from chat.attachment as stored
      where stored.seq is null and stored.begun_at <= clock - interval '1 day'
      order by stored.begun_at limit p_limit for update skip locked
  )
  delete from chat.attachment as stored using expired where (stored.client_id, stored.id) = (expired.client_id, expired.id);
  with past as materialized (
    select stored.client_id from chat.attachment_rate as stored where stored.last_at <= clock - interval '26 hours'
      order by stored.last_at limit p_limit for update skip locked
  )
  delete from chat.attachment_rate as stored using past where stored.client_id = past.client_id;
  clock := clock_timestamp(); -- of the deletions above, too
  return query select stored.object_key from chat.object_deletion as stored where stored.due_at <= clock order by stored.due_at limit p_limit;
end
$function$;
