package faults

import (
	"strings"
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
)

// calm has people chat for a moment in a world in which nothing fails, and judges it.
func calm(t *testing.T, change func(w *world)) []string {
	t.Helper()
	w := newWorld(t, Options{Seed: 3, People: 12, Pace: 10 * time.Millisecond, Hurry: true}, testdb.New(t), nil, nil)
	w.patience = patience{3 * time.Second, 3 * time.Second}
	w.toPusher.Delay(10 * time.Millisecond) // as long as Pusher is away
	w.serveHere(4)
	change(w)
	stopListening := w.startListening()
	_, stop := w.startLoad(w.options.People, w.options.Pace)
	eventually(t, "enough was done", func() bool { return w.counts.get("sends") >= 100 && w.counts.get("read marks") >= 30 })
	violations := w.calm()
	stop()
	var report Report
	w.finish(&report)
	stopListening()
	t.Logf("%d messages, %d events", report.Stored, report.Published)
	return append(violations, report.Violations...)
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}

func TestWithoutAFaultNothingIsFound(t *testing.T) {
	t.Parallel()
	if found := calm(t, func(*world) {}); len(found) > 0 {
		t.Errorf("found\n%s", shorten(found, 5))
	}
}

// mutate changes a function of the database, as somebody might who does not know why it is as it is.
func (w *world) mutate(function, from, to string) {
	var text string
	if err := w.past.QueryRow(w.t.Context(), "select pg_get_functiondef($1::regproc)", "chat."+function).Scan(&text); err != nil {
		w.t.Fatal(err)
	}
	changed := strings.ReplaceAll(text, from, to)
	if changed == text {
		w.t.Fatalf("%s does not hold %q", function, from)
	}
	w.sql(changed)
}

func TestWhatIsLostOrDoubledIsFound(t *testing.T) {
	t.Parallel()
	lock := " for no key update"
	for _, test := range []struct {
		name   string
		change func(w *world)
		finds  string // in one of what is found
	}{
		{"the outbox is off", func(w *world) {
			w.mutate("send_v3", "where p_live and is_due", "where false")
		}, "lost: the message"},
		{"edits are not announced", func(w *world) {
			w.mutate("change_v3", "'message-updated', 'conversation'", "'new-message', 'conversation'")
		}, "lost: the change of the message"},
		{"a send locks nothing", func(w *world) {
			w.mutate("send_v3", lock, "")
			w.mutate("begin_conversation_v1", lock, "")
			w.unguarded()
		}, "doubled: the key"},
		{"a key is not looked up", func(w *world) {
			w.mutate("send_v3", "\n  if found then\n", "\n  if false then\n")
			w.unguarded()
		}, "doubled: the key"},
		{"a send leases nothing", func(w *world) {
			w.mutate("send_v3", "clock + p_lease", "clock")
		}, "repeated: "},
		{"nobody looks after what was left behind", func(w *world) {
			w.mutate("claim_v2", "limit p_claim", "limit 0")
			w.toPusher.AnswerNext(5, 500, "oops")
		}, "events never left the queue"},
		{"a read mark may go back", func(w *world) {
			w.mutate("read_v3", "if mark <= (", "if mark < 0 and mark <= (")
		}, "backward: the read mark"},
		{"every message counts as the client's", func(w *world) {
			w.mutate("send_v3", "case when by_client then 1 else 0 end", "1")
		}, "in the end: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found := calm(t, test.change)
			for _, f := range found {
				if strings.Contains(f, test.finds) {
					return
				}
			}
			t.Errorf("found no %q, but\n%s", test.finds, shorten(found, 5))
		})
	}
}

// unguarded takes away what would turn a message that is stored twice into a defect.
func (w *world) unguarded() {
	w.sql("alter table chat.message drop constraint message_client_message_id")
}
