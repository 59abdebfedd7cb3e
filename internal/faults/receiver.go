package faults

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// receiver is a page that listens, as docs/events.md says that one must: it subscribes, then fetches what it missed, and
// applies each event once.
type receiver struct {
	*world
	name  string
	me    person
	inbox bool

	mu       sync.Mutex
	socketID string
	threads  map[string]*thread // by the client's id
	boxed    map[string]Conversation
	token    string // where its inbox has caught up to
	missed   bool   // its inbox has to catch up
	wake     chan struct{}

	connections, heard, repeated, fetched int
}

// thread is what a receiver knows of a conversation.
type thread struct {
	clientID, channel string
	messages          map[int64]Message
	read              Sides
	version           int64     // up to which everything was fetched
	fetch             bool      // something was missed
	gap               time.Time // since when a seq is missing
}

// listen starts a receiver, which ends with ctx.
func (w *world) listen(ctx context.Context, running *sync.WaitGroup, name string, me person, clients []string) *receiver {
	r := &receiver{
		world: w, name: name, me: me, inbox: me.role == developer,
		threads: map[string]*thread{}, boxed: map[string]Conversation{}, wake: make(chan struct{}, 1),
	}
	for _, id := range clients {
		r.threads[id] = &thread{clientID: id, channel: "private-client-" + id, messages: map[int64]Message{}}
	}
	w.receivers = append(w.receivers, r)
	running.Go(func() {
		for ctx.Err() == nil {
			r.connect(ctx)
			r.mu.Lock()
			r.socketID = ""
			r.mu.Unlock()
			sleep(ctx, 100*time.Millisecond)
		}
	})
	running.Go(func() { r.catchUp(ctx) })
	return r
}

// receiverOf is the receiver of a client's own page.
func (w *world) receiverOf(clientID string) *receiver {
	for _, r := range w.receivers {
		if r.me.id == clientID {
			return r
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *receiver) socket() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.socketID
}

// at is the instance that this receiver calls.
func (r *receiver) at() string { return r.instances[len(r.name)%len(r.instances)].url }

// frame is what comes over the socket.
type frame struct {
	Event   string `json:"event"`
	Channel string `json:"channel"`
	Data    string `json:"data"`
}

// connect holds one connection until it ends.
func (r *receiver) connect(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dial, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	socket, _, err := websocket.Dial(dial, r.pusherURL+"/app/soak-key?protocol=7&client=soak&version=1.0", nil)
	if err != nil {
		return
	}
	defer socket.CloseNow()
	socket.SetReadLimit(1 << 20)
	var subscribing sync.WaitGroup
	defer subscribing.Wait()
	defer cancel()
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return
		}
		var f frame
		if json.Unmarshal(text, &f) != nil {
			continue
		}
		switch f.Event {
		case "pusher:connection_established":
			var hello struct {
				SocketID string `json:"socket_id"`
			}
			if json.Unmarshal([]byte(f.Data), &hello) != nil {
				return
			}
			r.mu.Lock()
			r.socketID = hello.SocketID
			r.connections++
			r.mu.Unlock()
			for _, channel := range r.channels() {
				subscribing.Go(func() { r.subscribe(ctx, socket, hello.SocketID, channel) })
			}
		case "pusher_internal:subscription_succeeded":
			r.subscribed(f.Channel)
		default:
			r.hear(f)
		}
	}
}

func (r *receiver) channels() (all []string) {
	for _, t := range r.threads {
		all = append(all, t.channel)
	}
	if r.inbox {
		all = append(all, "private-developer-inbox")
	}
	slices.Sort(all)
	return all
}

