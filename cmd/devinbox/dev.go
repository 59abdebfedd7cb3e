package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"devinbox/internal/dev"
	"devinbox/internal/dev/loopback"
	"devinbox/internal/dev/vercel"
	"devinbox/internal/dev/webapp"
	"devinbox/internal/serve"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/postgres/migrate"
	"devinbox/pkg/realtime"
)

func devCommand() *cobra.Command {
	d := devRun{port: 3000}
	command := &cobra.Command{
		Use:   "dev [-- COMMAND …]",
		Short: "Run everything on this machine",
		Long: `Run everything on this machine: the functions of api/, the web example and, if the environment, .env.local
or .env name none, Postgres, a Pusher-protocol server, an object store and secrets. A value unchanged from .env.example
counts as not set. Ctrl-C stops everything; your data is kept.

It listens on loopback alone, and answers only requests for localhost, a name below it, or an address of loopback:
otherwise a page of another site could read your data. --allow-host adds a name, such as that of a tunnel.

With --services-only COMMAND runs the functions, with all variables in its environment:
  devinbox dev --services-only -- vercel dev --local
Without a COMMAND the variables are printed. --port then says where COMMAND serves the functions.`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) > 0 && (!d.servicesOnly || command.ArgsLenAtDash() != 0) {
				return usage("a COMMAND must come after --, and needs --services-only: devinbox dev --services-only -- vercel dev --local")
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			d.portGiven = command.Flags().Changed("port")
			return d.run(command.Context(), arguments)
		},
	}
	command.Flags().Var((*port)(&d.port), "port", "the port of the functions; if it is not given, PORT is used; 0 picks a free one")
	command.Flags().StringVar(&d.data, "data", "", "the folder for the data")
	command.Flags().StringArrayVar(&d.names, "allow-host", nil, "another host name to answer to, such as that of a tunnel; can be repeated")
	command.Flags().BoolVar(&d.noWeb, "no-web", false, "leave out the web example, and serve the API reference instead")
	command.Flags().BoolVar(&d.servicesOnly, "services-only", false, "start only what the functions need")
	return command
}

// devRun is one run of the command dev.
type devRun struct {
	port         int
	portGiven    bool
	data         string
	names        []string // of --allow-host
	noWeb        bool
	servicesOnly bool
}

func (d devRun) run(ctx context.Context, command []string) (err error) {
	for _, name := range d.names {
		if err := loopback.CheckName(name); err != nil {
			return usage("--allow-host %v", err)
		}
	}
	if err := checkData(d.data); err != nil {
		return err
	}
	p, err := openProject()
	if err != nil {
		return err
	}
	// What cannot be used is told before anything is begun, and so is a port that is taken.
	settings, fault := p.load(p.lookup)
	if settings.MigrationURL != "" { // a database is named
		fault = errors.Join(fault, settings.DatabaseFaults)
		if settings.MigrationURL != settings.Database.URL {
			fault = errors.Join(fault, settings.MigrationFaults)
		}
	}
	if !d.portGiven {
		server, faults := config.LoadServer(p.lookup)
		d.port, fault = server.Port, errors.Join(fault, p.located(faults))
	}
	if fault != nil {
		return fault
	}
	var listener net.Listener
	if !d.servicesOnly {
		if listener, err = loopback.Listen(d.port); err != nil {
			return portFault(d.port, err)
		}
		defer listener.Close()
		d.port = listener.Addr().(*net.TCPAddr).Port
	}
	who := fmt.Sprintf("process %d (devinbox dev at http://localhost:%d)", os.Getpid(), d.port)
	if d.servicesOnly {
		who = fmt.Sprintf("process %d (devinbox dev --services-only)", os.Getpid())
	}
	if workspace := p.workspace(); d.example(workspace) {
		claimed, holder, err := webapp.Claim(workspace, who)
		if err != nil {
			return err
		}
		if claimed == nil {
			return fmt.Errorf("%s runs the web example of this checkout already, and Next.js can serve a folder only once: stop that process, or start this one with --no-web", holder)
		}
		defer claimed.Close()
	}
	data, err := p.data(d.data)
	if err != nil {
		return err
	}
	if d.data != "" && isForeign(data) { // whoever begins again with no data deletes the folder
		fmt.Fprintf(os.Stderr, "%s holds other files too. Do not delete it to begin again with no data: give --data a folder of its own.\n", data)
	}
	for _, name := range p.unchanged() {
		fmt.Fprintf(os.Stderr, "%s is still as in .env.example, so it counts as not set.\n", name)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	options := dev.Options{Lookup: p.lookup, Data: data, Progress: os.Stderr, Log: log, Hosts: d.names, Who: who}
	if settings.Pusher.Channels == realtime.Presence && d.port != 0 { // nobody else needs to know who is there
		options.WebhookURL = fmt.Sprintf("http://127.0.0.1:%d/api/pusher/webhook", d.port)
	}
	defer sayStopping(ctx)(&err)
	stack, err := dev.Start(ctx, options)
	defer func() {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) { // it was still being started
			err = nil
		}
		err = errors.Join(err, stack.Stop())
	}()
	if err != nil {
		return err
	}
	settings, fault = p.load(stack.Lookup)
	if err := d.migrate(ctx, settings); err != nil {
		return p.unreachable(settings.MigrationVariable, err)
	}
	if d.servicesOnly {
		fmt.Fprint(os.Stderr, services(p, stack, settings))
	}
	switch {
	case !d.servicesOnly:
		return d.serve(ctx, p, stack, listener, data, settings, fault, log)
	case len(command) > 0:
		return runWith(ctx, append(p.lines(), stack.Added()...), command)
	default:
		for _, line := range stack.Added() {
			fmt.Println(line)
		}
		<-ctx.Done()
		return nil
	}
}

