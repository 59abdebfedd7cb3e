package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"devinbox/pkg/config"
	"devinbox/pkg/realtime"
)

// The variables of Pusher, those that are both somebody's name for the same beside each other.
var (
	keyVariables     = []string{"NEXT_PUBLIC_PUSHER_KEY", "PUSHER_KEY"}
	clusterVariables = []string{"NEXT_PUBLIC_PUSHER_CLUSTER", "PUSHER_CLUSTER"}
	pusherVariables  = slices.Concat([]string{"PUSHER_APP_ID", "PUSHER_SECRET", "PUSHER_HOST"}, keyVariables, clusterVariables)
)

// helps is what to do about a variable that is missing or malformed.
var helps = map[string]string{
	"DATABASE_URL":               "Set it to the URL of your Postgres. devinbox dev starts its own Postgres if it is not set.",
	"PUSHER_APP_ID":              fromAppKeys + "app_id",
	"PUSHER_SECRET":              fromAppKeys + "secret",
	"NEXT_PUBLIC_PUSHER_KEY":     fromAppKeys + "key",
	"NEXT_PUBLIC_PUSHER_CLUSTER": fromAppKeys + "cluster, such as eu",
	"CHAT_JWT_SECRET":            makeSecret,
	"CHAT_JWT_SECRET_PREVIOUS":   "Remove it, or set the previous CHAT_JWT_SECRET.",
	"CRON_SECRET":                makeSecret + " Without it /api/cron/deliver always answers 401: the queue is not cleared by itself, no webhook is sent and no file deleted.",
	"CHAT_WEBHOOK_SECRET":        "Set it to whsec_ and the output of openssl rand -base64 32, and give the receiver the same.",
}

const (
	fromAppKeys = `Copy it from Pusher's dashboard, the app's page "App Keys": `
	makeSecret  = "openssl rand -base64 48 makes one. Set the same in the Vercel project's settings."
)

// variables looks at the variables alone, without asking anybody.
func (d *doctor) variables(context.Context) []Finding {
	var found []Finding
	blame := func(variable, what string) {
		help, known := helps[variable]
		if !known {
			help = "Correct it where it is set; .env.example explains every variable."
		}
		if d.URL != "" && !d.isSet(variable) {
			help += " If the deployment has it, write the same here: vercel env pull leaves out the values that are marked sensitive."
		}
		found = append(found, Finding{"variables", Fault, d.named(variable) + " " + what, help, variable})
	}

	blamed := map[string]bool{}
	for _, name := range slices.Sorted(slices.Values(d.names)) {
		switch {
		case blamed[name]:
		case d.Placeholder(name):
			blamed[name] = true
			blame(name, "is still as in .env.example, which counts as not set")
		case d.isPlaceholder(name):
			blamed[name] = true
			blame(name, "holds a placeholder, not a value")
		}
	}
	c := d.settings
	none := !slices.ContainsFunc(pusherVariables, d.isSet)
	for _, err := range []error{c.DatabaseFaults, c.MigrationFaults, c.PusherFaults, c.CronFault, c.WebhookFaults, c.FilesFaults, d.fault} {
		for _, fault := range faults(err) {
			switch {
			case blamed[fault.Variable]: // once is enough
			case none && slices.Contains(pusherVariables, fault.Variable): // the check of Pusher says so
			case fault.Variable == "CRON_SECRET" && !d.isSet(fault.Variable) && c.Webhook.URL == "" && !c.Files.IsSet():
				found = append(found, Finding{"variables", Warning, "CRON_SECRET is missing", helps[fault.Variable], fault.Variable})
			default:
				blame(fault.Variable, fault.Message)
			}
			blamed[fault.Variable] = true
		}
	}
	i := c.Identity
	if len(i.Secret) == 0 && i.JWKSURL == "" && !(i.AuthJS && len(i.AuthSecrets) > 0) && !blamed["CHAT_JWT_SECRET"] {
		blame("CHAT_JWT_SECRET", "is missing, and no other key is set (CHAT_JWKS_URL, or CHAT_AUTHJS with AUTH_SECRET): with these variables every request gets a 503")
	}
	found = append(found, d.wrapped(blamed)...)
	found = append(found, d.misspelled()...)
	if len(found) == 0 {
		found = append(found, Finding{Check: "variables", Status: OK, Detail: d.counted()})
	}
	return slices.Concat(found, d.secrets(blamed), d.modes())
}

