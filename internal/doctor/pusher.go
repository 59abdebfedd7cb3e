package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/outgoing"
	"devinbox/pkg/realtime"
)

// clusters are those of https://pusher.com/docs/channels/miscellaneous/clusters/.
var clusters = []string{"mt1", "us2", "us3", "eu", "ap1", "ap2", "ap3", "ap4", "sa1"}

const (
	pusherCheck = "pusher"
	toAppKeys   = `Compare the variables with Pusher's dashboard, the app's page "App Keys", one by one. `
)

// pusher asks Pusher about the app: first as a browser, which knows the key and the cluster, then as a server, which
// knows the id and the secret too. What one of the two is told says which variable is wrong.
func (d *doctor) pusher(ctx context.Context) []Finding {
	o := d.settings.Pusher
	if !slices.ContainsFunc(pusherVariables, d.isSet) {
		return []Finding{{
			pusherCheck, Warning, "None of Pusher's variables is set: a deployment saves and serves messages, but nobody hears of them live",
			`Make an app at Pusher, and set the four values from its page "App Keys". devinbox dev starts its own server.`, "",
		}}
	}
	if found := d.swappedByForm(o); found != nil {
		return append(found, d.clearText()...)
	}
	if d.settings.PusherFaults != nil { // the variables are blamed already
		return d.withForms(o, []Finding{{pusherCheck, Fault, "Pusher cannot be checked with these values of the variables", "Correct the variables that this report names.", ""}})
	}
	socket, err := dial(ctx, d.reach(o), o.Key)
	if err != nil {
		return append(d.notConnected(ctx, o, err), d.clearText()...)
	}
	defer socket.close()
	probe := realtime.New(quiet(d.reach(o))).Probe(ctx)
	found := []Finding{d.signed(ctx, o, probe)}
	if probe.Status != 0 && !probe.Date.IsZero() {
		found = append(found, clock("Pusher", probe.Date.Add(time.Second/2), d.now().Add(-probe.Came.Sub(probe.Sent)/2), "signatures are refused when it is 10 minutes off"))
	}
	if probe.Accepted {
		found = append(found, d.listen(ctx, o, socket)...)
	}
	return append(found, d.clearText()...)
}

// quiet is the app without anybody who is told about requests.
func quiet(o realtime.Options) realtime.Options {
	o.Log, o.Observe = discard, nil
	return o
}

var (
	number = regexp.MustCompile(`\A[0-9]{1,12}\z`)
	hex20  = regexp.MustCompile(`\A[0-9a-f]{20}\z`)
)

// swappedByForm finds values in each other's place by their looks: an app's id is a number at Pusher, the key and the
// secret are 20 hexadecimal digits. A server of one's own has what it likes.
func (d *doctor) swappedByForm(o realtime.Options) []Finding {
	key := d.set(keyVariables...)
	var wrong string
	switch {
	case o.Key != "" && o.Key == o.Secret:
		return []Finding{{pusherCheck, Fault, d.named("PUSHER_SECRET") + " and " + key + " hold the same value",
			toAppKeys + "If it is the secret, every page has shown it: make a new one there.", "PUSHER_SECRET"}}
	case o.Host != "" || !hex20.MatchString(o.AppID):
		return nil
	case number.MatchString(o.Key):
		wrong = key
	case number.MatchString(o.Secret):
		wrong = "PUSHER_SECRET"
	default:
		return nil
	}
	return []Finding{swapped(d.named("PUSHER_APP_ID")+" and "+d.named(wrong)+" hold each other's value: the app's id is the number", "PUSHER_APP_ID")}
}

