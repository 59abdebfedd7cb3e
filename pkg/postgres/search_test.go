package postgres_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
	"devinbox/pkg/postgres/migrate"
)

// search is the ids of the conversations that a search finds, in the order of the alphabet.
func (w *world) search(text string) []string {
	w.Helper()
	found := ids(w.inbox(chat.InboxQuery{Search: &text, Limit: chat.MaxPage}).Conversations)
	slices.Sort(found)
	return found
}

// people are clients with names and e-mails in many scripts.
func (w *world) people() {
	w.Helper()
	for id, person := range map[string][2]string{
		"id-Grace":  {"Grace Hopper", "grace@navy.example"},
		"id-Jose":   {"José Ñandú", "jose.nandu@example.com"},
		"id-Lukasz": {"Łukasz Żółć", ""},
		"id-Anna":   {"Анна Каренина", ""},
		"id-Odys":   {"ΟΔΥΣΣΕΑΣ Ιθάκης", ""},
		"id-Chen":   {"陳大文先生", ""},
		"id-Sato":   {"さとう たろう", ""},
		"id-Turk":   {"İzmirli Işık", ""},
		"id-Strass": {"Straße STRASSE", ""},
		"id-Emoji":  {"👩‍🚀 Ada 🚀🚀🚀", ""},
		"id-Punct":  {`a_b%c\d 'e"f`, "a.b@c.example"},
		"id-aXb":    {"aXbYc", "a-b@c.example"},
		"user|42":   {"", ""},
	} {
		p := fromClient(id, "Hello")
		p.Sender.Name, p.Sender.Email = person[0], person[1]
		w.send(p)
	}
}

// searches are what is looked for among these people, and who is found.
var searches = []struct {
	what, text string
	want       string
}{
	{"a word", "Hopper", "id-Grace"},
	{"in lower case", "hopper", "id-Grace"},
	{"in upper case", "HOPPER", "id-Grace"},
	{"the beginning of a word", "hop", "id-Grace"},
	{"the middle of a word", "opp", "id-Grace"},
	{"the end of a word", "per", "id-Grace"},
	{"over a blank", "ce Ho", "id-Grace"},
	{"all of it", "Grace Hopper", "id-Grace"},
	{"more than all of it", "Grace Hopper II", ""},
	{"its parts in another order", "Hopper Grace", ""},
	{"its trigrams elsewhere", "acehop", ""},
	{"an e-mail", "@NAVY.", "id-Grace"},
	{"a client's id", "ID-GRA", "id-Grace"},
	{"a bar in an id", "r|4", "user|42"},
	{"the same without what is between", "hoppergrace", ""},
	{"the same with a blank between", "hopper grace", ""},
	{"from the e-mail into the id", "example id", ""},

	{"Spanish", "JOSÉ ÑAN", "id-Jose"},
	{"without its accents", "Jose Nan", ""}, // an accent is a difference; the e-mail has none
	{"Polish", "łUKASZ żÓŁĆ", "id-Lukasz"},
	{"Cyrillic", "КАРЕН", "id-Anna"},
	{"Greek in lower case", "οδυσσεας", "id-Odys"},
	{"Greek, cut at a sigma, in upper case", "ΟΔΥΣ", "id-Odys"},
	{"Greek, cut at a sigma, with that of an end", "οδυς", "id-Odys"},
	{"Greek with an accent", "ΙΘΆΚΗΣ", "id-Odys"},
	{"Chinese", "大文先", "id-Chen"},
	{"Japanese", "とう た", "id-Sato"},
	{"Turkish as it is", "İzmirli Işık", "id-Turk"},
	{"Turkish in lower case", "izmirli ışık", "id-Turk"},
	{"Turkish in upper case", "İZMİRLİ IŞIK", "id-Turk"},
	{"Turkish on another keyboard", "IZMIRLI ISIK", ""}, // s is another letter than ş
	{"Turkish's i on another keyboard", "IZMIRLI", "id-Turk"},
	{"German", "straße", "id-Strass"},
	{"German's capital", "STRAẞE", "id-Strass"},
	{"German's ß and SS are not one", "strasse straße", ""},
	{"symbols", "🚀🚀🚀", "id-Emoji"},

	{"a dot is a dot", "a.b@c", "id-Punct"},
	{"a dash is a dash", "A-B@C", "id-aXb"},
	{"an underscore is no wildcard", "a_b", "id-Punct"},
	{"a percent sign is no wildcard", "b%c", "id-Punct"},
	{"a backslash is a backslash", `c\d`, "id-Punct"},
	{"quotes", `'e"`, "id-Punct"},
	{"only wildcards", "%%%", ""},
	{"nothing that is there", "zzz", ""},
	{"a longest search", strings.Repeat("grace", 50), ""},
}

