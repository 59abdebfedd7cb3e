package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running program that serves at a port.
type process struct {
	command *exec.Cmd
	address string
	log     string // the file of what it writes
	ended   chan struct{}
}

// patience is how long a program may take to serve, or to end.
const patience = 20 * time.Second

// kept are the variables of this process that programs see, too: the settings of Go's runtime, to try some.
var kept = []string{"HOME", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG"}

// serve starts a program with nothing in its environment but the variables, PORT, and those that are kept, and waits
// until it serves. The program ends with ctx.
// Errors: it ended, or does not serve in time; with the end of what it wrote.
func serve(ctx context.Context, log string, variables []string, program string, arguments ...string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{
		command: exec.CommandContext(ctx, program, arguments...),
		address: net.JoinHostPort("127.0.0.1", port),
		log:     log,
		ended:   make(chan struct{}),
	}
	p.command.Env = append(variables, "PORT="+port)
	for _, name := range kept {
		if value, set := os.LookupEnv(name); set {
			p.command.Env = append(p.command.Env, name+"="+value)
		}
	}
	p.command.Stdout, p.command.Stderr = out, out
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		p.command.Wait() // what it ended with is in its log
	}()
	if err := p.await(ctx); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s %s: %w\n%s", program, strings.Join(arguments, " "), err, p.tail())
	}
	return p, nil
}

// freePort finds a port below those that the system gives out by itself, so that nobody takes it meanwhile.
func freePort() (string, error) {
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("there is no free port")
}

func (p *process) await(ctx context.Context) error {
	for deadline := time.After(patience); ; {
		if conn, err := net.Dial("tcp", p.address); err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return errors.New("it ended at once")
		case <-deadline:
			return errors.New("it does not serve")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop has the program end in good order, and kills it where it does not.
func (p *process) stop() {
	p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.command.Process.Kill()
		<-p.ended
	}
}

// tail is the end of what the program wrote.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
