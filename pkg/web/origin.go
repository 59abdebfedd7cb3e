package web

import (
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"devinbox/pkg/chat"
)

// Origins are the other origins whose pages may use this API: with bearer tokens by CORS, which never
// allows credentials; with cookies only if a frontend passes requests on to this deployment.
// It is safe for concurrent use.
type Origins struct {
	exact     []string
	wildcards []wildcard
	guard     http.CrossOriginProtection
}

// wildcard is an entry such as https://*.example.com.
type wildcard struct{ before, after string }

// NewOrigins reads an allow-list: origins such as https://app.example.com, matched exactly, and
// https://*.example.com, which allows exactly one label in place of the star.
// Errors: an entry that is neither, or that no browser would send; then nothing is allowed.
func NewOrigins(allowed []string) (*Origins, error) {
	o := &Origins{}
	for _, entry := range allowed {
		if scheme, rest, found := strings.Cut(entry, "://*."); found {
			if !isOrigin(scheme+"://"+rest) || !isOrigin(scheme+"://label."+rest) { // an address has no label before it
				return &Origins{}, errOrigin
			}
			o.wildcards = append(o.wildcards, wildcard{scheme + "://", "." + rest})
			continue
		}
		if !isOrigin(entry) {
			return &Origins{}, errOrigin
		}
		if err := o.guard.AddTrustedOrigin(entry); err != nil {
			return &Origins{}, errOrigin
		}
		o.exact = append(o.exact, entry)
	}
	return o, nil
}

var errOrigin = errors.New("must list origins such as https://app.example.com or https://*.example.com, as a browser sends them: in lower case and ASCII (xn--…), without a path and without the scheme's own port")

// isOrigin tells whether s is an origin as a browser sends it (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin):
// scheme, host, and a port if it is not the scheme's own. An entry in another spelling would never match.
func isOrigin(s string) bool {
	scheme, host, _ := strings.Cut(s, "://")
	own, known := map[string]string{"http": "80", "https": "443"}[scheme]
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		port := host[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port || port == own {
			return false
		}
		host = host[:i]
	}
	return known && (isName(host) || isAddress(host))
}

// isName tells whether s is the name of a host, perhaps with the dot of the root at its end. A name whose last label is
// a number would be an IPv4 address to a browser.
func isName(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, label := range labels {
		if !isLabel(strings.ReplaceAll(label, "_", "-")) {
			return false
		}
	}
	return !numeric.MatchString(labels[len(labels)-1])
}

// numeric is a label that makes a name an IPv4 address (https://url.spec.whatwg.org/#ends-in-a-number-checker).
var numeric = regexp.MustCompile(`\A([0-9]+|0x[0-9a-f]*)\z`)

// isAddress tells whether s is an IPv4 address, or an IPv6 address in brackets, in the spelling of a URL.
func isAddress(s string) bool {
	inner, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		if inner, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return false
		}
	}
	address, err := netip.ParseAddr(inner)
	return err == nil && address.Is4() != bracketed && !address.Is4In6() && address.Zone() == "" && address.String() == inner
}

// allows tells whether pages of an origin may read what this API answers.
func (o *Origins) allows(origin string) bool {
	return slices.Contains(o.exact, origin) || slices.ContainsFunc(o.wildcards, func(w wildcard) bool {
		label, found := strings.CutPrefix(origin, w.before)
		if found {
			label, found = strings.CutSuffix(label, w.after)
		}
		return found && isLabel(label)
	})
}

// isLabel tells whether s is one label of a host name.
func isLabel(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	})
}

// Share lets the page that made a request read the answer, if its origin is allowed.
func (o *Origins) Share(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !o.allows(origin) {
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, Idempotent-Replayed, Server-Timing")
}

// Preflight answers OPTIONS for a resource that takes these methods. Call [Origins.Share] before it.
func Preflight(w http.ResponseWriter, methods []string) Answer {
	Allow(w, methods)
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		w.Header().Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	return NoContent()
}

// GuardCookie refuses a request that another site's page makes with the caller's cookie. Only an exact entry
// of the list is allowed, since that is a frontend that passes requests on.
func (o *Origins) GuardCookie(r *http.Request) error {
	if err := o.guard.Check(r); err != nil {
		return chat.Fail(chat.Forbidden, "A request on a cookie must come from this origin.").Because(errors.New("cross-origin request on a cookie"))
	}
	return nil
}
