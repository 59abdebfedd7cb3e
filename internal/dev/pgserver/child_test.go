package pgserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// startVariable makes this test's program start a server in the folder it names, instead of running tests. Tests use
// that for a process that they kill, or that runs as another user.
const startVariable = "PGSERVER_TEST_START"

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(startVariable); ok {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	os.RemoveAll(originalDir)
	os.Exit(code)
}

// serve starts a server, prints its URL, and stops it when the input ends.
func serve(dir string) error {
	s, err := Start(context.Background(), Options{Dir: dir, NoSync: true, Progress: os.Stderr})
	if err != nil {
		return err
	}
	fmt.Println(s.URL(Database))
	io.Copy(io.Discard, os.Stdin)
	return s.Stop()
}

// child is a process that serves.
type child struct {
	*exec.Cmd
	t      *testing.T
	input  io.Closer
	output *bufio.Reader
	errors strings.Builder
}

// startChild starts a process that starts a server in dir, with these variables added. A PATH among them is put in
// front of the current one.
func startChild(t *testing.T, dir string, variables map[string]string) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, program, nil, dir, variables)
}

func startProgram(t *testing.T, program string, as *syscall.Credential, dir string, variables map[string]string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(program), t: t}
	c.Dir = filepath.Dir(program)
	c.Env = append(os.Environ(), startVariable+"="+dir)
	for name, value := range variables {
		if name == "PATH" {
			value += ":" + os.Getenv("PATH")
		}
		c.Env = append(c.Env, name+"="+value)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	c.Stderr = &c.errors
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.output = bufio.NewReader(output)
	if c.input, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return c
}

// url waits until the child serves.
func (c *child) url() string {
	c.t.Helper()
	line, err := c.output.ReadString('\n')
	if err != nil {
		c.Wait()
		c.t.Fatalf("the child did not start a server: %s", &c.errors)
	}
	return strings.TrimSpace(line)
}

// failure waits until the child gives up, and returns what it printed.
func (c *child) failure() string {
	c.t.Helper()
	if line, err := c.output.ReadString('\n'); err == nil {
		c.t.Fatalf("the child serves: %s", line)
	}
	c.Wait()
	return c.errors.String()
}

// kill ends the child as kill -9 does.
func (c *child) kill() {
	c.t.Helper()
	if err := c.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	c.Wait()
}

// stop makes the child stop the server, and waits.
func (c *child) stop() {
	c.t.Helper()
	c.input.Close()
	if err := c.Wait(); err != nil {
		c.t.Fatalf("%v: %s", err, &c.errors)
	}
}

// nobody is an account that owns nothing.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseInt(account.Uid, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseInt(account.Gid, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
