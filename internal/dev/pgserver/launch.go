package pgserver

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"devinbox/internal/dev/folder"
)

// patience is how long a server may take to accept connections. After a kill it must recover first.
const patience = time.Minute

// start makes sure that a server runs, and returns its port.
func (c *cluster) start(ctx context.Context, o Options, lock *os.File) (port int, err error) {
	major, err := c.major()
	if err != nil {
		return 0, err
	}
	if err := c.readPassword(major != 0); err != nil {
		return 0, err
	}
	if port, err := c.adopt(ctx); port != 0 || err != nil {
		return port, err
	}
	if err := c.reachable(ctx); err != nil {
		return 0, err
	}
	b, err := find(ctx, major, o.Progress)
	var wrong *versionError
	if errors.As(err, &wrong) {
		return 0, fmt.Errorf("the data in %s was %w: install Postgres %d, or use another folder, or remove this one to begin with an empty database", c.dir, err, wrong.made)
	}
	if err != nil {
		return 0, err
	}
	if major == 0 {
		if err := c.initialise(ctx, b, lock, o.NoSync, o.Progress); err != nil {
			return 0, err
		}
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		port, err := c.launch(ctx, b, o)
		if _, missing := os.Stat(c.pidFile()); err == nil || missing != nil || time.Now().After(deadline) {
			return port, err
		}
		// A server that was killed a moment ago is in the way: it has not ended yet, or it had just started and can be
		// taken over.
		if port, err := c.adopt(ctx); port != 0 || err != nil {
			return port, err
		}
	}
}

// adopt waits until a server that is running already serves, and returns its port, or 0 if there is none.
func (c *cluster) adopt(ctx context.Context) (port int, err error) {
	p, err := c.running()
	if err != nil || p == nil {
		return 0, err
	}
	err = c.await(ctx, p.port, func() bool { return !p.alive() })
	if errors.Is(err, errEnded) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the Postgres that runs in %s, process %d, cannot be taken over (end it with: kill %d): %w", c.dir, p.pid, p.pid, err)
	}
	return p.port, nil
}

// launch runs postgres on the first free port.
func (c *cluster) launch(ctx context.Context, b binaries, o Options) (port int, err error) {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_error_verbosity":     "terse", // its log would repeat the row that broke a constraint: a message
	}
	if o.NoSync {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "off", "off", "off"
	}
	maps.Copy(settings, o.Settings)
	args := []string{"-D", c.data()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	log, err := c.openLog()
	if err != nil {
		return 0, err
	}
	defer log.Close()

	for port := range c.ports {
		// It must outlive ctx, which ends when the start is done.
		cmd, err := command(context.WithoutCancel(ctx), filepath.Join(b.dir, "postgres"), append(args, "-p", strconv.Itoa(port))...)
		if err != nil {
			return 0, err
		}
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			cmd.Wait() // its log says why it ended
		}()
		err = c.await(ctx, port, func() bool {
			select {
			case <-ended:
				return true
			default:
				return false
			}
		})
		switch {
		case err == nil:
			return port, nil
		case !errors.Is(err, errEnded):
			return 0, errors.Join(err, (&process{pid: cmd.Process.Pid}).stop())
		case free(port):
			return 0, fmt.Errorf("Postgres does not start; the end of its log %s:\n%s", c.logFile(), c.logTail())
		}
		// Another program took this port first.
	}
	return 0, errors.New("no free port between 20000 and 30000 on 127.0.0.1")
}

// openLog opens Postgres's log for appending. A log that has grown large is renamed first.
func (c *cluster) openLog() (*os.File, error) {
	if info, err := os.Stat(c.logFile()); err == nil && info.Size() > 16<<20 {
		if err := os.Rename(c.logFile(), c.logFile()+".old"); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return log, folder.Give(c.logFile())
}

func (c *cluster) logTail() string {
	text, err := os.ReadFile(c.logFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "\n")
}

// ports yields the free ports between 20000 and 30000, which no system assigns by itself. Each folder starts at a
// different port of that range.
func (c *cluster) ports(yield func(int) bool) {
	const first, count = 20000, 10000
	hash := fnv.New32a()
	io.WriteString(hash, c.dir)
	for n := range uint32(count) {
		port := first + int((hash.Sum32()%count+n)%count)
		if free(port) && !yield(port) {
			return
		}
	}
}

func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

var errEnded = errors.New("Postgres has ended")

// await waits until the server of exactly this folder accepts connections.
// Errors: errEnded; the server's refusal; no answer in time.
func (c *cluster) await(ctx context.Context, port int, ended func() bool) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no connection within %v", patience))
	defer cancel()
	for {
		err := c.verify(ctx, port)
		if err == nil {
			return nil
		}
		if ended() {
			return errEnded
		}
		// 57P03: it is starting or stopping. Any other refusal may come from another server that took this port first;
		// then the one that we wait for is about to end.
		var refusal *pgconn.PgError
		if errors.As(err, &refusal) && refusal.Code != "57P03" && time.Since(begun) > 5*time.Second {
			return refusal
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *cluster) verify(ctx context.Context, port int) error {
	conn, err := pgx.Connect(ctx, c.url(port, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var data string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&data); err != nil {
		return err
	}
	if data != c.data() {
		return fmt.Errorf("port %d is used by another server", port)
	}
	return nil
}
