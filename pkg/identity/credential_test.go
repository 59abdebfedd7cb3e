package identity_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/identity"
)

func TestTheFirstCredentialThatIsPresentDecides(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret), AuthJS: true, AuthSecrets: []string{authSecret}})
	as := func(id string) string { return hs(t, `{"sub":"`+id+`","exp":2e9}`) }
	authJS := "Cookie: " + plain + "=" + session(t, authSecret, plain, `{"sub":"authjs","exp":2e9}`)
	badAuthJS := "Cookie: " + plain + "=x"
	own := "Cookie: " + identity.SessionCookie + "=" + as("session")
	old := "Cookie: " + identity.SessionCookie + "=" + hs(t, `{"sub":"session","exp":1}`)
	good := "Authorization: Bearer " + as("bearer")
	const several, doubled = "401 several Authorization headers", twice
	for _, test := range []struct {
		headers []string
		kind    identity.Kind
		want    string
	}{
		{[]string{}, identity.None, nobody},
		{[]string{good}, identity.Bearer, "client bearer"},
		{[]string{good, authJS, own}, identity.Bearer, "client bearer"},
		{[]string{good, badAuthJS, old}, identity.Bearer, "client bearer"},
		{[]string{authJS, own}, identity.AuthJS, "client authjs"},
		{[]string{own, authJS}, identity.AuthJS, "client authjs"},
		{[]string{own}, identity.Session, "client session"},
		{[]string{old}, identity.Session, expired},
		{[]string{badAuthJS, own}, identity.AuthJS, malformed},
		{[]string{authJS, old}, identity.AuthJS, "client authjs"},

		{[]string{"Authorization: Bearer", authJS, own}, identity.Bearer, malformed},
		{[]string{"Authorization: Bearer ", authJS, own}, identity.Bearer, malformed},
		{[]string{"Authorization:  bearer\t", own}, identity.Bearer, malformed},
		{[]string{"Authorization: Bearer x", own}, identity.Bearer, malformed},
		{[]string{"Authorization: Bearer " + as("bearer") + "x", own}, identity.Bearer, badSignature},
		{[]string{"Authorization: bearer " + as("bearer")}, identity.Bearer, "client bearer"},
		{[]string{"Authorization: BEARER   " + as("bearer") + "  "}, identity.Bearer, "client bearer"},
		{[]string{"Authorization: Bearer " + as("bearer") + ", Bearer " + as("bearer")}, identity.Bearer, malformed},
		{[]string{good, good, own}, identity.Bearer, several},
		{[]string{"Authorization: Basic eDp5", good, own}, identity.Bearer, several},
		{[]string{good, "Authorization: Basic eDp5", own}, identity.Bearer, several},

		{[]string{"Authorization: Basic eDp5", own}, identity.Session, "client session"},
		{[]string{"Authorization: Basic eDp5", "Authorization: Digest x", own}, identity.Session, "client session"},
		{[]string{"Authorization:", own}, identity.Session, "client session"},
		{[]string{"Authorization: Bearers " + as("bearer"), own}, identity.Session, "client session"},
		{[]string{"Authorization: " + as("bearer"), own}, identity.Session, "client session"},
		{[]string{"Authorization: Token Bearer " + as("bearer"), own}, identity.Session, "client session"},
		{[]string{"Authorization: Bearer\u00a0" + as("bearer"), own}, identity.Session, "client session"},
		{[]string{"Authorization: Basic Bearer"}, identity.None, nobody},

		{[]string{own, own}, identity.Session, doubled},
		{[]string{own + "; " + identity.SessionCookie + "=x"}, identity.Session, doubled},
		{[]string{authJS, authJS}, identity.AuthJS, doubled},
		{[]string{"Cookie: " + identity.SessionCookie + "="}, identity.Session, malformed},
		{[]string{"Cookie: " + identity.SessionCookie}, identity.Session, malformed},
		{[]string{"Cookie: Devinbox_Session=" + as("session")}, identity.None, nobody},
		{[]string{"Cookie: x=" + as("session") + "; token=" + as("session")}, identity.None, nobody},
		{[]string{"X-Authorization: Bearer " + as("bearer"), "Proxy-Authorization: Bearer " + as("bearer")}, identity.None, nobody},
	} {
		r := request()
		for _, header := range test.headers {
			name, value, _ := strings.Cut(header, ":")
			r.Header.Add(name, strings.TrimPrefix(value, " "))
		}
		c := v.Find(r)
		if c.Kind != test.kind || c.IsCookie() != (test.kind == identity.AuthJS || test.kind == identity.Session) {
			t.Errorf("%.120q: kind %d, want %d", test.headers, c.Kind, test.kind)
		}
		if got := outcome(t, v, r); got != test.want {
			t.Errorf("%.120q: %s, want %s", test.headers, got, test.want)
		}
	}
}

