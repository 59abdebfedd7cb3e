package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/testing/wire"
)

// target is an HTTP server that keeps the bodies it receives and answers "done".
type target struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
}

func (s *target) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// api returns a proxy, the server behind it, and a client that keeps its connections.
func api(t *testing.T) (*wire.HTTP, *target, *http.Client) {
	t.Helper()
	s := &target{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.bodies = append(s.bodies, string(body))
		s.mu.Unlock()
		io.WriteString(w, "done")
	}))
	t.Cleanup(s.Close)
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return wire.NewHTTP(t, s.URL), s, client
}

// post sends body and returns "status text" of the answer.
func post(ctx context.Context, client *http.Client, u, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.Status[:3] + " " + string(text), err
}

func mustPost(t *testing.T, client *http.Client, u, body, want string) {
	t.Helper()
	if got, err := post(t.Context(), client, u, body); err != nil || got != want {
		t.Errorf("POST %s: %q, %v, want %q", body, got, err, want)
	}
}

func TestARequestPassesByteForByte(t *testing.T) {
	t.Parallel()
	const (
		head = "POST /apps/1/../%65vents%2F?auth_key=a%2Bb&x=1+2&tilde=%7e~&&empty=;&q=? HTTP/1.1\r\n" +
			"host: Some.Host:99\r\nx-loWer:  two  \r\nX-Lower: again\r\nContent-Type: application/json\r\n"
		answered = "HTTP/1.1 202 Taken\r\nx-answer: A\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	)
	for name, message := range map[string]string{
		"with a length": head + "Content-Length: 7\r\n\r\n{\"a\":1}",
		"in chunks":     head + "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n",
	} {
		server, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		arrived := make(chan string, 1)
		go func() {
			for {
				conn, err := server.Accept()
				if err != nil {
					return
				}
				b := make([]byte, len(message))
				io.ReadFull(conn, b)
				arrived <- string(b)
				io.WriteString(conn, answered)
				conn.Close()
			}
		}()

		proxy := wire.NewHTTP(t, "http://"+server.Addr().String())
		client, err := net.Dial("tcp", net.JoinHostPort(proxy.Host(), proxy.Port()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		io.WriteString(client, message+message) // the second before the first is answered
		for range 2 {
			if got := <-arrived; got != message {
				t.Errorf("%s: the target got %q, want %q", name, got, message)
			}
			back := make([]byte, len(answered))
			if _, err := io.ReadFull(client, back); err != nil || string(back) != answered {
				t.Errorf("%s: the client got %q (%v), want %q", name, back, err, answered)
			}
		}
		r := proxy.Requests()[1]
		if r.Method != "POST" || r.Path != "/apps/1/../%65vents%2F" || string(r.Body) != `{"a":1}` ||
			r.Query != "auth_key=a%2Bb&x=1+2&tilde=%7e~&&empty=;&q=?" {
			t.Errorf("%s: kept %q", name, r)
		}
	}
}

func TestRequestsOnOneKeptConnectionAreCountedEach(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	want := []string{"1", "2", strings.Repeat("long ", 20_000)}
	for _, body := range want {
		mustPost(t, client, proxy.URL(), body, "200 done")
	}
	if got := target.got(); !slices.Equal(got, want) {
		t.Errorf("the target got %d bodies, not those sent", len(got))
	}
	if requests, connections := len(proxy.Requests()), proxy.Connections(); requests != 3 || connections != 1 {
		t.Errorf("%d requests on %d connections, want 3 on 1", requests, connections)
	}
	proxy.Reset()
	if requests, connections := len(proxy.Requests()), proxy.Connections(); requests != 0 || connections != 0 {
		t.Errorf("%d requests on %d connections after Reset", requests, connections)
	}
}

func TestSeveralConnectionsAreServedAtOnce(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() { mustPost(t, client, proxy.URL(), "x", "200 done") })
	}
	senders.Wait()
	if got, seen := len(target.got()), len(proxy.Requests()); got != 20 || seen != 20 {
		t.Errorf("the target got %d and the proxy saw %d of 20", got, seen)
	}
}

func TestTheProxyAnswersInTheTargetsPlace(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)

	proxy.Answer(500, "down")
	mustPost(t, client, proxy.URL(), "1", "500 down")
	mustPost(t, client, proxy.URL(), "2", "500 down")

	proxy.AnswerNext(2, 413, "too large")
	mustPost(t, client, proxy.URL(), "3", "413 too large")
	mustPost(t, client, proxy.URL(), "4", "413 too large")
	mustPost(t, client, proxy.URL(), "5", "200 done")

	proxy.Decide(func(r *http.Request, body []byte) (int, string, bool) {
		again, _ := io.ReadAll(r.Body)
		return 400, r.URL.Query().Get("q") + string(body) + string(again), !bytes.Contains(body, []byte("poison"))
	})
	mustPost(t, client, proxy.URL()+"/?q=a+", "poison", "400 a poisonpoison")
	mustPost(t, client, proxy.URL(), "6", "200 done")

	proxy.Decide(nil)
	mustPost(t, client, proxy.URL(), "poison", "200 done")

	if got, want := target.got(), []string{"5", "6", "poison"}; !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
	if requests, connections := len(proxy.Requests()), proxy.Connections(); requests != 8 || connections != 1 {
		t.Errorf("%d requests on %d connections, want 8 on 1", requests, connections)
	}
}

