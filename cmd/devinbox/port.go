package main

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
)

const wantedPort = "a number from 0 to 65535"

// port is the value of a flag that names a port.
type port int

func (p *port) String() string { return strconv.Itoa(int(*p)) }
func (p *port) Type() string   { return "port" }

func (p *port) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errors.New("must be " + wantedPort)
	}
	*p = port(n)
	return nil
}

// portFault says why a port cannot be listened on.
func portFault(number int, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port %d is taken: choose another one with --port", number)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %d is not allowed for your account: ports below 1024 are usually only for root. Choose another one with --port, such as 3000", number)
	default:
		var why syscall.Errno
		if errors.As(err, &why) {
			return fmt.Errorf("port %d cannot be used (%w): choose another one with --port", number, why)
		}
		return err
	}
}
