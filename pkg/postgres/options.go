package postgres

import (
	"cmp"

	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/pkg/chat"
)

// defaultMaxConns is small because a function's instance serves one request at a time; there are many instances.
const defaultMaxConns = 2

// Options say which database a [Store] uses, and how much of it.
type Options struct {
	URL      string // postgres://…, or the other form that libpq knows; a pooler in transaction mode is right
	MaxConns int    // how many connections may be open at once; 0 for 2
}

// Faults finds the options that are missing or cannot be used, each by the name of its field and without its value.
func (o Options) Faults() []chat.Field {
	if _, err := o.parse(); err != nil {
		return []chat.Field{{Name: "URL", Message: err.Error()}}
	}
	return nil
}

// parse reads the URL. Its errors follow the name of what holds the URL, and hold no part of it.
func (o Options) parse() (*pgxpool.Config, error) {
	config, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns, config.MinIdleConns = int32(cmp.Or(o.MaxConns, defaultMaxConns)), 0, 0
	return config, nil
}