func TestAHangingRequestGoesOnWhenReleasedUnlessItsClientLeft(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)

	proxy.Hang(true)
	if _, err := post(within(t, 200*time.Millisecond), client, proxy.URL(), "left"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	var patient sync.WaitGroup
	patient.Go(func() { mustPost(t, client, proxy.URL(), "waited", "200 done") })
	eventually(t, "both hang", func() bool { return len(proxy.Requests()) == 2 })
	if got := target.got(); len(got) != 0 {
		t.Errorf("the target got %q while everything hung", got)
	}
	proxy.Hang(false)
	patient.Wait()
	mustPost(t, client, proxy.URL(), "after", "200 done")
	if got, want := target.got(), []string{"waited", "after"}; !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
}

func TestARequestWhoseAnswerIsLostReachedTheTarget(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	mustPost(t, client, proxy.URL(), "0", "200 done")

	proxy.LoseAnswer(2)
	for _, body := range []string{"1", "2"} {
		if got, err := post(t.Context(), client, proxy.URL(), body); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %q, %v, want a reset connection", got, err)
		}
	}
	mustPost(t, client, proxy.URL(), "3", "200 done")
	if got, want := target.got(), []string{"0", "1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
}

func TestARefusedAPIWorksAgainOnTheSamePort(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	mustPost(t, client, proxy.URL(), "before", "200 done")

	proxy.Refuse(true)
	mustPost(t, client, proxy.URL(), "on the kept connection", "200 done")
	client.CloseIdleConnections()
	if _, err := post(t.Context(), client, proxy.URL(), "refused"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want a refused connection", err)
	}
	proxy.Refuse(false)
	mustPost(t, client, proxy.URL(), "after", "200 done")
	if got, want := target.got(), []string{"before", "on the kept connection", "after"}; !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
}

func TestAPostOnAnIdleConnectionThatDiedFailsAndTheNextOneDials(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	mustPost(t, client, proxy.URL(), "before", "200 done")

	proxy.CloseIdle()
	if _, err := post(t.Context(), client, proxy.URL(), "unread"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset connection: net/http does not repeat a POST", err)
	}
	mustPost(t, client, proxy.URL(), "after", "200 done")
	if got, want := target.got(), []string{"before", "after"}; !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
	if requests, connections := len(proxy.Requests()), proxy.Connections(); requests != 2 || connections != 2 {
		t.Errorf("%d requests on %d connections, want 2 on 2", requests, connections)
	}
}

func TestCutResetsARequestInFlight(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	proxy.Hang(true)
	failed := make(chan error, 1)
	go func() {
		_, err := post(t.Context(), client, proxy.URL(), "in flight")
		failed <- err
	}()
	eventually(t, "the request hangs", func() bool { return len(proxy.Requests()) == 1 })
	proxy.Cut()
	if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset connection", err)
	}
	proxy.Hang(false)
	mustPost(t, client, proxy.URL(), "after", "200 done")
	if got, want := target.got(), []string{"after"}; !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
}

