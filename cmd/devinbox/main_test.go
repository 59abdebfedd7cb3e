package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTheExitStatusTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	const usage = "devinbox --help"
	for _, test := range []struct {
		arguments string
		status    int
		says      string
	}{
		{"--help", 0, "Available Commands"},
		{"help token", 0, "--ttl"},
		{"dev --help", 0, "--services-only"},
		{"", 2, "which command?"},
		{"nonsense", 2, `no command "nonsense"`},
		{"nonsense --role client", 2, usage},
		{"--nonsense", 2, usage},
		{"completion", 2, usage},
		{"token --nonsense", 2, "--nonsense"},
		{"token extra", 2, usage},
		{"token --ttl soon", 2, "--ttl"},
		{"migrate up", 2, usage},
		{"migrate --status=perhaps", 2, "--status"},
		{"disconnect 42", 2, usage},
		{"dev extra", 2, "--services-only"},
		{"dev -- true", 2, "--services-only"},
		{"dev --services-only true", 2, "must come after --"},
		{"add", 2, usage},
		{"add one two", 2, usage},
		{"add --help", 0, ".devinbox.json"},
		{"serve --help", 0, "CHAT_TRUST_PROXY"},
		{"serve extra", 2, usage},
		{"serve --port http", 2, "--port"},
		{"serve --port 65536", 2, "--port"},
		{"dev --port http", 2, "--port"},
		{"dev --port -1", 2, "--port"},
		{"dev --port 65536", 2, "--port"},
		{"dev --allow-host https://chat.example.test", 2, "--allow-host must be a name"},
		{"dev --allow-host=", 2, "--allow-host must be a name"},
	} {
		execute(t, emptyProject(t), nil, strings.Fields(test.arguments)...).is(t, test.status, test.says)
	}
}

func TestOutsideOfAProjectACommandFailsAndSaysWhy(t *testing.T) {
	t.Parallel()
	for _, arguments := range []string{
		"dev", "dev --services-only", "migrate", "migrate --status", "token --role client --sub 42", "disconnect --role client --sub 42",
	} {
		o := execute(t, t.TempDir(), nil, strings.Fields(arguments)...).is(t, 1, "vercel.json")
		if strings.Contains(o.errors, "--help") || o.output != "" {
			t.Errorf("%s: %+v", arguments, o)
		}
	}
}

func TestAnEnvironmentFileThatCannotBeReadIsNamedWithoutWhatItHolds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".env", ".env.local"} {
		folder := emptyProject(t)
		write(t, filepath.Join(folder, name), "CHAT_JWT_SECRET canary\n=canary\n")
		o := execute(t, folder, nil, "token", "--role", "client", "--sub", "42").is(t, 1, name+" cannot be read")
		if strings.Contains(o.errors, "canary") {
			t.Errorf("it repeats the file: %s", o.errors)
		}
	}
}

func TestTheEnvironmentGoesBeforeItsFilesAndTheLocalOneBeforeTheOther(t *testing.T) {
	t.Parallel()
	folder := emptyProject(t)
	// A malformed database URL is refused by every command that needs one, so that it shows which value was taken.
	write(t, filepath.Join(folder, ".env"), "DATABASE_URL=\n")
	execute(t, folder, nil, "migrate").is(t, 1, "DATABASE_URL is not set")
	write(t, filepath.Join(folder, ".env"), "DATABASE_URL=nonsense\n")
	execute(t, folder, nil, "migrate").is(t, 1, "is not a Postgres URL")
	write(t, filepath.Join(folder, ".env.local"), "DATABASE_URL=postgres://canary@127.0.0.1:1/local\n")
	execute(t, folder, nil, "migrate").is(t, 1, "database=local")
	execute(t, folder, []string{"DATABASE_URL=postgres://canary@127.0.0.1:1/environment"}, "migrate").is(t, 1, "database=environment")
}
