package pgbouncer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"devinbox/internal/dev/folder"
)

// remedy is the command that brings a PgBouncer to this machine.
var remedy = map[string]string{
	"darwin": "install it (brew install pgbouncer)",
	"linux":  "install it (Debian and Ubuntu: sudo apt-get install pgbouncer)",
}[runtime.GOOS]

// find looks for a PgBouncer: this machine's own, else the one that was fetched before, else one that it fetches now.
// It may be called by several processes at the same time.
func find(ctx context.Context) (program, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} { // the second is not on everybody's PATH
		if path, err := exec.LookPath(name); err == nil {
			if p := (program{path: path}); p.runs(ctx) {
				return p, nil
			}
		}
	}
	cache, err := folder.Cache()
	if err != nil {
		return program{}, err
	}
	p, err := cached(ctx, filepath.Join(cache, "pgbouncer"))
	if err != nil {
		return program{}, fmt.Errorf("%s. It could not be fetched: %w", remedy, err)
	}
	return p, nil
}

// cached is the program in the folder dir, which is made and filled if it is not there, or of no use on this system.
func cached(ctx context.Context, dir string) (program, error) {
	if p, err := unpacked(dir); err == nil && p.runs(ctx) {
		return p, nil
	}
	lock, err := folder.Lock(ctx, dir+".lock")
	if err != nil {
		return program{}, fmt.Errorf("wait for another process that fetches it: %w", err)
	}
	defer lock.Close()
	if p, err := unpacked(dir); err == nil && p.runs(ctx) {
		return p, nil
	}
	part := dir + ".part"
	if err := errors.Join(os.RemoveAll(part), os.RemoveAll(dir)); err != nil {
		return program{}, err
	}
	defer os.RemoveAll(part)
	if err := fetch(ctx, part, lock); err != nil {
		return program{}, err
	}
	if err := errors.Join(folder.Give(part), os.Rename(part, dir)); err != nil {
		return program{}, err
	}
	p, err := unpacked(dir)
	if err == nil && !p.runs(ctx) {
		err = errors.New("what Debian's package holds does not run on this system")
	}
	return p, err
}

// unpacked finds the program and its libraries below dir.
func unpacked(dir string) (program, error) {
	p := program{path: filepath.Join(dir, "usr", "sbin", "pgbouncer")}
	if _, err := os.Stat(p.path); err != nil {
		return program{}, err
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(entry.Name(), "lib") && strings.Contains(entry.Name(), ".so") {
			if in := filepath.Dir(path); len(p.libraries) == 0 || p.libraries[len(p.libraries)-1] != in {
				p.libraries = append(p.libraries, in)
			}
		}
		return err
	})
	return p, err
}

// fetch unpacks Debian's package, and those of its libraries that are not installed, into the folder dir. apt-get asks
// where this machine's own settings say. If the lists of packages that the system has are of no use, it fetches some for
// this folder alone.
func fetch(ctx context.Context, dir string, lock *os.File) error {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		return errors.New("this system does not use Debian's packages")
	}
	a := apt{lock: lock, archives: filepath.Join(dir, "archives"), lists: filepath.Join(dir, "lists")}
	for _, name := range []string{dir, a.archives} {
		if err := os.Mkdir(name, 0o700); err != nil {
			return err
		}
	}
	if err := a.download(ctx, "pgbouncer"); err != nil {
		if err := a.update(ctx); err != nil {
			return err
		}
		if err := a.download(ctx, "pgbouncer"); err != nil {
			return err
		}
	}
	libraries, err := a.missing(ctx)
	if err != nil {
		return err
	}
	if len(libraries) > 0 {
		if err := a.download(ctx, libraries...); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(a.archives, "*.deb"))
	if err != nil {
		return err
	}
	for _, name := range packages {
		if _, err := a.run(ctx, "dpkg-deb", "--extract", name, dir); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(a.archives), os.RemoveAll(a.lists))
}

// apt runs the programs of Debian's packages without a change to the system.
type apt struct {
	lock     *os.File // inherited, so that a program which outlives this process still keeps others away
	archives string   // the folder that packages are put into
	lists    string   // the folder for lists of packages beside the system's
	options  []string
}

func (a *apt) download(ctx context.Context, packages ...string) error {
	_, err := a.run(ctx, "apt-get", append(append([]string{"download"}, a.options...), packages...)...)
	return err
}

// update fetches lists of packages for this folder, and has it used from now on.
func (a *apt) update(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(a.lists, "partial"), 0o700); err != nil {
		return err
	}
	a.options = []string{"--option=Dir::State::lists=" + a.lists, "--option=Dir::Cache=" + a.lists}
	_, err := a.run(ctx, "apt-get", append([]string{"update"}, a.options...)...)
	return err
}

// missing names the packages of libraries that the downloaded package asks for and the system does not have.
func (a *apt) missing(ctx context.Context) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(a.archives, "pgbouncer_*.deb"))
	if err != nil || len(found) != 1 {
		return nil, errors.Join(err, fmt.Errorf("apt-get brought %d packages of that name", len(found)))
	}
	depends, err := a.run(ctx, "dpkg-deb", "--field", found[0], "Depends")
	if err != nil {
		return nil, err
	}
	var packages []string
	for each := range strings.SplitSeq(depends, ",") {
		each, _, _ = strings.Cut(strings.TrimSpace(each), "|") // the first of alternatives
		each, _, _ = strings.Cut(strings.TrimSpace(each), " ") // without the version
		if !strings.HasPrefix(each, "lib") {
			continue
		}
		if status, err := a.run(ctx, "dpkg-query", "--show", "--showformat=${db:Status-Status}", each); err != nil || status != "installed" {
			packages = append(packages, each)
		}
	}
	return packages, nil
}

// run runs a program in the folder of the packages, and returns what it wrote. An error says what it complained of.
func (a *apt) run(ctx context.Context, name string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = a.archives
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.ExtraFiles = []*os.File{a.lock}
	if name == "apt-get" && os.Geteuid() == 0 { // else root's apt-get becomes an account that does not reach the folder
		cmd.Args = append(cmd.Args, "--option=APT::Sandbox::User=root")
	}
	out, err := cmd.Output()
	if err != nil {
		said := ""
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			said = strings.TrimSpace(string(exit.Stderr))
		}
		return "", fmt.Errorf("%s %s: %w\n%s", name, arguments[0], err, said)
	}
	return string(out), nil
}
