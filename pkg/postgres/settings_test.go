package postgres_test

import (
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"devinbox/pkg/chat"
)

// A host may set anything for a database. Whatever changes how text, times and numbers come across, or how names are
// resolved, must change nothing for us.
func TestWhateverADatabaseSetsTextTimesAndNumbersComeAcross(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"datestyle = 'German'", "datestyle = 'SQL, DMY'", "datestyle = 'Postgres, YMD'", "timezone = 'Asia/Kolkata'", "timezone = 'America/St_Johns'",
		"client_encoding = 'LATIN1'", "client_encoding = 'SQL_ASCII'", "bytea_output = 'escape'", "standard_conforming_strings = off",
		"intervalstyle = 'sql_standard'", "intervalstyle = 'postgres_verbose'", "extra_float_digits = -15", "array_nulls = off",
		"search_path = ''", "search_path = 'elsewhere'", "search_path = 'elsewhere, pg_catalog'", "row_security = off", "transform_null_equals = on",
		"default_transaction_isolation = 'serializable'", "default_transaction_isolation = 'repeatable read'", "default_transaction_deferrable = on",
		"check_function_bodies = off", "quote_all_identifiers = on", "statement_timeout = '20s'", "lock_timeout = '1ms'", "enable_indexscan = off",
		"synchronous_commit = off", "lc_messages = 'C'", "xmloption = 'document'", "default_text_search_config = 'german'",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			// What a search path could bring in before Postgres's own.
			w.exec("create schema elsewhere")
			w.exec("grant usage on schema elsewhere to public")
			for _, name := range []string{"conversation", "message", "outbox"} {
				w.exec("create table elsewhere." + name + " (nothing int)")
			}
			w.exec("create function elsewhere.clock_timestamp() returns timestamptz language sql as $$ select timestamptz '2001-01-01' $$")
			w.exec("create function elsewhere.lower(text) returns text language sql as $$ select 'wrong' $$")
			w.exec(fmt.Sprintf("do $do$ begin execute format('alter database %%I set %s', current_database()); end $do$", doubled(setting)))

			const body = "Zoë 😀 \\ ' -- \"x\"\n\tNULL %"
			begun := time.Now().Add(-time.Second)
			sent := w.send(keyed(fromClient("42", body), "key"))
			w.send(fromAda("42", "Hi"))
			near := func(what string, at time.Time) {
				t.Helper()
				if at.Before(begun) || at.After(time.Now().Add(time.Second)) {
					t.Errorf("%s at %v", what, at)
				}
			}
			listed := w.list(chat.MessageQuery{ClientID: "42", Limit: 9}).Messages
			if len(listed) != 2 || listed[0].Body != body || listed[0].CreatedAt != sent.Message.CreatedAt || listed[0].ID != sent.Message.ID {
				t.Errorf("listed %+v, sent %+v", listed, sent.Message)
			}
			// In a wrong encoding it would come back as it was sent, too, and be something else in the database.
			if n := ask[int](w, "select char_length(body) from chat.message where seq = 1"); n != utf8.RuneCountInString(body) {
				t.Errorf("%d characters are stored", n)
			}
			near("sent", sent.Message.CreatedAt.Time)
			if again := w.send(keyed(fromClient("42", body), "key")); !again.Replayed {
				t.Error("its digest is another one")
			}
			read := w.read(byAda("42", 1))
			near("read", read.ReadAt.Time)
			edited := w.change(edit(sent.Message, client("42"), "Änderung"))
			near("edited", edited.Message.EditedAt.Time)
			w.presence(chat.Presence{ClientID: "42", Online: true, At: time.Now()})
			if online, _ := w.shown("42"); !online {
				t.Error("it is not online")
			}
			w.send(fromClient("43", "Hello"))
			page := w.inbox(chat.InboxQuery{Limit: 1})
			if next := w.inbox(chat.InboxQuery{Limit: 1, Cursor: page.NextCursor}); len(next.Conversations) != 1 || next.Conversations[0].ClientID != "42" {
				t.Errorf("the second page: %+v", next.Conversations)
			}
			if len(page.Team) != 1 || page.Team[0].ID != "ada" {
				t.Errorf("the team: %+v", page.Team)
			}
			if since := w.inbox(chat.InboxQuery{Since: &page.SyncToken, Limit: 9}); len(since.Team) != 1 {
				t.Errorf("a catch-up: %+v", since)
			}
			w.due()
			for _, e := range w.deliver(chat.Delivery{}, 10) {
				if e.Message != nil {
					near("announced", e.Message.CreatedAt.Time)
				}
			}
			if err := w.store.AdmitGuest(t.Context(), []byte{0, 255, '\\', 'x'}); err != nil {
				t.Error(err)
			}
			if _, writable, err := w.store.Queue(t.Context(), 10); err != nil || !writable {
				t.Errorf("writable %v, %v", writable, err)
			}
		})
	}
}

// doubled is a text for a literal within a format.
func doubled(s string) string {
	var out []rune
	for _, r := range s {
		if out = append(out, r); r == '\'' {
			out = append(out, r)
		}
	}
	return string(out)
}

func TestADatabaseThatTakesNoWritesSaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("do $do$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $do$")
	if _, writable, err := w.store.Queue(t.Context(), 10); err != nil || writable {
		t.Errorf("writable %v, %v", writable, err)
	}
	_, err := w.store.Send(t.Context(), fromClient("42", "Hello"))
	wantKind(t, err, chat.Unavailable)
}
