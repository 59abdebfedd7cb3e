package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a message.
const (
	MaxBodyCodePoints    = 8000
	MaxClientMessageID   = 64  // characters of an idempotency key
	MaxPreviewCodePoints = 140 // of Preview
)

// Message is one message of a conversation, as every reader sees it.
type Message struct {
	ID              string       `json:"id"` // UUIDv7
	ClientID        string       `json:"clientId"`
	Seq             int64        `json:"seq"`     // 1, 2, 3 … in its conversation, in commit order, without a gap
	Version         int64        `json:"version"` // the conversation's version at which it last changed
	Sender          Sender       `json:"sender"`
	Body            string       `json:"body"`            // empty once it is deleted, and if there are only files
	Attachments     []Attachment `json:"attachments"`     // in the sender's order; none once it is deleted
	ClientMessageID *string      `json:"clientMessageId"` // the sender's own idempotency key; nil if it gave none
	CreatedAt       Time         `json:"createdAt"`
	EditedAt        *Time        `json:"editedAt"`
	DeletedAt       *Time        `json:"deletedAt"`
}

// Sender is who wrote a message or read one.
type Sender struct {
	ID   string  `json:"id"`
	Role Role    `json:"role"`
	Name *string `json:"name"`
}

// Draft is a request to send a message.
type Draft struct {
	ClientID        *string  `json:"clientId"`        // whose conversation; required from a developer
	Body            string   `json:"body"`            // see [NormalizeBody]; it may be empty if there are files
	AttachmentIDs   []string `json:"attachmentIds"`   // of files that were begun in this conversation
	ClientMessageID *string  `json:"clientMessageId"` // the idempotency key: makes a retry harmless
	SocketID        *string  `json:"socketId"`        // the sender's own connection, which gets no echo
	Create          bool     `json:"create"`          // lets a developer begin the conversation
}

// NormalizeBody is the body as it is stored: CRLF becomes LF, then leading lines that hold only white space go,
// and all trailing white space. The first line that is left keeps its indentation, because people paste code. White
// space is what has Unicode's property White_Space: a zero-width space and a byte order mark have not, so they stay.
func NormalizeBody(s string) string {
	s = strings.TrimRightFunc(strings.ReplaceAll(s, "\r\n", "\n"), unicode.IsSpace)
	indentation := s[:len(s)-len(strings.TrimLeftFunc(s, unicode.IsSpace))]
	return s[strings.LastIndexByte(indentation, '\n')+1:]
}

// Preview is a body as the inbox shows it: white space folded to single blanks and trimmed, then the first
// [MaxPreviewCodePoints] code points.
func Preview(body string) string {
	return cut(strings.Join(strings.Fields(body), " "), MaxPreviewCodePoints)
}

// CheckBody returns the rules that a normalized body breaks. An import uses it too. The body may be empty if the message
// has files.
func CheckBody(body string, hasFiles bool) []Field {
	var broken faults
	checkBody(body, hasFiles, &broken)
	return broken
}

// CheckClientMessageID returns the rule that an idempotency key breaks, as CheckBody does it for a body.
func CheckClientMessageID(key string) []Field {
	var broken faults
	checkClientMessageID(&key, &broken)
	return broken
}

// emptyBody is the fault of a message with neither text nor files.
const emptyBody = "is required and must hold more than white space"

// checkBody adds to f the rules that a normalized body breaks.
func checkBody(body string, hasFiles bool, f *faults) {
	if body == "" && !hasFiles {
		f.add("body", emptyBody)
	}
	if utf8.RuneCountInString(body) > MaxBodyCodePoints {
		f.add("body", fmt.Sprintf("must have at most %d code points", MaxBodyCodePoints))
	}
	if !utf8.ValidString(body) {
		f.add("body", "must be valid UTF-8")
	}
	if strings.ContainsFunc(body, forbiddenControl) {
		f.add("body", "must not hold control characters other than tab and newline")
	}
}

// forbiddenControl is true of NUL, which Postgres cannot store, and of every other C0 control but tab
// and newline, each of which costs six bytes of an event's ten kilobytes. DEL and the C1 controls are text
// like any other: they can be stored, and cost what a letter costs.
func forbiddenControl(r rune) bool { return r < ' ' && r != '\t' && r != '\n' }

// checkClientMessageID adds to f the rule that an idempotency key breaks.
func checkClientMessageID(key *string, f *faults) {
	if key == nil {
		return
	}
	if len(*key) < 1 || len(*key) > MaxClientMessageID || strings.ContainsFunc(*key, func(r rune) bool { return r < ' ' || r > '~' }) {
		f.add("clientMessageId", fmt.Sprintf("must be 1 to %d printable ASCII characters", MaxClientMessageID))
	}
}

// cut is the first n code points of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
