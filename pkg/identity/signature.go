package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// The causes say which check failed, and contain nothing of the token.
var (
	errMalformed = errors.New("identity: not a token in compact form")
	errAlgorithm = errors.New("identity: an algorithm that there is no key for")
	errHeader    = errors.New("identity: a header that changes what is signed")
	errType      = errors.New("identity: another kind of token")
	errNoKey     = errors.New("identity: no key for this token")
	errSignature = errors.New("identity: the signature is wrong")
)

// checkSignature returns the payload of a signed token. Its algorithm decides which keys may have signed it: only
// the secrets for HS256, only keys of the set for the others. So a public key is never used as a secret (RFC 8725,
// section 2.1). The headers jku, x5u, jwk and x5c, with which a token could bring its own key, are ignored.
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
	keys := v.secrets
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

// isAccessToken tells by the header typ whether a token is meant to give access (RFC 8725, section 3.11). Most
// providers write JWT or nothing; at+jwt is the type of access tokens in RFC 9068, and Auth0, among others, can be
// configured to write it. The same keys sign tokens of other types, such as logout+jwt and secevent+jwt, which
// also have a subject and an expiry.
func isAccessToken(header jose.Header) bool {
	value, present := header.ExtraHeaders[jose.HeaderType]
	if !present {
		return true
	}
	name, _ := value.(string)
	name = strings.TrimPrefix(strings.ToLower(name), "application/")
	return name == "jwt" || name == "at+jwt"
}

// split splits a token in compact form into its parts. It is false if there are not n of them, or if one is not
// base64url as in RFC 7515, section 2: go-jose's decoder accepts line breaks and unused bits, which would give a
// token many spellings.
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
