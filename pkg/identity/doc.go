// Package identity turns the credential of a request into a [chat.Identity]. A credential is a bearer token, the
// session cookie of Auth.js v5, or our own session cookie.
//
// The first credential that is present decides, whatever comes after it; [Verifier.Find] finds it and
// [Verifier.Verify] checks it. It is a JSON Web Token: signed (RFC 7515) with a shared secret or with a key of a
// JSON Web Key Set (RFC 7517), or encrypted (RFC 7516) as Auth.js does it. The cryptography is go-jose's. This
// package decides which key may open which token, and what the token must say (RFC 7519, and RFC 8725 on what
// goes wrong with tokens).
//
// A token cannot be revoked: the access that it gives ends when it expires, and no earlier. That is also true for
// the cookie of somebody who has signed out, if it was copied before.
package identity
