package pkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the import table of what a function links: which packages of this module each one may import.
// Data goes down it and nothing comes back up.
var allowed = map[string][]string{
	"devinbox/pkg/chat":             {},
	"devinbox/pkg/files":            {"devinbox/pkg/chat", "devinbox/pkg/outgoing"},
	"devinbox/pkg/identity":         {"devinbox/pkg/chat", "devinbox/pkg/outgoing"},
	"devinbox/pkg/outgoing":         {},
	"devinbox/pkg/postgres":         {"devinbox/pkg/chat"},
	"devinbox/pkg/postgres/migrate": {"devinbox/pkg/postgres"},
	"devinbox/pkg/realtime":         {"devinbox/pkg/chat", "devinbox/pkg/outgoing"},
	"devinbox/pkg/web":              {"devinbox/pkg/chat"},
	"devinbox/pkg/webhook":          {"devinbox/pkg/chat", "devinbox/pkg/outgoing"},
	"devinbox/pkg/config": {
		"devinbox/pkg/chat", "devinbox/pkg/files", "devinbox/pkg/identity", "devinbox/pkg/postgres", "devinbox/pkg/realtime",
		"devinbox/pkg/web", "devinbox/pkg/webhook",
	},
	"devinbox/pkg/app": {
		"devinbox/pkg/chat", "devinbox/pkg/config", "devinbox/pkg/files", "devinbox/pkg/identity",
		"devinbox/pkg/postgres", "devinbox/pkg/realtime", "devinbox/pkg/web", "devinbox/pkg/webhook",
	},
}

// forFunctions is what a file under api/ may import.
var forFunctions = []string{"devinbox/pkg/app", "devinbox/pkg/chat", "devinbox/pkg/web"}

// outside are the folders of what no function links, each with those that it may import beside pkg/ and itself.
// A command may use all that runs on this machine. Of what is for tests it uses only the faults, which have a command.
var outside = map[string][]string{
	"devinbox/cmd/":             {"devinbox/internal/add", "devinbox/internal/archive", "devinbox/internal/dev", "devinbox/internal/bench", "devinbox/internal/doctor", "devinbox/internal/faults", "devinbox/internal/serve"},
	"devinbox/internal/add":     {},
	"devinbox/internal/archive": {},
	"devinbox/internal/bench":   {"devinbox/internal/dev"},
	"devinbox/internal/browser": {},
	"devinbox/internal/dev":     {"devinbox/internal/serve"},
	"devinbox/internal/doctor":  {},
	"devinbox/internal/faults":  {"devinbox/internal/dev", "devinbox/internal/serve", "devinbox/internal/testing"},
	"devinbox/internal/serve":   {"devinbox/api"},
	"devinbox/internal/testing": {"devinbox/internal/dev"},
	"devinbox/internal/tools":   {},
}

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Standard,Imports,Deps", "devinbox/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var found []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found = append(found, p)
	}
}

func TestImportsGoDownTheTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		may, inTable := allowed[p.ImportPath]
		seen[p.ImportPath] = true
		switch {
		case inTable:
		case strings.HasPrefix(p.ImportPath, "devinbox/api"):
			may = forFunctions
		default:
			checkOutside(t, p)
			continue
		}
		for _, name := range p.Imports {
			if strings.HasPrefix(name, "devinbox/") && !slices.Contains(may, name) {
				t.Errorf("%s must not import %s", p.ImportPath, name)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("%s is in the import table and does not exist", name)
		}
	}
}

// checkOutside looks at a package that no function links.
func checkOutside(t *testing.T, p goPackage) {
	t.Helper()
	if p.ImportPath == "devinbox/pkg" || p.ImportPath == "devinbox/mutations" || p.ImportPath == "devinbox/docs/changes" || p.ImportPath == "devinbox/web" {
		return // tests only
	}
	for folder, others := range outside {
		if !strings.HasPrefix(p.ImportPath, folder) {
			continue
		}
		for _, name := range p.Imports {
			within := func(folder string) bool { return strings.HasPrefix(name, folder) }
			if strings.HasPrefix(name, "devinbox/") && !within("devinbox/pkg/") && !within(folder) && !slices.ContainsFunc(others, within) {
				t.Errorf("%s must not import %s", p.ImportPath, name)
			}
		}
		return
	}
	t.Errorf("%s has no place in the import table", p.ImportPath)
}

func TestTheDomainNeedsTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.ImportPath != "devinbox/pkg/chat" {
			continue
		}
		for _, name := range p.Deps {
			if strings.Contains(strings.SplitN(name, "/", 2)[0], ".") {
				t.Errorf("%s needs %s", p.ImportPath, name)
			}
		}
	}
}

func TestAFunctionsBinaryHoldsNothingInternal(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, "devinbox/api") {
			continue
		}
		for _, name := range p.Deps {
			if strings.HasPrefix(name, "devinbox/internal/") || name == "devinbox/pkg/postgres/migrate" || name == "testing" {
				t.Errorf("%s links %s", p.ImportPath, name)
			}
		}
	}
}
