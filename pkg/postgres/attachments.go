package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const beginAttachmentSQL = `
	select outcome, retry_after from chat.begin_attachment_v1(
		@client_id, @id, @object_key, @file_name, @media_type, @size, @width, @height,
		@by_client, @most_unsent, @daily_bytes
	)`

// BeginAttachment implements [chat.FileStore] with the function begin_attachment_v1.
func (s *Store) BeginAttachment(ctx context.Context, p chat.AttachmentParams) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", chat.Defect(err)
	}
	var retryAfter *float64
	came, err := queryOne(ctx, s, beginAttachmentSQL, arguments{
		"client_id":   p.ClientID,
		"id":          id.String(),
		"object_key":  p.Key,
		"file_name":   p.Attachment.FileName,
		"media_type":  p.Attachment.MediaType,
		"size":        p.Attachment.Size,
		"width":       p.Attachment.Width,
		"height":      p.Attachment.Height,
		"by_client":   p.ByClient,
		"most_unsent": p.MostUnsent,
		"daily_bytes": p.DailyBytes,
	}, func(row pgx.CollectableRow) (came outcome, err error) {
		err = row.Scan(&came, &retryAfter)
		return came, err
	})
	switch {
	case err != nil:
		return "", err
	case came == begun:
		return id.String(), nil
	case came == noConversation:
		return "", chat.ErrNoConversation
	case came == limited && retryAfter != nil:
		return "", &chat.Error{
			Kind:       chat.RateLimited,
			Detail:     "Too many files are begun and not sent, or too many bytes within a day.",
			RetryAfter: time.Duration(math.Ceil(*retryAfter)) * time.Second,
		}
	default:
		return "", chat.Defect(fmt.Errorf("postgres: %q is no outcome of a file that is begun", came))
	}
}

const fileColumns = `a.object_key, a.file_name, a.media_type, a.size`

func fileTargets(file *chat.StoredFile) []any {
	return []any{&file.Key, &file.FileName, &file.MediaType, &file.Size}
}

const findUploadsSQL = `
	select ` + fileColumns + `
	from unnest(@ids::uuid[]) with ordinality as given (id, place)
	join chat.attachment a on a.client_id = @client_id::text and a.id = given.id
	where a.seq is null and a.begun_at > clock_timestamp() - interval '1 day'
		and not exists (
			select from chat.message m
			where m.client_id = @client_id::text and m.sender_role = @role::text and m.sender_id = @sender_id::text
				and m.client_message_id = @client_message_id::text
		)
	order by given.place`

// FindUploads implements [chat.FileStore].
func (s *Store) FindUploads(ctx context.Context, p chat.SendParams) ([]chat.StoredFile, error) {
	return query(ctx, s, findUploadsSQL, arguments{
		"ids":               p.AttachmentIDs,
		"client_id":         p.ClientID,
		"role":              string(p.Sender.Role),
		"sender_id":         p.Sender.ID,
		"client_message_id": p.ClientMessageID,
	}, func(row pgx.CollectableRow) (file chat.StoredFile, err error) {
		err = row.Scan(fileTargets(&file)...)
		return file, err
	})
}

// A row for each file, and one without a file if there is none.
const findAttachmentsSQL = `
	select c.client_id is not null, a.id::text, coalesce(a.object_key, ''), coalesce(a.file_name, ''), coalesce(a.media_type, ''), coalesce(a.size, 0)
	from (select @client_id::text collate "C" as client_id) wanted
	left join chat.conversation c using (client_id)
	left join chat.attachment a on a.client_id = wanted.client_id and a.id = any (@ids::uuid[]) and a.seq is not null`

// FindAttachments implements [chat.FileStore].
func (s *Store) FindAttachments(ctx context.Context, clientID string, own bool, ids []string) (map[string]chat.StoredFile, error) {
	found, there := map[string]chat.StoredFile{}, false
	_, err := query(ctx, s, findAttachmentsSQL, arguments{"client_id": clientID, "ids": ids}, func(row pgx.CollectableRow) (struct{}, error) {
		var id *string
		var file chat.StoredFile
		err := row.Scan(append([]any{&there, &id}, fileTargets(&file)...)...)
		if id != nil {
			found[*id] = file
		}
		return struct{}{}, err
	})
	if err == nil && !there && !own {
		err = chat.ErrNoConversation
	}
	return found, err
}

const dueObjectsSQL = `select chat.due_objects_v1(@limit)`

// DueObjects implements [chat.FileStore] with the function due_objects_v1.
func (s *Store) DueObjects(ctx context.Context, limit int) ([]string, error) {
	return query(ctx, s, dueObjectsSQL, arguments{"limit": limit}, pgx.RowTo[string])
}

const settleObjectsSQL = `select chat.settle_objects_v1(@gone, @left)`

// SettleObjects implements [chat.FileStore] with the function settle_objects_v1.
func (s *Store) SettleObjects(ctx context.Context, gone, left []string) error {
	_, err := query(ctx, s, settleObjectsSQL, arguments{"gone": append([]string{}, gone...), "left": append([]string{}, left...)}, // not nil, which would be null
		nothing)
	return err
}
