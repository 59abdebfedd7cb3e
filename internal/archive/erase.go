package archive

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

// MaxAnnounced is how many erased messages are announced one by one, the newest: more than a page shows that is open.
// Whoever has loaded more learns of the others at the next catch-up, as of everything.
const MaxAnnounced = 1000

const (
	lockSQL = `select version, clock_timestamp() from chat.conversation where client_id = $1::text for no key update`

	// Each message that a reader sees change has a version of its own, as every change of a message has.
	eraseMessagesSQL = `
	with shown as materialized (
		select seq, row_number() over (order by seq) as nth from chat.message
		where client_id = $1::text and (body <> '' or deleted_at is null or (sender_role = 'client' and sender_name is not null))
	)
	update chat.message m set
		body = '', body_digest = '', deleted_at = coalesce(m.deleted_at, $2::timestamptz),
		sender_name = case when m.sender_role = 'client' then null else m.sender_name end,
		version = $3::bigint + shown.nth
	from shown where m.client_id = $1::text and m.seq = shown.seq`

	// What a reader had seen deleted before has a digest all the same.
	eraseDigestsSQL = `update chat.message set body_digest = '' where client_id = $1::text and body_digest <> ''`

	eraseConversationSQL = `
	update chat.conversation set
		client_name = null, client_name_set = false, client_email = null, last_seen_at = null, last_preview = '',
		version = $2::bigint, updated_at = $3::timestamptz
	where client_id = $1::text and ($2::bigint > version + 1 or client_name_set or last_preview <> ''
		or coalesce(client_name, client_email) is not null or last_seen_at is not null)`

	// Events that wait hold no text, and go out with what is left.
	eraseEventsSQL = `update chat.outbox set reader_name = null where client_id = $1::text and reader_role = 'client' and reader_name is not null`

	// These are due at once, and nobody's: whoever delivers next takes them.
	announceSQL = `
	insert into chat.outbox (client_id, version, event, target, seq, created_at, due_at)
	select client_id, version, 'message-updated', 'conversation', seq, $3::timestamptz, $3::timestamptz from (
		select client_id, version, seq from chat.message where client_id = $1::text and version > $2::bigint order by seq desc limit $4::int
	) newest
	union all
	select client_id, version, 'conversation-updated', target, null, $3::timestamptz, $3::timestamptz
	from chat.conversation, (values ('conversation'), ('inbox')) as to_all (target)
	where client_id = $1::text and version > $2::bigint`

	forgetPresenceSQL = `delete from chat.presence where client_id = $1::text`

	// Nobody's in particular, and none of it is needed after a minute; but the next guest may be long in coming.
	forgetGuestsSQL = `delete from chat.guest_rate where last_at < clock_timestamp() - interval '1 minute'`

	// All files, sent or not. Triggers leave their objects in chat.object_deletion, by their keys alone.
	eraseFilesSQL     = `delete from chat.attachment where client_id = $1::text`
	forgetFileRateSQL = `delete from chat.attachment_rate where client_id = $1::text`

	objectsSQL       = `select object_key from chat.object_deletion where starts_with(object_key, $1::text)`
	forgetObjectsSQL = `delete from chat.object_deletion where object_key = any ($1::text[]) and due_at <= clock_timestamp()`

	removeEventsSQL       = `delete from chat.outbox where client_id = $1::text`
	removeConversationSQL = `delete from chat.conversation where client_id = $1::text` // with its messages and what a search finds
)

// Erased is what an erasure did.
type Erased struct {
	Messages int  // whose text, digest or name is gone now
	Changed  bool // whether there was anything to erase

	// Objects are the keys of all of the client's objects that are still to be deleted from the object store. The cron does
	// it, or whoever calls [ForgetObjects] then.
	Objects []string
}

