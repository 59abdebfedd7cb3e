package web

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"devinbox/pkg/chat"
)

// Record is the log record of one request. It is filled while the request is served and written once, by
// [Record.End]. It never holds a body, a query, a header, a credential or an e-mail.
type Record struct {
	requestID string
	method    string
	path      string
	begun     time.Time
	header    http.Header // the answer's

	mu       sync.Mutex
	identity chat.Identity
	waits    []wait
}

// wait is how long a request waited for one dependency, over all calls.
type wait struct {
	name  string
	total time.Duration
}

type recordKey struct{}

// requestIDForm is the form of Vercel's ids, such as fra1::iad1::abcde-1700000000000-0123456789ab.
var requestIDForm = regexp.MustCompile(`\A[A-Za-z0-9:._-]{1,128}\z`)

// Begin starts the record of a request, sets the headers that every answer has, and returns the context in
// which [Observe] finds the record. The request's id is Vercel's if there is one.
func Begin(w http.ResponseWriter, r *http.Request) (*Record, context.Context) {
	id := r.Header.Get("X-Vercel-Id")
	if !requestIDForm.MatchString(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	record := &Record{requestID: id, method: r.Method, path: r.URL.Path, begun: time.Now(), header: w.Header()}
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return record, context.WithValue(r.Context(), recordKey{}, record)
}

// RequestID returns the id under which the request is found in the log.
func (r *Record) RequestID() string { return r.requestID }

// Identify records who makes the request.
func (r *Record) Identify(me chat.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.identity = me
}

// Observe records that the request of ctx has waited for a dependency (db, pusher or files), and tells its caller
// with the header Server-Timing. Without a record it does nothing.
func Observe(ctx context.Context, name string, took time.Duration) {
	r, ok := ctx.Value(recordKey{}).(*Record)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.waits {
		if r.waits[i].name == name {
			r.waits[i].total += took
			r.serverTiming()
			return
		}
	}
	r.waits = append(r.waits, wait{name, took})
	r.serverTiming()
}

// serverTiming updates the header (W3C Server Timing: durations in milliseconds).
func (r *Record) serverTiming() {
	metrics := make([]string, len(r.waits))
	for i, w := range r.waits {
		metrics[i] = w.name + ";dur=" + strconv.FormatFloat(milliseconds(w.total), 'f', -1, 64)
	}
	r.header.Set("Server-Timing", strings.Join(metrics, ", "))
}

// End writes the record. err is nil if the request succeeded; if not, its code and its cause, if it has one, are
// written. A status of 500 or above is logged as an error.
func (r *Record) End(ctx context.Context, log *slog.Logger, status int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fields := []slog.Attr{
		slog.String("method", r.method),
		slog.String("path", chat.LogID(r.path)), // nobody is served at a path with an id in it, but anybody can ask for one
		slog.Int("status", status),
		slog.Float64("ms", milliseconds(time.Since(r.begun))),
	}
	for _, w := range r.waits {
		fields = append(fields, slog.Float64(w.name+"Ms", milliseconds(w.total)))
	}
	if r.identity.Role != "" {
		fields = append(fields, slog.String("role", string(r.identity.Role)), slog.String("id", chat.LogID(r.identity.ID)))
	}
	level := slog.LevelInfo
	if err != nil {
		fields = append(fields, slog.String("code", string(asError(err).Kind)))
		if cause := causeOf(err); cause != "" {
			fields = append(fields, slog.String("cause", cause))
		}
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	log.LogAttrs(ctx, level, "request", append(fields, slog.String("requestId", r.requestID))...)
}

// causeOf is the cause of an error, and of an error that joins others theirs; "" if there is none.
func causeOf(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var causes []string
		for _, one := range joined.Unwrap() {
			if cause := causeOf(one); cause != "" {
				causes = append(causes, cause)
			}
		}
		return strings.Join(slices.Compact(causes), "; ")
	}
	if cause := asError(err).Unwrap(); cause != nil {
		return cause.Error()
	}
	return ""
}

// milliseconds returns d in milliseconds, rounded to tenths.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
