-- Counts a guest who begins, by a digest of its address, unless p_most have begun from there within p_window.
-- It gives 0 if the guest is admitted, and else the seconds after which it would be. A refusal writes nothing.
create or replace function chat.guest_v1(p_address_digest bytea, p_most integer, p_window interval)
returns double precision
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  guests chat.guest_rate;
  clock  timestamptz;
begin
  loop
    select * into guests from chat.guest_rate as stored where stored.address_digest = p_address_digest for no key update;
    exit when found;
    insert into chat.guest_rate (address_digest) values (p_address_digest) on conflict do nothing; -- or somebody else did
  end loop;
  clock := clock_timestamp();
  -- What lies in the future was counted before the clock was set back.
  guests.admitted := array(select a from unnest(guests.admitted) as a where a > clock - p_window and a <= clock order by a);
  if cardinality(guests.admitted) >= p_most then
    return greatest(extract(epoch from guests.admitted[cardinality(guests.admitted) - p_most + 1] + p_window - clock), 0.001);
  end if;
  update chat.guest_rate as stored set admitted = guests.admitted || clock, last_at = clock where stored.address_digest = p_address_digest;

  -- Last, when this call waits for nobody any more, it forgets a few who are long past.
  with past as materialized (
    select stored.address_digest from chat.guest_rate as stored where stored.last_at < clock - p_window
      order by stored.last_at limit 10 for update skip locked
  )
  delete from chat.guest_rate as stored using past where stored.address_digest = past.address_digest;
  return 0;
end
$function$;
