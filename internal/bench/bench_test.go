package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// checkout is the folder of the project.
func checkout(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func nowhere(t *testing.T) *os.File {
	t.Helper()
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// The small run checks by itself that every send was stored, announced and acknowledged.
func TestASmallRunGivesEveryFigureBesideTheFloors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := Run(t.Context(), Options{
		Checkout: checkout(t), Floor: true, Pairs: 1, Sends: 20, Callers: []int{1, 3}, Conversations: 5, Out: &out, Progress: nowhere(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, callers := range []string{"1 at once", "3 at once"} {
		_, table, found := strings.Cut(out.String(), callers)
		if !found {
			t.Fatalf("there is no table of %s: %s", callers, &out)
		}
		table, _, _ = strings.Cut(table, "at once")
		for _, f := range figures {
			if !measuresCPU && (f == programCPU || f == postgresCPU || f == driverCPU) {
				continue
			}
			if !regexp.MustCompile(regexp.QuoteMeta(string(f)) + ` +\d`).MatchString(table) {
				t.Errorf("%s: no %s: %s", callers, f, table)
			}
		}
		if !strings.Contains(table, "floor  ratio") {
			t.Errorf("%s: nothing to compare with: %s", callers, table)
		}
	}
}

func TestACommitIsExtractedAsItWasCommitted(t *testing.T) {
	t.Parallel()
	repository, folder := t.TempDir(), t.TempDir()
	file := filepath.Join(repository, "a", "b.txt")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("committed")
	for _, arguments := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "a"},
	} {
		git := exec.CommandContext(t.Context(), "git", arguments...)
		git.Dir = repository
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v: %s", arguments, err, out)
		}
	}
	write("changed")
	if err := extract(t.Context(), repository, "HEAD", folder); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "a", "b.txt")); err != nil || string(text) != "committed" {
		t.Errorf("%q, %v", text, err)
	}
	if err := extract(t.Context(), repository, "no-such-commit", t.TempDir()); err == nil || !strings.Contains(err.Error(), "no-such-commit") {
		t.Errorf("a commit that is not there: %v", err)
	}
}

func TestEverySendIsMadeOnceAndTheConversationsTakeTurns(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	of := map[string]int{}
	send := func(_ context.Context, clientID string) error {
		mu.Lock()
		defer mu.Unlock()
		of[clientID]++
		return nil
	}
	each, _, err := drive(t.Context(), []sender{send, send, send}, 100, []string{"a", "b", "c", "d"})
	if err != nil || len(each) != 100 {
		t.Fatalf("%d sends, %v", len(each), err)
	}
	for _, clientID := range []string{"a", "b", "c", "d"} {
		if of[clientID] != 25 {
			t.Errorf("%s: %d sends, want 25", clientID, of[clientID])
		}
	}
}

func TestASendThatFailsEndsTheRunWithItsReason(t *testing.T) {
	t.Parallel()
	reason := errors.New("refused")
	fails := func(context.Context, string) error { return reason }
	waits := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	if _, _, err := drive(t.Context(), []sender{waits, fails}, 100, []string{"a"}); !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
}

func TestTheMiddleOfTheValuesIsTheirMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{7}, 7},
		{"three, in disorder", []float64{9, 1, 2}, 2},
		{"four", []float64{4, 1, 3, 100}, 3.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := median(test.values); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestARatioIsThatOfNeighbours(t *testing.T) {
	t.Parallel()
	got := ratios([]float64{1, 10, 6}, []float64{2, 5, 6})
	if want := []float64{0.5, 2, 1}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAProgramThatDoesNotServeIsToldWithWhatItSaid(t *testing.T) {
	t.Parallel()
	_, err := serve(t.Context(), filepath.Join(t.TempDir(), "log"), nil, "/bin/sh", "-c", "echo no key; exit 1")
	if err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("%v", err)
	}
}
