package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/logbook"
	"devinbox/internal/testing/testdb"
	"devinbox/internal/testing/wire"
	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// server is devinbox serve with a database and a Pusher of its own.
type server struct {
	*running
	deployment
	database string
	heard    *pusherserver.Recorder
	log      logbook.Book  // what it logs after it serves
	logged   chan struct{} // closed when it logs nothing more
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}

// serveWith starts devinbox serve with --port 0, and further NAME=value variables. It returns when it serves.
func serveWith(t *testing.T, variables ...string) *server {
	t.Helper()
	return serveAt(t, testdb.New(t), append(variables, "PORT=tcp://10.0.0.1:80"), "--port", "0") // --port goes before PORT, whatever that is
}

func serveAt(t *testing.T, database string, variables []string, arguments ...string) *server {
	t.Helper()
	s := &server{database: database, heard: &pusherserver.Recorder{}, logged: make(chan struct{})}
	pusher, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Recorder: s.heard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pusher.Close)
	variables = append([]string{
		"DATABASE_URL=" + database, "CHAT_JWT_SECRET=" + jwtSecret, "PUSHER_APP_ID=1", "NEXT_PUBLIC_PUSHER_KEY=test-key", "PUSHER_SECRET=test-secret",
		"PUSHER_HOST=" + pusher.Host(), "PUSHER_PORT=" + pusher.Port(), "PUSHER_USE_TLS=false",
	}, variables...)
	s.running = start(t, command(t, t.TempDir(), variables, append([]string{"serve"}, arguments...)...))
	var said struct{ Address string }
	line := s.until(`"msg":"serving"`)
	if err := json.Unmarshal([]byte(line[strings.LastIndex(strings.TrimSpace(line), "\n")+1:]), &said); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	_, port, err := net.SplitHostPort(said.Address)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://127.0.0.1:" + port
	s.client, s.developer = token(t, chat.Identity{ID: "42", Role: chat.Client}), token(t, chat.Identity{ID: "ada", Role: chat.Developer})
	go func() {
		defer close(s.logged)
		io.Copy(&s.log, s.output)
	}()
	return s
}

