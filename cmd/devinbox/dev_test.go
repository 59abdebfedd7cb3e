package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"devinbox/internal/dev/folder"
	"devinbox/internal/dev/pgserver"
	"devinbox/internal/dev/webapp"
	"devinbox/internal/testing/testdb"
)

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"postgres://u:p@localhost/d": true, "postgres://u:p@127.0.0.1:5432/d": true, "postgres://u:p@127.9.9.9/d": true, "postgres://u:p@[::1]/d": true,
		"postgres://u@/d?host=/var/run/postgresql": true, "host=127.0.0.1 user=u dbname=d": true, "postgres://u:p@localhost:1,127.0.0.1:2/d": true,
		"postgres://u:p@db.example.com/d": false, "postgres://u:p@10.0.0.1/d": false, "postgres://u:p@0.0.0.0/d": false, "postgres://u:p@[2001:db8::1]/d": false,
		"postgres://u:p@localhost.example.com/d": false, "postgres://u:p@127.0.0.1.example.com/d": false, "postgres://localhost@example.com/localhost": false,
		"postgres://u:p@localhost:1,db.example.com:2/d": false, "postgres://u:p@localhost/d?host=db.example.com": false,
	} {
		if got, err := isLoopback(url); err != nil || got != want {
			t.Errorf("%s: %v, %v", url, got, err)
		}
	}
	if _, err := isLoopback("postgres://u:canary@host:port/d"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

func TestOnlyAYesIsAYes(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		"y\n": true, "Y\n": true, "yes\n": true, " YES \r\n": true, "y": true,
		"": false, "\n": false, "n\n": false, "no\n": false, "yess\n": false, "ye\n": false, "nyes\n": false, "\ny\n": false,
	} {
		if got := confirm(t.Context(), strings.NewReader(answer), "Really?"); got != want {
			t.Errorf("%q is taken for %v", answer, got)
		}
	}
}

// newData names a folder for data that is not there yet and that the account which Postgres runs as comes to. What
// still serves it after the test is ended.
func newData(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp(folder.InMemory(), "devinbox-")
	if err == nil {
		err = os.Chmod(parent, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(parent, "data")
	t.Cleanup(func() {
		if pid := postmaster(data); pid > 0 {
			syscall.Kill(pid, syscall.SIGQUIT)
		}
		for end := time.Now().Add(30 * time.Second); os.RemoveAll(parent) != nil; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("%s cannot be removed", parent)
				return
			}
		}
	})
	return data
}

// postmaster is the number of the process that serves the data, and 0 where there is none.
func postmaster(data string) int {
	text, _ := os.ReadFile(pgserver.PIDFile(filepath.Join(data, "postgres")))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// running is a command that goes on until it is told to end.
type running struct {
	*exec.Cmd
	t       *testing.T
	output  *bufio.Reader
	mu      sync.Mutex
	problem bytes.Buffer
}

// Write keeps what the command says about its progress.
func (r *running) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem.Write(text)
}

func (r *running) problems() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem.String()
}

func start(t *testing.T, c *exec.Cmd) *running {
	t.Helper()
	r := &running{Cmd: c, t: t}
	c.Stderr = r
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.output = bufio.NewReader(output)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return r
}

// until reads the output up to a line that has the text, and returns all of it.
func (r *running) until(text string) string {
	r.t.Helper()
	var said strings.Builder
	for {
		line, err := r.output.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			r.t.Fatalf("it ended before it said %q: %s%s", text, &said, r.problems())
		}
		if strings.Contains(line, text) {
			return said.String()
		}
	}
}

// ends requires that the command ends soon.
func (r *running) ends() {
	r.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, r.output) // it ends with the process
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		r.t.Fatalf("it goes on: %s", r.problems())
	}
}

// interrupt presses Ctrl-C, waits for the end, and returns the rest of the output.
func (r *running) interrupt() string {
	r.t.Helper()
	r.Process.Signal(os.Interrupt)
	rest, _ := io.ReadAll(r.output)
	if err := r.Wait(); err != nil {
		r.t.Errorf("after Ctrl-C: %v: %s", err, r.problems())
	}
	return string(rest)
}

