package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/pkg/chat"
)

// What a caller is told to wait before the next try: where the database does not answer, and where somebody
// must migrate it first.
const (
	retryAfter         = 2 * time.Second
	retryAfterMigrated = 30 * time.Second
)

// connectError is what kept a call from having a connection at all.
type connectError struct{ error }

func (e *connectError) Unwrap() error { return e.error }

// unavailable is the error of a database that cannot serve now. It does not say that nothing was changed:
// where an answer is lost, nobody knows.
func unavailable(cause error) error {
	return (&chat.Error{
		Kind:       chat.Unavailable,
		Detail:     "The database does not answer. Try again: a message is stored once however often its clientMessageId is sent.",
		RetryAfter: retryAfter,
	}).Because(cause)
}

// translate gives the domain's error for one of Postgres, of pgx or of the network. It is the only place
// that knows SQLSTATEs (PostgreSQL documentation, appendix A).
//
// The cause that it passes on for the log is made of codes and names of our own: Postgres repeats the
// values of a failing row in its messages, and pgx the user and host of a failing connection.
func translate(err error) error {
	var ours *chat.Error
	if errors.As(err, &ours) { // such as a row of a shape that this code does not know
		return ours
	}
	var pg *pgconn.PgError
	var connect *connectError
	connecting := errors.As(err, &connect)
	if errors.As(err, &pg) {
		cause := fmt.Errorf("postgres: SQLSTATE %s, constraint %q", pg.Code, pg.ConstraintName)
		switch {
		case pg.Code == "3F000" || pg.Code == "42P01" || pg.Code == "42883" || pg.Code == "42703":
			return (&chat.Error{
				Kind:       chat.Unavailable,
				Detail:     "The database is not ready yet. Nothing was changed; try again later.",
				RetryAfter: retryAfterMigrated,
			}).Because(fmt.Errorf("the schema is missing or older than this code: run `devinbox migrate` (%w)", cause))
		case pg.Code == "42501":
			return (&chat.Error{
				Kind:       chat.Unavailable,
				Detail:     "The database is not ready yet. Nothing was changed; try again later.",
				RetryAfter: retryAfterMigrated,
			}).Because(fmt.Errorf("the role of DATABASE_URL lacks a right: run `devinbox migrate --grant ROLE` (%w)", cause))
		case pg.Code == "28P01" || pg.Code == "28000" || pg.Code == "3D000":
			return unavailable(fmt.Errorf("the user, the password or the database of DATABASE_URL is refused (%w)", cause))
		case transient(pg.Code) || connecting:
			return unavailable(cause)
		case pg.Code == "22021" || pg.Code == "22P05":
			return chat.Fail(chat.Invalid, "The request holds text that cannot be stored.").Because(cause)
		default:
			return chat.Defect(cause)
		}
	}
	if class := networkClass(err); class != "" {
		return unavailable(errors.New("postgres: " + class))
	}
	return chat.Defect(fmt.Errorf("postgres: an unexpected %T", err))
}

// transient is true of what passes by itself: lost connections, a server that starts or stops, too many
// connections, a lock or a statement that took too long, and transactions that must be repeated.
func transient(sqlstate string) bool {
	switch sqlstate {
	case "57P01", "57P02", "57P03", "57P05", "57014", "55P03", "40001", "40P01", "25P02", "25006":
		return true
	}
	return strings.HasPrefix(sqlstate, "08") || strings.HasPrefix(sqlstate, "53")
}

// worthAnotherTry is true where the same statement on a fresh connection may well succeed at once.
func worthAnotherTry(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "57P01", "57P02", "57P03", "57P05", "40001", "40P01", "25006":
			return true
		}
		return strings.HasPrefix(pg.Code, "08")
	}
	class := networkClass(err)
	return class != "" && class != classTimeout
}

const classTimeout = "no answer in time"

// networkClass says in a few words what is wrong with a connection, and is empty where the error is not
// about one.
func networkClass(err error) string {
	var network net.Error
	var name *net.DNSError
	var connect *connectError
	switch {
	case errors.As(err, &name):
		return "the host's name is not known"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &network) && network.Timeout(), pgconn.Timeout(err):
		return classTimeout
	case errors.As(err, &connect):
		return "no connection can be made"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.As(err, &network), pgconn.SafeToRetry(err):
		return "the connection is broken"
	default:
		return ""
	}
}
