package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev"
	"devinbox/internal/testing/pusherjs"
	"devinbox/internal/testing/testdb"
)

func TestDevAnswersOnlyToNamesOfLoopbackAndThoseThatAreAllowed(t *testing.T) {
	t.Parallel()
	r := start(t, command(t, emptyProject(t), []string{"DATABASE_URL=" + testdb.New(t)}, "dev", "--port", "0", "--data", newData(t),
		"--allow-host", "chat.example.test", "--allow-host", "192.168.1.5"))
	d := r.greeted()
	_, port, _ := strings.Cut(strings.TrimPrefix(d.url, "http://"), ":")
	for host, want := range map[string]int{
		"localhost:" + port: 200, "app.localhost": 200, "127.0.0.1:" + port: 200, "127.3.2.1": 200, "[::1]:" + port: 200,
		"chat.example.test": 200, "192.168.1.5:80": 200,
		"evil.example": 421, "evil.example:" + port: 421, "localhost.evil.example": 421, "0.0.0.0:" + port: 421, "192.168.1.6": 421,
	} {
		for _, path := range []string{"/api/health", "/", "/api/token"} {
			request, err := http.NewRequestWithContext(t.Context(), "GET", d.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.StatusCode; (got == 421) != (want == 421) || path == "/api/health" && got != want {
				t.Errorf("%s of %s: %d, want %d", path, host, got, want)
			}
		}
	}
	r.interrupt()
}

func TestTokensAreGivenOnlyUnderASecretThatWasMadeHere(t *testing.T) {
	t.Parallel()
	database := "DATABASE_URL=" + testdb.New(t)
	deployed, data := emptyProject(t), newData(t)
	write(t, filepath.Join(deployed, ".env.local"), "CHAT_JWT_SECRET='"+jwtSecret+"'\n")
	secrets, err := dev.Secrets(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, folder string
		variables    []string
		given        bool
	}{
		{"none is named", emptyProject(t), nil, true},
		{"the one that was made here is named", emptyProject(t), []string{"CHAT_JWT_SECRET=" + secrets["CHAT_JWT_SECRET"]}, true},
		{"another one is named", emptyProject(t), []string{"CHAT_JWT_SECRET=" + jwtSecret}, false},
		{"another one is named in .env.local", deployed, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, command(t, test.folder, append(test.variables, database), "dev", "--port", "0", "--data", data))
			said := r.until("Ctrl-C")
			if given := strings.Contains(said, "eyJ"); given != test.given {
				t.Errorf("tokens are given: %t, want %t: %s", given, test.given, said)
			}
			command := "devinbox token --role developer --sub ada"
			if strings.Contains(said, command) == test.given {
				t.Errorf("the command that makes one: want %t: %s", !test.given, said)
			}
			r.interrupt()
		})
	}
}

// The example's demo signs everybody in as whom they like.
func TestTheExampleMaySignOnlyWithASecretThatWasMadeHere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		variables map[string]string
		want      string
	}{
		{"none is named", nil, "DEMO=CHAT_JWT_SECRET"},
		{"Auth.js's is a deployment's", map[string]string{"AUTH_SECRET": jwtSecret}, "DEMO=CHAT_JWT_SECRET"},
		{"a deployment's is named", map[string]string{"CHAT_JWT_SECRET": jwtSecret}, "DEMO="},
		{"a file allows it all the same", map[string]string{"CHAT_JWT_SECRET": jwtSecret, "DEMO": "true"}, "DEMO="},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &project{files: map[string]string{"DATABASE_URL": "postgres://h/d", "PUSHER_HOST": "h"}}
			for name, value := range test.variables {
				p.files[name] = value
			}
			stack, err := dev.Start(t.Context(), dev.Options{Lookup: func(name string) string { return p.files[name] }, Data: newData(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer stack.Stop()
			var last string // of several values of one variable the last one counts
			for _, line := range (devRun{}).exampleEnvironment(p, stack) {
				if strings.HasPrefix(line, "DEMO=") {
					last = line
				}
			}
			if last != test.want {
				t.Errorf("%q, want %q", last, test.want)
			}
		})
	}
}

