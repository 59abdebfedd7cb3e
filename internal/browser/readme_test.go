package browser_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"devinbox/internal/add"
	"devinbox/internal/dev/folder"
	"devinbox/internal/dev/npm"
	"devinbox/internal/dev/webapp"
	"devinbox/internal/testing/clientpackage"
)

// A fresh app of Next.js is made by this. Its package.json names exact versions of Next.js and React.
const generator, generatorVersion = "create-next-app", "16.4.3"

// fonts answers in place of Google when the fresh app is built: its layout asks for two fonts.
const fonts = `const face = (family) => "@font-face{font-family:'" + family + "';src:local('Arial')}";
const address = (family) => "https://fonts.googleapis.com/css2?family=" + family.replace(" ", "+") + ":wght@100..900&display=swap";
module.exports = Object.fromEntries(["Geist", "Geist Mono"].map((family) => [address(family), face(family)]));
`

// A code block, and the file that the paragraph before it begins with, if it does: that is the file to write it into.
var codeBlock = regexp.MustCompile("(?m)^(?:`([^`\n]+)`[^\n]*\n(?:[^\n]+\n)*\n)?```\\w+\n((?s:.*?))^```$")

// reader follows the README of the client package to the letter, in a fresh Next.js app.
type reader struct {
	app   string            // with the packages that the README names, and no file of it yet
	fresh string            // the app before that, which is kept
	files map[string]string // what is to be written, by the file's name; of next.config.ts, what is to be added
	cross string            // what is to be added to .env.local where devinbox is on another origin

	sources string // a digest of all that is compiled
}

