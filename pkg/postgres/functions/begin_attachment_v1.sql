-- Begins a file of a conversation: whoever may write there can put it into the object store now, and send it within a day.
--
-- A client's may come before its conversation. Of one client at most p_most_unsent are begun and not sent, and at most
-- p_daily_bytes are begun within a day. What was begun in an hour counts until a day after the hour's end.
--
-- outcome: 'begun'; 'no_conversation' (there is none, and a developer asks); 'limited' (retry_after says for how many
-- seconds).
create or replace function chat.begin_attachment_v1(
  p_client_id text, p_id uuid, p_object_key text, p_file_name text, p_media_type text, p_size bigint, p_width integer, p_height integer,
  p_by_client boolean, p_most_unsent integer, p_daily_bytes bigint
) returns table (outcome text, retry_after double precision)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  rate   chat.attachment_rate;
  unsent integer;
  oldest timestamptz;
  excess bigint;
  hour   timestamptz;
  clock  timestamptz;
begin
  if not p_by_client then
    if not exists (select from chat.conversation as stored where stored.client_id = p_client_id) then
      return query select 'no_conversation', null::double precision;
      return;
    end if;
  else
    loop
      select * into rate from chat.attachment_rate as stored where stored.client_id = p_client_id for no key update;
      exit when found;
      insert into chat.attachment_rate (client_id) values (p_client_id) on conflict do nothing; -- or somebody else did
    end loop;
    clock := clock_timestamp();
    if exists (select from chat.attachment as stored where stored.client_id = p_client_id and stored.id = p_id) then
      return query select 'begun', null::double precision; -- by this call, which lost its answer
      return;
    end if;

    select count(*), min(stored.begun_at) into unsent, oldest from chat.attachment as stored
      where stored.client_id = p_client_id and stored.seq is null and stored.by_client and stored.begun_at > clock - interval '1 day';
    if unsent >= p_most_unsent then
      return query select 'limited', greatest(extract(epoch from oldest + interval '1 day' - clock), 1)::double precision;
      return;
    end if;

    -- What lies in the future was counted before the clock was set back.
    select array_agg(counted.hour order by counted.hour), array_agg(counted.bytes order by counted.hour) into rate.hours, rate.bytes
      from unnest(rate.hours, rate.bytes) as counted (hour, bytes)
      where counted.hour > clock - interval '25 hours' and counted.hour <= clock;
    excess := p_size - p_daily_bytes + (select coalesce(sum(counted), 0) from unnest(rate.bytes) as counted);
    if excess > 0 then
      for hour in
        select counted.hour from (
          select running.hour, sum(running.bytes) over (order by running.hour) as bytes
            from unnest(rate.hours, rate.bytes) as running (hour, bytes)
        ) as counted
        where counted.bytes >= excess order by counted.hour limit 1
      loop
        return query select 'limited', greatest(extract(epoch from hour + interval '25 hours' - clock), 1)::double precision;
      end loop;
      return;
    end if;
    hour := date_trunc('hour', clock, 'UTC');
    if rate.hours[cardinality(rate.hours)] = hour then
      rate.bytes[cardinality(rate.bytes)] := rate.bytes[cardinality(rate.bytes)] + p_size;
    else
      rate.hours := rate.hours || hour;
      rate.bytes := rate.bytes || p_size;
    end if;
    update chat.attachment_rate as stored set hours = rate.hours, bytes = rate.bytes, last_at = clock where stored.client_id = p_client_id;
  end if;

  insert into chat.attachment (client_id, id, object_key, file_name, media_type, size, width, height, by_client)
    values (p_client_id, p_id, p_object_key, p_file_name, p_media_type, p_size, p_width, p_height, p_by_client)
    on conflict do nothing;
  return query select 'begun', null::double precision;
end
$function$;