// withForms adds to findings after which Pusher could not be asked about the id or the cluster what their looks say: an
// app's id is a number at Pusher, and the clusters are known. A variable that is blamed already is not blamed again.
func (d *doctor) withForms(o realtime.Options, found []Finding) []Finding {
	blamed := func(variable string) bool {
		of := func(f config.Fault) bool { return f.Variable == variable }
		return d.isPlaceholder(variable) || slices.ContainsFunc(faults(d.settings.PusherFaults), of) ||
			slices.ContainsFunc(found, func(f Finding) bool { return f.Variable == variable })
	}
	cluster := d.set(clusterVariables...)
	if o.Host == "" && o.AppID != "" && !number.MatchString(o.AppID) && !blamed("PUSHER_APP_ID") {
		found = append(found, Finding{pusherCheck, Fault, d.named("PUSHER_APP_ID") + " is not an app's id, which is a number", fromAppKeys + "app_id", "PUSHER_APP_ID"})
	}
	if o.Host == "" && o.Cluster != "" && !slices.Contains(clusters, o.Cluster) && !blamed(cluster) {
		found = append(found, Finding{pusherCheck, Fault, d.named(cluster) + " is not one of Pusher's clusters: " + strings.Join(clusters, ", "), fromAppKeys + "cluster", cluster})
	}
	return found
}

func swapped(detail, variable string) Finding {
	return Finding{pusherCheck, Fault, detail, "Put each value in its place: " + strings.TrimSuffix(toAppKeys, " ") +
		" If the secret was in NEXT_PUBLIC_PUSHER_KEY, every page has shown it: make a new one there.", variable}
}

// notConnected says why Pusher serves no browser.
func (d *doctor) notConnected(ctx context.Context, o realtime.Options, err error) []Finding {
	var why refusal
	errors.As(err, &why)
	key, cluster := d.set(keyVariables...), d.set(clusterVariables...)
	switch {
	case why.code == codeDisabled, why.code == codeOverQuota, why.code == codeOverCapacity:
		return []Finding{turnedAway(why.code)}
	case why.code == codeUnknownApp, why.word == "dns" && o.Host == "":
		if right := d.cluster(ctx, o); right != "" {
			return d.withForms(o, []Finding{{pusherCheck, Fault, d.named(cluster) + " is wrong: the app of this key is in the cluster " + right, "Set " + cluster + " to " + right + ".", cluster}})
		}
		if why.code == codeUnknownApp {
			if found := d.swappedByTrying(ctx, o); found != nil {
				return found
			}
			return d.withForms(o, []Finding{{pusherCheck, Fault, "Pusher knows no app with the key in " + d.named(key), toAppKeys + "The key and the secret look alike. The app may have been deleted.", key}})
		}
		if slices.Contains(clusters, o.Cluster) { // it is this machine that does not find it
			return []Finding{unreachable(why)}
		}
		return d.withForms(o, []Finding{{pusherCheck, Fault, d.named(cluster) + " is wrong: there is no such cluster, and no existing cluster knows the key", toAppKeys, cluster}})
	case o.Host != "":
		return []Finding{{pusherCheck, Fault, "The server that " + d.named("PUSHER_HOST") + " names cannot be reached: " + because(why.word), "Start it, or correct PUSHER_HOST, PUSHER_PORT and PUSHER_USE_TLS.", "PUSHER_HOST"}}
	default:
		return []Finding{unreachable(why)}
	}
}

func unreachable(why refusal) Finding {
	return Finding{pusherCheck, Fault, "Pusher cannot be reached from here: " + because(why.word), "Check this machine's network and proxy, and https://status.pusher.com.", ""}
}

func turnedAway(code int) Finding {
	switch code {
	case codeOverQuota:
		return Finding{pusherCheck, Fault, "Pusher's account is over its quota: events wait in the database, and are sent when Pusher accepts them again", "Wait until midnight UTC, when the daily count of messages starts again, close connections, or choose a larger plan.", ""}
	case codeDisabled:
		return Finding{pusherCheck, Fault, "This app is disabled at Pusher: events wait in the database", "Enable it in Pusher's dashboard, or check there for problems with the account.", ""}
	default:
		return Finding{pusherCheck, Warning, "Pusher accepts no more connections at the moment (4100)", "Run this again in a minute, and check https://status.pusher.com.", ""}
	}
}

