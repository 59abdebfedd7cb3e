package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

// places finds the line of a place in a file that is read, forward only.
type places struct {
	in     io.Reader
	read   int64   // bytes
	breaks []int64 // where the lines end that were not passed yet
	line   int     // how many were passed
}

func (p *places) Read(into []byte) (int, error) {
	n, err := p.in.Read(into)
	for i, b := range into[:n] {
		if b == '\n' {
			p.breaks = append(p.breaks, p.read+int64(i))
		}
	}
	p.read += int64(n)
	return n, err
}

func (p *places) lineOf(offset int64) int {
	passed := 0
	for passed < len(p.breaks) && p.breaks[passed] < offset {
		passed++
	}
	p.breaks, p.line = p.breaks[passed:], p.line+passed
	return p.line + 1
}

// export is one document while it is read.
type export struct {
	*reader
	decoder  *jsontext.Decoder
	places   *places
	clientID *string
	thread   *thread
	head     *conversation
	version  bool  // it is of the version that this code reads
	nth      int64 // how many messages were read, also those with a fault
	versions map[int64]struct{}
	ids      map[uuid.UUID]struct{}
	keys     map[string]struct{}
	objects  map[string]struct{} // ids and keys of files
}

// errStopped is the error of a file that need not be read on.
var errStopped = errors.New("stopped")

// documents reads exports, one after the other.
func (r *reader) documents(yield func(*entry) bool) error {
	in := &places{in: r.in}
	x := &export{reader: r, places: in, decoder: jsontext.NewDecoder(in)}
	for {
		switch x.decoder.PeekKind() {
		case '{':
		default:
			if _, err := x.decoder.ReadToken(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return x.broken(err)
			}
			return nil
		}
		x.clientID, x.thread, x.head, x.version, x.nth = nil, nil, nil, false, 0
		if err := x.document(yield); errors.Is(err, errStopped) {
			return nil
		} else if err != nil {
			return x.broken(err)
		}
	}
}

// here is the line that was read last.
func (x *export) here() int { return x.places.lineOf(x.decoder.InputOffset()) }

// broken tells of a file that cannot be read on. An error that is not about JSON is the file's own.
func (x *export) broken(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		x.faults.add(x.here(), "", "is not the end of an export: something of it is missing")
	case err == nil, errors.As(err, &syntactic):
		x.faults.add(x.here(), "", "is not followed by valid JSON")
	default:
		return err
	}
	return nil
}

func (x *export) document(yield func(*entry) bool) error {
	if _, err := x.decoder.ReadToken(); err != nil {
		return err
	}
	begun := x.here()
	for x.decoder.PeekKind() == '"' {
		name, err := x.decoder.ReadToken()
		if err != nil {
			return err
		}
		field := name.String()
		if field == "messages" && x.decoder.PeekKind() == '[' {
			if err := x.messages(begun, yield); err != nil {
				return err
			}
			continue
		}
		value, err := x.decoder.ReadValue()
		if err != nil {
			return err
		}
		if err := x.member(field, value); err != nil {
			return err
		}
	}
	if _, err := x.decoder.ReadToken(); err != nil {
		return err
	}
	if x.head != nil && x.thread == nil {
		x.faults.add(x.here(), "messages", "is required")
	}
	return nil
}

// member reads a field that stands before the messages.
func (x *export) member(field string, value jsontext.Value) error {
	here := x.here()
	switch field {
	case "format":
		if string(value) != `"`+formatName+`"` {
			x.faults.add(here, field, "is not that of an export of devinbox")
			return errStopped
		}
	case "formatVersion":
		if text := string(value); text != "1" && text != fmt.Sprint(formatVersion) {
			x.faults.add(here, field, "is not one that this version of devinbox can read")
			return errStopped
		}
		x.version = true
	case "exportedAt", "presence": // of then
	case "clientId":
		var only struct {
			ClientID *string `json:"clientId"`
		}
		if err := web.DecodeObject([]byte(`{"clientId":`+string(value)+`}`), &only); err != nil {
			x.faults.addDecoding(here, err)
		}
		x.clientID = only.ClientID
	case "conversation":
		if value.Kind() == 'n' {
			return nil
		}
		x.head = &conversation{}
		if err := web.DecodeObject(value, x.head); err != nil {
			x.faults.addDecoding(here, err)
			return errStopped
		}
	default:
		x.faults.add(here, "", "has a field that is not known")
	}
	return nil
}

