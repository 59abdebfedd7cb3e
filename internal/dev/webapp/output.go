package webapp

import (
	"bytes"
	"io"
	"os"
	"regexp"
)

// addressLine matches where Next.js says that it listens, coloured or not. That is for this program alone: pages belong to
// the address that devinbox dev prints, where the functions are too.
var addressLine = regexp.MustCompile(`^(?:\x1b\[[0-9;]*m|[\s-])*(?:Local|Network):(?:\x1b\[[0-9;]*m|\s)+https?://\S+\s*$`)

// isTerminal tells whether somebody sees colours there. Next.js itself sees a pipe.
func isTerminal(output io.Writer) bool {
	file, is := output.(*os.File)
	if !is {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// withoutAddresses passes on what Next.js prints, line by line, without the lines that name its own address.
func withoutAddresses(to io.Writer) *lines { return &lines{to: to} }

// lines passes whole lines on.
type lines struct {
	to   io.Writer
	held []byte // the beginning of a line whose end has not come
}

// longestHeld is how much of a line is held back at most: an address is shorter.
const longestHeld = 1 << 10

// Write implements [io.Writer].
func (l *lines) Write(text []byte) (int, error) {
	l.held = append(l.held, text...)
	var pass []byte
	for {
		end := bytes.IndexByte(l.held, '\n') + 1
		if end == 0 {
			break
		}
		if !addressLine.Match(l.held[:end]) {
			pass = append(pass, l.held[:end]...)
		}
		l.held = l.held[end:]
	}
	if len(l.held) > longestHeld {
		pass, l.held = append(pass, l.held...), nil
	}
	if len(pass) > 0 {
		if _, err := l.to.Write(pass); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

// flush passes on what is held back: no more of it comes.
func (l *lines) flush() {
	_, _ = l.to.Write(l.held) // of a process that has ended
	l.held = nil
}
