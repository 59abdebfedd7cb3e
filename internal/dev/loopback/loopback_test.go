package loopback_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"devinbox/internal/dev/loopback"
)

func TestOnlyARequestForLoopbackOrANameThatIsAllowedIsAnswered(t *testing.T) {
	t.Parallel()
	answered := 0
	h := loopback.Only(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answered++ }), []string{"chat.example.test", "192.168.1.5"})
	for host, want := range map[string]bool{
		"localhost": true, "localhost:3000": true, "LOCALHOST:3000": true, "localhost.": true, "localhost.:3000": true,
		"app.localhost": true, "a.b.localhost:3000": true,
		"127.0.0.1": true, "127.0.0.1:3000": true, "127.255.255.254:80": true, "[::1]": true, "[::1]:3000": true, "[0:0:0:0:0:0:0:1]:3000": true,
		"chat.example.test": true, "CHAT.example.test:443": true, "192.168.1.5:3000": true,

		"": false, ":3000": false, "evil.example": false, "evil.example:3000": false, "localhost.evil.example": false, "evil-localhost": false, "evillocalhost:3000": false,
		"127.0.0.1.evil.example": false, "127.0.0.1.nip.io:3000": false, "0.0.0.0:3000": false, "0": false, "[::]:3000": false, "10.0.0.1": false, "128.0.0.1": false, "192.168.1.6": false,
		"example.test": false, "a.chat.example.test": false, "chat.example.test.evil.example": false,
		"localhost:3000:3000": false, "localhost:evil.example": false, "evil.example@localhost": false, "[::1": false, "localhost/": false, "localhost evil": false,
	} {
		before := answered
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/api/token", nil)
		r.Host = host
		h.ServeHTTP(w, r)
		if got := answered > before; got != want {
			t.Errorf("%q: answered %t, want %t", host, got, want)
		}
		if !want && (w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "--allow-host") || strings.Contains(w.Body.String(), "evil")) {
			t.Errorf("%q: %d %s", host, w.Code, w.Body)
		}
	}
}

func TestANameThatNoHostHeaderHoldsIsRefused(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"chat.example.test": true, "a": true, "x1-2.trycloudflare.com": true, "192.168.1.5": true, "fd00::1": true,
		"": false, "https://chat.example.test": false, "chat.example.test:443": false, "*.example.test": false, "chat.example.test/": false, "a b": false, ".": false, "a..b": false, "-a": false,
	} {
		if err := loopback.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestBothAddressesOfLoopbackAreOfOneListener(t *testing.T) {
	t.Parallel()
	listener, err := loopback.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "here") })}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	hosts := []string{"127.0.0.1"}
	if probe, err := net.Listen("tcp6", "[::1]:0"); err == nil { // a machine without IPv6 has only the one
		probe.Close()
		hosts = append(hosts, "::1")
	}
	for _, host := range hosts {
		response, err := http.Get("http://" + net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(text) != "here" {
			t.Errorf("%s answers %q", host, text)
		}
		if _, err := loopback.Listen(port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("the port could be taken twice: %v", err)
		}
	}
	server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	for _, host := range hosts {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(port)), time.Second); err == nil {
			conn.Close()
			t.Errorf("%s still listens", host)
		}
	}
}

func TestAPortOfWhichOneAddressIsTakenIsTaken(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		other, err := net.Listen("tcp", address)
		if err != nil {
			continue // no IPv6 here
		}
		if l, err := loopback.Listen(other.Addr().(*net.TCPAddr).Port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: %v", address, err)
			if err == nil {
				l.Close()
			}
		}
		other.Close()
	}
}
