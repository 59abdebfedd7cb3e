package add

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sourcesOf is a small devinbox, at some version of its own.
func sourcesOf(version string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"api/session.go":                  "package handler // " + version,
		"api/staticcheck.conf":            "",
		"api/messages/send.go":            "package messages",
		"api/messages/send_test.go":       "package messages_test",
		"pkg/chat/chat.go":                "package chat // " + version,
		"pkg/chat/testdata/bodies.json":   "{}",
		"pkg/postgres/migrations/001.sql": "select 1",
		"internal/serve/serve.go":         "package serve",
		"web/example/app/page.tsx":        "",
		"go.mod":                          "module example.com/somebody/devinbox\n",
		"go.sum":                          "a v1 h1:1\nb v1 h1:2\n",
		"LICENSE":                         "MIT",
		".env.example":                    "# The database.\nDATABASE_URL=postgres://host\n\n# Of " + version + ".\nCHAT_JWT_SECRET=\n",
		"vercel.json":                     settingsOf("10", "0 4 * * *"),
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func settingsOf(seconds, schedule string) string {
	return `{"$schema": "https://openapi.vercel.sh/vercel.json", "framework": null, "build": {"env": {"CGO_ENABLED": "0"}},
		"functions": {"api/**/*.go": {"maxDuration": ` + seconds + `}}, "crons": [{"path": "/api/cron/deliver", "schedule": "` + schedule + `"}],
		"headers": [{"source": "/", "headers": [{"key": "Content-Security-Policy", "value": "default-src 'none'"}]}]}`
}

// nextApp is the folder of a Next.js project with these files.
func nextApp(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{"package.json": `{"dependencies": {"next": "16.4.3"}}`, "app/page.tsx": "export default () => null"})
	put(t, dir, files)
	return dir
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is what a folder holds, by name.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
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

func run(t *testing.T, source fs.FS, dir string) Result {
	t.Helper()
	result, err := Run(Options{Source: source, Version: "v1.0.0", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// sameJSON requires that two texts say the same.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	g, w := jsontext.Value(got), jsontext.Value(want)
	if err := errors.Join(g.Canonicalize(), w.Canonicalize()); err != nil || string(g) != string(w) {
		t.Errorf("%v\ngot  %s\nwant %s", err, g, w)
	}
}

func TestAProjectGetsWhatTheFunctionsNeedAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := nextApp(t, nil)
	before := everything(t, dir)
	result := run(t, sourcesOf("1"), dir)
	want := []string{
		".env.example", "api/messages/send.go", "api/session.go", "go.mod", "go.sum", "pkg/LICENSE", "pkg/chat/chat.go",
		"pkg/postgres/migrations/001.sql", "vercel.json",
	}
	if !slices.Equal(result.Written, want) || result.Removed != nil || result.Notes != nil {
		t.Errorf("%+v, want %q written", result, want)
	}
	if !slices.Equal(result.Functions, []string{"/api/messages/send", "/api/session"}) {
		t.Errorf("functions %q", result.Functions)
	}
	after := everything(t, dir)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s of the project was changed", name)
		}
	}
	if len(after) != len(before)+len(want)+1 {
		t.Errorf("files: %q", slices.Sorted(maps.Keys(after)))
	}
	sameJSON(t, after["vercel.json"], `{"$schema": "https://openapi.vercel.sh/vercel.json", "build": {"env": {"CGO_ENABLED": "0"}},
		"functions": {"api/**/*.go": {"maxDuration": 10}}, "crons": [{"path": "/api/cron/deliver", "schedule": "0 4 * * *"}]}`)
	var m manifest
	if err := json.Unmarshal([]byte(after[manifestName]), &m); err != nil || m.Module != "example.com/somebody/devinbox" || m.Version != "v1.0.0" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestASecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	dir := nextApp(t, map[string]string{"vercel.json": `{"crons":[{"path":"/api/own","schedule":"0 0 * * *"}]}`, ".env.example": "OWN=1"})
	run(t, sourcesOf("1"), dir)
	before := everything(t, dir)
	if result := run(t, sourcesOf("1"), dir); len(result.Written)+len(result.Removed) > 0 {
		t.Errorf("%+v", result)
	}
	if !maps.Equal(everything(t, dir), before) {
		t.Error("something was changed")
	}
}

