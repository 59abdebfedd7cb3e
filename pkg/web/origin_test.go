package web_test

import (
	"net/http/httptest"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

func origins(t *testing.T, allowed ...string) *web.Origins {
	t.Helper()
	o, err := web.NewOrigins(allowed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAnOriginIsAllowedExactlyOrByOneMoreLabel(t *testing.T) {
	t.Parallel()
	o := origins(t, "https://app.example.com", "https://*.example.org", "http://localhost:5173", "https://*.example.net:8443")
	for origin, allowed := range map[string]bool{
		"https://app.example.com":          true,
		"http://localhost:5173":            true,
		"https://a.example.org":            true,
		"https://a-1.example.org":          true,
		"https://a.example.net:8443":       true,
		"https://a.example.net":            false,
		"http://app.example.com":           false,
		"https://app.example.com:443":      false,
		"https://app.example.com:8443":     false,
		"https://app.example.com.evil.com": false,
		"https://evil-app.example.com":     false,
		"https://APP.example.com":          false,
		"https://app.example.com/":         false,
		"https://example.org":              false,
		"https://.example.org":             false,
		"https://a.b.example.org":          false,
		"https://A.example.org":            false,
		"https://evil.com/.example.org":    false,
		"https://evil.com#.example.org":    false,
		"https://a@b.example.org":          false,
		"http://a.example.org":             false,
		"http://localhost:3000":            false,
		"null":                             false,
		"":                                 false,
		"*":                                false,
	} {
		r := httptest.NewRequest("POST", "/", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		o.Share(w, r)
		want := ""
		if allowed {
			want = origin
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%q: Access-Control-Allow-Origin %q, want %q", origin, got, want)
		}
		if w.Header().Get("Vary") != "Origin" {
			t.Errorf("%q: Vary is %q", origin, w.Header().Get("Vary"))
		}
		if w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%q: credentials are allowed", origin)
		}
	}
}

func TestAnAllowListOfAnythingButOriginsIsRefused(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"*", "app.example.com", "https://", "https://app.example.com/", "https://app.example.com/path", "HTTPS://app.example.com",
		"https://App.example.com", "https://*", "https://*.", "https://a.*.example.com", "ftp://example.com", "null", "https://user@example.com",
		"https://*.*.example.com",
	} {
		if _, err := web.NewOrigins([]string{entry}); err == nil {
			t.Errorf("%q was taken", entry)
		}
	}
}

func TestARequestOnACookieComesFromThisOriginOrFromAnExactEntry(t *testing.T) {
	t.Parallel()
	o := origins(t, "https://app.example.com", "https://*.example.org")
	for name, c := range map[string]struct {
		method, site, origin string
		allowed              bool
	}{
		"same origin":                      {"POST", "same-origin", "https://chat.example.com", true},
		"typed by the user":                {"POST", "none", "", true},
		"no browser":                       {"POST", "", "", true},
		"an exact entry":                   {"POST", "cross-site", "https://app.example.com", true},
		"an exact entry of the same site":  {"POST", "same-site", "https://app.example.com", true},
		"an old browser, same host":        {"POST", "", "https://chat.example.com", true},
		"an old browser, an exact entry":   {"POST", "", "https://app.example.com", true},
		"a reading request":                {"GET", "cross-site", "https://evil.com", true},
		"another site":                     {"POST", "cross-site", "https://evil.com", false},
		"another origin of the same site":  {"POST", "same-site", "https://other.example.com", false},
		"an entry with a star":             {"POST", "cross-site", "https://a.example.org", false},
		"a sandboxed page":                 {"POST", "cross-site", "null", false},
		"a sandboxed page, old browser":    {"POST", "", "null", false},
		"another site, old browser":        {"POST", "", "https://evil.com", false},
		"another method":                   {"PATCH", "cross-site", "https://evil.com", false},
		"deleting":                         {"DELETE", "cross-site", "https://evil.com", false},
		"a value that no browser has":      {"POST", "whatever", "", false},
		"another site that hides its name": {"POST", "cross-site", "", false},
	} {
		r := httptest.NewRequest(c.method, "https://chat.example.com/api/pusher/auth", nil)
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		err := o.GuardCookie(r)
		if c.allowed != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && chat.KindOf(err) != chat.Forbidden {
			t.Errorf("%s: %s", name, chat.KindOf(err))
		}
	}
}
