package config

import (
	"errors"
	"slices"
	"strconv"
)

// Server is what the environment says to a process that serves the functions without Vercel. The functions
// themselves do not read it.
type Server struct {
	Port       int  // where to listen
	PoolMax    int  // how many connections to the database it may open
	TrustProxy bool // whether a proxy in front of the process sets the forwarding headers itself
}

const (
	defaultPort    = 3000
	defaultPoolMax = 10
	maxPoolMax     = 1000
)

// LoadServer reads a Server as [Load] reads a Config. The error joins one [Fault] for each variable that is malformed.
func LoadServer(lookup func(name string) string) (Server, error) {
	s := Server{Port: defaultPort, PoolMax: defaultPoolMax}
	e := newEnvironment(lookup)
	e.number(&s.Port, "PORT", 65535)
	e.number(&s.PoolMax, "DATABASE_POOL_MAX", maxPoolMax)
	e.isTrue(&s.TrustProxy, "CHAT_TRUST_PROXY")
	return s, errors.Join(e.faults...)
}

// Names returns the name of every variable that [Load] or [LoadServer] reads, sorted.
func Names() []string {
	var names []string
	note := func(name string) string {
		names = append(names, name)
		return ""
	}
	_, _ = Load(note)
	_, _ = LoadServer(note)
	slices.Sort(names)
	return slices.Compact(names)
}

// number reads a number from 1 to most. If none is set the field stays as it is.
func (e *environment) number(field *int, name string, most int) {
	text := e.read(field, name)
	if text == "" {
		return
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || n > uint64(most) {
		e.fault(field, "must be a number from 1 to "+strconv.Itoa(most))
		return
	}
	*field = int(n)
}
