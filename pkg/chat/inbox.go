package chat

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"
)

// InboxQuery asks for one page of the inbox, newest last message first; or, with Since, for what has
// changed in it, whatever its status. Then only Cursor and Limit count beside it.
type InboxQuery struct {
	Status     *Status // nil for both
	Unread     bool    // only what developers have not read
	AssigneeID *string // only this developer's
	Unassigned bool    // only nobody's
	Search     *string // only where a name, an e-mail or a client's id holds this text, in whatever case
	Since      *string // the SyncToken of an earlier page
	Cursor     *string // the NextCursor of the page before
	Limit      int
}

// MinSearchCodePoints is how long a search must be: as long as an entry of the index that it goes by.
const MinSearchCodePoints = 3

// maxSearchCodePoints bounds what a search costs. No name or e-mail is longer.
const maxSearchCodePoints = 254

// InboxPage is one page of the inbox.
type InboxPage struct {
	Conversations []Conversation `json:"conversations"`
	NextCursor    *string        `json:"nextCursor"` // nil on the last page
	Totals        Totals         `json:"totals"`
	Team          []Member       `json:"team"`
	SyncToken     string         `json:"syncToken"` // for Since; of several pages, the first one's
}

// Member is a developer who has sent, changed or read something within the last 90 days.
type Member struct {
	ID   string  `json:"id"`
	Name *string `json:"name"` // the one that it had last
}

// Totals are of all conversations, whatever the filter. Each stops counting at 1,000.
type Totals struct {
	Open   int `json:"open"`
	Unread int `json:"unread"` // those with messages that developers have not read
}

// Inbox gives one page of the inbox, or of what has changed in it.
// Errors: Forbidden to everybody but developers; Unprocessable for a search that is too short or too long; and
// those of [Store.ListConversations].
func (s *Service) Inbox(ctx context.Context, me Identity, q InboxQuery) (InboxPage, error) {
	if err := me.RequireDeveloper(); err != nil {
		return InboxPage{}, err
	}
	var broken faults
	if q.Search != nil {
		checkSearch(*q.Search, &broken)
	}
	if err := broken.err(); err != nil {
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

func checkSearch(text string, f *faults) {
	switch n := utf8.RuneCountInString(text); {
	case n < MinSearchCodePoints || n > maxSearchCodePoints:
		f.add("q", "must have 3 to 254 code points")
	case strings.ContainsFunc(text, unicode.IsControl):
		f.add("q", "must not hold control characters")
	}
}
