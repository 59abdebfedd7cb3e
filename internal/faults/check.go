package faults

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// State is how everything is in the end.
type State struct {
	Threads   map[string]Thread // by the client's id, as the API lists them
	Waiting   int               // events that are still in the queue
	Published []Published
	Views     []View
	Parked    map[string]bool // conversations of which an event was refused for good, as it was meant
}

// Thread is a conversation with all of its messages, ascending by seq.
type Thread struct {
	Conversation Conversation
	Messages     []Message
}

// Published is an event that Pusher took.
type Published struct {
	Channel, Name string
	Conversation  string // whose it is
	Seq, Version  int64
	Side          string
	UpToSeq       int64
}

// View is what one receiver shows in the end, from events and what it fetched because of them.
type View struct {
	Receiver string
	ClientID string
	Messages []Message
	Read     Sides
	Inbox    *Conversation // as its inbox shows it; nil if it has none
	NoMarks  bool          // it does not tell read marks
}

// Check tells what of our promises the history and the end do not keep: a sentence each, and none if all is well.
func Check(h *History, end State) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &checker{h: h, end: end}
	c.answers()
	c.sends()
	c.threads()
	c.changes()
	c.time()
	c.events()
	c.views()
	return c.found
}

type checker struct {
	h     *History
	end   State
	found []string
}

func (c *checker) violation(format string, args ...any) {
	if len(c.found) < 100 {
		c.found = append(c.found, fmt.Sprintf(format, args...))
	}
}

// answers: no fault excuses a defect, and no answer contradicts another.
func (c *checker) answers() {
	for _, b := range c.h.Broken {
		c.violation("an answer that no fault excuses: %s", b)
	}
	for _, s := range c.h.Sends {
		made := 0
		for _, a := range s.Acks {
			if a.Seq != s.Acks[0].Seq || a.ID != s.Acks[0].ID {
				c.violation("doubled: the key %q of %v was answered with the seqs %d and %d", s.Key, s.Author, s.Acks[0].Seq, a.Seq)
			}
			if !a.Replayed {
				made++
			}
		}
		if made > 1 {
			c.violation("doubled: the key %q of %v was answered %d times as new", s.Key, s.Author, made)
		}
	}
}

// sentKey is by what a send and a stored message are known to be the same.
type sentKey struct {
	Author
	key string
}

// sends: every acknowledged send is stored once, with its seq; what was refused is not there; nothing else is.
func (c *checker) sends() {
	stored := map[sentKey][]Message{}
	keyless := map[string][]Message{} // by their bodies, which nobody edits
	for _, id := range slices.Sorted(maps.Keys(c.end.Threads)) {
		for _, m := range c.end.Threads[id].Messages {
			if m.Key == "" {
				keyless[m.Body] = append(keyless[m.Body], m)
			} else {
				k := sentKey{Author{m.ClientID, m.Sender.Role, m.Sender.ID}, m.Key}
				stored[k] = append(stored[k], m)
			}
		}
	}
	for _, s := range c.h.Sends {
		found := keyless[s.Body]
		if s.Key != "" {
			k := sentKey{s.Author, s.Key}
			found = stored[k]
			delete(stored, k)
		} else {
			delete(keyless, s.Body)
		}
		switch {
		case len(found) > 1:
			c.violation("doubled: the key %q of %v is stored %d times", s.Key, s.Author, len(found))
		case len(found) == 1 && s.Never:
			c.violation("the key %q of %v was refused, and is stored as %d", s.Key, s.Author, found[0].Seq)
		case len(found) == 0 && len(s.Acks) > 0:
			c.violation("lost: the key %q of %v was acknowledged as %d, and is not stored", s.Key, s.Author, s.Acks[0].Seq)
		case len(found) == 1 && len(s.Acks) > 0 && (found[0].Seq != s.Acks[0].Seq || found[0].ID != s.Acks[0].ID):
			c.violation("the key %q of %v was acknowledged as %d, and is stored as %d", s.Key, s.Author, s.Acks[0].Seq, found[0].Seq)
		case len(found) == 1 && found[0].EditedAt == "" && found[0].DeletedAt == "" && found[0].Body != s.Body:
			c.violation("the key %q of %v is stored with another body", s.Key, s.Author)
		}
	}
	for k, found := range stored {
		c.violation("nobody sent the key %q of %v, which is stored as %d", k.key, k.Author, found[0].Seq)
	}
	for _, found := range keyless {
		c.violation("nobody sent what %s has as %d", found[0].ClientID, found[0].Seq)
	}
}

