-- What a change cannot do without: the same rows, by the shortest functions that store them. There is no lock beyond
-- that of the update, no key looked up, no rate limit, no case for what goes wrong.
--
-- They are in plpgsql, which keeps its plans: the same statements as functions of the language sql took longer.
create schema floor;

create function floor.begin(p_client_id text) returns void language plpgsql as $function$
begin
  insert into chat.conversation (client_id, client_name, last_message_at, created_at, updated_at)
    values (p_client_id, 'Grace', now(), now(), now());
end
$function$;

create function floor.send(p_client_id text, p_id uuid, p_key text, p_body text) returns bigint language plpgsql as $function$
declare
  at        timestamptz := clock_timestamp();
  new_seq   bigint;
  new_total bigint;
  changed   bigint;
begin
  update chat.conversation c set
      last_seq = c.last_seq + 1, client_total = c.client_total + 1, last_message_at = at, last_sender_role = 'client',
      last_preview = p_body, last_seen_at = at, status = 'open', version = c.version + 1, updated_at = at
    where c.client_id = p_client_id
    returning c.last_seq, c.client_total, c.version into new_seq, new_total, changed;
  insert into chat.message (
      client_id, seq, id, version, sender_role, sender_id, sender_name, client_message_id, body, body_digest, client_total, created_at)
    values (
      p_client_id, new_seq, p_id, changed, 'client', p_client_id, 'Grace', p_key, p_body, sha256(convert_to(p_body, 'UTF8')), new_total, at);
  insert into chat.outbox (client_id, version, event, target, seq, socket_id, created_at, due_at) values
    (p_client_id, changed, 'new-message', 'conversation', new_seq, '1.2', at, at + interval '10s'),
    (p_client_id, changed, 'conversation-updated', 'inbox', new_seq, '1.2', at, at + interval '10s');
  return changed;
end
$function$;

create function floor.read(p_client_id text, p_up_to_seq bigint) returns bigint language plpgsql as $function$
declare
  at      timestamptz := clock_timestamp();
  changed bigint;
begin
  update chat.conversation c set
      developer_read_seq = p_up_to_seq, developer_read_total = m.client_total, developer_read_at = at, version = c.version + 1, updated_at = at
    from chat.message m
    where c.client_id = p_client_id and m.client_id = p_client_id and m.seq = p_up_to_seq
    returning c.version into changed;
  insert into chat.outbox (client_id, version, event, target, reader_role, reader_id, reader_name, socket_id, created_at, due_at) values
    (p_client_id, changed, 'messages-read', 'conversation', 'developer', 'ada', 'Ada', '1.2', at, at + interval '10s'),
    (p_client_id, changed, 'conversation-updated', 'inbox', 'developer', 'ada', 'Ada', '1.2', at, at + interval '10s');
  return changed;
end
$function$;

create function floor.edit(p_client_id text, p_seq bigint, p_body text) returns bigint language plpgsql as $function$
declare
  at      timestamptz := clock_timestamp();
  changed bigint;
begin
  update chat.conversation c set last_preview = p_body, version = c.version + 1, updated_at = at
    where c.client_id = p_client_id
    returning c.version into changed;
  update chat.message m set body = p_body, edited_at = at, version = changed
    where m.client_id = p_client_id and m.seq = p_seq;
  insert into chat.outbox (client_id, version, event, target, seq, created_at, due_at) values
    (p_client_id, changed, 'message-updated', 'conversation', p_seq, at, at + interval '10s'),
    (p_client_id, changed, 'conversation-updated', 'inbox', null, at, at + interval '10s');
  return changed;
end
$function$;

create function floor.update(p_client_id text, p_status text) returns bigint language plpgsql as $function$
declare
  at      timestamptz := clock_timestamp();
  changed bigint;
begin
  update chat.conversation c set status = p_status, version = c.version + 1, updated_at = at
    where c.client_id = p_client_id
    returning c.version into changed;
  insert into chat.outbox (client_id, version, event, target, socket_id, created_at, due_at) values
    (p_client_id, changed, 'conversation-updated', 'conversation', '1.2', at, at + interval '10s'),
    (p_client_id, changed, 'conversation-updated', 'inbox', '1.2', at, at + interval '10s');
  return changed;
end
$function$;

-- The delete by key. It waits for no disk: a floor that did would be no floor. It goes by the index: its plan, which
-- is kept, is made while the table is small, and would read all of it later, when it holds what was deleted since.
create function floor.forget(p_client_id text, p_version bigint) returns void language plpgsql set enable_seqscan = off as $function$
begin
  perform set_config('synchronous_commit', 'off', true);
  delete from chat.outbox o where o.client_id = p_client_id and o.version = p_version;
end
$function$;