// cluster is the cluster that knows the app's key, which is public, if it is another one than the variable says.
func (d *doctor) cluster(ctx context.Context, o realtime.Options) string {
	if o.Host != "" {
		return ""
	}
	known := make([]bool, len(clusters))
	var asking sync.WaitGroup
	for i, cluster := range clusters {
		if cluster != o.Cluster {
			asking.Go(func() {
				there := o
				there.Cluster = cluster
				known[i] = knows(ctx, d.reach(there), o.Key)
			})
		}
	}
	asking.Wait()
	if i := slices.Index(known, true); i >= 0 {
		return clusters[i]
	}
	return ""
}

// knows tells whether a cluster or a server has an app with a key, also one that it does not serve now.
func knows(ctx context.Context, o realtime.Options, key string) bool {
	s, err := dial(ctx, o, key)
	if err == nil {
		s.close()
		return true
	}
	var why refusal
	return errors.As(err, &why) && slices.Contains([]int{codeDisabled, codeOverQuota, codeOverCapacity}, why.code)
}

// swappedByTrying asks whether another variable holds the key. It sends Pusher the secret in the key's place, which is
// not done as long as there is another explanation, and not in the clear over a network.
func (d *doctor) swappedByTrying(ctx context.Context, o realtime.Options) []Finding {
	if o.NoTLS && !isLoopback(o.Host) {
		return nil
	}
	for variable, value := range map[string]string{"PUSHER_APP_ID": o.AppID, "PUSHER_SECRET": o.Secret} {
		if knows(ctx, d.reach(o), value) {
			return []Finding{swapped(d.named(variable)+" holds the key, and "+d.named(d.set(keyVariables...))+" something else: they are in each other's place", variable)}
		}
	}
	return nil
}

// signed says what Pusher answers to a signed request of a server whose key it knows.
func (d *doctor) signed(ctx context.Context, o realtime.Options, probe realtime.Probe) Finding {
	where := "the cluster " + o.Cluster
	if o.Host != "" {
		where = "the server in PUSHER_HOST"
	}
	lower := strings.ToLower(probe.Answer)
	switch {
	case probe.Accepted:
		return Finding{Check: pusherCheck, Status: OK, Detail: "key, secret and app id belong together, in " + where}
	case probe.Status == http.StatusUnauthorized && strings.Contains(lower, "timestamp expired"):
		return Finding{pusherCheck, Fault, "Pusher accepts no signature from here, because the clocks are too far apart", "Set this machine's clock: see the check clock.", ""}
	case probe.Status == http.StatusUnauthorized:
		return Finding{pusherCheck, Fault, d.named("PUSHER_SECRET") + " is wrong: Pusher knows the key, but does not accept signatures made with this secret", fromAppKeys + "secret. A secret that was replaced there is no longer valid.", "PUSHER_SECRET"}
	case probe.Status == http.StatusForbidden && strings.Contains(lower, "quota"):
		return turnedAway(codeOverQuota)
	case probe.Status == http.StatusForbidden:
		return turnedAway(codeDisabled)
	case probe.Status == http.StatusNotFound:
		other := o
		other.AppID, other.Secret = o.Secret, o.AppID
		if o.Host != "" && (!o.NoTLS || isLoopback(o.Host)) && realtime.New(quiet(d.reach(other))).Probe(ctx).Accepted {
			return swapped(d.named("PUSHER_APP_ID")+" and "+d.named("PUSHER_SECRET")+" hold each other's value", "PUSHER_APP_ID")
		}
		return Finding{pusherCheck, Fault, d.named("PUSHER_APP_ID") + " is wrong: Pusher knows the key, but has no such app for it", fromAppKeys + "app_id", "PUSHER_APP_ID"}
	case probe.Status == 0:
		return Finding{pusherCheck, Fault, "Pusher's API cannot be reached from here, though browsers can connect: " + because(probe.Class), "Check this machine's network and proxy.", ""}
	default:
		return Finding{pusherCheck, Fault, fmt.Sprintf("Pusher's API answers %d, which is not one of its own answers", probe.Status), "Check whether there is a proxy in between, and check https://status.pusher.com.", ""}
	}
}