// shared are variables that other programs read too, or whose values other programs have: a space around them, which
// devinbox cuts off, makes a difference there.
var shared = slices.Concat(secretVariables, pusherVariables, []string{
	"DATABASE_URL", "POSTGRES_URL", "DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING", "CHAT_WEBHOOK_SECRET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
})

// wrapped finds values that can be used, but have something around them that was probably pasted along.
func (d *doctor) wrapped(blamed map[string]bool) []Finding {
	var found []Finding
	names := slices.Clone(d.names)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		value := d.Lookup(name)
		switch {
		case blamed[name] || strings.TrimSpace(value) == "":
		case config.Quoted(value):
			status := Fault
			if slices.Contains(secretVariables, name) { // it works if everybody has it with them
				status = Warning
			}
			found = append(found, Finding{"variables", status, d.named(name) + " has quotation marks around it, and they count as a part of the value",
				"Remove them where it is set. A dashboard such as Vercel's takes a value as it is typed; only in a file such as .env.local may it have quotation marks.", name})
		case value != strings.TrimSpace(value) && slices.Contains(shared, name):
			found = append(found, Finding{"variables", Warning, d.named(name) + " has a space or a line break before or after it: devinbox ignores that, but other programs that have the value do not",
				"Remove it where it is set.", name})
		}
	}
	return found
}

func (d *doctor) isSet(name string) bool { return strings.TrimSpace(d.Lookup(name)) != "" }

// counted says how many variables are set, and where.
func (d *doctor) counted() string {
	from := map[string]int{}
	all := 0
	names := slices.Clone(d.names)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if d.isSet(name) {
			all++
			if file := d.Origin(name); file != "" {
				from[file]++
			}
		}
	}
	text := fmt.Sprintf("%d are set, and none is missing or malformed", all)
	if !slices.ContainsFunc(pusherVariables, d.isSet) { // the check of Pusher says that they are missing
		text = fmt.Sprintf("%d are set, and none of them is malformed", all)
	}
	for i, file := range slices.Sorted(maps.Keys(from)) {
		text += map[bool]string{true: "; from ", false: ", "}[i == 0] + fmt.Sprintf("%s %d", file, from[file])
	}
	return text
}

// faults takes a joined error apart.
func faults(err error) (all []config.Fault) {
	var fault config.Fault
	switch e := err.(type) {
	case nil:
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			all = append(all, faults(err)...)
		}
	default:
		if errors.As(err, &fault) {
			all = append(all, fault)
		}
	}
	return all
}

var (
	// placeholder matches a value that is for somebody to fill in.
	placeholder = regexp.MustCompile(`(?i)\A(<.*>|\[.*\]|\$?\{.*\}|\$[A-Z_]+|x{3,}|\*{3,}|\.{3}|…|your[-_ ].*|.*[-_ ](goes[-_ ])?here|change[-_ ]?me|replace[-_ ]?me|todo|placeholder|example)\z`)
	// nameOfItself matches a value that names what should stand there. Servers of one's own have such keys by default.
	nameOfItself = regexp.MustCompile(`(?i)\A(pusher[-_ ]?)?(app[-_ ]?)?(id|key|secret|cluster)\z`)
)

// isPlaceholder tells of the variables whose values have no other form whether they are only a placeholder. A database's
// URL and the secrets are looked at elsewhere.
func (d *doctor) isPlaceholder(name string) bool {
	value := strings.TrimSpace(d.Lookup(name))
	if value == "" || !slices.Contains(pusherVariables, name) && !strings.HasSuffix(name, "SECRET") && !strings.HasPrefix(name, "S3_") {
		return false
	}
	return placeholder.MatchString(value) || slices.Contains(pusherVariables, name) && !d.isSet("PUSHER_HOST") && nameOfItself.MatchString(value)
}

