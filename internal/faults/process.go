package faults

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/wire"
)

// process is an instance that is a process of its own, so that it can die and freeze. Whatever it says to others, and
// whatever is said to it, goes through a proxy.
type process struct {
	w        *world
	name     string
	postgres *wire.Postgres
	toPusher *wire.HTTP
	front    *wire.HTTP

	mu      sync.Mutex
	command *exec.Cmd
	ended   chan struct{}
}

// startProcess starts an instance as a process of its own, which ends with the world.
func (w *world) startProcess(name string) *process {
	port, err := freePort()
	if err != nil {
		w.t.Fatal(err)
	}
	p := &process{w: w, name: name}
	p.postgres = wire.NewPostgres(w.t, testdb.Deployed(w.t, w.database))
	p.toPusher = wire.NewHTTP(w.t, w.pusherURL)
	p.front = wire.NewHTTP(w.t, "http://"+net.JoinHostPort("127.0.0.1", port))
	w.t.Cleanup(p.kill)
	p.start()
	return p
}

// allProcesses are those that serve everybody, and the victim.
func (w *world) allProcesses() []*process {
	if w.victim == nil {
		return w.processes
	}
	return append(slices.Clone(w.processes), w.victim)
}

// freePort finds a port below those that the system gives out by itself, so that nobody takes it meanwhile.
func freePort() (string, error) {
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("there is no free port")
}

// url is where it is called.
func (p *process) url() string { return p.front.URL() }

// start starts it, and waits until it serves.
func (p *process) start() {
	command := exec.Command(p.w.options.Program, "serve")
	command.Env = []string{"PORT=" + p.front.TargetPort(), "HOME=" + os.Getenv("HOME")}
	for name, value := range p.w.settings(p.postgres.URL(), p.toPusher) {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Env = append(command.Env, p.w.options.Environment...)
	command.Stdout, command.Stderr = p.w.faultLog, p.w.faultLog
	command.SysProcAttr = endsWithParent()
	if err := command.Start(); err != nil {
		p.w.t.Fatalf("%s serve: %v", p.w.options.Program, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		command.Wait()
	}()
	p.mu.Lock()
	p.command, p.ended = command, ended
	p.mu.Unlock()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", p.front.TargetPort()))
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			p.w.t.Fatalf("%s serve ended at once: %v", p.w.options.Program, command.ProcessState)
		default:
		}
		if time.Now().After(deadline) {
			p.w.t.Fatalf("%s serve does not listen", p.w.options.Program)
		}
	}
}

// kill ends it as a crash does, together with its connections, as the system of a machine does that is lost.
func (p *process) kill() {
	p.mu.Lock()
	command, ended := p.command, p.ended
	p.mu.Unlock()
	if command == nil {
		return
	}
	command.Process.Kill()
	<-ended
	p.postgres.Cut()
	p.toPusher.Cut()
	p.front.Cut()
}

// signal freezes it (SIGSTOP) or has it go on (SIGCONT).
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.command.Process.Signal(s); err != nil {
		p.w.t.Errorf("%v to %s: %v", s, p.name, err)
	}
}

// point is a place in the work of a call at which an instance can die or freeze: it is reached by stalling what comes
// next.
type point struct {
	name   string
	stored bool // whether the call has been committed by then
	stall  func(p *process) (stalled <-chan struct{}, release func())
}

// points are those between receive, commit, announcement, acknowledgement and answer.
var points = []point{
	{"received, not committed", false, func(p *process) (<-chan struct{}, func()) { return p.postgres.Hold("chat.send_v", false) }},
	{"committed, not known", true, func(p *process) (<-chan struct{}, func()) { return p.postgres.Hold("chat.send_v", true) }},
	{"known, not announced", true, func(p *process) (<-chan struct{}, func()) { return p.toPusher.HoldRequests() }},
	{"announced, not known", true, func(p *process) (<-chan struct{}, func()) { return p.toPusher.HoldAnswers() }},
	{"known, not acknowledged", true, func(p *process) (<-chan struct{}, func()) { return p.postgres.Hold("chat.acknowledge_v", false) }},
	{"acknowledged, not answered", true, func(p *process) (<-chan struct{}, func()) { return p.front.HoldAnswers() }},
}

// reach makes a call at a process, and returns when the call has come to a point, with what lets it go on, and with
// what waits for its answer. It is false if the call did not get there.
func (p *process) reach(at point, s *Send) (release func(), answered func() answer, reached bool) {
	stalled, release := at.stall(p)
	done := make(chan answer, 1)
	go func() { done <- p.w.sendOnce(s, p.url(), nil) }()
	answered = func() answer { return <-done }
	select {
	case <-stalled:
		return release, answered, true
	case a := <-done: // something else failed before
		release()
		return release, func() answer { return a }, false
	case <-time.After(callTimeout):
		release()
		return release, answered, false
	}
}