func token(t *testing.T, who chat.Identity) string {
	t.Helper()
	verifier, err := identity.New(identity.Options{Secret: []byte(jwtSecret)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := verifier.Mint(who, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// count runs a query for one number.
func (s *server) count(query string) (n int) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// terminate sends SIGTERM, as what runs a container does, requires a good end, and returns the rest of the log.
func (s *server) terminate() string {
	s.t.Helper()
	s.Process.Signal(syscall.SIGTERM)
	return s.end()
}

func (s *server) end() string {
	s.t.Helper()
	<-s.logged
	if err := s.Wait(); err != nil || s.problems() != "" {
		s.t.Errorf("it ends with %v: %s", err, s.problems())
	}
	if log := s.log.String(); !strings.Contains(log, `"msg":"finishing what has begun"`) || !strings.Contains(log, `"msg":"stopped"`) {
		s.t.Errorf("it does not say that it stops: %s", log)
	}
	return s.log.String()
}

func TestSIGTERMUnderLoadLosesNoAnswer(t *testing.T) {
	t.Parallel()
	s := serveWith(t, "CHAT_RATE_LIMIT=0", "DATABASE_POOL_MAX=6")
	const senders, before = 12, 150
	var answered, unanswered atomic.Int32
	var sending sync.WaitGroup
	enough := make(chan struct{})
	for i := range senders {
		bearer := token(t, chat.Identity{ID: "client" + strconv.Itoa(i), Role: chat.Client})
		sending.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				r, _ := http.NewRequest("POST", s.url+"/api/messages/send", strings.NewReader(`{"body":"Hello"}`))
				r.Header.Set("Authorization", "Bearer "+bearer)
				r.Header.Set("Content-Type", "application/json")
				answer, err := client.Do(r)
				if err != nil {
					if !errors.Is(err, syscall.ECONNREFUSED) { // it had a connection, and perhaps was heard
						t.Errorf("sender %d after %d answers: %v", i, n, err)
					}
					unanswered.Add(1)
					return
				}
				text, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || answer.StatusCode != 201 || !strings.Contains(string(text), `"realtime":"delivered"`) {
					t.Errorf("%d %s %v", answer.StatusCode, text, err)
					return
				}
				if answered.Add(1) == before {
					close(enough)
				}
			}
		})
	}
	<-enough
	log := s.terminate()
	sending.Wait()
	stored := s.count("select count(*) from chat.message")
	if int(answered.Load()) != stored || stored < before {
		t.Errorf("%d messages are stored, and %d were answered", stored, answered.Load())
	}
	if waiting := s.count("select count(*) from chat.outbox"); waiting != 0 || len(s.heard.Published()) != 2*stored {
		t.Errorf("%d events wait, and %d of %d messages were announced", waiting, len(s.heard.Published()), stored)
	}
	if unanswered.Load() != senders {
		t.Errorf("%d of %d senders were turned away at the end", unanswered.Load(), senders)
	}
	// Each line of its log is a JSON object, as those of the functions are.
	for line := range strings.SplitSeq(strings.TrimSpace(log), "\n") {
		var record struct{ Msg, Level string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level != "INFO" {
			t.Errorf("the log says %s", line)
		}
	}
	if n := strings.Count(log, `"status":201`); n != stored {
		t.Errorf("%d sends are in the log, want %d", n, stored)
	}
}

// begin begins a send and leaves its body unfinished.
func (s *server) begin(t *testing.T) (finish func() string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	const body = `{"body":"Hello"}`
	// The first request is answered, so that the process has certainly accepted the connection of the second.
	fmt.Fprintf(conn, "OPTIONS /api/messages/send HTTP/1.1\r\nHost: x\r\n\r\n")
	from := bufio.NewReader(conn)
	if answer, err := http.ReadResponse(from, nil); err != nil || answer.StatusCode != 204 {
		t.Fatalf("%v", err)
	}
	fmt.Fprintf(conn, "POST /api/messages/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", s.client, len(body), body[:5])
	return func() string {
		io.WriteString(conn, body[5:])
		answer, err := http.ReadResponse(from, nil)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		return answer.Status
	}
}

// interrupted sends a first SIGTERM and waits until the end has begun: no connection is taken, and it has been said.
func (s *server) interrupted(t *testing.T) {
	t.Helper()
	s.Process.Signal(syscall.SIGTERM)
	eventually(t, "the log says so", func() bool { return strings.Contains(s.log.String(), "finishing what has begun") })
	eventually(t, "no connection is taken", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

func TestWhatHasBegunIsFinishedAfterSIGTERM(t *testing.T) {
	t.Parallel()
	s := serveWith(t)
	finish := s.begin(t)
	s.interrupted(t)
	if status := finish(); status != "201 Created" {
		t.Errorf("%s", status)
	}
	s.end()
	if n := s.count("select count(*) from chat.message"); n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := serveWith(t)
			s.begin(t) // and never finished
			s.interrupted(t)
			s.Process.Signal(signal)
			<-s.logged
			s.Wait()
			if status := s.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != signal {
				t.Errorf("it ends with %v", s.ProcessState)
			}
		})
	}
}

func TestEveryFaultOfTheEnvironmentIsNamedBeforeServing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		variables []string
		says      []string
	}{
		{"nothing is set", nil, []string{"DATABASE_URL is missing"}},
		{
			"everything is wrong",
			[]string{"DATABASE_URL=canary", "DATABASE_POOL_MAX=canary", "PORT=canary", "CHAT_TRUST_PROXY=canary", "CHAT_RATE_LIMIT=canary", "CHAT_JWT_SECRET=canary", "CHAT_ALLOWED_ORIGINS=canary"},
			[]string{"DATABASE_URL is not", "DATABASE_POOL_MAX must", "PORT must", "CHAT_TRUST_PROXY must", "CHAT_RATE_LIMIT must", "CHAT_JWT_SECRET must", "CHAT_ALLOWED_ORIGINS must"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := execute(t, t.TempDir(), test.variables, "serve").is(t, 1, test.says...)
			if strings.Contains(o.errors, "canary") || o.output != "" {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestFilesAreNotRead(t *testing.T) {
	t.Parallel()
	folder := emptyProject(t)
	for _, name := range []string{".env", ".env.local"} {
		write(t, filepath.Join(folder, name), "DATABASE_URL=postgres://u@127.0.0.1:1/d\n")
	}
	execute(t, folder, nil, "serve").is(t, 1, "DATABASE_URL is missing")
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 3 {
		t.Errorf("it made something: %v, %v", entries, err)
	}
}

func TestADatabaseThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	proxy := wire.NewPostgres(t, testdb.New(t))
	proxy.Refuse(true)
	s := serveAt(t, proxy.URL(), nil, "--port", "0")
	if status, text := s.call(t, s.client, "POST", "/api/messages/send", `{"body":"Hello"}`); status != 503 {
		t.Errorf("%d %s", status, text)
	}
	proxy.Refuse(false)
	if status, text := s.call(t, s.client, "POST", "/api/messages/send", `{"body":"Hello"}`); status != 201 {
		t.Errorf("%d %s", status, text)
	}
	s.terminate()
}

func TestPORTSaysWhereItListens(t *testing.T) {
	t.Parallel()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000)) // below those that the system gives out by itself
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			continue
		}
		listener.Close()
		s := serveAt(t, testdb.New(t), []string{"PORT=" + port})
		if s.url != "http://127.0.0.1:"+port {
			t.Errorf("it listens at %s", s.url)
		}
		if status, text := s.call(t, s.developer, "GET", "/api/health", ""); status != 200 {
			t.Errorf("%d %s", status, text)
		}
		execute(t, t.TempDir(), []string{"DATABASE_URL=postgres://u@127.0.0.1:1/d", "PORT=" + port}, "serve").is(t, 1, "port "+port, "--port")
		s.terminate()
		return
	}
	t.Fatal("there is no free port")
}

