package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// uid is the id of the account that owns a path.
func uid(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

// ownersUID is the id of the account that should own folders.
func ownersUID(t *testing.T) uint32 {
	t.Helper()
	owner, err := Owner()
	if err != nil {
		t.Fatal(err)
	}
	if owner == nil {
		return uint32(os.Geteuid())
	}
	return owner.Uid
}

func TestTheFoldersArePrivateAndWithinReachOfTheirOwner(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("XDG_DATA_HOME", "")
	root := os.Geteuid() == 0
	for name, folder := range map[string]func() (string, error){"cache": Cache, "data": Data} {
		dir, err := folder()
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != os.ModeDir|0o700 || uid(t, dir) != ownersUID(t) {
			t.Errorf("%s: %s has mode %v and belongs to %d", name, dir, info.Mode(), uid(t, dir))
		}
		if inHome := strings.HasPrefix(dir, home+"/"); inHome == root {
			t.Errorf("%s: %s is in the user's home: %t, though the user is root: %t", name, dir, inHome, root)
		}
	}
}

func TestRootsFoldersBelongToAnAccountThatIsNotRoot(t *testing.T) {
	t.Parallel()
	owner, err := Owner()
	if err != nil {
		t.Fatal(err)
	}
	if root := os.Geteuid() == 0; root != (owner != nil) || root && owner.Uid == 0 {
		t.Errorf("the owner is %+v, though the user is root: %t", owner, root)
	}
}

func TestMakeTightensAFolderThatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := Make(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v (%v), want 0700", info.Mode(), err)
	}
	for _, name := range []string{"", "file", "link"} {
		if got, want := uid(t, filepath.Join(dir, name)), ownersUID(t); got != want {
			t.Errorf("%q belongs to %d, want %d", name, got, want)
		}
	}
}

func TestALockIsHeldByOneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v while it is held, want %v", err, context.DeadlineExceeded)
	}
	first.Close()
	second, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// Many take turns while the file is removed again and again. If two held it at once, one would find the other's mark.
func TestALockThatIsRemovedIsHeldByOneAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "web-1.lock")
	var inside atomic.Int32
	var turns, together atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				file, err := Lock(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					together.Add(1)
				}
				turns.Add(1)
				runtime.Gosched()
				inside.Add(-1)
				if err := Release(file); err != nil {
					t.Error(err)
				}
				Sweep(dir, "web-*.lock")
			}
		})
	}
	all.Wait()
	if together.Load() != 0 || turns.Load() != 400 {
		t.Errorf("%d of %d turns were two at once", together.Load(), turns.Load())
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

func TestASweepLeavesWhatIsHeldAndWhatIsNoLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := Lock(t.Context(), filepath.Join(dir, "web-held.lock"))
	if err != nil {
		t.Fatal(err)
	}
	claimed, _, err := Claim(filepath.Join(dir, "web-claimed.running"), "somebody")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web-crashed.lock", "web-crashed.running", "other.lock"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (names []string) {
		t.Helper()
		Sweep(dir, "web-*.lock")
		Sweep(dir, "web-*.running")
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	if got, want := left(), []string{"other.lock", "web-claimed.running", "web-held.lock"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := errors.Join(Release(held), claimed.Close()); err != nil {
		t.Error(err)
	}
	if got, want := left(), []string{"other.lock"}; !slices.Equal(got, want) {
		t.Errorf("then %q, want %q", got, want)
	}
}

func TestAClaimNamesItsHolderToWhoeverComesSecond(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "claim")
	first, holder, err := Claim(path, "a process with a long name")
	if err != nil || first == nil || holder != "" {
		t.Fatalf("%v %q %v", first, holder, err)
	}
	if second, holder, err := Claim(path, "another"); err != nil || second != nil || holder != "a process with a long name" {
		t.Errorf("%v %q %v", second, holder, err)
	}
	first.Close()
	third, holder, err := Claim(path, "a third")
	if err != nil || third == nil || holder != "" {
		t.Fatalf("%v %q %v", third, holder, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "a third\n" {
		t.Errorf("%q %v", text, err)
	}
	third.Close()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}
