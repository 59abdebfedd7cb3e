// Package npm installs npm packages for programs and tests that are written in Go, with the npm of this machine.
package npm

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"devinbox/internal/dev/folder"
)

var (
	packageName  = regexp.MustCompile(`^(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*$`)
	exactVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)

// Install installs packages, which maps names to exact versions ("pusher-js": "8.4.0"), into [folder.Cache] and
// returns the folder that holds their node_modules. If they are installed already, it returns at once and does not use
// the network. Several processes may call it at the same time. It runs no script of a package, and writes only to the
// cache. The user's own npm configuration decides where the packages come from.
// progress, which may be nil, gets a line when npm is started.
// Errors: a machine without npm; a registry that does not answer or does not have a package. Their texts say what helps.
func Install(ctx context.Context, packages map[string]string, progress io.Writer) (dir string, err error) {
	cache, err := folder.Cache()
	if err != nil {
		return "", err
	}
	return install(ctx, cache, packages, progress)
}

func install(ctx context.Context, cache string, packages map[string]string, progress io.Writer) (string, error) {
	for name, version := range packages {
		if !packageName.MatchString(name) || !exactVersion.MatchString(version) {
			return "", fmt.Errorf("npm: %q at %q is not a package at an exact version such as 1.2.3", name, version)
		}
	}
	manifest, err := json.MarshalIndent(map[string]any{"private": true, "dependencies": packages}, "", "  ")
	if err != nil {
		return "", err
	}
	// A package may install different files on another system, and several systems may share a home.
	key := sha256.Sum256(fmt.Appendf(manifest, "\n%s/%s", runtime.GOOS, runtime.GOARCH))
	dir := filepath.Join(cache, "npm", fmt.Sprintf("%x", key[:8]))
	if complete(dir, packages) {
		return dir, nil
	}
	if err := folder.Make(filepath.Dir(dir)); err != nil {
		return "", err
	}
	lock, err := folder.Lock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("npm: wait for another process that installs the same: %w", err)
	}
	defer lock.Close()
	if complete(dir, packages) {
		return dir, nil
	}

	staging := dir + ".part"
	if err := errors.Join(os.RemoveAll(staging), os.RemoveAll(dir)); err != nil {
		return "", fmt.Errorf("npm: remove what an interrupted installation left: %w", err)
	}
	defer os.RemoveAll(staging)
	if err := os.Mkdir(staging, 0o700); err != nil {
		return "", fmt.Errorf("npm: %w", err)
	}
	if err := os.WriteFile(filepath.Join(staging, "package.json"), manifest, 0o600); err != nil {
		return "", fmt.Errorf("npm: %w", err)
	}
	if err := run(ctx, staging, packages, lock, progress); err != nil {
		return "", err
	}
	if !complete(staging, packages) {
		return "", fmt.Errorf("npm reported success but did not install %s here: see `npm config list` for a setting that redirects it", list(packages))
	}
	if err := folder.Give(staging); err != nil {
		return "", fmt.Errorf("npm: %w", err)
	}
	if err := os.Rename(staging, dir); err != nil {
		return "", fmt.Errorf("npm: %w", err)
	}
	return dir, nil
}

// complete tells whether a folder holds all of packages. A folder is renamed into place only when it is complete, so
// the one thing that can be wrong is that somebody has deleted a part of it since.
func complete(dir string, packages map[string]string) bool {
	for name := range packages {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err != nil {
			return false
		}
	}
	_, err := os.Stat(dir)
	return err == nil
}

// run runs npm in dir. npm inherits the lock, so an npm that outlives this process still keeps others out.
func run(ctx context.Context, dir string, packages map[string]string, lock *os.File, progress io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not on the PATH: install Node.js (https://nodejs.org), which brings it")
	}
	if progress != nil {
		fmt.Fprintf(progress, "Installing %s with npm\n", list(packages))
	}
	// In the folder, without --prefix: that would have npm look for the machine's own settings (certificates, proxy,
	// registry) below it. The folder has a package.json, so npm takes no folder above it for the project.
	cmd := exec.CommandContext(ctx, npm, "install", "--global=false", "--no-package-lock",
		"--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress")
	cmd.Dir = dir
	cmd.Env = environment()
	cmd.ExtraFiles = []*os.File{lock}
	output, err := Run(ctx, cmd)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("npm install %s: %w", list(packages), ctx.Err())
	case output == "": // npm itself was ended
		return fmt.Errorf("npm install %s: %w", list(packages), err)
	default:
		return explain(packages, output)
	}
}

// environment is the environment of this process without what `npm run` adds about the package that it runs in, and
// without settings that would make npm work on that package.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(strings.ToLower(entry), "=")
		switch strings.ReplaceAll(name, "-", "_") {
		case "npm_config_local_prefix", "npm_config_workspace", "npm_config_workspaces",
			"npm_config_include_workspace_root", "npm_config_location", "npm_config_dry_run":
			return true
		}
		return false
	})
}

// explain turns what npm says about a failure into an error.
func explain(packages map[string]string, output string) error {
	why, words := Explain(output)
	return fmt.Errorf("npm could not install %s. %s\n  %s", list(packages), why, strings.Join(words, "\n  "))
}

// list writes packages as npm's command line takes them.
func list(packages map[string]string) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		names = append(names, name+"@"+packages[name])
	}
	return strings.Join(names, " ")
}
