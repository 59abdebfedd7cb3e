package postgres

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"devinbox/pkg/chat"
)

// The three texts that callers carry from one page of the inbox to the next call. They are opaque to them.
// Only the spelling that would be written again is read, so a text that was made up is noticed.

// inboxCursor is the last conversation of a page of the inbox.
type inboxCursor struct {
	lastMessageAt time.Time
	clientID      string
}

func (c inboxCursor) text() string {
	return opaque(strconv.FormatInt(c.lastMessageAt.UnixMicro(), 10), c.clientID)
}

func parseInboxCursor(text string) (inboxCursor, bool) {
	micros, clientID := transparent(text)
	at, _ := strconv.ParseInt(micros, 10, 64)
	c := inboxCursor{time.UnixMicro(at).UTC(), clientID}
	storable := c.lastMessageAt.Year() >= 1 && c.lastMessageAt.Year() <= 9999
	return c, c.text() == text && chat.ValidID(clientID) && storable
}

// changesCursor is the last conversation of a page of changes, which are in the order of their ids.
type changesCursor struct {
	clientID string
}

func (c changesCursor) text() string { return opaque("changes", c.clientID) }

func parseChangesCursor(text string) (changesCursor, bool) {
	_, clientID := transparent(text)
	c := changesCursor{clientID}
	return c, c.text() == text && chat.ValidID(clientID)
}

// syncToken is a moment of one server: every transaction below xid was finished then, so that what it changed
// was seen; what is changed by that one or a later one may have been missed.
type syncToken struct {
	server int64
	xid    uint64
}

func (t syncToken) text() string {
	return opaque(strconv.FormatInt(t.server, 10), strconv.FormatUint(t.xid, 10))
}

func parseSyncToken(text string) (syncToken, bool) {
	server, xid := transparent(text)
	var t syncToken
	t.server, _ = strconv.ParseInt(server, 10, 64)
	t.xid, _ = strconv.ParseUint(xid, 10, 63)
	return t, t.text() == text
}

func opaque(first, second string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(first + ":" + second))
}

// transparent is the inverse of opaque where first held no colon, and some two texts where it is given
// anything else.
func transparent(text string) (first, second string) {
	plain, _ := base64.RawURLEncoding.DecodeString(text)
	first, second, _ = strings.Cut(string(plain), ":")
	return first, second
}
