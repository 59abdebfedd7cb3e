package identity_test

import (
	"net/http"
	"testing"

	"devinbox/pkg/identity"
)

func BenchmarkVerify(b *testing.B) {
	k := keys()
	v := verifier(b, identity.Options{Secret: []byte(secret), JWKSURL: allKeys(b).URL, AuthJS: true, AuthSecrets: []string{authSecret}})
	for _, test := range []struct {
		name    string
		request *http.Request
	}{
		{"HS256", bearer(hs(b, good()))},
		{"RS256", bearer(jws(b, `{"alg":"RS256","kid":"r"}`, good(), k.rsa))},
		{"ES256", bearer(jws(b, `{"alg":"ES256","kid":"e"}`, good(), k.ec))},
		{"EdDSA", bearer(jws(b, `{"alg":"EdDSA","kid":"d"}`, good(), k.ed))},
		{"AuthJS", request("Cookie", plain+"="+session(b, authSecret, plain, good()))},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), v.Find(test.request)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
