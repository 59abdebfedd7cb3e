package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/archive"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// world is a database, and what the commands do with it.
type world struct {
	*testing.T
	url  string
	conn *pgx.Conn
}

func setup(t *testing.T) *world {
	t.Helper()
	url := testdb.New(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return &world{t, url, conn}
}

func (w *world) exec(sql string, arguments ...any) {
	w.Helper()
	if _, err := w.conn.Exec(w.Context(), sql, arguments...); err != nil {
		w.Fatal(err)
	}
}

// ask runs a query for one value.
func ask[T any](w *world, sql string, arguments ...any) (value T) {
	w.Helper()
	if err := w.conn.QueryRow(w.Context(), sql, arguments...).Scan(&value); err != nil {
		w.Fatal(err)
	}
	return value
}

// fits is the rule for the channels of these tests.
func fits(clientID string) bool { return !strings.Contains(clientID, "too long") }

func (w *world) imports(text string) (archive.Imported, error) {
	w.Helper()
	return w.importsWith(w.Context(), text, archive.Options{Fits: fits})
}

func (w *world) importsWith(ctx context.Context, text string, o archive.Options) (archive.Imported, error) {
	w.Helper()
	name := filepath.Join(w.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		w.Fatal(err)
	}
	defer file.Close()
	return archive.Import(ctx, w.url, file, o)
}

// takes imports what must be right.
func (w *world) takes(text string, want archive.Imported) {
	w.Helper()
	if done, err := w.imports(text); err != nil || done != want {
		w.Fatalf("%+v, %v; want %+v", done, err, want)
	}
}

// refuses imports what must be refused, and requires that nothing is changed by it.
func (w *world) refuses(text string) *archive.RejectedError {
	w.Helper()
	state := func() string {
		return ask[string](w, `select concat(
			(select string_agg(c::text, ',' order by client_id) from chat.conversation c), (select string_agg(m::text, ',' order by client_id, seq) from chat.message m),
			(select count(*) from chat.developer), (select count(*) from chat.presence))`)
	}
	before := state()
	_, err := w.imports(text)
	var rejected *archive.RejectedError
	if !errors.As(err, &rejected) {
		w.Fatalf("%v: %.2000s", err, text)
	}
	if state() != before {
		w.Errorf("something was changed by %.200s", text)
	}
	return rejected
}

func (w *world) exports(clientID string) string {
	w.Helper()
	var out bytes.Buffer
	if err := archive.Export(w.Context(), w.url, clientID, &out); err != nil {
		w.Fatal(err)
	}
	return out.String()
}

// many are lines of conversations of so many messages each.
func many(conversations, messages int) string {
	var text strings.Builder
	for c := range conversations {
		for m := range messages {
			role := `"senderRole":"client"`
			if m%3 == 2 {
				role = `"senderRole":"developer","senderId":"ada","senderName":"Ada"`
			}
			fmt.Fprintf(&text, `{"clientId":"c%d",%s,"body":"message %d of %d","createdAt":"2025-01-02T03:%02d:%02d.5Z"}`+"\n", c, role, m, c, m/60%60, m%60)
		}
	}
	return text.String()
}

// sendOf is a message of a client, as a store takes it.
func sendOf(clientID, body string) chat.SendParams {
	return chat.SendParams{ClientID: clientID, Sender: chat.Identity{ID: clientID, Role: chat.Client}, Body: body, Preview: body}
}
