package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"devinbox/internal/serve"
	"devinbox/pkg/app"
	"devinbox/pkg/config"
)

const (
	// serveTimeout is a little longer than the longest request, a run of the cron.
	serveTimeout = time.Minute
	serveLinger  = time.Second
)

func serveCommand() *cobra.Command {
	number := port(3000)
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the functions as one process, for a container",
		Long: `Serve the functions of api/ as one process, for a container: at their own paths, on every address of the machine,
many requests at once. It delivers queued events and webhooks every 10 s, without a cron. The log is JSON on stdout.

It reads the environment and no file, and it starts and stores nothing else. It starts even if the database is down, and
uses it once it answers. At SIGTERM or Ctrl-C it accepts no more connections and finishes the requests that have started;
a second signal ends it at once.

Set CHAT_TRUST_PROXY=true if a proxy in front of it sets X-Forwarded-For, -Proto and -Host itself.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			settings, fault := config.Load(os.Getenv)
			isPortGiven := command.Flags().Changed("port")
			server, serverFault := config.LoadServer(func(name string) string {
				if name == "PORT" && isPortGiven {
					return ""
				}
				return os.Getenv(name)
			})
			if isPortGiven {
				server.Port = int(number)
			}
			if err := errors.Join(settings.DatabaseFaults, fault, serverFault); err != nil {
				return fmt.Errorf("the environment cannot be used:\n%w", err)
			}
			return runServer(command.Context(), settings, server, slog.New(slog.NewJSONHandler(os.Stdout, nil)))
		},
	}
	command.Flags().Var(&number, "port", "the port; if it is not given, PORT is used; 0 picks a free one")
	return command
}

// runServer serves until ctx ends, and then until every request is answered.
func runServer(ctx context.Context, settings config.Config, server config.Server, log *slog.Logger) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(server.Port)))
	if err != nil {
		return portFault(server.Port, err)
	}
	settings.Database.MaxConns = server.PoolMax
	a := app.New(settings, nil, log)
	defer a.Close()
	log.Info("serving", "address", listener.Addr().String(), "pool", server.PoolMax, "trustProxy", server.TrustProxy)
	said := make(chan struct{})
	endsByItself := context.AfterFunc(ctx, func() {
		defer close(said)
		signal.Reset(os.Interrupt, syscall.SIGTERM) // so that the next one ends the process
		log.Info("finishing what has begun")
	})

	ctx, stop := context.WithCancel(ctx)
	var timer sync.WaitGroup
	timer.Go(func() { serve.Deliver(ctx, a, log, serve.DeliverEvery) })
	timer.Go(func() { serve.SendWebhooks(ctx, a, log, serve.DeliverEvery) })
	timer.Go(func() { serve.DeleteFiles(ctx, a, log, serve.DeleteEvery) })
	err = serve.Run(ctx, listener, serve.Options{
		Handler: serve.Forwarded(serve.Handler(), server.TrustProxy), App: a, Log: log,
		RequestTimeout: serveTimeout, Linger: serveLinger,
	})
	stop()
	timer.Wait()
	if !endsByItself() {
		<-said // if there was nothing to finish, the end may come before that
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}
