package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
	"devinbox/pkg/identity"
)

// made is what testdata/tokens.mjs prints.
type made struct {
	JWKS    json.RawMessage
	Tokens  map[string]string
	Cookies map[string][]struct{ Name, Value string }
}

// node runs testdata/tokens.mjs with the packages that it imports.
func node(t *testing.T, arguments ...string) made {
	t.Helper()
	dir, err := npm.Install(t.Context(), map[string]string{"jose": "6.2.18", "@auth/core": "0.41.3"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Node looks for packages in the folder of the script that imports them.
	beside := t.TempDir()
	program, err := os.ReadFile(filepath.Join("testdata", "tokens.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(beside, "tokens.mjs")
	if err := os.WriteFile(script, program, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(beside, "node_modules")); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", append([]string{script}, arguments...)...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &complaints)
	}
	var m made
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatalf("%v: %s%s", err, out, &complaints)
	}
	return m
}

func TestTokensOfTheRealPackagesAreGood(t *testing.T) {
	t.Parallel()
	const newest, oldest = "the newest secret of Auth.js", "the oldest secret of Auth.js"
	m := node(t, secret, newest, oldest)
	h := newHost(t)
	h.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(m.JWKS) })

	v := verifier(t, identity.Options{
		Secret: []byte(secret), JWKSURL: h.URL, Issuer: "https://issuer.example", Audience: "chat", Now: time.Now,
		AuthJS: true, AuthSecrets: []string{newest, oldest},
	})
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		token := m.Tokens[algorithm]
		me, err := v.Verify(t.Context(), v.Find(bearer(token)))
		if err != nil || me.ID != "ada" || me.Role != "developer" || me.Name != "Ada" || me.Email != "ada@example.com" {
			t.Errorf("%s: %+v, %v", algorithm, me, err)
		}
	}
	h.expectAsked(t, 1)

	const who = "developer grace@example.com"
	options := func(secrets ...string) identity.Options {
		return identity.Options{AuthJS: true, AuthSecrets: secrets, IDClaim: "email", Now: time.Now}
	}
	for _, test := range []struct {
		cookies, proto string
		secrets        []string
		want           string
	}{
		{"http", "http", []string{newest}, who},
		{"http", "http", []string{newest, oldest}, who},
		{"http", "http", []string{oldest, newest}, who},
		{"http", "http", []string{oldest}, badSession},
		{"http", "https", []string{newest}, nobody},
		{"https", "https", []string{newest}, who},
		{"https", "http", []string{newest}, nobody},
		{"chunked", "https", []string{oldest, newest}, who},
		{"rotated", "http", []string{newest}, who},
		{"old", "http", []string{newest, oldest}, who},
		{"old", "http", []string{newest}, badSession},
		{"encoded", "http", []string{newest, oldest}, who},
		{"expired", "http", []string{newest}, expired},
	} {
		cookies := m.Cookies[test.cookies]
		if chunked := len(cookies) > 1; len(cookies) == 0 || chunked != (test.cookies == "chunked") {
			t.Fatalf("%s: %d cookies", test.cookies, len(cookies))
		}
		r := request("X-Forwarded-Proto", test.proto)
		for _, cookie := range cookies {
			r.Header.Add("Cookie", fmt.Sprintf("%s=%s", cookie.Name, cookie.Value))
		}
		if got := outcome(t, verifier(t, options(test.secrets...)), r); got != test.want {
			t.Errorf("%s over %s, %d secrets: %s, want %s", test.cookies, test.proto, len(test.secrets), got, test.want)
		}
	}
}
