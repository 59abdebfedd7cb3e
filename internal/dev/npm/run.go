package npm

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// setting is one that says how patient npm is.
type setting struct {
	name   string
	itsOwn string // npm's default, with which it takes a quarter of an hour to say that a registry does not answer
	ours   string
}

var patience = []setting{
	{"fetch-retries", "2", "1"},
	{"fetch-retry-mintimeout", "10000", "1000"},
	{"fetch-retry-maxtimeout", "60000", "1000"},
	{"fetch-timeout", "300000", "30000"},
}

const (
	// lastWords is how long npm may take to end by itself.
	lastWords = time.Second
	// stopTimeout is how long npm may take to end when it is told to. In the middle of an installation it goes on until its
	// requests have ended.
	stopTimeout = 2 * time.Second
)

// Run runs an npm command that installs something, and returns what it printed. command must have its folder and its
// environment, and no outputs. npm says within about a minute that its registry does not answer, unless the user's own
// settings say how patient it is, in the environment or in a file.
//
// A registry that answers slowly is waited for. One that accepts connections and answers nothing is given up when the
// first requests could have failed for the last time: npm itself first tries all others, fifteen at a time, which takes
// minutes.
func Run(ctx context.Context, command *exec.Cmd) (output string, err error) {
	set := settings(ctx, command)
	command.Env = impatient(command.Env, set)
	command.Args = append(command.Args, "--loglevel=http") // so that each request is told
	w := &watcher{failed: make(chan struct{})}
	command.Stdout, command.Stderr = w, w
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = stopTimeout
	if err := command.Start(); err != nil {
		return "", err
	}
	ended, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-ended:
			return
		case <-w.failed:
		}
		for _, how := range []struct {
			after  time.Duration
			signal os.Signal
		}{{lastTry(set) + lastWords, syscall.SIGTERM}, {stopTimeout, os.Kill}} {
			select {
			case <-ended:
				return
			case <-time.After(how.after):
			}
			if w.isAnswered() {
				return
			}
			_ = command.Process.Signal(how.signal) // if it has just ended, there is nobody to tell
		}
	}()
	err = command.Wait()
	close(ended)
	<-over
	return w.text(), err
}

// settings asks npm what it would use, and puts ours in the place of its own defaults. If npm cannot be asked, all are ours.
func settings(ctx context.Context, like *exec.Cmd) map[string]string {
	arguments := []string{"--no-update-notifier", "config", "get"}
	set := map[string]string{}
	for _, s := range patience {
		arguments = append(arguments, s.name)
		set[s.name] = s.itsOwn
	}
	ask := exec.CommandContext(ctx, like.Path, arguments...)
	ask.Dir, ask.Env = like.Dir, like.Env
	said, _ := ask.Output() // if it fails, npm's own failure is told soon
	for line := range strings.Lines(string(said)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && set[name] != "" {
			set[name] = value
		}
	}
	for _, s := range patience {
		if set[s.name] == s.itsOwn && !has(like.Env, s.name) {
			set[s.name] = s.ours
		}
	}
	return set
}

// lastTry is how long after the first try of a request the last one has failed, if nothing is answered.
func lastTry(set map[string]string) time.Duration {
	retries, _ := strconv.Atoi(set["fetch-retries"])
	timeout, _ := strconv.Atoi(set["fetch-timeout"])
	pause, _ := strconv.Atoi(set["fetch-retry-maxtimeout"])
	return time.Duration(retries) * time.Duration(timeout+pause) * time.Millisecond
}

// Impatient returns an environment in which npm gives a request up after two tries of half a minute, unless the
// environment itself says how patient npm is. [Run] respects npm's files of settings as well.
func Impatient(environment []string) []string {
	set := map[string]string{}
	for _, s := range patience {
		set[s.name] = s.ours
	}
	return impatient(environment, set)
}

// impatient adds to an environment the settings that it does not have.
func impatient(environment []string, set map[string]string) []string {
	for _, s := range patience {
		if !has(environment, s.name) {
			environment = append(environment, variable(s.name)+"="+set[s.name])
		}
	}
	return environment
}

// variable is the name of the environment variable of a setting.
func variable(setting string) string { return "npm_config_" + strings.ReplaceAll(setting, "-", "_") }

// has tells whether an environment has a setting, in any spelling that npm takes.
func has(environment []string, setting string) bool {
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		if strings.ReplaceAll(strings.ToLower(name), "-", "_") == variable(setting) && value != "" {
			return true
		}
	}
	return false
}

var (
	// request matches what npm says of a request: that it was answered, by the registry or from its cache, or that it failed.
	request       = regexp.MustCompile(`(?m)^npm http (?:fetch|cache) .*$`)
	failedRequest = regexp.MustCompile(` attempt \d+ failed with `)
)

// watcher keeps what npm prints, and looks for a registry that answers nothing.
type watcher struct {
	failed chan struct{} // closed when a request has failed before any was answered

	mu        sync.Mutex
	printed   bytes.Buffer
	read      int // how much of it was looked at
	answered  bool
	hasFailed bool
}

// Write implements [io.Writer].
func (w *watcher) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.printed.Write(text)
	whole := max(w.read, bytes.LastIndexByte(w.printed.Bytes(), '\n')+1)
	for _, line := range request.FindAll(w.printed.Bytes()[w.read:whole], -1) {
		switch {
		case !failedRequest.Match(line):
			w.answered = true
		case !w.answered && !w.hasFailed:
			w.hasFailed = true
			close(w.failed)
		}
	}
	w.read = whole
	return len(text), nil
}

func (w *watcher) isAnswered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered
}

// text is what was printed, without the requests.
func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := strings.TrimSpace(request.ReplaceAllString(w.printed.String(), ""))
	if rest == "" && w.hasFailed && !w.answered { // npm was ended before it said anything, so this is said in its place
		return "npm error code ETIMEDOUT\nnpm error the registry accepts connections, and answers nothing\n"
	}
	return rest
}
