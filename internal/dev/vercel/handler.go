// Package vercel routes requests on this machine as Vercel does: each function at the path of its file, with the
// headers and rewrites of vercel.json.
package vercel

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"

	"devinbox/internal/serve"
)

// Handler serves a deployment. A path that belongs to no function goes, after the rewrites, to the rest: an
// application that is deployed with it or, if there is none, the files of the folder public/.
//
// The order is Vercel's: headers, then files and functions, then rewrites. A function sees the path of the request,
// also after a rewrite, with the rewrite's parameters added to the query.
type Handler struct {
	headers  []headerRule
	rewrites []rewriteRule
	rest     http.Handler
}

type headerRule struct {
	source  *regexp.Regexp
	headers []struct{ Key, Value string }
}

type rewriteRule struct {
	source      *regexp.Regexp
	destination string
}

// NewHandler reads vercel.json in root, the folder of the project. If rest is nil, the rest is public/; otherwise the
// headers of vercel.json, which are for the pages there, are left out.
// Errors: a file that is missing or not JSON; a source whose pattern has more than names, as in /v1/:id, and
// wildcards at the end, as in /docs/:path*.
func NewHandler(root fs.FS, rest http.Handler) (*Handler, error) {
	text, err := fs.ReadFile(root, "vercel.json")
	if err != nil {
		return nil, err
	}
	var settings struct {
		Headers []struct {
			Source  string                        `json:"source"`
			Headers []struct{ Key, Value string } `json:"headers"`
		} `json:"headers"`
		Rewrites []struct {
			Source      string `json:"source"`
			Destination string `json:"destination"`
		} `json:"rewrites"`
	}
	if err := json.Unmarshal(text, &settings, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, fmt.Errorf("vercel.json: %w", err)
	}
	h := &Handler{rest: rest}
	if rest != nil {
		settings.Headers = nil // they are for this deployment's own pages
	}
	for _, rule := range settings.Headers {
		source, err := pattern(rule.Source)
		if err != nil {
			return nil, err
		}
		h.headers = append(h.headers, headerRule{source, rule.Headers})
	}
	for _, rule := range settings.Rewrites {
		source, err := pattern(rule.Source)
		if err != nil {
			return nil, err
		}
		h.rewrites = append(h.rewrites, rewriteRule{source, rule.Destination})
	}
	if rest == nil {
		public, err := fs.Sub(root, "public")
		if err != nil {
			return nil, err
		}
		h.rest = http.FileServerFS(public)
	}
	return h, nil
}

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, rule := range h.headers {
		if rule.source.MatchString(r.URL.Path) {
			for _, header := range rule.headers {
				w.Header().Set(header.Key, header.Value)
			}
		}
	}
	if function, found := serve.Functions[strings.TrimSuffix(r.URL.Path, ".go")]; found {
		function(w, r)
		return
	}
	for _, rule := range h.rewrites {
		if function, query, matches := rule.apply(r.URL); matches {
			rewritten := r.Clone(r.Context())
			rewritten.URL.RawQuery = query
			function(w, rewritten)
			return
		}
	}
	h.rest.ServeHTTP(w, r)
}

// apply finds the function that a rule leads to, and the query: the caller's parameters, then the rule's.
func (rule rewriteRule) apply(u *url.URL) (function http.HandlerFunc, query string, matches bool) {
	found := rule.source.FindStringSubmatch(u.Path)
	if found == nil {
		return nil, "", false
	}
	destination, given, _ := strings.Cut(rule.destination, "?")
	pairs := append(strings.Split(u.RawQuery, "&"), strings.Split(given, "&")...)
	for i, name := range rule.source.SubexpNames() {
		if name == "" {
			continue
		}
		destination = strings.ReplaceAll(destination, ":"+name, found[i])
		for j := range pairs {
			pairs[j] = strings.ReplaceAll(pairs[j], ":"+name, url.QueryEscape(found[i]))
		}
	}
	function, matches = serve.Functions[destination]
	var kept []string
	for _, pair := range pairs {
		if pair != "" {
			kept = append(kept, pair)
		}
	}
	return function, strings.Join(kept, "&"), matches
}

var (
	parameter    = regexp.MustCompile(`:([A-Za-z_][A-Za-z0-9_]*)(\*?)`)
	errUnmatched = errors.New("vercel.json: this source is more than names and a wildcard at its end")
)

// pattern turns a source of vercel.json into a regular expression.
func pattern(source string) (*regexp.Regexp, error) {
	if strings.ContainsAny(source, "()[]{}|+?\\") {
		return nil, fmt.Errorf("%w: %s", errUnmatched, source)
	}
	quoted := regexp.QuoteMeta(source)
	quoted = strings.ReplaceAll(quoted, `\*`, "*")
	expression := parameter.ReplaceAllStringFunc(quoted, func(p string) string {
		parts := parameter.FindStringSubmatch(p)
		if parts[2] == "*" {
			return "(?P<" + parts[1] + ">.*)"
		}
		return "(?P<" + parts[1] + ">[^/]+)"
	})
	return regexp.Compile("^" + expression + "$")
}
