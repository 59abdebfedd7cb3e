package chat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of files.
const (
	MaxAttachments     = 10 // of a message
	MaxAttachmentLinks = 50 // asked for in one call
	MaxFileNameBytes   = 255
	MaxMediaTypeBytes  = 127

	// MaxUnsentAttachments is how many unsent files a client may have at a time.
	MaxUnsentAttachments = 20
	// AttachmentLifetime is how long a file may stay unsent. Then it is deleted.
	AttachmentLifetime = 24 * time.Hour
	// DailyAttachmentBytes is the daily upload limit per client, or the maximum file size if that is larger.
	DailyAttachmentBytes = 200 << 20

	maxPixels = 1_000_000 // of one side of an image; no real image has more
)

// Attachment is a file of a message, as every reader sees it. Its bytes are in an object store.
type Attachment struct {
	ID        string `json:"id"` // UUIDv7
	FileName  string `json:"fileName"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`   // bytes
	Width     *int   `json:"width"`  // of an image, in pixels, as its sender says; nil if unknown, and for other files
	Height    *int   `json:"height"` // likewise
}

// AttachmentDraft is a file that somebody is about to upload to the object store.
type AttachmentDraft struct {
	ClientID  *string `json:"clientId"` // whose conversation; required from a developer
	FileName  *string `json:"fileName"` // see [CleanFileName]
	MediaType *string `json:"mediaType"`
	Size      *int64  `json:"size"`
	Width     *int    `json:"width"`
	Height    *int    `json:"height"`
}

// BegunAttachment is the answer to an [AttachmentDraft].
type BegunAttachment struct {
	Attachment Attachment `json:"attachment"`
	Upload     Upload     `json:"upload"`
}

// Upload is the request with which a browser uploads one file to the object store. It works until ExpiresAt.
type Upload struct {
	URL       string            `json:"url"`
	Method    string            `json:"method"`
	Headers   map[string]string `json:"headers"` // that it must have; the length is signed too, and browsers set it by themselves
	ExpiresAt Time              `json:"expiresAt"`
}

// Link is a signed URL from which a file can be fetched until ExpiresAt.
type Link struct {
	ID        string `json:"id"` // of the attachment
	URL       string `json:"url"`
	ExpiresAt Time   `json:"expiresAt"`
}

// AttachmentLinks has signed URLs of the conversation's files, in the order of the request.
type AttachmentLinks struct {
	Attachments []Link `json:"attachments"`
}

// StoredFile is a file in the object store.
type StoredFile struct {
	Key       string // of its object
	FileName  string
	MediaType string
	Size      int64
}

// Files is the object store that keeps the bytes of files. Only Sizes and Delete send requests to it; both return by the
// context's deadline.
type Files interface {
	// Enabled is false if there is none.
	Enabled() bool

	// MaxBytes is the maximum file size.
	MaxBytes() int64

	// Upload signs a URL to which exactly one file can be uploaded, once: of this size and media type.
	Upload(file StoredFile) (Upload, error)

	// Download signs the URL of a file. The Link's ID is empty.
	Download(file StoredFile) (Link, error)

	// Sizes returns the sizes of several objects, asked for at once: nil for one that is not there.
	// Errors: Unavailable if the store does not answer, or rejects the key pair.
	Sizes(ctx context.Context, keys []string) ([]*int64, error)

	// Delete deletes several objects at once, and returns the keys of those that are gone, including those that were not there.
	Delete(ctx context.Context, keys []string) (gone []string)
}

