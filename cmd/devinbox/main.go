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
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	// What dev has started must not go on after a terminal that was closed, or a pipe that nobody reads any more.
	for _, gone := range []syscall.Signal{syscall.SIGHUP, syscall.SIGPIPE} {
		if !signal.Ignored(gone) { // as nohup does
			signals = append(signals, gone)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

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
	root.SetFlagErrorFunc(explainFlag)
	for _, group := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"users", "Available Commands:", []*cobra.Command{
			devCommand(), serveCommand(), migrateCommand(), tokenCommand(), disconnectCommand(), doctorCommand(), addCommand(), exportCommand(), importCommand(), eraseCommand(),
		}},
		{"contributors", "For work on devinbox itself:", []*cobra.Command{benchCommand(), soakCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, command := range group.commands {
			command.GroupID = group.id
			root.AddCommand(command)
		}
	}
	root.SetHelpCommand(helpCommand())
	root.SetHelpCommandGroupID("users")
	return root
}

// helpCommand is cobra's own, but for a command that is not there.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(command *cobra.Command, arguments []string) error {
			found, rest, err := command.Root().Find(arguments)
			if err != nil || len(rest) > 0 {
				return usage("there is no command %q", strings.Join(arguments, " "))
			}
			return found.Help()
		},
	}
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
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "devinbox:", err)
	var wrong usageError
	if !begun || errors.As(err, &wrong) {
		fmt.Fprintf(os.Stderr, "Run %s --help to see how to use it.\n", called.CommandPath())
		return exitUsage
	}
	return exitFailed
}
