package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/identity"
)

const jwtSecret = "a secret of the tests, of thirty-two bytes or more"

// recognised is who a deployment in this environment takes the bearer of a token for.
func recognised(t *testing.T, token string, variables ...string) (chat.Identity, error) {
	t.Helper()
	settings, err := config.Load(func(name string) string {
		for _, variable := range variables {
			if value, found := strings.CutPrefix(variable, name+"="); found {
				return value
			}
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := identity.New(settings.Identity)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	return verifier.Verify(t.Context(), verifier.Find(r))
}

func TestATokenIsGoodWhereItsSettingsHold(t *testing.T) {
	t.Parallel()
	for name, variables := range map[string][]string{
		"the defaults":        {"CHAT_JWT_SECRET=" + jwtSecret},
		"claims of one's own": {"CHAT_JWT_SECRET=" + jwtSecret, "CHAT_ID_CLAIM=user.id", "CHAT_ROLE_CLAIM=app_metadata.role"},
		"parties":             {"CHAT_JWT_SECRET=" + jwtSecret, "CHAT_JWT_ISSUER=us", "CHAT_JWT_AUDIENCE=them"},
	} {
		for _, role := range []string{"client", "developer"} {
			o := execute(t, emptyProject(t), variables, "token", "--role", role, "--sub", "a b", "--name", "Ada").is(t, 0)
			me, err := recognised(t, o.output, variables...)
			if want := (chat.Identity{ID: "a b", Role: chat.Role(role), Name: "Ada"}); err != nil || me != want {
				t.Errorf("%s: %+v, %v", name, me, err)
			}
			if strings.Count(o.output, "\n") != 1 || o.errors != "" {
				t.Errorf("%s: it says more than the token: %q, %q", name, o.output, o.errors)
			}
		}
	}
}

func TestATokenLastsAsLongAsItIsToldTo(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]int64{"": 3600, "--ttl 1s": 1, "--ttl 36h": 36 * 3600} {
		arguments := append([]string{"token", "--role", "client", "--sub", "42"}, strings.Fields(arguments)...)
		o := execute(t, emptyProject(t), []string{"CHAT_JWT_SECRET=" + jwtSecret}, arguments...).is(t, 0)
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(o.output, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct{ Iat, Exp int64 }
		if err := json.Unmarshal(payload, &claims); err != nil || claims.Exp-claims.Iat != want || time.Since(time.Unix(claims.Iat, 0)).Abs() > time.Minute {
			t.Errorf("%q: %s, %v", arguments, payload, err)
		}
	}
}

func TestATokenForNobodyIsWrongUsage(t *testing.T) {
	t.Parallel()
	variables := []string{"CHAT_JWT_SECRET=" + jwtSecret}
	for _, test := range []struct {
		arguments []string
		flag      string
	}{
		{nil, "--role"},
		{[]string{"--sub", "42"}, "--role"},
		{[]string{"--role", "admin", "--sub", "42"}, "--role"},
		{[]string{"--role", "Client", "--sub", "42"}, "--role"},
		{[]string{"--role", "client"}, "--sub"},
		{[]string{"--role", "client", "--sub", ""}, "--sub"},
		{[]string{"--role", "client", "--sub", "a\nb"}, "--sub"},
		{[]string{"--role", "client", "--sub", "a\xffb"}, "--sub"},
		{[]string{"--role", "client", "--sub", strings.Repeat("a", 121)}, "--sub"},
		{[]string{"--role", "client", "--sub", "42", "--ttl", "0"}, "--ttl"},
		{[]string{"--role", "client", "--sub", "42", "--ttl", "-1h"}, "--ttl"},
	} {
		o := execute(t, emptyProject(t), variables, append([]string{"token"}, test.arguments...)...).is(t, 2, test.flag+" must")
		if o.output != "" {
			t.Errorf("%q: it gives a token all the same: %s", test.arguments, o.output)
		}
	}
}

func TestATokenThatNobodyWouldReadAsThisIdentityIsRefused(t *testing.T) {
	t.Parallel()
	execute(t, emptyProject(t), []string{"CHAT_JWT_SECRET=" + jwtSecret, "CHAT_DEVELOPERS=42"}, "token", "--role", "client", "--sub", "42").is(t, 1, "same one")
}

func TestWithoutASecretATokenIsSignedWithTheLocalOne(t *testing.T) {
	t.Parallel()
	folder, data := emptyProject(t), filepath.Join(t.TempDir(), "data")
	secrets, err := dev.Secrets(data)
	if err != nil {
		t.Fatal(err)
	}
	o := execute(t, folder, nil, "token", "--role", "developer", "--sub", "ada", "--data", data).is(t, 0)
	if me, err := recognised(t, o.output, "CHAT_JWT_SECRET="+secrets["CHAT_JWT_SECRET"]); err != nil || me.ID != "ada" {
		t.Errorf("%+v, %v", me, err)
	}
}

func TestASecretThatCannotBeUsedIsNamedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for variable, named := range map[string]string{"CHAT_JWT_SECRET=canary": "CHAT_JWT_SECRET", "CHAT_RATE_LIMIT=canary": "CHAT_RATE_LIMIT"} {
		o := execute(t, emptyProject(t), []string{"CHAT_JWT_SECRET=" + jwtSecret, variable}, "token", "--role", "client", "--sub", "42").is(t, 1, named)
		if strings.Contains(o.errors, "canary") {
			t.Errorf("it repeats the value: %s", o.errors)
		}
	}
}

func TestATokenIsNotSignedWithASecretThatNobodyHas(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "typo")
	execute(t, emptyProject(t), nil, "token", "--role", "client", "--sub", "42", "--data", nowhere).is(t, 1, "there is no data of devinbox dev in "+nowhere)
	if exists(nowhere) {
		t.Error("the folder was made")
	}
}
