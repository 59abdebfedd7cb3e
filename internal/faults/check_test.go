package faults

import (
	"strings"
	"testing"
	"time"
)

// at is a span of a second that begins so many seconds after the beginning of time.
func at(second int) Span {
	begun := time.Unix(int64(second), 0)
	return Span{begun, begun.Add(500 * time.Millisecond)}
}

// tale is a history and an end that fit: a client sent twice, a developer once, who has read and edited.
func tale() (*History, *State) {
	grace, ada := Author{"42", client, "42"}, Author{"42", developer, "ada"}
	message := func(by Author, seq, version int64, id, key, body string) Message {
		m := Message{ID: id, ClientID: "42", Seq: seq, Version: version, Key: key, Body: body, CreatedAt: "2026-01-01T00:00:00.000Z"}
		m.Sender.Role, m.Sender.ID = by.Role, by.SenderID
		return m
	}
	h := &History{
		Sends: []*Send{
			{Author: grace, Key: "a", Body: "one", Acks: []Ack{{at(1), "x", 1, 1, false}, {at(9), "x", 1, 1, true}}},
			{Author: ada, Key: "a", Body: "two", Acks: []Ack{{at(2), "y", 2, 2, false}}},
			{Author: grace, Body: "three", Acks: []Ack{{at(3), "z", 3, 3, false}}},
			{Author: grace, Key: "b", Body: "refused", Never: true},
			{Author: grace, Key: "c", Body: "without an answer"},
		},
		Changes: []*Change{{Author: ada, Seq: 2, Body: "two, edited", Versions: []int64{5}}},
		Reads:   []Read{{at(4), "42", developer, 1}},
		Seen: []Sighting{
			{at(2), Conversation{ClientID: "42", LastSeq: 2, Version: 2, Unread: Sides{1, 1}}},
			{at(5), Conversation{ClientID: "42", LastSeq: 3, Version: 5, Read: Sides{0, 1}, Unread: Sides{1, 1}}},
		},
	}
	edited := message(ada, 2, 5, "y", "a", "two, edited")
	edited.EditedAt = "2026-01-01T00:00:01.000Z"
	c := Conversation{ClientID: "42", LastSeq: 3, Version: 5, Read: Sides{0, 1}, Unread: Sides{1, 1}}
	messages := []Message{message(grace, 1, 1, "x", "a", "one"), edited, message(grace, 3, 3, "z", "", "three")}
	inbox := c
	return h, &State{
		Threads: map[string]Thread{"42": {c, messages}},
		Published: []Published{
			{"c", "new-message", "42", 1, 1, "", 0}, {"c", "new-message", "42", 2, 2, "", 0}, {"c", "new-message", "42", 3, 3, "", 0},
			{"c", "messages-read", "42", 0, 4, developer, 1}, {"c", "message-updated", "42", 2, 5, "", 0}, {"i", "conversation-updated", "42", 0, 5, "", 0},
		},
		Views: []View{{Receiver: "a page", ClientID: "42", Messages: append([]Message{}, messages...), Read: c.Read, Inbox: &inbox}},
	}
}

