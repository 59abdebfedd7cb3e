package npm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"devinbox/internal/dev/folder"
)

// small is a package without dependencies and without a build.
var small = map[string]string{"tweetnacl": "1.0.3"}

// emptyCache is a folder that can be used as a cache, also by the account that owns the real one.
func emptyCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := folder.Give(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// names returns what is in a cache, except the locks, which stay.
func names(t *testing.T, cache string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(cache, "npm"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".lock" {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestAPackageIsInstalledWithWhatItDependsOn(t *testing.T) {
	t.Parallel()
	dir, err := Install(t.Context(), map[string]string{"pusher-js": "8.4.0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", "--print", `require("pusher-js/package.json").version + " " + typeof require("pusher-js") + " " + typeof require("tweetnacl").secretbox`)
	node.Dir = dir
	if out, err := node.CombinedOutput(); err != nil || string(out) != "8.4.0 function function\n" {
		t.Errorf("%v: %s", err, out)
	}
	cache, err := folder.Cache()
	if err != nil || !strings.HasPrefix(dir, cache+"/") {
		t.Errorf("%s is not in the cache %s (%v)", dir, cache, err)
	}
}

func TestASecondInstallationDoesNotRunNPM(t *testing.T) {
	t.Parallel()
	cache := emptyCache(t)
	var first, second strings.Builder
	one, err := install(t.Context(), cache, small, &first)
	if err != nil {
		t.Fatal(err)
	}
	two, err := install(t.Context(), cache, small, &second)
	if err != nil {
		t.Fatal(err)
	}
	if one != two || !strings.Contains(first.String(), "tweetnacl@1.0.3") || second.Len() != 0 {
		t.Errorf("%s then %s, reported %q then %q", one, two, &first, &second)
	}
}

func TestInstallationsAtOnceRunNPMOnce(t *testing.T) {
	t.Parallel()
	cache := emptyCache(t)
	var group sync.WaitGroup
	var dirs, progress [5]string
	for n := range dirs {
		group.Go(func() {
			var report strings.Builder
			dir, err := install(t.Context(), cache, small, &report)
			if err != nil {
				t.Error(err)
			}
			dirs[n], progress[n] = dir, report.String()
		})
	}
	group.Wait()
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("%s and %s for the same packages", dir, dirs[0])
		}
	}
	if got := strings.Count(strings.Join(progress[:], ""), "\n"); got != 1 {
		t.Errorf("npm ran %d times, want once", got)
	}
	if got := names(t, cache); len(got) != 1 {
		t.Errorf("the cache holds %q, want one installation", got)
	}
}

func TestOtherVersionsAreOtherFolders(t *testing.T) {
	t.Parallel()
	cache := emptyCache(t)
	one, err := install(t.Context(), cache, small, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := install(t.Context(), cache, map[string]string{"tweetnacl": "1.0.2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one == other {
		t.Errorf("%s for both", one)
	}
}

func TestAnInstallationThatLostFilesIsMadeAnew(t *testing.T) {
	t.Parallel()
	cache := emptyCache(t)
	dir, err := install(t.Context(), cache, small, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "node_modules", "tweetnacl")); err != nil {
		t.Fatal(err)
	}
	if _, err := install(t.Context(), cache, small, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "tweetnacl", "nacl.js")); err != nil {
		t.Error(err)
	}
}

func TestACutInstallationLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	cache := emptyCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancelling := writer(func() { cancel() }) // npm is about to start
	if _, err := install(ctx, cache, small, cancelling); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if got := names(t, cache); len(got) != 0 {
		t.Errorf("left %q", got)
	}
	// This is what a killed process leaves.
	dir, err := install(t.Context(), emptyCache(t), small, nil)
	if err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(cache, "npm", filepath.Base(dir)+".part", "node_modules", "tweetnacl")
	if err := os.MkdirAll(part, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := install(t.Context(), cache, small, nil); err != nil {
		t.Fatal(err)
	}
	if got := names(t, cache); len(got) != 1 {
		t.Errorf("the cache holds %q, want one installation", got)
	}
}

type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

func TestOnlyPackagesAtExactVersionsAreInstalled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, version string }{
		{"tweetnacl", "latest"}, {"tweetnacl", "^1.0.3"}, {"tweetnacl", "1"}, {"tweetnacl", ""},
		{"tweetnacl", "file:../x"}, {"../tweetnacl", "1.0.3"}, {"", "1.0.3"}, {"@scope", "1.0.3"}, {"a/b", "1.0.3"},
	} {
		if _, err := install(t.Context(), emptyCache(t), map[string]string{c.name: c.version}, nil); err == nil {
			t.Errorf("%s@%s: no error", c.name, c.version)
		}
	}
}

func TestAVersionThatDoesNotExistIsSaidToBeMissing(t *testing.T) {
	t.Parallel()
	cache := emptyCache(t)
	_, err := install(t.Context(), cache, map[string]string{"tweetnacl": "0.0.1-nobody.has.this"}, nil)
	if err == nil || !strings.Contains(err.Error(), "does not have it") || !strings.Contains(err.Error(), "tweetnacl@0.0.1-nobody.has.this") {
		t.Errorf("got %v", err)
	}
	if got := names(t, cache); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

func TestARegistryThatDoesNotAnswerIsSaidToBeOutOfReach(t *testing.T) {
	t.Setenv("npm_config_registry", "http://127.0.0.1:1/")
	t.Setenv("npm_config_fetch_retries", "0")
	t.Setenv("npm_config_cache", t.TempDir())
	_, err := install(t.Context(), emptyCache(t), small, nil)
	if err == nil || !strings.Contains(err.Error(), "Check the network") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutNPMTheRemedyIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := install(t.Context(), emptyCache(t), small, nil)
	if err == nil || !strings.Contains(err.Error(), "install Node.js") {
		t.Errorf("got %v", err)
	}
}

func TestTheProjectThatNPMWasStartedFromIsLeftAlone(t *testing.T) {
	project := t.TempDir()
	const manifest = `{"name": "project", "private": true, "workspaces": ["one"]}`
	if err := os.WriteFile(filepath.Join(project, "package.json"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(project)
	for name, value := range map[string]string{ // as set by `npm run --workspace one`, and settings that redirect
		"npm_config_local_prefix": project,
		"npm_config_prefix":       project,
		"npm_config_workspace":    "one",
		"npm_config_global":       "true",
		"npm_config_dry_run":      "true",
	} {
		t.Setenv(name, value)
	}
	if _, err := install(t.Context(), emptyCache(t), small, nil); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(project)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("package.json")
	if err != nil || string(text) != manifest || len(entries) != 1 {
		t.Errorf("the project holds %v, its manifest %s (%v)", entries, text, err)
	}
}

func TestAnInstallationBelongsToTheAccountThatRunsIt(t *testing.T) {
	t.Parallel()
	dir, err := install(t.Context(), emptyCache(t), small, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := uint32(os.Geteuid())
	if owner, err := folder.Owner(); err != nil {
		t.Fatal(err)
	} else if owner != nil {
		want = owner.Uid
	}
	err = filepath.WalkDir(filepath.Dir(dir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != want {
			t.Errorf("%s belongs to %d, want %d", path, info.Sys().(*syscall.Stat_t).Uid, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v (%v), want 0700", info.Mode(), err)
	}
}

// registry is a registry that fails, and the requests that it got.
func registry(t *testing.T) (url string, requests *atomic.Int32) {
	t.Helper()
	requests = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "the company's registry has a bad day", http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// The machine's own settings are in a file whose place follows from npm's prefix.
func TestTheMachinesOwnSettingsOfNPMAreKept(t *testing.T) {
	url, requests := registry(t)
	prefix, user := t.TempDir(), filepath.Join(t.TempDir(), "npmrc")
	if err := os.Mkdir(filepath.Join(prefix, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{filepath.Join(prefix, "etc", "npmrc"): "registry=" + url + "/\n", user: ""} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("npm_config_prefix", prefix)
	t.Setenv("npm_config_userconfig", user) // a person's settings go before
	t.Setenv("npm_config_registry", "")
	t.Setenv("npm_config_cache", t.TempDir())
	_, err := install(t.Context(), emptyCache(t), small, nil)
	if err == nil || requests.Load() == 0 {
		t.Fatalf("the registry of the settings gets %d requests (%v)", requests.Load(), err)
	}
	// And it fails with npm's own words, after one more try instead of minutes.
	if !strings.Contains(err.Error(), "503 Service Unavailable") || requests.Load() != 2 {
		t.Errorf("after %d requests: %v", requests.Load(), err)
	}
}

// The environment and a person's file say how patient npm is, before we do.
func TestHowPatientNPMIsIsTheUsersToSayFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "npmrc")
	if err := os.WriteFile(file, []byte("fetch-timeout=77000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("npm")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path)
	command.Dir = t.TempDir()
	command.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.Contains(strings.ToLower(entry), "npm_config_fetch") })
	command.Env = append(command.Env, "npm_config_userconfig="+file, "NPM_CONFIG_FETCH_RETRIES=7", "npm_config_fetch-retry-mintimeout=10000")
	base := len(command.Env)
	set := settings(t.Context(), command)
	if set["fetch-retries"] != "7" || set["fetch-timeout"] != "77000" {
		t.Errorf("settings: %v", set)
	}
	got := impatient(command.Env, set)[base:]
	want := []string{"npm_config_fetch_retry_maxtimeout=1000", "npm_config_fetch_timeout=77000"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if set := settings(t.Context(), &exec.Cmd{Path: filepath.Join(t.TempDir(), "npm")}); set["fetch-retries"] != "1" || set["fetch-timeout"] != "30000" {
		t.Errorf("if npm cannot be asked: %v", set)
	}
}

// silence is a registry that accepts connections and answers nothing, and the requests that it got.
func silence(t *testing.T) (url string, requests *atomic.Int32) {
	t.Helper()
	requests = &atomic.Int32{}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		<-ended
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(ended) }) // before that
	return server.URL, requests
}

// npm asks for fifteen packages at a time, and for the next ones when these have failed.
func TestARegistryThatAnswersNothingIsGivenUpAfterTheFirstRequests(t *testing.T) {
	t.Parallel()
	url, requests := silence(t)
	dir := t.TempDir()
	dependencies, locked := []string{}, []string{}
	for n := range 90 {
		dependencies = append(dependencies, fmt.Sprintf(`"p%d":"1.0.0"`, n))
		locked = append(locked, fmt.Sprintf(`"node_modules/p%d":{"version":"1.0.0","integrity":"sha512-AAAA"}`, n))
	}
	all := "{" + strings.Join(dependencies, ",") + "}"
	for name, text := range map[string]string{
		"package.json":      `{"name":"web","private":true,"dependencies":` + all + `}`,
		"package-lock.json": `{"name":"web","lockfileVersion":3,"requires":true,"packages":{"":{"name":"web","dependencies":` + all + `},` + strings.Join(locked, ",") + `}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	command.Dir = dir
	command.Env = append(os.Environ(), "npm_config_registry="+url, "npm_config_cache="+t.TempDir(),
		"npm_config_fetch_timeout=1000", "npm_config_fetch_retries=1", "npm_config_fetch_retry_mintimeout=1", "npm_config_fetch_retry_maxtimeout=1")
	output, err := Run(t.Context(), command)
	why, words := Explain(output)
	if err == nil || !strings.HasPrefix(why, "npm does not reach its registry.") || len(words) != 1 || !strings.Contains(words[0], "answers nothing") {
		t.Errorf("%v: %s %q", err, why, words)
	}
	if n := requests.Load(); n < 2 || n >= 2*90 {
		t.Errorf("%d requests: npm was not ended before it had asked for everything twice", n)
	}
}

// A registry that has answered something is slow, and not silent.
func TestARegistryIsSilentIfARequestFailsBeforeAnyIsAnswered(t *testing.T) {
	t.Parallel()
	const failed, answer = "npm http fetch GET https://registry.example.com/one attempt 1 failed with FETCH_ERROR\n", "npm http fetch GET 200 https://registry.example.com/two 31ms (cache miss)\n"
	for _, test := range []struct {
		name, printed    string
		failed, answered bool
	}{
		{"nothing", "", false, false},
		{"a failure", failed, true, false},
		{"a failure, and then an answer", failed + answer, true, true},
		{"an answer, and then a failure", answer + failed, false, true},
		{"what is kept, and then a failure", "npm http cache https://registry.example.com/two 0ms (cache hit)\n" + failed, false, true},
		{"half a line", strings.TrimSuffix(failed, "\n"), false, false},
		{"something else", "npm warn deprecated one@1.0.0: attempt 1 failed with that\n", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := &watcher{failed: make(chan struct{})}
			for i := range test.printed { // however it is cut
				if _, err := w.Write([]byte{test.printed[i]}); err != nil {
					t.Fatal(err)
				}
			}
			if w.hasFailed != test.failed || w.isAnswered() != test.answered {
				t.Errorf("failed %v, answered %v", w.hasFailed, w.answered)
			}
		})
	}
	if got := lastTry(map[string]string{"fetch-retries": "1", "fetch-timeout": "30000", "fetch-retry-maxtimeout": "1000"}); got != 31*time.Second {
		t.Errorf("the last try has failed %v after the first one", got) // so it is said after about a minute
	}
}
