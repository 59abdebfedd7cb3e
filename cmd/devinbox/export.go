package main

import (
	"os"

	"github.com/spf13/cobra"

	"devinbox/internal/archive"
	"devinbox/pkg/chat"
)

func exportCommand() *cobra.Command {
	var clientID string
	command := &cobra.Command{
		Use:   "export --client ID",
		Short: "Write everything about a client to standard output, as JSON",
		Long: `Write everything that the database holds about a client to standard output, as one JSON document of the state at one
moment. docs/export-format.md describes it; devinbox import reads it. It uses DATABASE_URL_UNPOOLED if that is set.

If it fails, the output is not a complete document.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := checkClient(clientID); err != nil {
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
			return p.unreachable(settings.MigrationVariable, archive.Export(command.Context(), settings.MigrationURL, clientID, os.Stdout))
		},
	}
	command.Flags().StringVar(&clientID, "client", "", "the client's id")
	return command
}

// checkClient finds fault with what --client says.
func checkClient(id string) error {
	if id == "" {
		return missing("client", "the client's id")
	}
	if !chat.ValidID(id) {
		return usage("--client must be 1 to %d bytes of UTF-8 without control characters", chat.MaxIDBytes)
	}
	return nil
}
