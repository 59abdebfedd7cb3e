package objectstores

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"devinbox/internal/dev/folder"
	"devinbox/internal/testing/stage"
)

const (
	// buildTime is how long the build may take where neither the modules nor the compiled packages are cached, on a busy
	// machine.
	buildTime = 10 * time.Minute
	// patience is how long the program may take to serve.
	patience = 30 * time.Second
)

// program is the path of the built gateway. Every test of a process that needs it waits for the same build.
var program = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	source, err := sources(ctx)
	if err != nil {
		return "", err
	}
	path, err := build(ctx, source)
	if err != nil {
		return "", fmt.Errorf("versitygw, with which the object store is compared, cannot be built. This does it, in the folder of this project: go -C internal/testing/objectstores/gateway build -o /dev/null\n%w", err)
	}
	return path, nil
})

// sources is the folder of the gateway's own module.
func sources(ctx context.Context) (string, error) {
	root, err := run(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "devinbox")
	if err != nil {
		return "", err
	}
	return filepath.Join(strings.TrimSpace(root), "internal", "testing", "objectstores", "gateway"), nil
}

// build builds the program if its sources are not those of the one that is cached.
func build(ctx context.Context, source string) (string, error) {
	digest := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(digest, "%s %d\n%s", name, len(text), text)
	}
	cache, err := folder.Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "versitygw")
	if err := folder.Make(dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, hex.EncodeToString(digest.Sum(nil)[:8]))
	if runs(path) {
		return path, nil
	}
	lock, err := folder.Lock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("wait for another process that builds it: %w", err)
	}
	defer lock.Close()
	if runs(path) {
		return path, nil
	}
	part := path + ".part"
	// With the settings of the build of the tests, so that the packages which both need are compiled once.
	if _, err := run(ctx, source, "go", "build", "-ldflags=-s -w", "-o", part); err != nil {
		return "", err
	}
	return path, os.Rename(part, path)
}

func runs(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o100 != 0
}

// run runs a program and returns what it wrote. An error says what it complained of.
func run(ctx context.Context, dir, name string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, arguments[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// startGateway runs the program until t ends.
func startGateway(t stage.T, s Store) Store {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for tries := 5; ; tries-- {
		address, err := launch(t, path, s)
		if err == nil {
			s.Endpoint = "http://" + address
			return s
		}
		if tries == 0 {
			t.Fatal(err)
		}
	}
}

// launch starts the program on a port that is free now. That somebody else takes it meanwhile is one of its errors.
func launch(t stage.T, path string, s Store) (address string, err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address = free.Addr().String()
	free.Close()
	dir, err := os.MkdirTemp("", "devinbox-versitygw-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(path, address, s.Region, dir)
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + s.AccessKeyID, "ROOT_SECRET_KEY=" + s.SecretAccessKey}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	life, inputFault := cmd.StdinPipe() // it ends with this process too
	output, outputFault := cmd.StdoutPipe()
	if err := errors.Join(inputFault, outputFault, cmd.Start()); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	end := func() { life.Close(); cmd.Wait(); os.RemoveAll(dir) }
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	lines, serves := bufio.NewScanner(output), false
	for !serves && lines.Scan() {
		serves = lines.Text() == "serving"
	}
	late.Stop()
	if !serves {
		end()
		return "", errors.New("versitygw does not serve: " + complaint.String())
	}
	t.Cleanup(end)
	return address, nil
}
