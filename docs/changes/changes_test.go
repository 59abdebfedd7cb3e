// Package changes_test tries the patches of this folder, each of which shows a reader how something is added.
package changes_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"devinbox/internal/dev/webapp"
)

const root = "../.."

// The go command has the tree with the patches in it without a copy of it: what they do not touch is compiled already.
func TestEachPatchAppliesAndItsTestPasses(t *testing.T) {
	t.Parallel()
	if _, err := webapp.Digest(root, "api", "pkg", "public", "docs/questions.md", "go.mod"); err != nil { // what the results depend on
		t.Fatal(err)
	}
	patches, err := filepath.Glob("*.patch")
	if err != nil || len(patches) != 4 {
		t.Fatalf("%q %v", patches, err)
	}
	questions, err := os.ReadFile(filepath.Join(root, "docs/questions.md"))
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	replace := map[string]string{} // by a file's name in the tree, where its patched text is
	var tests []string
	var migrations int
	for _, name := range patches {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(questions), "(changes/"+name+")") {
			t.Errorf("docs/questions.md does not lead to %s", name)
		}
		apply(t, here, text, "--check") // by itself, as a reader does
		touched := regexp.MustCompile(`(?m)^\+\+\+ b/(.*)$`).FindAllStringSubmatch(string(text), -1)
		for _, file := range touched {
			fetch(t, here, tree, file[1])
		}
		apply(t, tree, text)
		for _, file := range touched {
			placed := file[1]
			if strings.Contains(placed, "/migrations/005_") { // all patches together are more than one step
				migrations++
				placed = strings.Replace(placed, "/005_", "/00"+string(rune('4'+migrations))+"_", 1)
			}
			replace[filepath.Join(here, placed)] = filepath.Join(tree, file[1])
		}
		for _, test := range regexp.MustCompile(`(?m)^\+func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests = append(tests, test[1])
		}
	}
	if len(tests) != len(patches) || migrations != 2 {
		t.Fatalf("%d patches have the tests %q and %d migrations", len(patches), tests, migrations)
	}

	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile, program := filepath.Join(tree, "overlay.json"), filepath.Join(tree, "api.test")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "test", "-c", "-overlay", overlayFile, "-ldflags=-s -w", "-o", program, "./api")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the tree with the patches does not build: %v\n%s", err, out)
	}
	fetch(t, here, tree, "vercel.json") // what the tests read from the tree
	fetch(t, here, tree, "public/index.html")
	run := exec.Command(program, "-test.v", "-test.run", "^("+strings.Join(tests, "|")+")$")
	run.Dir = filepath.Join(tree, "api")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, test := range tests {
		if !strings.Contains(string(out), "--- PASS: "+test) {
			t.Errorf("%s did not run:\n%s", test, out)
		}
	}
}

func apply(t *testing.T, dir string, patch []byte, options ...string) {
	t.Helper()
	c := exec.Command("git", append([]string{"apply"}, options...)...)
	c.Dir, c.Stdin = dir, strings.NewReader(string(patch))
	c.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("a patch does not apply: %v\n%s", err, out)
	}
}

// fetch copies a file, if there is one and it is not there already.
func fetch(t *testing.T, from, to, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, name))
	if os.IsNotExist(err) {
		return // the patch brings it
	}
	target := filepath.Join(to, name)
	if _, there := os.Stat(target); there == nil {
		return
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(target), 0o700)
	}
	if err == nil {
		err = os.WriteFile(target, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
