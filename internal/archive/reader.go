package archive

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"time"

	"devinbox/pkg/chat"
)

// reader reads a file of either form: it gives each message that breaks no rule, tells of each conversation that ends,
// and collects every fault.
type reader struct {
	in     *bufio.Reader
	fits   func(clientID string) bool
	now    time.Time
	faults faults
	ended  func(*thread)
	seen   map[string]struct{} // the clients of the file
}

// newReader makes a reader. fits tells whether the conversation of a client can have a channel.
func newReader(in io.Reader, fits func(string) bool, now time.Time, ended func(*thread)) *reader {
	return &reader{in: bufio.NewReaderSize(in, maxLine), fits: fits, now: now, ended: ended, seen: map[string]struct{}{}}
}

// beginning is how an export begins, also one that was laid out anew.
var beginning = regexp.MustCompile(`\A\s*\{\s*"format"`)

// byteOrderMark is what some editors write before a text.
var byteOrderMark = []byte("\uFEFF")

// read reads the file to its end, unless yield returns false. Its error is that of the file, not of what is in it.
func (r *reader) read(yield func(*entry) bool) error {
	if start, _ := r.in.Peek(len(byteOrderMark)); bytes.Equal(start, byteOrderMark) {
		r.in.Discard(len(byteOrderMark))
	}
	start, err := r.in.Peek(256)
	if err != nil && err != io.EOF {
		return err
	}
	if beginning.Match(start) {
		return r.documents(yield)
	}
	return r.lines(yield)
}

const idRule = "must be 1 to 120 bytes of UTF-8 without control characters"

// begin begins a conversation, at a line of the file.
func (r *reader) begin(line int, clientID string) *thread {
	t := newThread(clientID, line)
	_, twice := r.seen[clientID]
	r.seen[clientID] = struct{}{}
	switch {
	case !chat.ValidID(clientID):
		r.faults.add(line, "clientId", idRule)
	case !r.fits(clientID):
		r.faults.add(line, "clientId", "is too long for the name of a channel")
	case twice:
		r.faults.add(line, "clientId", "has messages earlier in the file: those of one client must stand together")
	default:
		return t
	}
	t.isBad = true
	return t
}

// end ends a conversation.
func (r *reader) end(t *thread) {
	if t != nil && !t.isBad && t.lastSeq > 0 {
		r.ended(t)
	}
}

// clockLeeway is how far a time may lie in the future: clocks differ, and a zone that was forgotten makes more of it.
const clockLeeway = 5 * time.Minute

const timeForm = "must be a time with its zone, such as 2026-11-23T10:00:00.123Z"

// time reads a time of a field. Postgres keeps microseconds of it.
func (r *reader) time(line int, field, text string) *time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.faults.add(line, field, timeForm)
		return nil
	}
	return r.checkTime(line, field, &at)
}

// checkTime returns a time as it is kept, and nil if there is none or it cannot be.
func (r *reader) checkTime(line int, field string, at *time.Time) *time.Time {
	switch {
	case at == nil:
		return nil
	case at.Unix() < 0:
		r.faults.add(line, field, "is before 1970")
		return nil
	case at.After(r.now.Add(clockLeeway)):
		r.faults.add(line, field, "lies in the future: is its zone right?")
		return nil
	}
	kept := at.UTC().Truncate(time.Microsecond)
	return &kept
}

func (r *reader) checkStatus(line int, field string, status *string) {
	if status != nil && *status != string(chat.Open) && *status != string(chat.Closed) {
		r.faults.add(line, field, "must be open or closed")
	}
}

func (r *reader) checkAssignee(line int, field string, id *string) {
	if id != nil && (!chat.ValidID(*id) || *id == chat.Unassigned) {
		r.faults.add(line, field, "must be the id of a developer")
	}
}