func TestAnUpgradeReplacesWhatNobodyEditedAndTakesAwayWhatIsNotNeeded(t *testing.T) {
	t.Parallel()
	dir := nextApp(t, map[string]string{".env.example": "OWN=1\n"})
	run(t, sourcesOf("1"), dir)
	later := sourcesOf("2")
	delete(later, "pkg/postgres/migrations/001.sql")
	later["pkg/web/web.go"] = &fstest.MapFile{Data: []byte("package web")}
	later["vercel.json"].Data = []byte(settingsOf("20", "0 5 * * *"))
	put(t, dir, map[string]string{"go.sum": "a v1 h1:1\n"}) // as the go command leaves it

	result := run(t, later, dir)
	if !slices.Equal(result.Written, []string{".env.example", "api/session.go", "pkg/chat/chat.go", "pkg/web/web.go", "vercel.json"}) ||
		!slices.Equal(result.Removed, []string{"pkg/postgres/migrations/001.sql"}) {
		t.Errorf("%+v", result)
	}
	after := everything(t, dir)
	if !strings.HasSuffix(after["api/session.go"], "// 2") || !strings.HasPrefix(after[".env.example"], "OWN=1\n") || !strings.Contains(after[".env.example"], "# Of 2.") || strings.Contains(after[".env.example"], "# Of 1.") {
		t.Errorf("%q", after)
	}
	if _, err := os.Stat(filepath.Join(dir, "pkg/postgres")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder is left: %v", err)
	}
	sameJSON(t, after["vercel.json"], `{"$schema": "https://openapi.vercel.sh/vercel.json", "build": {"env": {"CGO_ENABLED": "0"}},
		"functions": {"api/**/*.go": {"maxDuration": 20}}, "crons": [{"path": "/api/cron/deliver", "schedule": "0 5 * * *"}]}`)
}

func TestARunThatWasInterruptedIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	dir := nextApp(t, nil)
	run(t, sourcesOf("1"), dir)
	later := sourcesOf("2")
	put(t, dir, map[string]string{"api/session.go": string(later["api/session.go"].Data)}) // and the manifest is still the old one
	if result := run(t, later, dir); !slices.Equal(result.Written, []string{".env.example", "pkg/chat/chat.go"}) {
		t.Errorf("%+v", result)
	}
}

