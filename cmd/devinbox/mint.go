package main

import (
	"log/slog"
	"time"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
)

// mint signs a token as the deployment with these settings recognises it.
func mint(settings config.Config, me chat.Identity, ttl time.Duration) (string, error) {
	verifier, err := app.NewVerifier(settings, slog.Default())
	if err != nil {
		return "", err
	}
	return verifier.Mint(me, ttl)
}
