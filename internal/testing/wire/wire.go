// Package wire has proxies between a program and its dependencies, for tests: one for Postgres and one for an HTTP API.
// Both count the real traffic and make it fail on demand: they refuse, hang, cut, go silent, or lose the answer to a
// request that was processed.
//
// The proxies listen on 127.0.0.1, serve any number of connections, may be used from several goroutines, and end with
// the test that made them. Cut, Refuse and Hang are common to both.
//
// Cleanups run in reverse order: anything made after a proxy (a pgxpool.Pool, whose Close waits for its
// connections) is closed before it. pgx takes up to 15 seconds to close a connection, so call Cut before you close a pool whose
// connections hang or are in a black hole.
package wire

import (
	"bufio"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"devinbox/internal/testing/stage"
)

// proxy is what both proxies have in common: a listener that can refuse, and the open connections.
type proxy struct {
	t       stage.T
	address string
	serve   func(*conn)
	running sync.WaitGroup

	// held is a connection of the proxy with itself. As long as one connection accepted on a port is open, the system
	// gives that port to no other program: it is still ours when Refuse(false) listens again.
	held [2]net.Conn

	mu       sync.Mutex // guards the fields below, every conn, and the fields of Postgres and HTTP that change
	listener net.Listener
	conns    map[*conn]struct{}
	released chan struct{} // closed by Hang(false); nil while nothing hangs
	ended    bool
}

// conn is one connection of a client, and the one to the server that goes with it.
type conn struct {
	client *net.TCPConn
	server net.Conn // nil until dialled
	closed chan struct{}

	silent bool // Postgres: in a black hole
	dead   bool // HTTP: to be reset when the next request arrives
}

// start listens, and runs serve for each connection, until t ends.
func (p *proxy) start(t stage.T, serve func(*conn)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	p.t, p.serve, p.listener, p.address = t, serve, l, l.Addr().String()
	p.conns = map[*conn]struct{}{}
	if p.held[0], err = net.Dial("tcp", p.address); err == nil {
		p.held[1], err = l.Accept()
	}
	if err != nil {
		t.Fatalf("hold the port: %v", err)
	}
	p.running.Go(func() { p.accept(l) })
	t.Cleanup(p.end)
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		c := &conn{client: client.(*net.TCPConn), closed: make(chan struct{})}
		p.mu.Lock()
		if p.ended {
			client.Close()
		} else {
			p.conns[c] = struct{}{}
			p.running.Go(func() {
				defer p.close(c)
				p.serve(c)
			})
		}
		p.mu.Unlock()
	}
}

func (p *proxy) end() {
	p.Refuse(true)
	p.mu.Lock()
	p.ended = true
	for c := range p.conns {
		p.closeLocked(c)
	}
	p.mu.Unlock()
	p.running.Wait()
	p.held[0].Close()
	p.held[1].Close()
}

// Cut resets every existing connection, at once and on both sides: the client gets "connection reset by peer". New
// connections are served. For a server that is gone, call Refuse(true), then Cut.
func (p *proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		p.resetLocked(c)
	}
}

// Refuse(true) makes every new connection fail with "connection refused", until Refuse(false). Existing connections
// stay open.
func (p *proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.listener != nil:
		p.listener.Close()
		p.listener = nil
	case !on && p.listener == nil && !p.ended:
		l, err := net.Listen("tcp", p.address)
		if err != nil {
			p.t.Errorf("listen again: %v", err)
			return
		}
		p.listener = l
		p.running.Go(func() { p.accept(l) })
	}
}

// Hang(true) accepts what comes from now on, and does not answer it until Hang(false): a new connection to Postgres, a
// request over HTTP. Then it continues as if it had just come. If its client has left, it is dropped and never reaches
// the server.
func (p *proxy) Hang(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.released == nil:
		p.released = make(chan struct{})
	case !on && p.released != nil:
		close(p.released)
		p.released = nil
	}
}

// wait returns when nothing hangs, and tells whether the client, read through r, is still there.
func (p *proxy) wait(c *conn, r *bufio.Reader) bool {
	p.mu.Lock()
	released := p.released
	p.mu.Unlock()
	if released == nil {
		return true
	}
	select {
	case <-released:
	case <-c.closed:
		return false
	}
	c.client.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := r.Peek(1)
	c.client.SetReadDeadline(time.Time{})
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded)
}

// dial opens the connection to the server that belongs to c and is closed with it.
func (p *proxy) dial(c *conn, network, address string) (net.Conn, error) {
	server, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-c.closed:
		server.Close()
		return nil, net.ErrClosed
	default:
		c.server = server
		return server, nil
	}
}

func (p *proxy) close(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLocked(c)
}

func (p *proxy) reset(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetLocked(c)
}

func (p *proxy) resetLocked(c *conn) {
	c.client.SetLinger(0)
	p.closeLocked(c)
}

func (p *proxy) closeLocked(c *conn) {
	if _, open := p.conns[c]; !open {
		return
	}
	delete(p.conns, c)
	close(c.closed)
	c.client.Close()
	if c.server != nil {
		c.server.Close()
	}
}
