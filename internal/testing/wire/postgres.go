package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/testing/stage"
)

// Postgres is a proxy in front of a Postgres server. It reads the messages of both sides and passes them on unchanged.
// It declines encryption, so that it can read them.
type Postgres struct {
	proxy
	url             *url.URL
	network, server string

	traffic  Traffic
	log      []string
	delay    time.Duration
	lose     int
	loseText string
	hold     *hold
}

// hold is a round trip that is to stall, or stalls.
type hold struct {
	text     string
	answer   bool
	stalled  chan struct{}
	released chan struct{}
	release  sync.Once
}

// wait stalls until it is released, and tells whether the connection is still there.
func (h *hold) wait(c *conn) bool {
	close(h.stalled)
	select {
	case <-h.released:
	case <-c.closed:
	}
	select {
	case <-c.closed:
		return false
	default:
		return true
	}
}

// Traffic is what clients sent to the server. Messages that a fault kept from the server are not counted; connections
// always are.
type Traffic struct {
	Connections int // connections opened, also those that hang
	Cancels     int // connections made only to cancel a statement; not counted in Connections
	RoundTrips  int // Sync and simple Query messages: each makes its sender wait for one answer
	Pings       int // those of RoundTrips that only ask whether the connection lives: Query "-- ping" (pgx) or empty
	Parses      int // Parse messages
	Binds       int // Bind messages
	Executes    int // Execute messages
}

// NewPostgres starts a proxy in front of the server of databaseURL, which is a postgres:// URL. The server must accept
// unencrypted connections, over TCP or (?host=/directory) a Unix socket. It ends with t.
func NewPostgres(t stage.T, databaseURL string) *Postgres {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		t.Fatal("wire.NewPostgres: not a postgres:// URL")
	}
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		t.Fatalf("wire.NewPostgres: %v", err)
	}
	p := &Postgres{url: u}
	p.network, p.server = pgconn.NetworkAddress(config.Host, config.Port)
	p.start(t, p.serve)

	u.Host = p.address
	u.RawQuery = strings.Join(slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(pair string) bool {
		return strings.HasPrefix(pair, "host=") || strings.HasPrefix(pair, "port=")
	}), "&") // not url.Values, which writes a space as +: Postgres takes that as a plus
	return p
}

// URL returns the URL given to NewPostgres, with the proxy instead of the server.
func (p *Postgres) URL() string { return p.url.String() }

// Traffic returns what has been counted since the start or the last Reset.
func (p *Postgres) Traffic() Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traffic
}

// Statements returns the number of round trips except pings. A batch is one; BEGIN and COMMIT are one each.
func (p *Postgres) Statements() int {
	traffic := p.Traffic()
	return traffic.RoundTrips - traffic.Pings
}

// Log returns the SQL text of every Parse and simple Query except pings, in the order of their arrival.
func (p *Postgres) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

// Reset sets Traffic to zero and empties Log. Connections and faults stay as they are.
func (p *Postgres) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traffic, p.log = Traffic{}, nil
}

// BlackHole silences every existing connection and does not end: what either side sends from now on is discarded,
// nothing is closed or reset, and the server keeps its session, with its locks, until Cut or the end of the test. New
// connections are served.
func (p *Postgres) BlackHole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.silent = true
	}
}

// Delay makes every message that arrives from now on wait for d, in each direction: a round trip takes 2*d longer,
// whatever its number of messages. Delay(0) ends it.
func (p *Postgres) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// LoseAnswer drops the answers to the next n round trips whose SQL contains text: the server executes them and is ready
// for more, then the connection is reset instead of answered. The work was done, and the client cannot know. Pings do
// not count. An empty text matches every SQL, and is the only one that matches a prepared statement that runs again,
// which sends no SQL.
func (p *Postgres) LoseAnswer(n int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.loseText = n, text
}

