package postgres

import (
	"context"
	"time"
)

// OpenPatient is [Open] with so much more time for each part of a call. It is for tests of what calls do, for a
// machine that runs many tests may stand still for seconds.
func OpenPatient(o Options, more time.Duration) (*Store, error) { return open(o, nil, more) }

// Ask runs a statement with one argument, as every call does.
func (s *Store) Ask(ctx context.Context, value any) error {
	_, err := query(ctx, s, "select @value", arguments{"value": value}, nothing)
	return err
}
