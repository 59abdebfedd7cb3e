-- Gives a message another body or, where p_body is null, takes its text away, as one statement. The message
-- keeps its seq, and the digest of the body as first stored, with which a repeated key is compared.
--
-- outcome: 'changed'; 'kept' (it is so already); 'absent' (no such message); 'forbidden' (somebody else's);
-- 'deleted' (an edit of a deleted message). events: 'VERSION EVENT TARGET' each.
create or replace function chat.change_v1(
  p_client_id text, p_role text, p_by_id text, p_message_id uuid, p_body text, p_preview text,
  p_live boolean, p_lease interval
) returns table (outcome text, conversation chat.conversation, message chat.message, events text[])
language plpgsql volatile as $function$
declare
  c  chat.conversation;
  m  chat.message;
  at timestamptz;
begin
  select * into c from chat.conversation x where x.client_id = p_client_id for no key update;
  select * into m from chat.message x where x.client_id = p_client_id and x.id = p_message_id;
  outcome := case
    when m.client_id is null then 'absent'
    when (m.sender_role, m.sender_id) = (p_role, p_by_id) then null
    when p_body is null and p_role = 'developer' then null -- any developer may delete any message
    else 'forbidden'
  end;
  if outcome is null and m.deleted_at is not null then
    outcome := case when p_body is null then 'kept' else 'deleted' end;
  elsif outcome is null and m.body = p_body then
    outcome := 'kept';
  end if;
  if outcome is not null then
    return query select outcome, c, m, null::text[];
    return;
  end if;

  at := clock_timestamp();
  update chat.conversation x set
      last_preview = case when x.last_seq = m.seq then coalesce(p_preview, '') else x.last_preview end,
      version      = x.version + 1,
      updated_at   = at
    where x.client_id = p_client_id
    returning * into c;
  update chat.message x set
      body       = coalesce(p_body, ''),
      edited_at  = case when p_body is null then x.edited_at else at end,
      deleted_at = case when p_body is null then at end,
      version    = c.version
    where x.client_id = p_client_id and x.seq = m.seq
    returning * into m;
  if p_live then
    events := array[c.version || ' message-updated conversation', c.version || ' conversation-updated inbox'];
    -- The second has no seq: a repetition of the send takes the events that wait by it, and this is not one of them.
    insert into chat.outbox (client_id, version, event, target, seq, created_at, due_at) values
      (p_client_id, c.version, 'message-updated', 'conversation', m.seq, at, at + p_lease),
      (p_client_id, c.version, 'conversation-updated', 'inbox', null, at, at + p_lease);
  end if;
  return query select 'changed', c, m, events;
end
$function$;
