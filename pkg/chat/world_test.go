package chat_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"devinbox/pkg/chat"
)

var (
	grace  = chat.Identity{ID: "42", Role: chat.Client, Name: "Grace", Email: "grace@example.com"}
	ada    = chat.Identity{ID: "ada", Role: chat.Developer, Name: "Ada"}
	nobody = chat.Identity{}
)

func pointer[T any](v T) *T { return &v }

// world is a chat over a Store that remembers and a Publisher that does what it is told. What is asked of
// the two is one common trace, so that a test sees the order, too.
type world struct {
	*chat.Service
	store     *memory
	publisher *scripted
	files     *bucket
	channels  *named
	log       *bytes.Buffer
	trace     *trace
}

var limit = chat.RateLimit{Capacity: 30, PerSecond: 3}

// newWorld is one where client 42 has a conversation, and client 43 another.
func newWorld() *world {
	w := &world{log: &bytes.Buffer{}, trace: &trace{}}
	w.store = &memory{trace: w.trace, conversations: map[string]*chat.Conversation{}, fail: map[string]error{}}
	w.publisher, w.channels = &scripted{trace: w.trace}, &named{}
	w.files = &bucket{trace: w.trace, objects: map[string]int64{}}
	for _, id := range []string{"42", "43"} {
		w.store.conversations[id] = &chat.Conversation{ClientID: id, Status: chat.Open}
	}
	w.Service = chat.NewService(w.store, w.publisher, w.files, w.channels, limit, slog.New(slog.NewTextHandler(w.log, nil)))
	return w
}

// trace is what was asked of the Store and the Publisher, in order.
type trace struct {
	mu    sync.Mutex
	calls []string
}

func (tr *trace) add(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.calls = append(tr.calls, fmt.Sprintf(format, args...))
}

// take gives what was asked since it was last called.
func (tr *trace) take() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	calls := strings.Join(tr.calls, ", ")
	tr.calls = nil
	return calls
}

// memory is a Store: as much of one as the Service can tell from a real one.
type memory struct {
	*trace
	conversations map[string]*chat.Conversation
	messages      []chat.Message
	waiting       []chat.Event     // committed, and leased to the call that did
	leaseEnded    bool             // of what waits: a replay may take it
	due           []chat.Event     // left behind by earlier calls: anybody may claim them
	alwaysDue     bool             // claims are answered in full, for ever
	fail          map[string]error // by the name of the method
	sends         []chat.SendParams
	reads         []chat.ReadParams
	inbox         []chat.InboxQuery
	lists         []chat.MessageQuery
	changes       []chat.ChangeParams
	updates       []chat.UpdateParams
	news          []chat.Presence
	begun         []chat.AttachmentParams
	doomed        []string // keys of objects that are to be deleted
}

func (m *memory) commit(c *chat.Conversation, live bool, except string, events ...chat.Event) []chat.Event {
	if !live {
		return nil
	}
	state := *c
	events = append(events, chat.Event{EventKey: chat.EventKey{Name: chat.ConversationUpdated, ToInbox: true}, Conversation: &state})
	for i := range events {
		events[i].ClientID, events[i].Version, events[i].ExceptSocket = c.ClientID, c.Version, except
	}
	m.waiting = append(m.waiting, events...)
	return events
}

