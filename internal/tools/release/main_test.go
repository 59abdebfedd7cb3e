package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestAReleaseHasANumberNotesAndAPackageOfTheSameVersion(t *testing.T) {
	t.Parallel()
	const changelog = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2027-01-02\n\n### Added\n\n- A thing.\n\n## 0.1.0 - 2026-12-01\n\n### Added\n\n- Everything.\n"
	for _, test := range []struct{ name, tag, client, notes, fails string }{
		{name: "the newest", tag: "v0.2.0", client: "0.2.0", notes: "### Added\n\n- A thing.\n"},
		{name: "an older one", tag: "v0.1.0", client: "0.1.0", notes: "### Added\n\n- Everything.\n"},
		{name: "a package that was forgotten", tag: "v0.2.0", client: "0.1.0", fails: "package.json has the version"},
		{name: "a changelog that was forgotten", tag: "v0.3.0", client: "0.3.0", fails: "CHANGELOG.md has no section"},
		{name: "a word", tag: "latest", client: "0.2.0", fails: "three numbers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for name, text := range map[string]string{"CHANGELOG.md": changelog, "web/client/package.json": `{"version": "` + test.client + `"}`} {
				file := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			notes, err := release(root, test.tag)
			if notes != test.notes || (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%q, %v", notes, err)
			}
		})
	}
}

func TestTheChangelogHasItsForm(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	all := sections(string(text))
	if len(all) == 0 || all[0].title != "Unreleased" {
		t.Fatalf("it does not begin with what is unreleased: %+v", all)
	}
	kinds := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
	for i, section := range all {
		if i > 0 && !regexp.MustCompile(`^\d+\.\d+\.\d+\S* - \d{4}-\d\d-\d\d$`).MatchString(section.title) {
			t.Errorf("%q is neither a version nor a date", section.title)
		}
		before := -1
		for line := range strings.Lines(section.text) {
			line = strings.TrimSuffix(line, "\n")
			if title, is := strings.CutPrefix(line, "### "); is {
				kind := slices.Index(kinds, title)
				if kind <= before {
					t.Errorf("%s: %q is not one of %q, in this order", section.title, title, kinds)
				}
				before = kind
			} else if line != "" && !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: %q is no item of a list", section.title, line)
			}
		}
	}
}
