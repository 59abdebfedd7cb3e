package config_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
)

func load(t *testing.T, environment map[string]string) config.Config {
	t.Helper()
	c, err := config.Load(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheExampleFileListsExactlyWhatIsRead(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, name := range config.Names() {
		asked[name] = true
	}
	text, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^([A-Z][A-Z0-9_]*)=`).FindAllStringSubmatch(string(text), -1) {
		if listed[match[1]] {
			t.Errorf("%s is listed twice", match[1])
		}
		listed[match[1]] = true
	}
	if !reflect.DeepEqual(asked, listed) {
		for name := range asked {
			if !listed[name] {
				t.Errorf("%s is read and not listed", name)
			}
		}
		for name := range listed {
			if !asked[name] {
				t.Errorf("%s is listed and not read", name)
			}
		}
	}
}

func TestAnEmptyEnvironmentHasNoFaultsAndSafeDefaults(t *testing.T) {
	t.Parallel()
	got := load(t, nil)
	if got.DatabaseFaults == nil || got.PusherFaults == nil || got.CronFault == nil {
		t.Errorf("what is missing is not told: %v, %v, %v", got.DatabaseFaults, got.PusherFaults, got.CronFault)
	}
	got.DatabaseFaults, got.MigrationFaults, got.PusherFaults, got.CronFault, got.Identity.Fits = nil, nil, nil, nil, nil
	if want := (config.Config{DatabaseVariable: "DATABASE_URL", MigrationVariable: "DATABASE_URL", RateLimit: chat.RateLimit{Capacity: 30, PerSecond: 3}, UnreadAfter: 10 * time.Minute}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestAnObjectStoreNeedsAllOfItsVariablesOrNone(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"S3_ENDPOINT": " https://s3.example.com ", "S3_REGION": "auto", "S3_BUCKET": "bucket", "S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "canary",
	}
	for _, test := range []struct {
		name      string
		change    map[string]string // an empty value takes one away
		faults    []string
		megabytes int64
	}{
		{"all", nil, nil, 25},
		{"another size", map[string]string{"CHAT_ATTACHMENT_MAX_MB": "5000"}, nil, 5000},
		{"none", map[string]string{"S3_ENDPOINT": "", "S3_REGION": "", "S3_BUCKET": "", "S3_ACCESS_KEY_ID": "", "S3_SECRET_ACCESS_KEY": ""}, nil, 0},
		{"no bucket and no region", map[string]string{"S3_BUCKET": "", "S3_REGION": " "}, []string{"S3_REGION is missing", "S3_BUCKET is missing"}, 0},
		{"a placeholder", map[string]string{"S3_ENDPOINT": "http://canary.example.com"}, []string{"S3_ENDPOINT must begin with https://"}, 0},
		{"no size", map[string]string{"CHAT_ATTACHMENT_MAX_MB": "0"}, []string{"CHAT_ATTACHMENT_MAX_MB must be a whole number"}, 0},
		{"a size with a unit", map[string]string{"CHAT_ATTACHMENT_MAX_MB": "25MB"}, []string{"CHAT_ATTACHMENT_MAX_MB must be a whole number"}, 0},
		{"a size that no store takes", map[string]string{"CHAT_ATTACHMENT_MAX_MB": "5001"}, []string{"CHAT_ATTACHMENT_MAX_MB must be a whole number"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			variables := maps.Clone(all)
			maps.Copy(variables, test.change)
			c := load(t, variables)
			said := fmt.Sprint(c.FilesFaults)
			for _, fault := range test.faults {
				if !strings.Contains(said, fault) {
					t.Errorf("%s is not in %s", fault, said)
				}
			}
			if (c.FilesFaults == nil) != (test.faults == nil) || strings.Contains(said, "canary") || c.Files.MaxBytes != test.megabytes<<20 || c.Files.IsSet() != (test.megabytes > 0) {
				t.Errorf("%s: %+v", said, c.Files)
			}
		})
	}
}

func TestTheFirstNameThatIsSetCounts(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{
		"DATABASE_URL": " postgres://pooled\n", "POSTGRES_URL": "postgres://other", "POSTGRES_URL_NON_POOLING": "postgres://straight",
		"NEXT_PUBLIC_PUSHER_KEY": " ", "PUSHER_KEY": "key", "PUSHER_CLUSTER": "eu",
	})
	if c.Database.URL != "postgres://pooled" || c.MigrationURL != "postgres://straight" || c.DatabaseVariable != "DATABASE_URL" || c.MigrationVariable != "POSTGRES_URL_NON_POOLING" || c.Pusher.Key != "key" || c.Pusher.Cluster != "eu" {
		t.Errorf("%+v", c)
	}
	if c := load(t, map[string]string{"POSTGRES_URL": "postgres://other"}); c.Database.URL != "postgres://other" || c.MigrationURL != "postgres://other" || c.DatabaseVariable != "POSTGRES_URL" || c.MigrationVariable != "POSTGRES_URL" {
		t.Errorf("%+v", c)
	}
}

// The unpooled URL alone would be migrated, and something else served.
func TestAnUnpooledURLNeedsTheOtherOne(t *testing.T) {
	t.Parallel()
	const url = "postgres://h/d"
	for _, test := range []struct {
		name                string
		variables           map[string]string
		database, migration string // what is said of each
	}{
		{name: "both", variables: map[string]string{"DATABASE_URL": url, "DATABASE_URL_UNPOOLED": url}},
		{name: "the pooled one alone", variables: map[string]string{"POSTGRES_URL": url}},
		{
			name: "the unpooled one alone", variables: map[string]string{"DATABASE_URL_UNPOOLED": url},
			database: "DATABASE_URL is missing, though DATABASE_URL_UNPOOLED, which is for migrations only, is set",
		},
		{
			name: "the unpooled one alone, by its other name", variables: map[string]string{"POSTGRES_URL_NON_POOLING": url},
			database: "DATABASE_URL is missing, though POSTGRES_URL_NON_POOLING, which is for migrations only, is set",
		},
		{
			name: "an unpooled one that cannot be used", variables: map[string]string{"POSTGRES_URL": url, "POSTGRES_URL_NON_POOLING": `"canary"`},
			migration: "POSTGRES_URL_NON_POOLING has quotation marks",
		},
		{
			name: "a pooled one that cannot be used", variables: map[string]string{"POSTGRES_URL": "psql canary"},
			database: "POSTGRES_URL is a whole psql command", migration: "POSTGRES_URL is a whole psql command",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := load(t, test.variables)
			for _, fault := range []struct {
				said error
				want string
			}{{c.DatabaseFaults, test.database}, {c.MigrationFaults, test.migration}} {
				if (fault.said != nil) != (fault.want != "") || fault.said != nil && (!strings.HasPrefix(fault.said.Error(), fault.want) || strings.Contains(fault.said.Error(), "canary")) {
					t.Errorf("%v, want %q", fault.said, fault.want)
				}
			}
		})
	}
}

func TestTheNewestSecretOfAuthJSComesFirst(t *testing.T) {
	t.Parallel()
	a, c, d := "the newest of Auth.js", "an older of Auth.js", "the oldest of Auth.js"
	got := load(t, map[string]string{"AUTH_SECRET": d, "AUTH_SECRET_1": c, "AUTH_SECRET_3": a, "CHAT_AUTHJS": "TRUE"})
	if !got.Identity.AuthJS || !slices.Equal(got.Identity.AuthSecrets, []string{a, c, d}) {
		t.Errorf("%+v", got.Identity)
	}
}

func TestASecretThatCanBeGuessedIsNotTaken(t *testing.T) {
	t.Parallel()
	const bytes15, bytes16, bytes31, bytes32 = "canary-canary-c", "canary-canary-ca", "canary-canary-canary-canary-can", "canary-canary-canary-canary-cana"
	authJS := func(variable, value string) map[string]string {
		return map[string]string{"CHAT_AUTHJS": "true", variable: value}
	}
	for _, test := range []struct {
		name        string
		environment map[string]string
		fault, cron string // what is said
	}{
		{"the cron's is missing", nil, "", "CRON_SECRET is missing"},
		{"the cron's is short", map[string]string{"CRON_SECRET": "x"}, "", "CRON_SECRET must have at least 16 bytes"},
		{"the cron's is a little short", map[string]string{"CRON_SECRET": " " + bytes15 + "\n"}, "", "CRON_SECRET must have at least 16 bytes"},
		{"the cron's is long enough", map[string]string{"CRON_SECRET": bytes16}, "", ""},
		{"the tokens' is short", map[string]string{"CHAT_JWT_SECRET": bytes31}, "CHAT_JWT_SECRET must have at least 32 bytes", "missing"},
		{"the tokens' former one is short", map[string]string{"CHAT_JWT_SECRET": bytes32, "CHAT_JWT_SECRET_PREVIOUS": bytes31}, "CHAT_JWT_SECRET_PREVIOUS must have at least 32 bytes", "missing"},
		{"both are long enough", map[string]string{"CHAT_JWT_SECRET": bytes32, "CHAT_JWT_SECRET_PREVIOUS": bytes32}, "", "missing"},
		{"Auth.js's is short", authJS("AUTH_SECRET", "abc"), "AUTH_SECRET must have at least 16 bytes", "missing"},
		{"Auth.js's second is a little short", authJS("AUTH_SECRET_2", bytes15), "AUTH_SECRET_2 must have at least 16 bytes", "missing"},
		{"Auth.js's is long enough", authJS("AUTH_SECRET_1", bytes16), "", "missing"},
		{"Auth.js's is for the web app alone", map[string]string{"AUTH_SECRET": "abc"}, "", "missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(func(name string) string { return test.environment[name] })
			for _, said := range []struct {
				is   error
				want string
			}{{err, test.fault}, {c.CronFault, test.cron}} {
				if (said.is != nil) != (said.want != "") || said.is != nil && (!strings.Contains(said.is.Error(), said.want) || strings.Contains(said.is.Error(), "canary")) {
					t.Errorf("%v, want %q", said.is, said.want)
				}
			}
			if (c.CronSecret != "") != (c.CronFault == nil) {
				t.Errorf("the cron's secret is %q beside %v", c.CronSecret, c.CronFault)
			}
		})
	}
}

func TestTheFaultOfEachSecretOfAuthJSIsItsOwnVariables(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"CHAT_AUTHJS": "true", "AUTH_SECRET": "canary", "AUTH_SECRET_1": "a secret that is long enough", "AUTH_SECRET_3": "canary"}
	_, err := config.Load(func(name string) string { return environment[name] })
	if want := "AUTH_SECRET_3 must have at least 16 bytes\nAUTH_SECRET must have at least 16 bytes"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWhatIsWrongWithWebhooksStopsThemAndNothingElse(t *testing.T) {
	t.Parallel()
	const url, secret = "https://example.com/hooks", "whsec_" + "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmE="
	for _, test := range []struct {
		name, url, secret, after string
		fault                    string
		unreadAfter              time.Duration
	}{
		{name: "none", unreadAfter: 10 * time.Minute},
		{name: "a secret alone", secret: "canary", unreadAfter: 10 * time.Minute},
		{name: "both", url: url, secret: secret, unreadAfter: 10 * time.Minute},
		{name: "two secrets", url: url, secret: secret + "  " + secret, unreadAfter: 10 * time.Minute},
		{name: "another time", url: url, secret: secret, after: "90s", unreadAfter: 90 * time.Second},
		{name: "never", url: url, secret: secret, after: "0"},
		{name: "a negative time", url: url, secret: secret, after: "-1s", unreadAfter: -time.Second, fault: "CHAT_UNREAD_AFTER must be a duration"},
		{name: "a time without a unit", url: url, secret: secret, after: "600", fault: "CHAT_UNREAD_AFTER must be a duration"},
		{name: "no secret", url: url, unreadAfter: 10 * time.Minute, fault: "CHAT_WEBHOOK_SECRET is missing"},
		{name: "no URL of a kind that is sent to", url: "http://canary.example", secret: secret, unreadAfter: 10 * time.Minute, fault: "CHAT_WEBHOOK_URL must begin with https://"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := load(t, map[string]string{"CHAT_WEBHOOK_URL": test.url, "CHAT_WEBHOOK_SECRET": test.secret, "CHAT_UNREAD_AFTER": test.after})
			if c.UnreadAfter != test.unreadAfter {
				t.Errorf("unread after %v, want %v", c.UnreadAfter, test.unreadAfter)
			}
			if (c.WebhookFaults != nil) != (test.fault != "") || test.fault != "" && !strings.HasPrefix(c.WebhookFaults.Error(), test.fault) {
				t.Errorf("%v, want %q", c.WebhookFaults, test.fault)
			}
			if test.fault != "" && c.Webhook.URL != "" || test.fault == "" && c.Webhook.URL != test.url {
				t.Errorf("they go to %q", c.Webhook.URL)
			}
		})
	}
}

func TestTLSIsOffOnlyWhereThatIsSaid(t *testing.T) {
	t.Parallel()
	for value, off := range map[string]bool{"": false, "true": false, "false": true, "FALSE": true} {
		if c := load(t, map[string]string{"PUSHER_USE_TLS": value}); c.Pusher.NoTLS != off {
			t.Errorf("%q: %v", value, c.Pusher.NoTLS)
		}
	}
}

func TestListsBearBlanksAndEmptyEntries(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{"CHAT_DEVELOPERS": " ada , ,bob@example.com,", "CHAT_ALLOWED_ORIGINS": "https://a.example.com"})
	if !slices.Equal(c.Identity.Developers, []string{"ada", "bob@example.com"}) || len(c.AllowedOrigins) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestARateLimitIsACountAndADuration(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]chat.RateLimit{
		"":        {Capacity: 30, PerSecond: 3},
		"0":       {},
		"5/1m":    {Capacity: 5, PerSecond: 5.0 / 60},
		"100/1s":  {Capacity: 100, PerSecond: 100},
		"1/500ms": {Capacity: 1, PerSecond: 2},
	} {
		if got := load(t, map[string]string{"CHAT_RATE_LIMIT": value}).RateLimit; got != want {
			t.Errorf("%q: %+v, want %+v", value, got, want)
		}
	}
	for _, value := range []string{"30", "30/", "/10s", "0/10s", "-1/10s", "30/0s", "30/-1s", "30/10", "x/10s", "30/10s/2", "1e9/1s", "99999999999/1s"} {
		if _, err := config.Load(func(name string) string { return map[string]string{"CHAT_RATE_LIMIT": value}[name] }); err == nil {
			t.Errorf("%q was taken", value)
		}
	}
}

func TestEveryFaultIsToldAtOnceByItsVariableAndWithoutItsValue(t *testing.T) {
	t.Parallel()
	faulty := map[string]string{
		"DATABASE_URL":  "canary",
		"PUSHER_APP_ID": "canary/", "NEXT_PUBLIC_PUSHER_KEY": "canary/", "PUSHER_SECRET": "canary/", "NEXT_PUBLIC_PUSHER_CLUSTER": "canary/",
		"PUSHER_HOST": "canary/", "PUSHER_PORT": "canary", "PUSHER_USE_TLS": "canary",
		"CHAT_JWT_SECRET": "canary", "CHAT_JWT_SECRET_PREVIOUS": "canary", "CRON_SECRET": "canary", "CHAT_JWKS_URL": "canary", "CHAT_ID_CLAIM": "exp.canary", "CHAT_ROLE_CLAIM": "exp.canary", "CHAT_AUTHJS": "1",
		"CHAT_CHANNELS": "canary", "CHAT_ALLOWED_ORIGINS": "canary", "CHAT_RATE_LIMIT": "canary", "CHAT_GUESTS": "canary",
		"CHAT_WEBHOOK_URL": "http://canary.example", "CHAT_WEBHOOK_SECRET": "whsec_canary", "CHAT_UNREAD_AFTER": "canary",
	}
	c, err := config.Load(func(name string) string { return faulty[name] })
	named := map[string]int{}
	for _, joined := range []error{err, c.DatabaseFaults, c.PusherFaults, errors.Join(c.CronFault), c.WebhookFaults} {
		all, ok := joined.(interface{ Unwrap() []error })
		if !ok {
			t.Fatalf("%v is not joined of faults", joined)
		}
		for _, one := range all.Unwrap() {
			fault, ok := one.(config.Fault)
			if !ok || fault.Message == "" || strings.Contains(fault.Error(), "canary") {
				t.Errorf("%#v", one)
			}
			named[fault.Variable]++
		}
	}
	for name := range faulty {
		if named[name] == 0 {
			t.Errorf("%s is not named", name)
		}
		delete(named, name)
	}
	if len(named) > 0 {
		t.Errorf("these are named, and nothing is wrong with them: %v", named)
	}
}

// In an environment file quotation marks are no part of a value. In a dashboard they are, and that is easily overlooked.
func TestQuotationMarksAreNamedIfAValueCannotBeUsed(t *testing.T) {
	t.Parallel()
	const remedy = "; it has quotation marks around it: write it without them"
	inside := map[string]string{
		"PUSHER_APP_ID": "1", "NEXT_PUBLIC_PUSHER_KEY": "k", "PUSHER_SECRET": " s", "PUSHER_CLUSTER": "eu", "PUSHER_PORT": "443",
		"CHAT_JWT_SECRET": "canary", "CRON_SECRET": "canary", "CHAT_JWKS_URL": "https://id.example.com/canary", "CHAT_GUESTS": "true",
		"CHAT_CHANNELS": "private", "CHAT_ALLOWED_ORIGINS": "https://canary.example.com", "CHAT_RATE_LIMIT": "30/10s",
		"CHAT_WEBHOOK_URL": "https://canary.example.com/", "CHAT_WEBHOOK_SECRET": "whsec_canary", "CHAT_UNREAD_AFTER": "10m",
		"S3_ENDPOINT": "https://canary.example.com", "S3_REGION": "auto", "S3_BUCKET": "canary", "S3_ACCESS_KEY_ID": "a", "S3_SECRET_ACCESS_KEY": "s", "CHAT_ATTACHMENT_MAX_MB": "25",
	}
	for _, test := range []struct {
		name, before, after string
		named               bool
	}{
		{"double", `"`, `"`, true},
		{"single", "'", "'", true},
		{"of a word processor", "“", "”", true},
		{"with spaces around them", ` "`, "\" \n", true},
		{"only one", "", `"`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(func(name string) string {
				if value := inside[name]; value != "" {
					return test.before + value + test.after
				}
				return ""
			})
			said := errors.Join(err, c.PusherFaults, c.CronFault, c.WebhookFaults, c.FilesFaults).Error()
			named := map[string]bool{}
			for line := range strings.Lines(said) {
				line = strings.TrimSpace(line)
				if strings.HasSuffix(line, remedy) {
					variable, _, _ := strings.Cut(line, " ")
					named[variable] = true
				} else if test.named {
					t.Errorf("it does not name them: %s", line)
				}
			}
			if !test.named && len(named) > 0 || strings.Contains(said, "canary") {
				t.Errorf("%v: %s", named, said)
			}
			for name := range inside {
				if accepted := strings.HasPrefix(name, "S3_") && strings.HasSuffix(name, "KEY") || name == "S3_ACCESS_KEY_ID"; test.named && !accepted && !named[name] {
					t.Errorf("%s is not named: %s", name, said)
				}
			}
		})
	}
	for value, want := range map[string]bool{`"`: false, `""`: true, `'a"`: false, `a"b"`: false, "`a`": true, "": false} {
		if got := config.Quoted(value); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}

