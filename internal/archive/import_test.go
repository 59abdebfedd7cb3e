package archive_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"devinbox/internal/archive"
	"devinbox/internal/testing/wire"
)

const good = `"clientId":"42","senderRole":"client","createdAt":"2025-01-02T03:04:05Z"`

func TestEachBadLineIsNamedWithItsNumberAndItsField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, test := range []struct {
		name, line, field, message string
	}{
		{"not JSON", `Hello`, "", "must be one whole JSON object"},
		{"half of an object", `{"clientId":"42"`, "", "must be one whole JSON object"},
		{"two objects", `{` + good + `,"body":"a"}{}`, "", "must be one whole JSON object"},
		{"a list", `[]`, "", "must be one whole JSON object"},
		{"of another alphabet", "{" + good + ",\"body\":\"\xff\"}", "body", "is not valid JSON"},
		{"half of a pair", `{` + good + `,"body":"\ud83d"}`, "body", "is not valid JSON"},
		{"an unknown field", `{` + good + `,"body":"a","text":"b"}`, "text", "is not known"},
		{"a field of another case", `{` + good + `,"Body":"a"}`, "Body", "is not known"},
		{"a field twice", `{` + good + `,"body":"a","body":"b"}`, "body", "more than once"},
		{"of a wrong type", `{` + good + `,"body":7}`, "body", "wrong type"},
		{"too long a line", `{` + good + `,"body":"` + strings.Repeat("x", 2<<20) + `"}`, "", "longer than any message"},
		{"no client", `{"senderRole":"client","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "clientId", "is required"},
		{"a null client", `{"clientId":null,"senderRole":"client","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "clientId", "is required"},
		{"an impossible client", `{"clientId":"a\nb","senderRole":"client","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "clientId", "1 to 120 bytes"},
		{"a client without a channel", `{"clientId":"too long","senderRole":"client","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "clientId", "too long for the name of a channel"},
		{"no role", `{"clientId":"42","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "senderRole", "is required"},
		{"an unknown role", `{"clientId":"42","senderRole":"admin","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "senderRole", "client or developer"},
		{"a developer without an id", `{"clientId":"42","senderRole":"developer","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "senderId", "is required"},
		{"an impossible developer", `{"clientId":"42","senderRole":"developer","senderId":"","createdAt":"2025-01-02T03:04:05Z","body":"a"}`, "senderId", "1 to 120 bytes"},
		{"another client", `{` + good + `,"senderId":"43","body":"a"}`, "senderId", "must be the clientId"},
		{"no body", `{` + good + `}`, "body", "is required"},
		{"an empty body", `{` + good + `,"body":" \n\u00a0"}`, "body", "more than white space"},
		{"too long a body", `{` + good + `,"body":"` + strings.Repeat("é", 8001) + `"}`, "body", "at most 8000"},
		{"a NUL", `{` + good + `,"body":"a\u0000b"}`, "body", "control characters"},
		{"no time", `{"clientId":"42","senderRole":"client","body":"a"}`, "createdAt", "is required"},
		{"a time without a zone", `{"clientId":"42","senderRole":"client","body":"a","createdAt":"2025-01-02T03:04:05"}`, "createdAt", "with its zone"},
		{"a time of long ago", `{"clientId":"42","senderRole":"client","body":"a","createdAt":"1969-12-31T23:59:59Z"}`, "createdAt", "before 1970"},
		{"a time to come", `{"clientId":"42","senderRole":"client","body":"a","createdAt":"2999-01-02T03:04:05Z"}`, "createdAt", "in the future"},
		{"a time of reading to come", `{` + good + `,"body":"a","readAt":"2999-01-02T03:04:05Z"}`, "readAt", "in the future"},
		{"an impossible key", `{` + good + `,"body":"a","clientMessageId":"é"}`, "clientMessageId", "printable ASCII"},
		{"an unknown status", `{` + good + `,"body":"a","status":"done"}`, "status", "open or closed"},
		{"nobody", `{` + good + `,"body":"a","assigneeId":"none"}`, "assigneeId", "id of a developer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &world{t, w.url, w.conn}
			text := `{"clientId":"41","senderRole":"client","createdAt":"2025-01-02T03:04:05Z","body":"good"}` + "\n\n" + test.line + "\n" +
				`{"clientId":"43","senderRole":"client","createdAt":"2025-01-02T03:04:05Z","body":"good"}`
			found := w.refuses(text).Faults
			if len(found) != 1 || found[0].Line != 3 || found[0].Field != test.field || !strings.Contains(found[0].Message, test.message) {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestWhatIsWrongBetweenLinesIsNamedToo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := func(client, second, more string) string {
		return fmt.Sprintf(`{"clientId":%q,"senderRole":"client","createdAt":"2025-01-02T03:04:%sZ","body":"a"%s}`, client, second, more)
	}
	for _, test := range []struct {
		name  string
		lines []string
		field string
	}{
		{"out of order", []string{at("1", "05", ""), at("1", "06", ""), at("1", "05.9", "")}, "createdAt"},
		{"apart", []string{at("1", "05", ""), at("2", "05", ""), at("1", "06", "")}, "clientId"},
		{"a key twice", []string{at("1", "05", `,"clientMessageId":"k"`), at("1", "05", ""), at("1", "06", `,"clientMessageId":"k"`)}, "clientMessageId"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &world{t, w.url, w.conn}
			found := w.refuses(strings.Join(test.lines, "\n")).Faults
			if len(found) != 1 || found[0].Line != 3 || found[0].Field != test.field {
				t.Errorf("%+v", found)
			}
		})
	}
	// Neither the same time, nor the same key of another client or of the other side, is wrong.
	w.takes(strings.Join([]string{
		at("1", "05", `,"clientMessageId":"k"`), at("1", "05", ""), strings.ReplaceAll(at("1", "05", `,"clientMessageId":"k"`), `"senderRole":"client"`, `"senderRole":"developer","senderId":"1"`),
		at("2", "01", `,"clientMessageId":"k"`),
	}, "\r\n"), archive.Imported{Conversations: 2, Messages: 4})
}

func TestAHundredFaultsAreToldOfAndTheOthersCounted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rejected := w.refuses(strings.Repeat("{}\n", 1234))
	if len(rejected.Faults) != 100 || rejected.More != 1134 || !strings.Contains(rejected.Error(), "line 100: clientId is required") || !strings.Contains(rejected.Error(), "and 1134 more") {
		t.Errorf("%d and %d", len(rejected.Faults), rejected.More)
	}
}

func TestAConversationThatHoldsOtherMessagesIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(many(2, 5), archive.Imported{Conversations: 2, Messages: 10})
	for _, test := range []struct {
		name, text, says string
	}{
		{"another text", strings.Replace(many(3, 5), "message 2 of 1", "another message", 1), `the conversation of "c1" is there already, with other messages`},
		{"another time", strings.Replace(many(3, 5), "03:00:00.5", "03:00:00.4", 1), `the conversation of "c0" is there already, with other messages`},
		{"one more", many(3, 6), `the conversation of "c0" is there already, with only the first 5 of these messages`},
		{"one less at the beginning", strings.SplitN(many(3, 5), "\n", 2)[1], `the conversation of "c0" is there already, with other messages`},
		{"another sender", strings.Replace(many(3, 5), `"ada"`, `"bob"`, 1), `the conversation of "c0" is there already, with other messages`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &world{t, w.url, w.conn}
			if err := w.refuses(test.text); !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
		})
	}
	w.takes(many(3, 5), archive.Imported{Conversations: 1, Messages: 5, Kept: 2})
	w.takes(many(3, 4), archive.Imported{Kept: 3}) // it has these, and one more
}

func TestAnInterruptedImportIsFinishedByARepetition(t *testing.T) {
	t.Parallel()
	w := setup(t)
	text := many(1200, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done, err := w.importsWith(ctx, text, archive.Options{Fits: fits, Progress: func(archive.Imported) { cancel() }})
	stored := ask[int](w, "select count(*) from chat.conversation")
	if err == nil || stored == 0 || stored == 1200 || done.Conversations != stored || ask[int](w, "select count(*) from chat.message") != 10*stored {
		t.Fatalf("%d conversations, %+v, %v", stored, done, err)
	}
	w.takes(text, archive.Imported{Conversations: 1200 - stored, Messages: 10 * (1200 - stored), Kept: stored})
	w.takes(text, archive.Imported{Kept: 1200})
	if n := ask[int](w, "select count(*) from chat.search"); n != 1200 {
		t.Errorf("%d of 1200 are found by a search", n)
	}
}

func TestAPipeIsImportedAsAFileIs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	go func() {
		defer to.Close()
		to.WriteString("\uFEFF" + many(10, 500))
	}()
	done, err := archive.Import(t.Context(), w.url, from, archive.Options{Fits: fits})
	if err != nil || done != (archive.Imported{Conversations: 10, Messages: 5000}) {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestAnImportNeedsAFewStatementsForThousandsOfMessages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	proxy := wire.NewPostgres(t, w.url)
	w.url = proxy.URL()
	statements := func(conversations, messages int) int {
		proxy.Reset()
		w.takes(many(conversations, messages), archive.Imported{Conversations: conversations, Messages: conversations * messages})
		w.exec("delete from chat.conversation")
		return len(proxy.Log())
	}
	few, thousands := statements(2, 2), statements(45, 100)
	if few == 0 || thousands != few {
		t.Errorf("%d statements for 4 messages, %d for 4,500", few, thousands)
	}
}

func TestWhoWasSeenOnlineStaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("insert into chat.presence values ('c0', true, '2025-11-23T10:00:00Z'), ('other', true, now())")
	w.takes(many(2, 3), archive.Imported{Conversations: 2, Messages: 6})
	if !ask[bool](w, "select online and online_at = '2025-11-23T10:00:00Z' from chat.conversation where client_id = 'c0'") {
		t.Error("it is not online any more")
	}
	if ask[bool](w, "select online or online_at is not null from chat.conversation where client_id = 'c1'") {
		t.Error("the other one is online")
	}
	if rest := ask[string](w, "select string_agg(client_id, ',') from chat.presence"); rest != "other" {
		t.Errorf("left: %s", rest)
	}
}

func TestTheTeamIsWhoWroteWithinNinetyDays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec("insert into chat.developer values ('late', 'Now', current_date), ('early', 'Before', current_date - 80)")
	line := func(id, name, age string) string {
		at := ask[string](w, "select to_char((now() - $1::text::interval) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", age)
		return fmt.Sprintf(`{"clientId":%q,"senderRole":"developer","senderId":%q,"senderName":%q,"body":"a","createdAt":%q}`+"\n", id, id, name, at)
	}
	w.takes(line("gone", "Gone", "100 days")+line("new", "New", "80 days")+line("late", "Older", "5 days")+line("early", "Newer", "5 days"), archive.Imported{Conversations: 4, Messages: 4})
	if team := ask[string](w, "select string_agg(id || ' ' || name || ' ' || current_date - active_on, ', ' order by id) from chat.developer"); team != "early Newer 5, late Now 0, new New 80" {
		t.Errorf("%s", team)
	}
}

func TestAnExportThatWasChangedIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.takes(many(1, 4), archive.Imported{Conversations: 1, Messages: 4})
	w.exec("update chat.message set client_message_id = 'k' || seq")
	text := w.exports("c0")
	rows := strings.Split(text, "\n")
	if len(rows) != 7 {
		t.Fatalf("it has %d lines", len(rows))
	}
	if _, err := archive.Erase(t.Context(), w.url, "c0"); err != nil {
		t.Fatal(err)
	}
	if err := archive.Remove(t.Context(), w.url, "c0"); err != nil {
		t.Fatal(err)
	}
	change := func(pattern, to string) string {
		changed := regexp.MustCompile(pattern).ReplaceAllString(text, to)
		if changed == text {
			t.Fatalf("%s is not in %s", pattern, text)
		}
		return changed
	}
	for _, test := range []struct {
		name, text string
		line       int
		field      string
	}{
		{"another format", change(`devinbox-conversation`, "another"), 1, "format"},
		{"a later version", change(`"formatVersion":2`, `"formatVersion":3`), 1, "formatVersion"},
		{"no version", change(`"formatVersion":2,`, ``), 1, "formatVersion"},
		{"no client", change(`"clientId":"c0",`, ``), 1, "clientId"},
		{"a client that is a number", change(`"clientId":"c0"`, `"clientId":7`), 1, "clientId"},
		{"an impossible client", change(`"clientId":"c0"`, `"clientId":""`), 1, "clientId"},
		{"no conversation", change(`"conversation":.*,"messages"`, `"conversation":null,"messages"`), 2, ""},
		{"an unknown field of all", change(`"presence"`, `"absence"`), 1, ""},
		{"an unknown field of the conversation", change(`"clientNameSet"`, `"nameSet"`), 1, "nameSet"},
		{"an unknown field of a message", change(`"seq":2`, `"seq":2,"x":1`), 3, "x"},
		{"no messages", change(`(?s),"messages":.*\]`, ``), 1, "messages"},
		{"an unknown status", change(`"status":"open"`, `"status":"new"`), 1, "status"},
		{"nobody", change(`"assigneeId":null`, `"assigneeId":"none"`), 1, "assigneeId"},
		{"too far a mark", change(`"developer":{"upToSeq":0`, `"developer":{"upToSeq":5`), 1, "read"},
		{"a mark before the beginning", change(`"developer":{"upToSeq":0`, `"developer":{"upToSeq":-1`), 1, "read"},
		{"a time to come", change(`"updatedAt":"2025`, `"updatedAt":"2999`), 1, "updatedAt"},
		{"no time", change(`"createdAt":"[^"]*","updatedAt"`, `"updatedAt"`), 1, "createdAt"},
		{"a message less", strings.Join(append(rows[:2:2], rows[3:]...), "\n"), 3, "seq"},
		{"the last message less", strings.TrimSuffix(strings.Join(rows[:4:4], "\n"), ",") + "\n]}", 5, "lastSeq"},
		{"no messages at all", change(`(?s)"messages":\[.*\]`, `"messages":[]`), 1, "lastSeq"},
		{"a message twice", strings.Join(append(rows[:3:3], rows[2:]...), "\n"), 4, "seq"},
		{"an id twice", change(`(?s)("id":"[^"]*")(.*\n.*)"id":"[^"]*"(.*"seq":4)`, `$1$2$1$3`), 5, "id"},
		{"a version twice", change(`"seq":3,"version":3`, `"seq":3,"version":2`), 4, "version"},
		{"a version too high", change(`"seq":3,"version":3`, `"seq":3,"version":5`), 4, "version"},
		{"an impossible id", change(`"id":"([^"]*)","seq":2`, `"id":"{$1}","seq":2`), 3, "id"},
		{"an unknown role", change(`"role":"developer"`, `"role":"admin"`), 4, "sender"},
		{"another client", change(`"seq":2,"version":2,"sender":{"id":"c0"`, `"seq":2,"version":2,"sender":{"id":"c1"`), 3, "sender"},
		{"a key twice", change(`"k2"`, `"k1"`), 3, "clientMessageId"},
		{"an empty body", change(`"body":"message 1 of 0"`, `"body":""`), 3, "body"},
		{"too long a body", change(`"body":"message 1 of 0"`, `"body":"`+strings.Repeat("x", 8001)+`"`), 3, "body"},
		{"a body of a deleted message", change(`("k2".*)"deletedAt":null`, `$1"deletedAt":"2025-02-01T00:00:00Z"`), 3, "body"},
		{"half a digest", change(`(message 1.*)"bodyDigest":"..`, `$1"bodyDigest":"`), 3, "bodyDigest"},
		{"an older time", change(`03:00:02.5`, `02:00:02.5`), 4, "createdAt"},
		{"a clock", change(`"createdAt":"2025-01-02T03:00:01.5Z"`, `"createdAt":"yesterday"`), 3, "createdAt"},
		{"the same client twice", text + text, 7, "clientId"},
		{"something behind", text + "x", 6, ""},
		{"lines behind", text + many(1, 1), 7, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &world{t, w.url, w.conn}
			found := w.refuses(test.text).Faults
			if len(found) == 0 || found[0].Line != test.line || found[0].Field != test.field {
				t.Errorf("%+v", found)
			}
		})
	}
	t.Run("cut anywhere", func(t *testing.T) {
		w := &world{t, w.url, w.conn}
		for _, at := range []int{20, len(rows[0]) - 3, len(rows[0]), len(rows[0]) + 40, len(text) / 2, len(text) - 30, len(text) - 4, len(text) - 3, len(text) - 2} {
			w.refuses(text[:at])
		}
	})
	w.takes(strings.ReplaceAll(text, ",", ",\n  "), archive.Imported{Conversations: 1, Messages: 4}) // laid out anew
	w.takes(text, archive.Imported{Kept: 1})
}
