// Command release prints the section of CHANGELOG.md for a version, for the release's page:
//
//	go run ./internal/tools/release v0.1.0
//
// It fails if the changelog has no such version, or if the version of the client's package differs.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "release: which version? Such as v0.1.0")
		os.Exit(2)
	}
	notes, err := release(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	fmt.Print(notes)
}

var tagForm = regexp.MustCompile(`^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$`)

// release checks that the project in a folder is ready for a tag, such as v0.1.0, and returns what has changed.
func release(root, tag string) (notes string, err error) {
	found := tagForm.FindStringSubmatch(tag)
	if found == nil {
		return "", errors.New("a version is v and three numbers, such as v0.1.0")
	}
	version := found[1]
	description, err := os.ReadFile(filepath.Join(root, "web", "client", "package.json"))
	if err != nil {
		return "", err
	}
	var client struct{ Version string }
	if err := json.Unmarshal(description, &client); err != nil || client.Version != version {
		return "", fmt.Errorf("web/client/package.json has the version %q, want %q", client.Version, version)
	}
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return "", err
	}
	for _, section := range sections(string(text)) {
		if strings.HasPrefix(section.title, "["+version+"]") || strings.HasPrefix(section.title, version) {
			return strings.TrimSpace(section.text) + "\n", nil
		}
	}
	return "", fmt.Errorf("CHANGELOG.md has no section %q: give Unreleased its number and the date", "## "+version+" - YYYY-MM-DD")
}

type section struct{ title, text string }

// sections are the parts of a changelog, the newest first.
func sections(changelog string) (all []section) {
	for _, part := range strings.Split(changelog, "\n## ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		all = append(all, section{title, text})
	}
	return all
}