// Hold stalls the next round trip whose SQL contains text: on its way to the server or, if answer is true, after the
// server has done the work, on its way back. stalled is closed when that happens. release lets it go on, or forgets the
// order if nothing has stalled yet; it may be called twice. What stalls on a connection that Cut resets never goes on.
// It replaces an earlier Hold that nothing has met.
func (p *Postgres) Hold(text string, answer bool) (stalled <-chan struct{}, release func()) {
	h := &hold{text: text, answer: answer, stalled: make(chan struct{}), released: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = h
	return h.stalled, func() {
		p.mu.Lock()
		if p.hold == h {
			p.hold = nil
		}
		p.mu.Unlock()
		h.release.Do(func() { close(h.released) })
	}
}

// held takes the order to stall a round trip of this SQL, in this direction. The caller must hold the lock.
func (p *Postgres) held(sql string, answer bool) *hold {
	h := p.hold
	if h == nil || h.answer != answer || !strings.Contains(sql, h.text) {
		return nil
	}
	p.hold = nil
	return h
}

// session is what is known from the messages of one connection so far. The proxy's mutex guards it.
type session struct {
	*conn
	sql  string // the texts of the round trip that the client has not finished sending
	owed []owed // the answers that the server still has to send, oldest first, except the startup's
}

// owed is an answer that the server still has to send: whether to drop it, or to stall it.
type owed struct {
	lost bool
	hold *hold
}

func (p *Postgres) serve(c *conn) {
	fromClient := bufio.NewReader(c.client)
	startup, err := p.startup(c, fromClient)
	if err != nil || !p.wait(c, fromClient) {
		return
	}
	server, err := p.dial(c, p.network, p.server)
	if err != nil {
		p.reset(c)
		return
	}
	s := &session{conn: c}
	var both sync.WaitGroup
	both.Go(func() { p.pump(c, server, fromClient, startup, func(m []byte) bool { return p.request(s, m) }) })
	both.Go(func() { p.pump(c, c.client, server, nil, func(m []byte) bool { return p.answer(s, m) }) })
	both.Wait()
}

// startup declines encryption and returns the client's first message after that, which has no type byte.
func (p *Postgres) startup(c *conn, r *bufio.Reader) ([]byte, error) {
	const (
		cancelRequest = 1234<<16 | 5678 + iota
		sslRequest
		gssEncRequest
	)
	for counted := false; ; counted = true {
		m, err := readMessage(r, 0)
		if err != nil {
			return nil, err
		}
		if len(m) < 8 {
			return nil, fmt.Errorf("a startup message of %d bytes", len(m))
		}
		code := binary.BigEndian.Uint32(m[4:])
		if !counted {
			p.mu.Lock()
			if code == cancelRequest {
				p.traffic.Cancels++
			} else {
				p.traffic.Connections++
			}
			p.mu.Unlock()
		}
		if code != sslRequest && code != gssEncRequest {
			return m, nil
		}
		if !p.wait(c, r) {
			return nil, net.ErrClosed
		}
		if _, err := c.client.Write([]byte{'N'}); err != nil {
			return nil, err
		}
	}
}

// request counts a message of the client, and tells whether to pass it on: whether its connection is still there.
func (p *Postgres) request(s *session, m []byte) bool {
	stall := p.count(s, m)
	return stall == nil || stall.wait(s.conn)
}

// count counts a message of the client. It returns what is to stall it, if anything is.
func (p *Postgres) count(s *session, m []byte) (stall *hold) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ping := false
	switch m[0] {
	case 'P':
		p.traffic.Parses++
		_, text, _ := bytes.Cut(m[5:], []byte{0}) // after the statement's name
		text, _, _ = bytes.Cut(text, []byte{0})
		p.log = append(p.log, string(text))
		s.sql += string(text) + "\n"
		stall = p.held(string(text), false)
	case 'B':
		p.traffic.Binds++
	case 'E':
		p.traffic.Executes++
	case 'Q':
		s.sql = string(bytes.TrimSuffix(m[5:], []byte{0}))
		if ping = s.sql == "-- ping" || s.sql == ""; ping {
			p.traffic.Pings++
		} else {
			p.log = append(p.log, s.sql)
			stall = p.held(s.sql, false)
		}
	}
	if m[0] == 'Q' || m[0] == 'S' {
		p.traffic.RoundTrips++
		lost := !ping && p.lose > 0 && strings.Contains(s.sql, p.loseText)
		if lost {
			p.lose--
		}
		due := owed{lost: lost}
		if !ping {
			due.hold = p.held(s.sql, true)
		}
		s.owed = append(s.owed, due)
		s.sql = ""
	}
	return stall
}

// answer tells whether to pass a message of the server on, and resets the connection after a dropped answer.
func (p *Postgres) answer(s *session, m []byte) bool {
	p.mu.Lock()
	if len(s.owed) == 0 {
		p.mu.Unlock()
		return true
	}
	due := &s.owed[0]
	lost, stall := due.lost, due.hold
	due.hold = nil
	if m[0] == 'Z' { // ReadyForQuery: the answer is complete
		s.owed = s.owed[1:]
		if lost {
			p.resetLocked(s.conn)
		}
	}
	p.mu.Unlock()
	if stall != nil && !stall.wait(s.conn) {
		return false
	}
	return !lost
}

// pump writes first to dst, then each message from src for which pass is true, and closes c when src ends. In a
// black hole it discards everything and closes nothing.
func (p *Postgres) pump(c *conn, dst io.Writer, src io.Reader, first []byte, pass func(m []byte) bool) {
	src = bufio.NewReader(src) // a *bufio.Reader stays as it is
	type parcel struct {
		due     time.Time
		message []byte
	}
	queue := make(chan parcel, 1024) // this many messages may be under way during a delay
	var sending sync.WaitGroup
	sending.Go(func() {
		for next := range queue {
			if wait := time.Until(next.due); wait > 0 {
				select {
				case <-time.After(wait):
				case <-c.closed:
				}
			}
			if _, err := dst.Write(next.message); err != nil {
				p.close(c)
			}
		}
	})
	if first != nil {
		_, delay := p.faults(c)
		queue <- parcel{time.Now().Add(delay), first}
	}
	for {
		m, err := readMessage(src, 1)
		if err != nil {
			break
		}
		if silent, delay := p.faults(c); !silent && pass(m) {
			queue <- parcel{time.Now().Add(delay), m}
		}
	}
	close(queue)
	sending.Wait()
	if silent, _ := p.faults(c); !silent {
		p.close(c)
	}
}

func (p *Postgres) faults(c *conn) (silent bool, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.silent, p.delay
}

// readMessage reads one message: the byte of its type, which a startup message lacks, its length, its body.
func readMessage(r io.Reader, typeBytes int) ([]byte, error) {
	m := make([]byte, typeBytes+4)
	if _, err := io.ReadFull(r, m); err != nil {
		return nil, err
	}
	body := int(int32(binary.BigEndian.Uint32(m[typeBytes:]))) - 4
	if body < 0 {
		return nil, fmt.Errorf("a message of length %d", body+4)
	}
	m = append(m, make([]byte, body)...)
	_, err := io.ReadFull(r, m[typeBytes+4:])
	return m, err
}