// saidThatItStopped requires that Ctrl-C was answered, in the place of progress.
func (r *running) saidThatItStopped() {
	r.t.Helper()
	if said := r.problems(); !strings.HasSuffix(said, "Stopping: what has begun is finished first.\nStopped. Your data is kept.\n") {
		r.t.Errorf("after Ctrl-C it says %s", said)
	}
}

// greeting is what dev says when it serves.
var greeting = regexp.MustCompile(`(?s)running at (http://localhost:([0-9]+))\n.*client .*?: +(\S+)\n.*developer .*?: +(\S+)\n`)

type deployment struct{ url, client, developer string }

func (r *running) greeted() deployment {
	r.t.Helper()
	said := r.until("Ctrl-C")
	found := greeting.FindStringSubmatch(said)
	if found == nil || found[2] == "0" {
		r.t.Fatalf("it says %q", said)
	}
	return deployment{found[1], found[3], found[4]}
}

// call calls a function and returns the status and what it answers.
func (d deployment) call(t *testing.T, token, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestDevRunsEverythingAndKeepsTheDataOverAKill(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "devinbox")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	folder, data := emptyProject(t), newData(t)
	dev := func() *running {
		c := command(t, folder, nil, "dev", "--port", "0", "--data", data)
		c.Path, c.Args[0] = file, file
		return start(t, c)
	}

	first := dev()
	d := first.greeted()
	status, sent := d.call(t, d.client, "POST", "/api/messages/send", `{"body":"Are you there?"}`)
	if status != 201 || !strings.Contains(sent, `"realtime":"delivered"`) {
		t.Errorf("sending: %d %s", status, sent)
	}
	for who, token := range map[string]string{"client": d.client, "developer": d.developer} {
		if status, list := d.call(t, token, "GET", "/api/messages/list?clientId=42", ""); status != 200 || !strings.Contains(list, "Are you there?") {
			t.Errorf("the %s: %d %s", who, status, list)
		}
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()

	second := dev()
	again := second.greeted()
	// The tokens of before are still good, for the secret stays, too.
	if status, list := again.call(t, d.developer, "GET", "/api/messages/list?clientId=42", ""); status != 200 || !strings.Contains(list, "Are you there?") {
		t.Errorf("after the kill: %d %s", status, list)
	}
	if status, sent := again.call(t, again.developer, "POST", "/api/messages/send", `{"clientId":"42","body":"Yes"}`); status != 201 || !strings.Contains(sent, `"seq":2`) {
		t.Errorf("answering: %d %s", status, sent)
	}
	again.typed(t, folder, data)
	again.listened(t)
	second.interrupt()
	second.saidThatItStopped()
	if pid := postmaster(data); pid != 0 {
		t.Errorf("Postgres still runs, as %d", pid)
	}
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(again.url, "http://"), time.Second); err == nil {
		t.Error("the functions are still served")
	}

	// Without the folder that the banner names, everything begins again.
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	third := dev()
	said := third.until("running at")
	url := regexp.MustCompile(`http://localhost:[0-9]+`).FindString(said)
	if said := third.until("  data "); !strings.HasSuffix(said, "  data       "+data+"\n") {
		t.Errorf("it says %s", said)
	}
	third.until("Ctrl-C")
	token := strings.TrimSpace(execute(t, folder, nil, "token", "--role", "developer", "--sub", "ada", "--data", data).is(t, 0).output)
	status, list := deployment{url: url}.call(t, token, "GET", "/api/conversations/list", "")
	if status != 200 || !strings.Contains(list, `"conversations":[]`) {
		t.Errorf("after the data are deleted: %d %s", status, list)
	}
	third.interrupt()
}

func TestAPortThatIsTakenIsNamedBeforeAnythingIsBegun(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	inFile := emptyProject(t)
	write(t, filepath.Join(inFile, ".env.local"), "PORT="+port+"\n")
	for _, test := range []struct {
		name, folder string
		variables    []string
		arguments    []string
	}{
		{name: "by the flag", folder: emptyProject(t), arguments: []string{"--port", port}},
		{name: "by the environment", folder: emptyProject(t), variables: []string{"PORT=" + port}},
		{name: "by .env.local", folder: inFile},
		{name: "by the flag, which goes before", folder: emptyProject(t), variables: []string{"PORT=canary"}, arguments: []string{"--port", port}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			database, data := testdb.Empty(t), newData(t)
			execute(t, test.folder, append(test.variables, "DATABASE_URL="+database), append([]string{"dev", "--data", data}, test.arguments...)...).is(t, 1, "port "+port, "--port")
			if exists(data) || hasSchema(t, database) {
				t.Error("it has begun")
			}
		})
	}
}

