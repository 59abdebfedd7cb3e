package identity_test

import (
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

func TestFaultsNameEveryOptionAndNoValue(t *testing.T) {
	t.Parallel()
	url := func(s string) identity.Options { return identity.Options{JWKSURL: s} }
	claim := func(id, role string) identity.Options {
		return identity.Options{Secret: []byte(secret), IDClaim: id, RoleClaim: role}
	}
	for _, test := range []struct {
		options identity.Options
		want    string // the names of the options to blame
	}{
		{identity.Options{}, ""},
		{identity.Options{Secret: []byte(secret)}, ""},
		{identity.Options{Secret: []byte(secret[1:])}, "Secret"},
		{identity.Options{Secret: []byte("canary")}, "Secret"},
		{identity.Options{PreviousSecret: []byte(secret)}, ""}, {identity.Options{PreviousSecret: []byte(secret[1:])}, "PreviousSecret"},
		{identity.Options{Secret: []byte(secret), PreviousSecret: []byte("canary")}, "PreviousSecret"},
		{url("https://keys.example.com/jwks.json?x=1"), ""}, {url("https://keys.example.com:8443"), ""},
		{url("http://localhost:3000/api/auth/jwks"), ""}, {url("http://LOCALHOST"), ""}, {url("http://127.0.0.1:1"), ""}, {url("http://127.8.8.8"), ""}, {url("http://[::1]:1/x"), ""},
		{url("http://canary.example.com"), "JWKSURL"}, {url("http://localhost.canary.example"), "JWKSURL"}, {url("http://canary.localhost"), "JWKSURL"}, {url("http://169.254.169.254"), "JWKSURL"},
		{url("http://[::]"), "JWKSURL"}, {url("http://0.0.0.0"), "JWKSURL"}, {url("http://2130706433"), "JWKSURL"}, {url("http://10.0.0.1"), "JWKSURL"},
		{url("https://user:canary@keys.example.com"), "JWKSURL"}, {url("http://localhost@canary.example"), "JWKSURL"}, {url("https://keys.example.com/#canary"), "JWKSURL"},
		{url("ftp://localhost"), "JWKSURL"}, {url("file:///canary"), "JWKSURL"}, {url("canary"), "JWKSURL"}, {url("//canary"), "JWKSURL"}, {url("https://"), "JWKSURL"}, {url("https://:443"), "JWKSURL"},
		{url("https:canary"), "JWKSURL"}, {url("https://can ary"), "JWKSURL"}, {url("https://canary\n"), "JWKSURL"},
		{claim("email", "app_metadata.role"), ""}, {claim("https://example.com/id", "a.b.c"), ""},
		{claim("sub", "sub"), "RoleClaim"}, {claim("role", ""), "RoleClaim"}, {claim("", "sub"), "RoleClaim"},
		{claim("canary.", ".canary"), "IDClaim RoleClaim"}, {claim("canary..x", "."), "IDClaim RoleClaim"},
		{claim("exp", "iss"), "IDClaim RoleClaim"}, {claim("aud.canary", "iat"), "IDClaim RoleClaim"}, {claim("nbf", ""), "IDClaim"},
		{identity.Options{AuthSecrets: []string{"canary"}}, ""}, {identity.Options{AuthSecrets: []string{secret[:16], secret}, AuthJS: true}, ""},
		{identity.Options{AuthSecrets: []string{secret[:15]}, AuthJS: true}, "AuthSecrets.0"},
		{identity.Options{AuthSecrets: []string{secret, "canary", secret, ""}, AuthJS: true}, "AuthSecrets.1 AuthSecrets.3"},
		{identity.Options{Secret: []byte("canary"), JWKSURL: "canary", IDClaim: ".", RoleClaim: ".."}, "Secret JWKSURL IDClaim RoleClaim"},
	} {
		var got []string
		for _, f := range test.options.Faults() {
			got = append(got, f.Name)
			if strings.Contains(f.Message, "canary") || f.Message == "" {
				t.Errorf("%s %s", f.Name, f.Message)
			}
		}
		want := strings.Fields(test.want)
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q", test.options, got, want)
		}
		test.options.Log = logger(&log{})
		v, err := identity.New(test.options)
		if (err == nil) != (len(want) == 0) || v == nil {
			t.Errorf("%+v: %v", test.options, err)
		}
		for _, name := range want {
			if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "canary") {
				t.Errorf("the error does not name %s, or a value: %v", name, err)
			}
		}
	}
}

func TestAVerifierOfFaultyOptionsLetsNobodyIn(t *testing.T) {
	t.Parallel()
	v, err := identity.New(identity.Options{Secret: []byte(secret), AuthJS: true, AuthSecrets: []string{authSecret}, JWKSURL: "http://example.com", Log: logger(&log{})})
	if err == nil || v.Configured() {
		t.Fatalf("%v, configured: %v", err, v.Configured())
	}
	for _, value := range []string{"Bearer " + hs(t, good()), ""} {
		if got := outcome(t, v, request("Authorization", value, "Cookie", plain+"="+session(t, authSecret, plain, good()))); got != notReady {
			t.Errorf("%s, want %s", got, notReady)
		}
	}
	if token, err := v.Mint(chat.Identity{ID: "42", Role: chat.Client}, 1); chat.KindOf(err) != chat.Unavailable || token != "" {
		t.Errorf("it signs: %v", err)
	}
}
