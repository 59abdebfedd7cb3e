// Command rename gives a copy of this project the names of its new owner: the path of the Go module, in every import, and
// the name of the npm package. Run it in the project's folder, on a clean checkout:
//
//	go run ./internal/tools/rename --module github.com/acme/chat --package @acme/chat
//
// The command and the schema of the database keep their names. It can be run again, even to undo the change.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	module := flag.String("module", "", "the new path of the Go module, such as github.com/acme/chat")
	pkg := flag.String("package", "", "the new name of the npm package, such as @acme/chat")
	flag.Parse()
	changed, err := rename(".", *module, *pkg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files were changed. `npm run format` in web/ breaks lines anew; then go test ./...\n", changed)
}

var (
	// A module that others fetch begins with the name of a host, and so with a dot in it.
	modulePath  = regexp.MustCompile(`^([a-z0-9-]+\.[a-z0-9.-]+(/[A-Za-z0-9._~-]+)+|devinbox)$`)
	packageName = regexp.MustCompile(`^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$`)
)

// made are the folders of what is made of the sources, or is no source.
var made = map[string]bool{".git": true, "node_modules": true, ".next": true, "dist": true, ".vercel": true, "test-results": true}

// rename changes the names in the project in a folder, and tells how many files it changed. An empty name stays as it is.
func rename(root, module, pkg string) (changed int, err error) {
	if module == "" && pkg == "" {
		return 0, errors.New("which names? --module and --package say them")
	}
	if module != "" && !modulePath.MatchString(module) {
		return 0, errors.New("--module must be the path of a module, such as github.com/acme/chat")
	}
	if pkg != "" && !packageName.MatchString(pkg) {
		return 0, errors.New("--package must be the name of an npm package, such as @acme/chat")
	}
	oldModule, oldPackage, err := names(root)
	if err != nil {
		return 0, err
	}
	if module == "" {
		module = oldModule
	}
	if pkg == "" {
		pkg = oldPackage
	}
	inGo := strings.NewReplacer(`"`+oldModule+"/", `"`+module+"/", "module "+oldModule+`"`, "module "+module+`"`)
	inText := strings.NewReplacer(
		oldPackage, pkg,
		archive(oldPackage)+"-0", archive(pkg)+"-0", // what npm pack makes, with the beginning of its version
	)
	own := filepath.Join(root, "internal", "tools", "rename") // its examples are no names of this project
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (made[entry.Name()] || name == own):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 { // a picture
			return err
		}
		next := inText.Replace(string(text))
		switch base := filepath.Base(name); {
		case base == "go.mod" && filepath.Dir(name) == filepath.Clean(root):
			next = strings.Replace(next, "module "+oldModule+"\n", "module "+module+"\n", 1)
		case strings.HasSuffix(base, ".go"):
			formatted, err := format.Source([]byte(inGo.Replace(next)))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			next = string(formatted)
		case strings.HasSuffix(base, ".patch"), strings.HasSuffix(base, ".go.txt"):
			next = inGo.Replace(next)
		}
		if next == string(text) {
			return nil
		}
		changed++
		return os.WriteFile(name, []byte(next), 0o644) // which keeps the mode of a file that is there
	})
	return changed, err
}

// names are those that the project has now.
func names(root string) (module, pkg string, err error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", "", err
	}
	found := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(text)
	description, err := os.ReadFile(filepath.Join(root, "web", "client", "package.json"))
	if err != nil {
		return "", "", err
	}
	var client struct{ Name string }
	if err := json.Unmarshal(description, &client); err != nil || found == nil || client.Name == "" {
		return "", "", errors.New("go.mod or web/client/package.json does not say its name")
	}
	return string(found[1]), client.Name, nil
}

// archive is how npm pack calls a package's file, before its version.
func archive(pkg string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pkg, "@"), "/", "-")
}