func TestAHistoryThatFitsIsPassed(t *testing.T) {
	t.Parallel()
	h, end := tale()
	if found := Check(h, *end); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

func TestEachThingThatDoesNotFitIsFound(t *testing.T) {
	t.Parallel()
	const id = "42"
	thread := func(end *State, change func(*Thread)) {
		t := end.Threads[id]
		t.Messages = append([]Message{}, t.Messages...)
		change(&t)
		end.Threads[id] = t
	}
	for _, test := range []struct {
		name  string
		spoil func(h *History, end *State)
		finds string
	}{
		{"a defect", func(h *History, _ *State) { h.broken("GET /x is answered 500") }, "no fault excuses"},
		{"an acknowledged message is not there", func(_ *History, end *State) {
			thread(end, func(t *Thread) { t.Messages = t.Messages[:2]; t.Conversation.LastSeq = 2 })
		}, "lost: the key"},
		{"a key is stored twice", func(_ *History, end *State) {
			thread(end, func(t *Thread) {
				again := t.Messages[0]
				again.Seq, again.Version = 4, 6
				t.Messages = append(t.Messages, again)
			})
		}, "doubled: the key"},
		{"a key has two seqs", func(h *History, _ *State) { h.Sends[0].Acks[1].Seq = 2 }, "doubled: the key"},
		{"a key is new twice", func(h *History, _ *State) { h.Sends[0].Acks[1].Replayed = false }, "doubled: the key"},
		{"a message has another seq than was told", func(h *History, _ *State) { h.Sends[2].Acks[0].Seq = 4 }, "is stored as 3"},
		{"a refused message is there", func(h *History, _ *State) { h.Sends[0].Never, h.Sends[0].Acks = true, nil }, "was refused, and is stored"},
		{"a message that nobody sent", func(h *History, _ *State) { h.Sends = h.Sends[1:] }, "nobody sent"},
		{"a message without a key that nobody sent", func(h *History, _ *State) { h.Sends[2].Body = "four" }, "nobody sent"},
		{"another body", func(h *History, _ *State) { h.Sends[0].Body = "something else" }, "another body"},
		{"a gap", func(_ *History, end *State) {
			thread(end, func(t *Thread) { t.Messages[2].Seq = 4; t.Conversation.LastSeq = 4 })
		}, "gap: "},
		{"a message that is older than the one before", func(_ *History, end *State) {
			thread(end, func(t *Thread) { t.Messages[2].CreatedAt = "2025" })
		}, "older than the one before"},
		{"a version twice", func(_ *History, end *State) {
			thread(end, func(t *Thread) { t.Messages[2].Version = 1 })
		}, "of another change"},
		{"a wrong count of unread", func(_ *History, end *State) {
			thread(end, func(t *Thread) { t.Conversation.Unread.Client = 2 })
		}, "in the end: 42"},
		{"a wrong count of unread in an answer", func(h *History, _ *State) { h.Seen[0].Unread.Client = 0 }, "an answer: 42"},
		{"an edit is lost", func(h *History, _ *State) { h.Changes[0].Versions = []int64{6} }, "lost: 42 2 was changed"},
		{"an edit shows another text", func(h *History, _ *State) { h.Changes[0].Body = "else" }, "shows another text"},
		{"an edit that nobody made", func(h *History, _ *State) { h.Changes = nil }, "nobody changed"},
		{"a deletion is lost", func(h *History, _ *State) {
			h.Changes = append(h.Changes, &Change{Author: h.Sends[0].Author, Seq: 1, Versions: []int64{4}})
		}, "lost: the deletion"},
		{"a read mark goes back", func(h *History, _ *State) { h.Reads = append(h.Reads, Read{at(7), id, developer, 0}) }, "backward: the read mark"},
		{"a version goes back", func(h *History, _ *State) { h.Seen[1].Span = at(0) }, "backward: the version"},
		{"a seq that is not in the order of commits", func(h *History, _ *State) { h.Sends[2].Acks[0].Span = at(0) }, "backward: the last seq"},
		{"a message is not announced", func(_ *History, end *State) { end.Published = end.Published[1:] }, "lost: the message 1"},
		{"an edit is not announced", func(_ *History, end *State) { end.Published[4].Version = 4 }, "lost: the change"},
		{"a read mark is not announced", func(_ *History, end *State) { end.Published[3].UpToSeq = 0 }, "lost: that developer"},
		{"the inbox is not told", func(_ *History, end *State) { end.Published[5].Version = 4 }, "lost: the version 5"},
		{"an event waits", func(_ *History, end *State) { end.Waiting = 1 }, "never left the queue"},
		{"a page lacks a message", func(_ *History, end *State) { end.Views[0].Messages = end.Views[0].Messages[:2] }, "lost: a page"},
		{"a page shows an old text", func(_ *History, end *State) { end.Views[0].Messages[1].Version = 2 }, "shows the message 2"},
		{"a page shows another read mark", func(_ *History, end *State) { end.Views[0].Read.Developer = 0 }, "shows the read marks"},
		{"an inbox shows an old state", func(_ *History, end *State) { end.Views[0].Inbox.Version = 4 }, "the inbox of"},
		{"a page shows what is not there", func(_ *History, end *State) { end.Views[0].ClientID = "7" }, "what is not there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, end := tale()
			test.spoil(h, end)
			found := Check(h, *end)
			if !strings.Contains(strings.Join(found, "\n"), test.finds) {
				t.Errorf("found no %q, but %q", test.finds, found)
			}
		})
	}
}

func TestWhatIsPoisonedOnPurposeNeedNotBeAnnounced(t *testing.T) {
	t.Parallel()
	h, end := tale()
	end.Published, end.Views, end.Parked = nil, nil, map[string]bool{"42": true}
	if found := Check(h, *end); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

func TestRepeatedEventsAreCounted(t *testing.T) {
	t.Parallel()
	_, end := tale()
	if n := Repeated(append(end.Published, end.Published[0], end.Published[0])); n != 2 {
		t.Errorf("%d", n)
	}
}
