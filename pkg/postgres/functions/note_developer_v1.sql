-- Keeps that a developer was active today, and under which name. It looks first and writes only what is new, so that no
-- row is locked by call after call.
create or replace function chat.note_developer_v1(p_id text, p_name text) returns void
language plpgsql volatile as $function$
declare
  today date := (clock_timestamp() at time zone 'UTC')::date;
begin
  if not exists (
    select from chat.developer as stored
      where stored.id = p_id and stored.active_on = today and (p_name is null or stored.name = p_name)
  ) then
    insert into chat.developer as stored (id, name, active_on) values (p_id, p_name, today)
      on conflict (id) do update set name = coalesce(excluded.name, stored.name), active_on = today;
  end if;
end
$function$;
