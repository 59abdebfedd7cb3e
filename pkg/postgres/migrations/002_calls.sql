-- What a call that changes something gives back, and what it leaves behind for its own retry.

-- Which call an event is leased to. A call whose answer was lost runs again with the same id, and takes what it
-- left with it; others take only what is due.
alter table chat.outbox add column call_id uuid;

-- How often Pusher refused an event alone, while it took others, and since when: see acknowledge_v2.
alter table chat.outbox add column rejections integer not null default 0;
alter table chat.outbox add column rejected_at timestamptz;

-- What is parked is in no claim's way.
drop index chat.outbox_due;
create index outbox_due on chat.outbox (due_at) where not refused;
create index outbox_parked on chat.outbox (due_at) where refused;

-- An event needs no foreign key: only the functions write it, under the lock of the conversation that it is of,
-- and they would check each event against it once more.
alter table chat.outbox drop constraint outbox_client_id_fkey;

-- The server that this session is on. The first call in a session reads it from a file of the server's; a session
-- never moves to another server, so the later ones take it from a setting of the session.
create or replace function chat.server() returns bigint stable parallel restricted language plpgsql as $function$
declare
  known text := current_setting('chat.server', true);
begin
  if known is null or known = '' then
    select system_identifier::text into known from pg_control_system();
    perform set_config('chat.server', known, false);
  end if;
  return known::bigint;
end
$function$;

-- The developers who have sent, changed or read something, each with the name that they had last, and the day.
create table chat.developer (
  id        text collate "C" primary key,
  name      text,
  active_on date not null
);
create index developer_active_on on chat.developer (active_on);

-- A search finds a text in whatever normalization form it is written. Forms are compared as NFKC.
do $block$
begin
  execute format($$
    create or replace function chat.fold(t text) returns text immutable strict parallel safe language sql
      return lower(translate(normalize(t, nfkc), 'İıΣς', 'iiσσ') collate %s)
    $$, case when exists (select from pg_collation where collname = 'und-x-icu') then '"und-x-icu"' else '"default"' end);
end
$block$;
update chat.search as stored
  set folded = chat.fold(concat_ws(e'\n', conversation.client_name, conversation.client_email, conversation.client_id))
  from chat.conversation as conversation where conversation.client_id = stored.client_id;

-- How many tokens a conversation's bucket holds at a moment. A clock that was set back since it was filled must not
-- keep it empty until that moment comes again.
create function chat.rate_tokens(
  conversation chat.conversation, clock timestamptz, capacity double precision, per_second double precision
) returns double precision immutable parallel safe language sql
return case
  when clock < conversation.rate_at then capacity
  else least(capacity, conversation.rate_tokens + extract(epoch from clock - conversation.rate_at)::double precision * per_second)
end;

-- The one shape in which every function that writes answers: what came of the call, and an event that is now
-- leased to it, with the state of the conversation and the message that it is about. There is a row for each
-- such event, and one row with no event if there is none.
create type chat.saved_v1 as (
  outcome            text,
  retry_after        double precision, -- seconds, of a call that was limited
  queued             boolean,          -- an event of the change waits that is not leased to this call

  event_version      bigint,           -- null if there is no event
  event_name         text,
  event_target       text,
  event_reader_role  text,
  event_reader_id    text,
  event_reader_name  text,
  event_socket_id    text,

  client_id          text,             -- null if there is no conversation
  client_name        text,
  client_email       text,
  status             text,
  assignee_id        text,
  last_seen_at       timestamptz,
  online             boolean,
  online_at          timestamptz,
  last_seq           bigint,
  last_sender_role   text,
  last_preview       text,
  last_message_at    timestamptz,
  client_read_seq    bigint,
  client_read_at     timestamptz,
  developer_read_seq bigint,
  developer_read_at  timestamptz,
  unread_client      bigint,
  unread_developer   bigint,
  version            bigint,
  created_at         timestamptz,
  updated_at         timestamptz,

  message_seq        bigint,           -- null if the call is not about a message
  message_id         text,
  message_version    bigint,
  sender_role        text,
  sender_id          text,
  sender_name        text,
  client_message_id  text,
  body               text,
  message_created_at timestamptz,
  edited_at          timestamptz,
  deleted_at         timestamptz
);

create function chat.saved_v1(
  outcome text, retry_after double precision, queued boolean,
  event chat.outbox, conversation chat.conversation, message chat.message
) returns chat.saved_v1 immutable parallel safe language sql
return row(
  outcome, retry_after, queued,
  event.version, event.event, event.target, event.reader_role, event.reader_id, event.reader_name, event.socket_id,
  conversation.client_id, conversation.client_name, conversation.client_email, conversation.status, conversation.assignee_id,
  conversation.last_seen_at, conversation.online, conversation.online_at,
  conversation.last_seq, conversation.last_sender_role, conversation.last_preview, conversation.last_message_at,
  conversation.client_read_seq, conversation.client_read_at, conversation.developer_read_seq, conversation.developer_read_at,
  conversation.unread_client, conversation.unread_developer, conversation.version, conversation.created_at, conversation.updated_at,
  message.seq, message.id::text, message.version, message.sender_role, message.sender_id, message.sender_name,
  message.client_message_id, message.body, message.created_at, message.edited_at, message.deleted_at
)::chat.saved_v1;
