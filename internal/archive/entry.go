package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"devinbox/pkg/chat"
)

// entry is a message of an import, as chat.message keeps it.
type entry struct {
	clientID            string
	seq, version        int64
	id                  uuid.UUID
	role                chat.Role
	senderID            string
	senderName, key     *string
	body                string
	digest              []byte // empty of a message that was erased
	attachments         []attachment
	clientTotal         int64
	createdAt           time.Time
	editedAt, deletedAt *time.Time
	email               *string    // of the client who sent it: kept with the conversation
	readAt              *time.Time // when the other side had read it, of a simple line
	status, assignee    *string    // what a simple line says of the conversation
}

// thread is a conversation of an import, as chat.conversation keeps it: what its messages leave, as if they had been
// sent, and what an export says beside them.
type thread struct {
	clientID      string
	line          int // where it begins in the file
	name, email   *string
	nameSet       bool
	status        string
	assignee      *string
	lastSeenAt    *time.Time
	lastSeq       int64
	clientTotal   int64
	lastMessageAt time.Time
	lastRole      chat.Role
	preview       string
	clientRead    mark
	developerRead mark
	version       int64
	createdAt     time.Time
	updatedAt     time.Time

	isBad  bool // its client cannot be, or stands in the file before
	isHere bool // the database has it already
}

// mark is how far a side has read, and how many of the messages up to there the client sent.
type mark struct {
	seq, total int64
	at         *time.Time
}

func newThread(clientID string, line int) *thread {
	return &thread{clientID: clientID, line: line, status: string(chat.Open)}
}

// mark is that of one side.
func (t *thread) mark(side chat.Role) *mark {
	if side == chat.Client {
		return &t.clientRead
	}
	return &t.developerRead
}

// append gives the next message its place in the conversation.
func (t *thread) append(e *entry) {
	t.lastSeq++
	if e.role == chat.Client {
		t.clientTotal++
	}
	e.clientID, e.seq, e.clientTotal = t.clientID, t.lastSeq, t.clientTotal
	t.lastMessageAt, t.lastRole, t.preview = e.createdAt, e.role, chat.Preview(e.body)
	if t.preview == "" && len(e.attachments) > 0 {
		t.preview = chat.Preview(e.attachments[0].FileName)
	}
	for _, m := range []*mark{&t.clientRead, &t.developerRead} {
		if m.seq == e.seq {
			m.total = t.clientTotal
		}
	}
}

// idOf makes the id of a message that has none: a UUIDv7 of its time that is always the same for the same message at the
// same place. By it an import finds what an earlier one stored, also when that was edited or erased meanwhile.
func idOf(e *entry) uuid.UUID {
	hash := sha256.New()
	for _, part := range []string{
		e.clientID, strconv.FormatInt(e.seq, 10), string(e.role), e.senderID, strconv.FormatInt(e.createdAt.UnixMicro(), 10), e.body,
	} {
		fmt.Fprintf(hash, "%d:%s", len(part), part) // no two lists of parts are written the same
	}
	id := uuid.UUID(hash.Sum(nil)[:16])
	var millis [8]byte
	binary.BigEndian.PutUint64(millis[:], uint64(e.createdAt.UnixMilli()))
	copy(id[:6], millis[2:])
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// digestOf is what a repeated key is compared with: as send_v3 makes it.
func digestOf(body string, attachments []attachment) []byte {
	separator := "\x00"
	for _, file := range attachments {
		body += separator + file.ID
		separator = ","
	}
	sum := sha256.Sum256([]byte(body))
	return sum[:]
}
