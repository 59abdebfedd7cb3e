package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/pkg/chat"
)

// How much one transaction writes. A client who wants to begin a conversation that is just being imported waits for its
// end, so it must be short; and what was imported before an interruption stays.
const (
	batchMessages      = 5000
	batchConversations = 500
)

// Options are what an import needs beside the file.
type Options struct {
	Fits     func(clientID string) bool // whether the conversation of a client can have a channel
	Progress func(Imported)             // told now and then how far it is; may be nil
}

// Imported is what an import did.
type Imported struct {
	Conversations, Messages int // that were written
	Kept                    int // conversations that were there already, with at least these messages
}

// Import reads a file of exports or of simple lines and writes its conversations, as if each message had been sent at its
// time, but announces nothing. First it reads all of it and looks at the database: if anything is wrong anywhere, nothing
// is written. Then it writes some conversations at a time. What an interrupted import has not written the next one
// does, and a conversation that is there with the same messages stays as it is, whatever has happened to it since.
// Errors: a [RejectedError] for what is wrong with the file, or with what the database holds; those of the file and of
// the database. After the latter some conversations may be written.
func Import(ctx context.Context, url string, file *os.File, o Options) (Imported, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return Imported{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	source, clear, err := rewindable(ctx, file)
	if err != nil {
		return Imported{}, err
	}
	defer clear()
	if o.Progress == nil {
		o.Progress = func(Imported) {}
	}
	i := &importing{conn: conn, options: o, now: time.Now()}
	if err := i.check(ctx, source.first()); err != nil {
		return Imported{}, err
	}
	again, err := source.again()
	if err != nil {
		return Imported{}, err
	}
	return i.write(ctx, again)
}

// source is a file that is read twice.
type source struct {
	file  *os.File
	first func() io.Reader
}

func (s *source) again() (io.Reader, error) {
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

// rewindable makes a source of a file. A pipe is kept in a temporary file, which only this account can read, until clear
// is called, and is read no further once ctx ends.
func rewindable(ctx context.Context, file *os.File) (s *source, clear func(), err error) {
	if info, err := file.Stat(); err != nil {
		return nil, nil, err
	} else if info.Mode().IsRegular() {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, nil, err
		}
		return &source{file, func() io.Reader { return file }}, func() {}, nil
	}
	kept, err := os.CreateTemp("", "devinbox-import-*")
	if err != nil {
		return nil, nil, err
	}
	clear = func() {
		kept.Close()
		os.Remove(kept.Name())
	}
	return &source{kept, func() io.Reader { return io.TeeReader(until(ctx, file), kept) }}, clear, nil
}

// until reads what a file gives until ctx ends: a read from a terminal cannot be given up.
func until(ctx context.Context, file io.Reader) io.Reader {
	read, written := io.Pipe()
	go func() {
		_, err := io.Copy(written, file)
		written.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { read.CloseWithError(ctx.Err()) })
	return read
}

// importing is one import while it runs.
type importing struct {
	conn     *pgx.Conn
	options  Options
	now      time.Time
	threads  []*thread // those of the file, in its order
	refusals []Refusal
}

// check reads the whole file for the first time, and compares it with what the database holds.
func (i *importing) check(ctx context.Context, file io.Reader) error {
	ids := map[*thread][]uuid.UUID{} // of the conversations that were not yet compared
	var current []uuid.UUID
	held := 0
	compare := func() error {
		err := i.compare(ctx, ids)
		clear(ids)
		held = 0
		return err
	}
	var failed error
	r := newReader(file, i.options.Fits, i.now, func(t *thread) {
		i.threads = append(i.threads, t)
		ids[t] = current
		held += len(current)
		current = nil
		if failed == nil && (held >= batchMessages || len(ids) >= batchConversations) {
			failed = compare()
		}
	})
	err := r.read(func(e *entry) bool {
		if e.seq == 1 {
			current = nil
		}
		current = append(current, e.id)
		return failed == nil && ctx.Err() == nil
	})
	if err = errors.Join(err, failed, ctx.Err()); err == nil {
		err = compare()
	}
	if err != nil {
		return err
	}
	if r.faults.count() > 0 || len(i.refusals) > 0 {
		return &RejectedError{r.faults.found, i.refusals, r.faults.more}
	}
	return nil
}

// compareSQL reads the messages of those conversations of a batch that the database has.
const compareSQL = `
	select c.client_id, m.seq, m.id::text from chat.conversation c left join chat.message m using (client_id)
	where c.client_id = any ($1::text[]) order by c.client_id, m.seq`

// compare finds which of some conversations the database has, and refuses those that are others there.
func (i *importing) compare(ctx context.Context, ids map[*thread][]uuid.UUID) error {
	threads, clients := map[string]*thread{}, []string{}
	for t := range ids {
		threads[t.clientID] = t
		clients = append(clients, t.clientID)
	}
	rows, err := i.conn.Query(ctx, compareSQL, clients)
	if err != nil {
		return err
	}
	defer rows.Close()
	same, other := map[*thread]int{}, map[*thread]bool{}
	for rows.Next() {
		var clientID string
		var seq *int64
		var text *string
		if err := rows.Scan(&clientID, &seq, &text); err != nil {
			return err
		}
		t := threads[clientID]
		t.isHere = true
		if seq == nil || *seq > t.lastSeq {
			continue // it was sent since
		}
		if id, err := uuid.Parse(*text); err == nil && ids[t][*seq-1] == id {
			same[t]++
		} else {
			other[t] = true
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, clientID := range clients {
		switch t := threads[clientID]; {
		case !t.isHere, same[t] == len(ids[t]):
		case other[t] || same[t] == 0:
			i.refusals = append(i.refusals, Refusal{clientID, "is there already, with other messages"})
		default:
			i.refusals = append(i.refusals, Refusal{clientID, fmt.Sprintf("is there already, with only the first %d of these messages", same[t])})
		}
	}
	return nil
}

// write reads the file for the second time and writes what the database does not have.
func (i *importing) write(ctx context.Context, file io.Reader) (done Imported, err error) {
	for _, t := range i.threads {
		if t.isHere {
			done.Kept++
		}
	}
	r := newReader(file, i.options.Fits, i.now, func(*thread) {})
	var reading error
	next, stop := iter.Pull(func(yield func(*entry) bool) { reading = r.read(yield) })
	defer stop()
	for begin := 0; begin < len(i.threads); {
		batch := &batch{next: next}
		end := begin
		for end < len(i.threads) && batch.left < batchMessages && len(batch.threads) < batchConversations {
			batch.add(i.threads[end])
			end++
		}
		if len(batch.threads) > 0 {
			if err := i.store(ctx, batch); err != nil {
				return done, errors.Join(err, reading)
			}
			done.Conversations += len(batch.threads)
			done.Messages += int(batch.stored)
			i.options.Progress(done)
		} else {
			batch.Next() // passes over what is kept
		}
		begin = end
	}
	return done, reading
}

// batch is what one transaction writes. It is the pgx.CopyFromSource of its messages.
type batch struct {
	next    func() (*entry, bool)
	threads []*thread       // to be written
	left    int64           // messages of the file that belong to the batch, with those that are kept
	kept    map[string]bool // by client
	stored  int64           // messages
	files   [][]any         // of these messages, as rows
	at      *entry          // the one to be written next
	fault   error
}

func (b *batch) add(t *thread) {
	b.left += t.lastSeq
	if !t.isHere {
		b.threads = append(b.threads, t)
		return
	}
	if b.kept == nil {
		b.kept = map[string]bool{}
	}
	b.kept[t.clientID] = true
}

// errChanged is the error of a file that was another one when it was read again.
var errChanged = errors.New("the file has changed while it was read")

func (b *batch) Next() bool {
	for b.left > 0 {
		e, ok := b.next()
		if !ok {
			b.fault = errChanged
			return false
		}
		b.left--
		if !b.kept[e.clientID] {
			b.at = e
			b.stored++
			return true
		}
	}
	return false
}

func (b *batch) Values() ([]any, error) {
	e := b.at
	var attachments *string // null if there are none
	if len(e.attachments) > 0 {
		shown := make([]chat.Attachment, len(e.attachments))
		for i, file := range e.attachments {
			shown[i] = file.Attachment
			b.files = append(b.files, []any{
				e.clientID, file.ID, file.ObjectKey, file.FileName, file.MediaType, file.Size, file.Width, file.Height, e.role == chat.Client, e.createdAt, e.seq,
			})
		}
		text, err := json.Marshal(shown)
		if err != nil {
			return nil, err
		}
		attachments = new(string(text))
	}
	return []any{
		e.clientID, e.seq, e.id, e.version, string(e.role), e.senderID, e.senderName, e.key,
		e.body, e.digest, attachments, e.clientTotal, e.createdAt, e.editedAt, e.deletedAt,
	}, nil
}

func (b *batch) Err() error { return b.fault }

var (
	messageColumns = []string{
		"client_id", "seq", "id", "version", "sender_role", "sender_id", "sender_name", "client_message_id",
		"body", "body_digest", "attachments", "client_total", "created_at", "edited_at", "deleted_at",
	}
	attachmentColumns   = []string{"client_id", "id", "object_key", "file_name", "media_type", "size", "width", "height", "by_client", "begun_at", "seq"}
	conversationColumns = []string{
		"client_id", "client_name", "client_name_set", "client_email", "status", "assignee_id", "last_seen_at",
		"last_seq", "client_total", "last_message_at", "last_sender_role", "last_preview",
		"client_read_seq", "client_read_total", "client_read_at", "developer_read_seq", "developer_read_total", "developer_read_at",
		"version", "created_at", "updated_at",
	}
)

const (
	// Whether these clients are online may be known, or become known just now: these rows are the locks of both, as in
	// begin_conversation_v1.
	lockPresenceSQL = `
	insert into chat.presence as stored (client_id, online, online_at)
	select client_id, false, '-infinity' from unnest($1::text[]) client_id order by client_id collate "C"
	on conflict (client_id) do update set online = stored.online where false`

	takePresenceSQL = `
	with known as (
		delete from chat.presence where client_id = any ($1::text[]) returning client_id, online, online_at
	)
	update chat.conversation c set online = known.online, online_at = known.online_at
	from known where c.client_id = known.client_id and known.online_at > '-infinity'`

	// Webhooks go by what changed since they last looked, and these were looked at.
	noteSeenSQL = `
	insert into chat.webhook_seen (client_id, version, last_seq)
	select client_id, version, last_seq from chat.conversation where client_id = any ($1::text[])`

	// The team is who has written within 90 days. What is known to be later stays.
	noteDevelopersSQL = `
	insert into chat.developer as stored (id, name, active_on)
	select sender_id, (array_agg(sender_name order by created_at desc) filter (where sender_name is not null))[1],
		(max(created_at) at time zone 'UTC')::date
	from chat.message
	where client_id = any ($1::text[]) and sender_role = 'developer'
		and (created_at at time zone 'UTC')::date >= (clock_timestamp() at time zone 'UTC')::date - 90
	group by sender_id
	order by sender_id collate "C"
	on conflict (id) do update set
		name = case when excluded.active_on > stored.active_on then coalesce(excluded.name, stored.name) else coalesce(stored.name, excluded.name) end,
		active_on = greatest(excluded.active_on, stored.active_on)`
)

// store writes a batch, all of it or nothing.
func (i *importing) store(ctx context.Context, b *batch) error {
	var clients []string
	for _, t := range b.threads {
		clients = append(clients, t.clientID)
	}
	err := transact(ctx, i.conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if _, err := execute(ctx, tx, lockPresenceSQL, clients); err != nil {
			return err
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"chat", "conversation"}, conversationColumns, pgx.CopyFromSlice(len(b.threads), func(n int) ([]any, error) {
			return b.threads[n].values(), nil
		}))
		if err != nil {
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"chat", "message"}, messageColumns, b); err != nil {
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"chat", "attachment"}, attachmentColumns, pgx.CopyFromRows(b.files)); err != nil {
			return err
		}
		for _, sql := range []string{takePresenceSQL, noteSeenSQL, noteDevelopersSQL} {
			if _, err := execute(ctx, tx, sql, clients); err != nil {
				return err
			}
		}
		return nil
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "conversation_pkey" {
		return errors.New("a client began a conversation while the import ran: import the file again to see which")
	}
	return err
}

func (t *thread) values() []any {
	return []any{
		t.clientID, t.name, t.nameSet, t.email, t.status, t.assignee, t.lastSeenAt,
		t.lastSeq, t.clientTotal, t.lastMessageAt, string(t.lastRole), t.preview,
		t.clientRead.seq, t.clientRead.total, t.clientRead.at, t.developerRead.seq, t.developerRead.total, t.developerRead.at,
		t.version, t.createdAt, t.updatedAt,
	}
}
