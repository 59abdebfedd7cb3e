-- Counts a guest who begins, by a digest of its address, unless p_most have begun from there within p_window.
-- It gives 0 where the guest is admitted, and else the seconds after which it would be.
create or replace function chat.guest_v1(p_address_digest bytea, p_most integer, p_window interval)
returns double precision
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '750ms' as $function$
declare
  g  chat.guest_rate;
  at timestamptz;
begin
  -- One statement makes the row or locks it: between two, somebody could forget it.
  insert into chat.guest_rate as x (address_digest) values (p_address_digest)
    on conflict (address_digest) do update set last_at = clock_timestamp()
    returning * into g;
  at := clock_timestamp();
  g.admitted := array(select a from unnest(g.admitted) a where a > at - p_window order by a);
  if cardinality(g.admitted) >= p_most then
    return greatest(extract(epoch from g.admitted[cardinality(g.admitted) - p_most + 1] + p_window - at), 0.001);
  end if;
  update chat.guest_rate x set admitted = g.admitted || at where x.address_digest = p_address_digest;

  -- At last, when this call waits for nobody any more, it forgets a few who are long past.
  with past as materialized (
    select y.address_digest from chat.guest_rate y where y.last_at < at - p_window
      order by y.last_at limit 10 for update skip locked
  )
  delete from chat.guest_rate x using past p where x.address_digest = p.address_digest;
  return 0;
end
$function$;
