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

// leeway is how far the clock of whoever made a token may be off from ours.
const leeway = 60 * time.Second

// endOfTime is the last moment that a claim may name, in seconds: the end of the year 9999.
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

// claims are what a token says, once it has been opened.
type claims map[string]any

// readClaims reads a payload with go-jose's own JSON, which unlike the standard library's refuses doubled
// names and takes no name for another that differs in case.
func readClaims(payload []byte) (claims, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil || c == nil || !utf8.Valid(payload) {
		return nil, errClaims
	}
	return c, nil
}

// identify makes an identity of what a token says.
func (v *Verifier) identify(c claims) (chat.Identity, error) {
	// A number is no id: 42, 42.0 and 4.2e1 would be one, and beyond 2^53 several would become the same.
	// Nor is a text with U+FFFD in it, which is what JSON's decoder makes of every half of a surrogate pair.
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
		// Somebody means something by it, such as a list of roles. Not to be the developer that one is
		// would be harder to find than not to be let in.
		return chat.Identity{}, errRole
	}

	// Who somebody is, is strict; what is only shown is left out where it cannot be.
	name, _ := c["name"].(string)
	email, _ := c["email"].(string)
	me.Name = chat.CutName(name)
	if v.options.IDClaim != "email" || strings.Contains(email, "@") { // there a guest has its id
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

// lookup finds the claim of a dotted path, and nil where there is none. A dot may also be part of a name, as in
// the URLs that Auth0 wants before claims of one's own: at every level the longer name goes first.
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

// checkParties compares iss and aud with what they must be (RFC 7519, sections 4.1.1 and 4.1.3).
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

// checkTimes compares exp, nbf and iat with the clock (RFC 7519, sections 4.1.4 to 4.1.6). A token that lasts
// for ever is refused, since nothing else could end it. Whether it has expired is looked at last.
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

// keepEmail is an e-mail as it is kept, and empty where it is too long or holds control characters.
func keepEmail(s string) string {
	if len(s) > chat.MaxEmailBytes || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// lowerASCII is s without the difference between A and a. Beyond ASCII, letters that are not the same become
// so in lower case.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, s)
}
