package folder

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// A lock that is held for longer than this is a claim, and not a [Sweep].
const sweepTime = 250 * time.Millisecond

// Claim takes the lock of a file, and writes into the file who has it. If somebody else has it, claimed is nil, and holder
// is what that one has written. It is released when it is closed, which removes the file, and when this process ends.
// Errors: a file that cannot be created, locked or written.
func Claim(path, who string) (claimed io.Closer, holder string, err error) {
	for end := time.Now().Add(sweepTime); ; {
		file, err := openLock(path)
		if err != nil {
			return nil, "", err
		}
		taken, err := try(file)
		switch {
		case err != nil:
			file.Close()
			return nil, "", err
		case taken && isAt(file, path):
			if err := write(file, who); err != nil {
				return nil, "", errors.Join(err, Release(file))
			}
			return claim{file}, "", nil
		case !taken && time.Now().After(end):
			defer file.Close()
			text, err := io.ReadAll(io.LimitReader(file, 1<<10))
			return nil, strings.TrimSpace(string(text)), err
		}
		file.Close()
		time.Sleep(10 * time.Millisecond)
	}
}

func write(file *os.File, who string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(who+"\n"), 0)
	return err
}

type claim struct{ file *os.File }

// Close gives the claim up.
func (c claim) Close() error { return Release(c.file) }
