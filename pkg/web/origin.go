package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
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
// Errors: an entry that is neither; then nothing is allowed.
func NewOrigins(allowed []string) (*Origins, error) {
	o := &Origins{}
	for _, entry := range allowed {
		if scheme, rest, found := strings.Cut(entry, "://*."); found {
			if !isOrigin(scheme + "://" + rest) {
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

var errOrigin = errors.New("must list origins such as https://app.example.com or https://*.example.com, in lower case and without a path")

// isOrigin tells whether s is what a browser sends as an origin: scheme, host, and a port if it is not the scheme's own.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		s == u.Scheme+"://"+u.Host && s == strings.ToLower(s) && !strings.Contains(s, "*") && u.Hostname() != ""
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