func TestWhatCannotBeUsedEndsDevBeforeAnythingIsBegun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		variables []string
		says      []string
	}{
		{"every fault at once", []string{"CHAT_RATE_LIMIT=canary", "CHAT_ID_CLAIM=exp", "PORT=canary"}, []string{"CHAT_RATE_LIMIT must", "CHAT_ID_CLAIM must", "PORT must"}},
		{"a URL in quotes", []string{`DATABASE_URL="postgres://canary@127.0.0.1:1/canary"`}, []string{"DATABASE_URL has quotation marks"}},
		{"an unpooled URL with another client's mode", []string{"DATABASE_URL=postgres://h/d", "POSTGRES_URL_NON_POOLING=postgres://canary@127.0.0.1:1/canary?sslmode=no-verify"}, []string{"POSTGRES_URL_NON_POOLING has an sslmode"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := newData(t)
			o := execute(t, emptyProject(t), test.variables, "dev", "--data", data).is(t, 1, test.says...)
			if strings.Contains(o.errors, "canary") || exists(data) {
				t.Errorf("it repeats a value or has begun: %s", o.errors)
			}
		})
	}
}

func TestServicesOnlyPrintsWhatItAdds(t *testing.T) {
	t.Parallel()
	folder, data := emptyProject(t), newData(t)
	const file = "CRON_SECRET=mine\n"
	write(t, filepath.Join(folder, ".env.local"), file)
	r := start(t, command(t, folder, nil, "dev", "--services-only", "--data", data))
	lines := strings.Split(strings.TrimSpace(r.until("S3_SECRET_ACCESS_KEY=")), "\n")
	added := map[string]string{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, "=")
		if !found || value == "" {
			t.Errorf("%q is not KEY=value", line)
		}
		added[name] = value
	}
	for _, name := range []string{
		"DATABASE_URL", "CHAT_JWT_SECRET", "PUSHER_APP_ID", "PUSHER_SECRET", "NEXT_PUBLIC_PUSHER_KEY", "NEXT_PUBLIC_PUSHER_CLUSTER", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_USE_TLS",
		"S3_ENDPOINT", "S3_REGION", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
	} {
		if added[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if _, named := added["CRON_SECRET"]; named || len(added) != 14 {
		t.Errorf("it adds what is there: %q", lines)
	}
	if !hasSchema(t, added["DATABASE_URL"]) {
		t.Error("the database is not migrated")
	}
	for _, address := range []string{net.JoinHostPort(added["PUSHER_HOST"], added["PUSHER_PORT"]), strings.TrimPrefix(added["S3_ENDPOINT"], "http://")} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	// Somebody who is not given a token makes one with the data's own secret.
	o := execute(t, folder, nil, "token", "--role", "client", "--sub", "42", "--data", data).is(t, 0)
	if me, err := recognised(t, o.output, "CHAT_JWT_SECRET="+added["CHAT_JWT_SECRET"]); err != nil || me.ID != "42" {
		t.Errorf("%+v, %v", me, err)
	}
	if rest := r.interrupt(); rest != "" {
		t.Errorf("and then it says %q", rest)
	}
	r.saidThatItStopped()
	if text, err := os.ReadFile(filepath.Join(folder, ".env.local")); err != nil || string(text) != file {
		t.Errorf(".env.local is now %q (%v)", text, err)
	}
}

func TestServicesOnlyHandsTheVariablesToACommandAndEndsWithIt(t *testing.T) {
	t.Parallel()
	data, variables := newData(t), []string{"DATABASE_URL=" + testdb.Empty(t), "PUSHER_APP_ID=theirs", "S3_BUCKET=theirs"}
	o := execute(t, emptyProject(t), variables, "dev", "--services-only", "--data", data, "--", "sh", "-c", "env").is(t, 0, "CHAT_JWT_SECRET=", "CRON_SECRET=")
	// Of Pusher's and of the object store's something is named, so the rest is not made up.
	for _, line := range append(variables, "PUSHER_HOST=") {
		if !strings.Contains(o.output, line+"\n") {
			t.Errorf("%q is not in the environment", line)
		}
	}
	if strings.Contains(o.output, "S3_ENDPOINT=http") {
		t.Error("an object store is made up beside theirs")
	}
	// So is what stands in a file, which the command does not read by itself.
	inFile := emptyProject(t)
	write(t, filepath.Join(inFile, ".env.local"), "CHAT_GUESTS=true\nCRON_SECRET=theirs\n")
	execute(t, inFile, variables, "dev", "--services-only", "--data", data, "--", "sh", "-c", "env").is(t, 0, "CHAT_GUESTS=true\n", "CRON_SECRET=theirs\n")
	execute(t, emptyProject(t), variables, "dev", "--services-only", "--data", data, "--", "sh", "-c", "exit 3").is(t, 1, "exit status 3")
	execute(t, emptyProject(t), variables, "dev", "--services-only", "--data", data, "--", "there-is-no-such-command").is(t, 1, "there-is-no-such-command")
}

func TestCtrlCReachesTheCommandToo(t *testing.T) {
	t.Parallel()
	c := command(t, emptyProject(t), []string{"DATABASE_URL=" + testdb.New(t)}, "dev", "--services-only", "--data", newData(t),
		"--", "sh", "-c", `trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.1; done`)
	r := start(t, c)
	r.until("ready")
	if rest := r.interrupt(); !strings.Contains(rest, "interrupted") {
		t.Errorf("the command says %q", rest)
	}
}

// databaseElsewhere is the URL of an empty database, and one that does not look as if it led to this machine.
func databaseElsewhere(t *testing.T) (here, elsewhere string) {
	t.Helper()
	here = testdb.Empty(t)
	u, err := url.Parse(here)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort("0.0.0.0", u.Port())
	return here, u.String()
}

func TestADatabaseElsewhereIsMigratedOnlyAfterAYes(t *testing.T) {
	t.Parallel()
	here, elsewhere := databaseElsewhere(t)
	folder, data, variables := emptyProject(t), newData(t), []string{"DATABASE_URL=" + elsewhere}
	run := func(answer string) outcome {
		c := command(t, folder, variables, "dev", "--services-only", "--data", data, "--", "true")
		c.Stdin = strings.NewReader(answer)
		return finish(t, c)
	}
	for _, answer := range []string{"", "n\n"} {
		run(answer).is(t, 1, "not on this machine", "migrations/001_chat.sql", "was not migrated")
		if hasSchema(t, here) {
			t.Fatalf("it is migrated after %q", answer)
		}
	}
	run("y\n").is(t, 0)
	if !hasSchema(t, here) {
		t.Error("it is not migrated after a yes")
	}
	if o := run("").is(t, 0); strings.Contains(o.errors, "[y/N]") {
		t.Errorf("it asks though there is nothing to do: %s", o.errors)
	}
}

func TestCtrlCEndsDevWhileItAsks(t *testing.T) {
	t.Parallel()
	here, elsewhere := databaseElsewhere(t)
	c := command(t, emptyProject(t), []string{"DATABASE_URL=" + elsewhere}, "dev", "--services-only", "--data", newData(t), "--", "true")
	keyboard, err := c.StdinPipe() // of which nothing comes
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	r := start(t, c)
	eventually(t, "it asks", func() bool { return strings.Contains(r.problems(), "[y/N]") })
	r.Process.Signal(os.Interrupt)
	r.ends()
	if hasSchema(t, here) {
		t.Error("it is migrated without a yes")
	}
}

// What dev has started ends with it, however it is told that nobody is there any more.
func TestDevEndsWithItsTerminal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		gone func(process *os.Process, url string, output *os.File)
	}{
		{"that was closed", func(process *os.Process, _ string, _ *os.File) { process.Signal(syscall.SIGHUP) }},
		{"or pipe that nobody reads", func(_ *os.Process, url string, output *os.File) {
			output.Close()
			http.Get(url + "/api/session") // which is logged
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := newData(t)
			c := command(t, emptyProject(t), nil, "dev", "--no-web", "--port", "0", "--data", data)
			output, written, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer output.Close()
			c.Stdout, c.Stderr = written, written
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			written.Close()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				c.Wait()
			}()
			t.Cleanup(func() {
				c.Process.Kill()
				<-ended
			})
			var said strings.Builder
			for lines := bufio.NewReader(output); !strings.Contains(said.String(), "Ctrl-C"); {
				line, err := lines.ReadString('\n')
				if said.WriteString(line); err != nil {
					t.Fatalf("it ended early: %s", &said)
				}
			}
			if postmaster(data) == 0 {
				t.Fatal("it has no Postgres")
			}
			test.gone(c.Process, greeting.FindStringSubmatch(said.String())[1], output)
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("it goes on")
			}
			if pid := postmaster(data); pid != 0 {
				t.Errorf("its Postgres goes on, as process %d", pid)
			}
		})
	}
}

