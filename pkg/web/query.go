package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"devinbox/pkg/chat"
)

// Query is the query of a request. Its getters remember the first fault that they meet and give a zero
// value for it: ask for everything, then look at [Query.Err].
type Query struct {
	values map[string]string
	err    error
}

// ParseQuery reads a query in which every parameter is among names and stands there once. Those whose
// name begins with x-vercel- are the platform's own and left out.
func ParseQuery(r *http.Request, names ...string) *Query {
	pairs := slices.DeleteFunc(strings.Split(r.URL.RawQuery, "&"), func(pair string) bool {
		return strings.HasPrefix(pair, "x-vercel-")
	})
	q := &Query{}
	q.values, q.err = decodeParameters(strings.Join(pairs, "&"), names)
	return q
}

// Err is the first fault: an [chat.Invalid] error that names the parameter.
func (q *Query) Err() error { return q.err }

// Text is a parameter's value, and nil where it is not given.
func (q *Query) Text(name string) *string {
	value, given := q.values[name]
	if !given {
		return nil
	}
	return &value
}

// Integer is a parameter's value as a number from least to most, written plainly; nil where it is not given.
func (q *Query) Integer(name string, least, most int64) *int64 {
	text, given := q.values[name]
	if !given {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text || n < least || n > most {
		q.Fault(name, "must be a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		return nil
	}
	return &n
}

// Limit is the parameter limit: from 1 to 100, and fallback where it is not given.
func (q *Query) Limit(fallback int) int {
	if n := q.Integer("limit", 1, chat.MaxPage); n != nil {
		return int(*n)
	}
	return fallback
}

// OneOf is a parameter's value, which must be one of those allowed, and the first of them where it is not given.
func (q *Query) OneOf(name string, allowed ...string) string {
	text, given := q.values[name]
	if !given {
		return allowed[0]
	}
	for _, word := range allowed {
		if text == word {
			return word
		}
	}
	message := "must be " + allowed[0]
	for _, word := range allowed[1:] {
		message += " or " + word
	}
	q.Fault(name, message)
	return allowed[0]
}

// AtMostOne is a fault where more than one of these parameters is given.
func (q *Query) AtMostOne(names ...string) {
	given := ""
	for _, name := range names {
		if _, is := q.values[name]; !is {
			continue
		}
		if given != "" {
			q.Fault(name, "cannot be combined with "+given)
		}
		given = name
	}
}

// Fault remembers that a parameter is wrong, unless one was before it.
func (q *Query) Fault(name, message string) {
	if q.err == nil {
		q.err = chat.InvalidField(name, message)
	}
}
