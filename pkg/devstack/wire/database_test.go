package wire_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
)

// server is a Postgres for the tests of this package, on a Unix socket in a directory of its own.
var server struct {
	socketDir string
	databases atomic.Int64
}

func TestMain(m *testing.M) {
	stop, err := startServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, "start Postgres:", err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

// startServer needs postgres and initdb: postgres on the PATH, initdb beside it.
func startServer() (stop func(), err error) {
	postgres, err := exec.LookPath("postgres")
	if err == nil {
		postgres, err = filepath.EvalSymlinks(postgres)
	}
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		return nil, err
	}
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 { // Postgres refuses to run as root
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(name, args...)
		c.Dir, c.SysProcAttr = dir, attributes
		return c
	}
	data := filepath.Join(dir, "data")
	bin := filepath.Dir(postgres)
	if out, err := command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	pgCtl := func(args ...string) error {
		out, err := command(filepath.Join(bin, "pg_ctl"), append(args, "-D", data, "-w")...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	options := fmt.Sprintf("-F -c listen_addresses='' -k '%s'", dir)
	if err := pgCtl("start", "-l", filepath.Join(dir, "log"), "-o", options); err != nil {
		return nil, err
	}
	server.socketDir = dir
	return func() {
		if err := pgCtl("stop", "-m", "immediate"); err != nil {
			fmt.Fprintln(os.Stderr, "stop Postgres:", err)
		}
		os.RemoveAll(dir)
	}, nil
}

// database returns the URL of a database made for t.
func database(t *testing.T) string {
	t.Helper()
	at := func(name string) string {
		return "postgres://postgres@/" + name + "?sslmode=disable&host=" + url.QueryEscape(server.socketDir)
	}
	name := fmt.Sprintf("wire_%d", server.databases.Add(1))
	if _, err := connect(t, at("postgres")).Exec(t.Context(), "create database "+name+" template template0"); err != nil {
		t.Fatal(err)
	}
	return at(name)
}
