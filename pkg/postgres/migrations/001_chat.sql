-- The conversations, their messages, and the outbox of events that are still to be announced.
-- Every key begins with the client's id, so that the tables can be partitioned or sharded by it.

create schema if not exists chat;

-- How many of these steps the database has: one row.
create table chat.schema_version (version integer not null);
insert into chat.schema_version (version) values (0);

-- Which server this is: another one after a dump and restore elsewhere, where transactions have other numbers.
create function chat.server() returns bigint stable parallel safe language sql
  return (select system_identifier from pg_control_system());

create table chat.conversation (
  client_id            text collate "C" primary key,
  client_name          text,
  client_name_set      boolean not null default false, -- by a developer: tokens no longer overwrite it
  client_email         text,
  status               text not null default 'open',
  assignee_id          text collate "C",
  last_seen_at         timestamptz,                    -- the client's last send or read; alone it changes no version
  online               boolean not null default false, -- as Pusher last said,
  online_at            timestamptz,                    -- at this time; long after it the client counts as gone
  last_seq             bigint not null default 0,
  client_total         bigint not null default 0,      -- how many of 1..last_seq the client sent
  last_message_at      timestamptz not null,
  last_sender_role     text not null default 'client',
  last_preview         text not null default '',
  client_read_seq      bigint not null default 0,
  client_read_total    bigint not null default 0,      -- how many of 1..client_read_seq the client sent
  client_read_at       timestamptz,
  developer_read_seq   bigint not null default 0,
  developer_read_total bigint not null default 0,      -- how many of 1..developer_read_seq the client sent
  developer_read_at    timestamptz,
  -- Derived from running counts, so that they can neither drift nor cost a count.
  unread_client        bigint not null generated always as ((last_seq - client_total) - (client_read_seq - client_read_total)) stored,
  unread_developer     bigint not null generated always as (client_total - developer_read_total) stored,
  version              bigint not null default 0,
  changed_on           bigint not null default chat.server(),      -- the server,
  changed_xid          xid8 not null default pg_current_xact_id(), -- and on it the transaction, of the last change of version
  rate_tokens          double precision not null default 'infinity',
  rate_at              timestamptz not null default clock_timestamp(),
  created_at           timestamptz not null,
  updated_at           timestamptz not null,
  constraint conversation_client_id_length check (octet_length(client_id) between 1 and 120),
  constraint conversation_status check (status in ('open', 'closed')),
  constraint conversation_last_sender_role check (last_sender_role in ('client', 'developer')),
  constraint conversation_read_marks check (
    client_read_seq between 0 and last_seq and developer_read_seq between 0 and last_seq
  )
) with (fillfactor = 80);

-- The inbox of one status, newest last message first: all of it, the unread, nobody's, one assignee's. An
-- inbox of both statuses is two of these scans, merged.
create index conversation_inbox on chat.conversation (status, last_message_at desc, client_id desc);
create index conversation_inbox_unread on chat.conversation (status, last_message_at desc, client_id desc) where unread_developer > 0;
create index conversation_inbox_unassigned on chat.conversation (status, last_message_at desc, client_id desc) where assignee_id is null;
create index conversation_inbox_assignee on chat.conversation (assignee_id, status, last_message_at desc, client_id desc) where assignee_id is not null;

-- What has changed since a moment. Versions are each conversation's own, clocks are not in the order of commits,
-- and neither is a number that all transactions count up together: one that is committed late would be passed
-- over. A transaction's own number, compared with those that were not yet finished at that moment, is not.
create index conversation_changed on chat.conversation (changed_on, changed_xid);

create function chat.mark_changed() returns trigger language plpgsql as $function$
begin
  new.changed_on := chat.server();
  new.changed_xid := pg_current_xact_id();
  return new;
end
$function$;
create trigger mark_changed before update on chat.conversation
  for each row when (new.version <> old.version) execute function chat.mark_changed();

-- What a search looks at, apart from the conversations: these change with every message, their names hardly ever.
create table chat.search (
  client_id text collate "C" primary key references chat.conversation on delete cascade,
  folded    text collate "C" not null -- name, e-mail and id, a line each, without the difference of case
);

