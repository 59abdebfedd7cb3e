package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"devinbox/internal/archive"
)

func importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Import exported conversations, or those of another chat",
		Long: `Import conversations from a file, or from standard input if FILE is a hyphen: the output of devinbox export (one document,
or several in a row), or simple lines from another chat, which docs/from-another-chat.md describes.

Messages keep their order and their times, and nobody is notified of them. If anything is wrong in the file, each bad
line is named and nothing is imported. The same happens if the database already has a conversation of one of the clients
with other messages. Importing the same file again changes nothing, and finishes an import that was interrupted.

It uses DATABASE_URL_UNPOOLED if that is set.`,
		Args: oneArgument("file", "devinbox import conversations.json"),
		RunE: func(command *cobra.Command, arguments []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			file := os.Stdin
			if name := arguments[0]; name != "-" {
				if file, err = os.Open(name); errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("there is no file %s", name)
				} else if err != nil {
					return err
				}
				defer file.Close()
				if info, err := file.Stat(); err == nil && info.IsDir() {
					return fmt.Errorf("%s is a folder: give a file", name)
				}
			}
			settings, err := p.owned("CHAT_CHANNELS")
			if err != nil {
				return err
			}
			done, err := archive.Import(command.Context(), settings.MigrationURL, file, archive.Options{
				Fits:     settings.Pusher.Channels.Fits,
				Progress: func(done archive.Imported) { fmt.Fprintf(os.Stderr, "%d messages …\n", done.Messages) },
			})
			if err != nil && done.Conversations > 0 {
				return fmt.Errorf("%w\n%d conversations are imported: import the file again for the others", err, done.Conversations)
			}
			if err != nil {
				return p.unreachable(settings.MigrationVariable, err)
			}
			fmt.Printf("Imported %d conversations with %d messages. %d were there already.\n", done.Conversations, done.Messages, done.Kept)
			return nil
		},
	}
}
