-- Moves one side's read mark forward, to the last message at most, as one statement.
--
-- outcome: 'moved'; 'kept' (the mark stands there already, or further: nothing changed but the client's
-- last_seen_at); 'absent' (no conversation). events: 'VERSION EVENT TARGET' each.
create or replace function chat.read_v1(
  p_client_id text, p_role text, p_reader_id text, p_reader_name text, p_up_to_seq bigint,
  p_live boolean, p_socket_id text, p_lease interval
) returns table (outcome text, conversation chat.conversation, events text[])
language plpgsql volatile as $function$
declare
  c         chat.conversation;
  mark      bigint;
  total     bigint;
  at        timestamptz;
  by_client boolean := p_role = 'client';
begin
  select * into c from chat.conversation x where x.client_id = p_client_id for no key update;
  if not found then
    return query select 'absent', null::chat.conversation, null::text[];
    return;
  end if;
  at := clock_timestamp();
  mark := least(p_up_to_seq, c.last_seq);

  if mark <= (case when by_client then c.client_read_seq else c.developer_read_seq end) then
    if by_client then
      update chat.conversation x set last_seen_at = at where x.client_id = p_client_id returning * into c;
    end if;
    return query select 'kept', c, null::text[];
    return;
  end if;

  select x.client_total into strict total from chat.message x where x.client_id = p_client_id and x.seq = mark;
  if by_client then
    update chat.conversation x set
        client_read_seq = mark, client_read_total = total, client_read_at = at, last_seen_at = at,
        version = x.version + 1, updated_at = at
      where x.client_id = p_client_id returning * into c;
  else
    update chat.conversation x set
        developer_read_seq = mark, developer_read_total = total, developer_read_at = at,
        version = x.version + 1, updated_at = at
      where x.client_id = p_client_id returning * into c;
  end if;

  if p_live then
    events := array[c.version || ' messages-read conversation', c.version || ' conversation-updated inbox'];
    insert into chat.outbox (client_id, version, event, target, reader_role, reader_id, reader_name, socket_id, created_at, due_at)
      select p_client_id, c.version, split_part(e, ' ', 2), split_part(e, ' ', 3),
             p_role, p_reader_id, p_reader_name, p_socket_id, at, at + p_lease
        from unnest(events) e;
  end if;
  return query select 'moved', c, events;
end
$function$;
