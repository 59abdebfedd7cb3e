-- Tells whether a call has made its change of a conversation already and lost the answer: then its events are there,
-- leased to it. If Pusher is off there are none, and the retry finds that everything is as it asks for: it changes nothing.
create or replace function chat.was_made_v1(p_client_id text, p_call_id uuid) returns boolean
language plpgsql volatile as $function$
begin
  return exists (select from chat.outbox as stored where stored.client_id = p_client_id and stored.call_id = p_call_id);
end
$function$;
