package identity_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"slices"
	"testing"

	"devinbox/pkg/identity"
)

func TestASessionOfAuthJSIsOpenedByItsSecretAndName(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{AuthJS: true, AuthSecrets: []string{newSecret, authSecret}, Secret: []byte(secret)})
	key := sessionKey(t, authSecret, plain, 64)
	kid := thumbprint(key)
	header := `{"alg":"dir","enc":"A256CBC-HS512","kid":"` + kid + `"}`
	payload := []byte(good(`"jti":"0c1d"`))
	sealedWith := func(header string) sealed { return jwe(t, header, payload, key) }
	change := func(part int, f func([]byte) []byte) string {
		s := sealedWith(header)
		s[part] = f(bytes.Clone(s[part]))
		return s.String()
	}
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b[(i+len(b))%len(b)] ^= 1; return b }
	}
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	shifted := sealedWith(header)
	shifted[4] = slices.Concat(shifted[3][len(shifted[3])-1:], shifted[4])
	shifted[3] = cut(shifted[3])
	developer := []byte(good(`"role":"developer"`))

	for _, test := range []vector{
		{"good", sealedWith(header).String(), "client 42"},
		{"of the new secret", session(t, newSecret, plain, good()), "client 42"},
		{"without kid", sealedWith(`{"alg":"dir","enc":"A256CBC-HS512"}`).String(), "client 42"},
		{"without kid, of the new secret", jwe(t, `{"alg":"dir","enc":"A256CBC-HS512"}`, payload, sessionKey(t, newSecret, plain, 64)).String(), "client 42"},
		{"of another secret", session(t, "another", plain, good()), badSession},
		{"without kid, of another secret", jwe(t, `{"alg":"dir","enc":"A256CBC-HS512"}`, payload, sessionKey(t, "another", plain, 64)).String(), badSession},
		{"made for the name on https", session(t, authSecret, secure, good()), badSession},
		{"with the kid of another key", sealedWith(`{"alg":"dir","enc":"A256CBC-HS512","kid":"` + thumbprint(sessionKey(t, newSecret, plain, 64)) + `"}`).String(), badSession},
		{"with a kid that nobody knows", sealedWith(`{"alg":"dir","enc":"A256CBC-HS512","kid":"../../x"}`).String(), badSession},
		{"with a kid that is a number", sealedWith(`{"alg":"dir","enc":"A256CBC-HS512","kid":1}`).String(), malformed},
		{"alg A256KW", sealedWith(`{"alg":"A256KW","enc":"A256CBC-HS512"}`).String(), malformed},
		{"alg PBES2-HS256+A128KW", sealedWith(`{"alg":"PBES2-HS256+A128KW","enc":"A256CBC-HS512","p2c":1000000000,"p2s":"AAAA"}`).String(), malformed},
		{"alg that is missing", sealedWith(`{"enc":"A256CBC-HS512"}`).String(), malformed},
		{"enc A256GCM", sealedWith(`{"alg":"dir","enc":"A256GCM"}`).String(), malformed},
		{"enc A128CBC-HS256", sealedWith(`{"alg":"dir","enc":"A128CBC-HS256"}`).String(), malformed},
		{"enc that is missing", sealedWith(`{"alg":"dir"}`).String(), malformed},
		{"alg twice", sealedWith(`{"alg":"dir","alg":"dir","enc":"A256CBC-HS512"}`).String(), malformed},
		{"crit", sealedWith(`{"alg":"dir","enc":"A256CBC-HS512","crit":["exp"],"exp":1}`).String(), badSession},
		{"another header", change(0, func([]byte) []byte { return []byte(`{"alg":"dir","enc":"A256CBC-HS512"}`) }), badSession},
		{"an encrypted key", change(1, func([]byte) []byte { return key }), malformed},
		{"another vector", change(2, flip(0)), badSession},
		{"a short vector", change(2, cut), badSession},
		{"another text", change(3, flip(0)), badSession},
		{"another padding", change(3, flip(-17)), badSession},
		{"a short text", change(3, cut), badSession},
		{"no text", change(3, func([]byte) []byte { return nil }), badSession},
		{"another tag, at its begin", change(4, flip(0)), badSession},
		{"another tag, at its end", change(4, flip(-1)), badSession},
		{"a short tag", change(4, cut), malformed},
		{"half a tag", change(4, func(b []byte) []byte { return b[:16] }), malformed},
		{"no tag", change(4, func([]byte) []byte { return nil }), malformed},
		{"a byte moved from the text to the tag", shifted.String(), malformed},
		{"no padding, though the tag is right", seal(t, header, make([]byte, 32), key).String(), badSession},
		{"four parts", "e30..AAAA.AAAA", malformed},
		{"six parts", sealedWith(header).String() + ".", malformed},
		{"a signed token", hs(t, good()), malformed},
		{"a payload that is no JSON", jwe(t, header, []byte("42"), key).String(), badClaims},
		{"a doubled name", jwe(t, header, []byte(good(`"sub":"43"`)), key).String(), badClaims},
		{"no id", jwe(t, header, []byte(`{"exp":2e9}`), key).String(), badID},
		{"no exp", jwe(t, header, []byte(`{"sub":"42"}`), key).String(), badExpiry},
		{"a developer", jwe(t, header, developer, key).String(), "developer 42"},
	} {
		if got := outcome(t, v, request("Cookie", plain+"="+test.token)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		// It is not a signed token, so neither a bearer nor our own cookie may hold it.
		for _, r := range []*http.Request{bearer(test.token), request("Cookie", identity.SessionCookie+"="+test.token)} {
			if got := outcome(t, v, r); test.name != "a signed token" && got != malformed {
				t.Errorf("%s, elsewhere: %s, want %s", test.name, got, malformed)
			}
		}
	}
}

