package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"devinbox/internal/dev/folder"
)

// superuser is the one account of the server.
const superuser = "devinbox"

// cluster is what devinbox keeps in one folder:
//
//	data/          Postgres's own folder; data.part while initdb makes it
//	password       the superuser's
//	postgres.log   what Postgres reports
//	lock           held by the process that starts or stops the server
//	users          held, shared, by every process that uses it
type cluster struct {
	dir      string
	password string
}

func (c *cluster) data() string    { return filepath.Join(c.dir, "data") }
func (c *cluster) pidFile() string { return PIDFile(c.dir) }
func (c *cluster) logFile() string { return filepath.Join(c.dir, "postgres.log") }

// PIDFile returns the file whose first line is the id of the process that serves the folder dir, while there is one.
func PIDFile(dir string) string { return filepath.Join(dir, "data", "postmaster.pid") }

// open creates the folder if it is missing, and waits until nobody else starts or stops a server in it.
func open(ctx context.Context, dir string) (c *cluster, lock *os.File, err error) {
	if dir == "" {
		parent, err := folder.Data()
		if err != nil {
			return nil, nil, err
		}
		dir = filepath.Join(parent, "postgres")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	lockFile := filepath.Join(dir, "lock")
	if _, err := os.Stat(lockFile); err != nil && len(entries) > 0 {
		return nil, nil, fmt.Errorf("the folder %s has other files in it: use an empty folder, or one that does not exist yet", dir)
	}
	if err := folder.Make(dir); err != nil {
		return nil, nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, nil, err
	}
	if lock, err = folder.Lock(ctx, lockFile); err != nil {
		return nil, nil, fmt.Errorf("wait for another process that starts or stops Postgres in %s: %w", dir, err)
	}
	return &cluster{dir: dir}, lock, nil
}

// use records that this process uses the server, until it closes the file or ends.
func (c *cluster) use() (*os.File, error) {
	users, err := os.OpenFile(filepath.Join(c.dir, "users"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(folder.Give(users.Name()), syscall.Flock(int(users.Fd()), syscall.LOCK_SH)); err != nil {
		users.Close()
		return nil, err
	}
	return users, nil
}

// reachable tells whether the account that runs Postgres can enter the folder at all.
func (c *cluster) reachable(ctx context.Context) error {
	cmd, err := command(ctx, "/bin/sh", "-c", ":")
	if err != nil {
		return err
	}
	cmd.Dir = c.dir
	if err := cmd.Run(); errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("Postgres does not run as root, and the account that it runs as cannot reach %s: use a folder outside of root's home", c.dir)
	} else if err != nil {
		return err
	}
	return nil
}

// major is the major version of the Postgres that made the data, or 0 if there is no data.
func (c *cluster) major() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// readPassword reads the superuser's password. It makes one if there is none, and no data that needs the old one.
func (c *cluster) readPassword(data bool) error {
	path := filepath.Join(c.dir, "password")
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		c.password = strings.TrimSpace(string(text))
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case data:
		return fmt.Errorf("the file %s is missing, and without it the data cannot be opened: put it back, or remove the folder to begin with an empty database", path)
	}
	c.password = rand.Text()
	if err := os.WriteFile(path+".part", []byte(c.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := folder.Give(path + ".part"); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// initialise creates the data. If it is killed before it is done, it leaves nothing that could be mistaken for data.
// initdb inherits the lock: if this process ends before initdb, the next one waits for initdb to end.
func (c *cluster) initialise(ctx context.Context, b binaries, lock *os.File, noSync bool, progress io.Writer) error {
	part := c.data() + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	fmt.Fprintf(progress, "Making a database folder in %s with Postgres %d\n", c.dir, b.major)
	args := []string{
		"-D", part, "--username=" + superuser, "--pwfile=" + filepath.Join(c.dir, "password"),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=" + locale, "--no-instructions",
	}
	if noSync {
		args = append(args, "--no-sync")
	}
	cmd, err := command(ctx, filepath.Join(b.dir, "initdb"), args...)
	if err != nil {
		return err
	}
	cmd.ExtraFiles = []*os.File{lock}
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return os.Rename(part, c.data())
}
