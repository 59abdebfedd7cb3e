package chat

import "time"

// Time is a moment in the format of the API: RFC 3339 in UTC with exactly three decimals.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z"

// At is t as a Time.
func At(t time.Time) Time { return Time{t.UTC()} }

// AtPointer is t as a Time, and nil if t is nil.
func AtPointer(t *time.Time) *Time {
	if t == nil {
		return nil
	}
	at := At(*t)
	return &at
}

// MarshalText writes the moment in the form that the type promises.
func (t Time) MarshalText() ([]byte, error) {
	return t.UTC().AppendFormat(nil, timeLayout), nil
}

// MarshalJSON writes the same as a JSON string. Without it the method of time.Time would be used.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"`+timeLayout+`"`), nil
}
