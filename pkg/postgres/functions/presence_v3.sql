-- Keeps the news of who is online that are later than what is known, as one statement. They come as three
-- arrays of equal length, one entry a client, in the order of the clients' ids. What is not later changes
-- nothing. News of a client without a conversation are kept until it begins one.
--
-- There is a row for each event only. outcome: 'changed', or 'kept' for an event of this call's earlier try.
create or replace function chat.presence_v3(
  p_call_id uuid, p_client_id text[], p_online boolean[], p_at timestamptz[], p_live boolean,
  p_lease interval, p_lifetime interval, p_online_for interval
) returns setof chat.saved_v2
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  news         record;
  conversation chat.conversation;
  event        chat.outbox;
  clock        timestamptz;
begin
  for news in select * from unnest(p_client_id, p_online, p_at) as given (client_id, online, online_at) loop
    select * into conversation from chat.conversation as stored where stored.client_id = news.client_id for no key update;
    if not found then
      -- This row is the lock under which begin_conversation_v1 works, so that one of the two sees the other.
      insert into chat.presence as stored (client_id, online, online_at) values (news.client_id, news.online, news.online_at)
        on conflict (client_id) do update set online = excluded.online, online_at = excluded.online_at
          where stored.online_at < excluded.online_at;
      select * into conversation from chat.conversation as stored where stored.client_id = news.client_id for no key update;
      continue when not found;
      delete from chat.presence as stored where stored.client_id = news.client_id;
    end if;
    if conversation.online_at >= news.online_at then
      return query select * from chat.replay_v2('kept', conversation, null, p_call_id, p_live, '', p_lease, p_lifetime) as own
        where own.event_version is not null;
      continue;
    end if;
    clock := clock_timestamp();
    -- Anybody who was shown a client that is online shows it until told otherwise, also when that has lapsed.
    if conversation.online = news.online and (not news.online or conversation.online_at > clock - p_online_for) then
      update chat.conversation as stored set online_at = news.online_at where stored.client_id = news.client_id;
      continue;
    end if;
    update chat.conversation as stored set
        online = news.online, online_at = news.online_at,
        version = stored.version + 1, updated_at = clock
      where stored.client_id = news.client_id
      returning * into conversation;
    for event in
      insert into chat.outbox (client_id, version, event, target, created_at, due_at, call_id)
        select news.client_id, conversation.version, 'conversation-updated', 'inbox', clock, clock + p_lease, p_call_id
          where p_live
        returning *
    loop
      return next chat.saved_v2('changed', null, false, event, conversation, null);
    end loop;
  end loop;

  -- Last, when this call waits for nobody any more, it forgets a few that nobody would show.
  clock := clock_timestamp();
  with past as materialized (
    select stored.client_id from chat.presence as stored where stored.online_at < clock - p_online_for
      order by stored.online_at limit 10 for update skip locked
  )
  delete from chat.presence as stored using past where stored.client_id = past.client_id;
end
$function$;
