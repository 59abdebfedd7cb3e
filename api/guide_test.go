package handler_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	pushergo "github.com/pusher/pusher-http-go/v5"

	"devinbox/internal/dev"
	"devinbox/internal/testing/pusherjs"
)

// What docs/from-the-guide.md has a reader do, with the page and the changes that stand in it.

// guide is the document: the page as it is, and after each of the two steps.
type guide struct {
	before, firstDay, after string
	local                   string // the line for a Pusher-protocol server on this machine
	changed                 []int  // how many lines are written in each step
}

func readGuide(t *testing.T) guide {
	t.Helper()
	text := read(t, "docs/from-the-guide.md")
	blocks := func(language string) (found []string) {
		for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
			found = append(found, block[1])
		}
		return found
	}
	scripts, changes := blocks("js"), blocks("diff")
	if len(scripts) != 2 || len(changes) != 2 {
		t.Fatalf("the document has %d scripts and %d changes", len(scripts), len(changes))
	}
	g := guide{before: scripts[0], local: strings.TrimSuffix(scripts[1], "\n")}
	dir := t.TempDir()
	page := filepath.Join(dir, "page.js")
	if err := os.WriteFile(page, []byte(g.before), 0o600); err != nil {
		t.Fatal(err)
	}
	apply := func(change string) string {
		command := exec.Command("git", "apply", "--unidiff-zero", "-")
		command.Dir, command.Stdin = dir, strings.NewReader(change)
		command.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("a change of the document does not apply: %v\n%s", err, out)
		}
		g.changed = append(g.changed, len(regexp.MustCompile(`(?m)^\+[^+]`).FindAllString(change, -1)))
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	g.firstDay = apply(changes[0])
	g.after = apply(changes[1])
	return g
}

func TestAPageAfterTheGuideIsLiveWithinTenChangedLines(t *testing.T) {
	t.Parallel()
	g := readGuide(t)
	if lines := strings.Count(g.before, "\n"); lines < 35 || lines > 40 {
		t.Errorf("the page has %d lines", lines)
	}
	text := read(t, "docs/from-the-guide.md")
	for _, says := range []string{"Change six lines.", "Change four more lines.", "These are ten lines in all."} {
		if !strings.Contains(text, says) {
			t.Errorf("the document does not say %q", says)
		}
	}
	if !slices.Equal(g.changed, []int{6, 4}) {
		t.Errorf("%d lines are changed", g.changed)
	}
	// There is no Pusher itself here. The document says what to write in its place.
	secrets, err := dev.Secrets(t.TempDir())
	if err != nil || !strings.Contains(g.local, strconv.Quote(secrets["NEXT_PUBLIC_PUSHER_KEY"])) {
		t.Errorf("devinbox dev has the key %q, %v", secrets["NEXT_PUBLIC_PUSHER_KEY"], err)
	}
	constructor := regexp.MustCompile(`(?m)^const pusher = new Pusher\(process\.env.*$`)
	if len(constructor.FindAllString(g.firstDay, -1)) != 1 {
		t.Fatal("the first day changes the line that the document replaces for this machine")
	}
	for _, test := range []struct {
		name, page, mode string
		channels         []string
	}{
		{name: "the first day", page: constructor.ReplaceAllLiteralString(g.firstDay, g.local), mode: "public", channels: []string{"client-42", "developer-inbox"}},
		{name: "before public is left", page: g.after, mode: "public", channels: []string{"client-42", "developer-inbox"}},
		{name: "after it was left", page: g.after, mode: "private", channels: []string{"private-client-42", "private-developer-inbox"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			isLive(t, test.page, test.mode, test.channels)
		})
	}
}

// isLive requires that two people chat, one of them with the page.
func isLive(t *testing.T, page, mode string, channels []string) {
	t.Helper()
	w := newWorld(t, "CHAT_CHANNELS="+mode)
	w.settings["PUSHER_HOST"], w.settings["PUSHER_PORT"] = w.pusher.Host(), w.pusher.Port() // pages connect there too
	w.url = w.instance()
	grace, ada := w.client("42"), w.developer("ada")
	grace.sends("Hello")

	// The app: its own route for the token, and behind a rewrite the functions.
	functions, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(functions)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/token" {
			fmt.Fprintf(rw, `{"token":%q}`, ada.token)
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	defer app.Close()
	page = strings.NewReplacer(`"local-key"`, `"test-key"`, "wsPort: 6001", "wsPort: "+w.pusher.Port()).Replace(page)
	p := pusherjs.OpenPage(t, page, app.URL, "NEXT_PUBLIC_PUSHER_KEY=test-key", "NEXT_PUBLIC_PUSHER_CLUSTER=local")
	p.Shows("messages", "Client 42: Hello")
	asking := pushergo.Client{AppID: "1", Key: "test-key", Secret: "test-secret", Host: w.pusher.Address()}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		occupied, err := asking.Channels(pushergo.ChannelsParams{})
		if err == nil && slices.Equal(slices.Sorted(maps.Keys(occupied.Channels)), channels) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the page listens on %v, want %q, %v", occupied, channels, err)
		}
	}

	grace.sends("Is somebody there?")
	p.Shows("messages", "Client 42: Is somebody there?")
	p.Shows("inbox", "the conversation of 42")
	p.Submit("send", map[string]string{"text": "Yes"})
	p.Shows("messages", "Developer ada: Yes")
	grace.post("/api/messages/read", `{"upToSeq":3}`).is(200)
	p.Shows("seen", "Seen")

	// A client without a conversation, with whom the developer begins one.
	first := strings.Replace(page, `clientId = "42"`, `clientId = "43"`, 1)
	options := []string{"NEXT_PUBLIC_PUSHER_KEY=test-key", "NEXT_PUBLIC_PUSHER_CLUSTER=local"}
	pusherjs.OpenPage(t, first, app.URL, options...).Submit("send", map[string]string{"text": "Welcome"})
	p.Shows("inbox", "the conversation of 43")
	pusherjs.OpenPage(t, first, app.URL, options...).Shows("messages", "Developer ada: Welcome")

	if shown := p.Text("messages"); shown != "Client 42: Hello\nClient 42: Is somebody there?\nDeveloper ada: Yes" {
		t.Errorf("it shows %q", shown)
	}
}