func TestASearchFindsAnyPartOfANameAnEmailOrAnIDInWhateverCase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.people()
	for _, s := range searches {
		if got := strings.Join(w.search(s.text), " "); got != s.want {
			t.Errorf("%s: %q finds %q, want %q", s.what, s.text, got, s.want)
		}
	}
	if got := w.search("id-"); len(got) != 12 {
		t.Errorf("what is common finds %d, want 12: %v", len(got), got)
	}
}

// Where the database's locale knows no letters but those of ASCII, the same is found.
func TestASearchIsTheSameInADatabaseWithoutALanguage(t *testing.T) {
	t.Parallel()
	own := testdb.New(t)
	u, err := url.Parse(own)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t, own, open(t, own), look(t, own)}
	name := strings.TrimPrefix(u.Path, "/") + "_c"
	w.exec("create database " + name + " template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
	t.Cleanup(func() { look(t, own).Exec(t.Context(), "drop database "+name+" with (force)") })
	u.Path = "/" + name
	if err := migrate.Up(t.Context(), u.String(), func(string) {}); err != nil {
		t.Fatal(err)
	}
	w = &world{t, u.String(), open(t, u.String()), look(t, u.String())}
	if got := ask[string](w, "select lower('É')"); got != "É" {
		t.Fatalf("this database has a language: %s", got)
	}
	w.people()
	for _, s := range searches {
		if got := strings.Join(w.search(s.text), " "); got != s.want {
			t.Errorf("%s: %q finds %q, want %q", s.what, s.text, got, s.want)
		}
	}
}

func TestASearchFindsANameInEveryNormalizationForm(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for id, name := range map[string]string{"composed": "Zo\u00eb", "decomposed": "Zoe\u0308", "wide": "\uff3a\uff4f\u00eb"} {
		p := fromClient(id, "Hello")
		p.Sender.Name = name
		w.send(p)
	}
	for _, query := range []string{"zo\u00eb", "ZOE\u0308", "\uff3a\uff4fe\u0308"} {
		if got := strings.Join(w.search(query), " "); got != "composed decomposed wide" {
			t.Errorf("%+q finds %q", query, got)
		}
	}
}

