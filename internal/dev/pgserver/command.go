package pgserver

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"devinbox/internal/dev/folder"
)

// locale is the locale of a new database and of Postgres's messages. It knows all letters of Unicode, and its messages
// are in English.
var locale = map[string]string{"darwin": "en_US.UTF-8", "linux": "C.UTF-8"}[runtime.GOOS]

// command is a program of Postgres, ready to run: as [folder.Owner], in a process group that the terminal's Ctrl-C does
// not reach, and without the PG… variables that are meant for the user's own Postgres. Its whole group ends with ctx.
func command(ctx context.Context, path string, args ...string) (*exec.Cmd, error) {
	owner, err := folder.Owner()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: owner}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "PG") || strings.HasPrefix(entry, "LC_") || strings.HasPrefix(entry, "LANG")
	})
	cmd.Env = append(cmd.Env, "LC_ALL="+locale)
	return cmd, nil
}
