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
)

const (
	deploymentCheck = "deployment"
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
	found := []Finding{state(health)}
	if found[0].Status == Fault {
		return found
	}
	if f, ok := d.session(ctx); ok {
		found = append(found, f)
	}
	return found
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
func state(a answer) Finding {
	var h chat.Health
	if !a.json(&h) || h.Status == "" {
		return fault("The answer of /api/health is not a health report", "Check that the deployment has this version.")
	}
	switch {
	case h.Status == chat.Down && h.Database.OK:
		return fault("The deployment runs, but its database accepts no writes", "Use the primary's URL in DATABASE_URL there, or remove the cause that makes the database read-only.")
	case h.Status == chat.Down:
		return fault("The deployment runs, but does not reach its database, or the database is not migrated, or a variable there cannot be used", "The functions' log says which: correct DATABASE_URL or the named variable in the project's settings and deploy again, or run devinbox migrate.")
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

// session asks the deployment, with a token that is good for a minute, what it tells browsers of Pusher.
func (d *doctor) session(ctx context.Context) (Finding, bool) {
	verifier, err := identity.New(d.settings.Identity)
	if err != nil || len(d.settings.Identity.Secret) == 0 {
		return Finding{}, false // it cannot be asked without a token
	}
	token, err := verifier.Mint(chat.Identity{ID: "devinbox-doctor", Role: chat.Client}, tokenLifetime)
	if err != nil {
		return Finding{}, false
	}
	a, err := d.get(ctx, "/api/session", token)
	var said struct {
		Realtime struct {
			Enabled bool
			Key     string
			Cluster string
			WSHost  string
		}
	}
	o := d.settings.Pusher
	switch {
	case err != nil:
		return fault("/api/session does not answer: "+because(wordFor(err)), "Check the functions' log."), true
	case a.status == http.StatusUnauthorized:
		return Finding{deploymentCheck, Fault, "The deployment does not accept a token signed with " + d.named("CHAT_JWT_SECRET"), "Set the same CHAT_JWT_SECRET there and where tokens are signed (CHAT_JWT_ISSUER and CHAT_JWT_AUDIENCE too), and deploy again.", "CHAT_JWT_SECRET"}, true
	case a.status != http.StatusOK || !a.json(&said):
		return fault(fmt.Sprintf("/api/session answers %d to a client's token", a.status), "The log says why, under the X-Request-Id of the answer."), true
	case !said.Realtime.Enabled:
		return Finding{}, false // its health says so
	case said.Realtime.Key != o.Key && o.Key != "":
		return Finding{deploymentCheck, Fault, "The deployment gives browsers another key of Pusher than " + d.named(d.set(keyVariables...)) + " here", "Set the same app here and there, and deploy again: variables reach only new deployments.", d.set(keyVariables...)}, true
	case said.Realtime.Cluster != o.Cluster && o.Cluster != "" || said.Realtime.WSHost != o.Host:
		return Finding{deploymentCheck, Fault, "The deployment gives browsers another cluster or host of Pusher than here", "Set the same NEXT_PUBLIC_PUSHER_CLUSTER (and PUSHER_HOST) here and there, and deploy again.", d.set(clusterVariables...)}, true
	default:
		return Finding{Check: deploymentCheck, Status: OK, Detail: "it accepts tokens signed with this CHAT_JWT_SECRET, and gives browsers this Pusher app"}, true
	}
}