func TestASearchFollowsEveryRename(t *testing.T) {
	t.Parallel()
	w := setup(t)
	as := func(name, email string) {
		p := fromClient("42-id", "Hello")
		p.Sender.Name, p.Sender.Email = name, email
		w.send(p)
	}
	found := func(step string, want map[string]bool) {
		t.Helper()
		for text, is := range want {
			if got := w.search(text); (len(got) == 1) != is {
				t.Errorf("%s: %q finds %v", step, text, got)
			}
		}
	}
	byDeveloper := fromAda("42-id", "Hello")
	byDeveloper.Create = true
	w.send(byDeveloper)
	found("begun by a developer", map[string]bool{"42-": true, "ada": false})
	as("Grace", "")
	found("named by a token", map[string]bool{"42-": true, "grace": true})
	as("Hopper", "hopper@navy.example")
	found("renamed by a token", map[string]bool{"42-": true, "grace": false, "hopper": true, "@navy": true})
	as("", "rear@admiral.example")
	found("another e-mail", map[string]bool{"hopper": true, "@navy": false, "@admiral": true})
	w.update(chat.UpdateParams{By: ada, ClientID: "42-id", ClientName: pointer("The boss")})
	found("renamed by a developer", map[string]bool{"hopper": false, "the boss": true, "@admiral": true})
	as("Hopper", "")
	found("a token beside it", map[string]bool{"hopper": false, "the boss": true})
	w.exec("delete from chat.conversation")
	found("gone", map[string]bool{"42-": false, "the boss": false})
	if n := ask[int](w, "select count(*) from chat.search"); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func TestASearchIsFilteredAndPagedAsTheInboxIs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`
		insert into chat.conversation (client_id, client_name, status, assignee_id, last_seq, client_total, developer_read_seq, developer_read_total,
			last_message_at, version, created_at, updated_at)
		select 'client-' || i, case when i % 2 = 0 then 'Grace' else 'Ada' end, case when i % 3 = 0 then 'closed' else 'open' end,
			case when i % 5 > 0 then 'dev-' || i % 5 end, 1, 1, n, n, now() - i % 20 * interval '1 second', 1, now(), now()
		from generate_series(1, 240) i, lateral (select case when i % 7 = 0 then 0 else 1 end) r (n)`)
	// The same page is given whether what is searched for is common or not, so both ways are tried.
	for _, text := range []string{"grace", "client-"} {
		for _, q := range []chat.InboxQuery{
			{}, {Status: pointer(chat.Open)}, {Status: pointer(chat.Closed)}, {Unread: true}, {Unassigned: true}, {AssigneeID: pointer("dev-3")},
			{Status: pointer(chat.Open), Unread: true, AssigneeID: pointer("dev-1")}, {AssigneeID: pointer("eve")},
		} {
			all := []string{}
			q.Limit = chat.MaxPage
			for page := (chat.InboxPage{}); q.Cursor != nil || len(all) == 0; q.Cursor = page.NextCursor {
				page = w.inbox(q)
				for _, c := range page.Conversations {
					if text != "grace" || *c.ClientName == "Grace" {
						all = append(all, c.ClientID)
					}
				}
				if page.NextCursor == nil {
					break
				}
			}
			q.Search, q.Limit, q.Cursor = &text, 7, nil
			var got []string
			for {
				page := w.inbox(q)
				got = append(got, ids(page.Conversations)...)
				if want := (chat.Totals{Open: 160, Unread: 34}); page.Totals != want {
					t.Fatalf("totals %+v, want those of all, %+v", page.Totals, want)
				}
				if page.NextCursor == nil {
					break
				}
				if len(page.Conversations) != 7 {
					t.Errorf("a page of %d before the last", len(page.Conversations))
				}
				q.Cursor = page.NextCursor
			}
			if strings.Join(got, " ") != strings.Join(all, " ") {
				t.Errorf("%q in %+v: %v, want %v", text, q, got, all)
			}
		}
	}
}

// many makes n conversations and their entries for the search, as they would be after n sends.
func (w *world) many(n int) {
	w.Helper()
	w.exec(fmt.Sprintf(`
		alter table chat.conversation disable trigger user;
		insert into chat.conversation (client_id, client_name, client_email, status, assignee_id, last_seq, client_total, last_message_at, version, created_at, updated_at)
		select 'client-' || i, (array['Grace', 'Müller', 'Анна', 'José', '陳大文'])[1 + i %% 5] || ' ' || md5(i::text),
			'user' || i || '@' || (array['gmail.com', 'example.com'])[1 + i %% 2], case when i %% 8 = 0 then 'open' else 'closed' end,
			case when i %% 3 = 0 then 'dev-' || i %% 4 end, 1, 1, now() - (%d - i) * interval '1 second', 1, now(), now()
		from generate_series(1, %d) i;
		alter table chat.conversation enable trigger user;
		do $$ declare made text := pg_get_indexdef('chat.search_trigrams'::regclass); begin
			drop index chat.search_trigrams; -- made at the end, for one by one takes longer
			insert into chat.search select client_id, chat.fold(concat_ws(e'\n', client_name, client_email, client_id)) from chat.conversation;
			execute made;
		end $$`, n, n))
	w.exec("vacuum analyze chat.conversation, chat.search")
}

