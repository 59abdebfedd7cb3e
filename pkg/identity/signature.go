package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// The causes tell which check failed, and nothing of the token.
var (
	errMalformed = errors.New("identity: not a token in compact form")
	errAlgorithm = errors.New("identity: an algorithm that there is no key for")
	errHeader    = errors.New("identity: a header that changes what is signed")
	errType      = errors.New("identity: another kind of token")
	errNoKey     = errors.New("identity: no key for this token")
	errSignature = errors.New("identity: the signature is wrong")
)

// checkSignature gives the payload of a signed token. Its algorithm decides which keys may have signed it:
// the secret for HS256 and nothing else, keys of the set for the others. So a public key is never taken for a
// secret (RFC 8725, section 2.1). The headers jku, x5u, jwk and x5c, by which a token would bring its own
// key, are not looked at.
func (v *Verifier) checkSignature(ctx context.Context, token string) ([]byte, error) {
	if _, ok := split(token, 3); !ok {
		return nil, errMalformed
	}
	if len(v.algorithms) == 0 {
		return nil, errAlgorithm
	}
	signed, err := jose.ParseSignedCompact(token, v.algorithms)
	var unexpected *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &unexpected):
		return nil, errAlgorithm
	case err != nil:
		return nil, errMalformed
	}
	header := signed.Signatures[0].Protected
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, present := header.ExtraHeaders[name]; present {
			return nil, errHeader
		}
	}
	if !isAccessToken(header) {
		return nil, errType
	}
	keys := []any{v.options.Secret}
	if algorithm := jose.SignatureAlgorithm(header.Algorithm); algorithm != jose.HS256 {
		if keys, err = v.keys.find(ctx, algorithm, header.KeyID); err != nil {
			return nil, err
		}
	}
	for _, key := range keys {
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

// isAccessToken tells by the header typ whether a token is meant to let somebody in (RFC 8725, section 3.11).
// Most providers write JWT or nothing; at+jwt is what RFC 9068 calls an access token, and Auth0, among others,
// can be set to write it. The same keys sign tokens of other kinds, such as logout+jwt and secevent+jwt, which
// also have a subject and an age.
func isAccessToken(header jose.Header) bool {
	value, present := header.ExtraHeaders[jose.HeaderType]
	if !present {
		return true
	}
	name, _ := value.(string)
	name = strings.TrimPrefix(strings.ToLower(name), "application/")
	return name == "jwt" || name == "at+jwt"
}

// split cuts a token in compact form into its parts. It is false where there are not n of them, or where one
// is not base64url as RFC 7515, section 2, has it: the decoder of go-jose lets pass line breaks and bits that
// mean nothing, by which a token would have many spellings.
func split(token string, n int) ([]string, bool) {
	if len(token) > maxTokenBytes {
		return nil, false
	}
	parts := strings.SplitN(token, ".", n+1)
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return nil, false
		}
	}
	return parts, len(parts) == n
}
