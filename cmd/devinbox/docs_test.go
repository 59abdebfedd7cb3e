package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A call of devinbox in a document: in a code block or between backticks.
var documented = regexp.MustCompile(`(?:go run (?:\./|\S+/)cmd/devinbox(?:@\S+)?|\bdevinbox) ([a-z]+)((?: +(?:--?[a-z][a-z-]*(?:[= ](?:[A-Z]+\b|[A-Za-z0-9./:_-]+))?))*)`)

func TestEachCommandInADocumentIsOneThatThereIs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../../README.md", "../../CONTRIBUTING.md", "../../web/client/README.md", "../../web/example/README.md")
	code := regexp.MustCompile("(?s)```[a-z]*\n.*?```|`[^`\n]+`")
	commands := map[string]*cobra.Command{}
	for _, command := range newRoot().Commands() {
		commands[command.Name()] = command
	}
	seen := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range code.FindAllString(string(text), -1) {
			for _, call := range documented.FindAllStringSubmatch(part, -1) {
				command := commands[call[1]]
				if command == nil {
					if strings.Contains(call[0], "go run") {
						t.Errorf("%s has %q, and there is no such command", page, call[0])
					}
					continue // a name of something else, such as an image
				}
				seen[command.Name()] = true
				for _, word := range strings.Fields(call[2]) {
					name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
					if strings.HasPrefix(word, "--") && word != "--" && name != "help" && command.Flags().Lookup(name) == nil {
						t.Errorf("%s has %q, and %s has no --%s", page, call[0], call[1], name)
					}
				}
			}
		}
	}
	for name := range commands {
		if !seen[name] {
			t.Errorf("no document says how to call devinbox %s", name)
		}
	}
}
