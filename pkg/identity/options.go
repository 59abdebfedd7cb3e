package identity

import (
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

const (
	// minSecretBytes is how long a key of HS256 must be at least (RFC 7518, section 3.2).
	minSecretBytes = 32
	// minAuthSecretBytes is how long a secret of Auth.js must be at least. Auth.js itself asks for no length; it makes
	// secrets of 32 bytes, and derives its keys from any. What is shorter than 16 bytes can be found by trying, for
	// somebody who has a cookie.
	minAuthSecretBytes = 16
)

// Options are what a [Verifier] recognises callers by. Without any key it recognises nobody.
type Options struct {
	Secret         []byte // CHAT_JWT_SECRET: checks and signs HS256; at least 32 bytes
	PreviousSecret []byte // CHAT_JWT_SECRET_PREVIOUS: checks what it signed before, and signs nothing; likewise
	JWKSURL        string // CHAT_JWKS_URL: where the keys of RS256, ES256 and EdDSA are; https, but on loopback

	Issuer   string // CHAT_JWT_ISSUER: what iss must be; empty for anything
	Audience string // CHAT_JWT_AUDIENCE: what aud must hold; empty for anything

	IDClaim   string // CHAT_ID_CLAIM, which may be a dotted path; empty for sub
	RoleClaim string // CHAT_ROLE_CLAIM, likewise; empty for role

	AuthJS      bool     // CHAT_AUTHJS: look for the session cookie of Auth.js, where there is a secret for it
	AuthSecrets []string // AUTH_SECRET and those that it was before: each opens the cookies made with it; at least 16 bytes

	// CHAT_DEVELOPERS: who is a developer whatever the role says. An entry is an id, or an e-mail, which
	// counts where the token says that it is verified.
	Developers []string

	Fits func(clientID string) bool // whether a client of that id can have a channel; nil where each can
	Log  *slog.Logger               // nil for slog.Default
	Now  func() time.Time           // nil for time.Now
}

// Faults finds the options that cannot be used, each by the name of its field and without its value. An element of a
// list is named as in AuthSecrets.1, for the second.
func (o Options) Faults() []chat.Field {
	var found []chat.Field
	add := func(name, message string) { found = append(found, chat.Field{Name: name, Message: message}) }
	for _, f := range []struct {
		name   string
		secret []byte
	}{{"Secret", o.Secret}, {"PreviousSecret", o.PreviousSecret}} {
		if len(f.secret) > 0 && len(f.secret) < minSecretBytes {
			add(f.name, "must have at least 32 bytes")
		}
	}
	if o.JWKSURL != "" && !validKeysURL(o.JWKSURL) {
		add("JWKSURL", "must be an https URL without a user or a fragment; http works only for this machine")
	}
	for i, secret := range o.AuthSecrets {
		if o.AuthJS && len(secret) < minAuthSecretBytes { // otherwise it is for the web app alone
			add("AuthSecrets."+strconv.Itoa(i), "must have at least 16 bytes")
		}
	}
	o = o.withDefaults()
	for _, f := range []struct{ name, path string }{{"IDClaim", o.IDClaim}, {"RoleClaim", o.RoleClaim}} {
		names := strings.Split(f.path, ".")
		switch {
		case slices.Contains(names, ""):
			add(f.name, "must be the name of a claim, or several with dots between them")
		case slices.Contains([]string{"iss", "aud", "exp", "nbf", "iat"}, names[0]):
			add(f.name, "must not be a claim with a meaning of its own: iss, aud, exp, nbf or iat")
		}
	}
	if o.IDClaim == o.RoleClaim {
		add("RoleClaim", "must not be the claim that holds the id")
	}
	return found
}

func (o Options) withDefaults() Options {
	if o.IDClaim == "" {
		o.IDClaim = "sub"
	}
	if o.RoleClaim == "" {
		o.RoleClaim = "role"
	}
	if o.Fits == nil {
		o.Fits = func(string) bool { return true }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		// An instance is frozen between requests, and the monotonic clock may stand still meanwhile.
		// Without its reading, differences are those of the wall clock.
		o.Now = func() time.Time { return time.Now().Round(0) }
	}
	return o
}

func validKeysURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Hostname() != "" && u.User == nil && u.Fragment == "" && outgoing.Fault(u) == ""
}