func TestVercelJSONKeepsWhatTheProjectHasDecided(t *testing.T) {
	t.Parallel()
	const first, second = `"functions": {"api/**/*.go": {"maxDuration": 10}}`, `"functions": {"api/**/*.go": {"maxDuration": 20}}`
	const cgo, cron, laterCron = `"build": {"env": {"CGO_ENABLED": "0"}}`, `{"path": "/api/cron/deliver", "schedule": "0 4 * * *"}`, `{"path": "/api/cron/deliver", "schedule": "0 5 * * *"}`
	for _, test := range []struct {
		name, there string
		edit        func(string) string // between the first run and the upgrade
		first       string
		upgraded    string
	}{
		{
			name:     "its headers, its framework and its other settings",
			there:    `{"framework": "nextjs", "headers": [{"source": "/(.*)", "headers": [{"key": "X-Own", "value": "1"}]}], "regions": ["fra1"], "build": {"env": {"OWN": "1"}}}`,
			first:    `{"framework": "nextjs", "headers": [{"source": "/(.*)", "headers": [{"key": "X-Own", "value": "1"}]}], "regions": ["fra1"], "build": {"env": {"OWN": "1", "CGO_ENABLED": "0"}}, ` + first + `, "crons": [` + cron + `]}`,
			upgraded: `{"framework": "nextjs", "headers": [{"source": "/(.*)", "headers": [{"key": "X-Own", "value": "1"}]}], "regions": ["fra1"], "build": {"env": {"OWN": "1", "CGO_ENABLED": "0"}}, ` + second + `, "crons": [` + laterCron + `]}`,
		},
		{
			name:     "its other functions and crons",
			there:    `{"functions": {"app/api/own/route.ts": {"maxDuration": 5}}, "crons": [{"path": "/api/own", "schedule": "0 1 * * *"}]}`,
			first:    `{` + cgo + `, "functions": {"app/api/own/route.ts": {"maxDuration": 5}, "api/**/*.go": {"maxDuration": 10}}, "crons": [{"path": "/api/own", "schedule": "0 1 * * *"}, ` + cron + `]}`,
			upgraded: `{` + cgo + `, "functions": {"app/api/own/route.ts": {"maxDuration": 5}, "api/**/*.go": {"maxDuration": 20}}, "crons": [{"path": "/api/own", "schedule": "0 1 * * *"}, ` + laterCron + `]}`,
		},
		{
			name:     "what it had under the same names",
			there:    `{"functions": {"api/**/*.go": {"maxDuration": 30}}}`,
			first:    `{` + cgo + `, "functions": {"api/**/*.go": {"maxDuration": 30}}, "crons": [` + cron + `]}`,
			upgraded: `{` + cgo + `, "functions": {"api/**/*.go": {"maxDuration": 30}}, "crons": [` + laterCron + `]}`,
		},
		{
			name:     "a schedule that it has changed since",
			there:    `{}`,
			edit:     func(text string) string { return strings.Replace(text, "0 4 * * *", "* * * * *", 1) },
			first:    `{` + cgo + `, ` + first + `, "crons": [` + cron + `]}`,
			upgraded: `{` + cgo + `, ` + second + `, "crons": [{"path": "/api/cron/deliver", "schedule": "* * * * *"}]}`,
		},
		{
			name:     "a cron that it has taken out since",
			there:    `{}`,
			edit:     func(string) string { return `{` + cgo + `, ` + first + `, "crons": []}` },
			first:    `{` + cgo + `, ` + first + `, "crons": [` + cron + `]}`,
			upgraded: `{` + cgo + `, ` + second + `, "crons": []}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := nextApp(t, map[string]string{"vercel.json": test.there})
			run(t, sourcesOf("1"), dir)
			text := everything(t, dir)["vercel.json"]
			sameJSON(t, text, test.first)
			if test.edit != nil {
				put(t, dir, map[string]string{"vercel.json": test.edit(text)})
			}
			later := sourcesOf("2")
			later["vercel.json"].Data = []byte(settingsOf("20", "0 5 * * *"))
			run(t, later, dir)
			sameJSON(t, everything(t, dir)["vercel.json"], test.upgraded)
		})
	}
}

func TestWhatIsInTheWayIsNamedAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		added bool // whether devinbox was added before the files were put there
		says  []string
	}{
		{name: "a function in another language", files: map[string]string{"api/session.ts": ""}, says: []string{"api/session.ts serves /api/session"}},
		{name: "a function as a folder", files: map[string]string{"api/messages/send/index.js": ""}, says: []string{"api/messages/send/index.js serves /api/messages/send"}},
		{name: "a route handler", files: map[string]string{"app/api/session/route.ts": ""}, says: []string{"app/api/session/route.ts serves /api/session"}},
		{name: "a route handler in groups, below src", files: map[string]string{"src/app/(a)/api/(b)/messages/@c/send/route.js": ""}, says: []string{"src/app/(a)/api/(b)/messages/@c/send/route.js serves /api/messages/send"}},
		{name: "a page of the URL", files: map[string]string{"app/api/session/page.mdx": ""}, says: []string{"app/api/session/page.mdx serves"}},
		{name: "API routes", files: map[string]string{"pages/api/session.ts": "", "src/pages/api/messages/send/index.ts": ""}, says: []string{"pages/api/session.ts serves /api/session", "src/pages/api/messages/send/index.ts serves /api/messages/send"}},
		{name: "a static file", files: map[string]string{"public/api/session": ""}, says: []string{"public/api/session serves"}},
		{name: "a file of the same name", files: map[string]string{"api/session.go": "package own"}, says: []string{"api/session.go is there already"}},
		{name: "a Go module", files: map[string]string{"go.mod": "module own\n", "go.sum": ""}, says: []string{"go.mod is there already", "go.sum is there already"}},
		{name: "a file in place of a folder", files: map[string]string{"pkg": ""}, says: []string{"pkg/LICENSE cannot be read", "pkg/chat/chat.go cannot be read", "001.sql cannot be read"}},
		{name: "a folder in place of a file", files: map[string]string{"vercel.json/x": ""}, says: []string{"vercel.json is there already, and is not a file"}},
		{name: "an edited file", added: true, files: map[string]string{"pkg/chat/chat.go": "package chat // mine", "api/session.go": "package handler // mine"}, says: []string{"pkg/chat/chat.go was edited", "api/session.go was edited"}},
		{name: "an edited part of .env.example", added: true, files: map[string]string{".env.example": variablesBegin + "MINE=1\n" + variablesEnd}, says: []string{".env.example was edited"}},
		{name: "half a part of .env.example", added: true, files: map[string]string{".env.example": variablesBegin + "MINE=1\n"}, says: []string{".env.example lacks the line"}},
		{name: "an edited file that is not needed any more", added: true, files: map[string]string{"pkg/postgres/migrations/001.sql": "select 2"}, says: []string{"001.sql was edited since devinbox wrote it, and is not needed any more"}},
		{name: "a manifest that cannot be read", added: true, files: map[string]string{manifestName: "<<<<<<< HEAD"}, says: []string{manifestName + " cannot be read"}},
		{name: "settings in a program", files: map[string]string{"vercel.ts": ""}, says: []string{"vercel.ts has the settings"}},
		{name: "settings that are not JSON", files: map[string]string{"vercel.json": "{"}, says: []string{"vercel.json is not a JSON object"}},
		{name: "settings of another form", files: map[string]string{"vercel.json": `{"crons": {}, "functions": []}`}, says: []string{`"crons" is not what Vercel takes`, `"functions" is not what Vercel takes`}},
		{name: "builds of its own", files: map[string]string{"vercel.json": `{"builds": []}`}, says: []string{`vercel.json has "builds"`}},
		{name: "no project", files: map[string]string{"package.json": "{}"}, says: []string{"does not name next"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := nextApp(t, nil)
			source := sourcesOf("1")
			if test.added {
				run(t, source, dir)
				source = sourcesOf("2")
				delete(source, "pkg/postgres/migrations/001.sql")
			}
			put(t, dir, test.files)
			before := everything(t, dir)
			_, err := Run(Options{Source: source, Version: "v2.0.0", Dir: dir})
			var refusal *Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("it is not refused: %v", err)
			}
			for _, text := range test.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %v", text, err)
				}
			}
			if len(refusal.Reasons) != len(test.says) {
				t.Errorf("%d reasons, want %d: %v", len(refusal.Reasons), len(test.says), err)
			}
			if !maps.Equal(everything(t, dir), before) {
				t.Error("something was changed")
			}
		})
	}
}

func TestALinkOutOfTheProjectIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir, elsewhere := nextApp(t, nil), t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(dir, "api")); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(Options{Source: sourcesOf("1"), Dir: dir}); err == nil {
		t.Error("it is not refused")
	}
	if written := everything(t, elsewhere); len(written) > 0 {
		t.Errorf("written outside: %q", written)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was half done: %v", err)
	}
}

func TestWhatIsAtOtherURLsStaysAndWhatMatchesByAPatternIsNoted(t *testing.T) {
	t.Parallel()
	dir := nextApp(t, map[string]string{
		"api/own.ts": "", "api/_lib/session.ts": "", "app/api/token/route.ts": "", "app/api/_parts/session/route.ts": "", "app/api/session/helper.ts": "",
		"pages/api/own.ts": "", "app/api/messages/[id]/route.ts": "", "app/api/[[...rest]]/route.ts": "", "app/api/messages/send/[id]/route.ts": "", "src/proxy.ts": "",
	})
	notes := strings.Join(run(t, sourcesOf("1"), dir).Notes, "\n")
	for _, text := range []string{
		"app/api/messages/[id]/route.ts also matches /api/messages/send:", "app/api/[[...rest]]/route.ts also matches /api/messages/send, /api/session:", "src/proxy.ts runs before",
	} {
		if !strings.Contains(notes, text) {
			t.Errorf("no note says %q:\n%s", text, notes)
		}
	}
	if n := strings.Count(notes, "\n") + 1; n != 3 {
		t.Errorf("%d notes:\n%s", n, notes)
	}
}

func TestTheProjectsOwnVariablesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	const own = "# Ours.\nDATABASE_URL=postgres://ours"
	dir := nextApp(t, map[string]string{".env.example": own})
	run(t, sourcesOf("1"), dir)
	text := everything(t, dir)[".env.example"]
	if !strings.HasPrefix(text, own+"\n\n"+variablesBegin) || strings.Count(text, "DATABASE_URL=") != 1 || !strings.Contains(text, "CHAT_JWT_SECRET=\n"+variablesEnd) {
		t.Error(text)
	}
	put(t, dir, map[string]string{".env.example": text + "\nCHAT_JWT_SECRET=x\n"}) // it is the project's from now on
	run(t, sourcesOf("1"), dir)
	if text := everything(t, dir)[".env.example"]; strings.Count(text, "CHAT_JWT_SECRET=") != 1 || !strings.HasSuffix(text, "\nCHAT_JWT_SECRET=x\n") {
		t.Error(text)
	}
}