// listen subscribes as a client and as a developer, has the one tell the other that it is typing, and in presence mode
// waits for the webhook of that.
func (d *doctor) listen(ctx context.Context, o realtime.Options, client *socket) []Finding {
	if o.Channels == realtime.Public {
		return nil // without client events, and without members
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout+d.patience)
	defer cancel()
	p := realtime.New(quiet(d.reach(o)))
	id := "devinbox-doctor-" + strings.ToLower(rand.Text())
	channel := o.Channels.Name(chat.Place{ClientID: id})
	unclear := []Finding{{"client-events", Warning, "It cannot be checked whether the app has client events, which show who is typing: Pusher did not allow a subscription", "Run this again. If the result is the same, check the app's page \"App Settings\" in Pusher's dashboard.", ""}}
	developer, err := dial(ctx, d.reach(o), o.Key)
	if err != nil {
		return unclear
	}
	defer developer.close()
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	if err := errors.Join(
		client.subscribe(within, p, channel, chat.Identity{ID: id, Role: chat.Client}),
		developer.subscribe(within, p, channel, chat.Identity{ID: id, Role: chat.Developer}),
		client.send(within, map[string]any{"event": "client-typing", "channel": channel, "data": map[string]any{"side": chat.Client}}),
	); err != nil {
		return unclear
	}
	found := []Finding{clientEvents(within, client, developer)}
	if o.Channels == realtime.Presence {
		found = append(found, d.webhook(ctx, id))
	}
	return found
}

// clientEvents waits for what becomes of a client event: another client hears it, or Pusher refuses it.
func clientEvents(ctx context.Context, sender, receiver *socket) Finding {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	outcome := make(chan bool, 2)
	go func() {
		if _, err := sender.await(ctx, "pusher:error"); err == nil {
			outcome <- false
		}
	}()
	go func() {
		if _, err := receiver.await(ctx, "client-typing"); err == nil {
			outcome <- true
		}
	}()
	select {
	case on := <-outcome:
		if on {
			return Finding{Check: "client-events", Status: OK, Detail: "they are on, so pages can show who is typing"}
		}
		return Finding{"client-events", Warning, "They are off: nobody sees who is typing", `In Pusher's dashboard, on the app's page "App Settings", enable client events. If you do not need to show typing, ignore this.`, ""}
	case <-ctx.Done():
		return Finding{"client-events", Warning, "A client event was neither refused nor delivered", "Run this again, and check https://status.pusher.com.", ""}
	}
}

// clearText finds what would cross a network unencrypted.
func (d *doctor) clearText() []Finding {
	o := d.settings.Pusher
	if !o.NoTLS || o.Host == "" || isLoopback(o.Host) {
		return nil
	}
	return []Finding{{
		"tls", Warning, d.named("PUSHER_USE_TLS") + " is false, and the server in PUSHER_HOST is on another machine: messages cross the network in the clear",
		"Give the server a certificate and remove PUSHER_USE_TLS, unless only you use the network in between. Pages on https connect with TLS only.", "PUSHER_USE_TLS",
	}}
}

// isLoopback tells whether a host, which may be a folder with a socket, is this machine.
func isLoopback(host string) bool { return strings.HasPrefix(host, "/") || outgoing.IsLoopback(host) }

const maxSkew = time.Minute

// clock compares a clock with this machine's at the same moment.
func clock(whose string, theirs, ours time.Time, matters string) Finding {
	off := theirs.Sub(ours)
	if off.Abs() <= maxSkew {
		return Finding{Check: "clock", Status: OK, Detail: "this machine's clock and that of " + whose + " agree"}
	}
	direction := "behind"
	if off < 0 {
		direction = "ahead of"
	}
	return Finding{"clock", Fault, fmt.Sprintf("This machine's clock is %s %s that of %s: %s, and tokens when it is a minute off", span(off.Abs()), direction, whose, matters), "Synchronize the clock over the network (NTP), on the machine that is wrong.", ""}
}
