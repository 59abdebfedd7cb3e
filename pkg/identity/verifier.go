package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"devinbox/pkg/chat"
)

// Verifier recognises callers. It is safe for concurrent use.
type Verifier struct {
	options    Options
	algorithms []jose.SignatureAlgorithm // those that there is a key for
	secrets    []any                     // those that may have signed a token of HS256
	keys       *remoteKeys               // nil without a JWKSURL
	sessions   map[string][]sessionKey   // the keys of Auth.js by the name of its cookie; nil if it is not configured
}

// New makes a Verifier. The error joins one sentence for each of [Options.Faults]; even then the Verifier is not nil,
// and recognises nobody.
func New(o Options) (*Verifier, error) {
	var faults []error
	for _, f := range o.Faults() {
		faults = append(faults, fmt.Errorf("%s %s", f.Name, f.Message))
	}
	o = o.withDefaults()
	v := &Verifier{options: o}
	if o.AuthJS && len(o.AuthSecrets) > 0 {
		var err error
		if v.sessions, err = sessionKeys(o.AuthSecrets); err != nil {
			faults = append(faults, fmt.Errorf("AuthSecrets cannot be used: %w", err))
		}
	} else if o.AuthJS {
		o.Log.Warn("the session cookie of Auth.js is not looked for: AUTH_SECRET is missing")
	}
	if len(faults) > 0 {
		return &Verifier{options: Options{}.withDefaults()}, errors.Join(faults...)
	}
	for _, secret := range [][]byte{o.Secret, o.PreviousSecret} {
		if len(secret) > 0 {
			v.secrets = append(v.secrets, secret)
		}
	}
	if len(v.secrets) > 0 {
		v.algorithms = append(v.algorithms, jose.HS256)
	}
	if o.JWKSURL != "" {
		v.algorithms = append(v.algorithms, jose.RS256, jose.ES256, jose.EdDSA)
		v.keys = newRemoteKeys(o)
	}
	return v, nil
}

// Configured tells whether there is any key. Without one nobody is recognised; the program should log that when it
// starts.
func (v *Verifier) Configured() bool { return len(v.algorithms) > 0 || v.sessions != nil }

// ErrExpired is the cause of the error for a credential that would be valid if it had not expired.
var ErrExpired = errors.New("identity: the token has expired")

var (
	// One text for every refusal: what is wrong with a token is only for the owner of this deployment, who has
	// the log.
	errUnauthorized  = chat.Fail(chat.Unauthorized, "This needs a valid credential: a bearer token or a session.")
	errNotConfigured = chat.Fail(chat.Unavailable, "This deployment cannot recognise anybody yet. Its log says what is missing.").
				Because(errors.New("identity: no key is configured"))
)

// Verify returns the identity of a credential.
// Errors: Unauthorized for every credential that is missing, bad or expired, with the check that failed as the
// cause, which is [ErrExpired] if it is only too old; Unavailable if there is no key at all, or if the host of the
// JWKSURL has not answered yet, or not for 24 hours.
func (v *Verifier) Verify(ctx context.Context, c Credential) (chat.Identity, error) {
	if !v.Configured() {
		return chat.Identity{}, errNotConfigured
	}
	me, err := v.recognise(ctx, c)
	switch {
	case err == nil:
		return me, nil
	case chat.KindOf(err) == chat.Unavailable:
		return chat.Identity{}, err
	default:
		return chat.Identity{}, errUnauthorized.Because(err)
	}
}

func (v *Verifier) recognise(ctx context.Context, c Credential) (chat.Identity, error) {
	payload, err := v.open(ctx, c)
	if err != nil {
		return chat.Identity{}, err
	}
	claims, err := readClaims(payload)
	if err != nil {
		return chat.Identity{}, err
	}
	// Sessions of Auth.js have neither an issuer nor an audience: their key shows that they are its own.
	if c.Kind != AuthJS {
		if err := claims.checkParties(v.options.Issuer, v.options.Audience); err != nil {
			return chat.Identity{}, err
		}
	}
	me, err := v.identify(claims)
	if err != nil {
		return chat.Identity{}, err
	}
	return me, claims.checkTimes(v.options.Now())
}

// open returns the claims of a credential as JSON, after its signature or its encryption has been checked.
func (v *Verifier) open(ctx context.Context, c Credential) ([]byte, error) {
	switch {
	case c.Kind == None:
		return nil, errors.New("identity: no credential")
	case c.fault != nil:
		return nil, c.fault
	case c.Kind == AuthJS:
		return v.decrypt(c.cookie, c.token)
	default:
		return v.checkSignature(ctx, c.token)
	}
}
