package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"time"

	"devinbox/internal/serve"
	"devinbox/pkg/app"
)

// nemesis is a kind of fault. run causes it while people chat, lets it last, and mends it.
type nemesis struct {
	name string
	run  func(f *fault)
}

// lingers tells whether what the fault does outlasts it: instances ask a Pusher that has refused them only every 30 s.
func (n nemesis) lingers() bool {
	return n.name == refusesApp || n.name == wrongClock
}

const (
	refusesApp = "Pusher answers 403"
	wrongClock = "Pusher's clock is an hour ahead, then behind"
)

// fault is one fault under way.
type fault struct {
	*world
	*load
	lasts  time.Duration
	random *rand.Rand
}

// wait lets the fault last.
func (f *fault) wait() { f.load.pause(f.lasts) }

// pusherFails is a nemesis of what answers in Pusher's place.
func pusherFails(name string, begin func(f *fault), end func(f *fault)) nemesis {
	return nemesis{name, func(f *fault) {
		begin(f)
		f.wait()
		end(f)
	}}
}

// answers has Pusher answer so.
func answers(name string, status int, body string) nemesis {
	return pusherFails(name,
		func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Answer(status, body) }) },
		func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Decide(nil) }) })
}

type pusherProxy interface {
	Answer(status int, body string)
	Decide(f func(r *http.Request, body []byte) (status int, text string, forward bool))
	Hang(on bool)
	Refuse(on bool)
	Cut()
	LoseAnswer(n int)
	CloseIdle()
	Delay(d time.Duration)
}

// everyPusher does something to each way to Pusher.
func (w *world) everyPusher(do func(p pusherProxy)) {
	do(w.toPusher)
	for _, p := range w.allProcesses() {
		do(p.toPusher)
	}
}

type postgresProxy interface {
	Cut()
	BlackHole()
	Refuse(on bool)
	Hang(on bool)
	Delay(d time.Duration)
	LoseAnswer(n int, text string)
}

// everyPostgres does something to each way to Postgres.
func (w *world) everyPostgres(do func(p postgresProxy)) {
	do(w.direct)
	if w.pooled != w.direct {
		do(w.pooled)
	}
	for _, p := range w.allProcesses() {
		do(p.postgres)
	}
}

// page is what a proxy or a sign-in page answers.
const signInPage = "<!doctype html><title>Sign in</title><p>Sign in to the network."