// At size a search reads what it finds, or where that is much the inbox until the page is full; and changes are read
// from theirs. So it is at 200,000 conversations, and at these fewer, which take a quarter of the time to make.
func TestASearchOfALargeInboxReadsLittleOfIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const size, limit = 50_000, 31
	w.many(size)
	constants := statements(t)
	open, both := []string{"open"}, []string{"open", "closed"}
	for _, test := range []struct {
		what, text string
		statuses   []string
		assignee   *string
		index      string
		rows, most float64 // given, and read of the conversations at most
	}{
		{"one", "user31999@", both, nil, "conversation_pkey", 1, 1},
		{"one that is not of this status", "user31999@", open, nil, "conversation_pkey", 0, 1},
		{"some", "é " + "ab", both, nil, "conversation_pkey", limit, 100},
		{"the most that is read as found", "client-12", both, nil, "conversation_pkey", limit, 1111},
		{"nothing", "zzzz", both, nil, "", 0, 0},
		{"nothing, of common parts", "comgma", both, nil, "", 0, 0},
		{"a domain of half", "@gmail.com", both, nil, "conversation_inbox", limit, 200},
		{"a domain of half, of one status", "@gmail.com", open, nil, "conversation_inbox", limit, 100},
		{"a fifth", "müller", both, nil, "conversation_inbox", limit, 700},
		{"everybody", "client-", both, nil, "conversation_inbox", limit, 100},
		{"everybody of an assignee's", "client-", both, pointer("dev-1"), "conversation_inbox_assignee", limit, 100},
	} {
		root := w.explain(constants["searchSQL"], pgx.NamedArgs{
			"search": test.text, "statuses": test.statuses, "unread": false, "assignee_id": test.assignee, "unassigned": false,
			"after_at": nil, "after_id": "", "limit": limit,
		})
		used, read := test.index == "", 0.0
		root.walk(func(p plan) {
			if p.Type == "Seq Scan" {
				t.Errorf("%s: scans %s", test.what, p.Relation)
			}
			// The totals, which stop at a thousand, are read from indexes alone.
			if p.Relation == "conversation" && p.Type != "Index Only Scan" {
				read += (p.Rows + p.Filtered) * p.Loops
				used = used || p.Index == test.index && p.Loops > 0
			}
			if p.Index == "search_pkey" && p.Loops > test.most {
				t.Errorf("%s: looks at %v entries of the search", test.what, p.Loops)
			}
		})
		if rows := float64(len(w.inboxOf(test.text, test.statuses, test.assignee, limit))); rows != test.rows {
			t.Errorf("%s: %v found, want %v", test.what, rows, test.rows)
		}
		if read > test.most || !used {
			t.Errorf("%s: reads %v conversations, want at most %v by %s: %+v", test.what, read, test.most, test.index, root)
		}
	}

	token := w.inbox(chat.InboxQuery{Limit: 1}).SyncToken
	for n := range 5 {
		w.send(fromClient(fmt.Sprint("client-", 1000*n+1), "Hello"))
	}
	server, xid := parts(t, token)
	used := false
	w.explain(constants["changesSQL"], pgx.NamedArgs{"server": server, "xid": xid, "after_id": "", "limit": limit}).walk(func(p plan) {
		used = used || p.Index == "conversation_changed" && p.Rows == 5
		if p.Loops > 0 && p.Relation == "conversation" && p.Type != "Index Only Scan" && (p.Type == "Seq Scan" || p.Rows+p.Filtered > 5) {
			t.Errorf("changes: %s reads %v rows for 5", p.Type, p.Rows+p.Filtered)
		}
	})
	if !used {
		t.Error("changes: does not use conversation_changed")
	}
	used = false
	w.explain(constants["changesSQL"], pgx.NamedArgs{"server": int64(1), "xid": "1", "after_id": "client-3", "limit": limit}).walk(func(p plan) {
		used = used || p.Index == "conversation_pkey" && p.Rows == limit
		if p.Loops > 0 && p.Type == "Seq Scan" {
			t.Errorf("everything: scans %s", p.Relation)
		}
	})
	if !used {
		t.Error("everything: is not read in order")
	}
}

func (w *world) inboxOf(text string, statuses []string, assignee *string, limit int) []string {
	q := chat.InboxQuery{Search: &text, AssigneeID: assignee, Limit: limit}
	if len(statuses) == 1 {
		q.Status = pointer(chat.Status(statuses[0]))
	}
	return ids(w.inbox(q).Conversations)
}
