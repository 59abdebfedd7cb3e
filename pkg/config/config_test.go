package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

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
	if _, err := config.Load(func(name string) string { asked[name] = true; return "" }); err != nil {
		t.Fatal(err)
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
	want := config.Config{RateLimit: chat.RateLimit{Capacity: 30, PerSecond: 3}}
	if got := load(t, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestTheFirstNameThatIsSetCounts(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{
		"DATABASE_URL": " postgres://pooled\n", "POSTGRES_URL": "postgres://other", "POSTGRES_URL_NON_POOLING": "postgres://straight",
		"NEXT_PUBLIC_PUSHER_KEY": " ", "PUSHER_KEY": "key", "PUSHER_CLUSTER": "eu",
	})
	if c.DatabaseURL != "postgres://pooled" || c.MigrationURL != "postgres://straight" || c.Pusher.Key != "key" || c.Pusher.Cluster != "eu" {
		t.Errorf("%+v", c)
	}
	if c := load(t, map[string]string{"POSTGRES_URL": "postgres://other"}); c.DatabaseURL != "postgres://other" || c.MigrationURL != "postgres://other" {
		t.Errorf("%+v", c)
	}
}

func TestTheNewestSecretOfAuthJSComesFirst(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{"AUTH_SECRET": "d", "AUTH_SECRET_1": "c", "AUTH_SECRET_3": "a", "CHAT_AUTHJS": "TRUE"})
	if !c.Identity.AuthJS || !slices.Equal(c.Identity.AuthSecrets, []string{"a", "c", "d"}) {
		t.Errorf("%+v", c.Identity)
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

func TestEveryFaultIsToldAtOnceAndWithoutItsValue(t *testing.T) {
	t.Parallel()
	faulty := map[string]string{"CHAT_RATE_LIMIT": "canary", "CHAT_GUESTS": "canary", "CHAT_AUTHJS": "1", "PUSHER_USE_TLS": "no"}
	_, err := config.Load(func(name string) string { return faulty[name] })
	if err == nil {
		t.Fatal("they were taken")
	}
	for name := range faulty {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("a value is repeated: %q", err)
	}
}
