package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"devinbox/internal/add"
)

func addCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add DIR",
		Short: "Put the functions into an existing Next.js project, or update them there",
		Long: `Put the functions into the Next.js project in DIR, so that one Vercel project deploys both: the files of api/ and
pkg/, go.mod and go.sum, a part of .env.example, and in vercel.json the time limit of the functions and the cron.
The project's own pages, routes, headers and framework stay. .devinbox.json records which files were written.

If something in the project is in the way, such as a route with the URL of a function, the command names it and changes
nothing. To upgrade, run it again with a newer devinbox: if files were edited in between, it names them and changes nothing.`,
		Args: oneArgument("folder", "devinbox add ../my-app"),
		RunE: func(_ *cobra.Command, arguments []string) error {
			folder, err := ownSources()
			if err != nil {
				return err
			}
			version := builtVersion()
			result, err := add.Run(add.Options{Source: os.DirFS(folder), Version: version, Dir: arguments[0]})
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(arguments[0])
			if err != nil {
				return err
			}
			fmt.Print(tellAdded(result, dir, folder, version))
			return nil
		},
	}
}

// ownSources is the folder of the sources that this program was built from: a checkout, or the module where Go keeps it.
func ownSources() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(file), "..", "..")
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); !filepath.IsAbs(file) || errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("the sources of this program are not where it was built: run `go run ./cmd/devinbox add DIR` in a checkout, without -trimpath in GOFLAGS")
	}
	return folder, nil
}

// builtVersion is the version of the module that this program was built from, or "" if it was a checkout.
func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || !strings.HasPrefix(info.Main.Version, "v") || info.Main.Sum == "" {
		return ""
	}
	return info.Main.Version
}

// quoted is a path as a shell takes it, whatever is in it.
func quoted(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// tellAdded says what was done, and what is to be done next. If nothing was changed, nothing is to be done.
func tellAdded(result add.Result, dir, source, version string) string {
	text := &strings.Builder{}
	changed := len(result.Written)+len(result.Removed) > 0
	switch {
	case changed:
		written := fmt.Sprintf("%d files were", len(result.Written))
		if len(result.Written) == 1 {
			written = "1 file was"
		}
		fmt.Fprintf(text, "%s written and %d removed in %s. It has these functions:\n", written, len(result.Removed), dir)
		for _, url := range result.Functions {
			fmt.Fprintf(text, "  %s\n", url)
		}
	case result.Recorded:
		fmt.Fprintf(text, "Everything in %s is up to date. Only .devinbox.json, which records the version, was changed: commit it.\n", dir)
	default:
		fmt.Fprintf(text, "Everything in %s is up to date. Nothing was changed.\n", dir)
	}
	for _, note := range result.Notes {
		fmt.Fprintf(text, "Note: %s\n", note)
	}
	if !changed {
		return text.String()
	}
	program := outside(version)
	if version == "" {
		fmt.Fprintf(text, "\n`go install -C %s ./cmd/devinbox` makes the program devinbox, in the folder bin/ of what `go env GOPATH` says.\n", quoted(source))
	}
	if result.Upgraded {
		fmt.Fprintf(text, `
Next, in %[1]s:
  1. Commit what has changed.
  2. Bring the database up to date: DATABASE_URL=… %[2]s migrate
  3. Deploy, and look at /api/health.
`, dir, program)
		return text.String()
	}
	fmt.Fprintf(text, `
Next, in %[1]s:
  1. Commit what is new.
  2. Try it here, with a database and a Pusher-protocol server that devinbox brings:
     %[2]s dev --services-only -- npx vercel dev --local
  3. Set these variables in the Vercel project: DATABASE_URL, PUSHER_APP_ID, PUSHER_SECRET, NEXT_PUBLIC_PUSHER_KEY,
     NEXT_PUBLIC_PUSHER_CLUSTER, CHAT_JWT_SECRET and CRON_SECRET. .env.example says what they are.
  4. Make the tables: DATABASE_URL=… %[2]s migrate
  5. Deploy, and look at /api/health.
The page docs/beside-next.md of devinbox says more.
`, dir, program)
	return text.String()
}

// outside is how this program is called outside a checkout, if it was built from a version of the module, or from a
// checkout, which is "".
func outside(version string) string {
	if version == "" {
		return "devinbox"
	}
	return fmt.Sprintf("go run %s/cmd/devinbox@%s", modulePath(), version)
}

// modulePath is the path of the module that this program belongs to.
func modulePath() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	return info.Main.Path
}
