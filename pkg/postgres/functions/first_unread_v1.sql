-- When the first message came that a side has not read, of those since p_since that were not deleted. Null if there is none.
create or replace function chat.first_unread_v1(p_client_id text, p_side text, p_read_seq bigint, p_since timestamptz)
returns timestamptz
language sql stable as $function$
  select stored.created_at from chat.message as stored
    where stored.client_id = p_client_id and stored.seq > p_read_seq and stored.sender_role <> p_side
      and stored.deleted_at is null and stored.created_at >= p_since
    order by stored.seq limit 1
$function$;
