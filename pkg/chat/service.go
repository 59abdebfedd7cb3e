package chat

import (
	"context"
	"log/slog"
)

// Service has every rule of the chat, over a [Store], a [Publisher] and [Files].
type Service struct {
	store     Store
	publisher Publisher
	files     Files
	channels  Channels
	limit     RateLimit
	log       *slog.Logger
}

// NewService returns a Service over its dependencies. limit applies to clients' messages and edits.
func NewService(store Store, publisher Publisher, files Files, channels Channels, limit RateLimit, log *slog.Logger) *Service {
	return &Service{store, publisher, files, channels, limit, log}
}

// saveAndAnnounce makes a change by one of the Store's methods, and announces it if something was saved. Every call
// that has something to announce ends here.
func saveAndAnnounce[Params any](ctx context.Context, s *Service, commit func(context.Context, Params) (Saved, error), p Params) (Saved, Realtime, error) {
	saved, err := commit(ctx, p)
	if err != nil {
		return Saved{}, "", err
	}
	s.complete(&saved.Conversation)
	realtime := s.announce(ctx, saved.Events)
	if saved.Queued && realtime == Delivered {
		realtime = Queued
	}
	return saved, realtime, nil
}

// Sent is the answer to a message that was sent.
type Sent struct {
	Message      Message      `json:"message"`
	Conversation Conversation `json:"conversation"`
	Realtime     Realtime     `json:"realtime"`
	Replayed     bool         `json:"-"` // it was sent before with the same key; nothing was stored now
}

// Send saves a message and announces it. It succeeds once the message is saved, even if the announcement
// fails: Sent.Realtime says what became of it. If the message has files, the object store is asked first whether it has
// them, unless the message was sent before.
// Errors: Forbidden for another's conversation; Unprocessable with every broken rule; Unavailable if the object store has
// to be asked and does not answer; and those of [Store.Send].
func (s *Service) Send(ctx context.Context, me Identity, draft Draft) (Sent, error) {
	var broken faults
	clientID, err := me.conversation(draft.ClientID, &broken)
	if err != nil {
		return Sent{}, err
	}
	body := NormalizeBody(draft.Body)
	checkBody(body, len(draft.AttachmentIDs) > 0, &broken)
	attachmentIDs := attachmentIDs(draft.AttachmentIDs, &broken)
	checkClientMessageID(draft.ClientMessageID, &broken)
	if draft.Create && clientID != "" && !s.channels.Fits(clientID) {
		broken.add("clientId", "is too long for the name of a channel")
	}
	if err := broken.err(); err != nil {
		return Sent{}, err
	}

	p := SendParams{
		ClientID:        clientID,
		Sender:          me,
		Body:            body,
		AttachmentIDs:   attachmentIDs,
		Preview:         Preview(body),
		ClientMessageID: draft.ClientMessageID,
		Create:          draft.Create || me.Role == Client,
		Live:            s.publisher.Enabled(),
		ExceptSocket:    socket(draft.SocketID),
		Limit:           s.limitFor(me),
	}
	if len(attachmentIDs) > 0 {
		if p.Sizes, err = s.findSizes(ctx, p); err != nil {
			return Sent{}, err
		}
	}
	saved, realtime, err := saveAndAnnounce(ctx, s, s.store.Send, p)
	if err != nil {
		return Sent{}, err
	}
	return Sent{saved.Message, saved.Conversation, realtime, saved.Replayed}, nil
}

// limitFor returns the rate limit of an identity: developers have none.
func (s *Service) limitFor(me Identity) RateLimit {
	if me.Role == Developer {
		return RateLimit{}
	}
	return s.limit
}

// ReadMark is a reader's request: everything up to a seq has been on its screen.
type ReadMark struct {
	ClientID *string `json:"clientId"`
	UpToSeq  *int64  `json:"upToSeq"`
	SocketID *string `json:"socketId"`
}

// Read is the answer to a read mark: where the mark of that side stands now.
type Read struct {
	ClientID     string       `json:"clientId"`
	Side         Role         `json:"side"`
	UpToSeq      int64        `json:"upToSeq"`
	ReadAt       *Time        `json:"readAt"`
	Unread       int64        `json:"unread"`
	Conversation Conversation `json:"conversation"`
}

// MarkRead moves the read mark of the reader's side forward, and announces it if it moved.
// Errors: Forbidden for another's conversation; Unprocessable with every broken rule; and those of [Store.MarkRead].
func (s *Service) MarkRead(ctx context.Context, me Identity, mark ReadMark) (Read, error) {
	var broken faults
	clientID, err := me.conversation(mark.ClientID, &broken)
	if err != nil {
		return Read{}, err
	}
	if mark.UpToSeq == nil {
		broken.add("upToSeq", "is required")
	} else if *mark.UpToSeq < 0 {
		broken.add("upToSeq", "must not be negative")
	}
	if err := broken.err(); err != nil {
		return Read{}, err
	}

	saved, _, err := saveAndAnnounce(ctx, s, s.store.MarkRead, ReadParams{
		ClientID:     clientID,
		Reader:       me,
		UpToSeq:      *mark.UpToSeq,
		Live:         s.publisher.Enabled(),
		ExceptSocket: socket(mark.SocketID),
	})
	if err != nil {
		return Read{}, err
	}
	return Read{
		ClientID:     clientID,
		Side:         me.Role,
		UpToSeq:      saved.Conversation.Read.Of(me.Role),
		ReadAt:       saved.ReadAt,
		Unread:       saved.Conversation.Unread.Of(me.Role),
		Conversation: saved.Conversation,
	}, nil
}

// Messages returns one page of a conversation. clientID is nil if the caller named none.
// A client that has no conversation yet gets an empty page.
// Errors: Forbidden for another's conversation; Invalid if a developer names none, or an impossible
// one; NotFound if a developer names one that does not exist.
func (s *Service) Messages(ctx context.Context, me Identity, clientID *string, q MessageQuery) (MessagePage, error) {
	var broken faults
	id, err := me.conversation(clientID, &broken)
	if err != nil {
		return MessagePage{}, err
	}
	if len(broken) > 0 { // in a query, what is missing or impossible cannot be read at all
		return MessagePage{}, InvalidField(broken[0].Name, broken[0].Message)
	}
	q.ClientID = id
	page, err := s.store.ListMessages(ctx, q)
	if err != nil {
		return MessagePage{}, err
	}
	if page.Conversation != nil {
		s.complete(page.Conversation)
	} else if me.Role == Developer {
		return MessagePage{}, ErrNoConversation
	}
	return page, nil
}

// complete fills in the fields of a conversation that the Store cannot know.
func (s *Service) complete(c *Conversation) { complete(s.channels, c) }

func complete(channels Channels, c *Conversation) {
	c.Channel = channels.Name(Place{ClientID: c.ClientID})
	if !channels.KeepPresence() {
		c.Online = nil
	}
}