// isForeign tells whether a folder holds files, and none of them is the data of a stack.
func isForeign(data string) bool {
	entries, _ := os.ReadDir(data)
	return len(entries) > 0 && !dev.HasData(data)
}

// sayStopping says at Ctrl-C that it was heard. What it returns is called at the end, with how that is.
func sayStopping(ctx context.Context) (over func(*error)) {
	said := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(said)
		fmt.Fprintln(os.Stderr, "Stopping: what has begun is finished first.")
	})
	return func(err *error) {
		if cancel() { // it ends by itself
			return
		}
		<-said
		if *err == nil {
			fmt.Fprintln(os.Stderr, "Stopped. Your data is kept.")
		}
	}
}

// migrate brings the database up to date. One that is not on this machine is somebody's, who is asked first.
func (d devRun) migrate(ctx context.Context, settings config.Config) error {
	database := settings.MigrationURL
	local, err := isLoopback(database)
	if err != nil {
		return err
	}
	status, err := migrate.Read(ctx, database)
	if err != nil {
		return err
	}
	if database != settings.Database.URL {
		if served, err := migrate.Read(ctx, settings.Database.URL); err == nil && !reflect.DeepEqual(served, status) {
			return errTwoDatabases
		}
	}
	if len(status.Pending) == 0 {
		return nil
	}
	if !local && !confirm(ctx, os.Stdin, "The database is not on this machine, and these migrations are missing: "+strings.Join(status.Pending, ", ")+". Migrate it?") {
		return errors.New("the database was not migrated, so nothing can be served")
	}
	if err := migrate.Up(ctx, database, func(string) {}); err != nil {
		return err
	}
	return checkServed(ctx, settings)
}

// isLoopback tells whether every host of a database's URL is this machine.
func isLoopback(database string) (bool, error) {
	c, err := pgx.ParseConfig(database)
	if err != nil {
		return false, errors.New("the database's URL cannot be read")
	}
	hosts := []string{c.Host}
	for _, fallback := range c.Fallbacks {
		hosts = append(hosts, fallback.Host)
	}
	for _, host := range hosts {
		ip := net.ParseIP(host)
		if !strings.HasPrefix(host, "/") && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false, nil
		}
	}
	return true, nil
}

// confirm asks a question, and tells whether the answer is yes. When ctx ends it waits for no answer.
func confirm(ctx context.Context, from io.Reader, question string) bool {
	fmt.Fprint(os.Stderr, question, " [y/N] ")
	answers := make(chan string, 1)
	go func() { // a read from a terminal cannot be given up
		answer, _ := bufio.NewReader(from).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answers:
		return answer == "y" || answer == "yes"
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr)
		return false
	}
}

// example tells whether to run the web example of a workspace.
func (d devRun) example(workspace string) bool {
	return !d.servicesOnly && !d.noWeb && exists(workspace)
}

// serve serves the functions until ctx ends.
func (d devRun) serve(ctx context.Context, p *project, stack *dev.Stack, listener net.Listener, data string, settings config.Config, fault error, log *slog.Logger) (err error) {
	a := app.New(settings, fault, log)
	defer a.Close()
	// Nothing else calls the cron's function here. Live events need no timer: the next request delivers them.
	sending, stop := context.WithCancel(ctx)
	var timer sync.WaitGroup
	timer.Go(func() { serve.SendWebhooks(sending, a, log, serve.DeliverEvery) })
	timer.Go(func() { serve.DeleteFiles(sending, a, log, serve.DeleteEvery) })
	defer timer.Wait()
	defer stop()
	var rest http.Handler // what is no function's: the example, or public/
	if workspace := p.workspace(); d.example(workspace) {
		example := webapp.Begin(ctx, webapp.Options{
			Workspace: workspace, Environment: d.exampleEnvironment(p, stack), Progress: os.Stderr, Output: os.Stderr,
		}, func(err error) {
			if err == nil {
				fmt.Fprintf(os.Stderr, "The web example is ready.\n")
			} else if ctx.Err() == nil {
				fmt.Fprintf(os.Stderr, "The web example could not be started: %v\n", err)
			}
		})
		defer example.Stop()
		rest = example
	}
	handler, err := vercel.NewHandler(os.DirFS(p.folder), rest)
	if err != nil {
		return err
	}
	if err := d.greet(p, stack, settings, data); err != nil {
		return err
	}
	return serve.Run(ctx, listener, serve.Options{Handler: loopback.Only(handler, d.names), App: a, Log: log, Patience: 5 * time.Second})
}

