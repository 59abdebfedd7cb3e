-- Commits a message, its conversation's new state and its events as one statement.
--
-- It locks the conversation first and looks second: under read committed each inner statement has a fresh
-- snapshot, so what it sees after waiting for the lock is what the lock protects. Times come from
-- clock_timestamp() under the lock, for now() is older than a wait.
--
-- outcome: 'sent'; 'replayed' (the key was sent before; events are those that still wait, now leased to this
-- call); 'conflict' (the key was sent before with another body); 'absent' (no conversation, and p_create is
-- false); 'limited' (retry_after says for how many seconds).
-- events: 'VERSION EVENT TARGET' each.
create or replace function chat.send_v1(
  p_client_id text, p_role text, p_sender_id text, p_sender_name text, p_sender_email text,
  p_message_id uuid, p_client_message_id text, p_body text, p_preview text,
  p_create boolean, p_live boolean, p_socket_id text, p_lease interval, p_lifetime interval,
  p_capacity double precision, p_per_second double precision
) returns table (
  outcome text, conversation chat.conversation, message chat.message, events text[], retry_after double precision
) language plpgsql volatile as $function$
declare
  c       chat.conversation;
  was     chat.conversation; -- c before this change
  m       chat.message;
  tokens  double precision;
  at      timestamptz;
  digest  bytea := sha256(convert_to(p_body, 'UTF8'));
  by_client boolean := p_role = 'client';
begin
  select * into c from chat.conversation x where x.client_id = p_client_id for no key update;
  if not found then
    if not p_create then
      return query select 'absent', null::chat.conversation, null::chat.message, null::text[], null::double precision;
      return;
    end if;
    at := clock_timestamp();
    -- Whether this client is online may be known, or become known just now: see presence_v1.
    insert into chat.presence as x (client_id, online, online_at) values (p_client_id, false, '-infinity')
      on conflict (client_id) do update set online = x.online where false; -- locked, and not changed
    with known as (
      delete from chat.presence x where x.client_id = p_client_id returning x.online, nullif(x.online_at, '-infinity') as online_at
    )
    insert into chat.conversation (client_id, client_name, client_email, online, online_at, last_message_at, created_at, updated_at)
      select p_client_id, case when by_client then p_sender_name end, case when by_client then p_sender_email end,
             k.online, k.online_at, at, at, at
        from known k
      on conflict do nothing;
    select * into c from chat.conversation x where x.client_id = p_client_id for no key update;
  end if;
  at := greatest(clock_timestamp(), c.last_message_at);
  was := c;

  -- Without a key of the sender's the message's own id is the key: then only our own retry can repeat it.
  if p_client_message_id is null then
    select * into m from chat.message x where x.client_id = p_client_id and x.id = p_message_id;
  else
    select * into m from chat.message x
      where x.client_id = p_client_id and x.sender_role = p_role and x.sender_id = p_sender_id
        and x.client_message_id = p_client_message_id;
  end if;
  if found then
    if m.body_digest <> digest then
      return query select 'conflict', null::chat.conversation, null::chat.message, null::text[], null::double precision;
      return;
    end if;
    if p_live then
      with taken as (
        update chat.outbox o set due_at = at + p_lease, attempts = o.attempts + 1
          where o.client_id = p_client_id and o.seq = m.seq and o.event <> 'message-updated'
            and not o.refused and o.created_at > at - p_lifetime
          returning o.version, o.event, o.target
      )
      select array_agg(format('%s %s %s', t.version, t.event, t.target) order by t.version, t.event desc, t.target)
        into events from taken t;
    end if;
    return query select 'replayed', c, m, events, null::double precision;
    return;
  end if;

  tokens := c.rate_tokens;
  if p_capacity > 0 then
    tokens := least(p_capacity, c.rate_tokens + greatest(0, extract(epoch from at - c.rate_at)::double precision) * p_per_second);
    if tokens < 1 then
      return query select 'limited', null::chat.conversation, null::chat.message, null::text[], (1 - tokens) / p_per_second;
      return;
    end if;
    tokens := tokens - 1;
  end if;

  update chat.conversation x set
      client_name      = case when by_client and not x.client_name_set then coalesce(p_sender_name, x.client_name) else x.client_name end,
      client_email     = case when by_client then coalesce(p_sender_email, x.client_email) else x.client_email end,
      status           = case when by_client then 'open' else x.status end,
      last_seen_at     = case when by_client then at else x.last_seen_at end,
      last_seq         = x.last_seq + 1,
      client_total     = x.client_total + case when by_client then 1 else 0 end,
      last_message_at  = at,
      last_sender_role = p_role,
      last_preview     = p_preview,
      version          = x.version + 1,
      rate_tokens      = tokens,
      rate_at          = case when p_capacity > 0 then at else x.rate_at end,
      updated_at       = at
    where x.client_id = p_client_id
    returning * into c;

  insert into chat.message (
      client_id, seq, id, version, sender_role, sender_id, sender_name, client_message_id,
      body, body_digest, client_total, created_at)
    values (
      p_client_id, c.last_seq, p_message_id, c.version, p_role, p_sender_id, p_sender_name, p_client_message_id,
      p_body, digest, c.client_total, at)
    returning * into m;

  if p_live then
    events := array[c.version || ' new-message conversation', c.version || ' conversation-updated inbox'];
    if was.version > 0 and (was.status, was.client_name) is distinct from (c.status, c.client_name) then
      events := events || (c.version || ' conversation-updated conversation');
    end if;
    insert into chat.outbox (client_id, version, event, target, seq, socket_id, created_at, due_at)
      select p_client_id, c.version, split_part(e, ' ', 2), split_part(e, ' ', 3), c.last_seq, p_socket_id, at, at + p_lease
        from unnest(events) e;
  end if;
  return query select 'sent', c, m, events, null::double precision;
end
$function$;
