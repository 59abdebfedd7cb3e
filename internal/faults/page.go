package faults

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"devinbox/internal/dev/webapp"
	"devinbox/internal/testing/stage"
)

//go:embed page.mjs
var pageProgram string

// webPage is a page of the web client's own, in Node.
type webPage struct {
	w       *world
	name    string
	me      person
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	sends   map[string]*Send // by their keys
	broken  bool             // it has ended
}

// openPages builds the client, and opens a page of a client's and one of a developer's. Each sends to a conversation.
func (w *world) openPages() {
	if w.options.Web == "" {
		return
	}
	workspace, err := filepath.Abs(w.options.Web)
	if err == nil {
		err = webapp.PrepareClient(w.t.Context(), workspace, w.options.Progress)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, me := range []person{{client, w.conversed[1]}, {developer, "page"}} {
		w.pages = append(w.pages, w.openPage(workspace, me))
	}
}

func (w *world) openPage(workspace string, me person) *webPage {
	u, err := url.Parse(w.pusherURL)
	if err != nil {
		w.t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		w.t.Fatal(err)
	}
	// A client's page in its own conversation, a developer's in all of them: it sends to the first.
	argument, err := json.Marshal(map[string]any{
		"web": workspace, "baseUrl": w.instances[1].url, "wsHost": u.Hostname(), "wsPort": port, "token": w.token(me),
		"clientId": me.id, "developer": me.role == developer, "conversations": w.conversed, "pace": 700,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p := &webPage{w: w, name: "the web client's page of " + me.id, me: me, sends: map[string]*Send{}}
	file := writeTemporary(w.t, "page-*.mjs", pageProgram)
	command := exec.Command("node", file, string(argument))
	command.Stderr = w.faultLog
	command.SysProcAttr = endsWithParent()
	if p.in, err = command.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := command.Start(); err != nil {
		w.t.Fatalf("a page of the web client: %v", err)
	}
	p.process = command
	w.t.Cleanup(func() {
		p.in.Close()
		defer p.killAfter(10 * time.Second).Stop()
		command.Wait()
	})
	return p
}

// killAfter kills the page unless it is stopped before.
func (p *webPage) killAfter(d time.Duration) *time.Timer {
	return time.AfterFunc(d, func() { p.process.Process.Kill() })
}

// tell gives the page a command.
func (p *webPage) tell(command string) {
	if _, err := io.WriteString(p.in, command+"\n"); err != nil && !p.broken {
		p.broken = true
		p.w.history.broken("%s has ended: %v", p.name, err)
	}
}

// shown is a message as the page shows it.
type shown struct {
	Message
	Delivery string `json:"delivery"`
}

// report is what the page shows now, and notes what it has sent and shows as stored.
func (p *webPage) report() (all []View) {
	p.tell("report")
	if p.broken {
		return nil
	}
	defer p.killAfter(3 * time.Minute).Stop() // what it does not tell by then it never tells
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.broken = true
		p.w.history.broken("%s has ended: %v", p.name, err)
		return nil
	}
	var told struct {
		Conversations []struct {
			Conversation Conversation `json:"conversation"`
			Messages     []shown      `json:"messages"`
		} `json:"conversations"`
		Inbox []Conversation `json:"inbox"`
		Sent  [][2]string    `json:"sent"`
	}
	if err := json.Unmarshal(line, &told); err != nil {
		p.w.history.broken("%s tells what cannot be read: %v", p.name, err)
		return nil
	}
	now := Span{time.Now(), time.Now()}
	to := p.me.id
	if p.me.role == developer {
		to = p.w.conversed[0]
	}
	h := p.w.history
	h.mu.Lock()
	for _, sent := range told.Sent {
		if p.sends[sent[0]] == nil {
			s := &Send{Author: p.me.author(to), Key: sent[0], Body: sent[1]}
			p.sends[sent[0]] = s
			h.Sends = append(h.Sends, s)
		}
	}
	h.mu.Unlock()
	boxed := map[string]*Conversation{}
	for _, c := range told.Inbox {
		boxed[c.ClientID] = &c
	}
	for _, c := range told.Conversations {
		v := View{Receiver: p.name, ClientID: c.Conversation.ClientID, Read: c.Conversation.Read, Inbox: boxed[c.Conversation.ClientID]}
		for _, m := range c.Messages {
			v.Messages = append(v.Messages, m.Message)
			if s := p.sends[m.Key]; s != nil && m.Seq > 0 && !h.acknowledged(s) {
				h.acknowledge(s, Ack{now, m.ID, m.Seq, m.Version, true})
			}
		}
		all = append(all, v)
	}
	return all
}

// unsent tells of messages that pages still try to send.
func (w *world) unsent() (n int) {
	for _, p := range w.pages {
		for _, s := range p.sends {
			if !w.history.acknowledged(s) {
				n++
			}
		}
	}
	return n
}

// writeTemporary writes a file that lives as long as t.
func writeTemporary(t stage.T, pattern, text string) (path string) {
	file, err := os.CreateTemp("", pattern)
	if err == nil {
		t.Cleanup(func() { os.Remove(file.Name()) })
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Name()
}
