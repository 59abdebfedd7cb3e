// Package faults lets simulated people chat at a deployment while everything that it depends on fails, and checks
// afterwards that nothing was lost, duplicated or reordered: [Run]. It is for tests, and for the command devinbox soak.
//
// The functions are the real ones: in this process, and in separate processes if they must die or freeze. Postgres and
// PgBouncer are real too. There is a proxy in front of each dependency. To stop a call at a certain point, the next thing
// that it needs is stalled: the functions have no hook for tests.
package faults

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"devinbox/internal/testing/pgbouncer"
	"devinbox/internal/testing/stage"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
)

// Options say how a run goes.
type Options struct {
	Program     string        // devinbox, for "Program serve"; empty if no process is to die or freeze
	Environment []string      // of it, on top of what it needs: NAME=value
	Web         string        // the folder web/ of the project, for pages of its client; empty for none
	Seed        uint64        // decides what people do and what fails when; not how it interleaves
	Length      time.Duration // of the time with faults
	All         bool          // have each kind of fault at least once, even if that takes longer
	Fault       time.Duration // how long a fault lasts: half of this to one and a half of it
	People      int           // who chat at once
	Pace        time.Duration // between what one of them does and does next, about
	Only        string        // only faults whose names hold this
	Hurry       bool          // skip the waiting for leases in the end
	Progress    io.Writer     // gets a line for each fault
}

// conversations are how many the load goes round.
func (o Options) conversations() int { return max(4, o.People/2) }

// Report is what a run did and found.
type Report struct {
	Seed       uint64
	Took       time.Duration
	Faults     map[string]*During // by kind; "" is the time in which nothing failed
	Drained    time.Duration      // until nothing waited any more, when everything was mended
	Counts     map[string]int
	Sends      int
	Stored     int // messages, in the end
	Answered   int
	Refused    int // answers of 503
	Unanswered int
	Slowest    time.Duration
	Published  int // events that Pusher took
	Repeated   int // those of them that it had taken before
	Heard      int // by all receivers together
	Dropped    int // those that a receiver had applied before, or that a newer one had overtaken
	Violations []string
}

// Run starts a deployment, has people chat while one fault follows the other, mends everything, and judges the end.
// Errors: what cannot be started. That a promise was broken is no error: Report.Violations says so.
func Run(ctx context.Context, o Options) (Report, error) {
	var report Report
	err := stage.Run(ctx, o.Progress, func(t stage.T) {
		server := testdb.Server(t, "max_connections=20", "synchronous_commit=on")
		pooler := pgbouncer.Start(t, testdb.Deployed(t, server.URL()), pgbouncer.Options{PoolSize: poolSize, MaxClients: 500})
		w := newWorld(t, o, server.URL(), server, pooler)
		w.onDisk()
		w.serveHere(4)
		if o.Program != "" {
			w.processes = append(w.processes, w.startProcess("b"))
			w.victim = w.startProcess("a")
		}
		report = w.run()
	})
	if err == nil {
		err = ctx.Err()
	}
	return report, err
}

// run has people chat while things fail, and judges the end.
func (w *world) run() Report {
	begun := time.Now()
	report := Report{Seed: w.options.Seed, Faults: map[string]*During{"": w.during.Load()}, Counts: w.counts.of}
	mixed := mixedStatements
	if w.options.Hurry {
		mixed /= 10
	}
	wrong := w.mixStatements(mixed)
	stopListening := w.startListening()
	w.openPages()
	load, stop := w.startLoad(w.options.People, w.options.Pace)
	stopCron := w.startCron()
	w.progress(begun, "nothing fails")
	load.pause(2 * w.options.Fault)
	calm := append(wrong, w.calm()...)
	nemeses := slices.DeleteFunc(w.nemeses(), func(n nemesis) bool { return !strings.Contains(n.name, w.options.Only) })
	if len(nemeses) == 0 {
		w.t.Fatalf("there is no fault %q", w.options.Only)
	}
	w.random.Shuffle(len(nemeses), func(i, j int) { nemeses[i], nemeses[j] = nemeses[j], nemeses[i] })
	slices.SortStableFunc(nemeses, func(a, b nemesis) int { // so that others meet a Pusher that is asked
		switch {
		case a.lingers() == b.lingers():
			return 0
		case a.lingers():
			return 1
		default:
			return -1
		}
	})
	for i := 0; load.ctx.Err() == nil && (w.options.All && i < len(nemeses) || time.Since(begun) < w.options.Length); i++ {
		n := nemeses[i%len(nemeses)]
		lasts := w.options.Fault/2 + time.Duration(w.random.Int64N(int64(w.options.Fault)+1))
		w.progress(begun, "%s", n.name)
		during := report.Faults[n.name]
		if during == nil {
			during = &During{}
			report.Faults[n.name] = during
		}
		w.during.Store(during)
		n.run(&fault{w, load, lasts, rand.New(rand.NewPCG(w.options.Seed, w.random.Uint64()))})
		during.Times++
		w.during.Store(report.Faults[""])
		load.pause(w.options.Fault / 2)
	}
	stop()
	stopCron()
	for _, p := range w.pages {
		p.tell("stop")
	}
	w.progress(begun, "everything is mended; what waits is delivered")
	w.finish(&report)
	stopListening()
	calm = append(calm, w.settingsAreUntouched()...)
	report.Violations = append(calm, report.Violations...)
	report.Took = time.Since(begun)
	return report
}

