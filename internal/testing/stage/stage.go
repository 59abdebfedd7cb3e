// Package stage lets a program use helpers that are made for tests: it takes the place of the test that they need.
package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

// T is what a helper needs of its test. A *testing.T is one, and so is what [Run] gives.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(f func())
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Run calls f in a goroutine of its own and waits for it, then for its cleanups, the latest first. The context of its
// T ends with ctx, and before the cleanups. What f logs goes to log, a line each.
// Errors: what f has reported by Errorf, Fatal and Fatalf, joined.
func Run(ctx context.Context, log io.Writer, f func(T)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &stage{ctx: ctx, log: log}
	alone(func() { f(s) })
	cancel()
	for {
		s.mu.Lock()
		if len(s.cleanups) == 0 {
			break
		}
		last := len(s.cleanups) - 1
		cleanup := s.cleanups[last]
		s.cleanups = slices.Delete(s.cleanups, last, last+1)
		s.mu.Unlock()
		alone(cleanup)
	}
	defer s.mu.Unlock()
	return errors.Join(s.faults...)
}

// alone runs f in a goroutine that Fatal may end.
func alone(f func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	<-ended
}

type stage struct {
	ctx context.Context
	log io.Writer

	mu       sync.Mutex
	cleanups []func()
	faults   []error
}

func (s *stage) Helper() {}

func (s *stage) Context() context.Context { return s.ctx }

func (s *stage) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

func (s *stage) Logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.log, format+"\n", args...)
}

func (s *stage) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

func (s *stage) Fatal(args ...any) {
	s.Errorf("%s", fmt.Sprint(args...))
	runtime.Goexit()
}

func (s *stage) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}
