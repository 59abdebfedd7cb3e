package faults

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/reliability.md names as a proof has to be there.
func TestEveryProofThatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	err = filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, "_test.go") {
			var source []byte
			if source, err = os.ReadFile(path); err == nil {
				all.Write(source)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, name := range named {
		if !strings.Contains(all.String(), "\nfunc "+name[1]+"(t *testing.T) {") {
			t.Errorf("there is no %s", name[1])
		}
	}
	kinds, err := os.ReadFile("nemesis.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range regexp.MustCompile(`fault “([^”]+)”`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(kinds), `"`+kind[1]+`"`) {
			t.Errorf("there is no fault %q", kind[1])
		}
	}
}
