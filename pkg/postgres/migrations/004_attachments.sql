-- Files of messages. Their bytes are in an object store; the tables have what they are called, how large they are, and
-- which objects are to be deleted.

-- The files of a message as a reader sees them: an array of objects with the fields of the API, in the order in which
-- they were sent. Null if there are none, so a message without files costs what it did.
alter table chat.message add column attachments jsonb;

-- The files that were begun, and those that belong to a message.
create table chat.attachment (
  client_id  text collate "C" not null, -- whose conversation it is for; a client's may come before its first message
  id         uuid not null,
  object_key text collate "C" not null, -- where the object store has it
  file_name  text not null,
  media_type text not null,
  size       bigint not null,
  width      integer,                   -- of an image, in pixels
  height     integer,
  by_client  boolean not null,          -- who began it
  begun_at   timestamptz not null default clock_timestamp(),
  seq        bigint,                    -- of the message that it belongs to; null until it is sent
  primary key (client_id, id),
  constraint attachment_size check (size >= 1)
);
create index attachment_seq on chat.attachment (client_id, seq) where seq is not null;
create index attachment_unsent on chat.attachment (client_id) where seq is null;
create index attachment_begun_at on chat.attachment (begun_at) where seq is null;

-- The objects that are to be deleted from the store. What they were is forgotten when their files are.
create table chat.object_deletion (
  object_key text collate "C" primary key,
  due_at     timestamptz not null
);
create index object_deletion_due_at on chat.object_deletion (due_at);

-- Whatever deletes a file leaves its object here. An address to upload it to may still be good, and an upload that began
-- in time may still be going on: an object that was deleted before that ends could come back.
create function chat.delete_object() returns trigger language plpgsql as $function$
begin
  insert into chat.object_deletion (object_key, due_at)
    values (old.object_key, greatest(clock_timestamp(), old.begun_at + interval '1 hour'))
    on conflict (object_key) do nothing;
  return null;
end
$function$;
create trigger delete_object after delete on chat.attachment
  for each row execute function chat.delete_object();

-- Whatever deletes a message deletes its files: also code that knows nothing of them, and an erasure. (A foreign key would
-- look for the files of every message that is removed, and hardly any has some.)
create function chat.delete_attachments() returns trigger language plpgsql as $function$
begin
  delete from chat.attachment as stored where stored.client_id = old.client_id and stored.seq = old.seq;
  if tg_op = 'DELETE' then
    return old;
  end if;
  new.attachments := null;
  return new;
end
$function$;
create trigger delete_attachments before update on chat.message
  for each row when (new.deleted_at is not null and old.attachments is not null) execute function chat.delete_attachments();
create trigger delete_attachments_of_removed before delete on chat.message
  for each row when (old.attachments is not null) execute function chat.delete_attachments();

-- How many bytes of files each client has begun within a day, by the hour. The row is also the lock of those who begin.
create table chat.attachment_rate (
  client_id text collate "C" primary key,
  hours     timestamptz[] not null default '{}',
  bytes     bigint[] not null default '{}', -- of each of them
  last_at   timestamptz not null default clock_timestamp()
);
create index attachment_rate_last_at on chat.attachment_rate (last_at);

-- What the inbox shows of a message that has files and no text: the first file's name, as package chat makes a preview of
-- a text. What has Unicode's property White_Space is folded; a name has none of those that are control characters.
create function chat.file_preview(attachments jsonb) returns text immutable parallel safe language sql
return left(btrim(regexp_replace(
  translate(attachments -> 0 ->> 'fileName', E'\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000', repeat(' ', 18)),
  ' +', ' ', 'g'
)), 140);

-- The shape in which every function that writes answers, now with the files of the message: see saved_v1, which the
-- functions of the code before this step go on using.
create type chat.saved_v2 as (
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
  attachments        jsonb,            -- null if it has none
  message_created_at timestamptz,
  edited_at          timestamptz,
  deleted_at         timestamptz
);

create function chat.saved_v2(
  outcome text, retry_after double precision, queued boolean,
  event chat.outbox, conversation chat.conversation, message chat.message
) returns chat.saved_v2 immutable parallel safe language sql
return row(
  outcome, retry_after, queued,
  event.version, event.event, event.target, event.reader_role, event.reader_id, event.reader_name, event.socket_id,
  conversation.client_id, conversation.client_name, conversation.client_email, conversation.status, conversation.assignee_id,
  conversation.last_seen_at, conversation.online, conversation.online_at,
  conversation.last_seq, conversation.last_sender_role, conversation.last_preview, conversation.last_message_at,
  conversation.client_read_seq, conversation.client_read_at, conversation.developer_read_seq, conversation.developer_read_at,
  conversation.unread_client, conversation.unread_developer, conversation.version, conversation.created_at, conversation.updated_at,
  message.seq, message.id::text, message.version, message.sender_role, message.sender_id, message.sender_name,
  message.client_message_id, message.body, message.attachments, message.created_at, message.edited_at, message.deleted_at
)::chat.saved_v2;
