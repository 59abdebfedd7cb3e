-- Counts a guest who begins, by a digest of its address, unless p_most have begun from there within p_window.
-- On the way it forgets a few who are long past.
-- It gives 0 where the guest is admitted, and else the seconds after which it would be.
create or replace function chat.guest_v1(p_address_digest bytea, p_most integer, p_window interval)
returns double precision language plpgsql volatile as $function$
declare
  g  chat.guest_rate;
  at timestamptz;
begin
  delete from chat.guest_rate x using (
    select y.address_digest from chat.guest_rate y where y.last_at < clock_timestamp() - p_window
      order by y.last_at limit 10 for update skip locked
  ) old where x.address_digest = old.address_digest;
  insert into chat.guest_rate (address_digest) values (p_address_digest) on conflict do nothing;
  select * into g from chat.guest_rate x where x.address_digest = p_address_digest for no key update;
  at := clock_timestamp();
  g.admitted := array(select a from unnest(g.admitted) a where a > at - p_window order by a);
  if cardinality(g.admitted) >= p_most then
    return greatest(extract(epoch from g.admitted[1] + p_window - at), 0.001);
  end if;
  update chat.guest_rate x set admitted = g.admitted || at, last_at = at where x.address_digest = p_address_digest;
  return 0;
end
$function$;
