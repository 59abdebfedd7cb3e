package postgres

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	"github.com/jackc/pgx/v5"
)

// arguments are the values of a statement's @names.
type arguments map[string]any

// statement is a statement as it goes over the wire: with $1, $2 … in place of @name.
type statement struct {
	text  string
	names []string // of $1, $2 …
}

var (
	// statements are those that have run, by their text with names: pgx would read it anew at every call.
	statements sync.Map
	argument   = regexp.MustCompile(`@[a-z_]+`)
)

// numbered is the statement of a text with names.
func numbered(sql string) (statement, error) {
	if known, ok := statements.Load(sql); ok {
		return known.(statement), nil
	}
	var s statement
	seen := pgx.NamedArgs{}
	for _, at := range argument.FindAllString(sql, -1) {
		if name := at[1:]; seen[name] == nil {
			seen[name] = len(s.names)
			s.names = append(s.names, name)
		}
	}
	text, order, err := seen.RewriteQuery(context.Background(), nil, sql, nil)
	if err != nil {
		return statement{}, err
	}
	for i, name := range s.names {
		if i >= len(order) || order[i] != seen[name] {
			return statement{}, fmt.Errorf("postgres: @%s is not the argument that it seems to be", name)
		}
	}
	s.text = text
	statements.Store(sql, s)
	return s, nil
}

// in are the arguments in the order of their numbers. Each must be given, and no other.
func (s statement) in(args arguments) ([]any, error) {
	if len(args) != len(s.names) {
		return nil, fmt.Errorf("postgres: %d arguments instead of %d", len(args), len(s.names))
	}
	ordered := make([]any, len(s.names))
	for i, name := range s.names {
		value, ok := args[name]
		if !ok {
			return nil, fmt.Errorf("postgres: the argument %s is missing", name)
		}
		ordered[i] = value
	}
	return ordered, nil
}
