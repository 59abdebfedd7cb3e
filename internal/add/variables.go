package add

import (
	"io/fs"
	"strings"
)

const (
	variablesName  = ".env.example"
	variablesBegin = "# >>> devinbox: `devinbox add` replaces what is between these two lines >>>\n"
	variablesEnd   = "# <<< devinbox <<<\n"
)

// mergeVariables plans the part of the project's .env.example that names devinbox's variables, without those that the
// project names itself. It returns the part's digest.
func (p *plan) mergeVariables(source fs.FS) string {
	example, err := fs.ReadFile(source, variablesName)
	if err != nil {
		p.refuse("the .env.example of devinbox cannot be read")
		return ""
	}
	there := string(p.read(variablesName))
	before, rest, found := strings.Cut(there, variablesBegin)
	part, after, ended := strings.Cut(rest, variablesEnd)
	if found && !ended {
		p.refuse("%s lacks the line %q, with which devinbox's part of it ends", variablesName, strings.TrimSpace(variablesEnd))
		return ""
	}
	own := variablesOf(before + after)
	var lines strings.Builder
	for line := range strings.Lines(string(example)) {
		if name, _, is := strings.Cut(line, "="); !is || !own[strings.TrimSpace(name)] {
			lines.WriteString(line)
		}
	}
	next := lines.String()
	if found && part != next && digest([]byte(part)) != p.former.Variables {
		p.refuse("%s was edited in devinbox's part since devinbox wrote it: undo that", variablesName)
		return ""
	}
	if !found && before != "" {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	if text := before + variablesBegin + next + variablesEnd + after; text != there {
		p.write[variablesName] = []byte(text)
	}
	return digest([]byte(next))
}

// variablesOf are the names of the variables in a text of NAME=value lines.
func variablesOf(text string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		if name, _, is := strings.Cut(line, "="); is && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			names[strings.TrimPrefix(strings.TrimSpace(name), "export ")] = true
		}
	}
	return names
}
