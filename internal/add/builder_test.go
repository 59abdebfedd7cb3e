package add

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev/npm"
)

// builder are Vercel's builder for Go and the package that it shares with the others.
var builder = map[string]string{"@vercel/go": "22.0.1", "@vercel/build-utils": "14.21.1"}

func TestVercelsBuilderMakesAFunctionOfWhatWasAdded(t *testing.T) {
	t.Parallel()
	dir := nextApp(t, map[string]string{
		"node_modules/a@1.0.0/a.go": "package a", // the go command takes an @ for a version, and fails
	})
	run(t, os.DirFS("../.."), dir)
	tool, err := npm.Install(t.Context(), builder, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	const function = "api/cron/deliver.go" // it links and embeds what all of them do
	build := exec.CommandContext(t.Context(), "node", "testdata/build.js", dir, function)
	build.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(tool, "node_modules"), "CGO_ENABLED=0", "TMPDIR="+t.TempDir())
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var programs map[string]string
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &programs); err != nil || len(programs) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	if answer := invoke(t, programs[function], http.MethodGet, "/api/cron/deliver"); answer.status != http.StatusUnauthorized || !strings.Contains(answer.body, `"unauthorized"`) {
		t.Errorf("the cron without its secret answers %+v", answer)
	}
	// The builder works in the folder itself, so what it leaves there must not be taken for an edit.
	if result := run(t, os.DirFS("../.."), dir); len(result.Written) > 0 {
		t.Errorf("after a build another run writes %q", result.Written)
	}
}

type answer struct {
	status int
	body   string
}

// invoke runs the program of a function for one request, as Lambda does.
func invoke(t *testing.T, program, method, path string) answer {
	t.Helper()
	inner, err := json.Marshal(map[string]any{"method": method, "path": path, "host": "chat.example.test", "headers": map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]string{"Action": "Invoke", "body": string(inner)})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan []byte, 1)
	mux := http.NewServeMux()
	asked := false
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		if asked { // there is nothing more to do
			<-r.Context().Done()
			return
		}
		asked = true
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", "9999999999999")
		w.Write(payload)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/response", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		answers <- body
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	defer server.Close()

	function := exec.CommandContext(t.Context(), program)
	function.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "_HANDLER=" + filepath.Base(program)}
	var said bytes.Buffer
	function.Stdout, function.Stderr = &said, &said
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- function.Wait() }()
	defer function.Process.Kill()
	select {
	case body := <-answers:
		var response struct {
			StatusCode int    `json:"statusCode"`
			Body       []byte `json:"body"` // the bridge writes it in base64
		}
		if err := json.Unmarshal(body, &response); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		return answer{response.StatusCode, string(response.Body)}
	case err := <-ended:
		t.Fatalf("the function ended: %v\n%s", err, said.String())
	case <-time.After(30 * time.Second):
		t.Fatalf("the function does not answer:\n%s", said.String())
	}
	return answer{}
}
