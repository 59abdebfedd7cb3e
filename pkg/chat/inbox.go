package chat

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// InboxQuery asks for one page of the inbox, the conversation with the newest message first. With Since it asks for
// changed conversations, whatever their status; then only Cursor and Limit have an effect beside it.
type InboxQuery struct {
	Status     *Status // nil for both
	Unread     bool    // only conversations with messages that developers have not read
	AssigneeID *string // only those assigned to this developer
	Unassigned bool    // only unassigned ones
	Search     *string // only if the client's name, e-mail or id contains this text, in any case
	Since      *string // the SyncToken of an earlier page
	Cursor     *string // the NextCursor of the page before
	Limit      int
}

// MinSearchCodePoints is the minimum length of a search: the length of an entry of the index that it uses.
const MinSearchCodePoints = 3

// maxSearchCodePoints limits what a search costs. No name or e-mail is longer.
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

// Totals count all conversations, whatever the filter, up to 1,000 each.
type Totals struct {
	Open   int `json:"open"`
	Unread int `json:"unread"` // those with messages that developers have not read
}

// Inbox returns one page of the inbox, or of what has changed in it.
// Errors: Forbidden for everybody except developers; Unprocessable for a search that is too short or too long; and
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
		f.add("q", fmt.Sprintf("must have %d to %d code points", MinSearchCodePoints, maxSearchCodePoints))
	case strings.ContainsFunc(text, unicode.IsControl):
		f.add("q", "must not hold control characters")
	}
}
