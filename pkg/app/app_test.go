package app

import (
	"log/slog"
	"strings"
	"testing"

	"devinbox/pkg/config"
	"devinbox/pkg/identity"
	"devinbox/pkg/postgres"
)

func TestEveryFaultOfTheEnvironmentIsNamedByItsVariable(t *testing.T) {
	t.Parallel()
	for setting, named := range map[string]string{
		"DATABASE_URL=": "DATABASE_URL is missing",
		"DATABASE_URL=postgres://u:canary@h:port/d":   "DATABASE_URL has a port that is not a number",
		"CHAT_CHANNELS=canary":                        "CHAT_CHANNELS must be private, presence or public",
		"CHAT_ALLOWED_ORIGINS=https://canary.com/":    "CHAT_ALLOWED_ORIGINS must list origins",
		"CHAT_RATE_LIMIT=canary":                      "CHAT_RATE_LIMIT must be",
		"CHAT_GUESTS=canary":                          "CHAT_GUESTS must be true or false",
		"CHAT_JWT_SECRET=canary":                      "CHAT_JWT_SECRET must have at least 32 bytes",
		"CHAT_JWT_SECRET_PREVIOUS=canary":             "CHAT_JWT_SECRET_PREVIOUS must have at least 32 bytes",
		"CHAT_ALLOWED_ORIGINS=https://canary.com:443": "CHAT_ALLOWED_ORIGINS must list origins",
		"CHAT_JWKS_URL=http://canary.com/keys":        "CHAT_JWKS_URL must be an https URL",
		"CHAT_ID_CLAIM=canary..id":                    "CHAT_ID_CLAIM must be",
		"CHAT_ROLE_CLAIM=exp":                         "CHAT_ROLE_CLAIM must not be",
		"CHAT_ROLE_CLAIM=sub":                         "CHAT_ROLE_CLAIM must not be the claim that holds the id",
	} {
		w := newWorld(t, setting)
		log := w.log.String()
		if w.fault == nil || !strings.Contains(w.fault.Error(), named) || !strings.Contains(log, named) || strings.Contains(log, "canary") {
			t.Errorf("%s: %v; the log says %s", setting, w.fault, log)
		}
		if n := strings.Count(log, "level=ERROR"); n != 1 {
			t.Errorf("%s: %d errors in the log: %s", setting, n, log)
		}
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "DATABASE_URL=", "CHAT_CHANNELS=x", "CHAT_ALLOWED_ORIGINS=x", "CHAT_JWT_SECRET=x", "CHAT_JWKS_URL=x", "CHAT_ID_CLAIM=iss", "CHAT_ROLE_CLAIM=.", "CHAT_RATE_LIMIT=x")
	for _, name := range []string{"DATABASE_URL", "CHAT_CHANNELS", "CHAT_ALLOWED_ORIGINS", "CHAT_JWT_SECRET", "CHAT_JWKS_URL", "CHAT_ID_CLAIM", "CHAT_ROLE_CLAIM", "CHAT_RATE_LIMIT"} {
		if n := strings.Count(w.fault.Error(), name+" "); n != 1 {
			t.Errorf("%s is named %d times: %v", name, n, w.fault)
		}
	}
}

func TestWhatPusherLacksIsNamedAndTheRestIsServed(t *testing.T) {
	t.Parallel()
	for setting, named := range map[string]string{
		"PUSHER_APP_ID=":                     "PUSHER_APP_ID is missing",
		"PUSHER_APP_ID=canary/1":             "PUSHER_APP_ID must contain",
		"PUSHER_SECRET=":                     "PUSHER_SECRET is missing",
		"PUSHER_SECRET=canary secret":        "PUSHER_SECRET must contain",
		"NEXT_PUBLIC_PUSHER_KEY=":            "NEXT_PUBLIC_PUSHER_KEY is missing",
		"NEXT_PUBLIC_PUSHER_CLUSTER=":        "NEXT_PUBLIC_PUSHER_CLUSTER is missing",
		"NEXT_PUBLIC_PUSHER_CLUSTER=canary.": "NEXT_PUBLIC_PUSHER_CLUSTER must be a cluster",
		"PUSHER_HOST=https://canary.com":     "PUSHER_HOST must be",
		"PUSHER_PORT=canary":                 "PUSHER_PORT must be",
		"PUSHER_USE_TLS=canary":              "PUSHER_USE_TLS must be true or false",
		"PUSHER_USE_TLS=false":               "PUSHER_USE_TLS would send",
	} {
		w := newWorld(t, setting)
		log := w.log.String()
		if w.fault != nil || w.Realtime.Enabled() || !strings.Contains(log, named) || strings.Contains(log, "canary") || strings.Count(log, "level=WARN") != 1 {
			t.Errorf("%s: %v; the log says %s", setting, w.fault, log)
		}
	}
	if w := newWorld(t); !w.Realtime.Enabled() || w.log.Len() > 0 {
		t.Errorf("with nothing amiss the log says %s", w.log)
	}
}

func TestWhoeverCanReadEverythingIsWarnedOf(t *testing.T) {
	t.Parallel()
	if w := newWorld(t, "CHAT_CHANNELS=public"); w.fault != nil || strings.Count(w.log.String(), "can read every conversation") != 1 {
		t.Errorf("the log says %s", w.log)
	}
}

func TestWithoutAKeyTheLogSaysThatNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_JWT_SECRET=")
	if log := w.log.String(); w.fault != nil || !strings.Contains(log, "CHAT_JWT_SECRET or CHAT_JWKS_URL") {
		t.Errorf("%v; the log says %s", w.fault, log)
	}
}

// A Config that was made by hand has no variables to name, and is not served half.
func TestOptionsThatCannotBeUsedServeNobodyWhoeverMadeThem(t *testing.T) {
	t.Parallel()
	usable := config.Config{Database: postgres.Options{URL: "postgres://nobody@127.0.0.1:1/none"}, Identity: identity.Options{Secret: []byte(jwtSecret)}}
	for _, test := range []struct {
		name   string
		change func(*config.Config)
		says   string // nothing where all is well
	}{
		{"nothing is wrong", func(*config.Config) {}, ""},
		{"no database", func(c *config.Config) { c.Database.URL = "" }, "URL is missing"},
		{"a claim that means something else", func(c *config.Config) { c.Identity.IDClaim = "exp" }, "IDClaim must not be"},
		{"an origin with a path", func(c *config.Config) { c.AllowedOrigins = []string{"https://example.com/"} }, "must list origins"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := usable
			test.change(&c)
			a := New(c, nil, slog.New(slog.DiscardHandler))
			defer a.Close()
			if err := a.usable(); (err != nil) != (test.says != "") || a.fault != nil && !strings.Contains(a.fault.Error(), test.says) {
				t.Errorf("%v: %v", err, a.fault)
			}
		})
	}
}
