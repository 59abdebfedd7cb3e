-- Changes what developers say about a conversation, as one statement. What is null stays, but for the
-- assignee, which p_assign says to change.
--
-- outcome: 'changed'; 'kept' (it is so already); 'absent' (no conversation). events: 'VERSION EVENT TARGET' each.
create or replace function chat.update_v1(
  p_client_id text, p_status text, p_assign boolean, p_assignee_id text, p_client_name text,
  p_live boolean, p_socket_id text, p_lease interval
) returns table (outcome text, conversation chat.conversation, events text[])
language plpgsql volatile as $function$
declare
  c   chat.conversation;
  was chat.conversation; -- c before this change
  at  timestamptz;
begin
  select * into c from chat.conversation x where x.client_id = p_client_id for no key update;
  if not found then
    return query select 'absent', null::chat.conversation, null::text[];
    return;
  end if;
  was := c;
  c.status := coalesce(p_status, c.status);
  c.assignee_id := case when p_assign then p_assignee_id else c.assignee_id end;
  c.client_name := coalesce(p_client_name, c.client_name);
  c.client_name_set := c.client_name_set or p_client_name is not null;
  if c is not distinct from was then
    return query select 'kept', c, null::text[];
    return;
  end if;
  if (c.status, c.assignee_id, c.client_name) is not distinct from (was.status, was.assignee_id, was.client_name) then
    -- Only that the name is a developer's now, which no reader sees.
    update chat.conversation x set client_name_set = true where x.client_id = p_client_id returning * into c;
    return query select 'kept', c, null::text[];
    return;
  end if;

  at := clock_timestamp();
  update chat.conversation x set
      status          = c.status,
      assignee_id     = c.assignee_id,
      client_name     = c.client_name,
      client_name_set = c.client_name_set,
      version         = x.version + 1,
      updated_at      = at
    where x.client_id = p_client_id
    returning * into c;
  if p_live then
    events := array[c.version || ' conversation-updated conversation', c.version || ' conversation-updated inbox'];
    insert into chat.outbox (client_id, version, event, target, socket_id, created_at, due_at)
      select p_client_id, c.version, split_part(e, ' ', 2), split_part(e, ' ', 3), p_socket_id, at, at + p_lease
        from unnest(events) e;
  end if;
  return query select 'changed', c, events;
end
$function$;
