package main

import (
	"debug/elf"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/joho/godotenv"
	"go.yaml.in/yaml/v4"

	"devinbox/internal/testing/testdb"
)

// image is what the Dockerfile makes, without an image: the program, built by its own line, in a folder with the files
// that it copies beside it.
type image struct {
	folder, program string
	serve           []string // CMD
}

func buildImage(t *testing.T) image {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := strings.Split(string(text), "\nFROM ")[1:]
	if len(stages) != 2 || !strings.HasPrefix(stages[1], "scratch\n") {
		t.Fatalf("the image is not made from scratch: %q", stages)
	}
	line := func(stage, pattern string) string {
		found := regexp.MustCompile(`(?m)^` + pattern + `$`).FindStringSubmatch(stage)
		if found == nil {
			t.Fatalf("the Dockerfile has no line like %s", pattern)
		}
		return found[1]
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if toolchain := "\ntoolchain go" + line(stages[0], `golang:(\S+) AS build`) + "\n"; !strings.Contains(string(module), toolchain) {
		t.Errorf("the Dockerfile and go.mod have different versions of Go")
	}
	if user := line(stages[1], `USER (\d+):\d+`); user == "0" {
		t.Error("it runs as root")
	}
	line(stages[1], `COPY --from=build (/etc/ssl/certs/ca-certificates.crt) /etc/ssl/certs/`)
	if entry := line(stages[1], `ENTRYPOINT (.*)`); entry != `["/devinbox"]` {
		t.Errorf("the entry point is %s", entry)
	}
	i := image{folder: t.TempDir(), program: filepath.Join(t.TempDir(), "devinbox")}
	if err := json.Unmarshal([]byte(line(stages[1], `CMD (.*)`)), &i.serve); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("sh", "-c", strings.Replace(line(stages[0], `RUN (.*go build .*)`), " -o /devinbox ", ` -o "$PROGRAM" `, 1))
	build.Dir = "../.."
	build.Env = append(os.Environ(), "PROGRAM="+i.program)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	copied := line(stages[1], `COPY ([a-z.]+) /`)
	content, err := os.ReadFile(filepath.Join("../..", copied))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(i.folder, copied), string(content))
	return i
}

// command runs the program with these variables and no other.
func (i image) command(variables []string, arguments ...string) *exec.Cmd {
	c := exec.Command(i.program, arguments...)
	c.Dir, c.Env = i.folder, append([]string{}, variables...) // not nil, which would be this process's own
	return c
}

func TestTheProgramOfTheImageNeedsNothingBesideIt(t *testing.T) {
	t.Parallel()
	i := buildImage(t)
	if runtime.GOOS == "linux" {
		program, err := elf.Open(i.program)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("it needs %q, %v", libraries, err)
		}
	}
	finish(t, i.command(nil, i.serve...)).is(t, 1, "DATABASE_URL is missing")

	variables := []string{"DATABASE_URL=" + testdb.Empty(t), "CHAT_JWT_SECRET=" + jwtSecret}
	finish(t, i.command(variables, "migrate")).is(t, 0, "up to date, at step")
	serving := start(t, i.command(variables, append(i.serve, "--port", "0")...))
	port := regexp.MustCompile(`"address":"[^"]*:(\d+)"`).FindStringSubmatch(serving.until(`"msg":"serving"`))
	response, err := http.Get("http://127.0.0.1:" + port[1] + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("health is %s", response.Status)
	}
}

func TestTheComposeFilePassesOnEachVariableThatThereIs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Command     []string          `yaml:"command"`
			Environment map[string]string `yaml:"environment"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	known, err := godotenv.Read("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	for service, variable := range map[string]string{"migrate": "DATABASE_URL", "devinbox": "CHAT_JWT_SECRET"} {
		if file.Services[service].Environment[variable] == "" {
			t.Errorf("%s has no %s", service, variable)
		}
		for name := range file.Services[service].Environment {
			if _, is := known[name]; !is {
				t.Errorf("%s has the variable %s, which nothing reads", service, name)
			}
		}
	}
	for name := range known {
		switch name {
		case "DATABASE_URL", "POSTGRES_URL", "DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING": // Postgres is the file's own
		case "PORT": // inside the container it is always the same
		default:
			if given := file.Services["devinbox"].Environment[name]; !strings.HasPrefix(given, "${"+name+":") {
				t.Errorf("%s of .env does not reach devinbox: %q", name, given)
			}
		}
	}
	if command := file.Services["migrate"].Command; len(command) != 1 || command[0] != "migrate" {
		t.Errorf("the migrations are made by %q", command)
	}
}
