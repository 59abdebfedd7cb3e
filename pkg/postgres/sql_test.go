package postgres_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"devinbox/pkg/chat"
	"devinbox/pkg/postgres"
)

// statements reads every constant of the package whose name ends in SQL from its source.
func statements(t *testing.T) map[string]string {
	t.Helper()
	constants := map[string]ast.Expr{}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for i, value := range spec.Values {
					constants[spec.Names[i].Name] = value
				}
			}
			return true
		})
	}
	var text func(ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			if err != nil {
				t.Fatal(err)
			}
			return s
		case *ast.Ident:
			return text(constants[e.Name])
		case *ast.BinaryExpr:
			return text(e.X) + text(e.Y)
		default:
			t.Fatalf("a part of a SQL constant is a %T", e)
			return ""
		}
	}
	found := map[string]string{}
	for name, value := range constants {
		if strings.HasSuffix(name, "SQL") {
			found[name] = text(value)
		}
	}
	return found
}

// exec mode infers types from Go's values, so that a statement is only known to be right once it has run with
// those of its method.
func TestEveryStatementAndEveryFunctionRuns(t *testing.T) {
	t.Parallel()
	w, proxy := behindProxy(t)
	w.exec("do $$ begin execute format('alter database %I set track_functions = ''all''', current_database()); end $$")

	events := w.send(keyed(fromClient("42", "Hello"), "key")).Events
	w.send(keyed(fromClient("42", "Hello"), "key"))
	w.send(fromAda("42", "Hi"))
	w.read(byClient("42", 2))
	for _, q := range []chat.MessageQuery{{}, {Before: pointer[int64](2)}, {After: pointer[int64](1)}, {ChangedSince: pointer[int64](1)}} {
		q.ClientID, q.Limit = "42", 3
		w.list(q)
	}
	w.send(fromClient("43", "Hello"))
	page := w.inbox(chat.InboxQuery{Limit: 1})
	w.inbox(chat.InboxQuery{Status: pointer(chat.Open), Unread: true, AssigneeID: pointer("ada"), Limit: 3, Cursor: page.NextCursor})
	w.inbox(chat.InboxQuery{Search: pointer("grace"), Limit: 3})
	w.inbox(chat.InboxQuery{Since: &page.SyncToken, Limit: 3})
	w.exec("delete from chat.outbox where client_id = '43'")
	w.due()
	if claimed := w.deliver(chat.Delivery{Delivered: keys(events)[:1], Refused: keys(events)[1:]}, 10); len(claimed) != 3 {
		t.Errorf("claimed %+v", keys(claimed))
	}
	w.queue(10)
	if err := w.store.DropExpired(t.Context()); err != nil {
		t.Error(err)
	}
	grace := chat.Identity{ID: "42", Role: chat.Client}
	if _, err := w.store.ChangeMessage(t.Context(), chat.ChangeParams{ClientID: "42", MessageID: uuid.NewString(), By: grace}); chat.KindOf(err) != chat.NotFound {
		t.Error(err)
	}
	if _, err := w.store.UpdateConversation(t.Context(), chat.UpdateParams{By: ada, ClientID: "42", Status: pointer(chat.Closed)}); err != nil {
		t.Error(err)
	}
	if _, err := w.store.RecordPresence(t.Context(), chat.PresenceParams{News: []chat.Presence{{ClientID: "42", Online: true, At: time.Now()}}, Live: true}); err != nil {
		t.Error(err)
	}
	if err := w.store.AdmitGuest(t.Context(), []byte("address")); err != nil {
		t.Error(err)
	}

	attached := w.begins("42", 7)
	w.begins("42", 8)
	withFile := withFiles(fromClient("42", "Hello"), 7, attached)
	if found, err := w.store.FindUploads(t.Context(), withFile); err != nil || len(found) != 1 {
		t.Error(found, err)
	}
	w.send(withFile)
	if found, err := w.store.FindAttachments(t.Context(), "42", false, []string{attached}); err != nil || len(found) != 1 {
		t.Error(found, err)
	}
	if due := w.keysToDelete(); len(due) != 0 {
		t.Error(due)
	}
	if err := w.store.SettleObjects(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}

	w.exec("update chat.message set created_at = created_at - interval '10 minutes'")
	w.queueWebhooks(time.Minute)
	told := w.claimWebhooks(100)
	w.settle(told, 0)
	if !slices.Contains(names(told), "message.unread 42 developer") {
		t.Errorf("told %q", names(told))
	}
	if _, err := w.store.CountWebhooks(t.Context(), 10); err != nil {
		t.Error(err)
	}

	known := map[string]bool{} // what ran, and whether a constant holds it
	for _, sql := range proxy.Log() {
		known[sql] = false
	}
	for name, sql := range statements(t) {
		wired, _, err := pgx.NamedArgs{}.RewriteQuery(t.Context(), nil, sql, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, ran := known[wired]; !ran {
			t.Errorf("%s never ran", name)
		}
		known[wired] = true
	}
	for sql, named := range known {
		if !named {
			t.Errorf("this ran and is in no constant whose name ends in SQL: %s", sql)
		}
	}
	w.store.Close() // its sessions report what they called when they end

	files, err := fs.Glob(postgres.Schema, "functions/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no functions", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".sql")
		const calls = "select coalesce(sum(calls), 0)::bigint from pg_stat_user_functions where schemaname = 'chat' and funcname = $1"
		for end := time.Now().Add(5 * time.Second); ask[int](w, calls, name) == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s was never called", name)
			}
		}
	}
}

