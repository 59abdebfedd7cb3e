package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTheExitStatusTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	const usage = "--help to see how to use it"
	for _, test := range []struct {
		arguments string
		status    int
		says      string
	}{
		{"--help", 0, "Available Commands"},
		{"help token", 0, "--ttl"},
		{"help", 0, "Available Commands"},
		{"help nonsense", 2, `no command "nonsense"`},
		{"help token extra", 2, `no command "token extra"`},
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

// What the flag wants is said, and neither the value nor Go's own words for it.
func TestAFlagThatIsGivenWronglySaysWhatItWants(t *testing.T) {
	t.Parallel()
	folder := emptyProject(t)
	for _, test := range []struct{ arguments, says string }{
		{"dev --port canary", "--port must be a number from 0 to 65535"},
		{"dev --port 70000", "--port must be a number from 0 to 65535"},
		{"dev --port -1", "--port must be a number from 0 to 65535"},
		{"dev --port +80", "--port must be a number from 0 to 65535"},
		{"dev --port 3000.5", "--port must be a number from 0 to 65535"},
		{"dev --port", "--port needs a value: a number from 0 to 65535"},
		{"serve --port canary", "--port must be a number from 0 to 65535"},
		{"serve --port=", "--port must be a number from 0 to 65535"},
		{"dev --no-web=canary", "--no-web must be true or false"},
		{"dev --data vercel.json", "--data must be a folder"},
		{"token --role client --sub 42 --data vercel.json", "--data must be a folder"},
		{"token --role client --sub 42 --ttl canary", "--ttl must be a duration such as 90s, 10m or 1h"},
		{"token --role client --sub 42 --ttl 1d", "--ttl must be a duration such as 90s, 10m or 1h"},
		{"token --role client --sub 42 --ttl -1h", "--ttl must be positive"},
		{"token --role", "--role needs a value: client or developer"},
		{"token --role canary --sub 42", "--role must be client or developer"},
		{"token --role client", "--sub must be given: the id"},
		{"token", "--role must be given: client or developer"},
		{"disconnect --role canary --sub 42", "--role must be client or developer"},
		{"migrate --status=canary", "--status must be true or false"},
		{"migrate --grant app --status", "--grant and --status cannot be given together"},
		{"migrate --grant=", "--grant must name a role"},
		{"doctor --json=canary", "--json must be true or false"},
		{"doctor --url canary", "--url must be an origin such as https://chat.example.com"},
		{"doctor --url", "--url needs a value: the URL of a deployment"},
		{"erase --client 42 --vacuum=canary", "--vacuum must be true or false"},
		{"export", "--client must be given: the client's id"},
		{"erase --client=", "--client must be given: the client's id"},
		{"import", "which file? For example: devinbox import conversations.json"},
		{"import one two", "only one file"},
		{"add", "which folder? For example: devinbox add ../my-app"},
		{"add one two", "only one folder"},
		{"bench --pairs canary", "--pairs must be a whole number"},
		{"bench --callers 1,canary", "--callers must be whole numbers, with commas between them"},
		{"bench --floor --against main", "--against and --floor cannot be given together"},
		{"soak --minutes canary", "--minutes must be a number"},
		{"soak --minutes NaN", "--minutes must be more than 0"},
		{"soak --seed -1", "--seed must be a whole number that is not negative"},
		{"soak --fault canary", "--fault must be a duration such as 90s"},
		{"token --canary-flag", "devinbox token has no flag --canary-flag"},
		{"token -z", "devinbox token has no flag -z"},
		{"token --=x", "a flag is written --name or --name=value"},
		{"token extra", `devinbox token takes only flags, and "extra" is none`},
	} {
		t.Run(test.arguments, func(t *testing.T) {
			t.Parallel()
			arguments := strings.Fields(test.arguments)
			o := execute(t, folder, nil, arguments...).is(t, 2, test.says, "Run devinbox "+arguments[0]+" --help to see how to use it.")
			for _, raw := range []string{"strconv", "parsing", "invalid", "arg(s)", "COMMAND", "[", "unknown", " canary", `"canary`} {
				if strings.Contains(o.errors, raw) {
					t.Errorf("it says %q: %s", raw, o.errors)
				}
			}
			if strings.Count(o.errors, "\n") != 2 {
				t.Errorf("it says more than what is wrong and where help is: %s", o.errors)
			}
		})
	}
}

func TestAPortThatCannotBeListenedOnIsNamedWithWhatHelps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  syscall.Errno
		says string
	}{
		{syscall.EACCES, "port 80 is not allowed for your account: ports below 1024 are usually only for root."},
		{syscall.EADDRINUSE, "port 80 is taken: choose another one with --port"},
		{syscall.EADDRNOTAVAIL, "port 80 cannot be used (cannot assign requested address): choose another one with --port"},
	} {
		err := portFault(80, &net.OpError{Op: "listen", Net: "tcp4", Err: os.NewSyscallError("bind", test.err)})
		if !strings.HasPrefix(err.Error(), test.says) || strings.Contains(err.Error(), "bind") {
			t.Errorf("%v, want %q", err, test.says)
		}
	}
}

