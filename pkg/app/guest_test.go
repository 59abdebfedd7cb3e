package app

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestAnAddressIsCountedByItsNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	digest := func(realIP, remote string) []byte {
		r := request("POST")
		r.RemoteAddr = remote
		if realIP != "" {
			r.Header.Set("X-Real-Ip", realIP)
		}
		return w.addressDigest(r)
	}
	// Within a group all are one, and no two groups are.
	var seen [][]byte
	for _, group := range [][][2]string{
		{
			{"203.0.113.7", "10.0.0.1:1234"}, {"203.0.113.7", "10.0.0.2:1"}, {" 203.0.113.7\t", ""}, {"::ffff:203.0.113.7", ""}, {"::ffff:cb00:7107", ""},
			{"", "203.0.113.7:1234"}, {"", "203.0.113.7:80"}, {"", "[::ffff:203.0.113.7]:80"}, {"", "203.0.113.7"},
		},
		{{"203.0.113.8", ""}, {"", "203.0.113.8:1"}},
		{
			{"2001:db8:1:2::1", ""}, {"2001:db8:1:2:ffff:ffff:ffff:ffff", ""}, {"2001:DB8:1:2:0:0:0:3", ""}, {"2001:db8:1:2::1%eth0", ""},
			{"", "[2001:db8:1:2::9]:443"}, {"", "[2001:db8:1:2::9%eth1]:443"},
		},
		{{"2001:db8:1:3::1", ""}, {"", "[2001:db8:1:3::2]:443"}},
		{{"::1", ""}, {"", "[::2]:1"}},
		{{"garbage", ""}, {"garbage ", "203.0.113.7:1"}},
		{{"203.0.113.7, 10.0.0.1", ""}}, // a list is no address
		{{"203.0.113.7:1234", ""}},
		{{"", ""}, {" ", ""}},
		{{"", "@"}}, // of a Unix socket
	} {
		first := digest(group[0][0], group[0][1])
		for _, address := range group {
			if got := digest(address[0], address[1]); !bytes.Equal(got, first) {
				t.Errorf("%q is counted apart from %q", address, group[0])
			}
		}
		if slices.ContainsFunc(seen, func(other []byte) bool { return bytes.Equal(first, other) }) {
			t.Errorf("%q is counted with another", group[0])
		}
		seen = append(seen, first)
	}
}

// Without the secret somebody who has the digests could try all addresses: there are not many of IPv4.
func TestAnAddressCannotBeReadOffItsDigest(t *testing.T) {
	t.Parallel()
	r := request("POST", "X-Real-Ip: 203.0.113.7")
	ours, theirs := newWorld(t).addressDigest(r), newWorld(t, "CHAT_JWT_SECRET="+strings.Repeat("another secret ", 3)).addressDigest(r)
	if len(ours) != 32 || bytes.Equal(ours, theirs) || bytes.Contains(ours, []byte("203")) {
		t.Errorf("%x, and with another secret %x", ours, theirs)
	}
}

func TestGuestsNeedASecretToSignTheirTokensWith(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		variables []string
		want      bool
	}{
		{nil, false},
		{[]string{"CHAT_GUESTS=true"}, true},
		{[]string{"CHAT_GUESTS=false"}, false},
		{[]string{"CHAT_GUESTS=true", "CHAT_JWT_SECRET=", "CHAT_JWKS_URL=https://keys.example.com"}, false},
	} {
		if got := newWorld(t, test.variables...).Guests(); got != test.want {
			t.Errorf("%q: %v", test.variables, got)
		}
	}
}
