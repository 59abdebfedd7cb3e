// Package dev runs the services of a deployment on this machine, for development: Postgres, a server that speaks
// Pusher's protocol, and an object store. It also makes secrets. The packages in its subfolders are its parts.
package dev

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/joho/godotenv"

	"devinbox/internal/dev/folder"
	"devinbox/internal/dev/objectstore"
	"devinbox/internal/dev/pgserver"
	"devinbox/internal/dev/pusherserver"
	"devinbox/pkg/realtime"
)

// Where the Pusher-protocol server and the object store listen if these ports are free: pages that are open find them
// again after a restart.
const (
	pusherAddress = "127.0.0.1:6001"
	storeAddress  = "127.0.0.1:6002"
)

// Options say what a [Stack] needs to know.
type Options struct {
	Lookup   func(name string) string // the environment; what it configures is not started
	Data     string                   // the folder that keeps everything between runs
	Progress io.Writer                // gets lines, for a person to read, about what takes time
	Log      *slog.Logger

	// Who is what another stack on the same data is told of this one. Defaults to the number of this process.
	Who string

	// WebhookURL is where the functions take Pusher's webhooks, which say who is online. Without it none are sent.
	WebhookURL string

	// Hosts are names whose pages may use the object store, beside those of this machine.
	Hosts []string
}

// Stack is what runs in place of what the environment does not configure.
type Stack struct {
	lookup  func(string) string
	secrets map[string]string // those that were made here, whether or not they are used
	added   map[string]string
	stops   []func() error
}

// Start starts what is missing: a database if the environment names none, a Pusher-protocol server if it names
// nothing of Pusher's, an object store if it names nothing of one, and secrets if they are not set. Call [Stack.Stop] after an error too.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{lookup: o.Lookup, added: map[string]string{}}
	secrets, err := Secrets(o.Data)
	if err != nil {
		return s, err
	}
	s.secrets = secrets
	if err := s.claim(o); err != nil {
		return s, err
	}
	for _, name := range []string{"CHAT_JWT_SECRET", "CRON_SECRET"} {
		if s.missing(name) {
			s.added[name] = secrets[name]
		}
	}
	if s.missing("DATABASE_URL", "POSTGRES_URL") {
		server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(o.Data, "postgres"), Progress: o.Progress})
		if err != nil {
			return s, fmt.Errorf("Postgres cannot be started: %w", err)
		}
		s.stops = append(s.stops, server.Stop)
		s.added["DATABASE_URL"] = server.URL(pgserver.Database)
	}
	if s.missing("PUSHER_APP_ID", "PUSHER_SECRET", "NEXT_PUBLIC_PUSHER_KEY", "PUSHER_KEY",
		"NEXT_PUBLIC_PUSHER_CLUSTER", "PUSHER_CLUSTER", "PUSHER_HOST") {
		if err := s.startPusher(o, pusherAddress); err != nil {
			return s, fmt.Errorf("the Pusher-protocol server cannot be started: %w", err)
		}
	}
	if s.missing("S3_ENDPOINT", "S3_REGION", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY") {
		if err := s.startStore(o, storeAddress); err != nil {
			return s, fmt.Errorf("the object store cannot be started: %w", err)
		}
	}
	return s, nil
}

// claim says who uses the data, and to whom they are shared that they are. Postgres, the secrets and the files can be, but
// each stack has a Pusher of its own.
func (s *Stack) claim(o Options) error {
	who := cmp.Or(o.Who, fmt.Sprintf("process %d", os.Getpid()))
	claimed, holder, err := folder.Claim(filepath.Join(o.Data, "in-use"), who)
	if err != nil {
		return err
	}
	if claimed != nil {
		s.stops = append(s.stops, claimed.Close)
	} else if o.Progress != nil {
		shared := "both have the same messages, but each gets only its own live events"
		if !s.missing("DATABASE_URL", "POSTGRES_URL") {
			shared = "both have the same secrets and files" // the database is another
		}
		fmt.Fprintf(o.Progress, "The data in %s is in use by %s too: %s.\n", o.Data, holder, shared)
	}
	return nil
}

// startStore starts the object store at an address, or on a free port if that is taken.
func (s *Stack) startStore(o Options, address string) error {
	options := objectstore.Options{Dir: filepath.Join(o.Data, "files"), Address: address, Hosts: o.Hosts, Log: o.Log}
	server, err := objectstore.Start(options)
	moved := errors.Is(err, syscall.EADDRINUSE) // perhaps by another devinbox
	if moved {
		options.Address = "127.0.0.1:0"
		server, err = objectstore.Start(options)
	}
	if err != nil {
		return err
	}
	if moved {
		o.sayMoved("the object store", address, server.Environment()["S3_ENDPOINT"])
	}
	s.stops = append(s.stops, func() error { server.Close(); return nil })
	maps.Copy(s.added, server.Environment())
	return nil
}

