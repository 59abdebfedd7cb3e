// Package mailroute runs a route of a Next.js app that sends e-mails, in Node, and a real SMTP server that
// receives them.
package mailroute

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
	"devinbox/internal/testing/logbook"
)

// packages are those that the route, its check and the SMTP server need.
var packages = map[string]string{
	"nodemailer": "10.6.1", "standardwebhooks": "1.1.1", "smtp-server": "3.21.6",
	"typescript": "5.9.3", "@types/node": "24.19.2", "@types/nodemailer": "8.0.2",
}

// patience is how long a test waits for what must come.
const patience = 45 * time.Second

//go:embed driver.mjs
var driver string

// Mail is an e-mail as the SMTP server got it.
type Mail struct {
	From string
	To   []string
	Text string // with its headers
}

// Route is a route that runs.
type Route struct {
	URL string // where it is served, whatever the path

	t     testing.TB
	stdin interface{ Write([]byte) (int, error) }
	lines chan line

	mu    sync.Mutex
	mails []Mail
}

type line struct {
	URL  string
	Mail *Mail
	Done bool
}

// Start compiles the TypeScript of a route, strictly, and serves it with these NAME=value variables of its environment, and
// SMTP_URL. It ends with the test.
func Start(t testing.TB, source string, variables ...string) *Route {
	t.Helper()
	dir, err := npm.Install(t.Context(), packages, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Node looks for packages in the folder of the script that imports them.
	beside := t.TempDir()
	for name, text := range map[string]string{"route.ts": source, "driver.mjs": driver, "package.json": `{"type":"module"}`} {
		if err := os.WriteFile(filepath.Join(beside, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	modules := filepath.Join(dir, "node_modules")
	if err := os.Symlink(modules, filepath.Join(beside, "node_modules")); err != nil {
		t.Fatal(err)
	}
	compile := exec.CommandContext(t.Context(), "node", filepath.Join(modules, "typescript", "bin", "tsc"), "--strict", "--skipLibCheck", "--types", "node",
		"--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "dom,dom.iterable,esnext", "route.ts")
	compile.Dir = beside
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("the route does not compile: %v: %s", err, out)
	}
	if err := os.Rename(filepath.Join(beside, "route.js"), filepath.Join(beside, "route.mjs")); err != nil {
		t.Fatal(err)
	}

	r := &Route{t: t, lines: make(chan line)}
	node := exec.CommandContext(context.Background(), "node", "driver.mjs")
	node.Dir = beside
	node.Env = append(os.Environ(), variables...)
	complaints := &logbook.Book{}
	node.Stderr = complaints
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	r.stdin = stdin
	go r.listen(bufio.NewScanner(stdout))
	t.Cleanup(func() {
		stdin.Close() // then it ends
		kill := time.AfterFunc(patience, func() { node.Process.Kill() })
		defer kill.Stop()
		node.Wait()
		if t.Failed() {
			t.Logf("the route complained: %s", complaints)
		}
	})
	r.URL = r.next().URL
	return r
}

// listen reads what the process prints until it ends.
func (r *Route) listen(lines *bufio.Scanner) {
	defer close(r.lines)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			r.t.Errorf("node prints %s", lines.Text())
			continue
		}
		if l.Mail != nil {
			r.mu.Lock()
			r.mails = append(r.mails, *l.Mail)
			r.mu.Unlock()
			continue
		}
		r.lines <- l
	}
}

// next is what the process prints next.
func (r *Route) next() line {
	r.t.Helper()
	select {
	case l, ok := <-r.lines:
		if ok {
			return l
		}
		r.t.Fatal("node has ended")
	case <-time.After(patience):
		r.t.Fatal("node prints nothing")
	}
	return line{}
}

// Refuse has the SMTP server refuse every mail, or take them again.
func (r *Route) Refuse(refuse bool) {
	r.t.Helper()
	command := "take\n"
	if refuse {
		command = "refuse\n"
	}
	if _, err := r.stdin.Write([]byte(command)); err != nil {
		r.t.Fatal(err)
	}
	r.next()
}

// Mails returns the mails that have come, oldest first.
func (r *Route) Mails() []Mail {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mails)
}

// Wait waits until n mails have come.
func (r *Route) Wait(n int) []Mail {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if mails := r.Mails(); len(mails) >= n {
			return mails
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d mails, want %d", len(r.Mails()), n)
		}
	}
}

// Header returns a header of a mail, and "" if there is none.
func (m Mail) Header(name string) string {
	for text := range strings.Lines(m.Text) {
		text = strings.TrimRight(text, "\r\n")
		if text == "" {
			break
		}
		if key, value, _ := strings.Cut(text, ": "); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
