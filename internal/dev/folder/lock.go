package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Lock waits until nobody else holds the lock of a file, takes it, and returns the file, which is created if it is
// missing. The lock is released when the file is closed, or when this process and every process that inherited the
// file have ended. The file then stays; [Release] removes it.
// Errors: that of the context; a file that cannot be created or locked.
func Lock(ctx context.Context, path string) (*os.File, error) {
	for {
		file, err := openLock(path)
		if err != nil {
			return nil, err
		}
		taken, err := try(file)
		for err == nil && !taken {
			select {
			case <-time.After(50 * time.Millisecond):
				taken, err = try(file)
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err == nil && isAt(file, path) {
			return file, nil
		}
		file.Close()
		if err != nil {
			return nil, err
		}
	}
}

// Release removes a file that [Lock] returned, and closes it. Only the holder of a file's lock removes the file, and
// Lock checks that the file is still there after it has got the lock: so nobody holds the lock of a file that others do
// not find.
func Release(file *os.File) error {
	var err error
	if isAt(file, file.Name()) {
		err = os.Remove(file.Name())
	}
	return errors.Join(err, file.Close())
}

// Sweep removes the files in a folder that match a pattern and whose locks nobody holds, such as those that a crash left.
func Sweep(dir, pattern string) {
	paths, _ := filepath.Glob(filepath.Join(dir, pattern)) // it fails only for a malformed pattern
	for _, path := range paths {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue // it is gone by now, or is another account's
		}
		if taken, err := try(file); err != nil || !taken {
			file.Close()
			continue
		}
		_ = Release(file) // what stays is swept the next time
	}
}

func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := Give(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // it may have been removed since
		file.Close()
		return nil, err
	}
	return file, nil
}

// try takes the lock of a file if it is free.
func try(file *os.File) (taken bool, err error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, &fs.PathError{Op: "lock", Path: file.Name(), Err: err}
		}
	}
}

// isAt tells whether a path still leads to an open file.
func isAt(file *os.File, path string) bool {
	one, err := file.Stat()
	other, err2 := os.Stat(path)
	return err == nil && err2 == nil && os.SameFile(one, other)
}