// Whoever begins again with no data deletes the folder: so what else is in it is told, until it is known as that of dev.
func TestAFolderForTheDataThatHoldsOtherFilesIsTold(t *testing.T) {
	t.Parallel()
	folder, data, variables := emptyProject(t), t.TempDir(), []string{"DATABASE_URL=" + testdb.New(t)}
	run := func() bool {
		o := execute(t, folder, variables, "dev", "--services-only", "--data", data, "--", "true").is(t, 0)
		return strings.Contains(o.errors, data+" holds other files too")
	}
	write(t, filepath.Join(data, "photo.jpg"), "")
	if !run() {
		t.Error("nothing is said")
	}
	if run() {
		t.Error("it takes its own files for others")
	}
	if !exists(filepath.Join(data, "photo.jpg")) {
		t.Error("the file is gone")
	}
}

func TestASecretOfThisTerminalAloneIsNamedInTheCommandsThatSignTokens(t *testing.T) {
	t.Parallel()
	folder := emptyProject(t)
	for _, test := range []struct {
		name      string
		variables []string
		want      string
	}{
		{"the environment", []string{"CHAT_JWT_SECRET=" + jwtSecret}, "CHAT_JWT_SECRET=… devinbox token"},
		{"a file", nil, "  devinbox token"},
	} {
		if test.variables == nil {
			write(t, filepath.Join(folder, ".env.local"), "CHAT_JWT_SECRET='"+jwtSecret+"'")
		}
		r := start(t, command(t, folder, append(test.variables, "DATABASE_URL="+testdb.New(t)), "dev", "--no-web", "--port", "0", "--data", newData(t)))
		if said := r.until("Ctrl-C"); strings.Count(said, test.want) != 2 {
			t.Errorf("with a secret of %s it says %s", test.name, said)
		}
		r.interrupt()
	}
}

