package handler_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestServeAsAChild is no test of its own: it is the process that the crash test kills. It serves the
// functions as Vercel does, with the environment of its process, until its input ends.
func TestServeAsAChild(t *testing.T) {
	if os.Getenv("DEVINBOX_SERVE_AS_A_CHILD") == "" {
		return
	}
	server := &http.Server{Handler: deployment(t)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	go server.Serve(listener)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// child starts a process that serves the functions, and returns its URL.
func (w *world) child() (process *exec.Cmd, url string) {
	w.t.Helper()
	process = exec.Command(os.Args[0], "-test.run=^TestServeAsAChild$")
	process.Env = append(os.Environ(), "DEVINBOX_SERVE_AS_A_CHILD=1")
	for name, value := range w.settings {
		process.Env = append(process.Env, name+"="+value)
	}
	if _, err := process.StdinPipe(); err != nil { // it ends with this process
		w.t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { process.Process.Kill(); process.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, url, found := strings.Cut(lines.Text(), "listening on "); found {
			go io.Copy(w.log, out)
			return process, url
		}
	}
	w.t.Fatal("the child never listened")
	return nil, ""
}

func TestAProcessKilledBetweenCommitAndAnnouncementLosesNothing(t *testing.T) {
	t.Parallel()
	for name, revive := range map[string]func(w *world){
		"by the next request": func(w *world) { w.client("other").post("/api/messages/send", `{"body":"unrelated"}`).is(201) },
		"by the cron": func(w *world) {
			w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", 2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			atAda := w.developer("ada").listen()
			atAda.Subscribe("private-client-42")
			process, url := w.child()
			grace := w.client("42")
			there := *w
			there.url = url
			grace.world = &there

			w.toPusher.Hang(true)
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				r, _ := http.NewRequest("POST", url+"/api/messages/send", strings.NewReader(`{"body":"survives"}`))
				r.Header.Set("Authorization", "Bearer "+grace.token)
				r.Header.Set("Content-Type", "application/json")
				if response, err := http.DefaultTransport.RoundTrip(r); err == nil {
					response.Body.Close()
				}
			}()
			for end := time.Now().Add(20 * time.Second); len(w.toPusher.Requests()) == 0; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("Pusher was never asked")
				}
			}
			process.Process.Kill() // committed, and not announced
			<-gone
			w.toPusher.Cut()
			w.toPusher.Hang(false)
			if n := w.count("select count(*) from chat.outbox"); n != 2 {
				t.Fatalf("%d events wait, want 2", n)
			}

			// While its lease lasts the event is the dead process's. Waiting for the end of that is all that is skipped here.
			w.sql("update chat.outbox set due_at = clock_timestamp()")
			revive(w)
			if body := lookup(t, atAda.Next("private-client-42", "new-message"), "body"); body != "survives" {
				t.Errorf("%v", body)
			}
			if n := w.count("select count(*) from chat.outbox"); n != 0 {
				t.Errorf("%d events are left over", n)
			}
		})
	}
}
