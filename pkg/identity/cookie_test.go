package identity_test

import (
	"strings"
	"testing"

	"devinbox/pkg/identity"
)

func TestASessionOverHTTPSIsSecureWhateverTheHost(t *testing.T) {
	t.Parallel()
	r := request()
	r.Host = "127.0.0.1:3000" // what a proxy on the same machine may send
	r.Header.Set("X-Forwarded-Proto", "https")
	if got := identity.NewSession(r, "a.b.c").String(); !strings.Contains(got, "; Secure") {
		t.Errorf("%s", got)
	}
}

func TestASessionIsACookieThatOnlyTheBrowserSees(t *testing.T) {
	t.Parallel()
	const open, closed = "", "; Secure"
	for _, test := range []struct{ host, secure string }{
		{"localhost", open}, {"localhost:3000", open}, {"LocalHost:3000", open}, {"127.0.0.1", open}, {"127.0.0.1:3000", open}, {"127.1.2.3", open}, {"[::1]", open}, {"[::1]:3000", open},
		{"chat.example.com", closed}, {"chat.example.com:3000", closed}, {"localhost.example.com", closed}, {"example.com:localhost", closed},
		{"192.168.0.1:3000", closed}, {"10.0.0.1", closed}, {"0.0.0.0", closed}, {"", closed}, {"1", closed}, {"[::]", closed}, {"x.localhost", closed},
	} {
		r := request()
		r.Host = test.host
		want := "devinbox_session=a.b.c; Path=/; Max-Age=2592000; HttpOnly" + test.secure + "; SameSite=Lax"
		if got := identity.NewSession(r, "a.b.c").String(); got != want {
			t.Errorf("%s: %s, want %s", test.host, got, want)
		}
		want = "devinbox_session=; Path=/; Max-Age=0; HttpOnly" + test.secure + "; SameSite=Lax"
		if got := identity.EndSession(r).String(); got != want {
			t.Errorf("%s: %s, want %s", test.host, got, want)
		}
	}
}
