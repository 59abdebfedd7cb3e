package archive_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"devinbox/internal/archive"
)

const docs = "../../docs/"

// blocks are the code blocks of one language in a page of the documentation.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(docs + page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		found = append(found, block[1])
	}
	return found
}

func TestTheQueryForAnotherChatRunsAsItIsWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	sql := blocks(t, "from-another-chat.md", "sql")
	if len(sql) != 2 {
		t.Fatalf("%d blocks", len(sql))
	}
	w.exec(sql[0])
	w.exec(`set timezone = 'Asia/Kolkata'`)
	w.exec(`insert into users values (1, 'Ada', 'ada@example.com', true), (7, 'Grace', 'grace@example.com', false), (8, null, null, false), (9, 'Silent', null, false)`)
	w.exec(`insert into chats values (1, 7, '2025-01-02T00:00:00Z'), (2, 8, '2025-01-02T00:00:00Z'), (3, 7, null), (4, 9, null)`)
	w.exec(`insert into chat_messages values
		(1, 1, 7, E'  Hello\r\n"there" \\ 😀\t', '2025-01-01T00:00:00.123456Z', '2025-01-01T00:01:00Z'),
		(2, 1, 1, 'Hi', '2025-01-01T00:02:00Z', '2025-01-01T00:03:00Z'),
		(3, 1, 7, E' \n', '2025-01-01T00:03:00Z', null),
		(5, 3, 7, 'again', '2025-01-03T00:00:00Z', null),
		(4, 3, 7, 'and before, at the same time', '2025-01-03T00:00:00Z', null),
		(6, 2, 8, 'one more', '2025-01-01T00:00:00Z', null)`)
	rows, err := w.conn.Query(t.Context(), sql[1])
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n") + "\n" // as psql -At writes it
	w.takes(text, archive.Imported{Conversations: 2, Messages: 5})
	w.takes(text, archive.Imported{Kept: 2})
	for query, want := range map[string]string{
		`select string_agg(format('%s %s/%s/%s %s', client_id, client_name, client_email, status, last_seq), ', ' order by client_id) from chat.conversation`: "7 Grace/grace@example.com/open 4, 8 //closed 1",
		`select string_agg(body, '|' order by seq) from chat.message where client_id = '7'`:                                                                   "  Hello\n\"there\" \\ 😀|Hi|and before, at the same time|again",
		`select format('%s %s %s %s', client_read_seq, developer_read_seq, unread_client, unread_developer) from chat.conversation where client_id = '7'`:     "2 1 0 2",
		`select format('%s %s %s', sender_role, sender_id, sender_name) from chat.message where client_id = '7' and seq = 2`:                                  "developer 1 Ada",
		`select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') from chat.message where client_id = '7' and seq = 1`:                       "2025-01-01 00:00:00.123456",
		`select folded from chat.search where client_id = '7'`:                                                                                                "grace\ngrace@example.com\n7",
	} {
		if got := ask[string](w, query); got != want {
			t.Errorf("%q, want %q: %s", got, want, query)
		}
	}
}

// validate tells what is wrong with a document by the schema of exports.
func validate(t *testing.T, text string) error {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(docs + "export.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

func TestAnExportIsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(many(2, 5), archive.Imported{Conversations: 2, Messages: 10})
	w.exec(`update chat.conversation set client_name = 'Grace', client_email = 'grace@example.com', assignee_id = 'ada', online_at = now(),
		developer_read_seq = 2, developer_read_total = 2, developer_read_at = now() where client_id = 'c0'`)
	w.exec(`update chat.message set client_message_id = 'k', edited_at = now() where client_id = 'c0' and seq = 1`)
	w.exec("insert into chat.presence values ('seen', false, now())")
	if _, err := archive.Erase(t.Context(), w.url, "c1"); err != nil {
		t.Fatal(err)
	}
	for _, clientID := range []string{"c0", "c1", "seen"} {
		text := w.exports(clientID)
		if err := validate(t, text); err != nil {
			t.Errorf("%s: %v\n%s", clientID, err, text)
		}
		for _, field := range regexp.MustCompile(`"[A-Za-z]+":`).FindAllString(text, -1) {
			if validate(t, strings.Replace(text, field, `"other":`, 1)) == nil {
				t.Errorf("%s: without %s it is valid", clientID, field)
			}
		}
	}
}

func TestTheExportInTheDocumentationCanBeImported(t *testing.T) {
	t.Parallel()
	w := setup(t)
	text := blocks(t, "export-format.md", "json")[0]
	if err := validate(t, text); err != nil {
		t.Error(err)
	}
	w.takes(text, archive.Imported{Conversations: 1, Messages: 2})
	without := func(text string) string {
		return strings.ReplaceAll(strings.SplitN(text, `"clientId"`, 2)[1], "\n", "")
	}
	if again := w.exports("42"); without(again) != without(text) {
		t.Errorf("exported again it is\n%s\nand is written as\n%s", again, text)
	}
}

func TestTheStatementsOfTheDocumentationRunAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(strings.ReplaceAll(many(1, 3), `"ada"`, `"ID"`), archive.Imported{Conversations: 1, Messages: 3})
	w.exec("insert into chat.developer values ('ID', 'Ada', current_date)")
	sql := blocks(t, "personal-data.md", "sql")
	if len(sql) != 2 || strings.TrimSpace(sql[0]) != archive.VacuumSQL+";" {
		t.Fatalf("%d blocks, the first %q", len(sql), sql[0])
	}
	for _, block := range sql {
		w.exec(block)
	}
	if n := ask[int](w, "select (select count(*) from chat.developer) + (select count(*) from chat.message where sender_name is not null)"); n != 0 {
		t.Errorf("%d names are left", n)
	}
}