// nemeses are all that can happen to a world, in the order in which a run that has time for each has them first.
func (w *world) nemeses() []nemesis {
	all := []nemesis{
		answers("Pusher answers 500", http.StatusInternalServerError, "Internal error"),
		answers(refusesApp, http.StatusForbidden, "Account over quota"),
		answers("Pusher answers 400", http.StatusBadRequest, "Bad request"),
		answers("a sign-in page answers in Pusher's place", http.StatusOK, signInPage),
		pusherFails("Pusher hangs", func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Hang(true) }) },
			func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Hang(false) }) }),
		pusherFails("Pusher refuses connections", func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Refuse(true); p.Cut() }) },
			func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Refuse(false) }) }),
		pusherFails("Pusher is slow", func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Delay(700 * time.Millisecond) }) },
			func(f *fault) { f.everyPusher(func(p pusherProxy) { p.Delay(0) }) }),
		{"Pusher's answers are lost", func(f *fault) {
			f.every(100*time.Millisecond, func() { f.everyPusher(func(p pusherProxy) { p.LoseAnswer(1) }) })
			f.everyPusher(func(p pusherProxy) { p.LoseAnswer(0) })
		}},
		{"connections to Pusher die unnoticed", func(f *fault) {
			f.every(100*time.Millisecond, func() { f.everyPusher(func(p pusherProxy) { p.CloseIdle() }) })
		}},
		{"every WebSocket is cut", func(f *fault) { f.every(500*time.Millisecond, func() { f.pusher.Cut() }) }},
		{wrongClock, func(f *fault) {
			f.pusher.Skew(time.Hour)
			f.wait()
			f.pusher.Skew(-time.Hour)
			f.wait()
			f.pusher.Skew(0)
		}},
		{"Pusher is too large for every batch", func(f *fault) {
			f.everyPusher(func(p pusherProxy) {
				p.Decide(func(_ *http.Request, body []byte) (int, string, bool) {
					return http.StatusRequestEntityTooLarge, "too large", strings.Count(string(body), `"channel"`) == 1
				})
			})
			f.wait()
			f.everyPusher(func(p pusherProxy) { p.Decide(nil) })
		}},
		{"one conversation's events are poison", func(f *fault) { f.poison() }},
		{"connections to Postgres are cut", func(f *fault) {
			f.every(300*time.Millisecond, func() { f.everyPostgres(func(p postgresProxy) { p.Cut() }) })
		}},
		{"connections to Postgres go silent", func(f *fault) {
			f.everyPostgres(func(p postgresProxy) { p.BlackHole() })
			f.wait()
			f.everyPostgres(func(p postgresProxy) { p.Cut() }) // else the server keeps their sessions for good
		}},
		{"Postgres is slow", func(f *fault) {
			f.everyPostgres(func(p postgresProxy) { p.Delay(150 * time.Millisecond) })
			f.wait()
			f.everyPostgres(func(p postgresProxy) { p.Delay(0) })
		}},
		{"Postgres's answers are lost", func(f *fault) {
			f.every(100*time.Millisecond, func() {
				text := []string{"send_v", "read_v", "change_v", "acknowledge_v", "claim_v", ""}[f.random.IntN(6)]
				f.everyPostgres(func(p postgresProxy) { p.LoseAnswer(1+f.random.IntN(2), text) })
			})
			f.everyPostgres(func(p postgresProxy) { p.LoseAnswer(0, "") })
		}},
		{"Postgres cannot be reached", func(f *fault) {
			f.everyPostgres(func(p postgresProxy) { p.Refuse(true); p.Cut() })
			f.neverStored("unreachable", 4)
			f.wait()
			f.everyPostgres(func(p postgresProxy) { p.Refuse(false) })
		}},
		{"Postgres does not answer", func(f *fault) {
			f.everyPostgres(func(p postgresProxy) { p.Hang(true); p.Cut() })
			f.wait()
			f.everyPostgres(func(p postgresProxy) { p.Cut(); p.Hang(false) })
		}},
		{"Postgres ends every session", func(f *fault) {
			f.every(300*time.Millisecond, func() {
				f.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'")
			})
		}},
		{"a conversation is locked", func(f *fault) { f.lock() }},
		{"fifty crons at once", func(f *fault) { f.crons() }},
		{"the database's clock jumps", func(f *fault) { f.jump() }},
	}
	if w.victim != nil {
		all = append(all, nemesis{"SIGKILL, whatever it does", func(f *fault) {
			p := f.processes[f.random.IntN(len(f.processes))]
			f.every(f.lasts/2, func() {
				p.kill()
				p.start()
				f.counts.add("killed, whatever it did", 1)
			})
		}})
		for _, at := range points {
			all = append(all, nemesis{"SIGKILL: " + at.name, func(f *fault) { f.dies(at) }})
			all = append(all, nemesis{"SIGSTOP, SIGCONT: " + at.name, func(f *fault) { f.freezes(at) }})
		}
	}
	if w.pooler != nil {
		all = append(all, nemesis{"the pooler drops every connection", func(f *fault) {
			f.every(500*time.Millisecond, f.pooler.Kill)
		}})
	}
	if w.server != nil {
		all = append(all,
			nemesis{"Postgres is stopped", func(f *fault) {
				f.server.Stop()
				f.neverStored("stopped", 4)
				f.wait()
				f.server.Start()
				f.answersAgain()
				f.resumePooler()
			}},
			nemesis{"Postgres crashes", func(f *fault) {
				f.server.Crash()
				f.server.Start()
				f.resumePooler()
			}},
			nemesis{"Postgres takes no writes", func(f *fault) {
				f.sql("alter system set default_transaction_read_only = on")
				f.sql("select pg_reload_conf()")
				f.wait()
				f.sql("alter system reset default_transaction_read_only")
				f.sql("select pg_reload_conf()")
			}},
			nemesis{"the disk is full", func(f *fault) { f.fullDisk() }},
			nemesis{"300 instances at once", func(f *fault) { f.crowd(300) }},
		)
	}
	return all
}

// every does something again and again while the fault lasts.
func (f *fault) every(pause time.Duration, do func()) {
	for end := time.Now().Add(f.lasts); time.Now().Before(end) && f.load.ctx.Err() == nil; f.load.pause(pause) {
		do()
	}
}

