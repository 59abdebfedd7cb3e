package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"devinbox/internal/dev/npm"
	"devinbox/internal/testing/pusherjs"
)

var codeBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// readme returns the code blocks of the README in one language.
func readme(t *testing.T, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] == language {
			blocks = append(blocks, block[2])
		}
	}
	return blocks
}

// typed has the README's shell commands run in a project whose devinbox dev is there, as they stand but for the port and the
// folder of the data. Its other commands are known by what they are: one is running, the other is running this.
func (d deployment) typed(t *testing.T, folder, data string) {
	t.Helper()
	blocks := readme(t, "sh")
	if len(blocks) != 3 || blocks[0] != "go run ./cmd/devinbox dev\n" || blocks[2] != "go test -timeout 30m ./...\n" {
		t.Fatalf("the README's commands are %q", blocks)
	}
	script := strings.NewReplacer(
		"go run ./cmd/devinbox token", `"$DEVINBOX" token --data "$DATA"`,
		"http://localhost:3000", d.url,
	).Replace(blocks[1])
	devinbox := command(t, folder, []string{"DATA=" + data})
	shell := exec.Command("sh", "-euc", script)
	shell.Dir, shell.Env = folder, append(devinbox.Env, "DEVINBOX="+devinbox.Path)
	out, err := shell.CombinedOutput()
	if err != nil || strings.Count(string(out), `"body":"Hello"`) != 2 {
		t.Errorf("%v: %s", err, out)
	}
}

// page stands for what a page of Next.js has around the README's code that listens and writes by itself.
const page = `
const site = process.env.SITE;
const { fetch: outside } = globalThis;
const fetch = (path, options) =>
  path === "/api/token" ? Response.json({ token: process.env.TOKEN }) : outside(new URL(path, site), options);
globalThis.document = undefined;
const { createRequire } = await import("node:module");
const require = createRequire(process.cwd() + "/");
const Pusher = require("pusher-js");
const told = (what) => console.log(JSON.stringify(what));
let subscribed;
const isSubscribed = new Promise((resolve) => { subscribed = resolve; });
const catchUp = () => subscribed(told("catch up"));
const shown = [];
const show = (message) => {
  shown.push(message.body);
  if (message.body === "I listen") {
    told(shown);
    process.exit();
  }
};
`

// send is where the README's code sends. A page does so when its user writes: by then it is connected, and gets no event
// for what it sends.
const send = "const response = await fetch("

// listened runs the README's code for those who use pusher-js themselves, and lets somebody answer. The page must show its
// own message, of which it hears nothing, and the answer.
func (d deployment) listened(t *testing.T) {
	t.Helper()
	blocks := slices.DeleteFunc(readme(t, "ts"), func(block string) bool { return !strings.Contains(block, `from "pusher-js"`) })
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of the README have pusher-js", len(blocks))
	}
	code := strings.Replace(blocks[0], "import Pusher from \"pusher-js\";\n", "", 1)
	// The session names the way to Pusher as a page sees it: relative to itself.
	code = strings.Replace(code, "endpoint: realtime.authEndpoint", "endpoint: new URL(realtime.authEndpoint, site).href", 1)
	if strings.Count(code, send) != 1 {
		t.Fatal("the README's code does not send once")
	}
	code = strings.Replace(code, send, "await isSubscribed;\n"+send, 1) + "told(\"sent\");\n"
	packages, err := npm.Install(t.Context(), map[string]string{"pusher-js": pusherjs.Version}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.mjs")
	write(t, file, page+code)
	node := exec.Command("node", file)
	node.Dir = packages
	node.Env = append(os.Environ(), "SITE="+d.url, "TOKEN="+d.client)
	r := start(t, node)
	r.until(`"catch up"`)
	r.until(`"sent"`)
	if status, sent := d.call(t, d.developer, "POST", "/api/messages/send", `{"clientId":"42","body":"I listen"}`); status != 201 {
		t.Fatalf("answering: %d %s", status, sent)
	}
	r.until(`["Hello","I listen"]`)
	if err := r.Wait(); err != nil {
		t.Errorf("%v: %s", err, r.problems())
	}
}