func (m *memory) Send(_ context.Context, p chat.SendParams) (chat.Saved, error) {
	m.add("send")
	m.sends = append(m.sends, p)
	if err := m.fail["Send"]; err != nil {
		return chat.Saved{}, err
	}
	c := m.conversations[p.ClientID]
	if c == nil && !p.Create {
		return chat.Saved{}, chat.ErrNoConversation
	}
	if c == nil {
		c = &chat.Conversation{ClientID: p.ClientID, Status: chat.Open}
		m.conversations[p.ClientID] = c
	}
	for _, old := range m.messages {
		if p.ClientMessageID != nil && old.ClientMessageID != nil && *old.ClientMessageID == *p.ClientMessageID {
			saved := chat.Saved{Message: old, Conversation: *c, Replayed: true}
			for _, e := range m.waiting {
				if e.Version != old.Version || !p.Live {
					continue
				}
				if m.leaseEnded {
					saved.Events = append(saved.Events, e)
				} else {
					saved.Queued = true
				}
			}
			return saved, nil
		}
	}
	c.LastSeq++
	c.Version++
	message := chat.Message{
		ClientID: p.ClientID, Seq: c.LastSeq, Version: c.Version, Body: p.Body, ClientMessageID: p.ClientMessageID,
		Sender: chat.Sender{ID: p.Sender.ID, Role: p.Sender.Role},
	}
	m.messages = append(m.messages, message)
	events := m.commit(c, p.Live, p.ExceptSocket, chat.Event{EventKey: chat.EventKey{Name: chat.NewMessage}, Message: &message})
	return chat.Saved{Message: message, Conversation: *c, Events: events}, nil
}

func (m *memory) BeginAttachment(_ context.Context, p chat.AttachmentParams) (string, error) {
	m.add("begin")
	m.begun = append(m.begun, p)
	return fileID(len(m.begun)), m.fail["BeginAttachment"]
}

// fileID is the id of the nth file that was begun.
func fileID(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n) }

// find gives the files that were begun, by their ids.
func (m *memory) find(id string) (file chat.StoredFile, found bool) {
	for i, p := range m.begun {
		if fileID(i+1) == id {
			return chat.StoredFile{Key: p.Key, FileName: p.Attachment.FileName, MediaType: p.Attachment.MediaType, Size: p.Attachment.Size}, true
		}
	}
	return file, false
}

func (m *memory) FindUploads(_ context.Context, p chat.SendParams) (files []chat.StoredFile, err error) {
	m.add("find %d", len(p.AttachmentIDs))
	for _, old := range m.messages {
		if p.ClientMessageID != nil && old.ClientMessageID != nil && *old.ClientMessageID == *p.ClientMessageID {
			return nil, nil
		}
	}
	for _, id := range p.AttachmentIDs {
		if file, found := m.find(id); found {
			files = append(files, file)
		}
	}
	return files, m.fail["FindUploads"]
}

func (m *memory) FindAttachments(_ context.Context, clientID string, own bool, ids []string) (map[string]chat.StoredFile, error) {
	m.add("links %d", len(ids))
	found := map[string]chat.StoredFile{}
	for _, id := range ids {
		if file, is := m.find(id); is {
			found[id] = file
		}
	}
	return found, m.fail["FindAttachments"]
}

func (m *memory) DueObjects(_ context.Context, limit int) ([]string, error) {
	m.add("due %d", limit)
	return slices.Clone(m.doomed[:min(limit, len(m.doomed))]), m.fail["DueObjects"]
}

func (m *memory) SettleObjects(_ context.Context, gone, left []string) error {
	m.add("settle %d+%d", len(gone), len(left))
	m.doomed = slices.DeleteFunc(m.doomed, func(key string) bool { return slices.Contains(gone, key) || slices.Contains(left, key) })
	return m.fail["SettleObjects"]
}

// bucket is an object store.
type bucket struct {
	*trace
	disabled bool
	objects  map[string]int64 // sizes, by key
	fail     error
	keeps    int // how many of what it is asked to delete it keeps
}

func (b *bucket) Enabled() bool   { return !b.disabled }
func (b *bucket) MaxBytes() int64 { return 1000 }

func (b *bucket) Upload(file chat.StoredFile) (chat.Upload, error) {
	return chat.Upload{URL: "upload of " + file.Key, Method: "PUT"}, nil
}

func (b *bucket) Download(file chat.StoredFile) (chat.Link, error) {
	return chat.Link{URL: "download of " + file.Key}, nil
}

func (b *bucket) Sizes(_ context.Context, keys []string) ([]*int64, error) {
	b.add("ask %d", len(keys))
	sizes := make([]*int64, len(keys))
	for i, key := range keys {
		if size, there := b.objects[key]; there {
			sizes[i] = &size
		}
	}
	return sizes, b.fail
}

