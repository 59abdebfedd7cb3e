package handler_test

import (
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"devinbox/internal/serve"
)

// These are the rules of Vercel's Go builder. It keeps none of them for us: what breaks one fails late, on
// deployment, or silently, by serving something else.

const root = ".."

// maxFunctions is how many functions a deployment of the Hobby plan may have.
const maxFunctions = 12

// maxLines is a rule of ours: a function is understood in a minute.
const maxLines = 40

// function is one file of api/ that Vercel makes a function of.
type function struct {
	file   string // from the project's root, such as api/messages/send.go
	source string
	syntax *ast.File
}

func functions(t *testing.T) []function {
	t.Helper()
	var found []function
	err := fs.WalkDir(os.DirFS(root), "api", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		found = append(found, function{name, string(source), syntax})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no function was found")
	}
	return found
}

// handlers are the exported functions of a file that take what an HTTP handler takes.
func (f function) handlers() (names []string) {
	for _, declaration := range f.syntax.Decls {
		d, ok := declaration.(*ast.FuncDecl)
		if ok && d.Name.IsExported() && d.Recv == nil {
			names = append(names, d.Name.Name)
		}
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestADeploymentHasAtMostTwelveFunctions(t *testing.T) {
	t.Parallel()
	if n := len(functions(t)); n > maxFunctions {
		t.Errorf("%d functions, and the limit is %d", n, maxFunctions)
	}
}

func TestEveryFileOfTheFolderIsServedByDevinboxToo(t *testing.T) {
	t.Parallel()
	var files []string
	for _, f := range functions(t) {
		route := "/" + strings.TrimSuffix(f.file, ".go")
		files = append(files, strings.TrimSuffix(route, "/index"))
	}
	var served []string
	for route := range serve.Functions {
		served = append(served, route)
	}
	slices.Sort(files)
	slices.Sort(served)
	if !slices.Equal(files, served) {
		t.Errorf("files:  %q\nserved: %q", files, served)
	}
}

func TestAFunctionIsOneExportedHandlerThatNothingElseMentions(t *testing.T) {
	t.Parallel()
	inFolder := map[string]string{}
	for _, f := range functions(t) {
		names := f.handlers()
		if len(names) != 1 {
			t.Errorf("%s: exported functions %q; exactly one must be", f.file, names)
			continue
		}
		name := names[0]
		if !strings.Contains(f.source, "\nfunc "+name+"(w http.ResponseWriter, r *http.Request) {\n") {
			t.Errorf("%s: %s must take (w http.ResponseWriter, r *http.Request), for the builder reads the text", f.file, name)
		}
		key := path.Dir(f.file) + "." + name
		if other, twice := inFolder[key]; twice {
			t.Errorf("%s and %s both export %s", f.file, other, name)
		}
		inFolder[key] = f.file

		// The builder renames " Name" wherever it stands, in strings too.
		code := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(f.source, "")
		if n := len(regexp.MustCompile(` `+name+`\b`).FindAllString(code, -1)); n != 1 {
			t.Errorf("%s: %q occurs %d times outside comments", f.file, " "+name, n)
		}
	}
}

func TestAFunctionBeginsWithItsPackageClause(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		if !strings.HasPrefix(f.source, "package ") {
			t.Errorf("%s: text before the package clause shifts the builder's offsets", f.file)
		}
	}
}

func TestAPackageUnderApiIsNotNamedLikeOneOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		name := f.syntax.Name.Name // the builder takes it as the name of a module
		if _, err := build.Default.Import(name, "", build.FindOnly); err == nil || name == "main" || name == "vendor" {
			t.Errorf("%s: package %s", f.file, name)
		}
	}
}

func TestAFunctionImportsTheStandardLibraryAndPkgAndEmbedsNothing(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		for _, spec := range f.syntax.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			standard := !strings.Contains(strings.SplitN(name, "/", 2)[0], ".") && !strings.HasPrefix(name, "devinbox/")
			if !standard && !strings.HasPrefix(name, "devinbox/pkg/") {
				t.Errorf("%s imports %s", f.file, name)
			}
			if strings.Contains("/"+name+"/", "/internal/") || name == "embed" || spec.Name != nil {
				t.Errorf("%s imports %s, which the builder refuses or overlooks", f.file, spec.Path.Value)
			}
		}
		if strings.Contains(f.source, "//go:") {
			t.Errorf("%s has a directive, which works in one of the builders only", f.file)
		}
	}
}

func TestAFunctionStandsAlone(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		// vercel dev copies the one file and nothing beside it.
		build := exec.Command("go", "build", "-o", os.DevNull, "./"+f.file)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s does not build by itself: %v\n%s", f.file, err, out)
		}
	}
}

func TestAFunctionIsUnderstoodInAMinute(t *testing.T) {
	t.Parallel()
	for _, f := range functions(t) {
		for _, declaration := range f.syntax.Decls {
			d, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			begin, end := int(d.Pos())-int(f.syntax.FileStart), int(d.End())-int(f.syntax.FileStart)
			if lines := strings.Count(f.source[begin:end], "\n") + 1; lines > maxLines {
				t.Errorf("%s: %s has %d lines, more than %d", f.file, d.Name.Name, lines, maxLines)
			}
		}
	}
}

