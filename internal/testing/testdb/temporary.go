package testdb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"devinbox/internal/dev/folder"
	"devinbox/internal/dev/pgserver"
)

// temporary is a server that ends with this process, even if the process is killed and cannot end it itself.
type temporary struct {
	settings map[string]string // of the server, on top of those that every temporary one has

	mu      sync.Mutex
	dir     string
	release func() // nil while there is nothing to end
}

// throwAway is the server that tests share if none is given.
var throwAway temporary

// watch waits for the end of its input, which comes when the process that holds the other end of the pipe ends. Then it
// ends the server, if there is one, and removes the folder, retrying while the server still writes.
const watch = `
read -r _
kill -QUIT "$(head -n 1 "$2")"
tries=100
until rm -rf "$1" || [ $((tries -= 1)) -eq 0 ]; do sleep 0.2; done`

// start starts the server, for the first time or again.
func (s *temporary) start() (*pgserver.Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release == nil {
		if err := s.prepare(); err != nil {
			return nil, err
		}
		original, err := original()
		if err != nil {
			return nil, err
		}
		if out, err := exec.Command("cp", "-Rp", original+"/.", s.dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("copy the data of an empty server: %w: %s", err, out)
		}
	}
	settings := map[string]string{"max_connections": "300"}
	maps.Copy(settings, s.settings)
	return pgserver.Start(context.Background(), pgserver.Options{Dir: s.dir, NoSync: true, Settings: settings})
}

// prepare creates the folder, and makes sure that it will be removed.
func (s *temporary) prepare() error {
	dir, err := os.MkdirTemp(folder.InMemory(), "devinbox-test-")
	if err != nil {
		return err
	}
	watcher := exec.Command("/bin/sh", "-c", watch, "sh", dir, pgserver.PIDFile(dir))
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a signal to this process's group must not end it
	pipe, err := watcher.StdinPipe()
	if err != nil {
		return err
	}
	if err := watcher.Start(); err != nil {
		return err
	}
	s.dir = dir
	s.release = func() {
		pipe.Close()
		watcher.Wait()
	}
	return nil
}

// original is a folder with the data of an empty server, in the cache. Every server begins with a copy of it, because
// initdb takes ten times as much of a processor as the copy. There is one for each version of Postgres.
var original = sync.OnceValues(func() (dir string, err error) {
	ctx := context.Background()
	which, err := pgserver.Which(ctx, os.Stderr)
	if err != nil {
		return "", err
	}
	cache, err := folder.Cache()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "testdb", fmt.Sprintf("%x", sha256.Sum256([]byte(which))))
	return dir, folder.Once(ctx, dir, func(part string) error {
		made := temporary{} // it ends with this process, even if that is killed
		defer made.end()
		if err := made.prepare(); err != nil {
			return err
		}
		server, err := pgserver.Start(ctx, pgserver.Options{Dir: made.dir, NoSync: true})
		if err != nil {
			return err
		}
		if err := server.Stop(); err != nil {
			return err
		}
		if out, err := exec.Command("cp", "-Rp", made.dir, part).CombinedOutput(); err != nil {
			return fmt.Errorf("keep the data of an empty server: %w: %s", err, out)
		}
		return nil
	})
})

// end ends the server and waits until it and its folder are gone.
func (s *temporary) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release != nil {
		s.release()
		s.release = nil
	}
}