do $block$
begin
  -- Every letter is folded by itself, so that a part of a text folds to a part of what the text folds to. For that
  -- the few letters whose lower case depends on what stands beside them, or is two, are replaced before: Greek's
  -- sigma at the end of a word, and the i of Turkish with its dot and without.
  --
  -- The case of letters is Unicode's, whatever the database's locale, where this Postgres was built with ICU.
  execute format($$
    create function chat.fold(t text) returns text immutable strict parallel safe language sql
      return lower(translate(t, 'İıΣς', 'iiσσ') collate %s)
    $$, case when exists (select from pg_collation where collname = 'und-x-icu') then '"und-x-icu"' else '"default"' end);
end
$block$;

create function chat.trigrams(t text) returns text[] immutable strict parallel safe language sql
  return (select coalesce(array_agg(distinct substr(t, i, 3) collate "C"), '{}') from generate_series(1, char_length(t) - 2) i);

-- Every three characters in a row are an entry. pg_trgm does the same for letters and digits only, and where the
-- database's locale is C for those of ASCII only; here an address, a path or a name in any script is found by any
-- part of it, and no extension is needed. Entries are made at once: a list of those to come would have to be read
-- by every search, and now and then be worked off by a send.
create index search_trigrams on chat.search using gin ((chat.trigrams(folded) collate "C")) with (fastupdate = off);

create function chat.index_search() returns trigger language plpgsql as $function$
begin
  insert into chat.search (client_id, folded)
    values (new.client_id, chat.fold(concat_ws(e'\n', new.client_name, new.client_email, new.client_id)))
    on conflict (client_id) do update set folded = excluded.folded;
  return null;
end
$function$;
create trigger index_search_of_new after insert on chat.conversation
  for each row execute function chat.index_search();
create trigger index_search_of_changed after update on chat.conversation
  for each row when ((new.client_name, new.client_email) is distinct from (old.client_name, old.client_email))
  execute function chat.index_search();

-- Who is online of the clients who have no conversation yet, for as long as that is worth knowing.
create table chat.presence (
  client_id text collate "C" primary key,
  online    boolean not null,
  online_at timestamptz not null
);
create index presence_online_at on chat.presence (online_at);

-- The guests who began within the last minute, by a digest of the address that they came from.
create table chat.guest_rate (
  address_digest bytea primary key,
  admitted       timestamptz[] not null default '{}',
  last_at        timestamptz not null default clock_timestamp()
);
create index guest_rate_last_at on chat.guest_rate (last_at);

create table chat.message (
  client_id         text collate "C" not null references chat.conversation on delete cascade,
  seq               bigint not null,
  id                uuid not null,
  version           bigint not null,
  sender_role       text not null,
  sender_id         text collate "C" not null,
  sender_name       text,
  client_message_id text collate "C",
  body              text not null,
  body_digest       bytea not null, -- sha-256 of the body as first stored: what a repeated key is compared with
  client_total      bigint not null, -- how many of 1..seq the client sent: makes unread a subtraction
  created_at        timestamptz not null,
  edited_at         timestamptz,
  deleted_at        timestamptz,
  primary key (client_id, seq),
  constraint message_id unique (client_id, id),
  constraint message_version unique (client_id, version), -- no change touches two: paging by version relies on it
  constraint message_client_message_id unique (client_id, sender_role, sender_id, client_message_id),
  constraint message_sender_role check (sender_role in ('client', 'developer')),
  constraint message_seq check (seq >= 1)
);

-- One row for each event of a committed change that nobody has yet acknowledged. It names what is to be
-- announced and holds none of it: an event goes out with the state of its moment of delivery.
create table chat.outbox (
  client_id   text collate "C" not null references chat.conversation on delete cascade,
  version     bigint not null,            -- of the change
  event       text not null,
  target      text not null,              -- the conversation's own channel or the inbox
  seq         bigint,                     -- the message that it is about
  reader_role text,                       -- of messages-read: whose mark moved
  reader_id   text,
  reader_name text,
  socket_id   text not null default '',   -- the connection that caused it and does not hear it
  created_at  timestamptz not null default clock_timestamp(),
  due_at      timestamptz not null,       -- the end of the lease of whoever is delivering it now
  attempts    integer not null default 1,
  refused     boolean not null default false, -- by Pusher, as such: parked until its lifetime ends
  primary key (client_id, version, event, target),
  constraint outbox_event check (event in ('new-message', 'message-updated', 'messages-read', 'conversation-updated')),
  constraint outbox_target check (target in ('conversation', 'inbox'))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index outbox_due on chat.outbox (due_at);
