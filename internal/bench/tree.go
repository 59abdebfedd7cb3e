package bench

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"devinbox/internal/dev/folder"
)

// The probe is a text and no package, for it is compiled with the packages of whichever tree it is put beside.
//
//go:embed probe.go.txt
var probeSource string

// tree is the sources of one commit, and what was built of them.
type tree struct {
	name   string // for people
	folder string // of the sources
	built  string // the folder of the programs
	probe  string // the text of the probe
}

// program is the path of one of the tree's programs.
func (t *tree) program(name string) string { return filepath.Join(t.built, name) }

// extract unpacks a commit of the checkout's repository into a folder.
// Errors: git's own words where there is no such commit.
func extract(ctx context.Context, checkout, commit, folder string) error {
	var problem strings.Builder
	archive := exec.CommandContext(ctx, "git", "-C", checkout, "archive", "--format=tar", commit)
	archive.Stderr = &problem
	out, err := archive.StdoutPipe()
	if err != nil {
		return err
	}
	if err := archive.Start(); err != nil {
		return err
	}
	unpacking := unpack(out, folder)
	if err := archive.Wait(); err != nil {
		return fmt.Errorf("git archive %s: %s", commit, strings.TrimSpace(problem.String()))
	}
	return unpacking
}

func unpack(archive io.Reader, folder string) error {
	for r := tar.NewReader(archive); ; {
		entry, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if entry.Typeflag != tar.TypeReg || !filepath.IsLocal(entry.Name) {
			continue
		}
		path := filepath.Join(folder, entry.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
}

// Commit is a commit of the project whose programs have been built.
type Commit struct{ tree tree }

// BuildCommit builds devinbox of a commit, and a program of which main is the text, with the packages of that commit,
// into the folder, which must be empty. checkout is a folder of the project that has the commit in its history. The
// sources stay in the cache: the compiler keeps what it has made of packages by the folder in which they are.
// Errors: a commit that is not there; what cannot be built.
func BuildCommit(ctx context.Context, checkout, commit, folder, main string) (*Commit, error) {
	sources, err := keptSources(ctx, checkout, commit)
	if err != nil {
		return nil, err
	}
	c := &Commit{tree{name: commit, folder: sources, built: folder, probe: main}}
	return c, c.tree.build(ctx)
}

// keptSources returns a folder of the cache with the sources of a commit. Nobody may write into it.
func keptSources(ctx context.Context, checkout, commit string) (dir string, err error) {
	id, err := exec.CommandContext(ctx, "git", "-C", checkout, "rev-parse", "--verify", "--quiet", commit+"^{commit}").Output()
	if err != nil {
		return "", fmt.Errorf("there is no commit %s", commit)
	}
	cache, err := folder.Cache()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "commits", strings.TrimSpace(string(id)))
	return dir, folder.Once(ctx, dir, func(part string) error { return extract(ctx, checkout, commit, part) })
}

// Migrate brings an empty database to the commit's schema.
func (c *Commit) Migrate(ctx context.Context, database string) error {
	return c.tree.migrate(ctx, database)
}

// Serve runs the program of main until ctx ends, with these variables and PORT, and with the folder of the sources as its
// argument, and waits until it listens. It returns its address: host:port.
func (c *Commit) Serve(ctx context.Context, log string, variables []string) (address string, err error) {
	p, err := serve(ctx, log, variables, c.tree.program("probe"), c.tree.folder)
	if err != nil {
		return "", err
	}
	return p.address, nil
}

// withoutSymbols has the linker leave out what is for debuggers, which takes it most of its time.
const withoutSymbols = "-ldflags=-s -w"

// build makes the tree's own devinbox, and the probe, which the compiler is told lies in the tree. The sources stay as
// they are.
func (t *tree) build(ctx context.Context) error {
	probe, overlay := t.program("probe.go"), t.program("overlay.json")
	if err := os.WriteFile(probe, []byte(t.probe), 0o644); err != nil {
		return err
	}
	const place = "cmd/bench-probe"
	text, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(t.folder, place, "main.go"): probe}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		return err
	}
	for _, arguments := range [][]string{
		{"-o", t.program("devinbox"), "./cmd/devinbox"},
		{"-o", t.program("probe"), "-overlay", overlay, "./" + place},
	} {
		compile := exec.CommandContext(ctx, "go", append([]string{"build", withoutSymbols}, arguments...)...)
		compile.Dir = t.folder
		if out, err := compile.CombinedOutput(); err != nil {
			return fmt.Errorf("go build of %s: %w\n%s", t.name, err, out)
		}
	}
	return nil
}

// migrate brings an empty database to the tree's schema.
func (t *tree) migrate(ctx context.Context, database string) error {
	command := exec.CommandContext(ctx, t.program("devinbox"), "migrate")
	command.Dir = t.folder
	command.Env = []string{"DATABASE_URL=" + database, "DATABASE_URL_UNPOOLED=" + database, "HOME=" + os.Getenv("HOME")}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("devinbox migrate of %s: %w\n%s", t.name, err, out)
	}
	return nil
}

// serves tells whether the tree's devinbox has the command serve.
func (t *tree) serves(ctx context.Context) (bool, error) {
	help, err := exec.CommandContext(ctx, t.program("devinbox"), "--help").Output()
	return bytes.Contains(help, []byte("\n  serve ")), err
}
