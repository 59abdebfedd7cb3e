package objectstore

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"devinbox/internal/dev/loopback"
)

// What the bucket's CORS configuration allows: what docs/deploy.md tells an owner to allow, and no more.
var (
	corsMethods = []string{http.MethodGet, http.MethodHead, http.MethodPut}
	corsHeaders = []string{"content-type", "if-none-match"}
)

// allowsOrigin tells whether a page's origin is one of this machine, or of a host that was named.
func (s *Server) allowsOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Scheme+"://"+u.Host == origin && loopback.Is(u.Host, s.options.Hosts)
}

// preflight answers OPTIONS.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	origin, method := r.Header.Get("Origin"), r.Header.Get("Access-Control-Request-Method")
	if origin == "" || method == "" {
		refuse(w, r, &fault{http.StatusBadRequest, "BadRequest", "Insufficient information. Origin request header needed."})
		return
	}
	headers := strings.FieldsFunc(strings.ToLower(strings.Join(r.Header.Values("Access-Control-Request-Headers"), ",")), func(c rune) bool { return c == ',' || c == ' ' })
	refused := func(name string) bool { return !slices.Contains(corsHeaders, name) }
	if !s.allowsOrigin(origin) || !slices.Contains(corsMethods, method) || slices.ContainsFunc(headers, refused) {
		refuse(w, r, &fault{http.StatusForbidden, "AccessForbidden", "CORSResponse: This CORS request is not allowed."})
		return
	}
	h := w.Header()
	if len(headers) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
	}
	h.Set("Access-Control-Max-Age", "600")
	s.allow(h, origin)
	w.WriteHeader(http.StatusOK)
}

// allow sets the headers that let a page read an answer. Their absence keeps it out.
func (s *Server) allow(h http.Header, origin string) {
	for _, name := range []string{"Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"} {
		h.Add("Vary", name)
	}
	if origin == "" || !s.allowsOrigin(origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", strings.Join(corsMethods, ", "))
	h.Set("Access-Control-Expose-Headers", "ETag")
}
