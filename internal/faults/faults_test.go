package faults

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// program builds devinbox.
func program(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "devinbox")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, "./cmd/devinbox") // nothing for debuggers: it links in a third of the time
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

func TestWhateverFailsNothingIsLostDoubledOrDisordered(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), Options{
		Program: program(t), Seed: 1, All: true, Fault: 400 * time.Millisecond, People: 8, Pace: 80 * time.Millisecond, Hurry: true, Progress: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report.Verdict())
	if len(report.Violations) > 0 {
		t.Error("what is promised was not kept")
	}
}

func TestThePagesOfTheWebClientEndInTheServersState(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), Options{
		Web: "../../web", Seed: 2, All: true, Only: "cut", Fault: 2 * time.Second, People: 4, Pace: 100 * time.Millisecond, Hurry: true, Progress: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report.Verdict())
	if len(report.Violations) > 0 || report.Counts["messages that pages of the web client sent"] == 0 {
		t.Error("what is promised was not kept")
	}
}
