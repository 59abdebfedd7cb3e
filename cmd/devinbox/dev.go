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
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"devinbox/internal/dev"
	"devinbox/internal/dev/vercel"
	"devinbox/internal/dev/webapp"
	"devinbox/internal/serve"
	"devinbox/pkg/app"
	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/postgres/migrate"
)

func devCommand() *cobra.Command {
	var d devRun
	command := &cobra.Command{
		Use:   "dev [-- COMMAND …]",
		Short: "Run everything on this machine",
		Long: `Run everything on this machine: the functions of api/, the web example and, where the environment, .env.local
or .env name none, Postgres, a Pusher-protocol server and secrets. Ctrl-C ends all of it; the data stay.

With --services-only the functions are left to COMMAND, which finds everything in its environment:
  devinbox dev --services-only -- vercel dev --local
Without a COMMAND the variables are printed.`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) > 0 && (!d.servicesOnly || command.ArgsLenAtDash() != 0) {
				return errors.New("a COMMAND stands behind --, and needs --services-only")
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			return d.run(command.Context(), arguments)
		},
	}
	command.Flags().IntVar(&d.port, "port", 3000, "the port of the functions; 0 takes a free one")
	command.Flags().StringVar(&d.data, "data", "", "the folder in which the data are kept")
	command.Flags().BoolVar(&d.noWeb, "no-web", false, "leave the web example out, and serve the API reference in its place")
	command.Flags().BoolVar(&d.servicesOnly, "services-only", false, "start only what the functions need")
	return command
}

// devRun is one run of the command dev.
type devRun struct {
	port         int
	data         string
	noWeb        bool
	servicesOnly bool
}

func (d devRun) run(ctx context.Context, command []string) (err error) {
	if err := checkPort(d.port); err != nil {
		return err
	}
	p, err := openProject()
	if err != nil {
		return err
	}
	if _, fault := config.Load(p.lookup); fault != nil {
		return fault // before anything is begun
	}
	data, err := p.data(d.data)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	stack, err := dev.Start(ctx, dev.Options{Lookup: p.lookup, Data: data, Progress: os.Stderr, Log: log})
	defer func() { err = errors.Join(err, stack.Stop()) }()
	if err != nil {
		return err
	}
	settings, fault := config.Load(stack.Lookup)
	if err := d.migrate(ctx, settings.MigrationURL); err != nil {
		return err
	}
	switch {
	case !d.servicesOnly:
		return d.serve(ctx, p, stack, data, settings, fault, log)
	case len(command) > 0:
		return runWith(ctx, stack, command)
	default:
		for _, line := range stack.Added() {
			fmt.Println(line)
		}
		<-ctx.Done()
		return nil
	}
}

// migrate brings the database up to date. One that is not on this machine is somebody's, who is asked first.
func (d devRun) migrate(ctx context.Context, url string) error {
	local, err := isLoopback(url)
	if err != nil {
		return err
	}
	if !local {
		status, err := migrate.Read(ctx, url)
		if err != nil {
			return err
		}
		if len(status.Pending) == 0 {
			return nil
		}
		if !confirm(os.Stdin, "The database is not on this machine and lacks "+strings.Join(status.Pending, ", ")+". Migrate it?") {
			return errors.New("the database was not migrated, and without that nothing can be served")
		}
	}
	return migrate.Up(ctx, url, func(string) {})
}

// isLoopback tells whether every host of a database's URL is this machine.
func isLoopback(url string) (bool, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return false, errors.New("DATABASE_URL is not a Postgres URL such as postgres://user:password@host:5432/database")
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

func confirm(from io.Reader, question string) bool {
	fmt.Fprint(os.Stderr, question, " [y/N] ")
	answer, _ := bufio.NewReader(from).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// serve serves the functions until ctx ends.
func (d devRun) serve(ctx context.Context, p *project, stack *dev.Stack, data string, settings config.Config, fault error, log *slog.Logger) (err error) {
	a := app.New(settings, fault, log)
	defer a.Close()
	var rest http.Handler // what is no function's: the example, or public/
	if workspace := filepath.Join(p.folder, "web"); !d.noWeb && exists(workspace) {
		example := webapp.Begin(ctx, webapp.Options{
			Workspace: workspace, Environment: append(p.lines(), stack.Added()...), Progress: os.Stderr, Output: os.Stderr,
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
	listener, err := listen("127.0.0.1", d.port)
	if err != nil {
		return err
	}
	if err := d.greet(settings, listener.Addr().(*net.TCPAddr).Port, data); err != nil {
		return errors.Join(err, listener.Close())
	}
	return serve.Run(ctx, listener, serve.Options{Handler: handler, App: a, Log: log, Patience: 5 * time.Second})
}

// greet says where everything is, and gives two tokens to begin with.
func (d devRun) greet(settings config.Config, port int, data string) error {
	client, err := mint(settings, chat.Identity{ID: "42", Role: chat.Client, Name: "Grace"}, greetingTTL)
	if err != nil {
		return err
	}
	developer, err := mint(settings, chat.Identity{ID: "ada", Role: chat.Developer, Name: "Ada"}, greetingTTL)
	if err != nil {
		return err
	}
	fmt.Printf(`
devinbox is running at http://localhost:%d
  data       %s
  client     Grace, id 42:  %s
  developer  Ada, id ada:   %s
Both tokens are good for a day. Ctrl-C ends it; the data stay.

`, port, data, client, developer)
	return nil
}

const greetingTTL = 24 * time.Hour

// runWith runs a command in the environment of the stack, and ends with it.
func runWith(ctx context.Context, stack *dev.Stack, command []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), stack.Added()...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // as a terminal does, which tells it as well
	c.WaitDelay = 10 * time.Second
	err := c.Run()
	if ctx.Err() != nil {
		return nil // it was we who ended it
	}
	return err
}