func (b *bucket) Delete(_ context.Context, keys []string) []string {
	b.add("delete %d", len(keys))
	return keys[:max(0, len(keys)-b.keeps)]
}

func (m *memory) MarkRead(_ context.Context, p chat.ReadParams) (chat.Saved, error) {
	m.add("read")
	m.reads = append(m.reads, p)
	c := m.conversations[p.ClientID]
	if c == nil {
		return chat.Saved{}, chat.ErrNoConversation
	}
	mark := &c.Read.Client
	if p.Reader.Role == chat.Developer {
		mark = &c.Read.Developer
	}
	if upTo := min(p.UpToSeq, c.LastSeq); upTo > *mark {
		*mark = upTo
		c.Version++
		read := &chat.ReadEvent{ClientID: c.ClientID, Side: p.Reader.Role, UpToSeq: upTo}
		events := m.commit(c, p.Live, p.ExceptSocket, chat.Event{EventKey: chat.EventKey{Name: chat.MessagesRead}, Read: read})
		return chat.Saved{Conversation: *c, Events: events}, nil
	}
	return chat.Saved{Conversation: *c}, nil
}

func (m *memory) ChangeMessage(_ context.Context, p chat.ChangeParams) (chat.Saved, error) {
	m.add("change")
	m.changes = append(m.changes, p)
	if p.Body != nil && *p.Body == "" { // no message here has files that stay
		return chat.Saved{}, chat.ErrEmptyMessage
	}
	c := m.conversations[p.ClientID]
	if c == nil {
		return chat.Saved{}, chat.ErrNoMessage
	}
	c.Version++
	message := chat.Message{ID: p.MessageID, ClientID: p.ClientID, Version: c.Version}
	if p.Body != nil {
		message.Body = *p.Body
	}
	events := m.commit(c, p.Live, "", chat.Event{EventKey: chat.EventKey{Name: chat.MessageUpdated}, Message: &message})
	return chat.Saved{Message: message, Conversation: *c, Events: events}, m.fail["ChangeMessage"]
}

func (m *memory) UpdateConversation(_ context.Context, p chat.UpdateParams) (chat.Saved, error) {
	m.add("update")
	m.updates = append(m.updates, p)
	c := m.conversations[p.ClientID]
	if c == nil {
		return chat.Saved{}, chat.ErrNoConversation
	}
	c.Version++
	return chat.Saved{Conversation: *c, Events: m.commit(c, p.Live, p.ExceptSocket)}, m.fail["UpdateConversation"]
}

func (m *memory) RecordPresence(_ context.Context, p chat.PresenceParams) (saved chat.Saved, err error) {
	m.add("presence %d", len(p.News))
	m.news = append(m.news, p.News...)
	for _, n := range p.News {
		if c := m.conversations[n.ClientID]; c != nil {
			c.Version++
			c.Online = pointer(n.Online)
			saved.Events = append(saved.Events, m.commit(c, p.Live, "")...)
		}
	}
	return saved, m.fail["RecordPresence"]
}

func (m *memory) AdmitGuest(_ context.Context, addressDigest []byte) error {
	m.add("guest %s", addressDigest)
	return m.fail["AdmitGuest"]
}

func (m *memory) ListMessages(_ context.Context, q chat.MessageQuery) (chat.MessagePage, error) {
	m.add("list")
	m.lists = append(m.lists, q)
	page := chat.MessagePage{Messages: []chat.Message{}}
	if c := m.conversations[q.ClientID]; c != nil {
		page.Conversation = pointer(*c)
	}
	return page, m.fail["ListMessages"]
}

func (m *memory) ListConversations(_ context.Context, q chat.InboxQuery) (chat.InboxPage, error) {
	m.add("inbox")
	m.inbox = append(m.inbox, q)
	var page chat.InboxPage
	for _, c := range m.conversations {
		page.Conversations = append(page.Conversations, *c)
	}
	return page, m.fail["ListConversations"]
}

