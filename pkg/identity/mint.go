package identity

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"devinbox/pkg/chat"
)

var (
	errNoSecret = chat.Fail(chat.Unavailable, "This deployment has no secret to sign tokens with.").
			Because(errors.New("identity: CHAT_JWT_SECRET is missing"))
	errOtherIdentity = chat.Fail(chat.Unprocessable, "A token for this identity would not be read back as the same one.")
)

// Mint signs a token for an identity with the Secret, valid for lifetime from now. It has what this Verifier
// requires: the id and the role in their claims, and iss and aud if they are checked.
//
// Before it is signed, the token is read as Verify would read it: a user chooses the name and the e-mail, and the
// id or the role may be configured to come from one of those claims.
// Errors: Unavailable without a Secret; Unprocessable if the token would be another identity's, for example
// because the id is not valid, or a client's id is one of the Developers.
func (v *Verifier) Mint(me chat.Identity, lifetime time.Duration) (string, error) {
	if len(v.options.Secret) == 0 {
		return "", errNoSecret
	}
	now := v.options.Now()
	c := claims{"iat": now.Unix(), "exp": now.Add(lifetime).Unix()}
	for name, value := range map[string]string{
		"name": me.Name, "email": me.Email, "iss": v.options.Issuer, "aud": v.options.Audience,
	} {
		if value != "" {
			c[name] = value
		}
	}
	c.set(v.options.IDClaim, me.ID)
	c.set(v.options.RoleClaim, string(me.Role))
	payload, err := json.Marshal(c)
	if err != nil {
		return "", chat.Defect(err)
	}
	if c, err = readClaims(payload); err != nil {
		return "", chat.Defect(err)
	}
	if read, err := v.identify(c); err != nil || read.ID != me.ID || read.Role != me.Role {
		return "", errOtherIdentity.Because(err)
	}

	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: v.options.Secret}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", chat.Defect(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", chat.Defect(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", chat.Defect(err)
	}
	return token, nil
}

// set writes a claim at a dotted path, and overwrites what is in its way.
func (c claims) set(path string, value any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		c[name] = value
		return
	}
	inner, ok := c[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		c[name] = inner
	}
	claims(inner).set(rest, value)
}

// NewGuestID makes the id of a guest: guest- and 128 random bits in base32 (RFC 4648, section 6), in lower case
// and without padding.
func NewGuestID() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // it never fails
	return "guest-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:]))
}
