-- Queues the webhooks of what was committed since the last call, of p_limit conversations at most, and message.unread of
-- those that have been unread for p_unread_after; null sends none of these. It tells whether there may be more to queue.
--
-- It goes by the numbers of transactions, as the inbox's catch-up does: a conversation with a number below the lowest one
-- that was not finished at the last call was seen then. So nothing that was committed is passed over, whatever the order of
-- commits and whatever code wrote it, and no call that changes something has anything to do for it. After a dump and
-- restore it first finishes what has the other server's numbers.
--
-- Its statements are planned at each call, unlike others: whether they should follow an index depends on how far it has
-- looked, which a plan for any number does not know.
--
-- The first call begins an hour before itself. After a pause it tells of the last p_lifetime at most.
create or replace function chat.queue_webhooks_v1(p_limit integer, p_unread_after interval, p_lifetime interval) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '400ms' set enable_seqscan = off set plan_cache_mode = force_custom_plan as $function$
declare
  progress  chat.webhook_progress;
  waiting   chat.webhook_unread;
  here      bigint := chat.server();
  clock     timestamptz := clock_timestamp();
  horizon   xid8;
  last_xid  xid8;
  many      integer;
  is_more   boolean := false;
  unread_at timestamptz;
begin
  select * into progress from chat.webhook_progress as stored where stored.only_row for update skip locked;
  if not found then
    return false; -- another call is at it
  end if;
  select pg_snapshot_xmin(pg_current_snapshot()) into horizon; -- before anything is read: what is finished now is seen below

  if progress.xid is null then
    progress.server := here;
    progress.begun_at := clock - interval '1 hour';
    progress.looked_at := clock;
    select stored.changed_xid into progress.xid from chat.conversation as stored
      where stored.changed_on = here and stored.updated_at < progress.begun_at
      order by stored.changed_xid desc limit 1;
    progress.xid := coalesce(progress.xid, '0');
  elsif progress.server = here and progress.xid > pg_snapshot_xmax(pg_current_snapshot()) then
    progress.xid := '0'; -- this server has not come to that number: it is a restored copy of itself
  end if;
  if clock < progress.looked_at then -- the clock was set back, and what comes now is no older than it was
    progress.begun_at := progress.begun_at - (progress.looked_at - clock);
  elsif progress.looked_at < clock - p_lifetime then
    progress.begun_at := clock - p_lifetime;
  end if;

  -- All in one statement, for it must see one state of a conversation and its messages.
  with changed as materialized (
    select stored.*, seen.last_seq as seen_seq,
        coalesce(seen.version, (
          select message.version from chat.message as message
            where message.client_id = stored.client_id and greatest(message.created_at, message.edited_at, message.deleted_at) < progress.begun_at
            order by message.version desc limit 1
        ), 0) as seen_version
      from chat.conversation as stored left join chat.webhook_seen as seen using (client_id)
      where stored.changed_on = progress.server and stored.changed_xid >= progress.xid
        and (seen.version is null or seen.version < stored.version)
        -- What has nothing to tell is passed by: after a restore all that there is has one number.
        and greatest(stored.updated_at, stored.last_message_at) >= progress.begun_at
      order by stored.changed_xid limit p_limit
  ), touched as (
    select message.client_id, message.seq,
        message.seq > coalesce(changed.seen_seq, 0) and message.created_at >= progress.begun_at as is_new,
        (message.seq <= changed.seen_seq or message.edited_at is not null or message.deleted_at is not null)
          and greatest(message.created_at, message.edited_at, message.deleted_at) >= progress.begun_at as is_changed
      from changed cross join lateral ( -- in this order, so that it is read from the index that has it
        select stored.* from chat.message as stored
          where stored.client_id = changed.client_id and stored.version > changed.seen_version
          order by stored.version
      ) as message
  ), queued as (
    insert into chat.webhook as stored (client_id, type, seq, side, id, created_at, due_at)
      select touched.client_id, 'message.created', touched.seq, '', gen_random_uuid(), clock, clock from touched where touched.is_new
      union all
      select touched.client_id, 'message.updated', touched.seq, '', gen_random_uuid(), clock, clock from touched where touched.is_changed
      union all
      select changed.client_id, 'conversation.updated', 0, '', gen_random_uuid(), clock, clock from changed where changed.updated_at >= progress.begun_at
      -- One that waits will show this change too. If it was tried, the receiver may have it, and would drop its id.
      on conflict (client_id, type, seq, side) do update
        set id = excluded.id, created_at = excluded.created_at, due_at = excluded.due_at, attempts = 0
        where stored.attempts > 0
  ), sides as (
    select changed.client_id, side.name, side.unread, side.read_seq,
        case when side.unread > 0 then chat.first_unread_v1(changed.client_id, side.name, side.read_seq, progress.begun_at) end as since
      from changed cross join lateral (values
        ('client', changed.unread_client, changed.client_read_seq),
        ('developer', changed.unread_developer, changed.developer_read_seq)
      ) as side (name, unread, read_seq)
  ), unread as (
    insert into chat.webhook_unread as stored (client_id, side, read_seq, since)
      select sides.client_id, sides.name, sides.read_seq, sides.since from sides where sides.since is not null
      on conflict (client_id, side) do update set read_seq = excluded.read_seq, since = excluded.since, told = false
        where stored.read_seq <> excluded.read_seq
  ), read as (
    delete from chat.webhook_unread as stored using sides
      where (stored.client_id, stored.side) = (sides.client_id, sides.name) and sides.since is null
        and not (stored.told and sides.unread > 0 and stored.read_seq = sides.read_seq)
  ), noted as (
    insert into chat.webhook_seen as stored (client_id, version, last_seq)
      select changed.client_id, changed.version, changed.last_seq from changed
      on conflict (client_id) do update set version = excluded.version, last_seq = excluded.last_seq
  )
  select count(*), (select changed.changed_xid from changed order by changed.changed_xid desc limit 1) into many, last_xid from changed;

  if many = p_limit then -- of the last number there may be more
    progress.xid := case when progress.server = here then least(last_xid, horizon) else last_xid end;
    is_more := true;
  elsif progress.server <> here then
    progress.server := here;
    progress.xid := '0';
    is_more := true;
  else
    progress.xid := horizon;
  end if;
  update chat.webhook_progress as stored
    set server = progress.server, xid = progress.xid, begun_at = progress.begun_at, looked_at = clock
    where stored.only_row;

  if p_unread_after is null then
    delete from chat.webhook as stored where stored.type = 'message.unread';
    return is_more;
  end if;
  many := 0;
  for waiting in
    select stored.* from chat.webhook_unread as stored
      where not stored.told and stored.since <= clock - p_unread_after
      order by stored.since limit p_limit
  loop
    many := many + 1;
    if exists (
      select from chat.conversation as stored where stored.client_id = waiting.client_id
        and waiting.read_seq = case when waiting.side = 'client' then stored.client_read_seq else stored.developer_read_seq end
    ) then
      unread_at := chat.first_unread_v1(waiting.client_id, waiting.side, waiting.read_seq, progress.begun_at);
    else -- read meanwhile. If more came after what was read, the statement above notes that when it comes to this conversation.
      unread_at := null;
    end if;
    if unread_at is null then -- read or deleted: a row that stayed would be looked at by every call
      delete from chat.webhook_unread as stored where (stored.client_id, stored.side) = (waiting.client_id, waiting.side);
    elsif unread_at > clock - p_unread_after then -- only the first was deleted
      update chat.webhook_unread as stored set since = unread_at where (stored.client_id, stored.side) = (waiting.client_id, waiting.side);
    else
      update chat.webhook_unread as stored set told = true where (stored.client_id, stored.side) = (waiting.client_id, waiting.side);
      insert into chat.webhook as stored (client_id, type, seq, side, id, created_at, due_at)
        select waiting.client_id, 'message.unread', 0, waiting.side, gen_random_uuid(), clock, clock
          where unread_at > clock - p_unread_after - p_lifetime
        on conflict (client_id, type, seq, side) do update
          set id = excluded.id, created_at = excluded.created_at, due_at = excluded.due_at, attempts = 0;
    end if;
  end loop;
  return is_more or many = p_limit;
end
$function$;