// resumePooler has the pooler try the server at once, which it would do only some seconds after a failure.
func (f *fault) resumePooler() {
	if f.pooler != nil {
		f.pooler.Kill()
	}
}

// answersAgain waits for the first answer of an instance that is at Postgres itself.
func (f *fault) answersAgain() {
	begun := time.Now()
	for f.load.ctx.Err() == nil && !f.call(f.instances[0].url, person{developer, "prober"}, http.MethodGet, "/api/conversations/list", nil).ok() {
		f.load.pause(20 * time.Millisecond)
	}
	f.counts.longest("until an answer when Postgres was back", time.Since(begun))
}

// neverStored sends messages, once each, of which none can be stored: nothing has a way to Postgres. Each must be 503.
func (f *fault) neverStored(why string, n int) {
	for i := range n {
		id := f.conversed[f.random.IntN(len(f.conversed))]
		s := f.draft(person{developer, "prober"}, id, "never-"+why, f.random)
		a := f.sendOnce(s, f.instances[i%len(f.instances)].url, nil)
		f.refusedBeforeCommit(s, a, why)
	}
}

// refusedBeforeCommit notes that a send was answered before anything can have been stored.
func (f *fault) refusedBeforeCommit(s *Send, a answer, why string) {
	if a.ok() {
		f.history.broken("%s: a send was answered %d though nothing could be stored", why, a.status)
		return
	}
	f.history.mu.Lock()
	s.Never = true
	f.history.mu.Unlock()
	f.counts.add("sends that were refused before the commit", 1)
	if a.status == http.StatusServiceUnavailable {
		f.counts.longest("503 "+why, a.Ended.Sub(a.Begun))
	}
}

// lock holds a conversation's row for longer than anybody waits for it.
func (f *fault) lock() {
	ctx := f.world.t.Context()
	const id = "locked"
	first := f.draft(person{client, id}, id, "first", f.random)
	for f.load.ctx.Err() == nil && !f.sendOnce(first, f.anywhere(f.random), nil).ok() {
		f.load.pause(100 * time.Millisecond)
	}
	tx, err := f.past.Begin(ctx)
	if err != nil {
		return
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(ctx, "select from chat.conversation where client_id = $1 for update", id); err != nil {
		return
	}
	var all sync.WaitGroup
	for i := range 4 {
		s := f.draft(person{developer, "prober"}, id, "never-locked", f.random)
		at := f.instances[i%len(f.instances)].url
		all.Go(func() { f.refusedBeforeCommit(s, f.sendOnce(s, at, nil), "locked") })
	}
	all.Wait()
	f.load.pause(time.Second) // what was sent late ends behind the lock, too
}

// poison has Pusher refuse every event of one conversation for good, while others' are taken. In the end its events have
// come to the end of their lives.
func (f *fault) poison() {
	id := fmt.Sprintf("poisoned-%d", f.random.IntN(1000))
	f.history.mu.Lock()
	f.poisoned[id] = true
	f.history.mu.Unlock()
	f.everyPusher(func(p pusherProxy) {
		p.Decide(func(_ *http.Request, body []byte) (int, string, bool) {
			return http.StatusRequestEntityTooLarge, "too large", !strings.Contains(string(body), id)
		})
	})
	f.every(200*time.Millisecond, func() {
		s := f.draft(person{client, id}, id, "poison", f.random)
		f.sendOnce(s, f.anywhere(f.random), nil)
	})
	f.everyPusher(func(p pusherProxy) { p.Decide(nil) })
}

// crons has fifty of them work off a backlog at once.
func (f *fault) crons() {
	f.everyPusher(func(p pusherProxy) { p.Refuse(true); p.Cut() })
	f.wait()
	f.everyPusher(func(p pusherProxy) { p.Refuse(false) })
	f.sql("update chat.outbox set due_at = clock_timestamp() where not refused")
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { f.cron(f.instances[i%len(f.instances)].url) })
	}
	all.Wait()
}

// cron calls the cron's function.
func (w *world) cron(at string) answer {
	return w.call(at, person{}, http.MethodGet, "/api/cron/deliver", nil)
}

// jump sets the database's clock forward and back, as seen from what is stored: that is older or younger than it was.
func (f *fault) jump() {
	for _, jump := range []string{"1 hour", "-1 hour"} {
		f.sql(`update chat.outbox set due_at = due_at - $1::interval, created_at = created_at - $1::interval`, jump)
		f.sql(`update chat.conversation set rate_at = rate_at - $1::interval, last_seen_at = last_seen_at - $1::interval where client_id = any($2)`, jump, f.conversed)
		f.wait()
	}
}

