package serve_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/internal/serve"
	"devinbox/internal/testing/logbook"
	"devinbox/pkg/app"
	"devinbox/pkg/config"
)

// server is one run, in this process.
type server struct {
	address string
	stop    context.CancelFunc
	ended   chan error
	log     *logbook.Book
}

func run(t *testing.T, o serve.Options) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String(), ended: make(chan error, 1), log: &logbook.Book{}}
	o.Log, o.App = s.log.Logger(), app.New(config.Config{}, nil, s.log.Logger())
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	t.Cleanup(func() { stop(); o.App.Close() })
	go func() { s.ended <- serve.Run(ctx, listener, o) }()
	return s
}

func (s *server) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

const plainRequest = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

func answerOf(t *testing.T, from *bufio.Reader) *http.Response {
	t.Helper()
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer
}

func TestAtTheEndWhatHasBegunIsAnsweredAndNothingElseIsTaken(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	s := run(t, serve.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		w.WriteHeader(http.StatusCreated)
	})})
	conn, from := s.dial(t)
	io.WriteString(conn, plainRequest)
	<-begun
	s.stop()
	eventually(t, "no connection is taken", func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-s.ended:
		t.Fatalf("it ended before the answer: %v", err)
	default:
	}
	close(finish)
	if answer := answerOf(t, from); answer.StatusCode != http.StatusCreated {
		t.Errorf("%d", answer.StatusCode)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// A browser keeps its connection and may be sending on it when the end comes.
func TestARequestOnAConnectionThatWasKeptIsAnsweredAtTheEndAndClosesIt(t *testing.T) {
	t.Parallel()
	var answered atomic.Int32
	s := run(t, serve.Options{Linger: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answered.Add(1) })})
	conn, from := s.dial(t)
	io.WriteString(conn, plainRequest)
	if answer := answerOf(t, from); answer.Close {
		t.Error("the connection is closed before the end")
	}
	s.stop()
	eventually(t, "no connection is taken", func() bool { _, err := net.Dial("tcp", s.address); return err != nil })
	io.WriteString(conn, plainRequest)
	if answer := answerOf(t, from); !answer.Close || answered.Load() != 2 {
		t.Errorf("closed: %v, after %d requests", answer.Close, answered.Load())
	}
	if err := <-s.ended; err != nil { // at once, since no connection is left
		t.Error(err)
	}
}

func TestARequestThatDoesNotEndIsGivenUpWhenPatienceEnds(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	defer close(finish)
	s := run(t, serve.Options{Patience: 50 * time.Millisecond, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-finish
	})})
	conn, _ := s.dial(t)
	io.WriteString(conn, plainRequest)
	<-begun
	s.stop()
	if err := <-s.ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestAListenerThatFailsEndsIt(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	log := &logbook.Book{}
	if err := serve.Run(t.Context(), listener, serve.Options{Handler: http.NotFoundHandler(), Log: log.Logger()}); err == nil {
		t.Error("it says nothing of it")
	}
}

func TestABodyThatNeverComesEndsWithTheTimeOfARequest(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := run(t, serve.Options{RequestTimeout: 100 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})})
	conn, _ := s.dial(t)
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	if err := <-read; err == nil {
		t.Error("the body came")
	}
}

func TestAHeadThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := run(t, serve.Options{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it is served") })})
	conn, from := s.dial(t)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nCookie: "+strings.Repeat("x", 80<<10)+"\r\n\r\n")
	if answer := answerOf(t, from); answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", answer.StatusCode)
	}
}
