package pgserver

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheNewestPostgresThatWorksIsFound(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(newDir(t))
	var dirs []string
	for name, script := range map[string]string{
		"13":         "echo 'postgres (PostgreSQL) 13.20'",
		"15":         "echo 'postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)'",
		"17":         "echo 'postgres (PostgreSQL) 17.2 (Homebrew)'",
		"18":         "echo 'postgres (PostgreSQL) 18beta1'",
		"broken":     "exit 127",
		"no initdb":  "echo 'postgres (PostgreSQL) 18.1'",
		"other":      "echo hello",
		"out of use": "",
	} {
		dir := filepath.Join(root, name)
		dirs = append(dirs, dir)
		if script == "" {
			continue
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{"postgres", "initdb"} {
			if program == "initdb" && name == "no initdb" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []int
	for _, b := range installed(t.Context(), dirs) {
		got = append(got, b.major)
	}
	if want := []int{18, 17, 15}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestAVersionThatIsNotAtHandIsNamedBesideThoseThatAre(t *testing.T) {
	t.Setenv(wayVariable, wayNPM)
	_, err := find(t.Context(), 15, io.Discard)
	var wrong *versionError
	if !errors.As(err, &wrong) || wrong.made != 15 || !strings.HasSuffix(err.Error(), "at hand are: 18 (npm's)") {
		t.Errorf("got %v", err)
	}
	b, err := find(t.Context(), npmMajor, io.Discard)
	if err != nil || b.major != npmMajor {
		t.Errorf("got %+v (%v)", b, err)
	}
}
