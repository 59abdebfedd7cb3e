package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"devinbox/pkg/chat"
)

// Every function that changes something answers with values of the type chat.saved_v2: one for each event that is
// now leased to the call, and one without an event if there is none. The statement around such a function is nothing but
// its call, and each value is one column: exec mode plans every statement anew, and to plan and describe forty columns
// took longer than to store a message. For the same reason a call names its arguments by position, and leaves their
// types to the function.

// outcome is what came of a call of such a function.
type outcome string

// What a call can come to: it made its change, or found it made.
const (
	sent     outcome = "sent"
	replayed outcome = "replayed" // the same key was sent before
	moved    outcome = "moved"
	changed  outcome = "changed"
	kept     outcome = "kept"    // it is so already
	claimed  outcome = "claimed" // an event of an earlier call
	begun    outcome = "begun"
)

// Or it was refused, and changed nothing.
const (
	noConversation outcome = "no_conversation"
	noMessage      outcome = "no_message"
	forbidden      outcome = "forbidden"
	deleted        outcome = "deleted"
	outdated       outcome = "outdated"
	empty          outcome = "empty" // an edit that would leave neither text nor files
	conflict       outcome = "conflict"
	noAttachment   outcome = "no_attachment"
	attachmentUsed outcome = "attachment_used"
	notUploaded    outcome = "not_uploaded"
	limited        outcome = "limited"
)

// savedRow is one value of the type chat.saved_v2.
type savedRow struct {
	outcome      outcome
	retryAfter   *float64
	queued       bool
	event        eventRow
	conversation conversationRow
	message      messageRow
}

// scanSaved reads a row that is one such value. The columns in it have the order of the fields here.
func scanSaved(row pgx.CollectableRow) (r savedRow, err error) {
	columns := pgtype.NewCompositeBinaryScanner(nil, row.RawValues()[0])
	for _, target := range slices.Concat(
		[]any{&r.outcome, &r.retryAfter, &r.queued}, r.event.targets(), r.conversation.targets(), r.message.targets(),
	) {
		if !columns.Next() {
			return r, chat.Defect(fmt.Errorf("postgres: chat.saved_v2 has %d columns: %w", columns.FieldCount(), columns.Err()))
		}
		if err := planOf(columns.OID(), target).Scan(columns.Bytes(), target); err != nil {
			return r, chat.Defect(err)
		}
	}
	return r, nil
}

// plans are how a column of a type, in binary form, is read into a variable of another: see planOf.
var plans sync.Map

type planKey struct {
	column uint32 // its type's OID
	target reflect.Type
}

// planOf is how a column is read into a target. To find that out takes pgx longer than to do it.
func planOf(column uint32, target any) pgtype.ScanPlan {
	key := planKey{column, reflect.TypeOf(target)}
	plan, known := plans.Load(key)
	if !known {
		plan, _ = plans.LoadOrStore(key, pgtype.NewMap().PlanScan(column, pgx.BinaryFormatCode, target))
	}
	return plan.(pgtype.ScanPlan)
}

// refusal is the error of a call that was refused, and nil for any other.
func (r *savedRow) refusal() error {
	switch r.outcome {
	case sent, replayed, moved, changed, kept, claimed:
		return nil
	case noConversation:
		return chat.ErrNoConversation
	case noMessage:
		return chat.ErrNoMessage
	case forbidden:
		return chat.ErrNotYours
	case deleted:
		return chat.Fail(chat.Conflict, "This message was deleted.")
	case outdated:
		return &chat.Error{
			Kind:   chat.Conflict,
			Detail: "This message was changed meanwhile. Look at it again before you change it.",
			Fields: []chat.Field{{Name: "ifVersion", Message: "is not the version of the message"}},
		}
	case conflict:
		return &chat.Error{
			Kind:   chat.Conflict,
			Detail: "This clientMessageId was used for another message. A new message needs a new key.",
			Fields: []chat.Field{{Name: "clientMessageId", Message: "was used for another body or other files"}},
		}
	case empty:
		return chat.ErrEmptyMessage
	case noAttachment:
		return aboutAttachments(chat.NotFound, "There is no such file: it was not begun in this conversation, or more than 24 hours ago.", "holds an id that is not a file's of this conversation")
	case attachmentUsed:
		return aboutAttachments(chat.Conflict, "A file belongs to another message.", "holds a file that belongs to a message")
	case notUploaded:
		return aboutAttachments(chat.Unprocessable, "A file is not in the object store as it was begun. Put it there first.", "holds a file that is not uploaded, or not with the size that it was begun with")
	case limited:
		return &chat.Error{
			Kind:       chat.RateLimited,
			Detail:     "Too many messages and edits in too short a time.",
			RetryAfter: time.Duration(math.Ceil(*r.retryAfter)) * time.Second,
		}
	default:
		return chat.Defect(fmt.Errorf("postgres: %q is no outcome", r.outcome))
	}
}

