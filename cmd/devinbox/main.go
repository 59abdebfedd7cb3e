// Command devinbox develops and operates a devinbox: go run ./cmd/devinbox COMMAND.
//
// Its exit status is 0, or 1 if something failed, after it said why, or 2 if the command line was wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// errUsage marks what was called wrongly.
var errUsage = errors.New("see devinbox COMMAND --help")

// newRoot is the command line with all commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "devinbox",
		Short:         "A realtime chat between clients and the developers who answer them",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) > 0 {
				return fmt.Errorf("there is no command %q", arguments[0])
			}
			return errors.New("which command?")
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(devCommand(), serveCommand(), migrateCommand(), tokenCommand(), disconnectCommand(), doctorCommand(), addCommand(),
		exportCommand(), importCommand(), eraseCommand(), benchCommand(), soakCommand())
	return root
}

// run runs one command and returns the exit status.
func run(ctx context.Context, arguments []string) int {
	root := newRoot()
	root.SetArgs(arguments)

	// Whatever goes wrong before a command's own work begins was called wrongly.
	begun := false
	for _, command := range root.Commands() {
		work := command.RunE
		command.RunE = func(command *cobra.Command, arguments []string) error {
			begun = true
			return work(command, arguments)
		}
	}
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "devinbox:", err)
	if !begun || errors.Is(err, errUsage) {
		fmt.Fprintln(os.Stderr, "Run devinbox --help for what there is.")
		return exitUsage
	}
	return exitFailed
}
