package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is people who chat: each a goroutine that does one thing after the other.
type load struct {
	*world
	ctx     context.Context // ends with the load
	next    atomic.Int64    // the number of the next body
	running sync.WaitGroup
}

// startLoad has so many people chat until stop is called, which waits for what they have begun.
func (w *world) startLoad(people int, pace time.Duration) (l *load, stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	l = &load{world: w, ctx: ctx}
	for i := range people {
		l.running.Go(func() { l.chat(i, pace) })
	}
	return l, func() {
		cancel()
		l.running.Wait()
	}
}

// talker is one of the people.
type talker struct {
	*load
	n      int
	random *rand.Rand
	person
	own []*Send // what it has sent and may send again or change
}

func (l *load) chat(n int, pace time.Duration) {
	t := &talker{load: l, n: n, random: rand.New(rand.NewPCG(l.options.Seed, uint64(n)+1))}
	for l.ctx.Err() == nil {
		// Half of the people are developers; a client has a phone and a computer.
		clientID := l.conversed[t.random.IntN(len(l.conversed))]
		if t.random.IntN(3) == 0 {
			clientID = l.conversed[0] // a hot one
		}
		t.person = person{client, clientID}
		if n%2 == 1 {
			t.person = person{developer, fmt.Sprint("developer-", n)}
		}
		switch dice := t.random.IntN(100); {
		case dice < 45:
			t.send(clientID)
		case dice < 50:
			t.sendAtOnce(clientID)
		case dice < 58:
			t.sendAgain()
		case dice < 72:
			t.read(clientID)
		case dice < 82:
			t.change()
		case dice < 92:
			t.list(clientID)
		case dice < 95 && t.role == developer:
			t.update(clientID)
		default:
			t.send(clientID)
		}
		l.pause(pace/2 + time.Duration(t.random.Int64N(int64(pace)+1)))
	}
}

// pause waits, or until the load ends.
func (l *load) pause(d time.Duration) {
	select {
	case <-l.ctx.Done():
	case <-time.After(d):
	}
}

// anywhere is an instance, any of them.
func (t *talker) anywhere() string { return t.world.anywhere(t.random) }

func (w *world) anywhere(random *rand.Rand) string {
	n := random.IntN(len(w.instances) + len(w.processes))
	if n < len(w.instances) {
		return w.instances[n].url
	}
	return w.processes[n-len(w.instances)].url()
}

// draft is a new message of a person. Few are long; of those some do not fit into an event.
func (l *load) draft(p person, clientID, key string, random *rand.Rand) *Send {
	n := l.next.Add(1)
	body := fmt.Sprintf("message %d of %s", n, p.id)
	switch random.IntN(40) {
	case 0:
		body += strings.Repeat("<é>", 2500)
	case 1:
		body += strings.Repeat(" word", 300)
	}
	s := &Send{Author: p.author(clientID), Body: body, Begun: time.Now()}
	if key != "" {
		s.Key = fmt.Sprintf("%s-%d", key, n)
	}
	l.history.mu.Lock()
	l.history.Sends = append(l.history.Sends, s)
	l.history.mu.Unlock()
	return s
}

// sendOnce posts a message once. Its answer is noted.
func (w *world) sendOnce(s *Send, at string, through *receiver) answer {
	body := map[string]any{"body": s.Body}
	if s.Key != "" {
		body["clientMessageId"] = s.Key
	}
	if s.Role == developer {
		body["clientId"], body["create"] = s.ClientID, true
	}
	if through != nil {
		if socket := through.socket(); socket != "" {
			body["socketId"] = socket
		} else {
			through = nil
		}
	}
	a := w.call(at, person{s.Role, s.SenderID}, http.MethodPost, "/api/messages/send", body)
	switch {
	case a.ok():
		var in struct {
			Message      Message      `json:"message"`
			Conversation Conversation `json:"conversation"`
			Realtime     string       `json:"realtime"`
		}
		w.decode(a, &in)
		w.counts.add("answered "+in.Realtime, 1)
		w.history.acknowledge(s, Ack{a.Span, in.Message.ID, in.Message.Seq, in.Message.Version, a.status == http.StatusOK})
		w.history.saw(a.Span, in.Conversation)
		if through != nil { // an answer is to the caller's own page what the event is to others
			through.told(in.Message)
		}
	case a.status == http.StatusConflict, a.status == http.StatusNotFound:
		w.history.broken("the key %q of %v is answered %d: %s", s.Key, s.Author, a.status, a.body)
	}
	return a
}

func (w *world) decode(a answer, into any) {
	if err := json.Unmarshal(a.body, into); err != nil {
		w.history.broken("an answer of %d that cannot be read: %v", a.status, err)
	}
}

// post sends a message until it is answered as stored, or the load ends.
func (t *talker) post(s *Send) {
	var through *receiver
	if t.role == client && t.random.IntN(2) == 0 {
		through = t.receiverOf(s.ClientID)
	}
	for t.ctx.Err() == nil {
		if t.sendOnce(s, t.anywhere(), through).ok() || s.Key == "" {
			return
		}
		t.counts.add("sends tried again", 1)
		t.pause(time.Duration(50+t.random.IntN(200)) * time.Millisecond)
	}
}

func (t *talker) send(clientID string) {
	key := "k"
	if t.random.IntN(20) == 0 {
		key = ""
	}
	s := t.draft(t.person, clientID, key, t.random)
	t.post(s)
	if key != "" {
		t.own = append(t.own, s)
		if len(t.own) > 50 {
			t.own = t.own[1:]
		}
	}
	t.counts.add("sends", 1)
}

