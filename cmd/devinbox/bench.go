package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"devinbox/internal/bench"
)

func benchCommand() *cobra.Command {
	o := bench.Options{Out: os.Stdout, Progress: os.Stderr}
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure what a send costs, as the operating system counts it",
		Long: `Measure what a send costs: the processor time of the program and of Postgres, as the operating system accounts for
whole processes, and the number of sends per second. It starts its own Postgres, which waits for the disk, and a server
in place of Pusher.

With --against it also measures another commit, or with --floor the least work that any program has to do. Both are
measured in turns, so that other load on the machine affects both. Compare the ratio.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := exclusive(command, "against", "floor"); err != nil {
				return err
			}
			if o.Pairs < 1 || o.Sends < 1 || o.Conversations < 1 || len(o.Callers) == 0 {
				return usage("--pairs, --sends, --callers and --conversations must be positive")
			}
			for _, n := range o.Callers {
				if n < 1 || n > 64 {
					return usage("--callers must be from 1 to 64")
				}
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			o.Checkout = p.folder
			if o.Profile != "" {
				if o.Profile, err = filepath.Abs(o.Profile); err != nil {
					return err
				}
				if err := os.MkdirAll(o.Profile, 0o755); err != nil {
					return err
				}
			}
			return bench.Run(command.Context(), o)
		},
	}
	command.Flags().StringVar(&o.Against, "against", "", "a commit to compare this checkout with")
	command.Flags().BoolVar(&o.Floor, "floor", false, "compare devinbox serve with the floor")
	command.Flags().IntVar(&o.Pairs, "pairs", 7, "the number of measurements of each")
	command.Flags().IntVar(&o.Sends, "sends", 2000, "the number of sends in one run")
	command.Flags().IntSliceVar(&o.Callers, "callers", []int{1, 8}, "the number of sends at once; each number is measured separately")
	command.Flags().IntVar(&o.Conversations, "conversations", 1000, "the number of conversations that the sends are spread over")
	command.Flags().StringVar(&o.Profile, "profile", "", "a folder that gets a CPU profile of each program, for go tool pprof")
	return command
}
