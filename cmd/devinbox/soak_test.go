package main

import (
	"errors"
	"testing"

	"devinbox/internal/faults"
)

func TestASoakSaysWhatItDidAndThatThePromisesWereKept(t *testing.T) {
	t.Parallel()
	o := execute(t, t.TempDir(), nil, "soak", "--minutes", "0.05", "--seed", "7", "--no-web").
		is(t, 0, "seed 7", "messages were sent", "faults:", "KEPT: lost 0, doubled 0, gaps 0")
	if o.errors == "" {
		t.Error("it does not say how far it is")
	}
}

func TestASoakThatFindsAPromiseBrokenFails(t *testing.T) {
	t.Parallel()
	if err := verdict(faults.Report{Violations: []string{"lost: one"}}); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
	if err := verdict(faults.Report{}); err != nil {
		t.Errorf("%v", err)
	}
}

func TestASoakThatIsCalledWronglySaysHow(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"--minutes", "0"}, {"--minutes", "-1"}, {"--minutes", "NaN"}, {"--seed", "x"}, {"more"}} {
		execute(t, t.TempDir(), nil, append([]string{"soak", "--no-web"}, arguments...)...).is(t, 2)
	}
}