// progress writes a line.
func (w *world) progress(begun time.Time, format string, args ...any) {
	at := time.Since(begun).Round(time.Second)
	w.history.mu.Lock()
	sends, refused, lost := len(w.history.Sends), w.history.Refused, w.history.Lost
	w.history.mu.Unlock()
	w.t.Logf("%5s  %s (so far %d messages, %d answers of 503, %d calls without an answer)", at, fmt.Sprintf(format, args...), sends, refused, lost)
}

// startListening has pages listen: each client's own, and a developer's.
func (w *world) startListening() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	for _, id := range w.conversed {
		w.listen(ctx, &running, "the page of "+id, person{client, id}, []string{id})
	}
	w.listen(ctx, &running, "the page of ada", person{developer, "ada"}, w.conversed)
	w.t.Cleanup(func() { cancel(); running.Wait() })
	return func() { cancel(); running.Wait() }
}

// startCron calls the cron's function once a second, at one instance after the other.
func (w *world) startCron() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			sleep(ctx, time.Second)
			w.cron(w.instances[i%len(w.instances)].url)
		}
	})
	return func() { cancel(); running.Wait() }
}

// calm judges a time in which nothing has failed yet. Each event leaves once then. If an instance is so slow that it gives
// its own request to Pusher up, it leaves again, but only when its lease has ended.
func (w *world) calm() (violations []string) {
	n, soon := 0, 0
	last := map[Published]time.Time{}
	times := w.heard.Times()
	for i, e := range w.heard.Published()[:len(times)] {
		p := published(e.Channel, e.Name, e.Data)
		if before, ok := last[p]; ok && times[i].Sub(before) < chat.Lease/2 {
			soon++
		}
		last[p] = times[i]
		n++
	}
	if soon > 0 {
		violations = append(violations, fmt.Sprintf("repeated: of %d events %d left twice while nothing failed", n, soon))
	}
	return violations
}

// finish repeats what was not answered, has what waits delivered, and judges the end.
func (w *world) finish(report *Report) {
	fresh := w.serve("last", w.direct.URL()) // no breaker of it is open
	for end := time.Now().Add(w.patience.settle); len(w.pages) > 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if w.views(); w.unsent() == 0 {
			break
		}
	}
	if n := w.unsent(); n > 0 {
		report.Violations = append(report.Violations, fmt.Sprintf("lost: pages of the web client still try to send %d messages", n))
	}
	for _, s := range w.history.all() {
		if s.Never || s.Key == "" || w.history.acknowledged(s) || w.poisoned[s.ClientID] {
			continue
		}
		var through *receiver
		if s.Role == client {
			through = w.receiverOf(s.ClientID)
		}
		for end := time.Now().Add(30 * time.Second); !w.sendOnce(s, fresh.url, through).ok() && time.Now().Before(end) && w.t.Context().Err() == nil; {
			time.Sleep(50 * time.Millisecond)
		}
		w.counts.add("sends answered only when all was mended", 1)
	}
	begun := time.Now()
	w.drain(fresh)
	report.Drained = time.Since(begun)
	state := w.state(fresh)
	for end := time.Now().Add(w.patience.settle); time.Now().Before(end) && w.t.Context().Err() == nil; time.Sleep(100 * time.Millisecond) {
		if c := (&checker{h: w.history, end: state}); c.settled() {
			break
		}
		state.Views = w.views()
	}
	report.Violations = append(report.Violations, Check(w.history, state)...)
	if text := w.faultLog.String(); text != "" {
		report.Violations = append(report.Violations, "a defect is in the log: "+text)
	}
	for _, t := range state.Threads {
		report.Stored += len(t.Messages)
	}
	report.Published, report.Repeated = len(state.Published), Repeated(state.Published)
	for _, r := range w.receivers {
		r.mu.Lock()
		report.Heard, report.Dropped = report.Heard+r.heard, report.Dropped+r.repeated
		w.counts.add("connections of receivers", r.connections)
		w.counts.add("fetches of receivers", r.fetched)
		r.mu.Unlock()
	}
	for _, p := range w.pages {
		w.counts.add("messages that pages of the web client sent", len(p.sends))
	}
	h := w.history
	report.Sends, report.Answered, report.Refused, report.Unanswered, report.Slowest = len(h.Sends), h.Answered, h.Refused, h.Lost, h.Slowest
}

