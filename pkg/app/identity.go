package app

import (
	"errors"
	"log/slog"

	"devinbox/pkg/config"
	"devinbox/pkg/identity"
	"devinbox/pkg/realtime"
)

// NewVerifier makes what recognises callers, and signs tokens, out of the environment.
// Errors: one [config.Fault] for each variable that cannot be used, joined; the Verifier then lets nobody in.
func NewVerifier(c config.Config, log *slog.Logger) (*identity.Verifier, error) {
	channels, _ := realtime.ParseChannels(c.Channels)
	options := identity.Options{
		Secret: []byte(c.Identity.Secret), JWKSURL: c.Identity.JWKSURL,
		Issuer: c.Identity.Issuer, Audience: c.Identity.Audience,
		IDClaim: c.Identity.IDClaim, RoleClaim: c.Identity.RoleClaim,
		AuthJS: c.Identity.AuthJS, AuthSecrets: c.Identity.AuthSecrets,
		Developers: c.Identity.Developers,
		Fits:       channels.Fits, Log: log,
	}
	variables := map[string]string{
		"Secret": "CHAT_JWT_SECRET", "JWKSURL": "CHAT_JWKS_URL", "IDClaim": "CHAT_ID_CLAIM", "RoleClaim": "CHAT_ROLE_CLAIM", "AuthSecrets": "AUTH_SECRET",
	}
	var faults []error
	for _, f := range options.Faults() {
		faults = append(faults, config.Fault{Variable: variables[f.Name], Message: f.Message})
	}
	verifier, _ := identity.New(options) // it would name the same faults by its own words
	return verifier, errors.Join(faults...)
}