// dies kills a process at a point of a call.
func (f *fault) dies(at point) {
	p := f.victim
	for begun := time.Now(); f.load.ctx.Err() == nil && time.Since(begun) < f.lasts; {
		s := f.draft(f.somebody(), f.conversed[f.random.IntN(len(f.conversed))], "killed", f.random)
		release, answered, reached := p.reach(at, s)
		p.kill()
		release()
		a := answered()
		p.start()
		if !reached {
			continue
		}
		f.counts.add("killed: "+at.name, 1)
		if a.ok() {
			f.history.broken("%s was answered by a process that was killed: %s", s.Key, at.name)
		}
		if !at.stored {
			f.refusedBeforeCommit(s, a, "killed")
			continue
		}
		if f.random.IntN(2) == 0 { // else it is sent again in the end
			f.sendOnce(s, f.anywhere(f.random), nil)
		}
	}
}

// freezes freezes a process at a point of a call, and has it go on later. What it was connected to may have gone
// meanwhile.
func (f *fault) freezes(at point) {
	p := f.victim
	s := f.draft(f.somebody(), f.conversed[f.random.IntN(len(f.conversed))], "frozen", f.random)
	release, answered, reached := p.reach(at, s)
	if reached {
		p.signal(syscall.SIGSTOP)
		f.counts.add("frozen: "+at.name, 1)
		f.wait()
		switch f.random.IntN(4) {
		case 0:
			p.postgres.Cut()
		case 1:
			p.postgres.BlackHole()
		case 2:
			p.toPusher.CloseIdle()
		}
		p.signal(syscall.SIGCONT)
	}
	release()
	answered()
	p.postgres.Cut()
}

// somebody is a developer who sends nothing else.
func (f *fault) somebody() person {
	return person{developer, fmt.Sprint("witness-", f.random.IntN(3))}
}

// crowd has so many instances that were never called before send at the same time, each with a connection of its own, of
// which Postgres has twenty.
func (f *fault) crowd(n int) {
	var all sync.WaitGroup
	handler := serve.Handler()
	for i := range n {
		s := f.draft(person{developer, fmt.Sprint("crowd-", i%7)}, f.conversed[i%len(f.conversed)], "crowd", f.random)
		all.Go(func() {
			a := f.newApp(f.direct.URL())
			defer a.Close()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handler.ServeHTTP(w, r.WithContext(app.NewContext(r.Context(), a)))
			}))
			defer server.Close()
			got := f.sendOnce(s, server.URL, nil)
			f.counts.longest("of a crowd", got.Ended.Sub(got.Begun))
			if got.ok() {
				f.counts.add("a crowd's sends stored at once", 1)
			} else {
				f.counts.add("a crowd's sends refused at first", 1)
			}
		})
	}
	all.Wait()
}

// fullDisk leaves no space for the tables. If this account may not make a disk that is full, every statement that stores
// something fails as it would.
func (f *fault) fullDisk() {
	if f.disk != nil {
		f.disk.fill()
		f.counts.add("disks that were full", 1)
		f.wait()
		f.disk.empty()
		return
	}
	f.sql(`create or replace function public.no_space() returns trigger language plpgsql as $$ begin
		raise exception using errcode = '53100', message = 'could not extend file: No space left on device'; end $$`)
	for _, table := range changing {
		f.sql("create trigger no_space before insert or update on chat." + table + " for each statement execute function public.no_space()")
	}
	f.neverStored("disk", 4)
	f.wait()
	for _, table := range changing {
		f.sql("drop trigger no_space on chat." + table)
	}
}

// changing are the tables that every change writes.
var changing = []string{"conversation", "message", "outbox"}

// onDisk moves the tables to a disk of their own, if this account may make one.
func (w *world) onDisk() {
	if w.disk = newDisk(w.t); w.disk == nil {
		w.t.Logf("a full disk is only imitated: this account may not mount one")
		return
	}
	w.sql("create tablespace own location '" + w.disk.tablespace() + "'")
	for _, table := range changing {
		w.sql("alter table chat." + table + " set tablespace own")
	}
	w.sql("alter index all in tablespace pg_default set tablespace own")
}
