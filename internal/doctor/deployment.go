package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
	"devinbox/pkg/outgoing"
	"devinbox/pkg/realtime"
)

const (
	deploymentCheck = "deployment"
	sessionPath     = "/api/session"
	// coldStart is how long a function may take that starts first.
	coldStart = 15 * time.Second
	// tokenLifetime is that of the token which asks a deployment for its session.
	tokenLifetime = time.Minute
)

// CheckURL finds fault with the address of a deployment: its error is the end of a sentence.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("must be an origin such as https://chat.example.com")
	}
	if outgoing.Fault(u) != "" { // whose text names addresses
		return errors.New("must begin with https://, or lead to this machine")
	}
	return nil
}

// answer is what a deployment answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(to any) bool { return json.Unmarshal(a.body, to) == nil }

// deployment asks a deployment over HTTP how it is, and whether it has the app on Pusher that is configured here.
func (d *doctor) deployment(ctx context.Context) []Finding {
	if d.URL == "" {
		return nil
	}
	if err := CheckURL(d.URL); err != nil {
		return []Finding{fault("The URL of the deployment "+err.Error(), "Give --url the URL that your pages call.")}
	}
	health, err := d.get(ctx, "/api/health", "")
	if err != nil {
		return []Finding{fault("The deployment does not answer: "+because(wordFor(err)), "Check that the URL is right, and that the deployment is ready: vercel ls.")}
	}
	if f, isOurs := ours(health); !isOurs {
		return []Finding{f}
	}
	found := []Finding{d.state(health)}
	if found[0].Status == Fault {
		return found
	}
	if f, ok := d.recognises(ctx); !ok {
		return append(found, f)
	}
	return append(found, d.session(ctx)...)
}

func fault(detail, remedy string) Finding {
	return Finding{deploymentCheck, Fault, detail, remedy, ""}
}

func (d *doctor) get(ctx context.Context, path, token string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, coldStart)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(d.URL, "/")+path, nil)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("User-Agent", "devinbox-doctor")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// A redirect is an answer of somebody else, who must not get the token either.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answer{response.StatusCode, response.Header, body}, err
}

// ours tells whether an answer is one of a function of ours, and else whose it is.
func ours(a answer) (Finding, bool) {
	isHTML := strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
	onVercel := strings.EqualFold(a.header.Get("Server"), "Vercel") || a.header.Get("X-Vercel-Id") != ""
	place := a.header.Get("Location")
	problem := a.header.Get("X-Vercel-Error")
	switch {
	case strings.Contains(place, "vercel.com/sso"), a.status == http.StatusUnauthorized && (isHTML || strings.Contains(strings.Join(a.header.Values("Set-Cookie"), " "), "_vercel_sso")):
		return fault("Vercel's Deployment Protection answers instead of the deployment, so neither pages nor Pusher's webhooks get through",
			"Use the production domain, which it does not cover by default, or turn it off in the project's settings, Deployment Protection."), false
	case a.status/100 == 3:
		return fault("The URL redirects to another one", "Give --url the URL that it redirects to; requests with a token are not redirected."), false
	case strings.Contains(problem, "FUNCTION_INVOCATION_TIMEOUT"):
		return fault("The function runs but does not finish in time (FUNCTION_INVOCATION_TIMEOUT)", "Choose a region for the functions next to the database (regions in vercel.json)."), false
	case strings.Contains(problem, "FUNCTION_"):
		return fault("The function stops before it answers ("+word(problem)+")", "Look at the function's log: vercel logs."), false
	case strings.Contains(problem, "DEPLOYMENT_NOT_FOUND"):
		return fault("There is no deployment at this URL", "See vercel ls, or deploy: vercel deploy --prod."), false
	case a.header.Get("X-Request-Id") != "" && (a.status == http.StatusOK || a.status == http.StatusServiceUnavailable):
		return Finding{}, true
	case a.status == http.StatusNotFound:
		where := "at this URL"
		if onVercel {
			where = "in this deployment: Vercel has built none"
		}
		return fault("There is no /api/health "+where, "Check that the project's root folder is the one with api/ and vercel.json, and that the last build succeeded."), false
	default:
		return fault(fmt.Sprintf("Something other than devinbox answers there (%d, without an X-Request-Id)", a.status), "Give --url the URL of the deployment itself."), false
	}
}

// word keeps of a text of somebody else's what may be shown.
func word(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, text[:min(len(text), 64)])
}

// state says how the deployment is, by its own words.
func (d *doctor) state(a answer) Finding {
	var h chat.Health
	if !a.json(&h) || h.Status == "" {
		return fault("The answer of /api/health is not a health report", "Check that the deployment has this version.")
	}
	switch {
	case h.Status == chat.Down && h.Database.OK:
		return fault("The deployment runs, but its database accepts no writes", "Use the primary's URL in DATABASE_URL there, or remove the cause that makes the database read-only.")
	case h.Status == chat.Down:
		return fault("The deployment runs, but does not reach its database, or the database is not migrated, or a variable there cannot be used", "The functions' log says which: correct DATABASE_URL or the named variable in the project's settings and deploy again, or migrate the database: "+d.Program+" migrate.")
	case !h.Realtime.Enabled:
		return Finding{deploymentCheck, Warning, "The deployment runs without Pusher: messages are saved, but nobody gets them live", "Set Pusher's four variables in the project's settings, and deploy again: variables reach only new deployments.", ""}
	case h.Queue.Parked > 0:
		return Finding{deploymentCheck, Warning, fmt.Sprintf("The deployment runs, but Pusher has refused %d events for good", h.Queue.Parked), "The log names each one and the reason. They are dropped after a day; readers fetch what they missed.", ""}
	case h.Status != chat.Healthy:
		return Finding{deploymentCheck, Warning, fmt.Sprintf("The deployment runs, but its oldest event has waited for %s", span(time.Duration(h.Queue.OldestSeconds)*time.Second)), "Check whether Pusher accepts the app's events (if not, its log says \"Pusher refuses this app\"), then call /api/cron/deliver.", ""}
	default:
		return Finding{Check: deploymentCheck, Status: OK, Detail: "it runs and reaches its database"}
	}
}