// messages reads the messages, for which everything else must be known.
func (x *export) messages(begun int, yield func(*entry) bool) error {
	if _, err := x.decoder.ReadToken(); err != nil {
		return err
	}
	here := x.here()
	switch {
	case !x.version:
		x.faults.add(here, "formatVersion", "must stand before the messages")
		return errStopped
	case x.clientID == nil:
		x.faults.add(here, "clientId", "must stand before the messages")
		return errStopped
	}
	if x.head != nil {
		x.thread = x.begin(begun, *x.clientID)
		x.describe(here)
	}
	x.versions, x.ids, x.keys, x.objects = map[int64]struct{}{}, map[uuid.UUID]struct{}{}, map[string]struct{}{}, map[string]struct{}{}
	for x.decoder.PeekKind() != ']' {
		value, err := x.decoder.ReadValue()
		if err != nil {
			return err
		}
		x.nth++
		here := x.here()
		var m message
		if err := web.DecodeObject(value, &m); err != nil {
			x.faults.addDecoding(here, err)
			continue
		}
		if x.head == nil {
			x.faults.add(here, "", "is a message, and there is no conversation")
			continue
		}
		e := x.entryOf(here, m)
		if e == nil || x.thread.isBad {
			continue
		}
		x.thread.append(e)
		if !yield(e) {
			return errStopped
		}
	}
	if _, err := x.decoder.ReadToken(); err != nil {
		return err
	}
	if x.head == nil {
		return nil
	}
	if x.nth != x.head.LastSeq {
		x.faults.add(x.here(), "lastSeq", "is not the number of the messages")
		return nil
	}
	x.end(x.thread)
	return nil
}

// describe takes over what the export says of the conversation.
func (x *export) describe(line int) {
	t, c := x.thread, x.head
	check := func(ok bool, field, message string) {
		if !ok {
			x.faults.add(line, field, message)
		}
	}
	t.name, t.nameSet, t.email = cleaned(c.ClientName, chat.CleanName), c.ClientNameSet, cleaned(c.ClientEmail, chat.CleanEmail)
	t.status, t.assignee, t.version = c.Status, c.AssigneeID, c.Version
	x.checkStatus(line, "status", &c.Status)
	x.checkAssignee(line, "assigneeId", c.AssigneeID)
	check(c.Version >= 1, "version", "must be 1 or more")
	check(c.LastSeq >= 1, "lastSeq", "must be 1 or more")
	for _, side := range []struct {
		mark readMark
		to   *mark
	}{{c.Read.Client, &t.clientRead}, {c.Read.Developer, &t.developerRead}} {
		check(side.mark.UpToSeq >= 0 && side.mark.UpToSeq <= c.LastSeq, "read", "must lie between 0 and lastSeq")
		*side.to = mark{seq: side.mark.UpToSeq, at: x.checkTime(line, "read", side.mark.ReadAt)}
	}
	t.lastSeenAt = x.checkTime(line, "lastSeenAt", c.LastSeenAt)
	check(c.CreatedAt != nil, "createdAt", "is required")
	check(c.UpdatedAt != nil, "updatedAt", "is required")
	if at := x.checkTime(line, "createdAt", c.CreatedAt); at != nil {
		t.createdAt = *at
	}
	if at := x.checkTime(line, "updatedAt", c.UpdatedAt); at != nil {
		t.updatedAt = *at
	}
}

