package pusherserver_test

import (
	"flag"
	"os"
	"testing"
)

// Most of these tests wait for seconds in which nothing may happen, so more of them run at once than there are processors.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
