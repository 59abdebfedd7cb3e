-- Leases at most p_claim webhooks that are due to this call alone, each with the state of now. What was claimed and is not
-- settled is due again when the lease ends.
--
-- outcome: 'claimed'; 'given_up' (it was tried for p_lifetime, and is forgotten). A message.unread whose messages have been
-- read or deleted meanwhile is forgotten without a row.
--
-- A receiver that has answered 410 gets nothing until a day is over, and then one webhook at a time until it takes one. It
-- waits for no lock: a webhook that somebody else holds is being claimed by them.
create or replace function chat.claim_webhooks_v1(p_receiver_digest bytea, p_claim integer, p_lease interval, p_lifetime interval)
returns table (outcome text, id text, type text, side text, created_at timestamptz, attempts integer, conversation chat.conversation, message chat.message)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
#variable_conflict use_column
declare
  waiting    chat.webhook;
  clock      timestamptz := clock_timestamp();
  gone_until timestamptz;
begin
  -- One that is due later than any wait lasts was tried before the clock was set back.
  with late as materialized (
    select stored.client_id, stored.type, stored.seq, stored.side from chat.webhook as stored
      where stored.due_at > clock + interval '8 hours' for update skip locked
  )
  update chat.webhook as stored set due_at = clock, created_at = least(stored.created_at, clock)
    from late where (stored.client_id, stored.type, stored.seq, stored.side) = (late.client_id, late.type, late.seq, late.side);
  for waiting in
    with expired as materialized (
      select stored.client_id, stored.type, stored.seq, stored.side from chat.webhook as stored
        where stored.created_at <= clock - p_lifetime and stored.due_at <= clock
        order by stored.created_at limit 100 for update skip locked
    )
    delete from chat.webhook as stored using expired
      where (stored.client_id, stored.type, stored.seq, stored.side) = (expired.client_id, expired.type, expired.seq, expired.side)
      returning stored.*
  loop
    return query select 'given_up', waiting.id::text, waiting.type, waiting.side, waiting.created_at, waiting.attempts, stored, null::chat.message
      from chat.conversation as stored where stored.client_id = waiting.client_id;
  end loop;

  select stored.until into gone_until from chat.webhook_gone as stored where stored.receiver_digest = p_receiver_digest;
  if gone_until > clock and gone_until <= clock + interval '1 day' then
    return;
  end if;
  for waiting in
    with picked as materialized ( -- because the limit and the locks hold only if it runs exactly once
      select stored.client_id, stored.type, stored.seq, stored.side from chat.webhook as stored
        where stored.due_at <= clock
        order by stored.due_at limit case when gone_until is null then p_claim else 1 end for update skip locked
    )
    update chat.webhook as stored set due_at = clock + p_lease, attempts = stored.attempts + 1
      from picked
      where (stored.client_id, stored.type, stored.seq, stored.side) = (picked.client_id, picked.type, picked.seq, picked.side)
      returning stored.*
  loop
    if waiting.type = 'message.unread' and not exists (
      select from chat.webhook_unread as unread join chat.conversation as stored using (client_id)
        where (unread.client_id, unread.side) = (waiting.client_id, waiting.side)
          and unread.read_seq = case when unread.side = 'client' then stored.client_read_seq else stored.developer_read_seq end
          and unread.told -- or else it was read, and what is unread now has not been so for long enough
          and chat.first_unread_v1(unread.client_id, unread.side, unread.read_seq, '-infinity') is not null
    ) then
      delete from chat.webhook as stored
        where (stored.client_id, stored.type, stored.seq, stored.side) = (waiting.client_id, waiting.type, waiting.seq, waiting.side);
      continue;
    end if;
    return query select 'claimed', waiting.id::text, waiting.type, waiting.side, waiting.created_at, waiting.attempts, stored, about
      from chat.conversation as stored
      left join chat.message as about on about.client_id = stored.client_id and about.seq = waiting.seq
      where stored.client_id = waiting.client_id;
  end loop;
end
$function$;
