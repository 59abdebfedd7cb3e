// Package webhooks gives a test a receiver of webhooks: a real HTTP server that records each webhook, answers as the test
// decides, and verifies each webhook with the official Standard Webhooks library (npm).
package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
)

// Version is the version of the library, the package standardwebhooks on npm.
const Version = "1.1.1"

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// Webhook is a request as it arrived.
type Webhook struct {
	Path      string
	ID        string // the header webhook-id
	Timestamp string // webhook-timestamp
	Signature string // webhook-signature
	Body      []byte

	Type string // of the body
	Data json.RawMessage
}

// Receiver is a receiver of webhooks.
type Receiver struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	received []Webhook
	answer   func(w http.ResponseWriter, r *http.Request, hook Webhook)
}

// Start starts a receiver that answers 204. At the end of the test each webhook that came is verified with secret.
func Start(t testing.TB, secret string) *Receiver {
	t.Helper()
	r := &Receiver{t: t}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(func() {
		r.CloseClientConnections() // one may be hanging
		r.Close()
		for i, fault := range Verify(t, secret, r.Received()...) {
			if fault != "" {
				t.Errorf("the library refuses the webhook %d: %s", i, fault)
			}
		}
	})
	return r
}

func (r *Receiver) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	hook := Webhook{
		Path: request.URL.Path, ID: request.Header.Get("webhook-id"), Timestamp: request.Header.Get("webhook-timestamp"),
		Signature: request.Header.Get("webhook-signature"), Body: body,
	}
	var told struct {
		Type string
		Data json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	hook.Type, hook.Data = told.Type, told.Data
	if err != nil || request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s %s of %q: %v", request.Method, request.URL.Path, request.Header.Get("Content-Type"), err)
	}
	r.mu.Lock()
	r.received = append(r.received, hook)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, request, hook)
}

// Answer has the receiver answer in another way from now on; nil for 204.
func (r *Receiver) Answer(answer func(w http.ResponseWriter, request *http.Request, hook Webhook)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// AnswerStatus has it answer with a status from now on.
func (r *Receiver) AnswerStatus(status int) {
	r.Answer(func(w http.ResponseWriter, _ *http.Request, _ Webhook) { w.WriteHeader(status) })
}

// Received returns the webhooks that have come, oldest first, whatever they were answered.
func (r *Receiver) Received() []Webhook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// Types returns how many of each type have come.
func (r *Receiver) Types() map[string]int {
	types := map[string]int{}
	for _, hook := range r.Received() {
		types[hook.Type]++
	}
	return types
}

// Forget forgets the webhooks that have come.
func (r *Receiver) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = nil
}

// Wait waits until n webhooks have come.
func (r *Receiver) Wait(n int) []Webhook {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if received := r.Received(); len(received) >= n {
			return received
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d webhooks, want %d", len(r.Received()), n)
		}
	}
}

// program verifies what comes on its input, a list of requests, and prints a list of faults.
const program = `
const { Webhook } = require("standardwebhooks");
let input = "";
process.stdin.on("data", (part) => (input += part)).on("end", () => {
  const { secret, requests } = JSON.parse(input);
  console.log(JSON.stringify(requests.map(({ id, timestamp, signature, body }) => {
    try {
      new Webhook(secret).verify(body, { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature });
      return "";
    } catch (error) {
      return String(error);
    }
  })));
});`

// Verify has the library verify webhooks with one secret, and returns what it says of each: nothing if it is good.
func Verify(t testing.TB, secret string, hooks ...Webhook) []string {
	t.Helper()
	if len(hooks) == 0 {
		return nil
	}
	// A test's context has ended when its cleanup runs.
	dir, err := npm.Install(context.Background(), map[string]string{"standardwebhooks": Version}, nil)
	if err != nil {
		t.Fatal(err)
	}
	type request struct {
		ID        string `json:"id"`
		Timestamp string `json:"timestamp"`
		Signature string `json:"signature"`
		Body      string `json:"body"`
	}
	var requests []request
	for _, hook := range hooks {
		requests = append(requests, request{hook.ID, hook.Timestamp, hook.Signature, string(hook.Body)})
	}
	input, err := json.Marshal(map[string]any{"secret": secret, "requests": requests})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", "-e", program)
	node.Dir = dir
	node.Stdin = strings.NewReader(string(input))
	var complaints strings.Builder
	node.Stderr = &complaints
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, &complaints)
	}
	var faults []string
	if err := json.Unmarshal(out, &faults); err != nil || len(faults) != len(hooks) {
		t.Fatalf("%v: %s", err, out)
	}
	return faults
}

// Secret makes a secret of the form whsec_…
func Secret() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return fmt.Sprintf("whsec_%s", base64.StdEncoding.EncodeToString(key))
}