// entryOf checks a message, and returns nil if it breaks a rule.
func (x *export) entryOf(line int, m message) *entry {
	before := x.faults.count()
	check := func(ok bool, field, message string) {
		if !ok {
			x.faults.add(line, field, message)
		}
	}
	e := &entry{version: m.Version, role: chat.Role(m.Sender.Role), senderID: m.Sender.ID, key: m.ClientMessageID}
	check(m.Seq == x.nth, "seq", "must count the messages from 1 on, without a gap")
	id, err := uuid.Parse(m.ID)
	check(err == nil && len(m.ID) == 36, "id", "must be a UUID")
	_, used := x.ids[id]
	check(!used, "id", "is that of an earlier message")
	e.id, x.ids[id] = id, struct{}{}
	_, used = x.versions[m.Version]
	check(m.Version >= 1 && m.Version <= x.head.Version, "version", "must lie between 1 and the conversation's")
	check(!used, "version", "is that of an earlier message")
	x.versions[m.Version] = struct{}{}

	check(e.role == chat.Client || e.role == chat.Developer, "sender", "must have the role client or developer")
	check(chat.ValidID(e.senderID), "sender", "must have an id of 1 to 120 bytes of UTF-8 without control characters")
	check(e.role != chat.Client || e.senderID == *x.clientID, "sender", "must be the client of the conversation, if it is a client")
	e.senderName = cleaned(m.Sender.Name, chat.CleanName)
	if e.key != nil {
		x.faults.addAll(line, chat.CheckClientMessageID(*e.key))
		key := string(e.role) + "\n" + e.senderID + "\n" + *e.key
		_, used := x.keys[key]
		check(!used, "clientMessageId", "is that of an earlier message of this sender")
		x.keys[key] = struct{}{}
	}

	check(m.CreatedAt != nil, "createdAt", "is required")
	if created := x.checkTime(line, "createdAt", m.CreatedAt); created != nil {
		e.createdAt = *created
		check(!created.Before(x.thread.lastMessageAt), "createdAt", "must not be before that of an earlier message")
	}
	e.editedAt, e.deletedAt = x.checkTime(line, "editedAt", m.EditedAt), x.checkTime(line, "deletedAt", m.DeletedAt)
	e.body, e.digest = chat.NormalizeBody(m.Body), []byte{}
	if m.DeletedAt == nil {
		e.attachments = m.Attachments
		x.checkAttachments(line, e.attachments)
		x.faults.addAll(line, chat.CheckBody(e.body, len(e.attachments) > 0))
		e.digest = digestOf(e.body, e.attachments)
	} else {
		check(m.Body == "", "body", "must be empty, for the message was deleted")
		check(len(m.Attachments) == 0, "attachments", "must be empty, for the message was deleted")
	}
	if m.BodyDigest != nil {
		digest, err := hex.DecodeString(*m.BodyDigest)
		check(err == nil && len(digest) == sha256.Size, "bodyDigest", "must be a SHA-256, hexadecimal")
		e.digest = digest
	}
	if x.faults.count() > before {
		return nil
	}
	return e
}

// checkAttachments checks what is said of the files of a message. An object's key must be one of the client's own: an
// erasure deletes what it names.
func (x *export) checkAttachments(line int, files []attachment) {
	const field = "attachments"
	if len(files) > chat.MaxAttachments {
		x.faults.add(line, field, "must be at most 10")
	}
	for i, file := range files {
		for _, broken := range chat.CheckAttachment(file.Attachment) {
			x.faults.add(line, field, "must have a "+broken.Name+" that "+strings.TrimPrefix(broken.Message, "must "))
		}
		id, err := uuid.Parse(file.ID)
		if err != nil || len(file.ID) != 36 {
			x.faults.add(line, field, "must have ids that are UUIDs")
		}
		files[i].ID = id.String()
		if !chat.IsObjectKey(*x.clientID, file.ObjectKey) {
			x.faults.add(line, field, "must have keys of objects of this client")
		}
		for _, name := range []string{files[i].ID, file.ObjectKey} {
			if _, used := x.objects[name]; used {
				x.faults.add(line, field, "has a file that stands earlier")
			}
			x.objects[name] = struct{}{}
		}
	}
}