// startPusher starts the Pusher-protocol server at an address, or on a free port if that is taken.
func (s *Stack) startPusher(o Options, address string) error {
	options := pusherserver.Options{
		AppID: s.secrets["PUSHER_APP_ID"], Key: s.secrets["NEXT_PUBLIC_PUSHER_KEY"], Secret: s.secrets["PUSHER_SECRET"],
		Address: address, WebhookURL: o.WebhookURL, Log: o.Log, Hint: hint(s.lookup("CHAT_CHANNELS")),
	}
	server, err := pusherserver.Start(options)
	moved := errors.Is(err, syscall.EADDRINUSE) // perhaps by another devinbox
	if moved {
		options.Address = "127.0.0.1:0"
		server, err = pusherserver.Start(options)
	}
	if err != nil {
		return err
	}
	if moved {
		o.sayMoved("the Pusher-protocol server", address, "http://"+net.JoinHostPort(server.Host(), server.Port()))
	}
	s.stops = append(s.stops, func() error { server.Close(); return nil })
	for _, name := range []string{"PUSHER_APP_ID", "NEXT_PUBLIC_PUSHER_KEY", "PUSHER_SECRET"} {
		s.added[name] = s.secrets[name]
	}
	s.added["NEXT_PUBLIC_PUSHER_CLUSTER"] = "local"
	s.added["PUSHER_HOST"] = server.Host()
	s.added["PUSHER_PORT"] = server.Port()
	s.added["PUSHER_USE_TLS"] = "false"
	return nil
}

// sayMoved says that a server is not where pages may look for it.
func (o Options) sayMoved(what, wanted, url string) {
	if _, port, err := net.SplitHostPort(wanted); err == nil && o.Progress != nil {
		fmt.Fprintf(o.Progress, "Port %s is taken, so %s is at %s: a page that names port %s does not reach it.\n", port, what, url, port)
	}
}

// hint finds subscriptions to a conversation or the inbox by a name that nothing is sent to, since another mode of
// CHAT_CHANNELS has it: such as the bare names of an existing frontend.
func hint(mode string) func(channel string) string {
	channels, ok := realtime.ParseChannels(strings.TrimSpace(mode))
	return func(channel string) string {
		for _, other := range []realtime.Channels{realtime.Public, realtime.Private, realtime.Presence} {
			place, known := other.Parse(channel)
			if right := channels.Name(place); ok && known && right != channel {
				return "a page has subscribed to a channel that gets no events: here its name is " + right +
					", which GET /api/session returns (or set CHAT_CHANNELS=public, with which everybody can read everything)"
			}
		}
		return ""
	}
}

// missing tells whether the environment sets none of these.
func (s *Stack) missing(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return strings.TrimSpace(s.lookup(name)) != "" })
}

// Lookup is [os.Getenv] for the environment and what the Stack has added to it.
func (s *Stack) Lookup(name string) string {
	if value, added := s.added[name]; added {
		return value
	}
	return s.lookup(name)
}

// Brings tells whether the Stack has added a variable to the environment.
func (s *Stack) Brings(name string) bool {
	_, added := s.added[name]
	return added
}

// Made tells whether the value that a variable has, the environment's or the Stack's, was made on this machine for
// this machine: no deployment has it.
func (s *Stack) Made(name string) bool {
	own := s.secrets[name]
	return own != "" && strings.TrimSpace(s.Lookup(name)) == own
}

// Added is what the Stack adds to the environment, as sorted KEY=value lines.
func (s *Stack) Added() []string {
	var lines []string
	for name, value := range s.added {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return lines
}

// Stop ends what was started, in reverse order. The data stays.
func (s *Stack) Stop() error {
	var failed []error
	for _, stop := range slices.Backward(s.stops) {
		failed = append(failed, stop())
	}
	s.stops = nil
	return errors.Join(failed...)
}

// secretsFile holds, as an .env file, secrets that only the stack of this machine accepts.
const secretsFile = "secrets.env"

// Secrets returns the credentials of the stack whose data is in a folder. They are made by the first call, and stay:
// what was signed with them is still valid after a restart.
func Secrets(data string) (map[string]string, error) {
	file := filepath.Join(data, secretsFile)
	secrets, err := godotenv.Read(file)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return secrets, err
	}
	if err := os.MkdirAll(data, 0o711); err != nil { // 0711: Postgres may run as another user, who must be able to pass through; nobody else can list it
		return nil, err
	}
	secrets = map[string]string{
		"PUSHER_APP_ID":          "1",
		"NEXT_PUBLIC_PUSHER_KEY": "local-key",
		"PUSHER_SECRET":          rand.Text(),
		"CHAT_JWT_SECRET":        rand.Text() + rand.Text(),
		"CRON_SECRET":            rand.Text(),
	}
	text, err := godotenv.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	// Written to another file and then linked, which fails if another process was faster: so all use the same set.
	temporary, err := os.CreateTemp(data, secretsFile) // readable by its owner only
	if err != nil {
		return nil, err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.WriteString(text + "\n")
	if err := errors.Join(err, temporary.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temporary.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return godotenv.Read(file)
}

// HasData tells whether a folder holds the data of a stack.
func HasData(data string) bool {
	_, err := os.Stat(filepath.Join(data, secretsFile))
	return err == nil
}

// DataFolder is where the stack of the project in a folder keeps its data by default: a folder of its own in
// [folder.Data]. It is created if it is missing.
func DataFolder(project string) (string, error) {
	absolute, err := filepath.Abs(project)
	if err != nil {
		return "", err
	}
	all, err := folder.Data()
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(absolute))
	own := filepath.Join(all, filepath.Base(absolute)+"-"+hex.EncodeToString(digest[:4]))
	return own, folder.Make(own)
}
