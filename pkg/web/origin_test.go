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
		"https://*.*.example.com", "https://*.1.2.3.4", "https://*.[::1]", "https://*.example.com:443", "https://*.Example.com", "https://*.example.com/", "https://*.münchen.example",
		// A browser leaves the scheme's own port out, and writes every other without zeros.
		"https://app.example.com:443", "http://app.example.com:80", "https://app.example.com:", "https://app.example.com:08443", "https://app.example.com:0", "https://app.example.com:65536",
		"https://app.example.com:+1", "https://app.example.com:a", "https://[::1]:443", "http://127.0.0.1:80", "https://:8443",
		// It writes a name in lower case and in ASCII, and an address in one way.
		"https://münchen.example", "https://MÜNCHEN.example", "https://app。example.com", "https://ａpp.example.com", "https://app.example.com\u200b", "https://aPP.example.com", "HTTPS://APP.EXAMPLE.COM",
		"http://127.1", "http://2130706433", "http://0x7f.0.0.1", "http://0x7f000001", "http://127.0.0.01", "http://1.2.3.4.", "http://1.2.3", "http://1.2.3.256", "http://a.1", "http://a.0x",
		"http://[0::1]", "http://[::0001]", "http://[::FFFF]", "http://[::1", "http://::1", "http://[fe80::1%25eth0]", "http://[1.2.3.4]", "http://[::1]x", "http://[]",
		// And nothing else.
		"https://app.example.com?x", "https://app.example.com#x", "https://app.example.com/?", "https://user:password@app.example.com", "https://@app.example.com", "https://app.example.com%20", "https://app%2eexample.com",
		"https://app example.com", "https://app.example.com\\", "https:app.example.com", "https:///app.example.com", "://app.example.com", "https://https://app.example.com", "file://", "data:", "about:blank",
		"https://app..example.com", "https://.example.com", "https://.", "https://app.example.com..", "",
	} {
		if _, err := web.NewOrigins([]string{entry}); err == nil {
			t.Errorf("%q was taken", entry)
		}
	}
}

func TestEveryOriginThatABrowserSendsCanBeListed(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"https://app.example.com", "http://app.example.com", "https://app.example.com:80", "http://app.example.com:443", "https://app.example.com:8443", "http://localhost:5173", "http://localhost",
		"https://xn--mnchen-3ya.example", "https://a_b.example.com", "https://app.example.com.", "https://7.example.com", "https://1.2.3.4a", "https://0x7g.example", "https://a-1.b--c.example",
		"http://127.0.0.1", "http://127.0.0.1:3000", "http://[::1]", "http://[::1]:3000", "https://[2001:db8::1]", "http://[2001:db8:0:1:1:1:1:1]:81", "https://x", "https://app.example.com:65535",
	} {
		r := httptest.NewRequest("POST", "https://chat.example.com/", nil)
		r.Header.Set("Origin", entry)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		o := origins(t, entry)
		o.Share(w, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != entry {
			t.Errorf("%s: Access-Control-Allow-Origin %q", entry, got)
		}
		if err := o.GuardCookie(r); err != nil {
			t.Errorf("%s: %v", entry, err)
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
