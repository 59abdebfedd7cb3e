package app

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
	"devinbox/pkg/web"
)

func TestEachRouteAdmitsItsOwn(t *testing.T) {
	t.Parallel()
	const otherSecret = "another secret of the tests, which was in use before"
	w := newWorld(t, "CHAT_ALLOWED_ORIGINS=https://app.example.com,https://*.example.org", "CHAT_JWT_SECRET_PREVIOUS="+otherSecret, "CHAT_AUTHJS=true", "AUTH_SECRET="+cronSecret)
	former := newWorld(t, "CHAT_JWT_SECRET="+otherSecret).token(grace, time.Hour)
	foreign := newWorld(t, "CHAT_JWT_SECRET="+strings.ToUpper(otherSecret)).token(grace, time.Hour)
	cookie := "Cookie: " + identity.SessionCookie + "="
	good, old := w.token(grace, time.Hour), w.token(grace, -2*time.Minute)
	const (
		me     = "42" // admitted, and known
		nobody = ""   // admitted as nobody
		badly  = "401"
		never  = "403"
	)
	for name, test := range map[string]struct {
		method                        string
		headers                       []string
		known, visitor, anybody, cron string
	}{
		"no credential":                   {"POST", nil, badly, nobody, nobody, badly},
		"a token":                         {"POST", []string{"Authorization: Bearer " + good}, me, me, nobody, badly},
		"a bad token":                     {"POST", []string{"Authorization: Bearer " + good + "x"}, badly, badly, nobody, badly},
		"an empty token":                  {"POST", []string{"Authorization: Bearer "}, badly, badly, nobody, badly},
		"an old token":                    {"POST", []string{"Authorization: Bearer " + old}, badly, badly, nobody, badly},
		"a session":                       {"POST", []string{cookie + good}, me, me, nobody, badly},
		"an old session":                  {"POST", []string{cookie + old}, badly, nobody, nobody, badly},
		"a bad session":                   {"POST", []string{cookie + old + "x"}, badly, nobody, nobody, badly},
		"an empty session":                {"POST", []string{cookie}, badly, nobody, nobody, badly},
		"a session of another secret":     {"POST", []string{cookie + foreign}, badly, nobody, nobody, badly},
		"a session of the former secret":  {"POST", []string{cookie + former}, me, me, nobody, badly},
		"a token of the former secret":    {"POST", []string{"Authorization: Bearer " + former}, me, me, nobody, badly},
		"a session without a signature":   {"POST", []string{cookie + good[:strings.LastIndexByte(good, '.')+1]}, badly, nobody, nobody, badly},
		"two sessions":                    {"POST", []string{cookie + good + "; " + strings.TrimPrefix(cookie, "Cookie: ") + good}, badly, nobody, nobody, badly},
		"a bad session and a bad token":   {"POST", []string{cookie + "x", "Authorization: Bearer x"}, badly, badly, nobody, badly},
		"a bad session and a bad Auth.js": {"POST", []string{cookie + "x; __Secure-authjs.session-token=x", "X-Forwarded-Proto: https"}, badly, badly, nobody, badly},
		"an old session and a token":      {"POST", []string{cookie + old, "Authorization: Bearer " + good}, me, me, nobody, badly},
		"the cron's secret":               {"GET", []string{"Authorization: Bearer " + cronSecret}, badly, badly, nobody, nobody},
		"half of the secret":              {"GET", []string{"Authorization: Bearer " + cronSecret[:10]}, badly, badly, nobody, badly},
		"the secret by another name":      {"GET", []string{"Authorization: bearer " + cronSecret}, badly, badly, nobody, badly},

		// Another site's page: with a token nobody but its owner can, with a cookie anybody could.
		"from elsewhere, a token":       {"POST", []string{"Authorization: Bearer " + good, "Sec-Fetch-Site: cross-site", "Origin: https://evil.com"}, me, me, nobody, badly},
		"from elsewhere, a session":     {"POST", []string{cookie + good, "Sec-Fetch-Site: cross-site", "Origin: https://evil.com"}, never, never, never, badly},
		"from elsewhere, an old one":    {"POST", []string{cookie + old, "Sec-Fetch-Site: cross-site", "Origin: https://evil.com"}, never, never, never, badly},
		"from elsewhere, a bad one":     {"POST", []string{cookie + "x", "Sec-Fetch-Site: cross-site", "Origin: https://evil.com"}, never, never, never, badly},
		"an old browser from elsewhere": {"DELETE", []string{cookie + good, "Origin: https://evil.com"}, never, never, never, badly},
		"from a subdomain":              {"POST", []string{cookie + good, "Sec-Fetch-Site: same-site", "Origin: https://b.example.com"}, never, never, never, badly},
		"from a wildcard's origin":      {"POST", []string{cookie + good, "Sec-Fetch-Site: cross-site", "Origin: https://a.example.org"}, never, never, never, badly},
		"from a listed origin":          {"POST", []string{cookie + good, "Sec-Fetch-Site: cross-site", "Origin: https://app.example.com"}, me, me, nobody, badly},
		"from its own origin":           {"POST", []string{cookie + good, "Sec-Fetch-Site: same-origin", "Origin: https://chat.example.com"}, me, me, nobody, badly},
		"reading from elsewhere":        {"GET", []string{cookie + good, "Sec-Fetch-Site: cross-site", "Origin: https://evil.com"}, me, me, nobody, badly},
	} {
		for kind, route := range map[string]struct {
			of   func(Handler) Route
			want string
		}{
			"known": {Known, test.known}, "visitor": {Visitor, test.visitor}, "anybody": {Anybody, test.anybody}, "cron": {Cron, test.cron},
		} {
			admitted := "not at all"
			answer := w.serve(request(test.method, test.headers...), Routes{test.method: route.of(func(_ context.Context, _ *App, me chat.Identity) (web.Answer, error) {
				admitted = me.ID
				return web.NoContent(), nil
			})})
			switch route.want {
			case badly, never:
				if want := map[string]int{badly: 401, never: 403}[route.want]; answer.Code != want || admitted != "not at all" {
					t.Errorf("%s by %s: %d, admitted %s, want %d", kind, name, answer.Code, admitted, want)
				}
			default:
				if answer.Code != 204 || admitted != route.want {
					t.Errorf("%s by %s: %d, admitted %q, want %q", kind, name, answer.Code, admitted, route.want)
				}
			}
		}
	}
}

