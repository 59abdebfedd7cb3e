package loopback

import (
	"net"
	"strconv"
)

// Listening is where a server listens. A server that embeds it says so.
type Listening struct{ address *net.TCPAddr }

// ListeningOn returns where a TCP listener listens.
func ListeningOn(l net.Listener) Listening { return Listening{l.Addr().(*net.TCPAddr)} }

// Host returns the host to connect to: loopback if the server listens on every address.
func (l Listening) Host() string {
	if l.address.IP.IsUnspecified() {
		return "127.0.0.1"
	}
	return l.address.IP.String()
}

// Port returns the port to connect to.
func (l Listening) Port() string { return strconv.Itoa(l.address.Port) }

// Address returns host:port. A server that replaces one that was closed can listen there.
func (l Listening) Address() string { return net.JoinHostPort(l.Host(), l.Port()) }

// URL returns http://host:port.
func (l Listening) URL() string { return "http://" + l.Address() }
