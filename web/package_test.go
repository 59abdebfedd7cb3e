package web_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"devinbox/internal/testing/clientpackage"
)

func TestThePackageIsMadeFromAFreshCheckoutWithFewTools(t *testing.T) {
	t.Parallel()
	prepare(t, "client", "package.json", "package-lock.json")
	dir := clientpackage.Copy(t, ".")
	// Unlike npm ci, this leaves what is there, so that an example that is running keeps running.
	const install = "npm install --workspace client --no-save"
	if says := "`" + install + " && npm pack --workspace client`"; !strings.Contains(read(t, "client/README.md"), says) {
		t.Errorf("the README does not say %s", says)
	}
	command := append(strings.Fields(install), "--prefer-offline")
	clientpackage.Run(t, dir, command[0], command[1:]...)
	if read(t, "package-lock.json") != read(t, filepath.Join(dir, "package-lock.json")) {
		t.Error("the lock file is another one after the installation")
	}
	if size := sizeOf(t, filepath.Join(dir, "node_modules")); size > 60e6 {
		t.Errorf("what makes the package takes %d MB, want 60 at most", size/1e6)
	}
	archive := clientpackage.Pack(t, dir)
	// Programs that look for what others stumble over: publint at the package, attw at its types.
	clientpackage.Run(t, ".", "node_modules/.bin/publint", "--strict", archive)
	clientpackage.Run(t, ".", "node_modules/.bin/attw", "--profile", "esm-only", archive)

	files := unpack(t, archive)
	scripts := 0
	for name, text := range files {
		if !strings.HasPrefix(name, "dist/") {
			continue
		}
		source := "client/src/" + strings.TrimPrefix(name, "dist/")
		switch {
		case strings.HasSuffix(name, ".js"):
			scripts++
			source := strings.TrimSuffix(source, ".js") + ".ts"
			if got := mapped(t, files[name+".map"]); !strings.HasSuffix(text, "//# sourceMappingURL="+path.Base(name)+".map") || got != read(t, source) {
				t.Errorf("%s does not lead to %s", name, source)
			}
		case !strings.HasSuffix(name, ".d.ts") && !strings.HasSuffix(name, ".js.map"):
			t.Errorf("%s has no business in the package", name)
		}
	}
	if sources, err := filepath.Glob("client/src/*.ts"); err != nil || scripts != len(sources) || scripts == 0 {
		t.Errorf("%d scripts of %d sources (%v)", scripts, len(sources), err)
	}
}

// mapped returns the one source that a source map holds.
func mapped(t *testing.T, text string) string {
	t.Helper()
	var sourceMap struct{ SourcesContent []string }
	if err := json.Unmarshal([]byte(text), &sourceMap); err != nil || len(sourceMap.SourcesContent) != 1 {
		t.Errorf("a source map has %d sources (%v)", len(sourceMap.SourcesContent), err)
		return ""
	}
	return sourceMap.SourcesContent[0]
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unpack returns the files of a package by their names.
func unpack(t *testing.T, archive string) map[string]string {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for entries := tar.NewReader(unzipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(entry.Name, "package/")] = string(text)
	}
}

// sizeOf returns the bytes of all files below a folder.
func sizeOf(t *testing.T, folder string) int64 {
	t.Helper()
	var size int64
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}
