package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"devinbox/internal/dev/folder"
)

func TestAFolderIsFilledOnceAndNobodySeesAPartOfIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "above", "made")
	failure := errors.New("it cannot be filled")
	half := func(part string) error {
		return errors.Join(os.Mkdir(part, 0o700), os.WriteFile(filepath.Join(part, "half"), nil, 0o600), failure)
	}
	if err := folder.Once(t.Context(), dir, half); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if entries, err := filepath.Glob(dir + "*"); err != nil || len(entries) != 1 || entries[0] != dir+".lock" {
		t.Fatalf("%q %v", entries, err)
	}
	if err := os.MkdirAll(filepath.Join(dir+".part", "left by a process that was killed"), 0o700); err != nil {
		t.Fatal(err)
	}
	var fills atomic.Int32
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			err := folder.Once(t.Context(), dir, func(part string) error {
				fills.Add(1)
				return os.Mkdir(part, 0o700)
			})
			if _, missing := os.Stat(dir); err != nil || missing != nil {
				t.Error(err, missing)
			}
		})
	}
	working.Wait()
	if entries, err := os.ReadDir(dir); fills.Load() != 1 || err != nil || len(entries) != 0 {
		t.Errorf("filled %d times, with %q: %v", fills.Load(), entries, err)
	}
}
