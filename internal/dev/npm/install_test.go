package npm

import (
	"context"
	"errors"
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
	if err == nil || !strings.Contains(err.Error(), "check the network") {
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

func TestHowPatientNPMIsIsTheEnvironmentsToSayFirst(t *testing.T) {
	t.Parallel()
	got := Impatient([]string{"HOME=/", "NPM_CONFIG_FETCH_RETRIES=7", "npm_config_fetch-timeout=1"})
	want := []string{"HOME=/", "NPM_CONFIG_FETCH_RETRIES=7", "npm_config_fetch-timeout=1", "npm_config_fetch_retry_mintimeout=1000", "npm_config_fetch_retry_maxtimeout=1000"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
