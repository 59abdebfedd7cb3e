-- Begins a client's conversation, unless somebody else has done so meanwhile, and gives it, locked.
create or replace function chat.begin_conversation_v1(p_client_id text, p_client_name text, p_client_email text) returns chat.conversation
language plpgsql volatile as $function$
declare
  conversation chat.conversation;
  clock        timestamptz := clock_timestamp();
begin
  -- Whether this client is online may be known, or become known just now: this row is the lock of both, see
  -- presence_v3.
  insert into chat.presence as stored (client_id, online, online_at) values (p_client_id, false, '-infinity')
    on conflict (client_id) do update set online = stored.online where false; -- locked, and not changed
  with known as (
    delete from chat.presence as stored where stored.client_id = p_client_id
      returning stored.online, nullif(stored.online_at, '-infinity') as online_at
  )
  insert into chat.conversation (client_id, client_name, client_email, online, online_at, last_message_at, created_at, updated_at)
    select p_client_id, p_client_name, p_client_email, known.online, known.online_at, clock, clock, clock
      from known
    on conflict do nothing;
  select * into conversation from chat.conversation as stored where stored.client_id = p_client_id for no key update;
  return conversation;
end
$function$;