// threads: seq is 1..n, times keep its order, versions are their own, and unread is a count.
func (c *checker) threads() {
	for _, id := range slices.Sorted(maps.Keys(c.end.Threads)) {
		t := c.end.Threads[id]
		versions := map[int64]bool{}
		for i, m := range t.Messages {
			if m.Seq != int64(i)+1 {
				c.violation("gap: in %s the message after %d has the seq %d", id, i, m.Seq)
				break
			}
			if i > 0 && m.CreatedAt < t.Messages[i-1].CreatedAt {
				c.violation("in %s the message %d is older than the one before it", id, m.Seq)
			}
			if versions[m.Version] || m.Version > t.Conversation.Version {
				c.violation("in %s the message %d has the version %d of another change", id, m.Seq, m.Version)
			}
			versions[m.Version] = true
		}
		if t.Conversation.LastSeq != int64(len(t.Messages)) {
			c.violation("%s counts %d messages, and has %d", id, t.Conversation.LastSeq, len(t.Messages))
		}
		c.unread("in the end", t.Conversation)
	}
}

// unread compares what a conversation counts with its messages: who sent the message of a seq never changes.
func (c *checker) unread(when string, of Conversation) {
	t, ok := c.end.Threads[of.ClientID]
	if !ok || of.LastSeq > int64(len(t.Messages)) {
		c.violation("%s: %s had %d messages, and has %d", when, of.ClientID, of.LastSeq, len(t.Messages))
		return
	}
	var want Sides
	for _, m := range t.Messages[:of.LastSeq] {
		if m.Sender.Role == developer && m.Seq > of.Read.Client {
			want.Client++
		}
		if m.Sender.Role == client && m.Seq > of.Read.Developer {
			want.Developer++
		}
	}
	if of.Unread != want {
		c.violation("%s: %s of version %d counts %+v unread, and has %+v", when, of.ClientID, of.Version, of.Unread, want)
	}
}

// changes: a message shows the last change that was acknowledged, or a later one of which no answer came.
func (c *checker) changes() {
	type place struct {
		id  string
		seq int64
	}
	of := map[place][]*Change{}
	for _, change := range c.h.Changes {
		at := place{change.ClientID, change.Seq}
		of[at] = append(of[at], change)
	}
	for _, id := range slices.Sorted(maps.Keys(c.end.Threads)) {
		for _, m := range c.end.Threads[id].Messages {
			var newest *Change
			var version int64
			open := false // a change without an answer explains what is shown
			asked := false
			for _, change := range of[place{id, m.Seq}] {
				if change.Refused {
					continue
				}
				if len(change.Versions) == 0 {
					open = open || change.Body == m.Body
				} else if last := slices.Max(change.Versions); last > version {
					newest, version = change, last
				}
				asked = asked || change.Body == "" && len(change.Versions) > 0
			}
			switch {
			case asked && m.DeletedAt == "":
				c.violation("lost: the deletion of %s %d was acknowledged, and it is there", id, m.Seq)
			case newest != nil && m.Version < version:
				c.violation("lost: %s %d was changed at version %d, and has %d", id, m.Seq, version, m.Version)
			case newest != nil && m.Version == version && m.Body != newest.Body:
				c.violation("lost: %s %d shows another text than that of its version %d", id, m.Seq, version)
			case newest != nil && m.Version > version && !open && m.DeletedAt == "":
				c.violation("%s %d has the version %d, which nobody asked for", id, m.Seq, m.Version)
			case newest == nil && (m.EditedAt != "" || m.DeletedAt != "") && !open:
				c.violation("nobody changed %s %d, and it is changed", id, m.Seq)
			}
		}
	}
}

// moment is something that somebody saw, of which whoever asks later must see at least as much.
type moment struct {
	Span
	what  string // what is compared: only the same grows
	value int64
	more  bool // what is asked for later must be greater, and not only as great
}

// time: what was seen before a call began is not undone in its answer. So commits are in the order of seq, as far as
// anybody can tell, and neither a version nor a read mark goes back.
func (c *checker) time() {
	var moments []moment
	for _, s := range c.h.Sends {
		for _, a := range s.Acks {
			if !a.Replayed { // then it may have been stored before
				moments = append(moments, moment{a.Span, "the last seq of " + s.ClientID, a.Seq, true})
			}
		}
	}
	for _, r := range c.h.Reads {
		moments = append(moments, moment{r.Span, "the read mark of " + r.Side + " in " + r.ClientID, r.UpToSeq, false})
	}
	for _, s := range c.h.Seen {
		moments = append(moments,
			moment{s.Span, "the version of " + s.ClientID, s.Version, false},
			moment{s.Span, "the last seq of " + s.ClientID, s.LastSeq, false},
			moment{s.Span, "the read mark of client in " + s.ClientID, s.Read.Client, false},
			moment{s.Span, "the read mark of developer in " + s.ClientID, s.Read.Developer, false},
		)
		c.unread("an answer", s.Conversation)
	}
	byBegin := slices.SortedFunc(slices.Values(moments), func(a, b moment) int { return a.Begun.Compare(b.Begun) })
	byEnd := slices.SortedFunc(slices.Values(moments), func(a, b moment) int { return a.Ended.Compare(b.Ended) })
	highest := map[string]int64{}
	for next := 0; len(byBegin) > 0; byBegin = byBegin[1:] {
		m := byBegin[0]
		for next < len(byEnd) && byEnd[next].Ended.Before(m.Begun) {
			seen := byEnd[next]
			highest[seen.what] = max(highest[seen.what], seen.value)
			next++
		}
		if before, ok := highest[m.what]; ok && (m.value < before || m.more && m.value == before) {
			c.violation("backward: %s was %d, and whoever asked later was told %d", m.what, before, m.value)
		}
	}
}

