// Package identity turns the credential of a request into a [chat.Identity]. A credential is a bearer token, the
// session cookie of Auth.js v5, or our own session cookie.
//
// The first credential that is present is used, and any other is ignored. [Verifier.Find] finds it and
// [Verifier.Verify] checks it. It is a JSON Web Token: signed (RFC 7515) with a shared secret or with a key of a
// JSON Web Key Set (RFC 7517), or encrypted (RFC 7516) as Auth.js does it. The cryptography is go-jose's. This
// package decides which key may open which token, and which claims the token must have (RFC 7519, and RFC 8725 on
// common mistakes).
//
// A token cannot be revoked: the access that it gives ends when it expires, not earlier. If a cookie was copied, this
// is true for the copy even after the user has signed out.
package identity
