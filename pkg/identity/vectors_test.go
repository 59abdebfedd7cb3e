package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// The causes of refusals, as they are logged.
const (
	malformed    = "401 not a token in compact form"
	wrongAlg     = "401 an algorithm that there is no key for"
	wrongHeader  = "401 a header that changes what is signed"
	wrongType    = "401 another kind of token"
	noKey        = "401 no key for this token"
	badSignature = "401 the signature is wrong"
	badClaims    = "401 the payload is not one JSON object without doubled names"
	badExpiry    = "401 exp is missing, or is not a time"
	badTime      = "401 nbf or iat is not a time"
	early        = "401 nbf or iat lies ahead"
	expired      = "401 the token has expired"
	badIssuer    = "401 iss is another's"
	badAudience  = "401 aud is another's"
	badID        = "401 the claim with the id is missing, or cannot be an id"
	unverified   = "401 the e-mail that is the id is not verified"
	unfit        = "401 the id is too long for the name of a channel"
	badSession   = "401 no secret of Auth.js opens the cookie"
	nobody       = "401 no credential"
	twice        = "401 the same cookie twice"
	notReady     = "503 no key is configured"
)

// vector is a token and its expected outcome.
type vector struct{ name, token, want string }

func check(t *testing.T, v *identity.Verifier, vectors []vector) {
	t.Helper()
	for _, test := range vectors {
		if got := outcome(t, v, bearer(test.token)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		// A session is the same kind of token as a bearer's.
		if got := outcome(t, v, request("Cookie", identity.SessionCookie+"="+test.token)); got != test.want {
			t.Errorf("%s, in a cookie: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestOnlyATokenSignedWithTheSecretIsGood(t *testing.T) {
	t.Parallel()
	k := keys()
	v := verifier(t, identity.Options{Secret: []byte(secret)})
	token := hs(t, good())
	parts := strings.Split(token, ".")
	header := func(header string) string { return jws(t, header, good(), secret) }
	check(t, v, []vector{
		{"good", token, "client 42"},
		{"of another secret", jws(t, hs256, good(), strings.ToUpper(secret)), badSignature},
		{"without a signature", parts[0] + "." + parts[1] + ".", badSignature},
		{"with a short signature", parts[0] + "." + parts[1] + "." + parts[2][:40], badSignature},
		{"with another payload", parts[0] + "." + encode([]byte(good(`"role":"developer"`))) + "." + parts[2], badSignature},
		{"with another header", encode([]byte(`{"alg":"HS256"}`)) + "." + parts[1] + "." + parts[2], badSignature},
		{"alg none, unsigned", encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", wrongAlg},
		{"alg none, signed", header(`{"alg":"none"}`), wrongAlg},
		{"alg None", header(`{"alg":"None"}`), wrongAlg},
		{"alg hs256", header(`{"alg":"hs256"}`), wrongAlg},
		{"alg HS384", header(`{"alg":"HS384"}`), wrongAlg},
		{"alg HS512", header(`{"alg":"HS512"}`), wrongAlg},
		{"alg RS256, of the secret", header(`{"alg":"RS256"}`), wrongAlg},
		{"alg RS256, of a key", jws(t, `{"alg":"RS256"}`, good(), k.rsa), wrongAlg},
		{"alg ES256", jws(t, `{"alg":"ES256"}`, good(), k.ec), wrongAlg},
		{"alg EdDSA", jws(t, `{"alg":"EdDSA"}`, good(), k.ed), wrongAlg},
		{"alg that is empty", header(`{"alg":""}`), wrongAlg},
		{"alg that is missing", header(`{"typ":"JWT"}`), wrongAlg},
		{"alg that is a list", header(`{"alg":["HS256"]}`), wrongAlg},
		{"alg that is null", header(`{"alg":null}`), wrongAlg},
		{"alg in another case", header(`{"ALG":"HS256"}`), wrongAlg},
		{"alg twice", header(`{"alg":"none","alg":"HS256"}`), malformed},
		{"header that is no object", header(`["HS256"]`), malformed},
		{"header that is no JSON", header(`{`), malformed},
		{"header that is empty", header(``), wrongAlg},
		{"crit", header(`{"alg":"HS256","crit":["exp"],"exp":1}`), wrongHeader},
		{"crit that is empty", header(`{"alg":"HS256","crit":[]}`), wrongHeader},
		{"unencoded payload", header(`{"alg":"HS256","b64":false,"crit":["b64"]}`), wrongHeader},
		{"unencoded payload without crit", header(`{"alg":"HS256","b64":false}`), wrongHeader},
		{"typ jwt", header(`{"alg":"HS256","typ":"jwt"}`), "client 42"},
		{"typ that is missing", header(`{"alg":"HS256"}`), "client 42"},
		{"typ application/jwt", header(`{"alg":"HS256","typ":"application/JWT"}`), "client 42"},
		{"typ at+jwt", header(`{"alg":"HS256","typ":"at+jwt"}`), "client 42"},
		{"typ application/at+jwt", header(`{"alg":"HS256","typ":"application/at+JWT"}`), "client 42"},
		{"typ logout+jwt", header(`{"alg":"HS256","typ":"logout+jwt"}`), wrongType},
		{"typ secevent+jwt", header(`{"alg":"HS256","typ":"secevent+jwt"}`), wrongType},
		{"typ dpop+jwt", header(`{"alg":"HS256","typ":"dpop+jwt"}`), wrongType},
		{"typ JWE", header(`{"alg":"HS256","typ":"JWE"}`), wrongType},
		{"typ that is empty", header(`{"alg":"HS256","typ":""}`), wrongType},
		{"typ that is a number", header(`{"alg":"HS256","typ":1}`), wrongType},
		{"jku, x5u and jwk that point elsewhere", header(`{"alg":"HS256","jku":"http://localhost:1/","x5u":"http://localhost:1/","jwk":` + jwk(k.rsa, "") + `}`), "client 42"},
		{"kid that nobody knows", header(`{"alg":"HS256","kid":"../../dev/null"}`), "client 42"},
		{"kid that is a number", header(`{"alg":"HS256","kid":1}`), malformed},
		{"one part", "abc", malformed},
		{"two parts", parts[0] + "." + parts[1], malformed},
		{"four parts", token + ".", malformed},
		{"five parts", session(t, authSecret, plain, good()), malformed},
		{"three dots", "...", malformed},
		{"empty parts", "..", wrongAlg},
		{"padding", token + "=", malformed},
		{"spare bits", token[:len(token)-1] + next(token[len(token)-1]), malformed},
		{"base64 that is not for URLs", parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 21) + "A", malformed},
		{"a long token", hs(t, good(`"x":"`+strings.Repeat("x", 20_000)+`"`)), "client 42"},
		{"a token that is too long", hs(t, good(`"x":"`+strings.Repeat("x", 33_000)+`"`)), malformed},
		{"two tokens", token + "," + token, malformed},
	})
	for _, text := range []string{token + " " + token, parts[0] + ".\r\n" + parts[1] + "." + parts[2], token + "\n", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`} {
		if got := outcome(t, v, bearer(text)); got != malformed {
			t.Errorf("%s: %s, want %s", text, got, malformed)
		}
	}
}

// next returns the character of base64url after c. For the last character of 32 bytes, that spells the same bytes
// differently.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)+1])
}

func TestAKeyOfTheSetIsForItsOwnAlgorithm(t *testing.T) {
	t.Parallel()
	k := keys()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	host := newHost(t,
		`{"kty":"unheard of","kid":"x"}`, `"not an object"`, `{"kty":"oct","kid":"o","k":"`+encode([]byte(secret))+`"}`, `{"kty":"OKP","crv":"Ed25519","kid":"s","x":"AA"}`,
		`{"kty":"OKP","crv":"X25519","kid":"x","x":"`+encode(make([]byte, 32))+`"}`, `{"kty":"EC","crv":"P-256","kid":"off","x":"AQ","y":"AQ"}`,
		jwk(k.rsa, `"kid":"r"`), jwk(k.ec, `"kid":"e","use":"sig","alg":"ES256"`), jwk(k.ed, `"kid":"d","alg":"EdDSA"`),
		jwk(k.rsa, `"kid":"enc","use":"enc"`), jwk(k.rsa, `"kid":"ps","alg":"PS256"`), jwk(k.rsa, `"kid":"512","alg":"RS512"`), jwk(k.short, `"kid":"short"`), jwk(p384, `"kid":"384"`),
		jwk(k.rsa, `"kid":"cert","alg":"RS256","x5c":["nonsense"],"x5t":"?"`), jwk(k.rsa, `"kid":1`),
	)
	v := verifier(t, identity.Options{JWKSURL: host.URL})
	der, err := x509.MarshalPKIXPublicKey(&k.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	rs := func(kid string) string { return jws(t, `{"alg":"RS256","kid":`+quote(kid)+`}`, good(), k.rsa) }
	check(t, v, []vector{
		{"RS256", rs("r"), "client 42"},
		{"ES256", jws(t, `{"alg":"ES256","kid":"e","typ":"JWT"}`, good(), k.ec), "client 42"},
		{"EdDSA", jws(t, `{"alg":"EdDSA","kid":"d","typ":"at+jwt"}`, good(), k.ed), "client 42"},
		{"a key with a certificate that cannot be read", rs("cert"), "client 42"},
		{"HS256 signed with the public key as PEM", jws(t, `{"alg":"HS256","kid":"r"}`, good(), public), wrongAlg},
		{"HS256 signed with the public key as DER", jws(t, `{"alg":"HS256","kid":"r"}`, good(), string(der)), wrongAlg},
		{"HS256 signed with the public key as JSON", jws(t, `{"alg":"HS256","kid":"r"}`, good(), jwk(k.rsa, `"kid":"r"`)), wrongAlg},
		{"HS256 signed with the secret key of the set", jws(t, `{"alg":"HS256","kid":"o"}`, good(), secret), wrongAlg},
		{"PS256", jws(t, `{"alg":"PS256","kid":"r"}`, good(), k.rsa), wrongAlg},
		{"RS512", jws(t, `{"alg":"RS512","kid":"r"}`, good(), k.rsa), wrongAlg},
		{"ES384", jws(t, `{"alg":"ES384","kid":"384"}`, good(), p384), wrongAlg},
		{"none", jws(t, `{"alg":"none","kid":"r"}`, good(), secret), wrongAlg},
		{"RS256 with a key of ES256", jws(t, `{"alg":"RS256","kid":"e"}`, good(), k.rsa), noKey},
		{"ES256 with a key of RS256", jws(t, `{"alg":"ES256","kid":"r"}`, good(), k.ec), noKey},
		{"EdDSA with a key of ES256", jws(t, `{"alg":"EdDSA","kid":"e"}`, good(), k.ed), noKey},
		{"a key for encryption", rs("enc"), noKey},
		{"a key of PS256", rs("ps"), noKey},
		{"a key of RS512", rs("512"), noKey},
		{"a key of 1,024 bits", jws(t, `{"alg":"RS256","kid":"short"}`, good(), k.short), noKey},
		{"a key on another curve", jws(t, `{"alg":"ES256","kid":"384"}`, good(), p384), noKey},
		{"a key off the curve", jws(t, `{"alg":"ES256","kid":"off"}`, good(), k.ec), noKey},
		{"a key that is too short for EdDSA", jws(t, `{"alg":"EdDSA","kid":"s"}`, good(), k.ed), noKey},
		{"another's signature", jws(t, `{"alg":"RS256","kid":"r"}`, good(), k.short), badSignature},
		{"a signature of nothing", strings.Join(strings.Split(rs("r"), ".")[:2], ".") + ".", badSignature},
		{"a signature of ES256 in zeros", strings.Join(strings.Split(jws(t, `{"alg":"ES256","kid":"e"}`, good(), k.ec), ".")[:2], ".") + "." + encode(make([]byte, 64)), badSignature},
		{"a key brought along", jws(t, `{"alg":"RS256","kid":"r","jwk":`+jwk(k.short, `"kid":"r"`)+`}`, good(), k.short), badSignature},
		{"a key brought along without kid", jws(t, `{"alg":"EdDSA","kid":"x","jwk":`+jwk(k.ed, `"kid":"x"`)+`}`, good(), k.ed), noKey},
		{"kid ../../x", rs("../../x"), noKey},
		{"kid ' or 1=1", rs("' or 1=1"), noKey},
		{"kid of 10 KB", rs(strings.Repeat("k", 10_000)), noKey},
		{"no kid, where two keys fit", jws(t, `{"alg":"RS256"}`, good(), k.rsa), noKey},
		{"no kid, where one key fits", jws(t, `{"alg":"EdDSA"}`, good(), k.ed), "client 42"},
		{"an empty kid, where one key fits", jws(t, `{"alg":"ES256","kid":""}`, good(), k.ec), "client 42"},
	})
	if asked := host.asked.Load(); asked != 1 {
		t.Errorf("the host was asked %d times", asked)
	}
}

func TestTheAlgorithmDecidesAmongBothSortsOfKeys(t *testing.T) {
	t.Parallel()
	k := keys()
	v := verifier(t, identity.Options{Secret: []byte(secret), JWKSURL: allKeys(t).URL})
	check(t, v, []vector{
		{"HS256", hs(t, good()), "client 42"},
		{"RS256", jws(t, `{"alg":"RS256","kid":"r"}`, good(), k.rsa), "client 42"},
		{"HS256 with the kid of a key", jws(t, `{"alg":"HS256","kid":"r"}`, good(), secret), "client 42"},
		{"HS256 signed by a key", jws(t, `{"alg":"HS256","kid":"r"}`, good(), k.rsa), badSignature},
		{"HS256 signed with what is published", jws(t, `{"alg":"HS256","kid":"r"}`, good(), encode(k.rsa.N.Bytes())), badSignature},
		{"RS256 signed with the secret", jws(t, `{"alg":"RS256","kid":"r"}`, good(), secret), badSignature},
	})
}

func TestWithoutAKeyNobodyIsRecognised(t *testing.T) {
	t.Parallel()
	var journal log
	v := verifier(t, identity.Options{AuthJS: true, Log: logger(&journal)})
	for _, r := range []*http.Request{request(), bearer(hs(t, good())), request("Cookie", plain+"="+session(t, "", plain, good()))} {
		if got := outcome(t, v, r); got != notReady {
			t.Errorf("%s, want %s", got, notReady)
		}
	}
	if !strings.Contains(journal.String(), "AUTH_SECRET is missing") {
		t.Errorf("the log does not say that a secret is missing: %s", &journal)
	}
	if v.Configured() {
		t.Error("it is configured")
	}
	// With only Auth.js configured, a bearer is still looked for.
	v = verifier(t, identity.Options{AuthJS: true, AuthSecrets: []string{authSecret}})
	if got := outcome(t, v, bearer(hs(t, good()))); got != wrongAlg || !v.Configured() {
		t.Errorf("%s, want %s", got, wrongAlg)
	}
}

func TestWhatATokenMustSay(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) string { return fmt.Sprint(float64(noon.Unix()) + seconds) }
	v := verifier(t, identity.Options{Secret: []byte(secret), Fits: func(id string) bool { return len(id) < 100 }})
	check(t, v, slices.Concat(
		payloads(t, []vector{
			{"an id", `{"sub":"42","exp":2e9}`, "client 42"},
			{"no id", `{"exp":2e9}`, badID},
			{"an id in another case", `{"Sub":"42","exp":2e9}`, badID},
			{"an empty id", `{"sub":"","exp":2e9}`, badID},
			{"an id that is null", `{"sub":null,"exp":2e9}`, badID},
			{"a number as id", `{"sub":42,"exp":2e9}`, badID},
			{"a list as id", `{"sub":["42"],"exp":2e9}`, badID},
			{"an object as id", `{"sub":{"id":"42"},"exp":2e9}`, badID},
			{"an id with NUL", `{"sub":"4\u00002","exp":2e9}`, badID},
			{"an id with a line break", `{"sub":"4\n2","exp":2e9}`, badID},
			{"an id with DEL", `{"sub":"4\u007f2","exp":2e9}`, badID},
			{"an id with a C1 control", `{"sub":"4\u00852","exp":2e9}`, badID},
			{"an id with half a surrogate pair", `{"sub":"4\ud8002","exp":2e9}`, badID},
			{"an id with U+FFFD", `{"sub":"4\ufffd2","exp":2e9}`, badID},
			{"an id that is not UTF-8", "{\"sub\":\"4\xff2\",\"exp\":2e9}", badClaims},
			{"an id of Unicode", `{"sub":"Zoë 🦊","exp":2e9}`, "client Zoë 🦊"},
			{"a surrogate pair", `{"sub":"\ud83e\udd8a","exp":2e9}`, "client 🦊"},
			{"an id of 120 bytes of a developer", `{"sub":"` + strings.Repeat("é", 60) + `","role":"developer","exp":2e9}`, "developer " + strings.Repeat("é", 60)},
			{"an id of 121 bytes of a developer", `{"sub":"` + strings.Repeat("é", 60) + `x","role":"developer","exp":2e9}`, badID},
			{"an id of a client without room in a channel's name", `{"sub":"` + strings.Repeat("x", 100) + `","exp":2e9}`, unfit},
			{"an id of a client with room in a channel's name", `{"sub":"` + strings.Repeat("x", 99) + `","exp":2e9}`, "client " + strings.Repeat("x", 99)},

			{"developer", good(`"role":"developer"`), "developer 42"},
			{"client", good(`"role":"client"`), "client 42"},
			{"another role", good(`"role":"admin"`), "client 42"},
			{"DEVELOPER", good(`"role":"Developer"`), "client 42"},
			{"developer with a blank", good(`"role":"developer "`), "client 42"},
			{"an empty role", good(`"role":""`), "client 42"},
			{"no role", good(`"role":null`), "client 42"},
			{"a role in another case", good(`"Role":"developer"`), "client 42"},
			{"a list of roles", good(`"role":["developer"]`), "client 42"},
			{"true as role", good(`"role":true`), "client 42"},
			{"a number as role", good(`"role":1`), "client 42"},
			{"an object as role", good(`"role":{"developer":true}`), "client 42"},
			{"a dotted role that nobody asked for", good(`"app_metadata":{"role":"developer"}`), "client 42"},

			{"sub twice", good(`"sub":"43"`), badClaims},
			{"sub twice, escaped", good(`"\u0073ub":"43"`), badClaims},
			{"role twice", good(`"role":"client","role":"developer"`), badClaims},
			{"a doubled name further in", good(`"x":[{"y":1,"y":2}]`), badClaims},
			{"nothing", ``, badClaims},
			{"null", `null`, badClaims},
			{"a list", `[{"sub":"42","exp":2e9}]`, badClaims},
			{"a text", `"42"`, badClaims},
			{"JSON with something behind it", good() + `{}`, badClaims},
			{"JSON that breaks off", good()[:20], badClaims},
			{"a comment", `{/**/"sub":"42","exp":2e9}`, badClaims},

			{"no exp", `{"sub":"42"}`, badExpiry},
			{"exp that is null", `{"sub":"42","exp":null}`, badExpiry},
			{"exp that is a text", `{"sub":"42","exp":"2000000000"}`, badExpiry},
			{"exp that is a list", `{"sub":"42","exp":[2000000000]}`, badExpiry},
			{"exp below zero", `{"sub":"42","exp":-1}`, badExpiry},
			{"exp beyond all years", `{"sub":"42","exp":1e300}`, badExpiry},
			{"exp beyond all numbers", `{"sub":"42","exp":1e400}`, badClaims},
			{"exp in milliseconds", fmt.Sprintf(`{"sub":"42","exp":%d}`, noon.UnixMilli()), badExpiry},
			{"exp of 1970", `{"sub":"42","exp":0}`, expired},
			{"exp with a fraction", `{"sub":"42","exp":` + at(-59.5) + `}`, "client 42"},
			{"nbf that is a text", good(`"nbf":"0"`), badTime},
			{"nbf that is null", good(`"nbf":null`), badTime},
			{"iat that is true", good(`"iat":true`), badTime},
			{"iat and nbf", good(`"iat":`+at(0), `"nbf":`+at(0)), "client 42"},
		}),
	))
}

// payloads signs the payloads of vectors.
func payloads(t *testing.T, vectors []vector) []vector {
	t.Helper()
	for i := range vectors {
		vectors[i].token = hs(t, vectors[i].token)
	}
	return vectors
}

func TestTheClockOfATokenMayBeAMinuteOff(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret), AuthJS: true, AuthSecrets: []string{authSecret}})
	for _, test := range []struct {
		claim  string
		offset int // of the claim from now, in seconds
		want   string
	}{
		{"exp", -600, expired}, {"exp", -61, expired}, {"exp", -60, expired}, {"exp", -59, "client 42"}, {"exp", 0, "client 42"}, {"exp", 59, "client 42"}, {"exp", 61, "client 42"}, {"exp", 600, "client 42"},
		{"nbf", -600, "client 42"}, {"nbf", -61, "client 42"}, {"nbf", -59, "client 42"}, {"nbf", 59, "client 42"}, {"nbf", 60, "client 42"}, {"nbf", 61, early}, {"nbf", 600, early},
		{"iat", -600, "client 42"}, {"iat", -61, "client 42"}, {"iat", -59, "client 42"}, {"iat", 59, "client 42"}, {"iat", 60, "client 42"}, {"iat", 61, early}, {"iat", 600, early},
	} {
		claim := fmt.Sprintf(`"%s":%d`, test.claim, noon.Unix()+int64(test.offset))
		payload := good(claim)
		if test.claim == "exp" {
			payload = object(`"sub":"42"`, claim)
		}
		for kind, r := range map[string]*http.Request{
			"bearer": bearer(hs(t, payload)), "session": request("Cookie", identity.SessionCookie+"="+hs(t, payload)),
			"Auth.js": request("Cookie", plain+"="+session(t, authSecret, plain, payload)),
		} {
			if got := outcome(t, v, r); got != test.want {
				t.Errorf("%s, %s %+d s: %s, want %s", kind, test.claim, test.offset, got, test.want)
			}
		}
	}
}

func TestATokenThatIsWrongInMoreThanItsAgeIsNotMerelyExpired(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret), Issuer: "https://me.example"})
	check(t, v, payloads(t, []vector{
		{"expired", `{"sub":"42","iss":"https://me.example","exp":1}`, expired},
		{"expired, of another issuer", `{"sub":"42","iss":"https://you.example","exp":1}`, badIssuer},
		{"expired, without an id", `{"iss":"https://me.example","exp":1}`, badID},
		{"expired and not begun", fmt.Sprintf(`{"sub":"42","iss":"https://me.example","exp":1,"nbf":%d}`, noon.Unix()+100), early},
	}))
}

func TestIssuerAndAudienceAreCheckedWhereTheyAreSet(t *testing.T) {
	t.Parallel()
	const issuer, audience = "https://me.example/", "chat"
	both := func(members ...string) string { return good(append(members, `"iss":"https://me.example/"`)...) }
	o := identity.Options{Secret: []byte(secret), Issuer: issuer, Audience: audience, AuthJS: true, AuthSecrets: []string{authSecret}}
	check(t, verifier(t, o), payloads(t, []vector{
		{"both", both(`"aud":"chat"`), "client 42"},
		{"one of several audiences", both(`"aud":["x","chat"]`), "client 42"},
		{"no audience", both(), badAudience},
		{"another audience", both(`"aud":"Chat"`), badAudience},
		{"a longer audience", both(`"aud":"chat2"`), badAudience},
		{"other audiences", both(`"aud":["x",["chat"],{"chat":1},1,null]`), badAudience},
		{"no audiences", both(`"aud":[]`), badAudience},
		{"an object as audience", both(`"aud":{"chat":true}`), badAudience},
		{"audience null", both(`"aud":null`), badAudience},
		{"no issuer", good(`"aud":"chat"`), badIssuer},
		{"another issuer", good(`"aud":"chat"`, `"iss":"https://me.example"`), badIssuer},
		{"a list of issuers", good(`"aud":"chat"`, `"iss":["https://me.example/"]`), badIssuer},
	}))
	check(t, verifier(t, identity.Options{Secret: []byte(secret)}), payloads(t, []vector{
		{"anything, where nothing is set", good(`"aud":["y"]`, `"iss":{}`), "client 42"},
	}))
	if got := outcome(t, verifier(t, o), request("Cookie", plain+"="+session(t, authSecret, plain, good()))); got != "client 42" {
		t.Errorf("a session of Auth.js has neither: %s", got)
	}
}

func TestTheIDAndTheRoleMayBeInAnyClaim(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ id, role, payload, want string }{
		{"email", "", `{"sub":"1","email":"a@b.c","role":"developer","exp":2e9}`, "developer a@b.c"},
		{"email", "", `{"sub":"1","exp":2e9}`, badID},
		{"", "app_metadata.role", `{"sub":"1","app_metadata":{"role":"developer"},"exp":2e9}`, "developer 1"},
		{"", "app_metadata.role", `{"sub":"1","app_metadata":{"role":"client"},"role":"developer","exp":2e9}`, "client 1"},
		{"", "app_metadata.role", `{"sub":"1","app_metadata":"developer","exp":2e9}`, "client 1"},
		{"", "app_metadata.role", `{"sub":"1","app_metadata":["developer"],"exp":2e9}`, "client 1"},
		{"", "app_metadata.role", `{"sub":"1","app_metadata":{},"exp":2e9}`, "client 1"},
		{"", "app_metadata.role", `{"sub":"1","app_metadata":{"role":["developer"]},"exp":2e9}`, "client 1"},
		{"user.id", "a.b.c", `{"user":{"id":"7"},"a":{"b":{"c":"developer"}},"exp":2e9}`, "developer 7"},
		{"user.id", "a.b.c", `{"user":{"id":7},"exp":2e9}`, badID},
		{"user.id", "a.b.c", `{"user":{"id":"7"},"a":{"b":"developer"},"exp":2e9}`, "client 7"},
		// Custom claims of Auth0 have URLs as names, which contain dots.
		{"", "https://chat.example.com/role", `{"sub":"1","https://chat.example.com/role":"developer","exp":2e9}`, "developer 1"},
		{"", "https://chat.example.com/meta.role", `{"sub":"1","https://chat.example.com/meta":{"role":"developer"},"exp":2e9}`, "developer 1"},
		{"", "a.b", `{"sub":"1","a.b":"client","a":{"b":"developer"},"exp":2e9}`, "client 1"},
	} {
		v := verifier(t, identity.Options{Secret: []byte(secret), IDClaim: test.id, RoleClaim: test.role})
		if got := outcome(t, v, bearer(hs(t, test.payload))); got != test.want {
			t.Errorf("%s, %s, %s: %s, want %s", test.id, test.role, test.payload, got, test.want)
		}
	}
}

func TestAListedDeveloperIsOneByIDOrByVerifiedEmail(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret), Developers: []string{"42", "Ada@example.com", "k@example.com", "grace"}})
	check(t, v, payloads(t, []vector{
		{"a listed id", `{"sub":"42","exp":2e9}`, "developer 42"},
		{"a listed id whose role says client", `{"sub":"42","role":"client","exp":2e9}`, "developer 42"},
		{"an id in another case", `{"sub":"Grace","exp":2e9}`, "client Grace"},
		{"a longer id", `{"sub":"421","exp":2e9}`, "client 421"},
		{"a verified e-mail", `{"sub":"1","email":"Ada@example.com","email_verified":true,"exp":2e9}`, "developer 1"},
		{"a verified e-mail in another case", `{"sub":"1","email":"ada@EXAMPLE.com","email_verified":true,"exp":2e9}`, "developer 1"},
		{"an e-mail", `{"sub":"1","email":"Ada@example.com","exp":2e9}`, "client 1"},
		{"an e-mail that is not verified", `{"sub":"1","email":"Ada@example.com","email_verified":false,"exp":2e9}`, "client 1"},
		{"an e-mail that is verified in words", `{"sub":"1","email":"Ada@example.com","email_verified":"true","exp":2e9}`, "client 1"},
		{"an e-mail that is verified by number", `{"sub":"1","email":"Ada@example.com","email_verified":1,"exp":2e9}`, "client 1"},
		{"an e-mail that only looks the same", `{"sub":"1","email":"\u212a@example.com","email_verified":true,"exp":2e9}`, "client 1"},
		{"a list of e-mails", `{"sub":"1","email":["Ada@example.com"],"email_verified":true,"exp":2e9}`, "client 1"},
		{"a verified e-mail that is only in part invisible", `{"sub":"1","email":"\u200bada@example.com","email_verified":true,"exp":2e9}`, "client 1"},
		{"a verified e-mail with white space around it", `{"sub":"1","email":" ada@example.com","email_verified":true,"exp":2e9}`, "client 1"},
		{"nobody's verified e-mail", `{"sub":"1","email_verified":true,"exp":2e9}`, "client 1"},
		{"a name", `{"sub":"1","name":"42","exp":2e9}`, "client 1"},
	}))
}

func TestNameAndEmailAreKeptAsFarAsTheyCanBe(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret)})
	long := strings.Repeat("é", 121)
	address := strings.Repeat("a", 242) + "@example.com"
	for _, test := range []struct{ payload, name, email string }{
		{good(`"name":"Grace","email":"grace@example.com"`), "Grace", "grace@example.com"},
		{good(`"name":"` + long + `"`), long[:240], ""},
		{good(`"name":"  Grace  "`), "Grace", ""},
		{good(`"name":"Gr\u0000ace","email":"g\u0000@example.com"`), "Grace", "g@example.com"},
		{good(`"name":"\u202eecarG\u2069","email":"g\u200b@example.com"`), "ecarG", "g@example.com"},
		{good(`"name":"\u200b\u3164\u00ad","email":"\u2060"`), "", ""},
		{good(`"name":["Grace"],"email":{"a":1}`), "", ""},
		{good(`"name":null,"email":null`), "", ""},
		{good(`"email":"` + address + `"`), "", address},
		{good(`"email":"a` + address + `"`), "", ""},
		{good(`"email":"a@example.com","email_verified":true`), "", "a@example.com"},
		{good(`"email":"a@example.com","email_verified":"true"`), "", "a@example.com"},
		{good(`"email":"a@example.com","email_verified":null`), "", "a@example.com"},
		{good(`"email":"a@example.com","email_verified":false`), "", ""},
		{good(`"email":"a@example.com","email_verified":"false"`), "", ""},
		{good(`"email":"a@example.com","email_verified":0`), "", ""},
	} {
		me, err := v.Verify(t.Context(), v.Find(bearer(hs(t, test.payload))))
		if want := (chat.Identity{ID: "42", Role: chat.Client, Name: test.name, Email: test.email}); err != nil || me != want {
			t.Errorf("%s: %+v, %v", test.payload, me, err)
		}
	}
}

// An e-mail that its provider did not verify may be anybody's: whoever has the token could have typed it.
func TestAnUnverifiedEmailIsNobodysID(t *testing.T) {
	t.Parallel()
	const ada = `"email":"ada@example.com"`
	for _, test := range []struct{ name, claim, payload, want string }{
		{"not said", "email", object(ada, `"exp":2e9`), "developer ada@example.com"},
		{"verified", "email", object(ada, `"email_verified":true,"exp":2e9`), "developer ada@example.com"},
		{"verified, as a text", "email", object(ada, `"email_verified":"true","exp":2e9`), "developer ada@example.com"},
		{"null", "email", object(ada, `"email_verified":null,"exp":2e9`), "developer ada@example.com"},
		{"not verified", "email", object(ada, `"email_verified":false,"exp":2e9`), unverified},
		{"not verified, as a text", "email", object(ada, `"email_verified":"false","exp":2e9`), unverified},
		{"not verified, as a number", "email", object(ada, `"email_verified":0,"exp":2e9`), unverified},
		{"not verified, with the role in the token", "email", object(ada, `"role":"developer","email_verified":false,"exp":2e9`), unverified},
		{"further in, not verified there", "user.email", object(`"user":{"email":"ada@example.com","email_verified":false},"exp":2e9`), unverified},
		{"further in, not verified outside", "user.email", object(`"user":{"email":"ada@example.com"},"email_verified":false,"exp":2e9`), unverified},
		{"further in, verified there", "user.email", object(`"user":{"email":"ada@example.com","email_verified":true},"exp":2e9`), "developer ada@example.com"},
		{"by a URL", "https://example.com/email", object(`"https://example.com/email":"ada@example.com","https://example.com/email_verified":false,"exp":2e9`), unverified},
		{"another id", "sub", object(`"sub":"7"`, ada, `"email_verified":false,"exp":2e9`), "client 7"},
		{"another id with the same end", "notemail", object(`"notemail":"7"`, ada, `"email_verified":false,"exp":2e9`), "client 7"},
		{"another id that is listed", "sub", object(`"sub":"ada@example.com"`, ada, `"email_verified":false,"exp":2e9`), "developer ada@example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := identity.Options{Secret: []byte(secret), AuthJS: true, AuthSecrets: []string{authSecret}, IDClaim: test.claim, Developers: []string{"ada@example.com"}}
			for _, r := range []*http.Request{bearer(hs(t, test.payload)), request("Cookie", plain+"="+session(t, authSecret, plain, test.payload))} {
				if got := outcome(t, verifier(t, o), r); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
			}
		})
	}
}

// A token, or a part of it, must not reach the log in a cause.
func TestACauseHoldsNoPartOfTheToken(t *testing.T) {
	t.Parallel()
	k := keys()
	v := verifier(t, identity.Options{Secret: []byte(secret), JWKSURL: allKeys(t).URL, AuthJS: true, AuthSecrets: []string{authSecret}})
	for _, token := range []string{
		jws(t, `{"alg":"canary"}`, good(), secret), jws(t, `{"alg":"HS256","kid":{"canary":1}}`, good(), secret), jws(t, `{"alg":"HS256","typ":"canary"}`, good(), secret),
		jws(t, `{"alg":"HS256","canary":1,"canary":2}`, good(), secret), jws(t, `{"alg":"RS256","kid":"canary"}`, good(), k.rsa), jws(t, `{"alg":"HS256","crit":["canary"]}`, good(), secret),
		jws(t, `{"alg":"HS256","x5c":["canary"]}`, good(), secret), hs(t, `{"canary":1,"canary":2}`), hs(t, `{"sub":"canary\n"}`), hs(t, good(`"nbf":["canary"]`)), "canary", "canary.canary.canary",
		hs(t, `{"sub":"42","exp":"canary"}`), jws(t, hs256, good(`"x":"canary"`), "another"),
	} {
		for _, r := range []*http.Request{bearer(token), request("Cookie", plain+"="+token), request("Cookie", identity.SessionCookie+"="+token)} {
			_, err := v.Verify(t.Context(), v.Find(r))
			if err == nil || strings.Contains(fmt.Sprintf("%+v %v", err, err), "canary") {
				t.Errorf("%s: %v", token, err)
			}
		}
	}
}
