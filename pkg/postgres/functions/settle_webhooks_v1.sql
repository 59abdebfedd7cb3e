-- Settles webhooks that were sent: three arrays of equal length name them, the third with the seconds after which to try
-- again, or null for one that was taken and is forgotten. p_is_gone tells that the receiver has answered 410.
--
-- For one that somebody else holds it waits a moment: a claim that came too late locks it in passing. One that is still
-- held then gets a new id, or is claimed again, because its lease is over.
create or replace function chat.settle_webhooks_v1(
  p_receiver_digest bytea, p_client_id text[], p_id text[], p_try_after double precision[], p_is_gone boolean
) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  clock timestamptz := clock_timestamp();
  place tid;
begin
  for i in 1 .. cardinality(p_client_id) loop
    select stored.ctid into place from chat.webhook as stored
      where stored.client_id = p_client_id[i] and stored.id = p_id[i]::uuid
      for update skip locked;
    if not found then
      begin
        select stored.ctid into place from chat.webhook as stored
          where stored.client_id = p_client_id[i] and stored.id = p_id[i]::uuid
          for update;
      exception when lock_not_available then
        continue;
      end;
      continue when not found;
    end if;
    if p_try_after[i] is null then
      delete from chat.webhook as stored where stored.ctid = place;
    else
      update chat.webhook as stored set due_at = clock + make_interval(secs => p_try_after[i]) where stored.ctid = place;
    end if;
  end loop;
  if p_is_gone then
    insert into chat.webhook_gone as stored (receiver_digest, until) values (p_receiver_digest, clock + interval '1 day')
      on conflict (receiver_digest) do update set until = excluded.until;
  elsif array_position(p_try_after, null) is not null then
    delete from chat.webhook_gone as stored where stored.receiver_digest = p_receiver_digest;
  end if;
end
$function$;
