package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"devinbox/pkg/config"
	"devinbox/pkg/postgres/migrate"
)

func migrateCommand() *cobra.Command {
	var statusOnly bool
	var role string
	command := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the schema that this code needs",
		Long: `Bring the database to the schema that this code needs. You can run it at any time, even while functions of the
previous version are serving: they keep working. It uses DATABASE_URL_UNPOOLED if that is set.

It waits for another run for a minute at most. Before it changes anything, it refuses a database that is not UTF8 or
accepts no writes, a role that may not create what is missing, and a Postgres older than 14.

With --grant it also gives an existing role the rights that deployed code needs, and revokes every other right in the
schema from it and from PUBLIC. Later migrations grant that role the rights to what they add.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Flags().Changed("grant") && role == "" {
				return usage("--grant must name a role")
			}
			if err := exclusive(command, "grant", "status"); err != nil {
				return err
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			settings, err := p.owned()
			if err != nil {
				return err
			}
			url := settings.MigrationURL
			if !statusOnly {
				before, err := migrate.Read(command.Context(), url)
				if err == nil {
					err = migrate.Up(command.Context(), url, func(name string) {
						if slices.Contains(before.Pending, name) { // the functions that are there are replaced too
							fmt.Println("applying", name)
						}
					})
				}
				if err != nil {
					return p.unreachable(settings.MigrationVariable, err)
				}
			}
			status, err := migrate.Read(command.Context(), url)
			if err != nil {
				return p.unreachable(settings.MigrationVariable, err)
			}
			if len(status.Pending) == 0 {
				fmt.Printf("The database is up to date, at step %d.\n", status.Applied)
			}
			for _, name := range status.Pending {
				fmt.Println("pending", name)
			}
			if statusOnly {
				return nil
			}
			if role != "" {
				if err := migrate.Grant(command.Context(), url, role); err != nil {
					return err
				}
				fmt.Printf("The role %s has the rights of deployed code, and no others in the schema.\n", role)
			}
			return checkServed(command.Context(), settings)
		},
	}
	command.Flags().StringVar(&role, "grant", "", "the role that gets the rights of deployed code")
	command.Flags().BoolVar(&statusOnly, "status", false, "print the state of the database, and change nothing")
	return command
}

// owned is what the environment says, with the database's URL for its owner: the unpooled one if there is one. Of the
// other variables only those in needed have to be right.
func (p *project) owned(needed ...string) (config.Config, error) {
	settings, faults := p.load(p.lookup)
	if all, ok := faults.(interface{ Unwrap() []error }); ok {
		for _, one := range all.Unwrap() {
			var fault config.Fault
			if !errors.As(one, &fault) {
				continue
			}
			if variable, _, _ := strings.Cut(fault.Variable, " "); slices.Contains(needed, variable) { // without its file
				return settings, fault
			}
		}
	}
	if settings.MigrationURL == "" {
		why := "neither in the environment nor in .env.local or .env"
		for _, name := range p.unchanged() {
			if variable, _, _ := strings.Cut(name, " "); slices.Contains([]string{"DATABASE_URL", "POSTGRES_URL", "DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING"}, variable) {
				why = name + " is still as in .env.example, which counts as not set"
			}
		}
		return settings, errors.New("DATABASE_URL is not set: " + why +
			". For the database of devinbox dev, put this before the command: " + p.program() + " dev --services-only --")
	}
	return settings, settings.MigrationFaults
}

// errTwoDatabases is the error of a database that would be served without having been migrated.
var errTwoDatabases = errors.New("DATABASE_URL and DATABASE_URL_UNPOOLED (or POSTGRES_URL and POSTGRES_URL_NON_POOLING) lead to two databases: set the pooled and the unpooled URL of one database, or remove the second one")

// checkServed tells whether what was migrated is what the functions will use, if that has a URL of its own. A pooled
// URL that does not answer here is no error: a migration may run where only the other one can be reached.
func checkServed(ctx context.Context, settings config.Config) error {
	if settings.DatabaseFaults != nil || settings.Database.URL == settings.MigrationURL {
		return nil
	}
	if served, err := migrate.Read(ctx, settings.Database.URL); err == nil && len(served.Pending) > 0 {
		return errTwoDatabases
	}
	return nil
}
