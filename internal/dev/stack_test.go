package dev

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"

	"devinbox/internal/testing/logbook"
)

func TestANameThatNothingIsSentToIsHintedAt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode, channel, right string // no right: there is no hint
	}{
		{"", "client-42", "private-client-42"},
		{"private", "developer-inbox", "private-developer-inbox"},
		{" presence ", "client-42", "presence-client-42"},
		{"presence", "private-client-42", "presence-client-42"},
		{"public", "private-client-42", "client-42"},
		{"public", "private-developer-inbox", "developer-inbox"},
		{"private", "private-client-42", ""},
		{"presence", "private-developer-inbox", ""},
		{"public", "client-42", ""},
		{"private", "somebody-elses", ""},
		{"private", "", ""},
		{"nonsense", "client-42", ""},
	} {
		got := hint(test.mode)(test.channel)
		if test.right == "" && got != "" || test.right != "" && !strings.Contains(got, "its name is "+test.right+",") {
			t.Errorf("%q, %s: %q", test.mode, test.channel, got)
		}
	}
}

// Two stacks share what can be shared, and the second one is told with whom.
func TestTwoStacksOnOneFolderAreToldOfEachOther(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	environment := map[string]string{"DATABASE_URL": "postgres://h/d", "S3_BUCKET": "theirs"}
	begin := func(who string) (*Stack, string) {
		t.Helper()
		var progress bytes.Buffer
		s, err := Start(t.Context(), Options{
			Lookup: func(name string) string { return environment[name] }, Data: data, Who: who, Progress: &progress,
			Log: slog.New(slog.NewTextHandler(&logbook.Book{}, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Stop() })
		return s, progress.String()
	}
	first, said := begin("process 1 (devinbox dev)")
	if strings.Contains(said, "in use by") {
		t.Errorf("the first is told %q", said)
	}
	second, said := begin("process 2")
	if !strings.Contains(said, "in use by process 1 (devinbox dev)") {
		t.Errorf("the second is told %q", said)
	}
	if first.Lookup("CHAT_JWT_SECRET") != second.Lookup("CHAT_JWT_SECRET") || first.Lookup("PUSHER_PORT") == second.Lookup("PUSHER_PORT") {
		t.Error("they have other secrets, or one port")
	}
	for name, want := range map[string]bool{"PUSHER_HOST": true, "CRON_SECRET": true, "DATABASE_URL": false, "S3_ENDPOINT": false} {
		if first.Brings(name) != want {
			t.Errorf("it brings %s: %t, want %t", name, !want, want)
		}
	}
	if err := first.Stop(); err != nil {
		t.Error(err)
	}
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
	if _, said := begin("process 3"); strings.Contains(said, "in use by") {
		t.Errorf("after both have ended: %q", said)
	}
}

// A page that names the Pusher-protocol server finds it again, unless another one has its port.
func TestThePusherServerTakesItsOwnPortIfThatIsFree(t *testing.T) {
	t.Parallel()
	if pusherAddress != "127.0.0.1:6001" {
		t.Errorf("pages and documents name 127.0.0.1:6001, not %s", pusherAddress)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	// The second one says that it is elsewhere. So does the object store.
	var ports []string
	for n := range 2 {
		var progress bytes.Buffer
		s := &Stack{lookup: func(string) string { return "" }, added: map[string]string{}, secrets: map[string]string{"PUSHER_APP_ID": "1", "NEXT_PUBLIC_PUSHER_KEY": "k", "PUSHER_SECRET": "s"}}
		t.Cleanup(func() { s.Stop() })
		if err := s.startPusher(Options{Progress: &progress}, address); err != nil {
			t.Fatal(err)
		}
		ports = append(ports, s.added["PUSHER_PORT"])
		want := ""
		if n > 0 {
			want = "Port " + ports[0] + " is taken, so the Pusher-protocol server is at http://127.0.0.1:" + ports[n] + ": a page that names port " + ports[0] + " does not reach it.\n"
		}
		if progress.String() != want {
			t.Errorf("server %d says %q, want %q", n, &progress, want)
		}
	}
	if _, port, _ := net.SplitHostPort(address); ports[0] != port || ports[1] == port || ports[1] == "" {
		t.Errorf("on %s: %q", address, ports)
	}
	var progress bytes.Buffer
	s := &Stack{added: map[string]string{}}
	t.Cleanup(func() { s.Stop() })
	if err := s.startStore(Options{Progress: &progress, Data: t.TempDir()}, address); err != nil {
		t.Fatal(err)
	}
	if want := "Port " + ports[0] + " is taken, so the object store is at " + s.added["S3_ENDPOINT"] + ":"; !strings.HasPrefix(progress.String(), want) {
		t.Errorf("the object store says %q, want %q", &progress, want)
	}
}
