package archive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/archive"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/postgres"
)

// What an erasure does with each column of each table. Whoever adds one must decide, and say it here.
var columns = map[string]map[string]string{
	"conversation": {
		"gone": "client_name client_name_set client_email last_seen_at last_preview",
		"kept": `client_id status assignee_id online online_at last_seq client_total last_message_at last_sender_role
			client_read_seq client_read_total client_read_at developer_read_seq developer_read_total developer_read_at
			unread_client unread_developer version changed_on changed_xid rate_tokens rate_at created_at updated_at`,
	},
	"message": {
		"gone": "body body_digest sender_name attachments",
		"kept": "client_id seq id version sender_role sender_id client_message_id client_total created_at edited_at deleted_at",
	},
	"search":   {"gone": "folded", "kept": "client_id"},
	"presence": {"gone": "client_id online online_at"},
	"outbox": {
		"gone": "reader_name",
		"kept": `client_id version event target seq reader_role reader_id socket_id created_at due_at attempts refused call_id
			rejections rejected_at`,
	},
	"guest_rate":     {"not of a client": "address_digest admitted last_at"}, // and gone after a minute
	"webhook":        {"kept": "client_id type seq side id created_at due_at attempts"},
	"webhook_seen":   {"kept": "client_id version last_seq"},
	"webhook_unread": {"kept": "client_id side read_seq since told"},

	"attachment":      {"gone": "client_id id object_key file_name media_type size width height by_client begun_at seq"},
	"attachment_rate": {"gone": "client_id hours bytes last_at"},
	"object_deletion": {"kept": "object_key due_at"}, // until the object is gone; a key does not tell whose it is

	"webhook_progress": {"not of a client": "only_row server xid begun_at looked_at"},
	"webhook_gone":     {"not of a client": "receiver_digest until"},
	"developer":        {"not of a client": "id name active_on"},
	"schema_version":   {"not of a client": "version"},
}

