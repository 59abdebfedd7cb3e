// Package doctor finds what is wrong with a set-up: its variables, its database, its Pusher app and, if the URL is given,
// its deployment. It says how to fix it, and shows no value of a variable.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"devinbox/pkg/config"
	"devinbox/pkg/realtime"
)

// Status is how serious a [Finding] is.
type Status string

// The three states.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and something is worse than it could be
	Fault   Status = "fault"   // something does not work
)

// Finding is what one check found. No field holds a value of a variable, a token or a secret.
type Finding struct {
	Check    string `json:"check"`
	Status   Status `json:"status"`
	Detail   string `json:"detail"`
	Remedy   string `json:"remedy"`             // what helps; empty if nothing is to be done
	Variable string `json:"variable,omitempty"` // the one to change, if it is one
}

// Options say what to look at.
type Options struct {
	Lookup func(name string) string // the environment; what is only a placeholder counts as not set
	Origin func(name string) string // the file that a variable's value comes from, or "" for the process itself; may be nil

	// Placeholder tells whether a variable has a value that is only an example's. It may be nil.
	Placeholder func(name string) bool

	// Set are the names of all variables that have a value, so that a misspelled one is found. It may be nil.
	Set []string

	Files   []string // the files that variables are read from, of those that are there
	Program string   // how this program is called here, such as go run ./cmd/devinbox; devinbox if it is empty
	Inside  bool     // the functions are inside an app, where there is no example to run

	URL string // of a deployment; empty for none

	now      func() time.Time                        // this machine's clock
	patience time.Duration                           // how long something is waited for that should come
	reach    func(realtime.Options) realtime.Options // where an app's cluster is
}

const (
	// callTimeout limits one call of a dependency.
	callTimeout = 5 * time.Second
	// defaultPatience is how long Pusher and a deployment that starts cold may take for a webhook.
	defaultPatience = 8 * time.Second
)

// doctor is one run.
type doctor struct {
	Options
	settings config.Config
	fault    error
	names    []string // of all variables
}

// Run looks at everything, which takes some seconds, and returns at least one Finding. Of the dependencies it changes
// nothing; in presence mode Pusher may tell the deployment that a client with an id of the doctor's came and went.
func Run(ctx context.Context, o Options) []Finding {
	d := &doctor{Options: o}
	if d.Origin == nil {
		d.Origin = func(string) string { return "" }
	}
	if d.Placeholder == nil {
		d.Placeholder = func(string) bool { return false }
	}
	if d.Program == "" {
		d.Program = "devinbox"
	}
	if d.now == nil {
		d.now = func() time.Time { return time.Now().Round(0) } // the wall clock's
	}
	if d.patience == 0 {
		d.patience = defaultPatience
	}
	if d.reach == nil {
		d.reach = func(o realtime.Options) realtime.Options { return o }
	}
	d.settings, d.fault = config.Load(func(name string) string {
		d.names = append(d.names, name)
		return o.Lookup(name)
	})
	if d.unconfigured() {
		found := append(d.unchanged(), d.misspelled()...)
		if d.URL == "" {
			return append(found, d.nothing())
		}
		return append(append(found, d.onlyDeployment()), d.deployment(ctx)...)
	}
	parts := []func(context.Context) []Finding{d.variables, d.database, d.pusher, d.bucket, d.deployment}
	found := make([][]Finding, len(parts))
	var running sync.WaitGroup
	for i, part := range parts {
		running.Go(func() { found[i] = part(ctx) })
	}
	running.Wait()
	return slices.Concat(found...)
}

// Worst is the most serious status among findings.
func Worst(findings []Finding) Status {
	worst := OK
	for _, f := range findings {
		if f.Status == Fault || worst == OK {
			worst = f.Status
		}
	}
	return worst
}

