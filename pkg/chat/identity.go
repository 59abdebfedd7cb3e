package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Role is client or developer, and so the side of the conversation.
// All developers are one side: a message that one of them has read is read.
type Role string

// The two roles, and sides.
const (
	Client    Role = "client"
	Developer Role = "developer"
)

// Other is the opposite side.
func (r Role) Other() Role {
	if r == Client {
		return Developer
	}
	return Client
}

// MaxIDBytes is how many bytes of UTF-8 an id may have.
const MaxIDBytes = 120

// Identity is the caller of a request, from a verified credential. Its zero value is nobody.
type Identity struct {
	ID    string
	Role  Role
	Name  string // shown to the other side; empty if the credential has none
	Email string // likewise
}

// RequireDeveloper returns nil for a developer and a [Forbidden] error for everybody else.
func (me Identity) RequireDeveloper() error {
	if me.Role != Developer {
		return ErrNotYours
	}
	return nil
}

// MayListen returns whether this identity may subscribe to the channel of place:
// a client to its own conversation's, a developer to every conversation's and to the inbox's.
func (me Identity) MayListen(place Place) bool {
	switch me.Role {
	case Developer:
		return true
	case Client:
		return !place.Inbox && place.ClientID == me.ID && me.ID != ""
	default:
		return false
	}
}

// ValidID returns whether s can be an id: 1 to [MaxIDBytes] bytes of UTF-8 without control characters, which
// are those of Unicode's category Cc: C0, DEL and C1.
func ValidID(s string) bool {
	return s != "" && len(s) <= MaxIDBytes && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// plainID matches ids that a log may contain unchanged. It has no character with which an e-mail could be
// written: no @, and none that could replace it, as in x%40y.
const plainID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:|/"

// LogID returns an id as it is written to a log. With CHAT_ID_CLAIM=email ids are e-mails, and an e-mail may be part of others,
// such as mailto:x@y. So an id with any character but ASCII letters, digits and -_.:|/ is written as sha256= and the
// first 16 hexadecimal digits of its SHA-256. That is the same in every record, and an operator who knows the id can find
// it (docs/operations.md). The = is none of those characters, so no id is written like the digest of another.
func LogID(id string) string {
	if strings.Trim(id, plainID) == "" {
		return id
	}
	digest := sha256.Sum256([]byte(id))
	return "sha256=" + hex.EncodeToString(digest[:8])
}

// conversation returns which conversation a request is about: the client's own, or the one that a
// developer names. given is nil if the request does not name one.
// Errors: Forbidden if it is not this identity's; a missing or impossible name goes into f.
func (me Identity) conversation(given *string, f *faults) (string, error) {
	switch me.Role {
	case Client:
		if given != nil && *given != me.ID {
			return "", ErrNotYours
		}
		return me.ID, nil
	case Developer:
		if given == nil || *given == "" {
			f.add("clientId", "is required from a developer")
		} else if !ValidID(*given) {
			f.add("clientId", "must be 1 to 120 bytes of UTF-8 without control characters")
		} else {
			return *given, nil
		}
		return "", nil
	default:
		return "", ErrNotYours
	}
}
