package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"devinbox/internal/dev"
	"devinbox/pkg/chat"
)

func tokenCommand() *cobra.Command {
	var me chat.Identity
	var role string
	var ttl time.Duration
	var data string
	command := &cobra.Command{
		Use:   "token --role client|developer --sub ID",
		Short: "Sign a bearer token for trying things out",
		Long: `Sign a bearer token with CHAT_JWT_SECRET from the environment, .env.local or .env. If it is not set there, the secret of
devinbox dev on this machine is used.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			me.Role = chat.Role(role)
			if err := checkIdentity(me); err != nil {
				return err
			}
			if ttl <= 0 {
				return usage("--ttl must be positive")
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			settings, err := p.load(p.lookup)
			if err != nil {
				return err
			}
			if len(settings.Identity.Secret) == 0 {
				folder, err := p.data(data)
				if err != nil {
					return err
				}
				if data != "" && !dev.HasData(folder) { // or the token would be signed with a new secret, which nobody knows
					return fmt.Errorf("there is no data of devinbox dev in %s: start it with the same --data first", folder)
				}
				secrets, err := dev.Secrets(folder)
				if err != nil {
					return err
				}
				settings.Identity.Secret = []byte(secrets["CHAT_JWT_SECRET"])
			}
			token, err := mint(settings, me, ttl)
			if err != nil {
				return err
			}
			fmt.Println(token)
			return nil
		},
	}
	command.Flags().StringVar(&role, "role", "", "client or developer")
	command.Flags().StringVar(&me.ID, "sub", "", "the id")
	command.Flags().StringVar(&me.Name, "name", "", "the name that the other side sees")
	command.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long the token is valid")
	command.Flags().StringVar(&data, "data", "", "the folder of devinbox dev, if it was started with --data")
	return command
}

// checkIdentity finds fault with what --role and --sub say.
func checkIdentity(me chat.Identity) error {
	switch {
	case me.Role == "":
		return missing("role", "client or developer")
	case me.ID == "":
		return missing("sub", "the id")
	case me.Role != chat.Client && me.Role != chat.Developer:
		return usage("--role must be client or developer")
	case !chat.ValidID(me.ID):
		return usage("--sub must be 1 to %d bytes of UTF-8 without control characters", chat.MaxIDBytes)
	default:
		return nil
	}
}
