// Package folder finds the folders that devinbox keeps on a developer's machine, checks which account owns them, and
// lets several processes take turns with one.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Cache returns the folder for what can be fetched again, and creates it if it is missing: mode 0700, owned by
// [Owner]. It is "devinbox" in the user's cache folder; root's is outside root's home, where another account can
// reach it.
// Errors: a user without a home, a folder that cannot be created.
func Cache() (string, error) {
	if os.Geteuid() == 0 {
		return under("/var/cache", "/Library/Caches")
	}
	parent, err := os.UserCacheDir()
	if err != nil {
		return "", errors.New("there is no place for a cache: set HOME (or XDG_CACHE_HOME) to a folder that you can write to")
	}
	return under(parent, parent)
}

// Data returns the folder for what must not be lost, and creates it if it is missing: mode 0700, owned by [Owner].
// It is "devinbox" where the system keeps a user's data ($XDG_DATA_HOME, ~/.local/share, or ~/Library/Application
// Support on macOS); root's is outside root's home, where another account can reach it.
// Errors: a user without a home, a folder that cannot be created.
func Data() (string, error) {
	if os.Geteuid() == 0 {
		return under("/var/lib", "/Library/Application Support")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("there is no place for data: set HOME to a folder that you can write to")
	}
	parent := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(parent) { // as the XDG base directory specification requires
		parent = filepath.Join(home, ".local", "share")
	}
	return under(parent, filepath.Join(home, "Library", "Application Support"))
}

func under(parent, onDarwin string) (string, error) {
	if runtime.GOOS == "darwin" {
		parent = onDarwin
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("a folder for devinbox cannot be made: %w", err)
	}
	dir := filepath.Join(parent, "devinbox")
	return dir, Make(dir)
}

// Make creates a folder with mode 0700, owned by [Owner]. A folder that exists already gets that mode and owner. The
// parent must exist.
func Make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("a folder for devinbox cannot be made: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("a folder for devinbox cannot be made: %w", err)
	}
	return Give(dir)
}
