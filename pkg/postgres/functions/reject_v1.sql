-- Counts a refusal against an event that is nobody else's just now, and parks the event if it is hopeless: if Pusher never
-- takes it, or has refused it eight times over at least ten minutes.
create or replace function chat.reject_v1(
  p_client_id text, p_version bigint, p_event text, p_target text, p_never boolean, p_lifetime interval
) returns void
language plpgsql volatile as $function$
declare
  event chat.outbox;
  clock timestamptz := clock_timestamp();
begin
  select * into event from chat.outbox as stored
    where (stored.client_id, stored.version, stored.event, stored.target) = (p_client_id, p_version, p_event, p_target)
    for update skip locked;
  if not found then
    return;
  end if;
  event.rejections := event.rejections + 1;
  event.rejected_at := coalesce(event.rejected_at, clock);
  if p_never or event.rejections >= 8 and event.rejected_at <= clock - interval '10 minutes' then
    event.refused := true;
    event.due_at := event.created_at + p_lifetime;
  end if;
  update chat.outbox as stored
    set rejections = event.rejections, rejected_at = event.rejected_at, refused = event.refused, due_at = event.due_at
    where (stored.client_id, stored.version, stored.event, stored.target) = (p_client_id, p_version, p_event, p_target);
end
$function$;
