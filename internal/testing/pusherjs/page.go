package pusherjs

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
)

//go:embed page.mjs
var pageDriver string

// Page is the script of a page, with the real pusher-js, in a Node process of its own, which ends with its test. Of a
// document it has elements that keep text, and forms.
type Page struct {
	t     testing.TB
	stdin io.WriteCloser

	mu      sync.Mutex    // guards the fields below
	changed chan struct{} // closed, and replaced, when any of them changes
	texts   map[string]string
	ended   bool
	stderr  strings.Builder
}

// OpenPage runs a script as a page of an origin, such as "http://127.0.0.1:3000", and waits until it has run.
// environment is what a bundler would have put in: NAME=value, for process.env.NAME.
func OpenPage(t testing.TB, script, origin string, environment ...string) *Page {
	t.Helper()
	modules, err := npm.Install(t.Context(), map[string]string{"pusher-js": Version}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"driver.mjs": pageDriver, "page.mjs": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &Page{t: t, changed: make(chan struct{}), texts: map[string]string{}}
	node := exec.Command("node", filepath.Join(dir, "driver.mjs"), filepath.Join(dir, "page.mjs"), origin)
	node.Env = append(os.Environ(), environment...)
	node.Stderr = pageErrors{p}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = node.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatalf("node: %v", err)
	}
	ready, read := false, make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			var line struct {
				ID, Text string
				Ready    bool
			}
			p.change(func() {
				if json.Unmarshal(lines.Bytes(), &line) == nil {
					ready = ready || line.Ready
					p.texts[line.ID] = line.Text
				}
			})
		}
		p.change(func() { p.ended = true })
	}()
	t.Cleanup(func() {
		p.stdin.Close() // then it exits
		kill := time.AfterFunc(patience, func() { node.Process.Kill() })
		defer kill.Stop()
		<-read
		_ = node.Wait() // a page that failed was reported by wait
	})
	p.wait("the script has run", func() bool { return ready })
	return p
}

func (p *Page) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	close(p.changed)
	p.changed = make(chan struct{})
}

// Shows waits until an element's text contains one.
func (p *Page) Shows(id, text string) {
	p.t.Helper()
	p.wait(id+" shows "+text, func() bool { return strings.Contains(p.texts[id], text) })
}

// Text is what an element shows now; the lines that were appended to it stand on lines.
func (p *Page) Text(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.texts[id]
}

// Submit fills in a form and sends it.
func (p *Page) Submit(id string, values map[string]string) {
	p.t.Helper()
	line, err := json.Marshal(map[string]any{"submit": id, "values": values})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Page) wait(what string, is func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		done, ended, changed, said := is(), p.ended, p.changed, p.stderr.String()
		p.mu.Unlock()
		switch {
		case done:
			return
		case ended:
			p.t.Fatalf("the page ended before %s: %s", what, said)
		}
		select {
		case <-changed:
		case <-deadline:
			p.t.Fatalf("not within %v: %s: %q %s", patience, what, p.texts, said)
		}
	}
}

type pageErrors struct{ *Page }

func (p pageErrors) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(text)
}