func TestTheDataOfTwoProjectsAreTwo(t *testing.T) {
	t.Parallel()
	first, second := &project{folder: emptyProject(t)}, &project{folder: emptyProject(t)}
	given, err := first.data("data")
	if err != nil || !filepath.IsAbs(given) {
		t.Errorf("%s, %v", given, err)
	}
	one, err := first.data("")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(one)
	other, err := second.data("")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(other)
	if again, err := first.data(""); err != nil || again != one || one == other {
		t.Errorf("%s, then %s; another's %s", one, again, other)
	}
}

func TestTheBannerSaysWhatIsReal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		file      string // .env.local
		variables []string
		says      []string
	}{
		{"all is made here but the database", "", nil, []string{
			"Postgres   the one that DATABASE_URL names", "Pusher     on this machine, started by dev, at http://127.0.0.1:", "files      on this machine, started by dev, at http://127.0.0.1:",
		}},
		{
			"Pusher itself and a store elsewhere", "PUSHER_APP_ID=1234567\nPUSHER_SECRET=00112233445566778899\nNEXT_PUBLIC_PUSHER_KEY=112233445566778899aa\nNEXT_PUBLIC_PUSHER_CLUSTER=eu\nS3_ENDPOINT=https://s3.example.com\nS3_REGION=auto\nS3_BUCKET=bucket\nS3_ACCESS_KEY_ID=id\nS3_SECRET_ACCESS_KEY=key\n", nil,
			[]string{"Pusher     Pusher itself, with the app that NEXT_PUBLIC_PUSHER_KEY (in .env.local) names", "files      the one that S3_ENDPOINT (in .env.local) names"},
		},
		{
			"a server of one's own", "", []string{"PUSHER_APP_ID=1", "PUSHER_SECRET=s", "PUSHER_KEY=k", "PUSHER_HOST=soketi.example.com"},
			[]string{"Pusher     the server that PUSHER_HOST names"},
		},
		{
			"not all of Pusher's, and of the store's", "", []string{"PUSHER_APP_ID=1", "NEXT_PUBLIC_PUSHER_CLUSTER=eu", "S3_BUCKET=b"},
			[]string{"Pusher     off, so nothing is live: NEXT_PUBLIC_PUSHER_KEY is missing, PUSHER_SECRET is missing", "files      off, so no files are taken: S3_ENDPOINT is missing"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := emptyProject(t)
			write(t, filepath.Join(folder, ".env.local"), test.file)
			r := start(t, command(t, folder, append(test.variables, "DATABASE_URL="+testdb.New(t)), "dev", "--port", "0", "--data", newData(t)))
			said := r.until("Ctrl-C")
			for _, text := range test.says {
				if !strings.Contains(said, "  "+text) {
					t.Errorf("it does not say %q: %s", text, said)
				}
			}
			r.interrupt()
		})
	}
	// Where the functions are left to another command, it is said beside what that prints.
	o := execute(t, emptyProject(t), []string{"DATABASE_URL=" + testdb.New(t)}, "dev", "--services-only", "--data", newData(t), "--", "true").is(t, 0)
	if !strings.Contains(o.errors, "Pusher     on this machine") || o.output != "" {
		t.Errorf("%+v", o)
	}
}

