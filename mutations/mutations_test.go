package mutations_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = ".."

var named = regexp.MustCompile(`(?m)^Test: \./(\S+) (Test\S+)$`)

// The script finds out whether the tests notice, which takes minutes. This checks quickly that it can.
func TestEveryMutationAppliesAndNamesItsTests(t *testing.T) {
	t.Parallel()
	patches, err := filepath.Glob("*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("%q, %v", patches, err)
	}
	for _, patch := range patches {
		text, err := os.ReadFile(patch)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\ndiff --git ")
		if title, _, _ := strings.Cut(head, "\n"); !strings.HasSuffix(title, ".") {
			t.Errorf("%s does not begin with what it takes away", patch)
		}
		tests := named.FindAllStringSubmatch(head, -1)
		if len(tests) == 0 {
			t.Errorf("%s names no test", patch)
		}
		for _, test := range tests {
			if !declares(t, filepath.Join(root, test[1]), test[2]) {
				t.Errorf("%s: %s has no %s", patch, test[1], test[2])
			}
		}
		apply := exec.Command("git", "apply", "--check", filepath.Join("mutations", patch))
		apply.Dir = root
		if out, err := apply.CombinedOutput(); err != nil {
			t.Errorf("%s no longer applies: %s", patch, out)
		}
	}
}

// declares tells whether a package has this test.
func declares(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(t *testing.T) {") {
			return true
		}
	}
	return false
}