func TestOnlyWhatItConcernsIsWithoutWhatIsFaulty(t *testing.T) {
	t.Parallel()
	fine := map[string]string{
		"DATABASE_URL": "postgres://h/d", "PUSHER_APP_ID": "1", "PUSHER_SECRET": "s", "PUSHER_KEY": "k", "PUSHER_CLUSTER": "eu",
	}
	for _, test := range []struct {
		variable, value         string
		database, pusher, other string // what is said of each
	}{
		{variable: "CHAT_GUESTS", value: "true"},
		{variable: "DATABASE_URL", value: "", database: "DATABASE_URL is missing"},
		{variable: "DATABASE_URL", value: "x", database: "DATABASE_URL is not a Postgres URL"},
		{variable: "PUSHER_KEY", value: "", pusher: "NEXT_PUBLIC_PUSHER_KEY is missing"},
		{variable: "PUSHER_USE_TLS", value: "false", pusher: "PUSHER_USE_TLS would send"},
		{variable: "CHAT_CHANNELS", value: "x", other: "CHAT_CHANNELS must be private"},
		{variable: "CHAT_ALLOWED_ORIGINS", value: "x", other: "CHAT_ALLOWED_ORIGINS must list"},
		{variable: "CHAT_ROLE_CLAIM", value: "sub", other: "CHAT_ROLE_CLAIM must not be"},
	} {
		t.Run(test.variable+"="+test.value, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(func(name string) string {
				if name == test.variable {
					return test.value
				}
				return fine[name]
			})
			for _, fault := range []struct {
				said error
				want string
			}{{c.DatabaseFaults, test.database}, {c.PusherFaults, test.pusher}, {err, test.other}} {
				if (fault.said != nil) != (fault.want != "") || fault.said != nil && !strings.HasPrefix(fault.said.Error(), fault.want) {
					t.Errorf("%v, want %q", fault.said, fault.want)
				}
			}
		})
	}
}

// A token for an id that can have no channel is refused by whoever reads it, and so by whoever signs it.
func TestWhetherAnIdFitsDependsOnTheChannels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("=", 50)
	for channels, want := range map[string]bool{"private": false, "public": true} {
		if got := load(t, map[string]string{"CHAT_CHANNELS": channels}).Identity.Fits(long); got != want {
			t.Errorf("%s: %v, want %v", channels, got, want)
		}
	}
}