// events: everything was announced as it is in the end, and nothing waits any more.
func (c *checker) events() {
	if c.end.Waiting != 0 {
		c.violation("%d events never left the queue", c.end.Waiting)
	}
	told := map[Published]bool{}
	for _, p := range c.end.Published {
		p.Channel = ""
		told[p] = true
		if p.Name == "new-message" { // of whichever version it was by then
			p.Version = 0
			told[p] = true
		}
		if p.Name == "messages-read" {
			p.Version = 0
			told[p] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.end.Threads)) {
		if c.end.Parked[id] {
			continue
		}
		t := c.end.Threads[id]
		for _, m := range t.Messages {
			if !told[Published{Name: "new-message", Conversation: id, Seq: m.Seq}] {
				c.violation("lost: the message %d of %s was never announced", m.Seq, id)
			}
			if m.EditedAt+m.DeletedAt != "" && !told[Published{Name: "message-updated", Conversation: id, Seq: m.Seq, Version: m.Version}] {
				c.violation("lost: the change of the message %d of %s was never announced", m.Seq, id)
			}
		}
		for _, side := range []string{client, developer} {
			if mark := *t.Conversation.Read.of(side); mark > 0 && !told[Published{Name: "messages-read", Conversation: id, Side: side, UpToSeq: mark}] {
				c.violation("lost: that %s of %s has read up to %d was never announced", side, id, mark)
			}
		}
		if !told[Published{Name: "conversation-updated", Conversation: id, Version: t.Conversation.Version}] {
			c.violation("lost: the version %d of %s was never announced", t.Conversation.Version, id)
		}
	}
}

// missing names the first and the last message that is not shown, and how many those are.
func missing(shown, stored []Message) string {
	there := map[int64]bool{}
	for _, m := range shown {
		there[m.Seq] = true
	}
	var first, last, n int64
	for _, m := range stored {
		if !there[m.Seq] {
			if n == 0 {
				first = m.Seq
			}
			last, n = m.Seq, n+1
		}
	}
	return fmt.Sprintf("%d from %d to %d", n, first, last)
}

// views: what each receiver shows is what the server has.
func (c *checker) views() {
	for _, v := range c.end.Views {
		t, ok := c.end.Threads[v.ClientID]
		if c.end.Parked[v.ClientID] {
			continue
		}
		who := v.Receiver + " of " + v.ClientID
		switch {
		case !ok:
			c.violation("%s shows what is not there", who)
		case len(v.Messages) != len(t.Messages):
			c.violation("lost: %s shows %d messages of %d, and lacks %s", who, len(v.Messages), len(t.Messages), missing(v.Messages, t.Messages))
		default:
			for i, m := range v.Messages {
				if m != t.Messages[i] {
					c.violation("%s shows the message %d as of version %d, and it is of version %d", who, m.Seq, m.Version, t.Messages[i].Version)
				}
			}
			if !v.NoMarks && v.Read != t.Conversation.Read {
				c.violation("%s shows the read marks %+v, and they are %+v", who, v.Read, t.Conversation.Read)
			}
		}
		if v.Inbox != nil && ok && *v.Inbox != t.Conversation {
			c.violation("the inbox of %s shows %+v, and it is %+v", who, *v.Inbox, t.Conversation)
		}
	}
}

// Repeated counts the events that Pusher took more than once.
func Repeated(published []Published) int {
	seen := map[Published]bool{}
	n := 0
	for _, p := range published {
		if seen[p] {
			n++
		}
		seen[p] = true
	}
	return n
}

// shorten makes a list of violations readable: the first of each kind, and how many there are.
func shorten(found []string, most int) string {
	var lines []string
	kinds := map[string]int{}
	for _, f := range found {
		kind, _, _ := strings.Cut(f, ":")
		if kinds[kind]++; kinds[kind] <= most {
			lines = append(lines, "  "+f)
		}
	}
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return cmp.Compare(kinds[b], kinds[a]) }) {
		if kinds[kind] > most {
			lines = append(lines, fmt.Sprintf("  and %d more of %q", kinds[kind]-most, kind))
		}
	}
	return strings.Join(lines, "\n")
}