// secretVariables are those whose values nobody may guess.
var secretVariables = []string{
	"CHAT_JWT_SECRET", "CHAT_JWT_SECRET_PREVIOUS", "CRON_SECRET", "AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3",
}

// secrets looks for secrets that can be guessed, and for one that is two variables'. Nothing more is said of those that are
// blamed already.
func (d *doctor) secrets(blamed map[string]bool) []Finding {
	var found []Finding
	of := map[string]string{}
	any := false
	for _, name := range append(secretVariables, "PUSHER_SECRET") {
		value := strings.TrimSpace(d.Lookup(name))
		if value == "" || d.isPlaceholder(name) || strings.HasPrefix(name, "AUTH_SECRET") && !d.settings.Identity.AuthJS {
			continue
		}
		reason := ""
		if name != "PUSHER_SECRET" && !blamed[name] { // Pusher makes that
			any, reason = true, weakness(value)
		}
		if other := of[value]; other != "" {
			reason = "is the same as " + other + ": anybody who knows one of them knows the other"
		}
		of[value] = name
		if reason != "" && !blamed[name] {
			found = append(found, Finding{"secrets", Fault, d.named(name) + " " + reason, makeSecret + " docs/deploy.md of devinbox says how to replace one.", name})
		}
	}
	if len(found) == 0 && any {
		found = append(found, Finding{Check: "secrets", Status: OK, Detail: "they look random, and each is used only once"})
	}
	return found
}

// words are what people make secrets of, the longest first.
var words = func() []string {
	all := strings.Fields(`secret password passwort passphrase changeme change please your this that is a my the not for in of to
		jwt token key super very long random string example sample test testing dev development prod production staging chat devinbox
		minimum least characters chars bytes local localhost insecure unsafe default admin qwerty qwertz asdf abc def xyz auth cron
		supersecret hs256 app site web with must be at and or use only some any value here me it do enough really longer than thirty two
		0123456789 123456789 12345678 1234567 123456 12345 1234 123 32 256 256bit 2024 2025 2026`)
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}()

var notAlphanumeric = regexp.MustCompile(`[^a-z0-9]+`)

// weakness says why a secret can be guessed, or nothing. What is too short is the configuration's to say.
func weakness(secret string) string {
	distinct := map[rune]bool{}
	for _, r := range secret {
		distinct[r] = true
	}
	run, longest, step := 1, 1, 0
	for i := 1; i < len(secret); i++ {
		if next := int(secret[i]) - int(secret[i-1]); next == step {
			run++
		} else {
			run, step = 2, next
		}
		longest = max(longest, run)
	}
	rest := notAlphanumeric.ReplaceAllString(strings.ToLower(secret), "")
	whole := len(rest)
	for _, word := range words {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	rest = strings.ReplaceAll(rest, " ", "")
	switch {
	case repeats(secret):
		return "repeats itself, so it can be guessed"
	case len(distinct) < 8 || longest >= 8:
		return "has few different characters, or many in their order, so it can be guessed"
	case len(rest)*3 <= whole:
		return "is made of words, so it can be guessed"
	default:
		return ""
	}
}

// repeats tells whether a text is a shorter one, over and over.
func repeats(text string) bool {
	for n := 1; n <= len(text)/2; n++ {
		if strings.HasPrefix(strings.Repeat(text[:n], len(text)/n+1), text) {
			return true
		}
	}
	return false
}

// modes looks at what is set on purpose and has a price.
func (d *doctor) modes() []Finding {
	if d.settings.Pusher.Channels != realtime.Public {
		return nil
	}
	return []Finding{{
		"channels", Warning, d.named("CHAT_CHANNELS") + " is public: anybody who has the app's key, which is in every page, can read every conversation",
		"Set it to private (or presence), and have pages get the names of the channels from GET /api/session.", "CHAT_CHANNELS",
	}}
}
