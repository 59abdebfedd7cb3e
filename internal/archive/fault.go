package archive

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"devinbox/pkg/chat"
)

// maxFaults is how many faults of a file are told of one by one.
const maxFaults = 100

// Fault is what is wrong with one line of a file. It repeats no value.
type Fault struct {
	Line    int    // counted from 1; of a message in an export that has several lines, the last
	Field   string // empty if it is not about a field
	Message string
}

// Error is the fault as a sentence.
func (f Fault) Error() string {
	return fmt.Sprintf("line %d: %s %s", f.Line, cmp.Or(f.Field, "it"), f.Message)
}

// Refusal is a conversation that cannot be imported, because the database has another one of this client.
type Refusal struct {
	ClientID string
	Message  string
}

// Error is the refusal as a sentence.
func (r Refusal) Error() string {
	return fmt.Sprintf("the conversation of %q %s", r.ClientID, r.Message)
}

// RejectedError is the error of a file of which nothing was imported.
type RejectedError struct {
	Faults   []Fault // the first hundred
	Refusals []Refusal
	More     int // further faults
}

// Error lists the faults and the refusals, a line each.
func (e *RejectedError) Error() string {
	var text strings.Builder
	text.WriteString("nothing was imported:")
	for _, f := range e.Faults {
		text.WriteString("\n  " + f.Error())
	}
	if e.More > 0 {
		fmt.Fprintf(&text, "\n  and %d more", e.More)
	}
	for _, r := range e.Refusals {
		text.WriteString("\n  " + r.Error())
	}
	return text.String()
}

// faults collects what is wrong with a file.
type faults struct {
	found []Fault
	more  int
}

func (f *faults) count() int { return len(f.found) + f.more }

func (f *faults) add(line int, field, message string) {
	if len(f.found) == maxFaults {
		f.more++
		return
	}
	f.found = append(f.found, Fault{line, field, message})
}

// addAll adds the rules that a field breaks.
func (f *faults) addAll(line int, broken []chat.Field) {
	for _, b := range broken {
		f.add(line, b.Name, b.Message)
	}
}

// addDecoding adds why a JSON text cannot be read.
func (f *faults) addDecoding(line int, err error) {
	var e *chat.Error
	if errors.As(err, &e) && len(e.Fields) > 0 {
		f.addAll(line, e.Fields)
		return
	}
	f.add(line, "", "must be one whole JSON object")
}