func TestATargetThatIsGoneIsAResetConnection(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	target.Close()
	if _, err := post(t.Context(), client, proxy.URL(), "x"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset connection", err)
	}
}

// Not parallel: no other proxy may be running.
func TestNothingIsLeftWhenTheTestEnds(t *testing.T) {
	var addresses []string
	t.Run("a test that leaves everything open", func(t *testing.T) {
		var hanging sync.WaitGroup
		t.Cleanup(hanging.Wait) // runs last, when the proxies have ended
		p, _ := postgres(t)
		connect(t, p.URL())
		p.BlackHole()
		slow := connect(t, p.URL())
		p.Delay(time.Hour)
		hanging.Go(func() { slow.Ping(context.Background()) })
		p.Hang(true)
		h, _, client := api(t)
		mustPost(t, client, h.URL(), "x", "200 done")
		h.Hang(true)
		h.Refuse(true)
		h.Refuse(false)

		hanging.Go(func() { pgx.Connect(context.Background(), p.URL()) })
		hanging.Go(func() { post(context.Background(), client, h.URL(), "y") })
		eventually(t, "all hang", func() bool {
			traffic := p.Traffic()
			return traffic.Pings == 1 && traffic.Connections == 3 && len(h.Requests()) == 2
		})
		for _, u := range []string{p.URL(), h.URL()} {
			parsed, err := url.Parse(u)
			if err != nil {
				t.Fatal(err)
			}
			addresses = append(addresses, parsed.Host)
		}
	})
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if bytes.Contains(stacks, []byte("internal/testing/wire.(")) {
		t.Errorf("goroutines are left:\n%s", stacks)
	}
	for _, address := range addresses {
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial %s: %v, want it refused", address, err)
		}
	}
}

func TestRequestsAndAnswersAreHeldBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hold    func(*wire.HTTP) (<-chan struct{}, func())
		arrived int // while they are held back
	}{
		"requests": {(*wire.HTTP).HoldRequests, 0},
		"answers":  {(*wire.HTTP).HoldAnswers, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, target, client := api(t)
			stalled, release := test.hold(proxy)
			answers := make(chan string, 2)
			for _, body := range []string{"a", "b"} {
				go func() {
					answer, err := post(t.Context(), client, proxy.URL(), body)
					if err != nil {
						t.Error(err)
					}
					answers <- answer
				}()
			}
			<-stalled
			eventually(t, "both have come", func() bool { return len(proxy.Requests()) == 2 && len(target.got()) == test.arrived })
			select {
			case answer := <-answers:
				t.Errorf("answered with %q", answer)
			default:
			}
			release()
			release()
			for range 2 {
				if answer := <-answers; answer != "200 done" {
					t.Errorf("answered with %q", answer)
				}
			}
			mustPost(t, client, proxy.URL(), "later", "200 done")
		})
	}
}

func TestWhatIsHeldBackAndCutNeverGoesOn(t *testing.T) {
	t.Parallel()
	proxy, target, client := api(t)
	stalled, release := proxy.HoldRequests()
	failed := make(chan error, 1)
	go func() { _, err := post(t.Context(), client, proxy.URL(), "a"); failed <- err }()
	<-stalled
	proxy.Cut()
	release()
	if err := <-failed; err == nil {
		t.Error("it was answered")
	}
	mustPost(t, client, proxy.URL(), "b", "200 done")
	if got := target.got(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the server got %q", got)
	}
}

func TestADelayedRequestArrivesLate(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	proxy, _, client := api(t)
	if want := proxy.TargetPort(); want == "" || want == proxy.Port() {
		t.Errorf("the target's port is %q", want)
	}
	proxy.Delay(delay)
	begun := time.Now()
	mustPost(t, client, proxy.URL(), "a", "200 done")
	if took := time.Since(begun); took < delay {
		t.Errorf("it took %v", took)
	}
}
