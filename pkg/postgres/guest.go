package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
)

const guestSQL = `select chat.guest_v1(@digest, @most, @window)`

// AdmitGuest implements [chat.Store] with the function guest_v1.
func (s *Store) AdmitGuest(ctx context.Context, addressDigest []byte) error {
	wait, err := queryOne(ctx, s, guestSQL, arguments{
		"digest": addressDigest,
		"most":   chat.GuestsPerMinute,
		"window": chat.GuestWindow.String(),
	}, pgx.RowTo[float64])
	if err != nil || wait == 0 {
		return err
	}
	return &chat.Error{
		Kind:       chat.RateLimited,
		Detail:     "Too many guests have begun from here within a minute.",
		RetryAfter: time.Duration(wait * float64(time.Second)),
	}
}