// Erase takes away every text, digest and file of a client's conversation, of both sides, the client's name and e-mail, and
// what else is known of the client but its id, times and numbers. Developers keep their names. Every message keeps its seq.
// Readers are told by events, which wait in the outbox when it returns. To do so again changes nothing.
// Errors: ErrNothing; those of the database, and then nothing was changed.
func Erase(ctx context.Context, url, clientID string) (Erased, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return Erased{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var done Erased
	err = transact(ctx, conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if done, err = erase(ctx, tx, clientID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, objectsSQL, chat.ObjectPrefix(clientID))
		if err != nil {
			return err
		}
		done.Objects, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return done, err
}

// ForgetObjects notes that objects are gone from the object store. One whose upload may still be going on stays noted, and
// the cron deletes it again later.
func ForgetObjects(ctx context.Context, url string, keys []string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, forgetObjectsSQL, keys)
	return err
}

// eraseFiles is called behind the lock of the conversation, if there is one: then no send takes a file meanwhile.
func eraseFiles(ctx context.Context, tx pgx.Tx, clientID string) (found int64, err error) {
	for _, sql := range []string{eraseFilesSQL, forgetFileRateSQL} {
		n, err := execute(ctx, tx, sql, clientID)
		if err != nil {
			return found, err
		}
		found += n
	}
	return found, nil
}

func erase(ctx context.Context, tx pgx.Tx, clientID string) (done Erased, err error) {
	seen, err := execute(ctx, tx, forgetPresenceSQL, clientID)
	if err != nil {
		return done, err
	}
	if _, err := execute(ctx, tx, forgetGuestsSQL); err != nil {
		return done, err
	}
	var before int64
	var clock time.Time
	// The lock keeps every call that changes this conversation out until the end.
	if err := tx.QueryRow(ctx, lockSQL, clientID).Scan(&before, &clock); errors.Is(err, pgx.ErrNoRows) {
		files, err := eraseFiles(ctx, tx, clientID)
		if err == nil && seen+files == 0 {
			err = ErrNothing
		}
		return Erased{Changed: seen+files > 0}, err
	} else if err != nil {
		return done, err
	}
	changed, err := execute(ctx, tx, eraseMessagesSQL, clientID, clock, before)
	if err != nil {
		return done, err
	}
	digests, err := execute(ctx, tx, eraseDigestsSQL, clientID)
	if err != nil {
		return done, err
	}
	files, err := eraseFiles(ctx, tx, clientID) // those that were not sent: the others went with their messages
	if err != nil {
		return done, err
	}
	if _, err := execute(ctx, tx, eraseEventsSQL, clientID); err != nil {
		return done, err
	}
	shown, err := execute(ctx, tx, eraseConversationSQL, clientID, before+changed+1, clock)
	if err != nil {
		return done, err
	}
	_, err = execute(ctx, tx, announceSQL, clientID, before, clock, MaxAnnounced)
	return Erased{Messages: int(changed + digests), Changed: seen+changed+digests+files+shown > 0}, err
}

// Remove deletes a client's conversation with its id, and everything else about the client. Nobody is told, for there is
// nothing left to tell of: so Erase first, and deliver what waits.
// Errors: ErrNothing; those of the database, and then nothing was changed.
func Remove(ctx context.Context, url, clientID string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return transact(ctx, conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
		found := int64(0)
		// In the order in which a call takes the locks that begins a conversation. The events come last: behind the lock of
		// the conversation nobody writes one.
		for _, sql := range []string{forgetPresenceSQL, removeConversationSQL, removeEventsSQL, eraseFilesSQL, forgetFileRateSQL} {
			n, err := execute(ctx, tx, sql, clientID)
			if err != nil {
				return err
			}
			found += n
		}
		if found == 0 {
			return ErrNothing
		}
		_, err := execute(ctx, tx, forgetGuestsSQL)
		return err
	})
}

// vacuumSQL also makes the planner's statistics anew, in which there are samples of texts, and clears the indexes, which
// Postgres leaves for later if there is little to clear.
const vacuumSQL = `vacuum (analyze, index_cleanup on) chat.conversation, chat.search, chat.message, chat.outbox, chat.presence, chat.guest_rate, chat.webhook, chat.webhook_seen, chat.webhook_unread, chat.attachment, chat.attachment_rate, chat.object_deletion`

// Vacuum clears the storage of what was erased, as far as no older transaction can still see it.
func Vacuum(ctx context.Context, url string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, vacuumSQL)
	return err
}

func execute(ctx context.Context, tx pgx.Tx, sql string, arguments ...any) (int64, error) {
	done, err := tx.Exec(ctx, sql, arguments...)
	return done.RowsAffected(), err
}
