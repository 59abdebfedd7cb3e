package identity

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"

	"devinbox/pkg/chat"
)

// leeway is how far the clock of a token's issuer may differ from ours.
const leeway = 60 * time.Second

// endOfTime is the latest time that a claim may have, in seconds: the end of the year 9999.
const endOfTime = 253402300799

var (
	errClaims   = errors.New("identity: the payload is not one JSON object without doubled names")
	errExpiry   = errors.New("identity: exp is missing, or is not a time")
	errTime     = errors.New("identity: nbf or iat is not a time")
	errEarly    = errors.New("identity: nbf or iat lies ahead")
	errIssuer   = errors.New("identity: iss is another's")
	errAudience = errors.New("identity: aud is another's")
	errID       = errors.New("identity: the claim with the id is missing, or cannot be an id")
	errRole     = errors.New("identity: the claim with the role is not a text")
	errFit      = errors.New("identity: the id is too long for the name of a channel")
)

// claims are the claims of a token, once it has been opened.
type claims map[string]any

// readClaims reads a payload with go-jose's own JSON, which, unlike the standard library's, refuses doubled
// names and distinguishes names that differ in case.
func readClaims(payload []byte) (claims, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil || c == nil || !utf8.Valid(payload) {
		return nil, errClaims
	}
	return c, nil
}

// identify makes an identity from the claims of a token.
func (v *Verifier) identify(c claims) (chat.Identity, error) {
	// An id is not a number: 42, 42.0 and 4.2e1 would be the same one, and beyond 2^53 several would become equal.
	// A text with U+FFFD is not an id either: JSON's decoder turns every half of a surrogate pair into it.
	id, _ := c.lookup(v.options.IDClaim).(string)
	if !chat.ValidID(id) || strings.ContainsRune(id, utf8.RuneError) {
		return chat.Identity{}, errID
	}
	me := chat.Identity{ID: id, Role: chat.Client}
	switch role := c.lookup(v.options.RoleClaim).(type) {
	case nil:
	case string:
		if role == string(chat.Developer) {
			me.Role = chat.Developer
		}
	default:
		// It has a meaning for its issuer, such as a list of roles. A developer who is taken for a client would be
		// harder to notice than one who is refused.
		return chat.Identity{}, errRole
	}

	// The id and the role are strict; what is only shown is left out if it is not valid.
	name, _ := c["name"].(string)
	email, _ := c["email"].(string)
	me.Name = chat.CutName(name)
	if v.options.IDClaim != "email" || strings.Contains(email, "@") { // in that mode a guest has its id in this claim
		me.Email = keepEmail(email)
	}
	verified, _ := c["email_verified"].(bool)
	for _, entry := range v.options.Developers {
		if entry == id || verified && me.Email != "" && lowerASCII(entry) == lowerASCII(me.Email) {
			me.Role = chat.Developer
		}
	}
	if me.Role == chat.Client && !v.options.Fits(id) {
		return chat.Identity{}, errFit
	}
	return me, nil
}

// lookup returns the claim at a dotted path, or nil if there is none. A dot may also be part of a name, as in the
// URLs that Auth0 requires as names of custom claims: at every level the longer name is tried first.
func (c claims) lookup(path string) any {
	if value, found := c[path]; found {
		return value
	}
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] != '.' {
			continue
		}
		if inner, ok := c[path[:i]].(map[string]any); ok {
			if value := claims(inner).lookup(path[i+1:]); value != nil {
				return value
			}
		}
	}
	return nil
}

// checkParties compares iss and aud with the expected values (RFC 7519, sections 4.1.1 and 4.1.3).
func (c claims) checkParties(issuer, audience string) error {
	if issuer != "" && c["iss"] != issuer {
		return errIssuer
	}
	if audience == "" || c["aud"] == audience {
		return nil
	}
	if several, ok := c["aud"].([]any); !ok || !slices.Contains(several, any(audience)) {
		return errAudience
	}
	return nil
}

// checkTimes compares exp, nbf and iat with the clock (RFC 7519, sections 4.1.4 to 4.1.6). A token that never
// expires is refused, since nothing else could end it. Whether it has expired is checked last.
func (c claims) checkTimes(now time.Time) error {
	for _, name := range []string{"nbf", "iat"} {
		if _, present := c[name]; !present {
			continue
		}
		moment, ok := c.moment(name)
		if !ok {
			return errTime
		}
		if now.Add(leeway).Before(moment) {
			return errEarly
		}
	}
	expiry, ok := c.moment("exp")
	if !ok {
		return errExpiry
	}
	if !now.Before(expiry.Add(leeway)) {
		return ErrExpired
	}
	return nil
}

// moment reads a claim in seconds since 1970, which may have a fraction (RFC 7519, section 2, NumericDate).
func (c claims) moment(name string) (time.Time, bool) {
	seconds, ok := c[name].(float64)
	if !ok || seconds < 0 || seconds > endOfTime {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}

// keepEmail returns an e-mail as it is kept; empty if it is too long or holds control characters.
func keepEmail(s string) string {
	if len(s) > chat.MaxEmailBytes || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// lowerASCII returns s with its ASCII letters in lower case. Other letters stay: in lower case, some that differ
// would become equal.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, s)
}
