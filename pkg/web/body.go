package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"devinbox/pkg/chat"
)

// MaxBody is how many bytes the body of a request may have.
const MaxBody = 128 << 10

// ReadBody reads a body and returns it unchanged.
// Errors: PayloadTooLarge for a body of more than [MaxBody] bytes; Unavailable, with RetryAfter, for one that has not
// come whole by the time that [LimitBody] gave it; Invalid for one that ends too early.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		late := chat.Fail(chat.Unavailable, "The body did not arrive in time. Try again.").Because(errors.New("the body stalled"))
		late.RetryAfter = time.Second
		return nil, late
	case err != nil:
		return nil, chat.Fail(chat.Invalid, "The body could not be read.").Because(errors.New("the connection ended within the body"))
	case len(body) > MaxBody:
		return nil, chat.Fail(PayloadTooLarge, "The body may have 128 KiB at most.")
	}
	return body, nil
}

// LimitBody gives the body of a request until end to arrive, whether somebody reads it or not: a caller that stalls
// holds a connection, and what serves it, no longer. When the body is read, net/http takes the limit away. Where the
// body was there before the request began, as on Vercel, there is nothing to limit.
func LimitBody(w http.ResponseWriter, r *http.Request, end time.Time) {
	if r.Body != nil && r.Body != http.NoBody {
		_ = http.NewResponseController(w).SetReadDeadline(end) // fails only for a body that is there
	}
}