func TestNamesOfFilesMeanTheSameEverywhere(t *testing.T) {
	t.Parallel()
	routes := map[string]string{}
	err := fs.WalkDir(os.DirFS(root), "api", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if base == "staticcheck.conf" {
			return nil // the linter's: Vercel makes functions of source files only
		}
		if !regexp.MustCompile(`^[a-z]+(_test)?(\.go)?$`).MatchString(base) {
			t.Errorf("%s: a name is one word of small letters; brackets, underscores and suffixes such as _linux change its meaning", name)
		}
		if entry.IsDir() || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		route := strings.TrimSuffix(strings.TrimSuffix(name, path.Ext(name)), "/index")
		if other, twice := routes[route]; twice {
			t.Errorf("%s and %s have the same path", name, other)
		}
		routes[route] = name
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoFileMakesVercelTakeTheProjectForAServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"main.go", "cmd/api/main.go", "cmd/server/main.go", "go.work", "package.json"} {
		if _, err := os.Stat(filepath.Join(root, name)); err == nil {
			t.Errorf("%s changes how Vercel builds", name)
		}
	}
}

func TestTheModuleFileSurvivesTheBuilder(t *testing.T) {
	t.Parallel()
	module := read(t, "go.mod")
	for _, line := range []string{"module devinbox", "go 1.26", "toolchain go1.26.8", "ignore node_modules"} {
		if !slices.Contains(strings.Split(module, "\n"), line) {
			t.Errorf("go.mod lacks the line %q", line)
		}
	}
	if !strings.HasSuffix(module, "\n") {
		t.Error("go.mod must end with a newline, for the builder appends to it")
	}
	for _, name := range []string{"github.com/vercel/go-bridge", "github.com/aws/aws-lambda-go"} {
		if !strings.Contains(module, "\t"+name+" v") {
			t.Errorf("go.mod does not pin %s: the builder would take what is newest", name)
		}
	}
}

func TestNothingOfTheSourceIsServed(t *testing.T) {
	t.Parallel()
	if strings.TrimSpace(read(t, "public/index.html")) == "" {
		t.Error("without a file in public/ Vercel serves the sources")
	}
	ignored := exec.Command("git", "check-ignore", "--quiet", "public/index.html")
	ignored.Dir = root
	if ignored.Run() == nil {
		t.Error("public/index.html is not committed, for git ignores it")
	}
}

// A page of public/ has the name of its file as well: /index.html is what / is.
func TestEveryPageHasAPolicyUnderEachOfItsNames(t *testing.T) {
	t.Parallel()
	var settings struct {
		Headers []struct {
			Source  string
			Headers []struct{ Key, Value string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "vercel.json")), &settings); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "public", "*.html"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	names := []string{"/"}
	for _, page := range pages {
		names = append(names, "/"+filepath.Base(page))
	}
	for _, name := range names {
		sent := map[string]string{}
		for _, rule := range settings.Headers {
			if rule.Source == name {
				for _, header := range rule.Headers {
					sent[header.Key] = header.Value
				}
			}
		}
		if policy := sent["Content-Security-Policy"]; !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s has the policy %q", name, policy)
		}
		if sent["X-Content-Type-Options"] != "nosniff" || sent["Referrer-Policy"] != "no-referrer" {
			t.Errorf("%s is sent with %v", name, sent)
		}
	}
}

func TestVercelJSONIsWhatTheBuilderNeeds(t *testing.T) {
	t.Parallel()
	var settings struct {
		Framework *string                         `json:"framework"`
		Build     struct{ Env map[string]string } `json:"build"`
		Functions map[string]struct {
			MaxDuration  int    `json:"maxDuration"`
			Architecture string `json:"architecture"`
		} `json:"functions"`
		Crons []struct{ Path string } `json:"crons"`
	}
	text := read(t, "vercel.json")
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.Framework != nil || !strings.Contains(text, `"framework": null`) {
		t.Error("framework must be null, for a stored preset would build one server and no function")
	}
	if settings.Build.Env["CGO_ENABLED"] != "0" {
		t.Error("build.env must set CGO_ENABLED to 0: with a C compiler about, the binary needs a C library")
	}
	for _, f := range functions(t) {
		covered := false
		for pattern, limits := range settings.Functions {
			covered = covered || pattern == f.file || pattern == "api/**/*.go"
			if limits.MaxDuration == 0 || limits.Architecture != "" {
				t.Errorf("functions[%q] must set maxDuration and no architecture", pattern)
			}
		}
		if !covered {
			t.Errorf("%s has no maxDuration", f.file)
		}
	}
	for pattern := range settings.Functions {
		if pattern != "api/**/*.go" && !slices.ContainsFunc(functions(t), func(f function) bool { return f.file == pattern }) {
			t.Errorf("functions[%q] matches no function, which fails the build", pattern)
		}
	}
	for _, cron := range settings.Crons {
		if serve.Functions[cron.Path] == nil {
			t.Errorf("the cron %s calls nothing", cron.Path)
		}
	}
}
