package archive

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// maxLine is how many bytes a line may have. No message needs as many, whatever is escaped in it.
const maxLine = 1 << 20

// lineReader reads a file line by line and counts them.
type lineReader struct {
	in *bufio.Reader
	n  int
}

// next returns the next line without its end. A line that is longer than maxLine is
// passed over, and nil.
func (r *lineReader) next() ([]byte, error) {
	r.n++
	text, err := r.in.ReadSlice('\n')
	isLong := false
	for errors.Is(err, bufio.ErrBufferFull) {
		isLong = true
		_, err = r.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) && (isLong || len(text) > 0) { // the last line has no end
		err = nil
	}
	if isLong {
		return nil, err
	}
	return append([]byte{}, bytes.TrimRight(text, "\r\n")...), err
}

// lines reads simple lines: a message each, those of one conversation together and in the order of their times.
func (r *reader) lines(yield func(*entry) bool) error {
	in := &lineReader{in: r.in}
	var at *thread
	keys := map[string]struct{}{} // of this conversation
	for {
		text, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if text == nil {
			r.faults.add(in.n, "", "is longer than any message")
			continue
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var l line
		if err := web.DecodeObject(text, &l); err != nil {
			r.faults.addDecoding(in.n, err)
			continue
		}
		if l.ClientID == nil {
			r.faults.add(in.n, "clientId", "is required")
			continue
		}
		if at == nil || at.clientID != *l.ClientID {
			r.end(at)
			at = r.begin(in.n, *l.ClientID)
			clear(keys)
		}
		e := r.entryOf(in.n, l, at)
		if e == nil || at.isBad {
			continue
		}
		if e.key != nil {
			key := string(e.role) + "\n" + e.senderID + "\n" + *e.key
			if _, used := keys[key]; used {
				r.faults.add(in.n, "clientMessageId", "stands on an earlier line of this sender")
			}
			keys[key] = struct{}{}
		}
		at.appendLine(e)
		if !yield(e) {
			return nil
		}
	}
	r.end(at)
	return nil
}

// entryOf checks a line, all but its clientId, and returns its message, or nil if it breaks a rule.
func (r *reader) entryOf(n int, l line, at *thread) *entry {
	before := r.faults.count()
	e := &entry{status: l.Status, assignee: l.AssigneeID, key: l.ClientMessageID}
	switch {
	case l.SenderRole == nil:
		r.faults.add(n, "senderRole", "is required")
	case *l.SenderRole == string(chat.Client):
		e.role, e.senderID = chat.Client, at.clientID
		if l.SenderID != nil && *l.SenderID != at.clientID {
			r.faults.add(n, "senderId", "must be the clientId, or be left out, if a client sends")
		}
		e.email = cleaned(l.SenderEmail, chat.CleanEmail)
	case *l.SenderRole == string(chat.Developer):
		e.role = chat.Developer
		if l.SenderID == nil {
			r.faults.add(n, "senderId", "is required if a developer sends")
		} else if e.senderID = *l.SenderID; !chat.ValidID(e.senderID) {
			r.faults.add(n, "senderId", idRule)
		}
	default:
		r.faults.add(n, "senderRole", "must be client or developer")
	}
	e.senderName = cleaned(l.SenderName, chat.CleanName)
	if l.Body == nil {
		r.faults.add(n, "body", "is required")
	} else {
		e.body = chat.NormalizeBody(*l.Body)
		e.digest = digestOf(e.body, nil)
		r.faults.addAll(n, chat.CheckBody(e.body, false))
	}
	if l.CreatedAt == nil {
		r.faults.add(n, "createdAt", "is required")
	} else if created := r.time(n, "createdAt", *l.CreatedAt); created != nil {
		e.createdAt = *created
		if created.Before(at.lastMessageAt) {
			r.faults.add(n, "createdAt", "is before that of an earlier line: sort the lines by clientId and createdAt")
		}
	}
	if l.ReadAt != nil {
		e.readAt = r.time(n, "readAt", *l.ReadAt)
	}
	if l.ClientMessageID != nil {
		r.faults.addAll(n, chat.CheckClientMessageID(*l.ClientMessageID))
	}
	r.checkStatus(n, "status", l.Status)
	r.checkAssignee(n, "assigneeId", l.AssigneeID)
	if r.faults.count() > before {
		return nil
	}
	return e
}

// appendLine appends a message as if it had been sent, and takes from its line what that says of the conversation.
func (t *thread) appendLine(e *entry) {
	if t.lastSeq == 0 {
		t.createdAt = e.createdAt
	}
	t.append(e)
	e.id, e.version = idOf(e), e.seq
	t.version, t.updatedAt = e.seq, later(t.updatedAt, e.createdAt)
	if e.role == chat.Client {
		t.seen(e.createdAt)
		if e.senderName != nil {
			t.name = e.senderName
		}
		if e.email != nil {
			t.email = e.email
		}
	}
	if e.readAt != nil {
		side := e.role.Other()
		if side == chat.Client {
			t.seen(*e.readAt)
		}
		m := t.mark(side)
		m.seq, m.total = e.seq, t.clientTotal
		if m.at == nil || m.at.Before(*e.readAt) {
			m.at = e.readAt
		}
		t.updatedAt = later(t.updatedAt, *e.readAt)
	}
	if e.status != nil {
		t.status = *e.status
	}
	if e.assignee != nil {
		t.assignee = e.assignee
	}
}

// seen notes that the client was there.
func (t *thread) seen(at time.Time) {
	if t.lastSeenAt == nil || t.lastSeenAt.Before(at) {
		t.lastSeenAt = &at
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// cleaned is a name or an e-mail as it is kept, and nil if nothing of it can be seen.
func cleaned(text *string, clean func(string) string) *string {
	if text == nil {
		return nil
	}
	kept := clean(*text)
	if kept == "" {
		return nil
	}
	return &kept
}
