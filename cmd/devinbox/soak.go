package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"devinbox/internal/faults"
)

// soakEnvironment is what a process that soak starts sees beside its settings.
var soakEnvironment []string

func soakCommand() *cobra.Command {
	var minutes float64
	var seed uint64
	var only string
	var noWeb bool
	var fault time.Duration
	command := &cobra.Command{
		Use:   "soak",
		Short: "Make everything fail while people chat, and show that nothing is lost",
		Long: `Make everything fail while people chat, and show that nothing is lost.

It starts a Postgres, a PgBouncer, a Pusher-protocol server and several instances of the functions, all for itself and
all on this machine, some of them as separate processes. Simulated people send, read, edit and listen, while one thing
after another fails: Postgres, the pooler, Pusher, the network between them, and the instances. Then all failures end,
and the answers that everybody got are compared with the stored data and with what each page shows.
docs/reliability.md lists the promises.

It has the same requirements as devinbox dev. Two of the pages that listen and send use the web client, in Node. If this
machine has no PgBouncer and none can be downloaded, it says so and continues without one. The exit status is 1 if a
promise was broken. The seed decides what people do, and what fails when, but not how these things interleave.

A run of less than a minute does not wait for leases at the end, but makes them expire.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if !(minutes > 0 && minutes <= 10_000) {
				return usage("--minutes must be more than 0 and at most 10000")
			}
			if fault < 0 || fault > time.Hour {
				return usage("--fault must be from 0 to 1h")
			}
			web := ""
			if !noWeb {
				p, err := openProject()
				if err != nil {
					return fmt.Errorf("%w; --no-web leaves the web client out", err)
				}
				web = filepath.Join(p.folder, "web")
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			if !command.Flags().Changed("seed") {
				seed = rand.Uint64N(math.MaxInt32)
			}
			length := time.Duration(minutes * float64(time.Minute))
			if fault == 0 {
				fault = min(8*time.Second, length/4)
			}
			fmt.Fprintf(os.Stderr, "soaking for %v with the seed %d\n", length.Round(time.Second), seed)
			report, err := faults.Run(command.Context(), faults.Options{
				Program: program, Environment: soakEnvironment, Web: web, Seed: seed, Length: length,
				Only: only, Fault: fault, People: 12, Pace: 60 * time.Millisecond, Hurry: length < time.Minute, Progress: os.Stderr,
			})
			if err != nil {
				return err
			}
			fmt.Print(report.Verdict())
			return verdict(report)
		},
	}
	command.Flags().Float64Var(&minutes, "minutes", 20, "how many minutes the failures last")
	command.Flags().Uint64Var(&seed, "seed", 0, "decides what people do and what fails when; random if it is not given")
	command.Flags().BoolVar(&noWeb, "no-web", false, "leave out the pages of the web client, which need Node and npm")
	command.Flags().StringVar(&only, "only", "", "only faults whose names contain this text, such as SIGKILL")
	command.Flags().DurationVar(&fault, "fault", 0, "about how long each fault lasts (default 8s, or a quarter of the run if that is less)")
	return command
}

// errBroken is the error of a run that found a promise broken.
var errBroken = errors.New("a promise was broken")

// verdict is the error of what a run found.
func verdict(report faults.Report) error {
	if n := len(report.Violations); n > 0 {
		return fmt.Errorf("%w: %d violations with the seed %d", errBroken, n, report.Seed)
	}
	return nil
}
