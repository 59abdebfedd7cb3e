package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"devinbox/internal/bench"
)

func benchCommand() *cobra.Command {
	o := bench.Options{Out: os.Stdout, Progress: os.Stderr}
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure what a send costs, by the operating system's account",
		Long: `Measure what a send costs: the processor time of the program and of Postgres, as the operating system accounts for
whole processes, and how many sends there are in a second. It starts a Postgres of its own, that waits for the disk,
and something that takes Pusher's place.

With --against the same is measured of another commit, or with --floor of the least that any program has to do: in
turns, so that what else the machine does falls on both. The ratio is the one to look at.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if o.Pairs < 1 || o.Sends < 1 || o.Conversations < 1 || len(o.Callers) == 0 {
				return fmt.Errorf("--pairs, --sends, --callers and --conversations must be positive: %w", errUsage)
			}
			for _, n := range o.Callers {
				if n < 1 || n > 64 {
					return fmt.Errorf("--callers must be from 1 to 64: %w", errUsage)
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
	command.MarkFlagsMutuallyExclusive("against", "floor")
	command.Flags().IntVar(&o.Pairs, "pairs", 7, "how many times each is measured")
	command.Flags().IntVar(&o.Sends, "sends", 2000, "the sends of one run")
	command.Flags().IntSliceVar(&o.Callers, "callers", []int{1, 8}, "how many send at once; each number is measured by itself")
	command.Flags().IntVar(&o.Conversations, "conversations", 1000, "the conversations that the sends go round")
	command.Flags().StringVar(&o.Profile, "profile", "", "a folder that gets a CPU profile of each program, for go tool pprof")
	return command
}