func TestWhatIsLeftBehindGoesOutWhenAProcessStarts(t *testing.T) {
	t.Parallel()
	database := testdb.New(t)
	silent := serveAt(t, database, []string{"PUSHER_PORT=1"}, "--port", "0") // where nobody takes an event
	if status, text := silent.call(t, silent.client, "POST", "/api/messages/send", `{"body":"Hello"}`); status != 201 || !strings.Contains(text, `"queued"`) {
		t.Errorf("%d %s", status, text)
	}
	silent.terminate()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "update chat.outbox set due_at = clock_timestamp()"); err != nil {
		t.Fatal(err)
	}
	s := serveAt(t, database, nil, "--port", "0")
	eventually(t, "it is delivered", func() bool { return s.count("select count(*) from chat.outbox") == 0 })
	if log := s.terminate(); len(s.heard.Published()) != 2 || !strings.Contains(log, `"delivered":2`) {
		t.Errorf("%d events were announced; the log says %s", len(s.heard.Published()), log)
	}
}

func TestForwardingHeadersAreBelievedOnlyOfAProxyThatIsTrusted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		trust  string
		header string // with %d for the number of the guest
		begin  int    // of fifteen guests
	}{
		{"a caller that makes addresses up", "", "X-Forwarded-For: 203.0.113.%d", 10},
		{"by the other name", "false", "X-Real-Ip: 203.0.113.%d", 10},
		{"a proxy's callers", "true", "X-Forwarded-For: 203.0.113.%d", 15},
		{"a proxy's caller that makes addresses up", "true", "X-Forwarded-For: 203.0.113.%d, 192.0.2.1", 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serveWith(t, "CHAT_GUESTS=true", "CHAT_TRUST_PROXY="+test.trust)
			statuses := map[int]int{}
			for i := range 15 {
				r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/session", strings.NewReader(`{}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				name, value, _ := strings.Cut(test.header, ": ")
				if strings.Contains(value, "%d") {
					value = fmt.Sprintf(value, i)
				}
				r.Header.Set(name, value)
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				statuses[answer.StatusCode]++
			}
			if statuses[201] != test.begin || statuses[429] != 15-test.begin {
				t.Errorf("%v, want %d to begin", statuses, test.begin)
			}
			s.terminate()
		})
	}
}

// Behind a proxy that ends TLS, a page of the public name is this deployment's own.
func TestAPageOfThePublicNameIsOursBehindAProxyThatIsTrusted(t *testing.T) {
	t.Parallel()
	for trust, want := range map[string]int{"true": 200, "false": 403} {
		t.Run(trust, func(t *testing.T) {
			t.Parallel()
			s := serveWith(t, "CHAT_TRUST_PROXY="+trust)
			s.call(t, s.client, "POST", "/api/messages/send", `{"body":"Hello"}`)
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/messages/read", strings.NewReader(`{"upToSeq":1}`))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{
				"Content-Type": "application/json", "Cookie": identity.SessionCookie + "=" + s.client, "Origin": "https://chat.example.com",
				"X-Forwarded-Host": "chat.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7",
			} {
				r.Header.Set(name, value)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%d, want %d", answer.StatusCode, want)
			}
			s.terminate()
		})
	}
}
