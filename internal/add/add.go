// Package add puts the functions into a Next.js project that is one Vercel project, so that both are deployed together:
// `devinbox add`. It can be run again to update the functions.
package add

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/go-json-experiment/json"
)

// Options say what is added, and to what.
type Options struct {
	Source  fs.FS  // the sources of devinbox: a checkout, or the module as Go has fetched it
	Version string // what is written down as the version of these sources; empty if it is not known, and then nothing is
	Dir     string // the folder of the Next.js project
}

// Result is what was done.
type Result struct {
	Functions []string // the URLs of the functions, sorted
	Written   []string // the files that are new or changed, sorted
	Removed   []string // the files of an earlier run that are not needed any more, sorted
	Notes     []string // what the owner of the project should know, a sentence each
	Upgraded  bool     // whether an earlier run had added the functions
	Recorded  bool     // whether .devinbox.json was written, which is not among Written
}

// Refusal says why nothing was changed: a sentence for each reason, which names the file.
type Refusal struct {
	Reasons []string
}

func (r *Refusal) Error() string {
	return "nothing was changed:\n  " + strings.Join(r.Reasons, "\n  ")
}

// Run adds the functions, or brings them up to date. What the project has of its own stays as it is.
// Errors: a [Refusal], and then nothing was changed; a file that cannot be read or written. After the latter, running it
// again goes on where it ended.
func Run(o Options) (Result, error) {
	root, err := openProject(o.Dir)
	if err != nil {
		return Result{}, err
	}
	defer root.Close()
	files, err := sources(o.Source)
	if err != nil {
		return Result{}, err
	}
	p := &plan{app: root.FS(), write: map[string][]byte{}}
	if err := errors.Join(p.requireNext(), p.readManifest()); err != nil {
		return Result{}, err
	}
	next := manifest{Module: modulePath(files["go.mod"]), Version: o.Version, Files: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		next.Files[name] = digest(files[name])
		p.place(name, files[name])
	}
	p.takeAway(next.Files)
	var functions []string
	for name := range files {
		if url, is := functionURL(name); is {
			functions = append(functions, url)
		}
	}
	slices.Sort(functions)
	if err := p.checkRoutes(functions, files); err != nil {
		return Result{}, err
	}
	next.Merged = p.mergeSettings(o.Source)
	next.Variables = p.mergeVariables(o.Source)
	if len(p.reasons) > 0 {
		return Result{}, &Refusal{p.reasons}
	}
	text, err := next.text()
	if err != nil {
		return Result{}, err
	}
	recorded, err := p.carryOut(root, text)
	if err != nil {
		return Result{}, err
	}
	return Result{
		Functions: functions, Written: slices.Sorted(maps.Keys(p.write)), Removed: p.remove, Notes: p.notes,
		Upgraded: p.former.Files != nil, Recorded: recorded,
	}, nil
}

// openProject opens the folder of a project. It says in plain words why a path is none.
func openProject(dir string) (*os.Root, error) {
	const example = "give the folder of your Next.js project, such as ../my-app"
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s: %s", dir, example)
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder: %s", dir, example)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be opened: %w", dir, errors.Unwrap(err))
	}
	return root, nil
}

// plan is what is to be done to a project, and why it must not be done.
type plan struct {
	app     fs.FS
	former  manifest // of the last run; empty at the first one
	write   map[string][]byte
	remove  []string
	reasons []string
	notes   []string
}

func (p *plan) refuse(format string, arguments ...any) {
	p.reasons = append(p.reasons, fmt.Sprintf(format, arguments...))
}

// read is a file of the project, or nil if there is none. What cannot be read, and what is no file, such as a link out of
// the project, is a reason to refuse.
func (p *plan) read(name string) []byte {
	if info, err := fs.Lstat(p.app, name); err == nil && !info.Mode().IsRegular() {
		p.refuse("%s is there already, and is not a file", name)
		return nil
	}
	text, err := fs.ReadFile(p.app, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.refuse("%s cannot be read: %v", name, errors.Unwrap(err))
	}
	return text
}

// requireNext refuses a folder that is not a Next.js project.
func (p *plan) requireNext() error {
	var description struct {
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	text := p.read("package.json")
	if text == nil {
		return &Refusal{[]string{"there is no package.json in this folder, so it is not a Next.js project: give the folder that holds the project's package.json"}}
	}
	if err := json.Unmarshal(text, &description); err != nil {
		return &Refusal{[]string{"package.json is not JSON"}}
	}
	if description.Dependencies["next"] == "" && description.DevDependencies["next"] == "" {
		return &Refusal{[]string{"package.json does not name next, so this is not a Next.js project: in a monorepo, give the app's own folder"}}
	}
	return nil
}

// place plans to write a file, unless somebody else's work is there.
func (p *plan) place(name string, text []byte) {
	there := p.read(name)
	former, ours := p.former.Files[name]
	switch {
	case there == nil:
		p.write[name] = text
	case bytes.Equal(there, text):
	case name == "go.sum" && ours: // the go command, and so a local `vercel build`, takes lines out that it does not need
		if former != digest(text) {
			p.write[name] = text
		}
	case !ours:
		p.refuse("%s is there already, and does not come from devinbox", name)
	case digest(there) != former:
		p.refuse("%s was edited since devinbox wrote it: undo that, or make the change in devinbox and add it from there", name)
	default:
		p.write[name] = text
	}
}

// takeAway plans to delete what an earlier version needed.
func (p *plan) takeAway(needed map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(p.former.Files)) {
		if _, is := needed[name]; is {
			continue
		}
		switch there := p.read(name); {
		case there == nil:
		case digest(there) != p.former.Files[name]:
			p.refuse("%s was edited since devinbox wrote it, and is not needed any more: undo the change, or delete the file", name)
		default:
			p.remove = append(p.remove, name)
		}
	}
}

// carryOut writes and deletes. The manifest comes last: if this is interrupted, another run finds each file either as
// the manifest has it or as it is to be. recorded tells whether the manifest was written.
func (p *plan) carryOut(root *os.Root, manifest []byte) (recorded bool, err error) {
	for _, name := range slices.Sorted(maps.Keys(p.write)) {
		if err := replace(root, name, p.write[name]); err != nil {
			return false, err
		}
	}
	for _, name := range p.remove {
		if err := root.Remove(name); err != nil {
			return false, err
		}
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			if root.Remove(folder) != nil { // it is not empty
				break
			}
		}
	}
	if bytes.Equal(manifest, p.read(manifestName)) {
		return false, nil
	}
	return true, replace(root, manifestName, manifest)
}

// replace writes a file whole or not at all.
func replace(root *os.Root, name string, text []byte) error {
	const part = ".devinbox-part"
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := root.WriteFile(name+part, text, 0o644); err != nil {
		return err
	}
	return root.Rename(name+part, name)
}
