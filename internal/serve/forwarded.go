package serve

import (
	"net/http"
	"net/netip"
	"strings"
)

// Forwarded does for the functions what Vercel's edge does: it sets the forwarding headers truly, or removes them.
//
// With trust there is a proxy in front of this process that sets X-Forwarded-For, -Proto and -Host (or X-Real-Ip)
// itself. The last entry of each counts, because the proxy added it; entries before it can be the caller's own. The
// functions then find the caller's address in X-Real-Ip, and the host that the browser asked for in r.Host.
// Without trust all such headers are removed, because any caller can set them. Vercel's own are removed in any case: there
// the request's id comes from one of them.
func Forwarded(next http.Handler, trust bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Vercel-") || !trust && isForwarding(name) { // the former is set by no other proxy
				delete(r.Header, name)
			}
		}
		if trust {
			believe(r)
		}
		next.ServeHTTP(w, r)
	})
}

// isForwarding is true for the headers, by their canonical names, that only a proxy in front of this process should set.
func isForwarding(name string) bool {
	return name == "X-Real-Ip" || name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-")
}

func believe(r *http.Request) {
	address, found := lastAddress(r.Header, "X-Forwarded-For")
	if !found {
		address, found = lastAddress(r.Header, "X-Real-Ip")
	}
	r.Header.Del("X-Real-Ip")
	if found && address != "" {
		r.Header.Set("X-Real-Ip", address)
	}
	if proto, found := last(r.Header, "X-Forwarded-Proto"); found {
		r.Header.Set("X-Forwarded-Proto", proto)
	}
	if host, found := last(r.Header, "X-Forwarded-Host"); found && host != "" {
		r.Host = host
	}
}

// last is the last entry of a header that can be a list, also on several lines.
func last(h http.Header, name string) (entry string, found bool) {
	lines := h.Values(name)
	if len(lines) == 0 {
		return "", false
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]), true
}

// lastAddress is like last, without the port that some proxies add. It is empty if the entry is not an address.
func lastAddress(h http.Header, name string) (address string, found bool) {
	text, found := last(h, name)
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().String(), true
	}
	if plain, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		return plain.String(), true
	}
	return "", found
}
