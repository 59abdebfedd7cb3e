package postgres

import (
	"errors"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	likeURL     = "such as postgres://user:password@host:5432/database"
	percentages = "in a password write @ as %40, / as %2F, % as %25, a space as %20"
)

// CheckURL finds fault with the URL of a database, or with the other form that libpq knows. It opens nothing and looks
// nothing up but the files of certificates. Its error says what is wrong and what to write, and repeats no part of the
// URL; it is the end of a sentence that begins with the name of what holds the URL.
//
// It refuses what would lead elsewhere without a word: pgx looks for a server on this machine if no host is named.
func CheckURL(text string) error {
	_, err := parseURL(text)
	return err
}

func parseURL(text string) (*pgxpool.Config, error) {
	if text == "" {
		return nil, errors.New("is missing")
	}
	if fault := pasted(text); fault != "" {
		return nil, errors.New(fault)
	}
	var fault string
	if rest, isURL := cutScheme(text); isURL {
		fault = faultOfURL(rest)
	} else {
		fault = faultOfPairs(text)
	}
	if fault != "" {
		return nil, errors.New(fault)
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil { // its text could repeat the value
		return nil, errors.New("is not a Postgres URL " + likeURL + ", or has a setting that cannot be read (an = in a value is written as %3D)")
	}
	return config, nil
}

func cutScheme(text string) (rest string, isURL bool) {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, isURL := strings.CutPrefix(text, scheme); isURL {
			return rest, true
		}
	}
	return text, false
}

var assignment = regexp.MustCompile(`^(?:export +|set +|\$env:)?[A-Z][A-Z0-9_]* ?=`)

// pasted finds what was taken along from around a URL, and addresses of something else.
func pasted(text string) string {
	lower := strings.ToLower(text)
	_, isURL := cutScheme(text)
	switch {
	case strings.ContainsAny(text[:1], "\"'`<\\") || strings.HasPrefix(text, "“") || strings.HasPrefix(text, "‘"),
		isURL && strings.ContainsAny(text[len(text)-1:], "\"'`>"), isURL && (strings.HasSuffix(text, "”") || strings.HasSuffix(text, "’")):
		return "has quotation marks or brackets around it: write it without them"
	case strings.HasPrefix(lower, "psql "):
		return "is a whole psql command: write only the URL in it, without quotation marks"
	case assignment.MatchString(text):
		return "begins with the name of a variable: write only what follows the ="
	case isURL && strings.ContainsAny(text[len(text)-1:], ",;"):
		return "ends with a comma or a semicolon: take it away"
	case strings.HasPrefix(lower, "prisma:"), strings.HasPrefix(lower, "prisma+"):
		return "is an address for Prisma's own client: write the database's own URL, " + likeURL
	case strings.HasPrefix(lower, "jdbc:"):
		return "is a URL for Java: write it without jdbc:, and with user and password, " + likeURL
	case strings.HasPrefix(lower, "postgres+"), strings.HasPrefix(lower, "postgresql+"):
		return "names a driver: begin it with postgres:// alone"
	case strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"):
		return "is the address of a web page or an API: write the database's own URL, " + likeURL
	case !isURL && strings.Contains(text, "://") && !strings.Contains(strings.SplitN(text, "://", 2)[0], "="):
		return "is not a Postgres URL: it must begin with postgres:// and be " + likeURL
	case isURL && strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "has a space, a line break or an invisible character in it: take it out; " + percentages
	default:
		return ""
	}
}

// faultOfURL finds fault with what follows postgres://, which is taken apart as pgx does it: user and password end with
// the first @, and only before the first /.
func faultOfURL(rest string) string {
	var login string
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		login, rest = rest[:i], rest[i+1:]
	}
	path, query, _ := strings.Cut(rest, "?")
	hosts, database, _ := strings.Cut(path, "/")
	user, password, _ := strings.Cut(login, ":")
	if i := strings.IndexByte(query, '@'); strings.ContainsRune(path, '@') || i >= 0 && !strings.ContainsRune(query[:i], '=') {
		return "has an @, / or % in its password (or user name) as it is: " + percentages
	}
	if user == "user" && password == "password" && (hosts == "host" || strings.HasPrefix(hosts, "host:")) || isPlaceholder(password) ||
		slices.ContainsFunc([]string{user, hosts, database}, hasPlaceholder) {
		return "still has a placeholder in it, or a password that is masked: write the real one; " + percentages
	}
	if text, err := url.PathUnescape(login + "@" + path); err != nil || !utf8.ValidString(text) {
		return "has a % that does not stand for a character: " + percentages
	}
	settings, err := url.ParseQuery(query)
	if err != nil {
		return "has a setting after its ? that cannot be read"
	}
	if !settings.Has("host") {
		for host := range strings.SplitSeq(hosts, ",") {
			if host == "" || host[0] == ':' {
				return "names no host: it must be " + likeURL
			}
			if port := host[strings.LastIndexByte(host, ']')+1:]; strings.ContainsRune(port, ':') {
				_, port, _ = strings.Cut(port, ":")
				if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
					return "has a port that is not a number from 1 to 65535, or a / in its password: it must be " + likeURL + "; " + percentages
				}
			}
		}
	}
	return faultOfSettings(func(name string) string { return settings.Get(name) })
}

// faultOfPairs finds fault with the other form: host=… user=…
func faultOfPairs(text string) string {
	setting := func(name string) string {
		found := regexp.MustCompile(`(?:^|\s)` + name + `\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))`).FindStringSubmatch(text)
		if found == nil {
			return ""
		}
		return found[1] + found[2]
	}
	switch {
	case !strings.ContainsRune(text, '='):
		return "is not a Postgres URL " + likeURL
	case setting("host") == "" && setting("service") == "":
		return "is not a Postgres URL " + likeURL + ", or names no host"
	case isPlaceholder(setting("password")):
		return "still has a placeholder in it, or a password that is masked: write the real one"
	}
	return faultOfSettings(setting)
}

// faultOfSettings finds fault with what both forms have in common.
func faultOfSettings(setting func(name string) string) string {
	modes := []string{"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	if !slices.Contains(modes, setting("sslmode")) {
		return "has an sslmode that Postgres does not know: write disable, allow, prefer, require, verify-ca or verify-full (require for no-verify)"
	}
	if ssl := setting("ssl"); ssl != "" && ssl != "true" {
		return "has ssl=, which is another client's: write sslmode=require, or sslmode=verify-full to check the certificate too"
	}
	for _, name := range []string{"sslrootcert", "sslcert", "sslkey"} {
		if file := setting(name); file != "" && file != "system" {
			if _, err := os.Stat(file); err != nil {
				return "names a file in " + name + " that is not on this machine"
			}
		}
	}
	return ""
}

var (
	placeholder = regexp.MustCompile(`[<>{}]|\[[^\]:]*\]|\bYOUR[-_]`)
	masked      = regexp.MustCompile(`^(?:<.*>|\[.*\]|\$?\{.*\}|YOUR[-_].*|(?i:your[-_]?password)|[*•]+)$`)
)

// hasPlaceholder tells whether a user, host or database is for somebody to fill in. An IPv6 address is not.
func hasPlaceholder(text string) bool { return placeholder.MatchString(text) }

// isPlaceholder is hasPlaceholder for a password, in which any character may stand: all of it must look so.
func isPlaceholder(password string) bool { return masked.MatchString(password) }