// FileStore is what the database knows of files. Each method is one atomic step and one round trip, and fails as those of
// [Store] do.
type FileStore interface {
	// BeginAttachment stores a file that can be sent from now on, and returns its id.
	// Errors: NotFound without a conversation, if the caller is a developer; RateLimited, with RetryAfter, if a client has
	// too many unsent files, or has reached the daily limit.
	BeginAttachment(ctx context.Context, p AttachmentParams) (id string, err error)

	// FindUploads returns those files of a message that were begun in its conversation and not sent, in the message's
	// order. It returns none if the message was sent before: then the object store is not asked.
	FindUploads(ctx context.Context, p SendParams) ([]StoredFile, error)

	// FindAttachments returns those of the files, by their ids, that belong to the conversation's messages.
	// Errors: NotFound without a conversation, unless the caller is its client.
	FindAttachments(ctx context.Context, clientID string, own bool, ids []string) (map[string]StoredFile, error)

	// DueObjects returns the keys of at most limit objects that must be deleted, and marks files for deletion that were not
	// sent within [AttachmentLifetime].
	DueObjects(ctx context.Context, limit int) ([]string, error)

	// SettleObjects deletes the keys of objects that are gone. The others are due again later.
	SettleObjects(ctx context.Context, gone, left []string) error
}

// AttachmentParams is a file for [FileStore.BeginAttachment]. Everything in it has been checked.
type AttachmentParams struct {
	ClientID   string
	Attachment Attachment // without an id
	Key        string     // of the object
	ByClient   bool
	MostUnsent int   // of a client, including this one
	DailyBytes int64 // likewise
}

// errNoFiles is the error of a deployment without an object store.
var errNoFiles = Fail(Unavailable, "This deployment takes no files.").Because(errors.New("no object store is configured"))

