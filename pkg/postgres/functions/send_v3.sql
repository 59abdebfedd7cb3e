-- Commits a message, its conversation's new state and its events as one statement.
--
-- It locks the conversation first and looks second: under read committed each inner statement has a fresh
-- snapshot, so what it sees after waiting for the lock is what the lock protects. Times come from
-- clock_timestamp() under the lock, because now() is older than a wait.
--
-- p_attachment_ids are the message's files, if it has any, and p_sizes what the object store said about each: how many
-- bytes it has there, or -1 if it is not there or was not asked for.
--
-- outcome: 'sent'; 'replayed' (the key was sent before; the events are those of the message that were due, and those
-- that this call leased before it lost its answer); 'conflict' (the key was sent before with another body or other files);
-- 'no_conversation' (no conversation, and p_create is false); those of refused_attachments_v1; 'limited' (retry_after says
-- for how many seconds).
create or replace function chat.send_v3(
  p_call_id uuid, p_client_id text, p_role text, p_sender_id text, p_sender_name text, p_sender_email text,
  p_message_id uuid, p_client_message_id text, p_body text, p_preview text,
  p_create boolean, p_live boolean, p_socket_id text, p_lease interval, p_lifetime interval,
  p_capacity double precision, p_per_second double precision,
  p_attachment_ids uuid[] default null, p_sizes bigint[] default null
) returns setof chat.saved_v2
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  conversation chat.conversation;
  before       chat.conversation; -- before this change
  message      chat.message;
  event        chat.outbox;
  by_client    boolean := p_role = 'client';
  -- A body holds no zero byte, so no two pairs of a body and files have the same bytes here.
  digest       bytea := sha256(convert_to(p_body, 'UTF8') || coalesce(decode('00', 'hex') || convert_to(array_to_string(p_attachment_ids, ','), 'UTF8'), ''));
  refused      text;
  attachments  jsonb;
  tokens       double precision;
  clock        timestamptz;
  sent_at      timestamptz; -- the clock, but never before the message that came before
begin
  select * into conversation from chat.conversation as stored where stored.client_id = p_client_id for no key update;
  if not found then
    if not p_create then
      return next chat.saved_v2('no_conversation', null, false, null, null, null);
      return;
    end if;
    if p_attachment_ids is not null then
      -- A refusal must not leave an empty conversation behind. But if somebody has begun it meanwhile, this may be a
      -- repetition of what they sent.
      refused := chat.refused_attachments_v1(p_client_id, p_attachment_ids, p_sizes);
      if refused is not null and not exists (select from chat.conversation as stored where stored.client_id = p_client_id) then
        return next chat.saved_v2(refused, null, false, null, null, null);
        return;
      end if;
    end if;
    conversation := chat.begin_conversation_v1(p_client_id, case when by_client then p_sender_name end, case when by_client then p_sender_email end);
  end if;
  clock := clock_timestamp();
  sent_at := greatest(clock, conversation.last_message_at);
  before := conversation;

  -- If the sender gave no key, the message's own id is the key: then only a retry of this call can repeat it.
  if p_client_message_id is null then
    select * into message from chat.message as stored where stored.client_id = p_client_id and stored.id = p_message_id;
  else
    select * into message from chat.message as stored
      where stored.client_id = p_client_id and stored.sender_role = p_role and stored.sender_id = p_sender_id
        and stored.client_message_id = p_client_message_id;
  end if;
  if found then
    -- Of an erased message nothing is kept that a body could be compared with: then the key alone decides.
    if message.body_digest not in (digest, '') then
      return next chat.saved_v2('conflict', null, false, null, null, null);
    else
      return query select * from chat.replay_v2('replayed', conversation, message, p_call_id, p_live, p_socket_id, p_lease, p_lifetime);
    end if;
    return;
  end if;

  if p_attachment_ids is not null then
    -- Locked, for the cron deletes those that are too old.
    perform from chat.attachment as stored where stored.client_id = p_client_id and stored.id = any (p_attachment_ids) for update;
    refused := chat.refused_attachments_v1(p_client_id, p_attachment_ids, p_sizes);
    if refused is not null then
      if conversation.last_seq = 0 then -- it was begun just now: the call is undone, and made again
        raise serialization_failure;
      end if;
      return next chat.saved_v2(refused, null, false, null, null, null);
      return;
    end if;
    select jsonb_agg(jsonb_build_object(
        'id', stored.id, 'fileName', stored.file_name, 'mediaType', stored.media_type, 'size', stored.size, 'width', stored.width, 'height', stored.height
      ) order by given.place)
      into attachments
      from unnest(p_attachment_ids) with ordinality as given (id, place)
      join chat.attachment as stored on stored.client_id = p_client_id and stored.id = given.id;
  end if;

  tokens := conversation.rate_tokens;
  if p_capacity > 0 then
    tokens := chat.rate_tokens(conversation, clock, p_capacity, p_per_second) - 1;
    if tokens < 0 then
      return next chat.saved_v2('limited', -tokens / p_per_second, false, null, null, null);
      return;
    end if;
  end if;
  if not by_client then
    perform chat.note_developer_v1(p_sender_id, p_sender_name);
  end if;

  update chat.conversation as stored set
      client_name      = case when by_client and not stored.client_name_set then coalesce(p_sender_name, stored.client_name) else stored.client_name end,
      client_email     = case when by_client then coalesce(p_sender_email, stored.client_email) else stored.client_email end,
      status           = case when by_client then 'open' else stored.status end,
      last_seen_at     = case when by_client then clock else stored.last_seen_at end,
      last_seq         = stored.last_seq + 1,
      client_total     = stored.client_total + case when by_client then 1 else 0 end,
      last_message_at  = sent_at,
      last_sender_role = p_role,
      last_preview     = coalesce(nullif(p_preview, ''), chat.file_preview(attachments), ''),
      version          = stored.version + 1,
      rate_tokens      = tokens,
      rate_at          = case when p_capacity > 0 then clock else stored.rate_at end,
      updated_at       = clock
    where stored.client_id = p_client_id
    returning * into conversation;

  insert into chat.message (
      client_id, seq, id, version, sender_role, sender_id, sender_name, client_message_id,
      body, body_digest, attachments, client_total, created_at)
    values (
      p_client_id, conversation.last_seq, p_message_id, conversation.version, p_role, p_sender_id, p_sender_name, p_client_message_id,
      p_body, digest, attachments, conversation.client_total, sent_at)
    returning * into message;
  if attachments is not null then
    update chat.attachment as stored set seq = message.seq where stored.client_id = p_client_id and stored.id = any (p_attachment_ids);
  end if;

  for event in
    insert into chat.outbox (client_id, version, event, target, seq, socket_id, created_at, due_at, call_id)
      select p_client_id, conversation.version, name, target, conversation.last_seq, p_socket_id, clock, clock + p_lease, p_call_id
        from (values
          ('new-message', 'conversation', true),
          ('conversation-updated', 'inbox', true),
          ('conversation-updated', 'conversation', before.version > 0
            and (before.status, before.client_name) is distinct from (conversation.status, conversation.client_name))
        ) as announced (name, target, is_due)
        where p_live and is_due
      returning *
  loop
    return next chat.saved_v2('sent', null, false, event, conversation, message);
  end loop;
  if not found then
    return next chat.saved_v2('sent', null, false, null, conversation, message);
  end if;
end
$function$;
