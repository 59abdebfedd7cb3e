// Package loopback keeps servers on a developer's machine private: they listen only on loopback addresses, and answer
// only requests for a loopback name.
package loopback

import (
	"errors"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// refusal is for the person who has come by another name, and for the one who sees it in a log of a proxy.
const refusal = `This is devinbox dev. It answers only at localhost and at the addresses of loopback.
If this name is yours, start it with --allow-host and the name.
`

// Only passes on the requests whose Host is a name or an address of loopback, or one of names, with whatever port. Any
// other is answered 421.
//
// A page of another site can have its own name lead to this machine (DNS rebinding). To the browser it is of the same
// origin then, and could read all that is answered here, tokens included; but the browser still says the page's name.
func Only(next http.Handler, names []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Is(r.Host, names) {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, refusal, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Is tells whether a host, as it stands in a Host header or an origin, with or without a port, is a name or an address of
// loopback, or one of names.
func Is(host string, names []string) bool {
	name := hostname(host)
	return isLoopback(name) || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

var name = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// CheckName finds fault with a name for [Only], which must be one as it stands in a Host header, without a port.
func CheckName(given string) error {
	if !name.MatchString(given) && net.ParseIP(given) == nil {
		return errors.New("must be a name such as chat.example.test, without https:// and without a port")
	}
	return nil
}

// hostname is a Host header without its port and brackets, or "" if it is malformed.
func hostname(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return ""
		}
		return strings.TrimSuffix(name, ".")
	}
	if inner, isIPv6 := strings.CutPrefix(host, "["); isIPv6 {
		name, closed := strings.CutSuffix(inner, "]")
		if !closed {
			return ""
		}
		return name
	}
	return strings.TrimSuffix(host, ".")
}

// isLoopback tells whether a name or an address is loopback's: names below localhost never lead elsewhere (RFC 6761).
func isLoopback(host string) bool {
	lower := strings.ToLower(host)
	if lower == "localhost" || strings.HasSuffix(lower, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