func (m *memory) Acknowledge(ctx context.Context, d chat.Delivery) (bool, error) {
	settled := fmt.Sprintf("%d+%d", len(d.Delivered), len(d.Refused))
	if len(d.Rejected) > 0 {
		settled += fmt.Sprintf("+%d, others taken %v", len(d.Rejected), d.OthersTaken)
	}
	m.add("acknowledge %s", settled)
	if err := cmp.Or(m.fail["Acknowledge"], ctx.Err()); err != nil {
		return false, err
	}
	m.waiting = slices.DeleteFunc(m.waiting, func(e chat.Event) bool {
		return slices.Contains(d.Delivered, e.EventKey) || slices.Contains(d.Refused, e.EventKey)
	})
	return m.alwaysDue || len(m.due) > 0, nil
}

func (m *memory) Claim(ctx context.Context, most int) ([]chat.Event, error) {
	m.add("claim %d", most)
	if err := cmp.Or(m.fail["Claim"], ctx.Err()); err != nil {
		return nil, err
	}
	if m.alwaysDue {
		return leftBehind(most), nil
	}
	claimed := m.due[:min(most, len(m.due))]
	m.due = m.due[len(claimed):]
	return claimed, nil
}

func (m *memory) DropExpired(context.Context) error {
	m.add("drop")
	return m.fail["DropExpired"]
}

func (m *memory) Queue(_ context.Context, limit int) (chat.Queue, bool, error) {
	m.add("count")
	return chat.Queue{Pending: min(limit, len(m.due)+len(m.waiting))}, true, m.fail["Queue"]
}

// leftBehind are events that earlier calls could not deliver.
func leftBehind(n int) []chat.Event {
	events := make([]chat.Event, n)
	for i := range events {
		events[i] = chat.Event{
			EventKey:     chat.EventKey{ClientID: "43", Version: int64(i + 1), Name: chat.ConversationUpdated, ToInbox: true},
			Conversation: &chat.Conversation{ClientID: "43"},
		}
	}
	return events
}

// scripted is a Publisher. It takes everything until it is told otherwise.
type scripted struct {
	*trace
	disabled  bool
	became    []became // of each call in turn; the last one holds for all further ones
	published []chat.Event
}

// became is what a Publisher makes of the events of one call.
type became func(ctx context.Context, events []chat.Event) chat.Delivery

// sorted takes the first so many, refuses so many of the next, and rejects so many of those that follow.
func sorted(taken, refused int, rejected ...int) became {
	return func(_ context.Context, events []chat.Event) (d chat.Delivery) {
		for i, e := range events {
			switch {
			case i < taken:
				d.Delivered = append(d.Delivered, e.EventKey)
			case i < taken+refused:
				d.Refused = append(d.Refused, e.EventKey)
			case len(rejected) > 0 && i < taken+refused+rejected[0]:
				d.Rejected = append(d.Rejected, e.EventKey)
			}
		}
		return d
	}
}

func taken(ctx context.Context, events []chat.Event) chat.Delivery {
	return sorted(len(events), 0)(ctx, events)
}

// hanging is a Pusher that does not answer.
func hanging(ctx context.Context, _ []chat.Event) chat.Delivery {
	<-ctx.Done()
	return chat.Delivery{}
}

func (s *scripted) Enabled() bool { return !s.disabled }

// named are channels with names that tell what they are of.
type named struct{ presence bool }

func (*named) Name(place chat.Place) string { return "channel of " + place.ClientID }

func (*named) Fits(clientID string) bool { return len(clientID) < 100 }

func (n *named) KeepPresence() bool { return n.presence }

func (s *scripted) Publish(ctx context.Context, events []chat.Event) chat.Delivery {
	s.add("publish %d", len(events))
	s.published = append(s.published, events...)
	became := became(taken)
	if len(s.became) > 0 {
		became = s.became[0]
		s.became = s.became[min(1, len(s.became)-1):]
	}
	return became(ctx, events)
}

// blamed gives the fields that an error blames, each as often as it does.
func blamed(err error) string {
	e, ok := err.(*chat.Error)
	if !ok {
		return ""
	}
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

// check is a test, or one case of a property.
type check interface {
	Helper()
	Errorf(format string, args ...any)
}

func mustBe[T comparable](t check, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
