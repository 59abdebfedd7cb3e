-- What is still to be told to the receiver that CHAT_WEBHOOK_URL names. No call that changes something writes here: the
-- cron finds out what was committed since it last looked, see queue_webhooks_v1.

-- How far it has looked: one row. Whatever has changed on this server by a transaction with this number or a higher one
-- may not be queued yet.
create table chat.webhook_progress (
  only_row  boolean primary key default true,
  server    bigint,
  xid       xid8,        -- null until webhooks are first sent
  begun_at  timestamptz, -- what is older is never told
  looked_at timestamptz,
  constraint webhook_progress_only_row check (only_row)
);
insert into chat.webhook_progress default values;

-- How far it has looked in one conversation.
create table chat.webhook_seen (
  client_id text collate "C" primary key references chat.conversation on delete cascade,
  version   bigint not null,
  last_seq  bigint not null
);

-- The sides that have something to read, each with the read mark that this is true of.
create table chat.webhook_unread (
  client_id text collate "C" not null references chat.conversation on delete cascade,
  side      text not null,
  read_seq  bigint not null,
  since     timestamptz not null,           -- when the first message came that it has not read
  told      boolean not null default false, -- message.unread was queued: once for each place of the read mark
  primary key (client_id, side),
  constraint webhook_unread_side check (side in ('client', 'developer'))
);
create index webhook_unread_since on chat.webhook_unread (since) where not told;

-- One row for each webhook that is to be sent. It names what it is about and holds none of it: a webhook goes out with the
-- state of the moment in which it is sent.
create table chat.webhook (
  client_id  text collate "C" not null references chat.conversation on delete cascade,
  type       text not null,
  seq        bigint not null, -- the message that it is about, or 0
  side       text not null,   -- of message.unread: who has not read, or empty
  id         uuid not null,   -- what a receiver knows it by, each time that it comes
  created_at timestamptz not null,
  due_at     timestamptz not null, -- when to try, or the end of the lease of whoever is trying
  attempts   integer not null default 0,
  primary key (client_id, type, seq, side),
  constraint webhook_type check (type in ('message.created', 'message.updated', 'message.unread', 'conversation.updated'))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index webhook_due on chat.webhook (due_at);
create index webhook_created on chat.webhook (created_at);
create index webhook_message_unread on chat.webhook (client_id) where type = 'message.unread';

-- The receivers that have answered 410 Gone, each by a digest of its URL, and until when they are left alone.
create table chat.webhook_gone (
  receiver_digest bytea primary key,
  until           timestamptz not null
);
