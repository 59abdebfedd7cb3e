package npm

import (
	"regexp"
	"slices"
	"strings"
)

var (
	errorCode = regexp.MustCompile(`(?m)^npm (?:error|ERR!) code (\w+)`)
	errorLine = regexp.MustCompile(`^npm (?:error|ERR!)(.*)$`)
	// noise matches lines of npm's errors that say nothing to a person: codes, which the remedy has read, stack frames, and
	// where the log is.
	noise = regexp.MustCompile(`^(?:(?:code|syscall|errno) \S+$|at \S|A complete log of this run|\}$)`)
	// before matches what npm writes before an error's text.
	before = regexp.MustCompile(`^(?:network |notarget |\w*Error: )`)
)

// saidLines is how many lines of npm's are shown at most.
const saidLines = 6

// Explain says why npm failed to install something, as sentences that say what helps too, and gives npm's own words: each
// once, and without stack frames. output is what npm printed. Without npm's own words everything that it printed is given.
func Explain(output string) (why string, words []string) {
	return remedy(output), said(output)
}

func remedy(output string) string {
	code := ""
	if match := errorCode.FindStringSubmatch(output); match != nil {
		code = match[1]
	}
	switch code {
	case "ENOTFOUND", "EAI_AGAIN", "FETCH_ERROR", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ERR_SOCKET_TIMEOUT", "ENETUNREACH", "EHOSTUNREACH":
		return "npm does not reach its registry. Check the network, and the registry and the proxy that `npm config list` shows."
	case "E401", "E403":
		return "npm's registry does not allow this. Check the registry that `npm config list` shows, and `npm login`."
	case "E404", "ETARGET":
		return "npm's registry does not have it. Check the registry that `npm config list` shows."
	case "E500", "E502", "E503", "E504":
		return "npm's registry fails. Try again later, and check the registry that `npm config list` shows."
	case "EINTEGRITY":
		return "npm's registry sent something else than the lock file expects. Check the registry and the proxy that `npm config list` shows, and run `npm cache verify`."
	case "EBADPLATFORM":
		return "A package is not made for this system."
	case "ENOSPC":
		return "The disk is full. Make room, and try again."
	case "EACCES", "EPERM":
		return "npm is not allowed to write a file. Check who owns the folder that npm names, and the one that `npm config get cache` shows."
	default:
		return "npm failed. Run it by hand to see more."
	}
}

// said are npm's own words.
func said(output string) []string {
	var words, everything []string
	dump := false // of an object, which follows a stack
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, " \r\n")
		if line != "" {
			everything = append(everything, line)
		}
		match := errorLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		text := strings.TrimSpace(match[1])
		if dump {
			dump = text != "}"
			continue
		}
		dump = strings.HasSuffix(text, "{")
		if noise.MatchString(text) {
			continue
		}
		text = strings.TrimSpace(strings.TrimSuffix(before.ReplaceAllString(text, ""), "{"))
		if text != "" && text != "network" && !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	if len(words) == 0 {
		words = everything
	}
	return words[:min(len(words), saidLines)]
}