// sendAtOnce posts one key at three places at once.
func (t *talker) sendAtOnce(clientID string) {
	s := t.draft(t.person, clientID, "once", t.random)
	places := []string{t.anywhere(), t.anywhere(), t.anywhere()}
	var all sync.WaitGroup
	for _, at := range places {
		all.Go(func() { t.sendOnce(s, at, nil) })
	}
	all.Wait()
	t.post(s)
	t.own = append(t.own, s)
	t.counts.add("sends", 1)
	t.counts.add("keys sent three times at once", 1)
}

// sendAgain posts a key once more that was sent before.
func (t *talker) sendAgain() {
	if len(t.own) == 0 {
		return
	}
	s := t.own[t.random.IntN(len(t.own))]
	t.sendOnce(s, t.anywhere(), nil)
	t.counts.add("keys sent again later", 1)
}

func (t *talker) read(clientID string) {
	body := map[string]any{"upToSeq": t.lastSeq(clientID) - int64(t.random.IntN(10)) + 1}
	if body["upToSeq"].(int64) < 1 {
		return
	}
	if t.role == developer {
		body["clientId"] = clientID
	}
	a := t.call(t.anywhere(), t.person, http.MethodPost, "/api/messages/read", body)
	if !a.ok() {
		return
	}
	var in struct {
		UpToSeq      int64        `json:"upToSeq"`
		Conversation Conversation `json:"conversation"`
	}
	t.decode(a, &in)
	t.history.saw(a.Span, in.Conversation)
	t.history.mu.Lock()
	t.history.Reads = append(t.history.Reads, Read{a.Span, clientID, t.role, in.UpToSeq})
	t.history.mu.Unlock()
	t.counts.add("read marks", 1)
}

// lastSeq is about how many messages a conversation has.
func (w *world) lastSeq(clientID string) (n int64) {
	w.history.mu.Lock()
	defer w.history.mu.Unlock()
	for i := len(w.history.Seen) - 1; i >= max(0, len(w.history.Seen)-200); i-- {
		if seen := w.history.Seen[i]; seen.ClientID == clientID {
			return seen.LastSeq
		}
	}
	return 0
}

// change edits a message of one's own, or deletes it.
func (t *talker) change() {
	if len(t.own) == 0 {
		return
	}
	s := t.own[t.random.IntN(len(t.own))]
	t.history.mu.Lock()
	acks := s.Acks
	t.history.mu.Unlock()
	if len(acks) == 0 {
		return
	}
	c := &Change{Author: s.Author, Seq: acks[0].Seq, Body: fmt.Sprintf("edit %d by %s", t.next.Add(1), s.SenderID)}
	method, body := http.MethodPatch, map[string]any{"messageId": acks[0].ID}
	if t.random.IntN(4) == 0 {
		method, c.Body = http.MethodDelete, ""
	} else {
		body["body"] = c.Body
	}
	if s.Role == developer {
		body["clientId"] = s.ClientID
	}
	t.history.mu.Lock()
	t.history.Changes = append(t.history.Changes, c)
	t.history.mu.Unlock()
	for t.ctx.Err() == nil {
		a := t.call(t.anywhere(), person{s.Role, s.SenderID}, method, "/api/messages/edit", body)
		switch {
		case a.ok():
			var in struct {
				Message      Message      `json:"message"`
				Conversation Conversation `json:"conversation"`
			}
			t.decode(a, &in)
			t.history.saw(a.Span, in.Conversation)
			t.history.mu.Lock()
			c.Versions = append(c.Versions, in.Message.Version)
			t.history.mu.Unlock()
			t.counts.add("edits and deletions", 1)
			return
		case a.status == http.StatusConflict: // deleted, perhaps after a first try
			return
		case a.status == http.StatusNotFound:
			t.history.broken("the message %d of %s, which was acknowledged, cannot be changed: %s", c.Seq, c.ClientID, a.body)
			return
		}
		t.pause(time.Duration(50+t.random.IntN(200)) * time.Millisecond)
	}
}

func (t *talker) list(clientID string) {
	path := "/api/messages/list?limit=20"
	if t.role == developer {
		path += "&clientId=" + clientID
	}
	a := t.call(t.anywhere(), t.person, http.MethodGet, path, nil)
	if !a.ok() {
		return
	}
	p := t.page(a)
	if p.Conversation != nil {
		t.history.saw(a.Span, *p.Conversation)
	}
	for i := 1; i < len(p.Messages); i++ {
		if p.Messages[i].Seq != p.Messages[i-1].Seq+1 {
			t.history.broken("a page of %s has %d after %d", clientID, p.Messages[i].Seq, p.Messages[i-1].Seq)
		}
	}
	t.counts.add("pages", 1)
}

// page is a page of messages.
type page struct {
	Messages     []Message     `json:"messages"`
	HasMore      bool          `json:"hasMore"`
	Conversation *Conversation `json:"conversation"`
}

func (w *world) page(a answer) (p page) {
	w.decode(a, &p)
	return p
}

func (t *talker) update(clientID string) {
	status := []string{"open", "closed"}[t.random.IntN(2)]
	a := t.call(t.anywhere(), t.person, http.MethodPost, "/api/conversations/update", map[string]any{"clientId": clientID, "status": status})
	if !a.ok() {
		return
	}
	var in struct {
		Conversation Conversation `json:"conversation"`
	}
	t.decode(a, &in)
	t.history.saw(a.Span, in.Conversation)
	t.counts.add("updates of conversations", 1)
}