func aboutAttachments(kind chat.Kind, detail, message string) error {
	return &chat.Error{Kind: kind, Detail: detail, Fields: []chat.Field{{Name: "attachmentIds", Message: message}}}
}

// save runs a statement that changes something as a call of its own. It gives what the call committed, or had
// committed before, and the first row of the answer.
func (s *Store) save(ctx context.Context, sql string, args arguments) (chat.Saved, savedRow, error) {
	rows, err := s.call(ctx, sql, args)
	if err == nil && len(rows) == 0 {
		err = chat.Defect(errors.New("postgres: no row instead of one or more"))
	}
	if err == nil {
		err = rows[0].refusal()
	}
	if err != nil {
		return chat.Saved{}, savedRow{}, err
	}
	first := rows[0]
	saved := chat.Saved{Conversation: *first.conversation.conversation(), Queued: first.queued, Events: events(rows)}
	if message := first.message.message(*first.conversation.clientID); message != nil {
		saved.Message = *message
	}
	return saved, first, nil
}

// call runs a statement under an id of its own, which stands on the events that it leases. A retry after a lost
// answer has the same id, and so finds what it did.
func (s *Store) call(ctx context.Context, sql string, args arguments) ([]savedRow, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, chat.Defect(err)
	}
	args["call_id"] = id.String()
	args["lease"], args["lifetime"] = chat.Lease.String(), chat.EventLifetime.String()
	return query(ctx, s, sql, args, scanSaved)
}

// events are those that rows lease to their call, in the order of the changes that caused them. Of one change the
// message or the read mark comes first, then the conversation.
func events(rows []savedRow) []chat.Event {
	var leased []chat.Event
	for i := range rows {
		if rows[i].event.version != nil {
			leased = append(leased, rows[i].chatEvent())
		}
	}
	slices.SortStableFunc(leased, func(a, b chat.Event) int {
		return cmp.Or(
			strings.Compare(a.ClientID, b.ClientID), cmp.Compare(a.Version, b.Version), strings.Compare(string(b.Name), string(a.Name)),
		)
	})
	return leased
}

// chatEvent composes the event of a row, with the state that the row shows.
func (r *savedRow) chatEvent() chat.Event {
	clientID := *r.conversation.clientID
	e := chat.Event{
		EventKey: chat.EventKey{
			ClientID: clientID, Version: *r.event.version, Name: chat.EventName(*r.event.name), ToInbox: *r.event.target == targetInbox,
		},
		ExceptSocket: *r.event.socketID,
	}
	switch e.Name {
	case chat.NewMessage, chat.MessageUpdated:
		e.Message = r.message.message(clientID)
	case chat.MessagesRead:
		reader := chat.Sender{ID: *r.event.readerID, Role: chat.Role(*r.event.readerRole), Name: r.event.readerName}
		upTo, at := r.conversation.mark(reader.Role)
		e.Read = &chat.ReadEvent{ClientID: clientID, Side: reader.Role, UpToSeq: upTo, ReadAt: at, Reader: reader, Version: e.Version}
	case chat.ConversationUpdated:
		e.Conversation = r.conversation.conversation()
	}
	return e
}
