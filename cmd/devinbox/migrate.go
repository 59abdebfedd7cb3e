package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"devinbox/pkg/config"
	"devinbox/pkg/postgres/migrate"
)

func migrateCommand() *cobra.Command {
	var statusOnly bool
	command := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the schema that this code needs",
		Long: `Bring the database to the schema that this code needs. It may be run at any time, also while functions of the
version before are serving: they keep working. It uses DATABASE_URL_UNPOOLED where that is set.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			settings, _ := config.Load(p.lookup) // what else may be wrong there is nothing to a migration
			url := settings.MigrationURL
			if url == "" {
				return errors.New("DATABASE_URL is not set, neither in the environment nor in .env.local or .env")
			}
			if !statusOnly {
				if err := migrate.Up(command.Context(), url, func(name string) { fmt.Println("applying", name) }); err != nil {
					return err
				}
			}
			status, err := migrate.Read(command.Context(), url)
			if err != nil {
				return err
			}
			if len(status.Pending) == 0 {
				fmt.Printf("The database is up to date, at step %d.\n", status.Applied)
			}
			for _, name := range status.Pending {
				fmt.Println("pending", name)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&statusOnly, "status", false, "say how far the database is, and change nothing")
	return command
}
