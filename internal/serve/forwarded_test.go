package serve_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"devinbox/internal/serve"
)

// seen is what a function sees of a request with these headers, each NAME: value.
func seen(trust bool, headers ...string) (r *http.Request) {
	asked := httptest.NewRequest("GET", "http://inside:3000/", nil)
	asked.RemoteAddr = "10.0.0.9:4711"
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		asked.Header.Add(name, value)
	}
	serve.Forwarded(http.HandlerFunc(func(_ http.ResponseWriter, got *http.Request) { r = got }), trust).ServeHTTP(httptest.NewRecorder(), asked)
	return r
}

func TestWithoutTrustNothingThatACallerSaysOfItsWayIsSeen(t *testing.T) {
	t.Parallel()
	r := seen(false,
		"X-Real-Ip: 203.0.113.7", "x-real-ip: 203.0.113.8", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example",
		"X-Forwarded-Port: 443", "X-Forwarded-Server: evil.example", "Forwarded: for=203.0.113.7;host=evil.example", "X-Vercel-Id: fra1::x", "X-Vercel-Forwarded-For: 203.0.113.7",
		"Authorization: Bearer x", "Origin: https://app.example.com", "X-Pusher-Key: k", "User-Agent: u",
	)
	if len(r.Header) != 4 || r.Header.Get("Authorization") == "" || r.Header.Get("Origin") == "" || r.Header.Get("X-Pusher-Key") == "" || r.Header.Get("User-Agent") == "" {
		t.Errorf("it sees %v", r.Header)
	}
	if r.Host != "inside:3000" || r.RemoteAddr != "10.0.0.9:4711" {
		t.Errorf("it sees %s from %s", r.Host, r.RemoteAddr)
	}
}

func TestWithTrustNobodyChoosesARequestsId(t *testing.T) {
	t.Parallel()
	if r := seen(true, "X-Vercel-Id: fra1::x", "X-Vercel-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"); len(r.Header) != 1 {
		t.Errorf("it sees %v", r.Header)
	}
}

func TestWithTrustTheLastEntryCountsWhichTheProxyWrote(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                 string
		headers              []string
		address, proto, host string
	}{
		{name: "nothing is said", host: "inside:3000"},
		{
			name: "one of each", headers: []string{"X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example.com"},
			address: "203.0.113.7", proto: "https", host: "chat.example.com",
		},
		{
			name: "a caller wrote some before", headers: []string{"X-Forwarded-For: 192.0.2.1, 192.0.2.2,203.0.113.7", "X-Forwarded-Proto: http, https", "X-Forwarded-Host: evil.example, chat.example.com"},
			address: "203.0.113.7", proto: "https", host: "chat.example.com",
		},
		{
			name: "on several lines", headers: []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2, 203.0.113.7", "X-Forwarded-Host: evil.example", "X-Forwarded-Host: chat.example.com"},
			address: "203.0.113.7", host: "chat.example.com",
		},
		{name: "a proxy that leaves the caller's X-Real-Ip", headers: []string{"X-Real-Ip: 192.0.2.1", "X-Forwarded-For: 203.0.113.7"}, address: "203.0.113.7", host: "inside:3000"},
		{name: "only X-Real-Ip", headers: []string{"X-Real-Ip: 203.0.113.7"}, address: "203.0.113.7", host: "inside:3000"},
		{name: "X-Real-Ip twice", headers: []string{"X-Real-Ip: 192.0.2.1", "X-Real-Ip: 203.0.113.7"}, address: "203.0.113.7", host: "inside:3000"},
		{name: "a port", headers: []string{"X-Forwarded-For: 203.0.113.7:51234"}, address: "203.0.113.7", host: "inside:3000"},
		{name: "IPv6", headers: []string{"X-Forwarded-For: 2001:db8::7"}, address: "2001:db8::7", host: "inside:3000"},
		{name: "IPv6 and a port", headers: []string{"X-Forwarded-For: [2001:db8::7]:51234"}, address: "2001:db8::7", host: "inside:3000"},
		{name: "IPv6 in brackets", headers: []string{"X-Forwarded-For: [2001:db8::7]"}, address: "2001:db8::7", host: "inside:3000"},
		// What is no address would be one of its own for each spelling: the connection's counts.
		{name: "no address", headers: []string{"X-Forwarded-For: 203.0.113.7, unknown", "X-Real-Ip: 192.0.2.1"}, host: "inside:3000"},
		{name: "an empty entry", headers: []string{"X-Forwarded-For: 203.0.113.7,", "X-Forwarded-Host: "}, host: "inside:3000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := seen(true, test.headers...)
			if got := r.Header.Get("X-Real-Ip"); got != test.address || len(r.Header.Values("X-Real-Ip")) > 1 {
				t.Errorf("the address is %q, want %q", r.Header.Values("X-Real-Ip"), test.address)
			}
			if got := r.Header.Get("X-Forwarded-Proto"); got != test.proto {
				t.Errorf("the scheme is %q, want %q", got, test.proto)
			}
			if r.Host != test.host || r.RemoteAddr != "10.0.0.9:4711" {
				t.Errorf("the host is %q, want %q; from %s", r.Host, test.host, r.RemoteAddr)
			}
		})
	}
}
