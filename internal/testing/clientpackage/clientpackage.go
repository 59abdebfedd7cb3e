// Package clientpackage builds the npm package of the browser client, with the same steps as in a fresh checkout.
package clientpackage

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"devinbox/internal/dev/npm"
)

// sources are the files below web/ that the package is made of.
var sources = []string{
	".npmrc", "package.json", "package-lock.json", "tsconfig.base.json",
	"client/package.json", "client/tsconfig.json", "client/tsconfig.build.json", "client/LICENSE", "client/README.md",
}

// Copy copies what the package is made of from the workspace, the folder web/ of this project, and returns the copy.
// Making it there does not disturb who uses the build of the workspace meanwhile. Nothing is installed in it.
func Copy(t *testing.T, workspace string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "client", "src"), os.DirFS(filepath.Join(workspace, "client", "src"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		text, err := os.ReadFile(filepath.Join(workspace, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Pack makes the package in a copy, in which its tools are installed, and returns the path of the archive.
func Pack(t *testing.T, dir string) (archive string) {
	t.Helper()
	Run(t, dir, "npm", "pack", "--workspace", "client")
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("npm pack made %v, want one archive (%v)", archives, err)
	}
	return archives[0]
}

// Run runs a command and returns what it prints. If it fails, the test fails and shows that.
func Run(t *testing.T, dir, name string, arguments ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Dir = dir
	c.Env = npm.Impatient(os.Environ()) // a registry that does not answer fails a test at once
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, &out)
	}
	return out.String()
}