// At size no page may be sorted, filtered or scanned out of a table: each is read from an index, in order, from
// where it begins.
func TestEveryPageIsReadFromAnIndex(t *testing.T) {
	t.Parallel()
	w := setup(t)
	// Most conversations are closed, old and assigned; everything that a page looks for is rare among them.
	w.exec(`
		insert into chat.conversation (client_id, status, assignee_id, last_seq, client_total, developer_read_seq, developer_read_total,
			last_message_at, version, created_at, updated_at)
		select 'client-' || i, case when i % 4 = 0 then 'open' else 'closed' end, case when i > 40 then 'dev-' || i % 5 end,
			1, 1, n, n, now() - (30000 - i) * interval '1 second', 1, now(), now()
		from generate_series(1, 30000) i, lateral (select case when i % 100 = 0 then 0 else 1 end) r (n)`)
	w.exec(`
		insert into chat.message (client_id, seq, id, version, sender_role, sender_id, body, body_digest, client_total, created_at)
		select 'client-' || c, s, gen_random_uuid(), s, 'client', 'client-' || c, 'Hello', '', s, now()
		from generate_series(1, 4) c, generate_series(1, 5000) s`)
	w.exec("vacuum analyze chat.conversation")
	w.exec("vacuum analyze chat.message")
	middle := ask[time.Time](w, "select last_message_at from chat.conversation where client_id = 'client-15000'")

	const limit = 31
	open, both := []string{"open"}, []string{"open", "closed"}
	inbox := func(statuses []string, unread bool, assignee *string, unassigned bool, after *time.Time) pgx.NamedArgs {
		return pgx.NamedArgs{
			"statuses": statuses, "unread": unread, "assignee_id": assignee, "unassigned": unassigned,
			"after_at": after, "after_id": "client-15000", "limit": limit,
		}
	}
	messages := func(bound int64) pgx.NamedArgs {
		return pgx.NamedArgs{"client_id": "client-3", "bound": bound, "limit": limit}
	}
	constants := statements(t)
	for _, test := range []struct {
		name, constant string
		args           pgx.NamedArgs
		index          string
	}{
		{"open", "conversationsSQL", inbox(open, false, nil, false, nil), "conversation_inbox"},
		{"all", "conversationsSQL", inbox(both, false, nil, false, nil), "conversation_inbox"},
		{"open, deep in", "conversationsSQL", inbox(open, false, nil, false, &middle), "conversation_inbox"},
		{"all, deep in", "conversationsSQL", inbox(both, false, nil, false, &middle), "conversation_inbox"},
		{"unread", "conversationsSQL", inbox(open, true, nil, false, nil), "conversation_inbox_unread"},
		{"unread of all, deep in", "conversationsSQL", inbox(both, true, nil, false, &middle), "conversation_inbox_unread"},
		{"one assignee's", "conversationsSQL", inbox(open, false, pointer("dev-4"), false, nil), "conversation_inbox_assignee"},
		{"one assignee's of all, deep in", "conversationsSQL", inbox(both, false, pointer("dev-4"), false, &middle), "conversation_inbox_assignee"},
		{"the assignee's of nothing", "conversationsSQL", inbox(open, false, pointer("nobody"), false, nil), "conversation_inbox_assignee"},
		{"nobody's", "conversationsSQL", inbox(open, false, nil, true, nil), "conversation_inbox_unassigned"},
		{"nobody's of all, deep in", "conversationsSQL", inbox(both, false, nil, true, &middle), "conversation_inbox_unassigned"},
		{"the newest messages", "messagesBeforeSQL", messages(1 << 62), "message_pkey"},
		{"messages before", "messagesBeforeSQL", messages(2500), "message_pkey"},
		{"messages after", "messagesAfterSQL", messages(2500), "message_pkey"},
		{"messages changed", "messagesChangedSQL", messages(2500), "message_version"},
	} {
		root := w.explain(constants[test.constant], test.args)
		used := false
		root.walk(func(p plan) {
			used = used || p.Index == test.index
			switch {
			case p.Type == "Seq Scan":
				t.Errorf("%s: scans %s", test.name, p.Relation)
			case p.Type == "Sort" && p.Rows > 2*limit:
				t.Errorf("%s: sorts %v rows", test.name, p.Rows)
			case p.Filtered > 0:
				t.Errorf("%s: reads %v rows of %s for nothing", test.name, p.Filtered, p.Index)
			case p.Relation != "" && p.Rows > 1000: // where the totals stop
				t.Errorf("%s: reads %v rows of %s", test.name, p.Rows, p.Relation)
			}
		})
		if !used {
			t.Errorf("%s: does not use %s: %+v", test.name, test.index, root)
		}
	}
}

// plan is what matters of one node of a plan (PostgreSQL documentation, EXPLAIN).
type plan struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"` // of each of its loops
	Filtered float64 `json:"Rows Removed by Filter"`
	Loops    float64 `json:"Actual Loops"`
	Plans    []plan  `json:"Plans"`
}

// explain runs a statement as the store does and tells how it went.
func (w *world) explain(sql string, args pgx.NamedArgs) plan {
	w.Helper()
	sql, list, err := args.RewriteQuery(w.Context(), nil, sql, nil)
	if err != nil {
		w.Fatal(err)
	}
	var answer []byte
	if err := w.db.QueryRow(w.Context(), "explain (analyze, format json) "+sql, append([]any{pgx.QueryExecModeExec}, list...)...).Scan(&answer); err != nil {
		w.Fatal(err)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal(answer, &plans); err != nil {
		w.Fatal(err)
	}
	return plans[0].Plan
}

func (p plan) walk(visit func(plan)) {
	visit(p)
	for _, below := range p.Plans {
		below.walk(visit)
	}
}

func TestTheNumberedStepsHaveNoGap(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(postgres.Schema, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal("no steps", err)
	}
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%03d_", i+1); !strings.HasPrefix(name, want) {
			t.Errorf("%s stands where %s… belongs", name, want)
		}
	}
}