// Print writes findings for a person: a line for each, and below it what helps.
func Print(w io.Writer, findings []Finding) error {
	var text strings.Builder
	for _, f := range findings {
		if strings.Contains(f.Detail, "\n") { // a screen of its own
			fmt.Fprintf(&text, "%s\n\n%s\n", f.Detail, f.Remedy)
			continue
		}
		fmt.Fprintf(&text, "%-8s %-13s %s\n", f.Status, f.Check, f.Detail)
		if f.Remedy != "" {
			fmt.Fprintf(&text, "%-8s %-13s → %s\n", "", "", f.Remedy)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// PrintJSON writes findings as one JSON array.
func PrintJSON(w io.Writer, findings []Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(findings)
}

// named is a variable's name with the file that it comes from.
func (d *doctor) named(variable string) string {
	if file := d.Origin(variable); file != "" {
		return variable + " (in " + file + ")"
	}
	return variable
}

// set is the first of some variables that is set, or else the first.
func (d *doctor) set(variables ...string) string {
	for _, name := range variables {
		if strings.TrimSpace(d.Lookup(name)) != "" {
			return name
		}
	}
	return variables[0]
}

// unconfigured tells whether nothing is set that says where anything is.
func (d *doctor) unconfigured() bool {
	return !slices.ContainsFunc(d.names, func(name string) bool { return strings.TrimSpace(d.Lookup(name)) != "" })
}

// unchanged names what is set and counts as not set.
func (d *doctor) unchanged() (found []Finding) {
	for _, name := range slices.Sorted(slices.Values(d.names)) {
		if d.Placeholder(name) && !slices.ContainsFunc(found, func(f Finding) bool { return f.Variable == name }) {
			found = append(found, Finding{"variables", Warning, d.named(name) + " is a placeholder: it is still as in .env.example, which counts as not set",
				"For a deployment, set its own value. devinbox dev needs none.", name})
		}
	}
	return found
}

// nowhere says that nothing is configured, and where it was looked for.
func (d *doctor) nowhere() string {
	there := strings.Join(d.Files, " and ") + map[bool]string{true: " are there, but ", false: " is there, but "}[len(d.Files) > 1]
	switch {
	case len(d.Files) == 0:
		return "Nothing is configured: not in the environment, and there is no .env.local or .env"
	case slices.ContainsFunc(d.names, func(name string) bool { return d.Placeholder(name) && d.Origin(name) != "" }):
		return "Nothing is configured: " + there + "the values are still the examples"
	default:
		return "Nothing is configured: " + there + "no variable of devinbox has a value"
	}
}

// onlyDeployment says why the variables are not looked at, though a deployment is.
func (d *doctor) onlyDeployment() Finding {
	return Finding{
		Check: "variables", Status: OK, Detail: d.nowhere() + ". So only the deployment is looked at",
		Remedy: "To check all that it uses: vercel env pull .env.production.local --environment=production, then (set -a; . ./.env.production.local; " + d.Program +
			" doctor --url https://YOUR-DEPLOYMENT). A variable that is marked sensitive comes without its value: write it in.",
	}
}

// nothing says what to do if there is nothing to check.
func (d *doctor) nothing() Finding {
	start, example := d.Program+" dev", `
  the example     a Next.js app with both sides of the chat; it needs Node and npm`
	if d.Inside {
		start, example = d.Program+" dev --services-only -- npx vercel dev --local", ""
	}
	remedy := "Copy .env.example to .env.local, fill in the values of a deployment, and check them: " + d.Program + " doctor"
	if slices.Contains(d.Files, ".env.local") {
		remedy = "Write the values of a deployment into .env.local (.env.example explains every variable), and check them: " + d.Program + " doctor"
	}
	return Finding{
		Check: "variables", Status: OK,
		Detail: d.nowhere() + ".\n" + `
On this machine that is fine. ` + "`" + start + "`" + ` provides, by itself:
  Postgres        the installed one, otherwise one from npm; your data is kept
  Pusher          a server that speaks its protocol, on port 6001 if that is free
  object store    a server that speaks S3, on port 6002 if that is free
  secrets         random, only for this machine` + example + `

A deployment needs these, in the Vercel project's settings:
  DATABASE_URL                  a Postgres, 14 or later; then ` + d.Program + ` migrate
  DATABASE_URL_UNPOOLED         for that, if DATABASE_URL is the URL of a pooler
  PUSHER_APP_ID, PUSHER_SECRET, NEXT_PUBLIC_PUSHER_KEY, NEXT_PUBLIC_PUSHER_CLUSTER
                                from Pusher's dashboard, "App Keys"
  CHAT_JWT_SECRET, CRON_SECRET  openssl rand -base64 48 makes one`,
		Remedy: remedy,
	}
}

// span is a duration as a person says it.
func span(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.length); n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		} else if n == 1 {
			return "1 " + unit.name
		}
	}
	return fmt.Sprintf("%d seconds", int(d/time.Second))
}
