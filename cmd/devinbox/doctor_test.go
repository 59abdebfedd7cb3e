package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"devinbox/internal/testing/testdb"
)

func TestDoctorNamesTheFileThatAVariableComesFromAndNoValue(t *testing.T) {
	t.Parallel()
	folder := emptyProject(t)
	write(t, filepath.Join(folder, ".env"), "CHAT_GUESTS=canary\nCHAT_RATE_LIMIT=canary\nCHAT_JWT_SECRET='"+jwtSecret+"'\n")
	write(t, filepath.Join(folder, ".env.local"), "CHAT_GUESTS=canary\nCHAT_GUEST=canary\nDATABASE_URL=canary\nPUSHER_SECRT=\n")
	variables := []string{"CHAT_CHANNELS=canary", "PUSHER_KY=canary"}
	o := execute(t, folder, variables, "doctor").is(t, 1, "there are faults")
	for _, text := range []string{
		"fault    variables     CHAT_GUESTS (in .env.local) must be", "CHAT_RATE_LIMIT (in .env) must be", "CHAT_CHANNELS must be", "DATABASE_URL (in .env.local) is not a Postgres URL",
		"warning  variables     CHAT_GUEST (in .env.local) is not a variable of devinbox; CHAT_GUESTS is", "warning  variables     PUSHER_KY is not a variable",
		"warning  pusher        None of Pusher's variables is set",
	} {
		if !strings.Contains(o.output, text) {
			t.Errorf("it does not say %q: %s", text, o.output)
		}
	}
	if strings.Contains(o.output, "PUSHER_SECRT") {
		t.Errorf("it names a variable without a value: %s", o.output)
	}
	inJSON := execute(t, folder, variables, "doctor", "--json").is(t, 1, "there are faults")
	var found []struct{ Check, Status, Detail, Remedy, Variable string }
	if err := json.Unmarshal([]byte(inJSON.output), &found); err != nil || len(found) < 5 {
		t.Errorf("%v: %s", err, inJSON.output)
	}
	if both := o.output + inJSON.output; strings.Contains(both, "canary") || strings.Contains(both, jwtSecret) {
		t.Errorf("it shows a value: %s", both)
	}
	execute(t, folder, nil, "doctor", "--url", "http://chat.example.com").is(t, 2, "--url must begin with https://")
	execute(t, folder, nil, "doctor", "extra").is(t, 2, "--help")
	execute(t, t.TempDir(), nil, "doctor").is(t, 1, "vercel.json")
}

// What is copied as .env.example's first line says is like nothing at all.
func TestACopyOfTheExampleIsNoConfiguration(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	folder := emptyProject(t)
	for _, name := range []string{".env.example", ".env.local"} {
		write(t, filepath.Join(folder, name), string(example))
	}
	execute(t, folder, nil, "doctor").is(t, 0, "DATABASE_URL (in .env.local) is a placeholder: it is still as in .env.example",
		"Nothing is configured: .env.local is there, but the values are still the examples", "`devinbox dev --services-only -- npx vercel dev --local`", "Write the values of a deployment into .env.local")
	// Where the program's sources are, they are run.
	checkout := emptyProject(t)
	if err := os.MkdirAll(filepath.Join(checkout, "cmd", "devinbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	execute(t, checkout, nil, "doctor").is(t, 0, "there is no .env.local or .env", "`go run ./cmd/devinbox dev`", "Copy .env.example to .env.local", "check them: go run ./cmd/devinbox doctor")
	execute(t, folder, nil, "migrate").is(t, 1, "DATABASE_URL is not set: DATABASE_URL (in .env.local) is still as in .env.example, which counts as not set")
	// What .env says is not hidden by it.
	database := testdb.New(t)
	write(t, filepath.Join(folder, ".env"), "DATABASE_URL='"+database+"'\n")
	execute(t, folder, nil, "migrate", "--status").is(t, 0, "up to date")

	const unchanged = "DATABASE_URL (in .env.local) is still as in .env.example, so it counts as not set.\n"
	r := start(t, command(t, folder, nil, "dev", "--port", "0", "--data", newData(t)))
	d := r.greeted()
	if strings.Contains(r.problems(), unchanged) {
		t.Errorf("what .env says is set: %s", r.problems())
	}
	if status, sent := d.call(t, d.client, "POST", "/api/messages/send", `{"body":"Hello"}`); status != 201 || !strings.Contains(sent, `"delivered"`) {
		t.Errorf("%d %s", status, sent)
	}
	r.interrupt()

	// If nothing else says it, dev names it and goes on with what it brings.
	write(t, filepath.Join(folder, ".env"), "")
	o := execute(t, folder, nil, "dev", "--services-only", "--data", newData(t), "--", "sh", "-c", "env").is(t, 0, "DATABASE_URL=postgres://", "@127.0.0.1:")
	if strings.Count(o.errors, unchanged) != 1 || strings.Count(o.errors, "is still as in") != 1 {
		t.Errorf("it says %s", o.errors)
	}
}

func TestWhatDevBringsIsHealthy(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := execute(t, emptyProject(t), []string{"DATABASE_URL=" + testdb.Empty(t)}, "dev", "--services-only", "--data", newData(t), "--", self, "doctor").is(t, 0,
		"ok       database", "ok       migrations", "ok       pusher", "ok       client-events", "ok       secrets")
	if strings.Contains(o.output, "warning") || strings.Contains(o.output, "fault") {
		t.Errorf("%s", o.output)
	}
}

func TestADatabaseThatDoesNotAnswerIsNamedByItsVariableAndFile(t *testing.T) {
	t.Parallel()
	folder := emptyProject(t)
	// pgx tries it with TLS and without, and says the same of both.
	write(t, filepath.Join(folder, ".env.local"), "POSTGRES_URL=postgres://u:canary@127.0.0.1:1/d\n")
	write(t, filepath.Join(folder, "clients.json"), "{}")
	for _, arguments := range []string{
		"migrate", "migrate --status", "migrate --grant app", "export --client 42", "erase --client 42", "import clients.json", "dev --port 0 --data " + newData(t), "dev --services-only --data " + newData(t),
	} {
		o := execute(t, folder, nil, strings.Fields(arguments)...).is(t, 1)
		const want = "devinbox: the database of POSTGRES_URL (in .env.local) does not answer: nothing listens at that host and port. Start it, or correct the host and the port in the URL.\n"
		if !strings.HasSuffix(o.errors, want) || strings.Count(o.errors, "does not answer") != 1 || strings.Contains(o.errors, "127.0.0.1:1") || strings.Contains(o.errors, "canary") {
			t.Errorf("%s: %s", arguments, o.errors)
		}
	}
	execute(t, folder, []string{"DATABASE_URL=postgres://u@127.0.0.1:1/d"}, "migrate").is(t, 1, "the database of DATABASE_URL does not answer")
	write(t, filepath.Join(folder, ".env.local"), "CHAT_RATE_LIMIT=often\nPORT=http\n")
	execute(t, folder, nil, "dev").is(t, 1, "CHAT_RATE_LIMIT (in .env.local) must", "PORT (in .env.local) must")
	execute(t, folder, nil, "token", "--role", "client", "--sub", "42").is(t, 1, "CHAT_RATE_LIMIT (in .env.local) must")
}