// newReader reads the README, and installs a fresh app with the package as it is packed now.
func newReader(t *testing.T) *reader {
	t.Helper()
	sources, err := webapp.Digest(workspace, "client", "tsconfig.base.json", "package-lock.json", "../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(workspace + "/client/README.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{files: map[string]string{}, sources: sources}
	var commands []string
	for _, block := range codeBlock.FindAllStringSubmatch(string(readme), -1) {
		switch file, text := block[1], block[2]; {
		case file != "":
			r.files[file] = text
		case strings.HasPrefix(text, "NEXT_PUBLIC_"):
			r.cross = text
		case strings.HasPrefix(text, "npx "), strings.HasPrefix(text, "npm "):
			commands = append(commands, strings.Split(strings.TrimSpace(text), "\n")...)
		}
	}
	const archive = "../devinbox/web/devinbox-client-0.1.0.tgz"
	if len(commands) != 4 || commands[0] != "npx create-next-app@latest my-app --yes" || commands[1] != "cd my-app" ||
		!strings.HasPrefix(commands[2], "npm install "+archive+" ") || commands[3] != "npm run build && npm start" || r.cross == "" {
		t.Fatalf("the README's commands are %q, and it adds %q for another origin", commands, r.cross)
	}
	if page, err := os.ReadFile("../../docs/own-project.md"); err != nil || !strings.Contains(string(page), r.files["next.config.ts"]) {
		t.Errorf("docs/own-project.md has another rewrite than the one that is tried here: %v", err)
	}
	lines := 0
	for _, text := range r.files {
		lines += strings.Count(text, "\n")
	}
	if lines > 60 {
		t.Errorf("a reader of the README writes %d lines, want 60 at most", lines)
	}

	// The page of the whole project's README is one more in the same app.
	front, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, block := range codeBlock.FindAllStringSubmatch(string(front), -1) {
		if strings.HasPrefix(block[2], "\"use client\";\n") {
			pages = append(pages, block[2])
		}
	}
	if len(pages) != 1 {
		t.Fatalf("the project's README has %d pages", len(pages))
	}
	r.files["app/short/page.tsx"] = pages[0]

	// Where the README has it: the app beside the folder of devinbox.
	folder := makeFolder(t)
	r.app = filepath.Join(folder, "my-app")
	r.fresh = freshApp(t, strings.Fields(commands[2])[3:])
	link(t, r.fresh, r.app)
	checkout := clientpackage.Copy(t, workspace)
	modules, err := filepath.Abs(workspace + "/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(checkout, "node_modules")); err != nil {
		t.Fatal(err)
	}
	copyFile(t, clientpackage.Pack(t, checkout), filepath.Join(r.app, archive))
	execute(t, r.app, []string{"npm_config_prefer_offline=true"}, "sh", "-c", commands[2])
	return r
}

// serve makes a deployment, has the README's app for it built and started in a folder of its own, and returns both: the
// app by its address.
func (r *reader) serve(t *testing.T, crossOrigin bool, example http.Handler, settings map[string]string) (*deployment, string) {
	t.Helper()
	var app atomic.Pointer[webapp.App]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { app.Load().ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	dir := filepath.Join(makeFolder(t), "my-app")
	link(t, r.app, dir)
	for file, text := range r.files {
		switch {
		case file == ".env.local" && crossOrigin:
			text += r.cross
		case file == "next.config.ts":
			if crossOrigin { // no rewrite; and the types of the same files are checked in the other app
				text = "  typescript: { ignoreBuildErrors: true },\n"
			}
			const options = "  /* config options here */\n"
			config, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || !strings.Contains(string(config), options) {
				t.Fatalf("the fresh app has no options in its next.config.ts: %s %v", config, err)
			}
			text = strings.Replace(string(config), options, options+text, 1)
		}
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if crossOrigin {
		settings["CHAT_ALLOWED_ORIGINS"] = front.URL
	} else {
		r.addFunctions(t, dir)
	}
	d := newDeployment(t, example, settings)
	// This goes before what .env.local says: each run has ports of its own.
	environment := []string{"CHAT_JWT_SECRET=" + jwtSecret, "DEVINBOX_URL=" + d.server.URL}
	if crossOrigin {
		environment = append(environment, "NEXT_PUBLIC_"+environment[1])
	}
	mocked := filepath.Join(dir, "..", "fonts.js")
	if err := os.WriteFile(mocked, []byte(fonts), 0o600); err != nil {
		t.Fatal(err)
	}
	r.build(t, dir, append(environment, "NEXT_TELEMETRY_DISABLED=1", "NEXT_FONT_GOOGLE_MOCKED_RESPONSES="+mocked))
	served, err := webapp.Serve(t.Context(), dir, environment, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := served.Stop(); err != nil {
			t.Error(err)
		}
	})
	app.Store(served)
	return d, front.URL
}

// addFunctions has the app take the functions in, as one Vercel project has both: its pages and its route handler must be
// what they were. What serves the functions here stays behind the rewrite, for Next.js alone does not serve them.
func (r *reader) addFunctions(t *testing.T, dir string) {
	t.Helper()
	const settings = `{"framework":"nextjs","headers":[{"source":"/(.*)","headers":[{"key":"X-Own","value":"1"}]}]`
	if err := os.WriteFile(filepath.Join(dir, "vercel.json"), []byte(settings+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := ownFiles(t, dir)
	result, err := add.Run(add.Options{Source: os.DirFS("../.."), Dir: dir})
	if err != nil || len(result.Functions) != 12 || len(result.Notes) > 0 {
		t.Fatalf("%+v %v", result, err)
	}
	after := ownFiles(t, dir)
	for name, text := range before {
		if name != "vercel.json" && after[name] != text {
			t.Errorf("%s of the app was changed", name)
		}
	}
	merged := jsontext.Value(after["vercel.json"])
	if err := merged.Compact(); err != nil || !strings.HasPrefix(string(merged), settings+",") || strings.Contains(string(merged), "Content-Security-Policy") {
		t.Errorf("the app's vercel.json became %s %v", merged, err)
	}
}

// ownFiles are the files of an app outside its packages, by name.
func ownFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// build builds an app with what the compiler has kept of the last build on this machine: that takes a third of the time.
// What this build adds is kept if the sources are others.
func (r *reader) build(t *testing.T, dir string, environment []string) {
	t.Helper()
	lock, err := folder.Lock(t.Context(), r.fresh+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	const compiled = ".next/cache"
	kept, stamp := r.fresh+".compiled", r.fresh+".compiled-of"
	if _, err := os.Stat(kept); err == nil {
		if err := os.CopyFS(filepath.Join(dir, compiled), os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, dir, environment, "npm", "run", "build")
	if of, err := os.ReadFile(stamp); err == nil && string(of) == r.sources {
		return
	}
	copied := filepath.Join(makeFolder(t), "compiled")
	err = errors.Join(os.CopyFS(copied, os.DirFS(filepath.Join(dir, compiled))), os.RemoveAll(kept), os.Rename(copied, kept), os.WriteFile(stamp, []byte(r.sources), 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

// freshApp returns a folder that holds what the generator makes, with its packages and some more. It is made once and
// kept in the cache, because installing 500 MB takes longer than all that is tested with it.
func freshApp(t *testing.T, packages []string) string {
	t.Helper()
	tool, err := npm.Install(t.Context(), map[string]string{generator: generatorVersion}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(apps(t), strings.Join(append([]string{generatorVersion}, packages...), "+"))
	lock, err := folder.Lock(t.Context(), dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	fmt.Fprintln(t.Output(), "Installing a fresh Next.js app (once, about a minute)")
	staging := makeFolder(t)
	execute(t, staging, []string{"CI=1"}, "node", filepath.Join(tool, "node_modules", generator, "dist/index.js"), "my-app", "--yes", "--skip-install", "--disable-git")
	app := filepath.Join(staging, "my-app")
	execute(t, app, nil, "npm", append([]string{"install", "--no-audit", "--no-fund"}, packages...)...)
	if err := os.Rename(app, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// apps is the folder of the cache where fresh apps are, and those that are used: on one file system, for the links.
func apps(t *testing.T) string {
	t.Helper()
	cache, err := folder.Cache()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "next-apps")
	if err := folder.Make(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func makeFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(apps(t), "run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// link makes a copy of an app, the files of whose packages are the same ones: nothing writes into them.
func link(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		switch {
		case entry.IsDir():
			return os.Mkdir(target, 0o700)
		case entry.Type() == fs.ModeSymlink:
			leads, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(leads, target)
		case strings.HasPrefix(below, "node_modules"+string(filepath.Separator)):
			return os.Link(path, target)
		default:
			copyFile(t, path, target)
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// execute runs a command. What it prints is shown where the test fails.
func execute(t *testing.T, dir string, environment []string, name string, arguments ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Dir = dir
	c.Env = append(os.Environ(), environment...)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	if err := c.Run(); err != nil {
		t.Fatalf("%s %v: %v", name, arguments, err)
	}
}