// exampleEnvironment is what the example finds in its environment beside this process's own. Its demo signs everybody in
// as whom they like, so it may do that with no secret that a deployment could have.
func (d devRun) exampleEnvironment(p *project, stack *dev.Stack) []string {
	demo := ""
	if stack.Made(jwtSecretVariable) {
		demo = jwtSecretVariable
	}
	return append(append(p.lines(), stack.Added()...), "DEMO="+demo, "DEMO_HOSTS="+strings.Join(d.names, ","))
}

const jwtSecretVariable = "CHAT_JWT_SECRET"

// greet says where everything is, and how to begin: with two tokens if their secret was made here, and else with the
// command that makes some, for these would be good at the deployment that has the secret.
func (d devRun) greet(p *project, stack *dev.Stack, settings config.Config, data string) error {
	people := []chat.Identity{{ID: "42", Role: chat.Client, Name: "Grace"}, {ID: "ada", Role: chat.Developer, Name: "Ada"}}
	made := stack.Made(jwtSecretVariable)
	isOnlyHere := !made && p.origin(jwtSecretVariable) == "" // in the environment of this process, and in no file
	text := &strings.Builder{}
	fmt.Fprintf(text, "\ndevinbox is running at http://localhost:%d\n  data       %s\n", d.port, data)
	text.WriteString(services(p, stack, settings))
	for _, who := range people {
		how := fmt.Sprintf("%s token --role %s --sub %s --name %s", p.program(), who.Role, who.ID, who.Name)
		if isOnlyHere {
			how = jwtSecretVariable + "=… " + how
		}
		if made {
			var err error
			if how, err = mint(settings, who, greetingTTL); err != nil {
				return err
			}
		}
		fmt.Fprintf(text, "  %-9s  %-14s %s\n", who.Role, who.Name+", id "+who.ID+":", how)
	}
	if made {
		text.WriteString("Both tokens are valid for a day. ")
	} else {
		text.WriteString("No token is shown, because CHAT_JWT_SECRET may also be a deployment's. These commands make some")
		if isOnlyHere {
			text.WriteString(", with the same secret")
		}
		text.WriteString(".\n")
	}
	text.WriteString("Ctrl-C stops it; your data is kept.\n\n")
	if settings.Pusher.Channels == realtime.Presence && !stack.Made("PUSHER_SECRET") {
		fmt.Fprintln(os.Stderr, "Nobody will be shown as online: Pusher's webhooks cannot reach this machine, unless you use a tunnel (docs/deploy.md).")
	}
	_, err := fmt.Print(text)
	return err
}

// services says of what a deployment has elsewhere whether it is that, because the environment names it, or runs here.
func services(p *project, stack *dev.Stack, settings config.Config) string {
	here := func(address string) string { return "on this machine, started by dev, at " + address }
	database := "the one that " + p.named(settings.DatabaseVariable) + " names"
	if u, err := url.Parse(settings.Database.URL); err == nil && stack.Brings("DATABASE_URL") {
		database = here(u.Host)
	}
	var live string
	switch {
	case stack.Brings("PUSHER_HOST"):
		live = here("http://" + net.JoinHostPort(settings.Pusher.Host, settings.Pusher.Port))
	case settings.PusherFaults != nil:
		live = "off, so nothing is live: " + strings.ReplaceAll(settings.PusherFaults.Error(), "\n", ", ")
	case settings.Pusher.Host != "":
		live = "the server that " + p.named("PUSHER_HOST") + " names"
	default:
		key := "NEXT_PUBLIC_PUSHER_KEY"
		if p.lookup(key) == "" {
			key = "PUSHER_KEY"
		}
		live = "Pusher itself, with the app that " + p.named(key) + " names"
	}
	files := "the one that " + p.named("S3_ENDPOINT") + " names"
	if stack.Brings("S3_ENDPOINT") {
		files = here(stack.Lookup("S3_ENDPOINT"))
	} else if settings.FilesFaults != nil {
		files = "off, so no files are taken: " + strings.ReplaceAll(settings.FilesFaults.Error(), "\n", ", ")
	}
	return fmt.Sprintf("  Postgres   %s\n  Pusher     %s\n  files      %s\n", database, live, files)
}

const greetingTTL = 24 * time.Hour

// runWith runs a command in this environment and these KEY=value lines, and ends with it.
func runWith(ctx context.Context, environment []string, command []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), environment...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // as a terminal does, which tells it as well
	c.WaitDelay = 10 * time.Second
	err := c.Run()
	if ctx.Err() != nil {
		return nil // it was we who ended it
	}
	return err
}