func TestTheCommandsOfUsersAreListedApartFromThoseForWorkOnDevinbox(t *testing.T) {
	t.Parallel()
	list := execute(t, t.TempDir(), nil, "help").is(t, 0).output
	users, rest, found := strings.Cut(list, "For work on devinbox itself:\n")
	contributors, _, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("it says %s", list)
	}
	for _, command := range newRoot().Commands() {
		forUsers := command.Name() != "bench" && command.Name() != "soak"
		line := "\n  " + command.Name() + " "
		if strings.Contains(users, line) != forUsers || strings.Contains("\n"+contributors, line) == forUsers {
			t.Errorf("%s is not where it belongs: %s", command.Name(), list)
		}
	}
}

// Each text that says how to call something names things that there are: no COMMAND stands for one.
func TestEachCommandSaysHowToUseItself(t *testing.T) {
	t.Parallel()
	for _, command := range newRoot().Commands() {
		o := execute(t, t.TempDir(), nil, command.Name(), "--help").is(t, 0, "Usage:\n  devinbox "+command.Name())
		if command.Name() != "dev" && strings.Contains(o.output, "COMMAND") { // dev takes one
			t.Errorf("%s: %s", command.Name(), o.output)
		}
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
		o := execute(t, folder, nil, "token", "--role", "client", "--sub", "42").is(t, 1, name+" cannot be read: line ")
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
	write(t, filepath.Join(folder, ".env.local"), "DATABASE_URL=postgres://canary@127.0.0.1:1/d\n")
	execute(t, folder, nil, "migrate").is(t, 1, "of DATABASE_URL (in .env.local) does not answer: nothing listens")
	execute(t, folder, []string{"DATABASE_URL=postgres://canary@nowhere.invalid/d"}, "migrate").is(t, 1, "of DATABASE_URL has a host whose name leads nowhere")
}

// The line is told, and nothing that is in it.
func TestAFileOfVariablesThatCannotBeReadIsToldByItsLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		line string
	}{
		{"canary!\n", "line 1 "},
		{"A=1\n\n# a note\ncanary\nB=2\n", "line 4 "},
		{"A='one\ntwo'\nB=2\ncanary canary\n", "line 4 "},
		{"A=1\nB=\"canary\n", "line 2 "},
	} {
		folder := emptyProject(t)
		write(t, filepath.Join(folder, ".env.local"), test.text)
		o := execute(t, folder, nil, "migrate", "--status").is(t, 1, ".env.local cannot be read: "+test.line)
		if strings.Contains(o.errors, "canary") {
			t.Errorf("%q: %s", test.text, o.errors)
		}
	}
}
