package webapp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Next.js says of its own address would lead people to a port without the functions. All else is passed on.
func TestTheAddressOfNextJSIsNotShownAndAllElseIs(t *testing.T) {
	t.Parallel()
	const said = "\x1b[1m▲ Next.js 16.4.6\x1b[22m (Turbopack)\n" +
		"- Local:         http://127.0.0.1:39399\n" +
		"   - Network:       http://192.168.0.7:39399\r\n" +
		"\x1b[1m- Network:\x1b[22m       http://127.0.0.1:39399\n" +
		"- Environments: .env.local\n\n" +
		" ⨯ Error: connect ECONNREFUSED Local: http://127.0.0.1:1\n" +
		" ⚠ Network: it is slow\n" +
		"Local: the word alone\n" +
		"no end"
	const want = "\x1b[1m▲ Next.js 16.4.6\x1b[22m (Turbopack)\n- Environments: .env.local\n\n" +
		" ⨯ Error: connect ECONNREFUSED Local: http://127.0.0.1:1\n ⚠ Network: it is slow\nLocal: the word alone\nno end"
	for _, size := range []int{1, 7, len(said)} { // however it is cut
		var got strings.Builder
		w := withoutAddresses(&got)
		for rest := said; rest != ""; {
			part := rest[:min(size, len(rest))]
			if n, err := w.Write([]byte(part)); err != nil || n != len(part) {
				t.Fatal(n, err)
			}
			rest = rest[len(part):]
		}
		w.flush()
		if got.String() != want {
			t.Errorf("in parts of %d: %q, want %q", size, got.String(), want)
		}
	}
	// A line is not held back for ever.
	var got strings.Builder
	if _, err := withoutAddresses(&got).Write([]byte(strings.Repeat("x", 5000))); err != nil || got.Len() != 5000 {
		t.Errorf("%d of 5000, %v", got.Len(), err)
	}
}

func TestOnlyADeviceGetsColours(t *testing.T) {
	t.Parallel()
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !isTerminal(device) || isTerminal(file) || isTerminal(&strings.Builder{}) {
		t.Error("colours go to something else than a device")
	}
}
