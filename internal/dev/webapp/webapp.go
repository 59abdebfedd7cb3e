// Package webapp runs the web example of the project for development and tests: it installs the dependencies of
// the workspace web/, builds the client package, and starts Next.js.
package webapp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"devinbox/internal/dev/folder"
	"devinbox/internal/dev/npm"
)

const (
	// startTimeout is how long Next.js may take until it answers, including compiling.
	startTimeout = 2 * time.Minute
	// stopTimeout is how long it may take to end before it is killed.
	stopTimeout = 3 * time.Second
)

// Options say what to run, and how.
type Options struct {
	Workspace   string    // the folder web/ of the project
	Environment []string  // KEY=value lines, on top of this process's own
	Progress    io.Writer // gets lines, for a person to read, about what takes time
	Output      io.Writer // gets what Next.js prints

	// Production builds the example and serves the build, as a deployment does. Without it, Next.js compiles each page
	// when it is requested, and reloads what changes.
	Production bool
}

// App is a running Next.js. It is an [http.Handler] that passes everything on to it, including WebSockets.
type App struct {
	http.Handler
	process *exec.Cmd
	leash   *os.File // Next.js ends when this is closed, also because this process ends
	ended   chan struct{}
}

// Start installs, builds and starts, and returns when Next.js answers.
// Errors: no Node or npm on this machine; an installation or a build that fails; a Next.js that does not start.
// Each says what helps.
func Start(ctx context.Context, o Options) (*App, error) {
	steps := []step{install, buildClient} // the tools that check and test the workspace are not needed to run it
	if o.Production {
		steps = append(steps, buildExample)
	}
	if err := prepare(ctx, o.Workspace, o.Progress, steps...); err != nil {
		return nil, err
	}
	fmt.Fprintln(o.Progress, "Starting the web example")
	mode := "dev"
	if o.Production {
		mode = "start"
	}
	return start(ctx, filepath.Join(o.Workspace, "example"), "../"+next, mode, o.Environment, o.Output)
}

// Serve starts a Next.js app that is built, in the folder dir with packages of its own, and returns when it answers.
// environment is on top of this process's own; output gets what Next.js prints.
func Serve(ctx context.Context, dir string, environment []string, output io.Writer) (*App, error) {
	return start(ctx, dir, next, "start", environment, output)
}

// next is where the packages of an app have Next.js.
const next = "node_modules/next/dist/bin/next"

func start(ctx context.Context, dir, program, mode string, environment []string, output io.Writer) (*App, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()

	process := exec.Command("sh", "-c", watch, "sh", "node", program, mode, "--hostname", "127.0.0.1", "--port", fmt.Sprint(address.Port))
	process.Dir = dir
	process.Env = append(append(os.Environ(), noTelemetry), environment...)
	if isTerminal(output) {
		process.Env = append(process.Env, "FORCE_COLOR=1") // NO_COLOR goes before it
	}
	quiet := withoutAddresses(output)
	process.Stdout, process.Stderr = quiet, quiet
	a, err := launch(process, quiet.flush)
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: "http", Host: address.String()}
	a.Handler = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // Next.js compares it with the origin of a page
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "The web example does not answer.", http.StatusBadGateway)
		},
	}
	if err := a.await(ctx, address.String()); err != nil {
		a.Stop()
		return nil, err
	}
	return a, nil
}

// Prepare installs a workspace, with the tools that check and test it, if its lock file has changed since the last
// installation. It builds the client if its sources have changed since the last build. Several processes may call it
// at the same time.
// Errors: no Node or npm on this machine; an installation or a build that fails.
func Prepare(ctx context.Context, workspace string, progress io.Writer) error {
	return prepare(ctx, workspace, progress, installAll, installTools, buildClient)
}

// PrepareClient installs what the example needs to run, and builds the client, if their sources have changed since that was
// done last. Several processes may call it at the same time.
// Errors: no Node or npm on this machine; an installation or a build that fails.
func PrepareClient(ctx context.Context, workspace string, progress io.Writer) error {
	return prepare(ctx, workspace, progress, install, buildClient)
}

