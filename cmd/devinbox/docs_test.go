package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// pages are the documents, by the names of their files.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "web/client/README.md", "web/example/README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := fs.Glob(os.DirFS("../.."), pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%q: %q %v", pattern, found, err)
		}
		names = append(names, found...)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

var codeBlocks = regexp.MustCompile("(?ms)^ *```.*?^ *```$")

func TestEachLinkOfADocumentLeadsSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\((?:<([^>]*)>|([^)\s#]*)(?:#([^)\s]+))?)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	all := pages(t)
	for page, text := range all {
		for _, found := range link.FindAllStringSubmatch(codeBlocks.ReplaceAllString(text, ""), -1) {
			file, anchor := found[1]+found[2], found[3]
			if strings.Contains(file, ":") {
				continue // another site's
			}
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, target)
			}
			if anchor == "" {
				continue
			}
			there := false
			for _, title := range heading.FindAllStringSubmatch(codeBlocks.ReplaceAllString(all[target], ""), -1) {
				there = there || slug(title[1]) == anchor
			}
			if !there {
				t.Errorf("%s leads to %s#%s, and there is no such heading", page, target, anchor)
			}
		}
	}
}

// slug is the anchor that GitHub gives a heading.
func slug(title string) string {
	title = regexp.MustCompile(`[^\p{L}\p{N}\- _]`).ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(title, " ", "-")
}

// headers keeps the token of the first subscription; see docs/events.md, rule 6.
func TestEachExampleForPusherJSGivesTheTokenByAFunction(t *testing.T) {
	t.Parallel()
	examples := 0
	for page, text := range pages(t) {
		for _, options := range regexp.MustCompile(`channelAuthorization: \{[^\n]*`).FindAllString(text, -1) {
			examples++
			if !strings.Contains(options, "headersProvider: () =>") {
				t.Errorf("%s has %q", page, options)
			}
		}
	}
	if examples < 2 {
		t.Errorf("%d examples, want 2 or more", examples)
	}
}

func TestEachQuestionIsAnsweredInAMinute(t *testing.T) {
	t.Parallel()
	const questions, wordsOfAMinute = 15, 220
	answers := strings.Split(pages(t)["docs/questions.md"], "\n## ")[1:]
	if len(answers) != questions {
		t.Errorf("%d questions, want %d", len(answers), questions)
	}
	for _, answer := range answers {
		question, text, _ := strings.Cut(answer, "\n")
		if words := len(strings.Fields(text)); words > wordsOfAMinute || !strings.HasSuffix(question, "?") {
			t.Errorf("%q has %d words, want %d at most", question, words, wordsOfAMinute)
		}
	}
}

// A call of devinbox in a document: in a code block or between backticks.
var documented = regexp.MustCompile(`(?:go run (?:\./|\S+/)cmd/devinbox(?:@\S+)?|\bdevinbox) ([a-z]+)((?: +(?:--?[a-z][a-z-]*(?:[= ](?:[A-Z]+\b|[A-Za-z0-9./:_-]+))?))*)`)

func TestEachCommandInADocumentIsOneThatThereIs(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile("(?s)```[a-z]*\n.*?```|`[^`\n]+`")
	commands := map[string]*cobra.Command{}
	for _, command := range newRoot().Commands() {
		commands[command.Name()] = command
	}
	seen := map[string]bool{}
	for page, text := range pages(t) {
		for _, part := range code.FindAllString(text, -1) {
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
