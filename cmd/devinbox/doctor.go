package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"devinbox/internal/doctor"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	var url string
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems with the variables, the database, Pusher or a deployment",
		Long: `Check everything that a deployment with the variables of the environment, .env.local and .env would use, and say what
is wrong and how to fix it: one line for each check, which is ok, a warning or a fault. No value of a variable is shown.
The exit status is 1 if there is a fault.

It asks Pusher and the database, and changes nothing there. It uses two connections and a few messages of your Pusher app.
With --url it also asks a deployment. If nothing is configured here, it asks nothing else.

To check the services that devinbox dev starts by itself, in a checkout of devinbox, and in an app that it was added to:
  go run ./cmd/devinbox dev --services-only -- go run ./cmd/devinbox doctor
  devinbox dev --services-only -- devinbox doctor`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Flags().Changed("url") {
				if err := doctor.CheckURL(url); err != nil {
					return usage("--url %v", err)
				}
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			found := doctor.Run(command.Context(), doctor.Options{
				Lookup: p.lookup, Origin: p.origin, Placeholder: p.isPlaceholder, Set: p.set(), Files: p.read,
				Program: p.program(), Inside: !p.isCheckout(), URL: url,
			})
			show := doctor.Print
			if asJSON {
				show = doctor.PrintJSON
			}
			if err := show(os.Stdout, found); err != nil {
				return err
			}
			if doctor.Worst(found) == doctor.Fault {
				return errors.New("there are faults")
			}
			return nil
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print an array of objects with check, status, detail, remedy and, if it is about one, variable")
	command.Flags().StringVar(&url, "url", "", "the URL of a deployment to check, such as https://chat.example.com")
	return command
}
