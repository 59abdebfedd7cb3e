-- Gives a message another body or, if p_body is null, takes its text and its files away, as one statement. The message keeps its
-- seq, and the digest of the body as first stored, with which a repeated key is compared.
--
-- An edit takes a token of the bucket that sends take theirs of; a deletion, of which there is one for each message,
-- takes none.
--
-- outcome: 'changed'; 'kept' (it is so already); 'no_message' (there is no such one); 'forbidden' (somebody else's); 'empty' (an edit
-- that would leave neither text nor files); 'deleted' (an edit of a deleted message); 'outdated' (it has another version than p_if_version); 'limited'
-- (retry_after says for how many seconds).
create or replace function chat.change_v3(
  p_call_id uuid, p_client_id text, p_role text, p_by_id text, p_by_name text,
  p_message_id uuid, p_body text, p_preview text, p_if_version bigint,
  p_live boolean, p_lease interval, p_lifetime interval,
  p_capacity double precision, p_per_second double precision
) returns setof chat.saved_v2
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  conversation chat.conversation;
  message      chat.message;
  event        chat.outbox;
  outcome      text;
  tokens       double precision;
  clock        timestamptz;
begin
  select * into conversation from chat.conversation as stored where stored.client_id = p_client_id for no key update;
  select * into message from chat.message as stored where stored.client_id = p_client_id and stored.id = p_message_id;
  outcome := case
    when message.client_id is null then case when p_body = '' then 'empty' else 'no_message' end
    -- Any developer may delete any message.
    when (message.sender_role, message.sender_id) is distinct from (p_role, p_by_id) and not (p_body is null and p_role = 'developer') then 'forbidden'
    when chat.was_made_v1(p_client_id, p_call_id) then 'changed'
    when p_body = '' and message.attachments is null then 'empty'
    when message.deleted_at is not null then case when p_body is null then 'kept' else 'deleted' end
    when message.body = p_body then 'kept'
    when message.version <> p_if_version then 'outdated'
  end;
  if outcome in ('changed', 'kept') then
    return query select * from chat.replay_v2(outcome, conversation, message, p_call_id, p_live, '', p_lease, p_lifetime);
    return;
  elsif outcome is not null then
    return next chat.saved_v2(outcome, null, false, null, null, null);
    return;
  end if;

  clock := clock_timestamp();
  tokens := conversation.rate_tokens;
  if p_capacity > 0 and p_body is not null then
    tokens := chat.rate_tokens(conversation, clock, p_capacity, p_per_second) - 1;
    if tokens < 0 then
      return next chat.saved_v2('limited', -tokens / p_per_second, false, null, null, null);
      return;
    end if;
  end if;
  if p_role = 'developer' then
    perform chat.note_developer_v1(p_by_id, p_by_name);
  end if;

  update chat.conversation as stored set
      last_preview = case when stored.last_seq = message.seq then
        coalesce(p_preview, case when p_body = '' then chat.file_preview(message.attachments) end, '') else stored.last_preview end,
      version      = stored.version + 1,
      rate_tokens  = tokens,
      rate_at      = case when p_capacity > 0 and p_body is not null then clock else stored.rate_at end,
      updated_at   = clock
    where stored.client_id = p_client_id
    returning * into conversation;
  update chat.message as stored set
      body       = coalesce(p_body, ''),
      edited_at  = case when p_body is null then stored.edited_at else clock end,
      deleted_at = case when p_body is null then clock end,
      version    = conversation.version
    where stored.client_id = p_client_id and stored.seq = message.seq
    returning * into message;

  for event in
    -- The second has no seq: a repetition of the send takes the events that wait by it, and this is not one of them.
    insert into chat.outbox (client_id, version, event, target, seq, created_at, due_at, call_id)
      select p_client_id, conversation.version, name, target, seq, clock, clock + p_lease, p_call_id
        from (values ('message-updated', 'conversation', message.seq), ('conversation-updated', 'inbox', null)) as announced (name, target, seq)
        where p_live
      returning *
  loop
    return next chat.saved_v2('changed', null, false, event, conversation, message);
  end loop;
  if not found then
    return next chat.saved_v2('changed', null, false, null, conversation, message);
  end if;
end
$function$;