func TestDevelopersAloneAreAdmittedWhereTheyAloneMayBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		header string
		status int
		logs   string
	}{
		{"a developer", "Authorization: Bearer " + newWorld(t).token(ada, time.Hour), 204, "id=ada"},
		{"a client", "Authorization: Bearer " + newWorld(t).token(grace, time.Hour), 403, "id=42"},
		{"nobody", "", 401, "status=401"},
		{"a bad token", "Authorization: Bearer x", 401, "status=401"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			handled := 0
			answer := w.serve(request("POST", test.header), Routes{"POST": Developers(func(context.Context, *App, chat.Identity) (web.Answer, error) {
				handled++
				return web.NoContent(), nil
			})})
			if answer.Code != test.status || (handled == 1) != (test.status == 204) {
				t.Errorf("%d, handled %d times", answer.Code, handled)
			}
			if log := w.log.String(); !strings.Contains(log, test.logs) {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// It may be good: whoever has it should try again, and not become somebody else.
func TestASessionThatCannotBeCheckedNowIsNotReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_JWKS_URL=http://127.0.0.1:1/keys")
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	unchecked := part(`{"alg":"RS256","kid":"k"}`) + "." + part(`{"sub":"42"}`) + "." + part("x")
	answer := w.serve(request("POST", "Cookie: "+identity.SessionCookie+"="+unchecked), Routes{"POST": Visitor(says(web.NoContent(), nil))})
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}

func TestWithoutASecretOfSixteenBytesTheCronIsNobodysAndTheLogSaysSo(t *testing.T) {
	t.Parallel()
	for secret, logged := range map[string]string{"": "CRON_SECRET is missing", "x": "CRON_SECRET must have at least 16 bytes", "fifteen canarys": "CRON_SECRET must have at least 16 bytes"} {
		w := newWorld(t, "CRON_SECRET="+secret)
		for _, headers := range [][]string{nil, {"Authorization: "}, {"Authorization: Bearer"}, {"Authorization: Bearer "}, {"Authorization: Bearer " + secret}, {"Authorization: Bearer " + cronSecret}} {
			if answer := w.serve(request("GET", headers...), Routes{"GET": Cron(says(web.NoContent(), nil))}); answer.Code != 401 {
				t.Errorf("%q, %q: %d", secret, headers, answer.Code)
			}
		}
		if log := w.log.String(); w.fault != nil || strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, logged) || strings.Contains(log, "canary") {
			t.Errorf("%q: %v; the log says %s", secret, w.fault, log)
		}
	}
}

func TestWhereTheEnvironmentCannotBeUsedOnlyWhatNeedsNothingIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=canary")
	for kind, test := range map[string]struct {
		route  Route
		header string
		want   int
	}{
		"known":            {Known(says(web.NoContent(), nil)), "Authorization: Bearer " + w.token(grace, time.Hour), 503},
		"known, by nobody": {Known(says(web.NoContent(), nil)), "", 401},
		"visitor":          {Visitor(says(web.NoContent(), nil)), "", 503},
		"a known visitor":  {Visitor(says(web.NoContent(), nil)), "Authorization: Bearer " + w.token(grace, time.Hour), 503},
		"cron":             {Cron(says(web.NoContent(), nil)), "Authorization: Bearer " + cronSecret, 503},
		"anybody":          {Anybody(says(web.NoContent(), nil)), "", 204},
	} {
		answer := w.serve(request("GET", test.header), Routes{"GET": test.route})
		if answer.Code != test.want || strings.Contains(answer.Body.String(), "CHAT_") {
			t.Errorf("%s: %d %s", kind, answer.Code, answer.Body)
		}
	}
	if health, err := w.Health(t.Context(), request("GET")); health.Status != chat.Down || chat.KindOf(err) != chat.Unavailable {
		t.Errorf("%+v, %v", health, err)
	}
}
