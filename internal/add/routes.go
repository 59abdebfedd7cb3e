package add

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// functionURL is the URL at which Vercel serves a file of the folder api/, if it makes a function of it.
func functionURL(name string) (url string, is bool) {
	extensions := []string{".go", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".py", ".rb", ".rs"}
	extension := path.Ext(name)
	if !strings.HasPrefix(name, "api/") || !slices.Contains(extensions, extension) || strings.HasSuffix(name, "_test.go") ||
		strings.HasSuffix(name, ".d.ts") || strings.Contains(name, "/_") || strings.Contains(name, "/.") {
		return "", false
	}
	return "/" + strings.TrimSuffix(strings.TrimSuffix(name, extension), "/index"), true
}

// routerURL is the URL of a file of Next.js's folder app/, by the file's name below that folder.
func routerURL(name string) (url string, is bool) {
	folder, file := path.Split(name)
	if stem, _, _ := strings.Cut(file, "."); stem != "route" && stem != "page" {
		return "", false
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(folder, "/"), "/") {
		switch {
		case strings.HasPrefix(segment, "_"), strings.HasPrefix(segment, "(."): // private, or intercepts another route
			return "", false
		case segment == "", strings.HasPrefix(segment, "@"), strings.HasPrefix(segment, "("):
		default:
			url += "/" + segment
		}
	}
	return url, true
}

// pagesURL is the URL of a file of Next.js's folder pages/, by the file's name below that folder.
func pagesURL(name string) (url string, is bool) {
	url = "/" + strings.TrimSuffix(name, path.Ext(name))
	return strings.TrimSuffix(url, "/index"), !strings.HasSuffix(name, ".d.ts")
}

// publicURL is the URL of a file of the folder public/, by its name below that folder.
func publicURL(name string) (string, bool) { return "/" + name, true }

// checkRoutes refuses what the project serves at the URL of a function already. What would answer there by a pattern
// gives way to a function on Vercel, so it is worth a note.
func (p *plan) checkRoutes(functions []string, ours map[string][]byte) error {
	for _, place := range []struct {
		folder string
		url    func(name string) (string, bool)
	}{
		{"api", func(name string) (string, bool) { return functionURL("api/" + name) }},
		{"app", routerURL}, {"src/app", routerURL},
		{"pages", pagesURL}, {"src/pages", pagesURL},
		{"public", publicURL},
	} {
		err := fs.WalkDir(p.app, place.folder, func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() || ours[name] != nil || slices.Contains(p.remove, name) {
				return err
			}
			url, is := place.url(strings.TrimPrefix(name, place.folder+"/"))
			if !is || !strings.HasPrefix(url, "/api/") {
				return nil
			}
			if slices.Contains(functions, url) {
				p.refuse("%s serves %s, which is a function of devinbox", name, url)
				return nil
			}
			pattern := urlPattern(url)
			var lost []string
			for _, function := range functions {
				if pattern.MatchString(function) {
					lost = append(lost, function)
				}
			}
			if len(lost) > 0 {
				p.notes = append(p.notes, name+" also matches "+strings.Join(lost, ", ")+": there devinbox answers from now on.")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, name := range []string{"proxy.ts", "proxy.js", "middleware.ts", "middleware.js", "src/proxy.ts", "src/proxy.js", "src/middleware.ts", "src/middleware.js"} {
		if _, err := fs.Stat(p.app, name); err == nil {
			p.notes = append(p.notes, name+" runs before the functions too, if its matcher has their paths: it must let them through as they are.")
		}
	}
	return nil
}

// dynamic is a segment of a URL of Next.js that stands for others.
var dynamic = regexp.MustCompile(`/(?:\\\[\\\[\\\.\\\.\\\..*?\\\]\\\]|\\\[\\\.\\\.\\\..*?\\\]|\\\[.*?\\\])`)

// urlPattern matches the URLs that a route of Next.js answers.
func urlPattern(url string) *regexp.Regexp {
	expression := dynamic.ReplaceAllStringFunc(regexp.QuoteMeta(url), func(segment string) string {
		switch {
		case strings.HasPrefix(segment, `/\[\[`):
			return "(?:/.+)?"
		case strings.HasPrefix(segment, `/\[\.`):
			return "/.+"
		default:
			return "/[^/]+"
		}
	})
	return regexp.MustCompile("^" + expression + "$")
}
