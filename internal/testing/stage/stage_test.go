package stage_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"devinbox/internal/testing/stage"
)

func TestCleanupsRunTheLatestFirstWhateverEndsTheRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		end   func(stage.T)
		fault string
	}{
		{"it returns", func(stage.T) {}, ""},
		{"it reports a fault", func(s stage.T) { s.Errorf("fault %d", 1) }, "fault 1"},
		{"it gives up", func(s stage.T) { s.Fatalf("fault %d", 2) }, "fault 2"},
		{"it gives up in other words", func(s stage.T) { s.Fatal("fault ", 3) }, "fault 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var did []string
			var log strings.Builder
			err := stage.Run(t.Context(), &log, func(s stage.T) {
				s.Cleanup(func() { did = append(did, "first") })
				s.Cleanup(func() {
					if s.Context().Err() == nil {
						t.Error("the context outlives the run")
					}
					did = append(did, "second")
					s.Fatal("in a cleanup")
				})
				s.Logf("said %q", "a")
				test.end(s)
			})
			if want := []string{"second", "first"}; !slices.Equal(did, want) {
				t.Errorf("cleanups %q, want %q", did, want)
			}
			if err == nil || !strings.Contains(err.Error(), test.fault) || !strings.Contains(err.Error(), "in a cleanup") {
				t.Errorf("error %v", err)
			}
			if log.String() != "said \"a\"\n" {
				t.Errorf("log %q", &log)
			}
		})
	}
}

func TestARunWithoutAFaultHasNoError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := stage.Run(ctx, new(strings.Builder), func(s stage.T) {
		if s.Context().Err() == nil {
			t.Error("the context outlives the one that was given")
		}
	})
	if err != nil {
		t.Error(err)
	}
}