func TestAnErasureDecidesAboutEveryColumn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	decided := map[string]bool{}
	for table, ways := range columns {
		for _, names := range ways {
			for name := range strings.FieldsSeq(names) {
				decided[table+"."+name] = true
			}
		}
	}
	rows, err := w.conn.Query(t.Context(), "select table_name || '.' || column_name from information_schema.columns join information_schema.tables using (table_schema, table_name) where table_schema = 'chat' and table_type = 'BASE TABLE'")
	if err != nil {
		t.Fatal(err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range there {
		if !decided[column] {
			t.Errorf("it is not said what an erasure does with %s", column)
		}
		delete(decided, column)
	}
	for column := range decided {
		t.Errorf("there is no %s", column)
	}
}

func TestOfALongConversationTheNewestMessagesAreAnnouncedAndAllAreErased(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(many(1, 2500), archive.Imported{Conversations: 1, Messages: 2500})
	done, err := archive.Erase(t.Context(), w.url, "c0")
	if err != nil || done.Messages != 2500 {
		t.Fatalf("%+v, %v", done, err)
	}
	if n := ask[int](w, "select count(*) from chat.message where body = '' and body_digest = '' and deleted_at is not null and version between 2501 and 5000"); n != 2500 {
		t.Errorf("%d of 2500 are erased", n)
	}
	if said := ask[string](w, "select string_agg(format('%s to %s: %s, %s to %s', event, target, count, least, most), '; ' order by event, target) from (select event, target, count(*) as count, min(seq) as least, max(seq) as most from chat.outbox group by 1, 2) o"); said !=
		"conversation-updated to conversation: 1,  to ; conversation-updated to inbox: 1,  to ; message-updated to conversation: 1000, 1501 to 2500" {
		t.Errorf("announced: %s", said)
	}
	if version := ask[int](w, "select version from chat.conversation"); version != 5001 {
		t.Errorf("version %d", version)
	}
}

// A send that comes while a conversation is erased is stored before or after, as a whole.
func TestAnErasureWaitsForWhoeverHoldsTheConversation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(many(1, 3), archive.Imported{Conversations: 1, Messages: 3})
	tx, err := w.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "select outcome from chat.send_v3(gen_random_uuid(), 'c0', 'client', 'c0', 'Canary', null, gen_random_uuid(), null, 'canary', 'canary', false, false, '', '10s', '24h', 0, 0)"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := archive.Erase(context.Background(), w.url, "c0")
		ended <- err
	}()
	other, err := pgx.Connect(t.Context(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	for waits := false; !waits; {
		if err := other.QueryRow(t.Context(), "select exists (select from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database())").Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(testdb.Dump(t, w.url)), "canary") {
		t.Error("what was sent meanwhile is still there")
	}
}

func TestThePlannersStatisticsKeepNoText(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(strings.ReplaceAll(many(3, 200), "message", "canary"), archive.Imported{Conversations: 3, Messages: 600})
	w.exec("update chat.conversation set client_name = 'Canary ' || client_id, client_email = 'canary@example.com'")
	w.exec("analyze chat.conversation, chat.message, chat.search")
	const kept = `select count(*)::int from pg_stats where schemaname = 'chat'
		and lower(concat(most_common_vals::text, histogram_bounds::text)) like '%canary%'`
	if ask[int](w, kept) == 0 {
		t.Fatal("there was nothing to lose")
	}
	for _, clientID := range []string{"c0", "c1", "c2"} {
		if _, err := archive.Erase(t.Context(), w.url, clientID); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Vacuum(t.Context(), w.url); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](w, kept); n != 0 {
		t.Errorf("%d columns", n)
	}
}

func TestOfAClientWhoIsNotThereNothingIsExportedOrErased(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(many(1, 1), archive.Imported{Conversations: 1, Messages: 1})
	var out strings.Builder
	if err := archive.Export(t.Context(), w.url, "c", &out); !errors.Is(err, archive.ErrNothing) || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	if _, err := archive.Erase(t.Context(), w.url, "c"); !errors.Is(err, archive.ErrNothing) {
		t.Error(err)
	}
	if err := archive.Remove(t.Context(), w.url, "c"); !errors.Is(err, archive.ErrNothing) {
		t.Error(err)
	}
	// Of one who was only seen online there is that.
	w.exec("insert into chat.presence values ('c', true, now())")
	text := w.exports("c")
	if !strings.Contains(text, `"presence":{"online":true`) || !strings.Contains(text, `"conversation":null,"messages":[`) {
		t.Error(text)
	}
	w.takes(text, archive.Imported{})
	if done, err := archive.Erase(t.Context(), w.url, "c"); err != nil || !done.Changed {
		t.Errorf("%+v, %v", done, err)
	}
	if err := archive.Export(t.Context(), w.url, "c", &out); !errors.Is(err, archive.ErrNothing) {
		t.Error(err)
	}
}

func TestADatabaseThatIsNotUpToDateIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("drop function chat.presence_v3")
	_, erased := archive.Erase(t.Context(), w.url, "42")
	_, imported := w.imports(many(1, 1))
	for _, err := range []error{erased, imported, archive.Export(t.Context(), w.url, "42", &strings.Builder{}), archive.Remove(t.Context(), w.url, "42")} {
		if err == nil || !strings.Contains(err.Error(), "devinbox migrate") {
			t.Errorf("%v", err)
		}
	}
}

// Whatever is sent meanwhile, an export shows one moment.
func TestAnExportShowsOneMoment(t *testing.T) {
	t.Parallel()
	w := setup(t)
	store, err := postgres.Open(postgres.Options{URL: w.url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w.takes(many(1, 500), archive.Imported{Conversations: 1, Messages: 500})
	ended, stop := make(chan error), make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if _, err := store.Send(context.Background(), sendOf("c0", fmt.Sprint("meanwhile ", n))); err != nil {
				ended <- err
				return
			}
		}
	}()
	var texts []string
	for range 20 {
		texts = append(texts, w.exports("c0"))
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if texts[0] == texts[19] || strings.Count(texts[0], "\n") >= strings.Count(texts[19], "\n") {
		t.Error("nothing was sent meanwhile")
	}
	for _, text := range texts {
		w.takes(text, archive.Imported{Kept: 1}) // and is whole
	}
}
