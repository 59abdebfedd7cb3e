package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/joho/godotenv"

	"devinbox/internal/dev"
)

// project is the checkout that a command works in.
type project struct {
	folder       string
	files        map[string]string // what .env.local and .env say
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
			return nil, errors.New("this is not a folder of the project: there is no vercel.json here or above")
		}
		folder = parent
	}
	p := &project{folder: folder, files: map[string]string{}}
	for _, name := range []string{".env", ".env.local"} { // the later one wins
		values, err := godotenv.Read(filepath.Join(folder, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New(name + " cannot be read: each line must be NAME=value")
		}
		for variable, value := range values {
			p.files[variable] = value
		}
	}
	p.placeholders, err = godotenv.Read(filepath.Join(folder, ".env.example"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New(".env.example cannot be read: each line must be NAME=value")
	}
	return p, nil
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
	if given != "" {
		return filepath.Abs(given)
	}
	return dev.DataFolder(p.folder)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
