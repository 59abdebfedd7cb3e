-- Forgets the objects that are gone from the store, and lets those wait that could not be deleted.
create or replace function chat.settle_objects_v1(p_gone text[], p_left text[]) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
begin
  delete from chat.object_deletion as stored where stored.object_key = any (p_gone) and stored.due_at <= clock_timestamp();
  update chat.object_deletion as stored set due_at = clock_timestamp() + interval '1 minute' where stored.object_key = any (p_left);
end
$function$;
