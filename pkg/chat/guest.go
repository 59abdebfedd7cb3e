package chat

import (
	"context"
	"time"
)

// GuestsPerMinute is how many guests may begin within a minute from one IP address.
const GuestsPerMinute = 10

// GuestWindow is the minute in which they are counted.
const GuestWindow = time.Minute

// AdmitGuest counts a guest who begins, by a digest of the caller's IP address.
// Errors: RateLimited, with RetryAfter, if [GuestsPerMinute] have begun from there within the last
// minute, on any instance; and those of the Store.
func (s *Service) AdmitGuest(ctx context.Context, addressDigest []byte) error {
	return s.store.AdmitGuest(ctx, addressDigest)
}
