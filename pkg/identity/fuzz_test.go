package identity_test

import (
	"net/http"
	"strings"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// fuzzed returns a Verifier with every kind of key, and the valid credentials that the fuzzers start from.
func fuzzed(f *testing.F) (v *identity.Verifier, good []string) {
	f.Helper()
	k := keys()
	v = verifier(f, identity.Options{Secret: []byte(secret), JWKSURL: allKeys(f).URL, AuthJS: true, AuthSecrets: []string{authSecret}})
	const payload = `{"sub":"42","role":"developer","exp":2000000000}`
	good = []string{
		hs(f, payload), jws(f, `{"alg":"RS256","kid":"r"}`, payload, k.rsa), jws(f, `{"alg":"EdDSA","kid":"d"}`, payload, k.ed),
		session(f, authSecret, plain, payload), session(f, authSecret, secure, payload),
	}
	return v, good
}

// mustBeNobody fails if there is an identity, or an error that is not for a caller.
func mustBeNobody(t *testing.T, me chat.Identity, err error) {
	t.Helper()
	if me != (chat.Identity{}) || chat.KindOf(err) != chat.Unauthorized {
		t.Errorf("%+v, %v", me, err)
	}
}

// A token that is not exactly one of the valid ones gives no identity.
func FuzzAToken(f *testing.F) {
	v, good := fuzzed(f)
	for _, token := range good {
		f.Add(token)
		f.Add(token + ".")
		f.Add(token[:len(token)/2])
	}
	for _, token := range []string{"", ".", "..", "....", "e30.e30.", "e30..e30.e30.e30", encode([]byte(`{"alg":"none"}`)) + ".e30.", encode([]byte(`{"alg":"dir","enc":"A256CBC-HS512"}`)) + "....", "{}"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, r := range []*http.Request{
			{Header: http.Header{"Authorization": {"Bearer " + token}}},
			{Header: http.Header{"Cookie": {identity.SessionCookie + "=" + token}}},
			{Header: http.Header{"Cookie": {plain + "=" + token}}},
			{Header: http.Header{"Cookie": {secure + "=" + token}, "X-Forwarded-Proto": {"https"}}},
		} {
			me, err := v.Verify(t.Context(), v.Find(r))
			for _, token := range good {
				if err == nil && (strings.Contains(r.Header.Get("Authorization"), token) || strings.Contains(r.Header.Get("Cookie"), token)) {
					return
				}
			}
			mustBeNobody(t, me, err)
		}
	})
}

// A request without a valid token gives no identity, whatever its headers. If IsCookie says so, there was a cookie.
func FuzzHeaders(f *testing.F) {
	v, _ := fuzzed(f)
	for _, headers := range [][3]string{
		{"", "", ""}, {"Bearer", "devinbox_session=", "https"}, {"bearer  x", plain + ".0=a; " + plain + ".1=b", ""}, {"Basic eDp5", secure + "=x; " + secure + ".7=x", "https,http"},
		{"Bearer\x00", plain + "=\"x\"; =; ;;; " + plain + ".00=1", "\xff"}, {"\tBearer\t", plain + ".99999999999999999999=1", ""}, {" ", "devinbox_session; devinbox_session=a.b.c", ""},
	} {
		f.Add(headers[0], headers[1], headers[2])
	}
	f.Fuzz(func(t *testing.T, authorization, cookie, proto string) {
		r := &http.Request{Header: http.Header{"Authorization": {authorization}, "Cookie": {cookie}, "X-Forwarded-Proto": {proto}}}
		c := v.Find(r)
		if c.IsCookie() && !strings.Contains(cookie, "session") || c.Kind == identity.Bearer && !strings.Contains(strings.ToLower(authorization), "bearer") {
			t.Errorf("kind %d", c.Kind)
		}
		me, err := v.Verify(t.Context(), c)
		mustBeNobody(t, me, err)
	})
}

// Any signed claims give a refusal, or an identity that the domain accepts.
func FuzzClaims(f *testing.F) {
	v, _ := fuzzed(f)
	for _, payload := range []string{`{}`, `null`, good(), good(`"role":"developer"`, `"name":"Grace","email":"g@example.com"`), `{"sub":"\ud800","exp":1e9}`, `{"sub":"4","exp":1e400}`, `{"sub":"4","exp":2e9,"nbf":1.5,"iat":-0}`, "[[[[", `{"a":{"a":{"a":1,"a":1}}}`} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, r := range []*http.Request{bearer(hs(t, string(payload))), request("Cookie", plain+"="+session(t, authSecret, plain, string(payload)))} {
			me, err := v.Verify(t.Context(), v.Find(r))
			if err != nil {
				mustBeNobody(t, me, err)
			} else if !chat.ValidID(me.ID) || me.Role != chat.Client && me.Role != chat.Developer || me.Name != chat.CleanName(me.Name) || me.Email != chat.CleanEmail(me.Email) {
				t.Errorf("%+v", me)
			}
		}
	})
}

// A token that none of our keys has signed gives no identity, whatever a host publishes.
func FuzzAKeySet(f *testing.F) {
	k := keys()
	for _, set := range []string{`{}`, `{"keys":[]}`, `{"keys":[null,1,{}]}`, `{"keys":[` + jwk(k.rsa, `"kid":"r"`) + "," + jwk(k.ec, `"kid":"e"`) + "," + jwk(k.ed, `"kid":"d"`) + `]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"d","x":""},{"kty":"EC","crv":"P-256","kid":"e","x":"","y":""},{"kty":"RSA","kid":"r","n":"","e":""}]}`} {
		f.Add([]byte(set))
	}
	tokens := []string{jws(f, `{"alg":"RS256","kid":"r"}`, good(), k.short), jws(f, `{"alg":"EdDSA","kid":"d"}`, good(), secret), jws(f, `{"alg":"ES256"}`, good(), secret)}
	h := newHost(f)
	f.Fuzz(func(t *testing.T, set []byte) {
		h.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
		v, _, _ := remote(t, h.URL)
		for _, token := range tokens {
			if me, err := v.Verify(t.Context(), v.Find(bearer(token))); err == nil {
				t.Errorf("%+v", me)
			}
		}
	})
}
