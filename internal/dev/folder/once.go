package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Once makes the folder dir by fill, unless it is there, and the one above it by [Make]. fill makes the folder that it is given, on
// the same file system, which is renamed when it is complete: so nobody sees a part of it. Several processes may call Once
// at the same time; one of them fills.
// Errors: those of fill and of the context; a folder that cannot be made.
func Once(ctx context.Context, dir string, fill func(part string) error) error {
	if err := Make(filepath.Dir(dir)); err != nil {
		return err
	}
	lock, err := Lock(ctx, dir+".lock")
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	part := dir + ".part" // a process that was killed may have left one
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := fill(part); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	return os.Rename(part, dir)
}
