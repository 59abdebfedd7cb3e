-- Answers a call that finds its change made already. It takes over the events that the same call leased before it
-- lost its answer, due or not. Of a message that was sent before, it also takes the events that are due: another
-- call delivers the others now, and keeps them.
--
-- It is called under the lock of the conversation.
create or replace function chat.replay_v2(
  p_outcome text, p_conversation chat.conversation, p_message chat.message,
  p_call_id uuid, p_live boolean, p_socket_id text, p_lease interval, p_lifetime interval
) returns setof chat.saved_v2
language plpgsql volatile as $function$
declare
  event  chat.outbox;
  queued boolean;
  clock  timestamptz := clock_timestamp();
begin
  queued := p_live and p_outcome = 'replayed' and exists (
    select from chat.outbox as stored
      where stored.client_id = p_conversation.client_id and stored.seq = p_message.seq and stored.event <> 'message-updated'
        and stored.call_id is distinct from p_call_id and (stored.refused or stored.due_at > clock)
  );
  for event in
    update chat.outbox as stored set
        due_at = clock + p_lease, attempts = stored.attempts + 1, call_id = p_call_id,
        socket_id = p_socket_id -- the connection that gets the answer of this call needs no event
      where p_live and stored.client_id = p_conversation.client_id and not stored.refused and stored.created_at > clock - p_lifetime
        and (stored.call_id = p_call_id
          or p_outcome = 'replayed' and stored.seq = p_message.seq and stored.event <> 'message-updated' and stored.due_at <= clock)
      returning *
  loop
    return next chat.saved_v2(p_outcome, null, queued, event, p_conversation, p_message);
  end loop;
  if not found then
    return next chat.saved_v2(p_outcome, null, queued, null, p_conversation, p_message);
  end if;
end
$function$;
