package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// measuresCPU tells whether this system says how much processor time a process took.
const measuresCPU = true

// tick is the unit of the times in /proc: the kernel shows them in hundredths of a second to every program
// (proc(5), USER_HZ), and has rounded them down.
const tick = time.Second / 100

// usage is what /proc/PID/stat says of a process.
type usage struct {
	parent int
	own    time.Duration // user and system
	ended  time.Duration // of its children that have ended and were waited for
}

// cpuOf is the processor time, user and system, that a process has taken so far.
func cpuOf(pid int) (time.Duration, error) {
	u, err := usageOf(pid)
	return u.own, err
}

// cpuOfFamily is that of a process and all of its children, those that have ended included.
func cpuOfFamily(pid int) (time.Duration, error) {
	u, err := usageOf(pid)
	if err != nil {
		return 0, err
	}
	total := u.own + u.ended
	others, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range others {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return 0, err
		}
		u, err := usageOf(child)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errEnded) {
			continue // it ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		if u.parent == pid {
			total += u.own
		}
	}
	return total, nil
}

var errEnded = errors.New("the process has ended")

func usageOf(pid int) (usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			err = errEnded // ESRCH: it ended while it was read
		}
		return usage{}, err
	}
	// The second field is the program's name in brackets, and may itself hold spaces and brackets.
	rest := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(rest) < 15 {
		return usage{}, fmt.Errorf("/proc/%d/stat cannot be read", pid)
	}
	field := func(n int) int { // as proc(5) counts them; the first behind the name is 3
		value, fault := strconv.Atoi(string(rest[n-3]))
		err = errors.Join(err, fault)
		return value
	}
	u := usage{
		parent: field(4),
		own:    time.Duration(field(14)+field(15)) * tick,
		ended:  time.Duration(field(16)+field(17)) * tick,
	}
	return u, err
}
