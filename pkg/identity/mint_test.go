package identity_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

var grace = chat.Identity{ID: "42", Role: chat.Client, Name: "Grace", Email: "grace@example.com"}

func TestATokenIsReadBackAsTheIdentityItWasSignedFor(t *testing.T) {
	t.Parallel()
	for _, o := range []identity.Options{
		{}, {Issuer: "https://me.example", Audience: "chat"}, {IDClaim: "user.id", RoleClaim: "user.role"}, {RoleClaim: "https://example.com/role"},
		{JWKSURL: "https://keys.example.com", AuthJS: true, AuthSecrets: []string{authSecret}, Developers: []string{"someone"}},
	} {
		o.Secret = []byte(secret)
		var c clock
		o.Now = c.Now
		v := verifier(t, o)
		for _, me := range []chat.Identity{
			grace, {ID: "ada", Role: chat.Developer, Name: "Ada"}, {ID: "Zoë 🦊", Role: chat.Client}, {ID: strings.Repeat("é", 60), Role: chat.Developer, Name: strings.Repeat("é", 120)},
		} {
			token, err := v.Mint(me, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []string{"Bearer", "Session"} {
				request := bearer(token)
				if r == "Session" {
					request.Header.Del("Authorization")
					request.AddCookie(identity.NewSession(request, token))
				}
				if got, err := v.Verify(t.Context(), v.Find(request)); err != nil || got != me {
					t.Errorf("%+v: %+v, %v", me, got, err)
				}
			}
			c.Advance(time.Hour + 59*time.Second)
			if got := outcome(t, v, bearer(token)); got != string(me.Role)+" "+me.ID {
				t.Errorf("within its lifetime: %s", got)
			}
			c.Advance(time.Second)
			_, err = v.Verify(t.Context(), v.Find(bearer(token)))
			if !errors.Is(err, identity.ErrExpired) || chat.KindOf(err) != chat.Unauthorized {
				t.Errorf("after its lifetime: %v", err)
			}
			c.Advance(-time.Hour - time.Minute)
		}
	}
}

func TestWhatATokenSays(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{Secret: []byte(secret), Issuer: "me", Audience: "chat", RoleClaim: "app_metadata.role"})
	token, err := v.Mint(grace, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, part := range strings.Split(token, ".")[:2] {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		var sorted map[string]any
		if err := json.Unmarshal(text, &sorted); err != nil {
			t.Fatal(err)
		}
		text, _ = json.Marshal(sorted)
		said = append(said, string(text))
	}
	want := []string{
		`{"alg":"HS256","typ":"JWT"}`,
		`{"app_metadata":{"role":"client"},"aud":"chat","email":"grace@example.com","exp":1795611600,"iat":1795608000,"iss":"me","name":"Grace","sub":"42"}`,
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
}

// A guest chooses a name and an e-mail. Neither may become its id or its role.
func TestNobodySignsATokenOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options identity.Options
		me      chat.Identity
		want    string // the identity that it is read back as; empty if no token is signed
	}{
		"e-mail where the id is looked for":          {identity.Options{IDClaim: "email"}, chat.Identity{ID: "guest-1", Role: chat.Client, Email: "ada@example.com"}, "client guest-1"},
		"name where the role is looked for":          {identity.Options{RoleClaim: "name"}, chat.Identity{ID: "guest-1", Role: chat.Client, Name: "developer"}, "client guest-1"},
		"name where a path to the role begins":       {identity.Options{RoleClaim: "name.role"}, chat.Identity{ID: "guest-1", Role: chat.Client, Name: "developer"}, "client guest-1"},
		"e-mail of a developer":                      {identity.Options{Developers: []string{"ada@example.com"}}, chat.Identity{ID: "guest-1", Role: chat.Client, Email: "ada@example.com"}, "client guest-1"},
		"id of a developer":                          {identity.Options{Developers: []string{"ada"}}, chat.Identity{ID: "ada", Role: chat.Client}, ""},
		"id of a developer as one":                   {identity.Options{Developers: []string{"ada"}}, chat.Identity{ID: "ada", Role: chat.Developer}, "developer ada"},
		"role that is none":                          {identity.Options{}, chat.Identity{ID: "42", Role: "admin"}, ""},
		"no role":                                    {identity.Options{}, chat.Identity{ID: "42"}, ""},
		"no id":                                      {identity.Options{}, chat.Identity{Role: chat.Client}, ""},
		"id that is too long":                        {identity.Options{}, chat.Identity{ID: strings.Repeat("x", 121), Role: chat.Developer}, ""},
		"id that is not UTF-8":                       {identity.Options{}, chat.Identity{ID: "\xff", Role: chat.Client}, ""},
		"id that has no channel":                     {identity.Options{Fits: func(string) bool { return false }}, chat.Identity{ID: "42", Role: chat.Client}, ""},
		"id that is lost where the role stands":      {identity.Options{IDClaim: "a", RoleClaim: "a.b"}, chat.Identity{ID: "42", Role: chat.Client}, ""},
		"name and e-mail that nobody could bear":     {identity.Options{}, chat.Identity{ID: "42", Role: chat.Client, Name: "\x00", Email: "\xff"}, "client 42"},
		"id that is of the claims of the token":      {identity.Options{}, chat.Identity{ID: `","role":"developer`, Role: chat.Client}, `client ","role":"developer`},
		"role and id in one object":                  {identity.Options{IDClaim: "u.id", RoleClaim: "u.role"}, chat.Identity{ID: "42", Role: chat.Developer}, "developer 42"},
		"email_verified is never signed for a guest": {identity.Options{Developers: []string{"x@example.com"}}, chat.Identity{ID: "guest-2", Role: chat.Client, Email: "x@example.com"}, "client guest-2"},
	} {
		test.options.Secret = []byte(secret)
		v := verifier(t, test.options)
		token, err := v.Mint(test.me, time.Hour)
		if test.want == "" {
			if chat.KindOf(err) != chat.Unprocessable || token != "" {
				t.Errorf("%s: signed, %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := outcome(t, v, bearer(token)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestTheFormerSecretIsBelievedAndSignsNothing(t *testing.T) {
	t.Parallel()
	former := strings.ToUpper(secret)
	both := identity.Options{Secret: []byte(secret), PreviousSecret: []byte(former)}
	v := verifier(t, both)
	check(t, v, []vector{
		{"of the secret", hs(t, good()), "client 42"},
		{"of the former secret", jws(t, hs256, good(), former), "client 42"},
		{"of the former secret, expired", jws(t, hs256, object(`"sub":"42","exp":1`), former), expired},
		{"of another", jws(t, hs256, good(), secret+former), badSignature},
		{"of an empty one", jws(t, hs256, good(), ""), badSignature},
	})
	check(t, verifier(t, identity.Options{PreviousSecret: []byte(former)}), []vector{
		{"of the former secret, which is the only one", jws(t, hs256, good(), former), "client 42"},
		{"of an empty one, where there is none", jws(t, hs256, good(), ""), badSignature},
	})
	token, err := v.Mint(grace, 1)
	if err != nil {
		t.Fatal(err)
	}
	check(t, verifier(t, identity.Options{Secret: []byte(former)}), []vector{{"signed now", token, badSignature}})
	if token, err := verifier(t, identity.Options{PreviousSecret: []byte(former)}).Mint(grace, 1); chat.KindOf(err) != chat.Unavailable || token != "" {
		t.Errorf("the former secret signs: %v", err)
	}
}

func TestWithoutASecretNothingIsSigned(t *testing.T) {
	t.Parallel()
	v := verifier(t, identity.Options{AuthJS: true, AuthSecrets: []string{authSecret}})
	if token, err := v.Mint(grace, time.Hour); chat.KindOf(err) != chat.Unavailable || token != "" {
		t.Errorf("%q, %v", token, err)
	}
}

func TestAGuestIsNobodyElse(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`\Aguest-[a-z2-7]{26}\z`)
	seen := map[string]bool{}
	for range 1000 {
		id := identity.NewGuestID()
		if seen[id] || !form.MatchString(id) || !chat.ValidID(id) {
			t.Errorf("%q", id)
		}
		bits, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(id[len("guest-"):]))
		if err != nil || len(bits) != 16 {
			t.Errorf("%q has %d bytes, %v", id, len(bits), err)
		}
		seen[id] = true
	}
}

func TestAGuestsIdIsNotShownAsItsEmail(t *testing.T) {
	t.Parallel()
	v, err := identity.New(identity.Options{Secret: []byte("a secret of thirty-two bytes or more"), IDClaim: "email"})
	if err != nil {
		t.Fatal(err)
	}
	guest := chat.Identity{ID: identity.NewGuestID(), Role: chat.Client, Name: "Grace"}
	token, err := v.Mint(guest, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if me, err := v.Verify(t.Context(), v.Find(r)); err != nil || me != guest {
		t.Errorf("%+v, %v", me, err)
	}
}
