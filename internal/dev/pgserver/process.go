package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running postmaster, which may or may not be a child of this process.
type process struct {
	pid, port int
}

// running returns the postmaster that Postgres's own pid file names, if there is one. A file that names a process that
// is not Postgres, as after a restart of the machine, is removed: Postgres would not start beside it.
func (c *cluster) running() (*process, error) {
	text, err := os.ReadFile(c.pidFile())
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// The lines are: process id, data folder, start time, port, ... (PostgreSQL, src/include/utils/pidfile.h).
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 { // it is just being written
		return nil, nil
	}
	pid, errPID := strconv.Atoi(strings.TrimSpace(lines[0]))
	port, errPort := strconv.Atoi(strings.TrimSpace(lines[3]))
	if p := (&process{pid, port}); errPID == nil && errPort == nil && pid > 1 && p.alive() {
		return p, nil
	}
	return nil, os.Remove(c.pidFile())
}

// alive tells whether the process runs postgres. One that has ended, but was not waited for, is not alive.
func (p *process) alive() bool {
	if syscall.Kill(p.pid, 0) != nil {
		return false
	}
	var program string
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid)); err == nil {
		program, _, _ = strings.Cut(string(line), "\x00")
	} else if line, err := exec.Command("ps", "-p", strconv.Itoa(p.pid), "-o", "comm=").Output(); err == nil { // macOS
		program = strings.TrimSpace(string(line))
	}
	return filepath.Base(program) == "postgres"
}

// stop ends the postmaster: with a fast shutdown, which rolls back open transactions and cuts every connection, and if
// that takes over half a minute with an immediate one, after which the next start recovers.
func (p *process) stop() error {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(p.pid, signal); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("stop Postgres, process %d: %w", p.pid, err)
		}
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if !p.alive() {
				return nil
			}
		}
	}
	return fmt.Errorf("Postgres, process %d, does not end", p.pid)
}