// drain calls the cron until nothing waits any more. The events that Pusher refused for good come to the end of their
// lives first: waiting for that is skipped.
func (w *world) drain(fresh *instance) {
	w.sql("update chat.outbox set created_at = created_at - interval '24 hours', due_at = due_at - interval '24 hours' where refused")
	for end := time.Now().Add(w.patience.drain); time.Now().Before(end) && w.t.Context().Err() == nil; {
		if w.options.Hurry {
			w.sql("update chat.outbox set due_at = clock_timestamp() where not refused")
		}
		w.cron(fresh.url)
		if w.count("select count(*) from chat.outbox") == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// state is how everything is now.
func (w *world) state(fresh *instance) State {
	s := State{Threads: map[string]Thread{}, Parked: w.poisoned, Waiting: w.count("select count(*) from chat.outbox")}
	ids := map[string]bool{}
	for _, send := range w.history.all() {
		ids[send.ClientID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		var t Thread
		for after, more := int64(0), true; more; {
			a := w.call(fresh.url, person{developer, "judge"}, http.MethodGet, fmt.Sprintf("/api/messages/list?clientId=%s&after=%d&limit=100", id, after), nil)
			if a.status == http.StatusNotFound {
				break
			}
			if !a.ok() {
				w.t.Fatalf("the messages of %s cannot be read in the end: %d %s", id, a.status, a.body)
			}
			p := w.page(a)
			t.Messages, t.Conversation, more = append(t.Messages, p.Messages...), *p.Conversation, p.HasMore
			after = t.Conversation.LastSeq
			if len(p.Messages) > 0 {
				after = p.Messages[len(p.Messages)-1].Seq
			}
		}
		if t.Conversation.ClientID != "" {
			s.Threads[id] = t
		}
	}
	for _, e := range w.heard.Published() {
		s.Published = append(s.Published, published(e.Channel, e.Name, e.Data))
	}
	s.Views = w.views()
	return s
}

func (w *world) views() (all []View) {
	for _, r := range w.receivers {
		all = append(all, r.views()...)
	}
	for _, p := range w.pages {
		all = append(all, p.report()...)
	}
	return all
}

// settled tells whether every receiver shows what the server has.
func (c *checker) settled() bool {
	c.views()
	return len(c.found) == 0
}

// Verdict is the report as a text for people.
func (r Report) Verdict() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %v\n", r.Seed, r.Took.Round(time.Second))
	fmt.Fprintf(&b, "  %d messages were sent, %d are stored\n", r.Sends, r.Stored)
	fmt.Fprintf(&b, "  %d calls were answered, %d of them with 503, and %d not at all; the slowest answer took %v\n", r.Answered, r.Refused, r.Unanswered, r.Slowest.Round(time.Millisecond))
	fmt.Fprintf(&b, "  Pusher took %d events, %d of them again; receivers heard %d, and dropped %d that showed nothing new\n", r.Published, r.Repeated, r.Heard, r.Dropped)
	fmt.Fprintf(&b, "  the queue was empty %v after everything was mended\n", r.Drained.Round(time.Millisecond))
	faults := 0
	for _, n := range r.Faults {
		faults += n.Times
	}
	fmt.Fprintf(&b, "  %d faults:\n    times answered   503 queued  slowest\n", faults)
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		n := r.Faults[name]
		fmt.Fprintf(&b, "    %5d %8d %5d %6d %6d ms  %s\n", n.Times, n.Answered, n.Refused, n.Queued, n.Slowest.Milliseconds(), cmp.Or(name, "(none, and what follows one)"))
	}
	fmt.Fprintf(&b, "  beside it:\n")
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(&b, "    %5d  %s\n", r.Counts[name], name)
	}
	if len(r.Violations) > 0 {
		fmt.Fprintf(&b, "BROKEN: %d violations\n%s\n", len(r.Violations), shorten(r.Violations, 10))
	} else {
		fmt.Fprintf(&b, "KEPT: lost 0, doubled 0, gaps 0, backward 0, queue empty, every receiver shows what the server has\n")
	}
	return b.String()
}
