package chat

import "regexp"

// socketID is the form of a connection's id. Pusher sets no limit to its length; this one is well above
// what it gives, and keeps what is stored with an event small.
var socketID = regexp.MustCompile(`\A[0-9]{1,20}\.[0-9]{1,20}\z`)

// ValidSocketID returns whether s can be the id of a connection to Pusher.
func ValidSocketID(s string) bool { return socketID.MatchString(s) }

// socket is the caller's own connection, and empty if it names none. A malformed one is ignored: Pusher would
// refuse the announcement of a message that is already saved.
func socket(given *string) string {
	if given == nil || !ValidSocketID(*given) {
		return ""
	}
	return *given
}