// subscribe has a subscription signed and asks for it, again and again while the functions cannot sign.
func (r *receiver) subscribe(ctx context.Context, socket *websocket.Conn, socketID, channel string) {
	for ctx.Err() == nil {
		a := r.call(r.at(), r.me, http.MethodPost, "/api/pusher/auth", form(url.Values{"socket_id": {socketID}, "channel_name": {channel}}.Encode()))
		if a.ok() {
			var signed struct {
				Auth string `json:"auth"`
			}
			r.decode(a, &signed)
			data, _ := json.Marshal(map[string]any{"event": "pusher:subscribe", "data": map[string]string{"channel": channel, "auth": signed.Auth}})
			socket.Write(ctx, websocket.MessageText, data)
			return
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

// subscribed has everything fetched that was missed before the subscription.
func (r *receiver) subscribed(channel string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if channel == "private-developer-inbox" {
		r.missed = true
	}
	for _, t := range r.threads {
		if t.channel == channel {
			t.fetch = true
		}
	}
	r.wakeUp()
}

func (r *receiver) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// hear applies an event.
func (r *receiver) hear(f frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Channel == "private-developer-inbox" {
		var c Conversation
		if json.Unmarshal([]byte(f.Data), &c) == nil {
			r.heard++
			if !r.box(c) {
				r.repeated++
			}
		}
		return
	}
	for _, t := range r.threads {
		if t.channel != f.Channel {
			continue
		}
		switch f.Event {
		case "new-message", "message-updated":
			var m Message
			if json.Unmarshal([]byte(f.Data), &m) != nil {
				continue
			}
			r.heard++
			if !t.apply(m) {
				r.repeated++
			}
			if m.Truncated || t.missing() {
				r.wakeUp()
			}
		case "messages-read":
			var read struct {
				Side    string `json:"side"`
				UpToSeq int64  `json:"upToSeq"`
			}
			if json.Unmarshal([]byte(f.Data), &read) != nil {
				continue
			}
			r.heard++
			mark := t.read.of(read.Side)
			if read.UpToSeq <= *mark {
				r.repeated++
			}
			*mark = max(*mark, read.UpToSeq)
		}
	}
}

// told applies what an answer told this page.
func (r *receiver) told(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.threads[m.ClientID]; t != nil {
		t.apply(m)
		if t.missing() {
			r.wakeUp()
		}
	}
}

// apply keeps a message if it is newer than what is known, or whole where that is not.
func (t *thread) apply(m Message) (news bool) {
	known, ok := t.messages[m.Seq]
	if ok && (m.Version < known.Version || m.Version == known.Version && (m.Truncated || !known.Truncated)) {
		return false
	}
	t.messages[m.Seq] = m
	return true
}

// missing tells whether a seq below the highest is not there, and since when.
func (t *thread) missing() bool {
	if len(t.messages) > 0 && slices.Max(slices.Collect(maps.Keys(t.messages))) > int64(len(t.messages)) {
		if t.gap.IsZero() {
			t.gap = time.Now()
		}
		return true
	}
	t.gap = time.Time{}
	return false
}

// box keeps a conversation in the inbox if it is newer than what is known.
func (r *receiver) box(c Conversation) (news bool) {
	if known, ok := r.boxed[c.ClientID]; ok && c.Version <= known.Version {
		return false
	}
	r.boxed[c.ClientID] = c
	return true
}

// catchUp fetches what was missed, whenever something was.
func (r *receiver) catchUp(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-time.After(300 * time.Millisecond):
		}
		for _, t := range r.threads {
			r.mu.Lock()
			due := t.fetch || t.missing() && time.Since(t.gap) > time.Second
			t.fetch = false
			r.mu.Unlock()
			if due && !r.fetch(ctx, t) {
				r.mu.Lock()
				t.fetch = true
				r.mu.Unlock()
				sleep(ctx, 100*time.Millisecond)
			}
			r.complete(t)
		}
		r.mu.Lock()
		due := r.missed
		r.missed = false
		r.mu.Unlock()
		if due && !r.fetchInbox(ctx) {
			r.mu.Lock()
			r.missed = true
			r.mu.Unlock()
		}
	}
}

// fetch gets everything that has changed in a conversation since it was fetched last.
func (r *receiver) fetch(ctx context.Context, t *thread) bool {
	for ctx.Err() == nil {
		a := r.call(r.at(), r.me, http.MethodGet, fmt.Sprintf("/api/messages/list?clientId=%s&changedSince=%d&limit=100", t.clientID, t.version), nil)
		if a.status == http.StatusNotFound {
			return true // a developer's, of a conversation that has not begun
		}
		if !a.ok() {
			return false
		}
		p := r.page(a)
		r.mu.Lock()
		r.fetched++
		for _, m := range p.Messages {
			t.apply(m)
		}
		if p.Conversation != nil {
			t.read.Client = max(t.read.Client, p.Conversation.Read.Client)
			t.read.Developer = max(t.read.Developer, p.Conversation.Read.Developer)
			t.version = p.Conversation.Version
		}
		if p.HasMore {
			t.version = p.Messages[len(p.Messages)-1].Version
		}
		r.mu.Unlock()
		if !p.HasMore {
			return true
		}
	}
	return false
}

// complete fetches what is known only in part.
func (r *receiver) complete(t *thread) {
	r.mu.Lock()
	var cut []int64
	for seq, m := range t.messages {
		if m.Truncated {
			cut = append(cut, seq)
		}
	}
	r.mu.Unlock()
	for _, seq := range cut {
		a := r.call(r.at(), r.me, http.MethodGet, fmt.Sprintf("/api/messages/list?clientId=%s&after=%d&limit=1", t.clientID, seq-1), nil)
		if a.ok() {
			p := r.page(a)
			r.mu.Lock()
			for _, m := range p.Messages {
				t.apply(m)
			}
			r.mu.Unlock()
		}
	}
}

// fetchInbox gets every conversation that has changed since the inbox was fetched last.
func (r *receiver) fetchInbox(ctx context.Context) bool {
	r.mu.Lock()
	since := r.token
	r.mu.Unlock()
	path := "/api/conversations/list?limit=100&"
	if since == "" {
		path += "status=all"
	} else {
		path += "since=" + url.QueryEscape(since)
	}
	first := ""
	for cursor := ""; ctx.Err() == nil; {
		next := path
		if cursor != "" {
			next += "&cursor=" + url.QueryEscape(cursor)
		}
		a := r.call(r.at(), r.me, http.MethodGet, next, nil)
		if !a.ok() {
			return false
		}
		var in struct {
			Conversations []Conversation `json:"conversations"`
			NextCursor    string         `json:"nextCursor"`
			SyncToken     string         `json:"syncToken"`
		}
		r.decode(a, &in)
		first = cmp.Or(first, in.SyncToken)
		r.mu.Lock()
		for _, c := range in.Conversations {
			r.box(c)
		}
		if cursor = in.NextCursor; cursor == "" {
			r.token = first
		}
		r.mu.Unlock()
		if cursor == "" {
			return true
		}
	}
	return false
}

// views are what it shows now.
func (r *receiver) views() (all []View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(r.threads)) {
		t := r.threads[id]
		if len(t.messages) == 0 {
			continue
		}
		v := View{Receiver: r.name, ClientID: id, Read: t.read}
		for _, seq := range slices.Sorted(maps.Keys(t.messages)) {
			v.Messages = append(v.Messages, t.messages[seq])
		}
		if c, ok := r.boxed[id]; ok && r.inbox {
			v.Inbox = &c
		}
		all = append(all, v)
	}
	return all
}

// published reads an event that Pusher took.
func published(channel, name, data string) (p Published) {
	var in struct {
		ClientID string `json:"clientId"`
		Seq      int64  `json:"seq"`
		Version  int64  `json:"version"`
		Side     string `json:"side"`
		UpToSeq  int64  `json:"upToSeq"`
	}
	if json.Unmarshal([]byte(data), &in) != nil {
		return p
	}
	if strings.HasPrefix(name, "conversation-") {
		in.Seq = 0
	}
	return Published{channel, name, in.ClientID, in.Seq, in.Version, in.Side, in.UpToSeq}
}
