package pgserver

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldest is the oldest major version that devinbox supports.
const oldest = 14

// binaries are the programs of one installation of Postgres.
type binaries struct {
	dir   string
	major int
}

// The environment variable that allows only one of the two sources of a Postgres, and its values.
const (
	wayVariable = "DEVINBOX_POSTGRES"
	waySystem   = "system"
	wayNPM      = "npm"
)

func checkWay() error {
	switch way := os.Getenv(wayVariable); way {
	case "", waySystem, wayNPM:
		return nil
	default:
		return fmt.Errorf("%s is %q: set it to %s or %s, or leave it out", wayVariable, way, waySystem, wayNPM)
	}
}

// find looks for a Postgres of one major version, or of any version if major is 0: first the newest that is installed
// on this machine, then npm's; only one of the two if the environment says so.
func find(ctx context.Context, major int, progress io.Writer) (binaries, error) {
	way := os.Getenv(wayVariable)
	var own []binaries
	if way != wayNPM {
		own = installed(ctx, places(ctx))
	}
	for _, b := range own {
		if major == 0 || b.major == major {
			return b, nil
		}
	}
	if way != waySystem && (major == 0 || major == npmMajor) {
		return fromNPM(ctx, progress)
	}
	if major == 0 {
		return binaries{}, fmt.Errorf("there is no Postgres %d or later on this machine: %s, or run with %s=%s", oldest, remedy, wayVariable, wayNPM)
	}
	var have []string
	for _, b := range own {
		have = append(have, strconv.Itoa(b.major))
	}
	if way != waySystem {
		have = append(have, fmt.Sprintf("%d (npm's)", npmMajor))
	}
	return binaries{}, &versionError{made: major, have: slices.Compact(have)} // one version may be found in several places
}

// Which names the Postgres that [Start] takes for an empty folder, by where its programs are and by its version in full.
// progress gets a line if npm has to bring it.
// Errors: no Postgres available.
func Which(ctx context.Context, progress io.Writer) (string, error) {
	if err := checkWay(); err != nil {
		return "", err
	}
	b, err := find(ctx, 0, progress)
	if err != nil {
		return "", err
	}
	said, err := says(ctx, b.dir)
	return b.dir + " " + said, err
}

// versionError is the error for a data folder that no available Postgres can open.
type versionError struct {
	made int
	have []string
}

func (e *versionError) Error() string {
	have := "none"
	if len(e.have) > 0 {
		have = strings.Join(e.have, ", ")
	}
	return fmt.Sprintf("made by Postgres %d, which no other major version can open, and the versions at hand are: %s", e.made, have)
}

// remedy is the command that installs a Postgres on this machine.
var remedy = map[string]string{
	"darwin": "install one (brew install postgresql@17)",
	"linux":  "install one (Debian and Ubuntu: sudo apt install postgresql)",
}[runtime.GOOS]

// places are the folders in which a system may keep Postgres's programs.
func places(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // the other programs are beside the real file, not beside the link
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                      // Debian
		"/usr/pgsql-*/bin",                               // the RPMs of postgresql.org
		"/opt/homebrew/opt/postgresql*/bin",              // Homebrew on Apple's own processors
		"/usr/local/opt/postgresql*/bin",                 // Homebrew on Intel's
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin", // Homebrew on Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the only possible error is a malformed pattern
		dirs = append(dirs, found...)
	}
	return dirs
}

// installed returns the installations in dirs that work here, the newest first.
func installed(ctx context.Context, dirs []string) []binaries {
	var found []binaries
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		if major, err := version(ctx, dir); err == nil && major >= oldest {
			found = append(found, binaries{dir, major})
		}
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	return found
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// version asks postgres for its major version, as the account that will run it: a program that this account cannot
// reach, or whose libraries are missing, is of no use.
func version(ctx context.Context, dir string) (int, error) {
	said, err := says(ctx, dir)
	if err != nil {
		return 0, err
	}
	match := versionLine.FindStringSubmatch(said)
	if match == nil {
		return 0, fmt.Errorf("postgres --version answers %q", said)
	}
	return strconv.Atoi(match[1])
}

// says is what postgres answers when it is asked for its version.
func says(ctx context.Context, dir string) (string, error) {
	cmd, err := command(ctx, filepath.Join(dir, "postgres"), "--version")
	if err != nil {
		return "", err
	}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
