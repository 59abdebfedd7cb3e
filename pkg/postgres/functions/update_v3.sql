-- Changes what developers say about a conversation, as one statement. What is null stays, except for the assignee,
-- which p_assign says to change.
--
-- outcome: 'changed'; 'kept' (it is so already); 'no_conversation' (there is none).
create or replace function chat.update_v3(
  p_call_id uuid, p_client_id text, p_by_id text, p_by_name text, p_status text, p_assign boolean, p_assignee_id text, p_client_name text,
  p_live boolean, p_socket_id text, p_lease interval, p_lifetime interval
) returns setof chat.saved_v2
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  conversation chat.conversation;
  before       chat.conversation; -- before this change
  event        chat.outbox;
  clock        timestamptz;
begin
  select * into conversation from chat.conversation as stored where stored.client_id = p_client_id for no key update;
  if not found then
    return next chat.saved_v2('no_conversation', null, false, null, null, null);
    return;
  elsif chat.was_made_v1(p_client_id, p_call_id) then
    return query select * from chat.replay_v2('changed', conversation, null, p_call_id, p_live, p_socket_id, p_lease, p_lifetime);
    return;
  end if;
  before := conversation;
  conversation.status := coalesce(p_status, conversation.status);
  conversation.assignee_id := case when p_assign then p_assignee_id else conversation.assignee_id end;
  conversation.client_name := coalesce(p_client_name, conversation.client_name);
  conversation.client_name_set := conversation.client_name_set or p_client_name is not null;
  if (conversation.status, conversation.assignee_id, conversation.client_name)
      is not distinct from (before.status, before.assignee_id, before.client_name) then
    if conversation.client_name_set <> before.client_name_set then
      -- Only that the name is a developer's now, which no reader sees.
      update chat.conversation as stored set client_name_set = true where stored.client_id = p_client_id;
    end if;
    return next chat.saved_v2('kept', null, false, null, conversation, null);
    return;
  end if;

  clock := clock_timestamp();
  perform chat.note_developer_v1(p_by_id, p_by_name);
  update chat.conversation as stored set
      status          = conversation.status,
      assignee_id     = conversation.assignee_id,
      client_name     = conversation.client_name,
      client_name_set = conversation.client_name_set,
      version         = stored.version + 1,
      updated_at      = clock
    where stored.client_id = p_client_id
    returning * into conversation;

  for event in
    insert into chat.outbox (client_id, version, event, target, socket_id, created_at, due_at, call_id)
      select p_client_id, conversation.version, 'conversation-updated', target, p_socket_id, clock, clock + p_lease, p_call_id
        from (values ('conversation'), ('inbox')) as announced (target)
        where p_live
      returning *
  loop
    return next chat.saved_v2('changed', null, false, event, conversation, null);
  end loop;
  if not found then
    return next chat.saved_v2('changed', null, false, null, conversation, null);
  end if;
end
$function$;
