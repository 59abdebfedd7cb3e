package outgoing

import (
	"net/url"
	"testing"
)

// Whatever the name of this machine resolves to when it is connected to.
func TestAConnectionInTheClearLeadsToThisMachineOnly(t *testing.T) {
	t.Parallel()
	for address, allowed := range map[string]bool{
		"127.0.0.1:80": true, "127.8.8.8:3000": true, "[::1]:80": true,
		"10.0.0.5:80": false, "169.254.169.254:80": false, "0.0.0.0:80": false, "[::]:80": false, "[fe80::1%25eth0]:80": false, "203.0.113.9:80": false, "nonsense": false,
	} {
		if err := onlyLoopback("tcp", address, nil); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAClientForHTTPReachesNoOtherMachine(t *testing.T) {
	t.Parallel()
	// A name that leads elsewhere is this address by the time that it is connected to. Nobody has it (RFC 5737).
	if _, err := NewClient("http", 1, 1).Get("http://192.0.2.1/"); err == nil || Class(err) != "not loopback" {
		t.Errorf("%v", err)
	}
}

func TestAURLNamesTLSOrThisMachine(t *testing.T) {
	t.Parallel()
	for text, allowed := range map[string]bool{
		"https://example.com": true, "HTTPS://example.com": true, "http://localhost:3000": true, "http://LOCALHOST": true, "http://127.8.8.8": true, "http://[::1]:80": true,
		"http://example.com": false, "http://localhost.example.com": false, "http://10.0.0.5": false, "http://2130706433": false, "http://0.0.0.0": false,
		"http://[::ffff:10.0.0.5]": false, "ftp://localhost": false, "//localhost": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if fault := Fault(u); (fault == "") != allowed {
			t.Errorf("%s: %q", text, fault)
		}
	}
}
