package folder

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
)

// Claim takes the lock of a file without waiting, and writes into the file who has it. If somebody else has it, claimed
// is nil, and holder is what that one has written. It is released when it is closed, and when this process ends.
// Errors: a file that cannot be created, locked or written.
func Claim(path, who string) (claimed io.Closer, holder string, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, "", err
	}
	switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, 1<<10))
		return nil, strings.TrimSpace(string(text)), err
	case err != nil:
		file.Close()
		return nil, "", err
	}
	if err := errors.Join(file.Truncate(0), Give(path)); err != nil {
		file.Close()
		return nil, "", err
	}
	if _, err := file.WriteAt([]byte(who+"\n"), 0); err != nil {
		file.Close()
		return nil, "", err
	}
	return file, "", nil
}
