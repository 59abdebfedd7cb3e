package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"devinbox/pkg/chat"
)

// Query is the query of a request. Its getters keep the first fault that they find, and return a zero
// value for it: get everything, then check [Query.Err].
type Query struct {
	values map[string]string
	err    error
}

// ParseQuery reads a query. It is a fault if a parameter is not among names, or is there twice. Parameters whose
// name begins with x-vercel- are the platform's own and are ignored.
func ParseQuery(r *http.Request, names ...string) *Query {
	pairs := slices.DeleteFunc(strings.Split(r.URL.RawQuery, "&"), func(pair string) bool {
		return strings.HasPrefix(pair, "x-vercel-")
	})
	q := &Query{}
	q.values, q.err = decodeParameters(strings.Join(pairs, "&"), names)
	return q
}

// Err returns the first fault, a [chat.Invalid] error that names the parameter, or nil.
func (q *Query) Err() error { return q.err }

// Text returns a parameter's value, or nil if it is not given.
func (q *Query) Text(name string) *string {
	value, given := q.values[name]
	if !given {
		return nil
	}
	return &value
}

// Integer returns a parameter's value as a number from least to most, written in plain digits; nil if it is not given.
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

// Limit returns the parameter limit: from 1 to 100, or fallback if it is not given.
func (q *Query) Limit(fallback int) int {
	if n := q.Integer("limit", 1, chat.MaxPage); n != nil {
		return int(*n)
	}
	return fallback
}

// OneOf returns a parameter's value, which must be one of those allowed, or the first of them if it is not given.
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

// AtMostOne makes it a fault if more than one of these parameters is given.
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

// Fault records that a parameter is wrong, unless an earlier fault is recorded.
func (q *Query) Fault(name, message string) {
	if q.err == nil {
		q.err = chat.InvalidField(name, message)
	}
}
