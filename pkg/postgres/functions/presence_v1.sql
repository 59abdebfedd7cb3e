-- Keeps the news of who is online that are later than what is known, as one statement. They come as three
-- arrays of equal length, one entry a client, in the order of the clients' ids. What is not later changes
-- nothing. News of a client without a conversation are kept for when it begins one.
--
-- It gives a row for each conversation that a reader sees changed. events: 'VERSION EVENT TARGET' each.
create or replace function chat.presence_v1(
  p_client_id text[], p_online boolean[], p_at timestamptz[], p_live boolean, p_lease interval, p_lifetime interval
) returns table (conversation chat.conversation, events text[])
language plpgsql volatile as $function$
declare
  n  record;
  c  chat.conversation;
  at timestamptz;
begin
  for n in select * from unnest(p_client_id, p_online, p_at) as x (client_id, online, online_at) loop
    select * into c from chat.conversation x where x.client_id = n.client_id for no key update;
    if not found then
      -- This row is the lock under which send_v1 begins the conversation, so that one of the two sees the other.
      insert into chat.presence as x (client_id, online, online_at) values (n.client_id, n.online, n.online_at)
        on conflict (client_id) do update set online = excluded.online, online_at = excluded.online_at
          where x.online_at < excluded.online_at;
      select * into c from chat.conversation x where x.client_id = n.client_id for no key update;
      continue when not found;
      delete from chat.presence x where x.client_id = n.client_id;
    end if;
    continue when c.online_at >= n.online_at;
    at := clock_timestamp();
    -- Who was shown a client that is online shows it until told otherwise, also when that has lapsed.
    if c.online = n.online and (not n.online or c.online_at > at - p_lifetime) then
      update chat.conversation x set online_at = n.online_at where x.client_id = n.client_id;
      continue;
    end if;
    update chat.conversation x set
        online = n.online, online_at = n.online_at,
        version = x.version + 1, updated_at = at
      where x.client_id = n.client_id
      returning * into c;
    events := null;
    if p_live then
      events := array[c.version || ' conversation-updated inbox'];
      insert into chat.outbox (client_id, version, event, target, created_at, due_at)
        values (n.client_id, c.version, 'conversation-updated', 'inbox', at, at + p_lease);
    end if;
    return query select c, events;
  end loop;

  -- At last, when this call waits for nobody any more, it forgets a few that nobody would show.
  at := clock_timestamp();
  with past as materialized (
    select y.client_id from chat.presence y where y.online_at < at - p_lifetime
      order by y.online_at limit 10 for update skip locked
  )
  delete from chat.presence x using past p where x.client_id = p.client_id;
end
$function$;