// CleanFileName returns a file's name as it is stored and shown. Only the last segment of a path stays. Characters that are
// invisible or change the direction of text are removed, so that a name cannot appear to have another ending; a joiner that
// a script or an emoji may need stays. White space at the ends is removed.
func CleanFileName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if !unicode.IsControl(r) && !isJoiner(r) && isInvisible(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// mediaTypeForm is that of a media type without parameters (RFC 6838, section 4.2).
var mediaTypeForm = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\z`)

// CheckAttachment returns the rules that a file breaks. An import uses it too.
func CheckAttachment(a Attachment) []Field {
	var broken faults
	switch {
	case !utf8.ValidString(a.FileName):
		broken.add("fileName", "must be valid UTF-8")
	case a.FileName == "" || a.FileName == "." || a.FileName == "..":
		broken.add("fileName", "must name a file")
	case strings.ContainsFunc(a.FileName, unicode.IsControl):
		broken.add("fileName", "must not hold control characters")
	case a.FileName != CleanFileName(a.FileName):
		broken.add("fileName", "must be a name as it is shown, without a path")
	case len(a.FileName) > MaxFileNameBytes:
		broken.add("fileName", fmt.Sprintf("must have at most %d bytes of UTF-8", MaxFileNameBytes))
	}
	if len(a.MediaType) > MaxMediaTypeBytes || !mediaTypeForm.MatchString(a.MediaType) {
		broken.add("mediaType", fmt.Sprintf("must be a type and a subtype such as image/png, without parameters, of at most %d bytes", MaxMediaTypeBytes))
	}
	if a.Size < 1 {
		broken.add("size", "must be 1 or more: a file without bytes cannot be sent")
	}
	for _, side := range []struct {
		name   string
		pixels *int
	}{{"width", a.Width}, {"height", a.Height}} {
		if side.pixels != nil && (*side.pixels < 1 || *side.pixels > maxPixels) {
			broken.add(side.name, fmt.Sprintf("must be a number of pixels from 1 to %d", maxPixels))
		}
	}
	return broken
}

// ObjectPrefix is the prefix of the keys of a client's objects. It does not reveal the client's id.
func ObjectPrefix(clientID string) string {
	digest := sha256.Sum256([]byte(clientID))
	return "clients/" + hex.EncodeToString(digest[:16]) + "/"
}

var keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// objectKeyForm is that of what follows a client's prefix.
var objectKeyForm = regexp.MustCompile(`\A[a-z2-7]{32}\z`)

// IsObjectKey returns whether a key belongs to a client's objects.
func IsObjectKey(clientID, key string) bool {
	name, is := strings.CutPrefix(key, ObjectPrefix(clientID))
	return is && objectKeyForm.MatchString(name)
}

// newObjectKey is a key that nobody has or can guess: 160 random bits under the client's prefix.
func newObjectKey(clientID string) string {
	var random [20]byte
	rand.Read(random[:]) // never fails
	return ObjectPrefix(clientID) + keyEncoding.EncodeToString(random[:])
}

// BeginAttachment begins a file: it can be uploaded to the object store within a quarter of an hour, and sent within
// [AttachmentLifetime].
// Errors: Unavailable without an object store; Forbidden for another's conversation; Unprocessable with every broken rule;
// and those of [FileStore.BeginAttachment].
func (s *Service) BeginAttachment(ctx context.Context, me Identity, draft AttachmentDraft) (BegunAttachment, error) {
	var broken faults
	clientID, err := me.conversation(draft.ClientID, &broken)
	if err != nil {
		return BegunAttachment{}, err
	}
	if !s.files.Enabled() {
		return BegunAttachment{}, errNoFiles
	}
	file := draft.attachment(s.files.MaxBytes(), &broken)
	if err := broken.err(); err != nil {
		return BegunAttachment{}, err
	}
	key := newObjectKey(clientID)
	upload, err := s.files.Upload(StoredFile{Key: key, FileName: file.FileName, MediaType: file.MediaType, Size: file.Size})
	if err != nil {
		return BegunAttachment{}, err
	}
	file.ID, err = s.store.BeginAttachment(ctx, AttachmentParams{
		ClientID: clientID, Attachment: file, Key: key, ByClient: me.Role == Client,
		MostUnsent: MaxUnsentAttachments, DailyBytes: max(DailyAttachmentBytes, s.files.MaxBytes()),
	})
	if err != nil {
		return BegunAttachment{}, err
	}
	return BegunAttachment{file, upload}, nil
}

// attachment is the file that a draft describes, without its id. The rules that it breaks go into f.
func (d AttachmentDraft) attachment(maxBytes int64, f *faults) Attachment {
	var file Attachment
	missing := map[string]bool{}
	require := func(name string, given bool) bool {
		if !given {
			f.add(name, "is required")
			missing[name] = true
		}
		return given
	}
	if require("fileName", d.FileName != nil) {
		file.FileName = CleanFileName(*d.FileName)
	}
	if require("mediaType", d.MediaType != nil) {
		file.MediaType = strings.ToLower(*d.MediaType)
	}
	if require("size", d.Size != nil) {
		file.Size = *d.Size
	}
	if strings.HasPrefix(file.MediaType, "image/") {
		file.Width, file.Height = d.Width, d.Height
	}
	for _, broken := range CheckAttachment(file) {
		if !missing[broken.Name] {
			*f = append(*f, broken)
		}
	}
	if file.Size > maxBytes {
		f.add("size", "is larger than a file may be here: see limits.attachment of the session")
	}
	return file
}

// AttachmentLinks returns signed URLs of a conversation's files. clientID is nil if the caller named none. Ids that are
// not those of sent files are left out.
// Errors: Unavailable without an object store; Forbidden for another's conversation; Invalid if a developer names none,
// or an impossible one, and for impossible ids of files; NotFound if a developer names one that does not exist.
func (s *Service) AttachmentLinks(ctx context.Context, me Identity, clientID *string, ids []string) (AttachmentLinks, error) {
	var broken faults
	id, err := me.conversation(clientID, &broken)
	if err != nil {
		return AttachmentLinks{}, err
	}
	if len(broken) > 0 {
		return AttachmentLinks{}, InvalidField(broken[0].Name, broken[0].Message)
	}
	if len(ids) < 1 || len(ids) > MaxAttachmentLinks {
		return AttachmentLinks{}, InvalidField("ids", fmt.Sprintf("must be 1 to %d ids of files, with commas between them", MaxAttachmentLinks))
	}
	wanted := make([]string, 0, len(ids))
	for _, one := range ids {
		if !uuidForm.MatchString(one) {
			return AttachmentLinks{}, InvalidField("ids", "must be ids of files, which are UUIDs, with commas between them")
		}
		if one = strings.ToLower(one); !slices.Contains(wanted, one) {
			wanted = append(wanted, one)
		}
	}
	if !s.files.Enabled() {
		return AttachmentLinks{}, errNoFiles
	}
	found, err := s.store.FindAttachments(ctx, id, me.Role == Client, wanted)
	if err != nil {
		return AttachmentLinks{}, err
	}
	answer := AttachmentLinks{Attachments: []Link{}}
	for _, one := range wanted {
		file, is := found[one]
		if !is {
			continue
		}
		link, err := s.files.Download(file)
		if err != nil {
			return AttachmentLinks{}, err
		}
		link.ID = one
		answer.Attachments = append(answer.Attachments, link)
	}
	return answer, nil
}

// attachmentIDs returns the ids of a message's files, normalized. The rules that they break go into f.
func attachmentIDs(given []string, f *faults) []string {
	var ids []string
	for _, id := range given {
		id = strings.ToLower(id)
		switch {
		case !uuidForm.MatchString(id):
			f.add("attachmentIds", "must be ids of files, which are UUIDs")
			return nil
		case slices.Contains(ids, id):
			f.add("attachmentIds", "must not name a file twice")
			return nil
		}
		ids = append(ids, id)
	}
	if len(ids) > MaxAttachments {
		f.add("attachmentIds", fmt.Sprintf("must name at most %d files", MaxAttachments))
	}
	return ids
}

// uploadTimeout limits how long the object store may take to answer for the files of a message.
const uploadTimeout = 1500 * time.Millisecond

// findSizes asks the object store, at once, for the sizes of all files of a message that is to be sent. It returns nil if
// the store need not be asked: the message was sent before, or will be refused anyway.
func (s *Service) findSizes(ctx context.Context, p SendParams) ([]*int64, error) {
	sizes := make([]*int64, len(p.AttachmentIDs))
	files, err := s.store.FindUploads(ctx, p)
	if err != nil || len(files) < len(sizes) {
		return sizes, err
	}
	if !s.files.Enabled() {
		return nil, errNoFiles
	}
	keys := make([]string, len(files))
	for i, file := range files {
		keys[i] = file.Key
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	return s.files.Sizes(ctx, keys)
}

const (
	// deletionBatch is how many objects are deleted at once.
	deletionBatch = 100
	// deletionTimeout limits how long that may take.
	deletionTimeout = 10 * time.Second
	// deletionReserve is the part of a run's budget that is kept for storing what was deleted.
	deletionReserve = 3 * time.Second
)

// DeleteFiles deletes files from the object store that were not sent in time, and those of deleted messages. It ends when
// nothing is due, when the store deletes nothing of a batch, or when the context's budget ends, after a minute at the
// latest. What it could not delete is due again later. Several runs at once are harmless.
// Errors: those of the Store.
func (s *Service) DeleteFiles(ctx context.Context) (deleted int, err error) {
	if !s.files.Enabled() {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverBudget)
	defer cancel()
	for timeLeft(ctx) > deletionReserve {
		due, err := s.store.DueObjects(ctx, deletionBatch)
		if err != nil || len(due) == 0 {
			return deleted, err
		}
		gone := s.deleteObjects(ctx, due)
		left := slices.DeleteFunc(slices.Clone(due), func(key string) bool { return slices.Contains(gone, key) })
		if len(left) > 0 {
			s.log.WarnContext(ctx, "files could not be deleted from the object store, and wait", "files", len(left))
		}
		// Even if the run is being stopped.
		settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), deletionReserve)
		err = s.store.SettleObjects(settling, gone, left)
		cancel()
		if err != nil {
			return deleted, err
		}
		deleted += len(gone)
		if len(gone) == 0 {
			return deleted, nil
		}
	}
	return deleted, nil
}

func (s *Service) deleteObjects(ctx context.Context, keys []string) (gone []string) {
	ctx, cancel := context.WithTimeout(ctx, min(deletionTimeout, timeLeft(ctx)-deletionReserve/2))
	defer cancel()
	return s.files.Delete(ctx, keys)
}
