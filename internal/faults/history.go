package faults

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// History is what people did and were told, from outside: what [Check] judges. It may be written by several goroutines.
type History struct {
	mu       sync.Mutex
	Sends    []*Send
	Changes  []*Change
	Reads    []Read
	Seen     []Sighting
	Broken   []string // answers that no fault excuses
	Answered int
	Refused  int // answers of 503
	Lost     int // calls without an answer
	Slowest  time.Duration
}

// Span is the time of a call, as its caller saw it.
type Span struct{ Begun, Ended time.Time }

// Author is who did something, in which conversation.
type Author struct{ ClientID, Role, SenderID string }

// Send is a message that somebody sent, under one key, once or again and again. No two have the same body.
type Send struct {
	Author
	Key   string // empty for none: then it was sent once
	Body  string
	Acks  []Ack // each answer that says it is stored
	Never bool  // it was answered in a way that says it is not stored, or never arrived, and was not sent again

	Begun time.Time
}

// Ack is an answer that says a message is stored.
type Ack struct {
	Span
	ID           string
	Seq, Version int64
	Replayed     bool
}

// Change is an edit or a deletion that somebody asked for, once or again and again.
type Change struct {
	Author
	Seq      int64
	Body     string  // empty for a deletion
	Versions []int64 // of the message, by each answer that says it was made
	Refused  bool    // it cannot have been made: the message was deleted before
}

// Read is a read mark that an answer told.
type Read struct {
	Span
	ClientID, Side string
	UpToSeq        int64
}

// Sighting is a conversation as an answer showed it.
type Sighting struct {
	Span
	Conversation
}

// saw notes a conversation that an answer showed.
func (h *History) saw(at Span, c Conversation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Seen = append(h.Seen, Sighting{at, c})
}

// acknowledge notes an answer to a send.
func (h *History) acknowledge(s *Send, a Ack) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Acks = append(s.Acks, a)
}

// acknowledged tells whether a send was answered as stored.
func (h *History) acknowledged(s *Send) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(s.Acks) > 0
}

// broken notes an answer that no fault excuses.
func (h *History) broken(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.Broken) < 50 {
		h.Broken = append(h.Broken, fmt.Sprintf(format, args...))
	}
}

// all are the sends so far.
func (h *History) all() []*Send {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.Sends)
}

// Message is a message as the API shows it.
type Message struct {
	ID       string `json:"id"`
	ClientID string `json:"clientId"`
	Seq      int64  `json:"seq"`
	Version  int64  `json:"version"`
	Sender   struct {
		ID   string `json:"id"`
		Role string `json:"role"`
	} `json:"sender"`
	Body      string `json:"body"`
	Key       string `json:"clientMessageId"`
	CreatedAt string `json:"createdAt"`
	EditedAt  string `json:"editedAt"`
	DeletedAt string `json:"deletedAt"`
	Truncated bool   `json:"truncated"`
}

// Sides is a number for each side.
type Sides struct {
	Client    int64 `json:"client"`
	Developer int64 `json:"developer"`
}

func (s *Sides) of(side string) *int64 {
	if side == client {
		return &s.Client
	}
	return &s.Developer
}

// Conversation is a conversation as the API shows it.
type Conversation struct {
	ClientID   string `json:"clientId"`
	Channel    string `json:"channel"`
	Status     string `json:"status"`
	AssigneeID string `json:"assigneeId"`
	LastSeq    int64  `json:"lastSeq"`
	Read       Sides  `json:"read"`
	Unread     Sides  `json:"unread"`
	Version    int64  `json:"version"`
}

// The sides.
const (
	client    = "client"
	developer = "developer"
)
