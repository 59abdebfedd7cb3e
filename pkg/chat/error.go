package chat

import (
	"errors"
	"strings"
	"time"
)

// Kind says what sort of failure an [Error] is. Its text is the `code` of the problem that a caller
// receives; the package web has the one table that gives each kind its HTTP status.
type Kind string

// The kinds of failure that the domain knows. The package web adds those of HTTP itself.
const (
	Unauthorized  Kind = "unauthorized"      // no credential, or a bad or expired one
	Forbidden     Kind = "forbidden"         // not this identity's; does not reveal whether it exists
	Invalid       Kind = "invalid_request"   // the request cannot be read
	Unprocessable Kind = "validation_failed" // it can be read, but breaks a rule
	NotFound      Kind = "not_found"         // no such conversation or message
	Conflict      Kind = "conflict"          // it contradicts what is already stored
	RateLimited   Kind = "rate_limited"      // too many in too short a time
	Internal      Kind = "internal"          // a bug in devinbox
	Unavailable   Kind = "unavailable"       // a dependency does not answer
)

// Error is the only error that is shown to a caller.
// It has two texts: Detail, for the caller, and the cause, which only the log gets.
type Error struct {
	Kind       Kind
	Detail     string        // one sentence for the caller; never repeats a value of the input
	Fields     []Field       // the faulty fields, if the fault is in fields
	RetryAfter time.Duration // when to retry; zero if that is unknown
	cause      error
}

// Field is one fault of one input field.
type Field struct {
	Name    string `json:"field"`
	Message string `json:"message"`
}

// Error is the text for the log: kind, detail, the names of the faulty fields, and the cause.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(string(e.Kind) + ": " + e.Detail)
	for _, f := range e.Fields {
		text.WriteString("; " + f.Name + " " + f.Message)
	}
	if e.cause != nil {
		text.WriteString(": " + e.cause.Error())
	}
	return text.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of e with a cause, which only the log gets.
func (e *Error) Because(cause error) *Error {
	with := *e
	with.cause = cause
	return &with
}

// Fail returns an Error of a kind with a sentence for the caller.
func Fail(kind Kind, detail string) *Error { return &Error{Kind: kind, Detail: detail} }

// InvalidField returns an [Invalid] error for one field.
func InvalidField(name, message string) *Error {
	return &Error{Kind: Invalid, Detail: "The request cannot be read: " + name + " " + message + ".", Fields: []Field{{name, message}}}
}

// KindOf returns the kind of err, and [Internal] for an error that is not an [Error].
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Defect returns the [Internal] error for what should never happen. Its Detail reveals nothing internal.
func Defect(cause error) *Error {
	return Fail(Internal, "A defect on our side. It is logged under this request's id.").Because(cause)
}

// faults collects every broken rule of one input, so that a caller gets all of them at once.
type faults []Field

func (f *faults) add(name, message string) { *f = append(*f, Field{name, message}) }

// err is nil if no rule is broken.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Unprocessable, Detail: brokenRule, Fields: f}
}

const brokenRule = "The request breaks a rule."

// Errors that are returned in more than one place, with one text.
var (
	ErrNotYours       = Fail(Forbidden, "This is not open to this identity.") // does not reveal whether it exists
	ErrNoConversation = Fail(NotFound, "There is no such conversation.")
	ErrNoMessage      = Fail(NotFound, "There is no such message.")
	ErrEmptyMessage   = &Error{Kind: Unprocessable, Detail: brokenRule, Fields: []Field{{"body", emptyBody}}}
)
