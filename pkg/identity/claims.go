package identity

import (
	"errors"
	"slices"
	"strings"
	"time"
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
	errVerified = errors.New("identity: the e-mail that is the id is not verified")
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
	if isEmailClaim(v.options.IDClaim) && (c.isUnverified("email_verified") || c.isUnverified(v.options.IDClaim+"_verified")) {
		return chat.Identity{}, errVerified
	}
	// A role that is no text, such as a list, is none: whoever has it is a client.
	if role, _ := c.lookup(v.options.RoleClaim).(string); role == string(chat.Developer) {
		me.Role = chat.Developer
	}

	// The id and the role are strict; what is only shown is left out if it is not valid.
	name, _ := c["name"].(string)
	email, _ := c["email"].(string)
	if c.isUnverified("email_verified") {
		email = "" // anybody can write one into a profile
	}
	me.Name = chat.CleanName(name)
	if v.options.IDClaim != "email" || strings.Contains(email, "@") { // in that mode a guest has its id in this claim
		me.Email = chat.CleanEmail(email)
	}
	// The e-mail is compared as the token has it: without what is invisible in it, it could be another's.
	verified, _ := c["email_verified"].(bool)
	for _, entry := range v.options.Developers {
		if entry == id || verified && lowerASCII(entry) == lowerASCII(email) {
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

// isEmailClaim tells whether the claim at a path is an e-mail by its name: email, user.email, https://example.com/email.
func isEmailClaim(path string) bool {
	return path[strings.LastIndexAny(path, "./")+1:] == "email"
}

// isUnverified tells whether the claim at a path, which says of an e-mail whether it was verified, is there and does
// not say so. Some providers write it as a text.
func (c claims) isUnverified(path string) bool {
	switch said := c.lookup(path).(type) {
	case nil:
		return false
	case bool:
		return !said
	case string:
		return !strings.EqualFold(said, "true")
	default:
		return true
	}
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
