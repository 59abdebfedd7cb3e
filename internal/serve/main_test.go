package serve_test

import (
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}