// recognises asks the deployment without a credential, which tells whether it has a key to check one with. It is false
// if it cannot recognise anybody.
func (d *doctor) recognises(ctx context.Context) (Finding, bool) {
	a, err := d.get(ctx, sessionPath, "")
	var problem struct{ Code string }
	switch {
	case err != nil:
		return fault(sessionPath+" does not answer: "+because(wordFor(err)), "Check the functions' log."), false
	case a.status == http.StatusServiceUnavailable && a.json(&problem) && problem.Code == string(chat.Unavailable):
		return Finding{deploymentCheck, Fault, "The deployment has no key to check tokens with: every request of a user gets a 503",
			"Set CHAT_JWT_SECRET there (or CHAT_JWKS_URL, or CHAT_AUTHJS with AUTH_SECRET), and deploy again: variables reach only new deployments.", "CHAT_JWT_SECRET"}, false
	case a.status != http.StatusUnauthorized:
		return fault(fmt.Sprintf("%s answers %d to a call without a credential, which gets a 401 from devinbox", sessionPath, a.status),
			"Check whether something else answers before it, such as a proxy.ts of the app. Otherwise the log says why, under the X-Request-Id of the answer."), false
	default:
		return Finding{}, true
	}
}

// session asks the deployment, with a token that is good for a minute, what it tells browsers of Pusher.
func (d *doctor) session(ctx context.Context) []Finding {
	verifier, err := identity.New(d.settings.Identity)
	if err != nil || len(d.settings.Identity.Secret) == 0 {
		return nil // it cannot be asked without a token
	}
	me := chat.Identity{ID: "devinbox-doctor", Role: chat.Client}
	token, err := verifier.Mint(me, tokenLifetime)
	if err != nil {
		return nil
	}
	a, err := d.get(ctx, sessionPath, token)
	var said struct{ Realtime realtime.Connection }
	switch {
	case err != nil:
		return []Finding{fault(sessionPath+" does not answer: "+because(wordFor(err)), "Check the functions' log.")}
	case a.status == http.StatusUnauthorized:
		return []Finding{{deploymentCheck, Fault, "The deployment does not accept a token signed with " + d.named("CHAT_JWT_SECRET"), "Set the same CHAT_JWT_SECRET there and where tokens are signed (CHAT_JWT_ISSUER and CHAT_JWT_AUDIENCE too), and deploy again.", "CHAT_JWT_SECRET"}}
	case a.status != http.StatusOK || !a.json(&said):
		return []Finding{fault(fmt.Sprintf("%s answers %d to a client's token", sessionPath, a.status), "The log says why, under the X-Request-Id of the answer.")}
	}
	accepts := Finding{Check: deploymentCheck, Status: OK, Detail: "it accepts tokens signed with this CHAT_JWT_SECRET"}
	here := realtime.New(quiet(d.settings.Pusher)).Connection(me)
	if !said.Realtime.Enabled || !here.Enabled { // other findings say so, and there is nothing to compare
		return []Finding{accepts}
	}
	if differs := d.otherApp(said.Realtime, here); differs != nil {
		return []Finding{accepts, *differs}
	}
	accepts.Detail += ", and gives browsers this Pusher app"
	return []Finding{accepts}
}

// otherApp is the first thing that a deployment tells browsers of Pusher otherwise than this configuration would, or nil.
func (d *doctor) otherApp(there, here realtime.Connection) *Finding {
	differs := func(what, variable string) *Finding {
		return &Finding{deploymentCheck, Fault, "The deployment gives browsers " + what + " than " + d.named(variable) + " here", "Set the same app here and there, and deploy again: variables reach only new deployments.", variable}
	}
	switch {
	case there.Key != here.Key:
		return differs("another key of Pusher", d.set(keyVariables...))
	case there.WSHost != here.WSHost:
		return differs("another host of Pusher", "PUSHER_HOST")
	case there.Cluster != here.Cluster:
		return differs("another cluster of Pusher", d.set(clusterVariables...))
	case there.ForceTLS != here.ForceTLS:
		return differs("another answer to whether Pusher is reached with TLS", "PUSHER_USE_TLS")
	case port(there) != port(here):
		return differs("another port of Pusher", "PUSHER_PORT")
	case channel(there) != channel(here):
		return differs("channels of another kind", "CHAT_CHANNELS")
	default:
		return nil
	}
}

// port is where a browser connects to.
func port(c realtime.Connection) int {
	switch {
	case c.WSPort != 0:
		return c.WSPort
	case c.ForceTLS:
		return 443
	default:
		return 80
	}
}

// channel is the name of the channel that a client listens to.
func channel(c realtime.Connection) string {
	if c.Channels.Conversation == nil {
		return ""
	}
	return *c.Channels.Conversation
}
