package chat

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// InboxQuery asks for one page of the inbox: newest last message first.
type InboxQuery struct {
	Status     *Status // nil for both
	Unread     bool    // only what developers have not read
	AssigneeID *string // only this developer's
	Unassigned bool    // only nobody's
	After      *InboxCursor
	Limit      int
}

// InboxPage is one page of the inbox.
type InboxPage struct {
	Conversations []Conversation `json:"conversations"`
	NextCursor    *InboxCursor   `json:"nextCursor"` // nil on the last page
	Totals        Totals         `json:"totals"`
}

// Totals are of all conversations, whatever the filter. Each stops counting at 1,000.
type Totals struct {
	Open   int `json:"open"`
	Unread int `json:"unread"` // those with messages that developers have not read
}

// InboxCursor is the last conversation of a page. Its text is opaque to callers.
type InboxCursor struct {
	LastMessageAt time.Time
	ClientID      string
}

// MarshalText writes the cursor so that [ParseInboxCursor] reads it back exactly, to the microsecond.
func (c InboxCursor) MarshalText() ([]byte, error) {
	plain := strconv.FormatInt(c.LastMessageAt.UnixMicro(), 10) + ":" + c.ClientID
	return base64.RawURLEncoding.AppendEncode(nil, []byte(plain)), nil
}

// ParseInboxCursor reads what MarshalText wrote, and is false on anything else.
func ParseInboxCursor(text string) (InboxCursor, bool) {
	plain, _ := base64.RawURLEncoding.DecodeString(text)
	micros, clientID, _ := strings.Cut(string(plain), ":")
	at, _ := strconv.ParseInt(micros, 10, 64)
	cursor := InboxCursor{time.UnixMicro(at).UTC(), clientID}
	// Only one spelling of a cursor is read, the one that would be written again; so no error above counts.
	again, _ := cursor.MarshalText()
	if string(again) != text || !ValidID(clientID) || !storable(cursor.LastMessageAt) {
		return InboxCursor{}, false
	}
	return cursor, true
}

// storable is true of the times that Postgres can hold.
func storable(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// Inbox gives one page of the inbox. Errors: Forbidden to everybody but developers.
func (s *Service) Inbox(ctx context.Context, me Identity, q InboxQuery) (InboxPage, error) {
	if err := me.RequireDeveloper(); err != nil {
		return InboxPage{}, err
	}
	page, err := s.store.ListConversations(ctx, q)
	if err != nil {
		return InboxPage{}, err
	}
	for i := range page.Conversations {
		s.complete(&page.Conversations[i])
	}
	return page, nil
}
