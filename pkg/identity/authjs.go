package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// A256CBC-HS512 takes a key of 64 bytes and gives a tag of 32 (RFC 7518, section 5.2.5).
const (
	sessionKeyBytes = 64
	sessionTagChars = 43 // 32 bytes in base64url
)

var errSession = errors.New("identity: no secret of Auth.js opens the cookie")

// sessionKey is a key that Auth.js derives from a secret and the name of a cookie, and its kid.
type sessionKey struct {
	id  string
	key []byte
}

// sessionKeys derives the keys of every secret for both names that the cookie may have.
func sessionKeys(secrets []string) (map[string][]sessionKey, error) {
	keys := map[string][]sessionKey{}
	for _, name := range []string{authJSCookie, secureAuthJSCookie} {
		for _, secret := range secrets {
			key, err := newSessionKey(secret, name)
			if err != nil {
				return nil, err
			}
			keys[name] = append(keys[name], key)
		}
	}
	return keys, nil
}

// newSessionKey derives a key as @auth/core does: HKDF (RFC 5869) with SHA-256, the cookie's name as the salt
// and in the info. The kid is the key's thumbprint (RFC 7638), by SHA-512.
// Errors: a secret that Go refuses in its FIPS 140 mode.
func newSessionKey(secret, name string) (sessionKey, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(name), "Auth.js Generated Encryption Key ("+name+")", sessionKeyBytes)
	if err != nil {
		return sessionKey{}, err
	}
	thumbprint := sha512.Sum512([]byte(`{"k":"` + base64.RawURLEncoding.EncodeToString(key) + `","kty":"oct"}`))
	return sessionKey{base64.RawURLEncoding.EncodeToString(thumbprint[:]), key}, nil
}

// decrypt returns the payload of a session cookie of Auth.js, which is encrypted with the key itself (dir) by
// A256CBC-HS512. With a kid, only the key of that id is tried; without one, every key.
func (v *Verifier) decrypt(cookie, token string) ([]byte, error) {
	parts, ok := split(token, 5)
	// The second part would be an encrypted key, which dir does not have. go-jose's check of the tag covers neither
	// that part nor the boundary between the ciphertext and the tag.
	if !ok || parts[1] != "" || len(parts[4]) != sessionTagChars {
		return nil, errMalformed
	}
	encrypted, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256CBC_HS512})
	if err != nil {
		return nil, errMalformed
	}
	for _, key := range v.sessions[cookie] {
		if id := encrypted.Header.KeyID; id != "" && id != key.id {
			continue
		}
		if payload, err := encrypted.Decrypt(key.key); err == nil {
			return payload, nil
		}
	}
	return nil, errSession
}
