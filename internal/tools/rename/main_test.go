package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// copyProject copies what git has of the project, and what it would take.
func copyProject(t *testing.T) string {
	t.Helper()
	const project = "../../.."
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = project
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(project, name))
		if os.IsNotExist(err) || strings.HasSuffix(name, ".png") {
			continue // deleted, or a picture
		}
		target := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(target), 0o755)
		}
		if err == nil {
			err = os.WriteFile(target, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAnotherOwnersNamesWorkAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	dir := copyProject(t)
	before := contents(t, dir)
	oldModule, oldPackage, err := names(dir)
	if err != nil {
		t.Fatal(err)
	}
	const module, pkg = "github.com/acme/Chat-1", "@acme/chat"
	if _, err := rename(dir, module, pkg); err != nil {
		t.Fatal(err)
	}
	for name, text := range contents(t, dir) {
		if strings.Contains(text, oldPackage) || strings.HasSuffix(name, ".go") && strings.Contains(text, `"`+oldModule+"/") {
			t.Errorf("%s still has an old name", name)
		}
	}
	// Every import of the program and of the tests is found; the import table and the patches hold.
	for _, arguments := range [][]string{{"list", "-deps", "-test", "./..."}, {"test", "-vet=off", "./pkg", "./mutations"}} {
		command := exec.Command("go", arguments...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", arguments, err, out)
		}
		if !strings.Contains(string(out), module+"/pkg") {
			t.Errorf("go %v: %s", arguments, out)
		}
	}
	// What npm reads of its workspaces agrees.
	var lock struct {
		Packages map[string]struct {
			Name         string
			Link         bool
			Dependencies map[string]string
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "web/package-lock.json"))
	if err == nil {
		err = json.Unmarshal(text, &lock)
	}
	if err != nil || lock.Packages["client"].Name != pkg || !lock.Packages["node_modules/"+pkg].Link || lock.Packages["example"].Dependencies[pkg] == "" {
		t.Errorf("web/package-lock.json does not know %s: %v", pkg, err)
	}

	if _, err := rename(dir, oldModule, oldPackage); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, dir); !maps.Equal(after, before) {
		for name, text := range after {
			if before[name] != text {
				t.Errorf("%s is not what it was", name)
			}
		}
	}
}

func TestANameThatNobodyCanPublishIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, module, pkg, says string }{
		{name: "none", says: "which names?"},
		{name: "a word", module: "chat", says: "--module"},
		{name: "an address", module: "https://github.com/acme/chat", says: "--module"},
		{name: "capitals", pkg: "@Acme/chat", says: "--package"},
		{name: "two scopes", pkg: "@acme/chat/client", says: "--package"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := rename(t.TempDir(), test.module, test.pkg); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