// step is something that npm does again only when its sources have changed.
type step struct {
	stamp   string // the file that says for which state of the sources it was done
	doing   string
	sources []string
	npm     []string
	also    string // the stamp of another step that is done with this one
}

var (
	// install installs what the example needs to run: a tenth of all packages. It starts with an empty folder.
	install = step{
		stamp:   "node_modules/.installed",
		doing:   "Installing the web example's packages (once, about half a minute)",
		sources: []string{"package.json", "package-lock.json"},
		npm:     []string{"ci", "--omit=dev", "--no-audit", "--no-fund"},
	}
	// installTools adds the rest, so that an example that is running keeps running.
	installTools = step{
		stamp:   "node_modules/.installed-tools",
		doing:   "Installing the workspace's tools (once, about half a minute)",
		sources: install.sources,
		npm:     []string{"install", "--include=dev", "--no-save", "--no-audit", "--no-fund"},
	}
	// installAll does both, in less time, if neither was done.
	installAll = step{
		stamp:   install.stamp,
		doing:   "Installing the workspace's packages (once, about a minute)",
		sources: install.sources,
		npm:     []string{"ci", "--include=dev", "--no-audit", "--no-fund"},
		also:    installTools.stamp,
	}
	buildClient = step{
		stamp:   "client/dist/.built",
		doing:   "Building the client package",
		sources: []string{"package-lock.json", "tsconfig.base.json", "client/package.json", "client/tsconfig.json", "client/tsconfig.build.json", "client/src"},
		npm:     []string{"run", "build", "--workspace", "client"},
	}
	buildExample = step{
		stamp:   "example/.next/.built",
		doing:   "Building the web example (about a minute)",
		sources: []string{"package-lock.json", "client/package.json", "client/src", "example"},
		npm:     []string{"run", "build", "--workspace", "example"},
	}
)

