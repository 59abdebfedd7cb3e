package add

import (
	"io/fs"
	"path"
	"strings"
)

// sources are the files that a project needs, by their names there: the functions, what they link and embed, and the
// module's files. go.mod and go.sum are copied whole, with requirements of commands that are not copied: so the
// functions get the very versions that devinbox was tested with, and Vercel's builder, which tidies them before it
// builds, finds everything pinned.
func sources(source fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, folder := range []string{"api", "pkg"} {
		err := fs.WalkDir(source, folder, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "testdata":
				return fs.SkipDir
			case entry.IsDir() || strings.HasSuffix(name, "_test.go") || path.Base(name) == "staticcheck.conf":
				return nil
			}
			files[name], err = fs.ReadFile(source, name)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	// The licence asks to go along with the sources. The project may have one of its own.
	for name, as := range map[string]string{"go.mod": "go.mod", "go.sum": "go.sum", "LICENSE": "pkg/LICENSE"} {
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return nil, err
		}
		files[as] = text
	}
	return files, nil
}

// modulePath is what the first line "module …" of a go.mod names.
func modulePath(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "module "); is {
			return strings.TrimSpace(name)
		}
	}
	return ""
}