func TestTheNameOfTheCookieIsPartOfItsKey(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{AuthJS: true, AuthSecrets: []string{authSecret}})
	https := func(value string, cookies ...string) *http.Request {
		headers := []string{"X-Forwarded-Proto", value}
		for _, cookie := range cookies {
			headers = append(headers, "Cookie", cookie)
		}
		return request(headers...)
	}
	direct := func(cookie string) *http.Request {
		r := request("Cookie", cookie)
		r.TLS = &tls.ConnectionState{}
		return r
	}
	forPlain, forSecure := session(t, authSecret, plain, good()), session(t, authSecret, secure, good())
	for name, test := range map[string]struct {
		request *http.Request
		want    string
	}{
		"http":                                {https("http", plain+"="+forPlain), "client 42"},
		"http, no header":                     {request("Cookie", plain+"="+forPlain), "client 42"},
		"https":                               {https("https", secure+"="+forSecure), "client 42"},
		"TLS with this process":               {direct(secure + "=" + forSecure), "client 42"},
		"TLS with this process, other name":   {direct(plain + "=" + forPlain), nobody},
		"HTTPS":                               {https("HTTPS", secure+"="+forSecure), "client 42"},
		"https before a proxy on http":        {https("https, http", secure+"="+forSecure), "client 42"},
		"http before a proxy on https":        {https("http,https", secure+"="+forSecure), nobody},
		"https, the other name":               {https("https", plain+"="+forPlain), nobody},
		"http, the other name":                {https("http", secure+"="+forSecure), nobody},
		"https, with the other's value":       {https("https", secure+"="+forPlain), badSession},
		"http, with the other's value":        {https("http", plain+"="+forSecure), badSession},
		"https, both names":                   {https("https", plain+"="+forSecure, secure+"="+forSecure), "client 42"},
		"a name in another case":              {request("Cookie", "Authjs.Session-Token="+forPlain), nobody},
		"the name of version 4":               {request("Cookie", "next-auth.session-token="+forPlain), nobody},
		"the name with something behind it":   {request("Cookie", plain+"x="+forPlain), nobody},
		"an empty cookie is there and is bad": {request("Cookie", plain+"="), malformed},
	} {
		if got := outcome(t, v, test.request); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestAuthJSIsLookedForWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	r := request("Cookie", plain+"="+session(t, authSecret, plain, good()))
	for name, test := range map[string]struct {
		options identity.Options
		want    string
	}{
		"asked for":                     {identity.Options{Secret: []byte(secret), AuthJS: true, AuthSecrets: []string{authSecret}}, "client 42"},
		"not asked for":                 {identity.Options{Secret: []byte(secret), AuthSecrets: []string{authSecret}}, nobody},
		"asked for without a secret":    {identity.Options{Secret: []byte(secret), AuthJS: true}, nobody},
		"with another secret":           {identity.Options{AuthJS: true, AuthSecrets: []string{newSecret}}, badSession},
		"with the secret as the oldest": {identity.Options{AuthJS: true, AuthSecrets: []string{newSecret, newSecret + "2", newSecret + "3", authSecret}}, "client 42"},
	} {
		if got := outcome(t, verifier(t, test.options), r); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
