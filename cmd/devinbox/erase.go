package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"devinbox/internal/archive"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/files"
	"devinbox/pkg/postgres"
	"devinbox/pkg/realtime"
)

func eraseCommand() *cobra.Command {
	var clientID string
	var all, vacuum bool
	command := &cobra.Command{
		Use:   "erase --client ID",
		Short: "Erase the texts of a client's conversation, with the client's name and e-mail, for good",
		Long: `Erase every text, digest and file of a client's conversation, of both sides, and the client's name and e-mail, for good. The
messages keep their numbers, times and developers' names, as deleted ones. With --all the conversation itself is removed too, with the client's id.

Open pages are notified. A client whose token is still valid can write again: so first stop issuing its tokens, and run
devinbox disconnect. docs/personal-data.md says which other data are kept where, such as in backups.

It uses DATABASE_URL_UNPOOLED if that is set, Pusher's variables to notify open pages, and the object store's variables
to delete the files.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := checkClient(clientID); err != nil {
				return err
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			settings, err := p.owned("CHAT_CHANNELS")
			if err != nil {
				return err
			}
			return p.unreachable(settings.MigrationVariable, erase(command.Context(), settings, clientID, all, vacuum))
		},
	}
	command.Flags().StringVar(&clientID, "client", "", "the client's id")
	command.Flags().BoolVar(&all, "all", false, "remove the conversation itself too, with the client's id")
	command.Flags().BoolVar(&vacuum, "vacuum", true, "clear the storage of the erased data; to erase many clients, use =false and run VACUUM once")
	return command
}

func erase(ctx context.Context, settings config.Config, clientID string, all, vacuum bool) error {
	url := settings.MigrationURL
	done, err := archive.Erase(ctx, url, clientID)
	if err != nil {
		return err
	}
	fmt.Printf("Erased: %d messages.\n", done.Messages)
	if err := announce(ctx, settings); err != nil {
		fmt.Printf("Open pages may show the old texts until they are reloaded: %v.\n", err)
	}
	if err := deleteFiles(ctx, settings, done.Objects); err != nil {
		fmt.Printf("No message has the files any more, but they stay in the object store until the deployment's cron deletes them: %v.\n", err)
	}
	if all {
		if err := archive.Remove(ctx, url, clientID); err != nil && !errors.Is(err, archive.ErrNothing) {
			return fmt.Errorf("the texts are erased, but the conversation is still there: %w", err)
		}
		fmt.Println("The conversation and the client's id are gone.")
	} else if strings.ContainsRune(clientID, '@') {
		fmt.Println("The client's id looks like an e-mail address, and is still stored: --all removes it.")
	}
	if vacuum {
		if err := archive.Vacuum(ctx, url); err != nil {
			return fmt.Errorf("everything is erased, but its storage was not cleared (run VACUUM as the owner of the tables): %w", err)
		}
	}
	fmt.Println("Nothing was erased in backups, at Pusher or in your logs: see docs/personal-data.md.")
	return nil
}

// deleteFiles deletes what an erasure leaves in the object store.
func deleteFiles(ctx context.Context, settings config.Config, keys []string) error {
	settings.Files.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	store := files.New(settings.Files)
	switch {
	case len(keys) == 0:
		return nil
	case !store.Enabled():
		return errors.New("S3_ENDPOINT and the other variables of the store are not set here")
	}
	deleting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	gone := store.Delete(deleting, keys)
	if err := archive.ForgetObjects(ctx, settings.MigrationURL, gone); err != nil {
		return err
	}
	if left := len(keys) - len(gone); left > 0 {
		return fmt.Errorf("%d of %d could not be deleted", left, len(keys))
	}
	fmt.Printf("Files deleted: %d.\n", len(gone))
	return nil
}

// errWaits is the error of events that will be delivered later, by a request or the cron.
var errWaits = errors.New("Pusher has not accepted every event yet")

// announce delivers what waits, as the cron does.
func announce(ctx context.Context, settings config.Config) error {
	if settings.PusherFaults != nil {
		return errors.New("Pusher is not configured here, so the deployment tells them, at its next request or run of the cron")
	}
	store, err := postgres.Open(postgres.Options{URL: settings.MigrationURL}, nil)
	if err != nil {
		return err
	}
	defer store.Close()
	settings.Pusher.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	publisher := realtime.New(settings.Pusher)
	service := chat.NewService(store, publisher, files.New(files.Options{}), settings.Pusher.Channels, settings.RateLimit, settings.Pusher.Log)
	run, err := service.DeliverQueued(ctx)
	if err == nil && run.Pending > 0 {
		err = errWaits
	}
	return err
}
