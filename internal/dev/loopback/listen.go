package loopback

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// Listen takes a port of 127.0.0.1 and the same port of ::1, where this machine has that: a browser may try either for
// localhost, and another account's program must not have the other one. Port 0 takes a free port.
// Errors: syscall.EADDRINUSE if either is taken.
func Listen(port int) (net.Listener, error) {
	for tries := 20; ; tries-- {
		listener, err := listen(port)
		if port != 0 || tries == 0 || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
}

func listen(port int) (net.Listener, error) {
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	port = four.Addr().(*net.TCPAddr).Port
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.Join(err, four.Close())
	}
	if err != nil { // no IPv6 here
		return four, nil
	}
	return &both{Listener: four, six: six, accepted: make(chan accepted), closed: make(chan struct{})}, nil
}

// both are two listeners as one. Its address is that of the first.
type both struct {
	net.Listener
	six      net.Listener
	begin    sync.Once
	accepted chan accepted
	end      sync.Once
	closed   chan struct{}
}

type accepted struct {
	conn net.Conn
	err  error
}

// Accept returns the next connection of either.
func (b *both) Accept() (net.Conn, error) {
	b.begin.Do(func() {
		go b.accept(b.Listener)
		go b.accept(b.six)
	})
	select {
	case a := <-b.accepted:
		return a.conn, a.err
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

func (b *both) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		select {
		case b.accepted <- accepted{conn, err}:
		case <-b.closed:
			if conn != nil {
				conn.Close()
			}
			return
		}
	}
}

// Close closes both.
func (b *both) Close() error {
	b.end.Do(func() { close(b.closed) })
	return errors.Join(b.Listener.Close(), b.six.Close())
}