func TestASecondDevInOneCheckoutSaysAtOnceWhatIsInItsWay(t *testing.T) {
	t.Parallel()
	folder, data := emptyProject(t), newData(t)
	if err := os.Mkdir(filepath.Join(folder, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	claimed, _, err := webapp.Claim(filepath.Join(folder, "web"), "process 1 (devinbox dev at http://localhost:3000)")
	if err != nil || claimed == nil {
		t.Fatal(err)
	}
	defer claimed.Close()
	variables := []string{"DATABASE_URL=" + testdb.New(t)}
	execute(t, folder, variables, "dev", "--port", "0", "--data", data).is(t, 1, "process 1 (devinbox dev at http://localhost:3000) runs the web example", "--no-web")
	if exists(data) {
		t.Error("it has begun")
	}
	// Without the example both work, and the second one says with whom it shares the data.
	first := start(t, command(t, folder, variables, "dev", "--no-web", "--port", "0", "--data", data))
	d := first.greeted()
	if status, sent := d.call(t, d.client, "POST", "/api/messages/send", `{"body":"Are you there?"}`); status != 201 {
		t.Errorf("%d %s", status, sent)
	}
	second := start(t, command(t, folder, variables, "dev", "--no-web", "--port", "0", "--data", data))
	other := second.greeted()
	if status, list := other.call(t, d.developer, "GET", "/api/messages/list?clientId=42", ""); status != 200 || !strings.Contains(list, "Are you there?") {
		t.Errorf("%d %s", status, list)
	}
	if said := second.problems(); !strings.Contains(said, "in use by process "+strconv.Itoa(first.Process.Pid)+" (devinbox dev at "+d.url+")") {
		t.Errorf("the second says %s", said)
	}
	second.interrupt()
	first.interrupt()
}

// What serves the functions then checks tokens with the secret that the command token signs with.
func TestServicesOnlyServesTheSecretOfAFileToo(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	folder := emptyProject(t)
	write(t, filepath.Join(folder, ".env.example"), string(example))
	write(t, filepath.Join(folder, ".env.local"), strings.Replace(string(example), "\nCHAT_JWT_SECRET=\n", "\nCHAT_JWT_SECRET='"+jwtSecret+"'\n", 1))
	token := strings.TrimSpace(execute(t, folder, nil, "token", "--role", "client", "--sub", "42").is(t, 0).output)
	r := start(t, command(t, folder, nil, "dev", "--services-only", "--data", newData(t), "--", self, "serve", "--port", "0"))
	line := r.until(`"msg":"serving"`)
	found := regexp.MustCompile(`"address":"[^"]*:([0-9]+)"`).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("it says %s", line)
	}
	status, said := deployment{url: "http://127.0.0.1:" + found[1]}.call(t, token, "POST", "/api/messages/send", `{"body":"Hello"}`)
	if status != 201 || !strings.Contains(said, `"realtime":"delivered"`) {
		t.Errorf("%d %s", status, said)
	}
	r.interrupt()
}
