package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/joho/godotenv"

	"devinbox/internal/dev"
)

// project is the checkout that a command works in.
type project struct {
	folder string
	files  map[string]string // what .env.local and .env say
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
	return p, nil
}

// lookup is the environment: what is set in the process, then .env.local, then .env.
func (p *project) lookup(name string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return p.files[name]
}

// lines are what .env.local and .env say, as KEY=value lines without what the process has set.
func (p *project) lines() []string {
	var lines []string
	for name, value := range p.files {
		if os.Getenv(name) == "" {
			lines = append(lines, name+"="+value)
		}
	}
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
