package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

func disconnectCommand() *cobra.Command {
	var me chat.Identity
	var role string
	command := &cobra.Command{
		Use:   "disconnect --sub ID --role client|developer",
		Short: "Close an identity's connections to Pusher",
		Long: `Close every connection to Pusher on which an identity is signed in. Connections that never signed in stay open.

This does not revoke access. Access ends only when the token expires: anybody with a valid token can connect again, and
can still call the functions. So first stop issuing tokens for the identity, and then disconnect it.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			me.Role = chat.Role(role)
			if err := checkIdentity(me); err != nil {
				return err
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			settings, _ := p.load(p.lookup) // the other variables do not matter to Pusher
			if settings.PusherFaults != nil {
				return fmt.Errorf("Pusher is not configured in the environment, .env.local or .env:\n%w", settings.PusherFaults)
			}
			if err := realtime.New(settings.Pusher).Disconnect(command.Context(), me.Role, me.ID); err != nil {
				return err
			}
			fmt.Printf("Every connection on which %s %s was signed in is closed.\n", me.Role, me.ID)
			fmt.Println("Its access ends only when its token expires: until then it can connect again.")
			return nil
		},
	}
	command.Flags().StringVar(&role, "role", "", "client or developer")
	command.Flags().StringVar(&me.ID, "sub", "", "the id")
	return command
}