func TestAClientIsOnlineInPresenceChannelsAsLongAsItListens(t *testing.T) {
	t.Parallel()
	r := start(t, command(t, emptyProject(t), []string{"DATABASE_URL=" + testdb.New(t), "CHAT_CHANNELS=presence"}, "dev", "--port", "0", "--data", newData(t)))
	d := r.greeted()
	if status, sent := d.call(t, d.client, "POST", "/api/messages/send", `{"body":"Are you there?"}`); status != 201 {
		t.Fatalf("sending: %d %s", status, sent)
	}
	online := func() any {
		status, list := d.call(t, d.developer, "GET", "/api/conversations/list", "")
		var inbox struct{ Conversations []struct{ Online any } }
		if err := json.Unmarshal([]byte(list), &inbox); err != nil || status != 200 || len(inbox.Conversations) != 1 {
			t.Fatalf("the inbox: %d %s", status, list)
		}
		return inbox.Conversations[0].Online
	}
	await := func(want bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); online() != want; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("online is %v, want %v: %s", online(), want, r.problems())
			}
		}
	}
	if got := online(); got != false {
		t.Errorf("before anybody listens: %v", got)
	}
	var session struct {
		Realtime struct {
			Key, WSHost string
			WSPort      json.Number
			Channels    struct{ Conversation string }
		}
	}
	if status, text := d.call(t, d.client, "GET", "/api/session", ""); status != 200 || json.Unmarshal([]byte(text), &session) != nil {
		t.Fatalf("the session: %d %s", status, text)
	}
	live := session.Realtime
	grace := pusherjs.Connect(t, pusherjs.Options{
		Key: live.Key, Host: live.WSHost, Port: live.WSPort.String(), AuthEndpoint: d.url + "/api/pusher/auth", Token: d.client,
	})
	grace.Subscribe(live.Channels.Conversation)
	await(true)
	grace.Disconnect()
	await(false)
	r.interrupt()
}

func TestAPlaceholderOfTheExampleFileCountsAsNotNamed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	folder, data := emptyProject(t), newData(t)
	write(t, filepath.Join(folder, ".env.example"), string(text))
	write(t, filepath.Join(folder, ".env.local"), string(text))
	execute(t, folder, nil, "migrate").is(t, 1, "DATABASE_URL is not set", ".env.example")
	o := execute(t, folder, nil, "dev", "--services-only", "--data", data, "--", "sh", "-c", "env").is(t, 0)
	var url string
	for line := range strings.Lines(o.output) {
		if value, found := strings.CutPrefix(line, "DATABASE_URL="); found {
			url = value
		}
	}
	if !strings.Contains(url, "@127.0.0.1:") {
		t.Errorf("DATABASE_URL is %q", url)
	}
	// What somebody has filled in is meant.
	execute(t, folder, []string{"DATABASE_URL=postgres://canary@127.0.0.1:1/mine"}, "migrate").is(t, 1, "the database of DATABASE_URL does not answer")
}

func TestAnUnpooledURLIsThatOfTheDatabaseThatIsServed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		served         func(testing.TB) string // nil: not named
		says           []string
		becomesUpToUse bool // whether the unpooled one is migrated all the same
	}{
		{"the other one is not named", nil, []string{"DATABASE_URL is missing", "DATABASE_URL_UNPOOLED"}, false},
		{"the other one is further", testdb.New, []string{"DATABASE_URL and DATABASE_URL_UNPOOLED", "two databases"}, false},
		{"the other one looks the same before", testdb.Empty, []string{"DATABASE_URL and DATABASE_URL_UNPOOLED", "two databases"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			unpooled, data := testdb.Empty(t), newData(t)
			variables := []string{"DATABASE_URL_UNPOOLED=" + unpooled}
			if test.served != nil {
				variables = append(variables, "DATABASE_URL="+test.served(t))
			}
			o := execute(t, emptyProject(t), variables, "dev", "--port", "0", "--data", data).is(t, 1, test.says...)
			if strings.Contains(o.output, "running at") || hasSchema(t, unpooled) != test.becomesUpToUse {
				t.Errorf("served or migrated: %s%s", o.output, o.errors)
			}
		})
	}
	// The command migrates what it is given, and tells where something else would be served.
	execute(t, emptyProject(t), []string{"DATABASE_URL_UNPOOLED=" + testdb.Empty(t)}, "migrate").is(t, 0, "up to date")
	execute(t, emptyProject(t), []string{"DATABASE_URL_UNPOOLED=" + testdb.Empty(t), "DATABASE_URL=" + testdb.Empty(t)}, "migrate").is(t, 1, "two databases")
	same := testdb.Empty(t)
	execute(t, emptyProject(t), []string{"DATABASE_URL_UNPOOLED=" + same, "DATABASE_URL=" + same + "&application_name=other"}, "migrate").is(t, 0, "up to date")
}

func TestNobodyElseReadsWhatDevKeeps(t *testing.T) {
	t.Parallel()
	data := newData(t)
	execute(t, emptyProject(t), nil, "dev", "--services-only", "--data", data, "--", "true").is(t, 0)
	var seen []string
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		allowed := fs.FileMode(0)
		if path == data {
			allowed = 0o011 // the account that runs Postgres passes through it
		}
		if mode := info.Mode().Perm(); mode&0o077&^allowed != 0 {
			t.Errorf("%s has mode %v", path, mode)
		}
		seen = append(seen, entry.Name())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secrets.env", "password", "postgres.log", "PG_VERSION"} {
		if !slices.Contains(seen, name) {
			t.Errorf("%s was not looked at", name)
		}
	}
}
