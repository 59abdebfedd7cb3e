package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/joho/godotenv"

	"devinbox/internal/dev"
	"devinbox/internal/doctor"
	"devinbox/pkg/config"
)

// project is the checkout that a command works in.
type project struct {
	folder       string
	read         []string          // which of .env and .env.local are there
	files        map[string]string // what .env.local and .env say
	from         map[string]string // which of the two says it
	placeholders map[string]string // what .env.example says, which is not meant
}

// openProject finds the project that the working folder lies in, and reads its environment files.
func openProject() (*project, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if exists(filepath.Join(folder, "vercel.json")) {
			break
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return nil, errors.New("this folder is not in a devinbox project: neither it nor a folder above it has a vercel.json. Run this in your checkout of devinbox, or in the app that devinbox add was run in")
		}
		folder = parent
	}
	p := &project{folder: folder, files: map[string]string{}, from: map[string]string{}}
	if p.placeholders, err = readVariables(folder, ".env.example"); err != nil {
		return nil, err
	}
	for _, name := range []string{".env", ".env.local"} { // the later one wins
		values, err := readVariables(folder, name)
		if err != nil {
			return nil, err
		}
		if values != nil {
			p.read = append(p.read, name)
		}
		for variable, value := range values {
			if _, already := p.files[variable]; already && value != "" && value == p.placeholders[variable] {
				continue // it is not meant, so it does not hide what .env says
			}
			p.files[variable], p.from[variable] = value, name
		}
	}
	return p, nil
}

// readVariables reads one of the project's environment files; it is nil if that is not there. The error names the line, and
// nothing in it.
func readVariables(folder, name string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	values, err := godotenv.UnmarshalBytes(text)
	if err == nil {
		return values, nil
	}
	// The fault is in the first line after the longest part that can be read: a value in quotation marks may have several lines.
	lines := bytes.SplitAfter(text, []byte("\n"))
	good := len(lines)
	for ; good > 0; good-- {
		if _, err := godotenv.UnmarshalBytes(bytes.Join(lines[:good], nil)); err == nil {
			break
		}
	}
	return nil, fmt.Errorf("%s cannot be read: line %d is not NAME=value", name, good+1)
}

// lookup is the environment: what is set in the process, then .env.local, then .env. What .env.example has in a
// variable's place counts as not set.
func (p *project) lookup(name string) string {
	for _, value := range []string{os.Getenv(name), p.files[name]} {
		if value != "" && value != p.placeholders[name] {
			return value
		}
	}
	return ""
}

// set are the names of all variables that have a value, devinbox's or not, sorted: those of the process, .env.local and .env.
func (p *project) set() []string {
	names := slices.Collect(maps.Keys(p.files))
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return os.Getenv(name) == "" && p.files[name] == "" })
}

// origin is the file that a variable's value comes from, or "" if the process has set it or nobody has.
func (p *project) origin(name string) string {
	if os.Getenv(name) != "" && os.Getenv(name) != p.placeholders[name] {
		return ""
	}
	return p.from[name]
}

// isPlaceholder tells whether all that is said of a variable is what .env.example says.
func (p *project) isPlaceholder(name string) bool {
	example := p.placeholders[name]
	return example != "" && p.lookup(name) == "" && (os.Getenv(name) == example || p.files[name] == example)
}

// unchanged are the variables that are placeholders, sorted, each with the file that it is in.
func (p *project) unchanged() []string {
	var found []string
	for _, name := range config.Names() {
		if p.isPlaceholder(name) && p.files[name] != "" {
			found = append(found, name+" (in "+p.from[name]+")")
		} else if p.isPlaceholder(name) {
			found = append(found, name)
		}
	}
	return found
}

// load is [config.Load] with the file that each variable comes from in what is said of it.
func (p *project) load(lookup func(string) string) (config.Config, error) {
	c, err := config.Load(lookup)
	for _, fault := range []*error{&c.DatabaseFaults, &c.MigrationFaults, &c.PusherFaults, &c.CronFault, &c.WebhookFaults, &c.FilesFaults, &err} {
		*fault = p.located(*fault)
	}
	return c, err
}

// located names, with the variables of faults, the files that they come from.
func (p *project) located(err error) error {
	switch e := err.(type) {
	case config.Fault:
		e.Variable = p.named(e.Variable)
		return e
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, p.located(one))
		}
		return errors.Join(all...)
	default:
		return err
	}
}

// named is a variable's name with the file that its value comes from.
func (p *project) named(variable string) string {
	if file := p.origin(variable); file != "" && p.lookup(variable) != "" {
		return variable + " (in " + file + ")"
	}
	return variable
}

// unreachable says of a database that lets nobody in which variable names it, and what helps. Another error stays as it is.
func (p *project) unreachable(variable string, err error) error {
	var failed *pgconn.ConnectError
	if !errors.As(err, &failed) || errors.Is(err, context.Canceled) {
		return err
	}
	whose := "that dev has started"
	if p.lookup(variable) != "" {
		whose = "of " + p.named(variable)
	}
	what, remedy := doctor.Unreachable(failed)
	return fmt.Errorf("the database %s %s. %s", whose, what, remedy)
}

// lines are what .env.local and .env say, as sorted KEY=value lines without what the process has set.
func (p *project) lines() []string {
	var lines []string
	for name := range p.files {
		if value := p.lookup(name); value != "" && value != os.Getenv(name) {
			lines = append(lines, name+"="+value)
		}
	}
	slices.Sort(lines)
	return lines
}

// data is the folder in which the project's local stack keeps its data: the one given, or the default.
func (p *project) data(given string) (string, error) {
	if given == "" {
		return dev.DataFolder(p.folder)
	}
	if err := checkData(given); err != nil {
		return "", err
	}
	return filepath.Abs(given)
}

// checkData finds fault with what --data says.
func checkData(given string) error {
	if info, err := os.Stat(given); given != "" && err == nil && !info.IsDir() {
		return usage("--data must be a folder, and %s is a file", given)
	}
	return nil
}

// isCheckout tells whether the project is a checkout of devinbox, and not an app that the functions were added to.
func (p *project) isCheckout() bool { return exists(filepath.Join(p.folder, "cmd", "devinbox")) }

// program is how this program is called in the project's folder.
func (p *project) program() string {
	if p.isCheckout() {
		return "go run ./cmd/devinbox"
	}
	return outside(builtVersion())
}

// workspace is the folder of the browser's side, which may not be there.
func (p *project) workspace() string { return filepath.Join(p.folder, "web") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
