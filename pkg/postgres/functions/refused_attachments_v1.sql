-- Why a message cannot have these files, or null if it can. p_sizes is what the object store said about each: -1 if it
-- is not there.
--
-- 'no_attachment' (of one the conversation has no such file, or it was begun more than a day ago: whether another
-- conversation has it is not told); 'attachment_used' (one belongs to a message); 'not_uploaded' (one is not in the store,
-- or not with its size).
create or replace function chat.refused_attachments_v1(p_client_id text, p_ids uuid[], p_sizes bigint[]) returns text
language plpgsql volatile as $function$
begin
  return (
    select case
        when bool_or(stored.id is null) then 'no_attachment'
        when bool_or(stored.seq is not null) then 'attachment_used'
        when bool_or(stored.size is distinct from given.size) then 'not_uploaded'
      end
      from unnest(p_ids, p_sizes) as given (id, size)
      left join chat.attachment as stored on stored.client_id = p_client_id and stored.id = given.id
        and (stored.seq is not null or stored.begun_at > clock_timestamp() - interval '1 day')
  );
end
$function$;
