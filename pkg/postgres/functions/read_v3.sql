-- Moves one side's read mark forward, to the last message at most, as one statement.
--
-- outcome: 'moved'; 'kept' (the mark stands there already, or further: nothing changed but the client's
-- last_seen_at); 'no_conversation' (there is none).
create or replace function chat.read_v3(
  p_call_id uuid, p_client_id text, p_role text, p_reader_id text, p_reader_name text, p_up_to_seq bigint,
  p_live boolean, p_socket_id text, p_lease interval, p_lifetime interval
) returns setof chat.saved_v2
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_generic_plan as $function$
declare
  conversation chat.conversation;
  event        chat.outbox;
  by_client    boolean := p_role = 'client';
  mark         bigint;
  total        bigint;
  clock        timestamptz;
begin
  select * into conversation from chat.conversation as stored where stored.client_id = p_client_id for no key update;
  if not found then
    return next chat.saved_v2('no_conversation', null, false, null, null, null);
    return;
  end if;
  clock := clock_timestamp();
  mark := least(p_up_to_seq, conversation.last_seq);

  if mark <= (case when by_client then conversation.client_read_seq else conversation.developer_read_seq end) then
    if by_client then
      update chat.conversation as stored set last_seen_at = clock where stored.client_id = p_client_id returning * into conversation;
    end if;
    return query select * from chat.replay_v2('kept', conversation, null, p_call_id, p_live, p_socket_id, p_lease, p_lifetime);
    return;
  end if;

  select stored.client_total into strict total from chat.message as stored where stored.client_id = p_client_id and stored.seq = mark;
  if by_client then
    update chat.conversation as stored set
        client_read_seq = mark, client_read_total = total, client_read_at = clock, last_seen_at = clock,
        version = stored.version + 1, updated_at = clock
      where stored.client_id = p_client_id returning * into conversation;
  else
    perform chat.note_developer_v1(p_reader_id, p_reader_name);
    update chat.conversation as stored set
        developer_read_seq = mark, developer_read_total = total, developer_read_at = clock,
        version = stored.version + 1, updated_at = clock
      where stored.client_id = p_client_id returning * into conversation;
  end if;

  for event in
    insert into chat.outbox (client_id, version, event, target, reader_role, reader_id, reader_name, socket_id, created_at, due_at, call_id)
      select p_client_id, conversation.version, name, target, p_role, p_reader_id, p_reader_name, p_socket_id, clock, clock + p_lease, p_call_id
        from (values ('messages-read', 'conversation'), ('conversation-updated', 'inbox')) as announced (name, target)
        where p_live
      returning *
  loop
    return next chat.saved_v2('moved', null, false, event, conversation, null);
  end loop;
  if not found then
    return next chat.saved_v2('moved', null, false, null, conversation, null);
  end if;
end
$function$;
