package main

import (
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
)

// mint signs a token as the deployment with these settings recognises it.
func mint(settings config.Config, me chat.Identity, ttl time.Duration) (string, error) {
	verifier, err := identity.New(settings.Identity)
	if err != nil {
		return "", err
	}
	return verifier.Mint(me, ttl)
}
