// Package identity turns the credential of a request into a [chat.Identity]: a bearer token, the session
// cookie of Auth.js v5, or a session cookie of our own.
//
// The first credential that is present decides, whatever comes after it; [Verifier.Find] finds it and
// [Verifier.Verify] checks it. What is checked is a JSON Web Token: signed (RFC 7515) with a shared secret
// or with a key of a JSON Web Key Set (RFC 7517), or encrypted (RFC 7516) as Auth.js does it. The
// cryptography is go-jose's. What is decided here is which key may open which token, and what must stand in
// it (RFC 7519, and RFC 8725 on what goes wrong with them).
//
// A token cannot be revoked: the access that it gives ends when it expires, and no earlier. That holds for
// the cookie of somebody who has signed out, too, where it was copied before.
package identity