func TestATokenInTheAddressIsNoCredential(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret)})
	r := request()
	r.URL.RawQuery = "access_token=" + hs(t, good()) + "&token=" + hs(t, good())
	if got := outcome(t, v, r); got != nobody {
		t.Errorf("%s, want %s", got, nobody)
	}
}

func TestChunksOfASessionAreJoinedInTheOrderOfTheirNumbers(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{AuthJS: true, AuthSecrets: []string{authSecret}})
	value := session(t, authSecret, plain, good(`"x":"`+strings.Repeat("x", 20_000)+`"`))
	// chunk splits the value into n cookies.
	chunk := func(n int) []string {
		var cookies []string
		size := (len(value) + n - 1) / n
		for i := range n {
			cookies = append(cookies, fmt.Sprintf("%s.%d=%s", plain, i, value[i*size:min((i+1)*size, len(value))]))
		}
		return cookies
	}
	reversed := chunk(8)
	slices.Reverse(reversed)
	swapped := chunk(2)
	swapped[0], swapped[1] = strings.Replace(swapped[0], ".0=", ".1=", 1), strings.Replace(swapped[1], ".1=", ".0=", 1)
	large := make([]string, 8)
	for i := range large {
		large[i] = fmt.Sprintf("%s.%d=%s", plain, i, strings.Repeat("A", 4_097))
	}
	const missing, many, both = "401 a chunk of a cookie is missing", "401 too many chunks of a cookie", "401 a cookie both whole and in chunks"
	for name, test := range map[string]struct {
		cookies []string
		want    string
	}{
		"whole":                     {[]string{plain + "=" + value}, "client 42"},
		"one":                       {chunk(1), "client 42"},
		"two":                       {chunk(2), "client 42"},
		"eight":                     {chunk(8), "client 42"},
		"eight, the last first":     {reversed, "client 42"},
		"among others":              {append([]string{"a=b", plain + ".x=1", plain + ".00=1", plain + ".-1=1", plain + ".=1", plain + ".0.0=1", secure + ".0=1"}, chunk(3)...), "client 42"},
		"nine":                      {chunk(9), many},
		"the thousandth":            {append(chunk(2), plain+".1000=x"), many},
		"beyond all numbers":        {append(chunk(2), plain+".99999999999999999999=x"), "client 42"},
		"without the first":         {chunk(3)[1:], missing},
		"without the second":        {slices.Delete(chunk(3), 1, 2), missing},
		"without the last":          {chunk(3)[:2], "401"}, // depending on where the chunks were split,
		"in the wrong order":        {swapped, "401"},      // malformed or not opened
		"one twice":                 {append(chunk(3), chunk(3)[1]), twice},
		"whole and in chunks":       {append(chunk(2), plain+"="+value), both},
		"whole and in chunks again": {append([]string{plain + "=" + value}, chunk(2)...), both},
		"over 32 KB":                {large, malformed},
	} {
		// All in one header, as browsers do in HTTP/1, and each in its own, as HTTP/2 allows.
		one, each := request("Cookie", strings.Join(test.cookies, "; ")), request()
		for _, cookie := range test.cookies {
			each.Header.Add("Cookie", cookie)
		}
		for _, r := range []*http.Request{one, each} {
			if got := outcome(t, v, r); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s: %s, want %s", name, got, test.want)
			}
		}
	}
}