func prepare(ctx context.Context, workspace string, progress io.Writer, steps ...step) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("the web example needs Node and npm: install Node 20 or later, or leave it out with --no-web")
	}
	held, err := lock(ctx, workspace)
	if err != nil {
		return err
	}
	defer folder.Release(held)
	for _, step := range steps {
		want, err := Digest(workspace, step.sources...)
		if err != nil {
			return err
		}
		at := func(stamp string) string { return filepath.Join(workspace, filepath.FromSlash(stamp)) }
		if got, err := os.ReadFile(at(step.stamp)); err == nil && string(got) == want {
			continue
		}
		quiet := report(progress, step.doing)
		command := exec.CommandContext(ctx, "npm", step.npm...)
		command.Dir = workspace // and no --prefix, with which npm would not read the machine's own settings
		command.Env = append(os.Environ(), noTelemetry)
		output, err := step.run(ctx, command)
		quiet()
		if err != nil {
			return step.failed(err, output)
		}
		for _, stamp := range []string{step.stamp, step.also} {
			if stamp == "" {
				continue
			}
			if err := os.WriteFile(at(stamp), []byte(want), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs npm and returns what it printed.
func (s step) run(ctx context.Context, command *exec.Cmd) (output string, err error) {
	if s.npm[0] != "run" {
		return npm.Run(ctx, command)
	}
	printed, err := command.CombinedOutput()
	return string(printed), err
}

// failed is the error of an npm that failed, of which output is what it printed. Of an installation npm's own words are
// told; a build prints the words of other programs, so all of them.
func (s step) failed(err error, output string) error {
	command := "npm " + strings.Join(s.npm, " ")
	if s.npm[0] == "run" {
		return fmt.Errorf("%s in web/ failed (%w); --no-web leaves the web example out:\n%s", command, err, output)
	}
	why, words := npm.Explain(output)
	return fmt.Errorf("%s --no-web leaves the web example out.\n%s in web/ said:\n  %s", why, command, strings.Join(words, "\n  "))
}

// report prints what is being done, and from time to time that it is still under way, until the function that it
// returns is called.
func report(progress io.Writer, doing string) (quiet func()) {
	fmt.Fprintln(progress, doing)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		const every = 10 * time.Second
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for n := 1; ; n++ {
			select {
			case <-ticker.C:
				fmt.Fprintf(progress, "  … for %s\n", time.Duration(n)*every)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-over
	}
}

// noTelemetry keeps Next.js from sending telemetry.
const noTelemetry = "NEXT_TELEMETRY_DISABLED=1"

// Claim tells that the example of a workspace is run from here, by who it says, until the claim is closed: Next.js serves
// a folder for development once. If another process does it, holder says which.
func Claim(workspace, who string) (claimed io.Closer, holder string, err error) {
	file, err := lockFile(workspace, ".running")
	if err != nil {
		return nil, "", err
	}
	for _, pattern := range []string{"web-*.running", "web-*.lock"} { // each workspace has its own
		folder.Sweep(filepath.Dir(file), pattern)
	}
	return folder.Claim(file, who)
}

// lock makes other processes that prepare the same workspace wait, until it is given to [folder.Release].
func lock(ctx context.Context, workspace string) (*os.File, error) {
	file, err := lockFile(workspace, ".lock")
	if err != nil {
		return nil, err
	}
	return folder.Lock(ctx, file)
}

// lockFile is a file of a workspace's in the cache.
func lockFile(workspace, extension string) (string, error) {
	absolute, err := filepath.Abs(workspace)
	if err != nil {
		return "", err
	}
	cache, err := folder.Cache()
	if err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(absolute))
	return filepath.Join(cache, "web-"+hex.EncodeToString(name[:8])+extension), nil
}

// made are the files and folders that the tools create beside the sources.
var made = map[string]bool{"node_modules": true, "dist": true, ".next": true, "next-env.d.ts": true, "tsconfig.tsbuildinfo": true, "test-results": true}

// Digest returns a digest of sources, which are files and folders below root. It reads every file, so that `go test`,
// which caches results, knows that they depend on it.
func Digest(root string, sources ...string) (string, error) {
	sum := sha256.New()
	for _, source := range sources {
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(source)), func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case made[entry.Name()] && entry.IsDir():
				return fs.SkipDir
			case made[entry.Name()] || entry.IsDir():
				return nil
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			below, err := filepath.Rel(root, name) // the same for every spelling of root
			fmt.Fprintf(sum, "%s %d\n%s", below, len(text), text)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// watch runs a command until the command ends, or the leash, its file 3.
const watch = `"$@" & child=$!
{ cat <&3; kill "$child"; } >/dev/null 2>&1 &
wait "$child"`

// launch starts a process. over is called when it has ended.
func launch(process *exec.Cmd, over func()) (*App, error) {
	end, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer end.Close()
	process.ExtraFiles = []*os.File{end}
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches this process only, which then ends it
	process.WaitDelay = stopTimeout
	if err := process.Start(); err != nil {
		leash.Close()
		return nil, err
	}
	a := &App{process: process, leash: leash, ended: make(chan struct{})}
	go func() {
		_ = process.Wait()
		over()
		close(a.ended)
	}()
	return a, nil
}

// await waits until Next.js answers a request for its first page.
func (a *App) await(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			return nil
		}
		select {
		case <-a.ended:
			return errors.New("the web example ended as it started; its own words are above")
		case <-ctx.Done():
			return errors.New("the web example did not answer; --no-web leaves it out")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends Next.js and what it started.
func (a *App) Stop() error {
	a.leash.Close()
	select {
	case <-a.ended:
	case <-time.After(stopTimeout):
	}
	// End what is left of its group. It is an error if nothing is, which does not matter.
	_ = syscall.Kill(-a.process.Process.Pid, syscall.SIGKILL)
	<-a.ended
	return nil
}
