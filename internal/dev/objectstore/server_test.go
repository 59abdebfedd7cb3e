package objectstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/testing/objectstores"
)

// childVariable makes the test binary a server of the folder that it names, until it is killed.
const childVariable = "OBJECTSTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		server, err := objectstore.Start(objectstore.Options{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(server.Address())
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, o objectstore.Options) objectstores.Store {
	t.Helper()
	server, err := objectstore.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	e := server.Environment()
	return objectstores.Store{
		Endpoint: e["S3_ENDPOINT"], Region: e["S3_REGION"], Bucket: e["S3_BUCKET"],
		AccessKeyID: e["S3_ACCESS_KEY_ID"], SecretAccessKey: e["S3_SECRET_ACCESS_KEY"], Server: server,
	}
}

// send sends a request that the owner's key signs.
func send(t *testing.T, s objectstores.Store, method, target, body string) (status int, text string) {
	t.Helper()
	return answered(t, s.Signed(t, method, target, body))
}

func answered(t *testing.T, request *http.Request) (status int, text string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(all)
}

func put(t *testing.T, s objectstores.Store, key, body string) {
	t.Helper()
	if status, text := send(t, s, http.MethodPut, "/devinbox/"+key, body); status != http.StatusOK {
		t.Fatalf("PUT: %d %s", status, text)
	}
}

func TestWhatIsStoredSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := start(t, objectstore.Options{Dir: dir})
	put(t, before, "42/a", "hello")
	url := before.Presign(t, http.MethodGet, "/devinbox/42/a", nil, 0, time.Now(), time.Minute)
	before.Server.Close()
	after := start(t, objectstore.Options{Dir: dir, Address: before.Server.Address()})
	if after.AccessKeyID != before.AccessKeyID || after.SecretAccessKey != before.SecretAccessKey {
		t.Error("the key pair is another")
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := answered(t, request); status != http.StatusOK || text != "hello" {
		t.Errorf("%d %q", status, text)
	}
}

func TestAKillLeavesNoHalfOfAnObject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := start(t, objectstore.Options{Dir: dir}) // for the key pair
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s := keys
	s.Endpoint = "http://" + strings.TrimSpace(address)
	const size = 1 << 20
	u, err := url.Parse(s.Presign(t, http.MethodPut, "/devinbox/42/half", nil, size, time.Now(), time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", u.RequestURI(), u.Host, size, strings.Repeat("x", size/2))
	uploads := filepath.Join(dir, "uploads")
	for deadline := time.Now().Add(10 * time.Second); ; { // until some of it is on the disk
		entries, err := os.ReadDir(uploads)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 1 {
			if info, err := entries[0].Info(); err == nil && info.Size() > 0 {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing of the upload is on the disk")
		}
		time.Sleep(time.Millisecond)
	}
	child.Process.Signal(syscall.SIGKILL)
	child.Wait()
	if all := keys.List(t); len(all) != 0 {
		t.Errorf("there is %v", all)
	}
	put(t, keys, "42/half", "whole")
	// What it left goes when nobody can be writing it any more.
	left, err := filepath.Glob(filepath.Join(uploads, "*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("the upload left %q (%v)", left, err)
	}
	start(t, objectstore.Options{Dir: dir})
	if _, err := os.Stat(left[0]); err != nil {
		t.Errorf("an upload that may go on is removed: %v", err)
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(left[0], old, old); err != nil {
		t.Fatal(err)
	}
	start(t, objectstore.Options{Dir: dir})
	if _, err := os.Stat(left[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old upload is still there (%v)", err)
	}
}

func TestTwoServersOfAFolderAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := start(t, objectstore.Options{Dir: dir}), start(t, objectstore.Options{Dir: dir})
	if first.SecretAccessKey != second.SecretAccessKey {
		t.Error("they have two key pairs")
	}
	put(t, first, "a", "1")
	if all := second.List(t); len(all) != 1 || all["a"] != 1 {
		t.Errorf("the second has %v", all)
	}
	url := second.Presign(t, http.MethodPut, "/devinbox/a", map[string]string{"If-None-Match": "*"}, 1, time.Now(), time.Minute)
	request, err := http.NewRequest(http.MethodPut, url, strings.NewReader("2"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("If-None-Match", "*")
	if status, _ := answered(t, request); status != http.StatusPreconditionFailed {
		t.Errorf("%d, want 412", status)
	}
}

func TestAnObjectThatIsDamagedIsNotServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, objectstore.Options{Dir: dir})
	put(t, s, "a", "hello")
	found, err := filepath.Glob(filepath.Join(dir, "objects", "*", "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	whole, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"the end is gone": whole[:len(whole)-3], "the beginning is gone": whole[3:], "all is gone": nil} {
		if err := os.WriteFile(found[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		if status, text := send(t, s, http.MethodGet, "/devinbox/a", ""); status != http.StatusInternalServerError || !strings.Contains(text, "InternalError") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestTheStoreFailsOnDemand(t *testing.T) {
	t.Parallel()
	recorder := &objectstore.Recorder{}
	s := start(t, objectstore.Options{Dir: t.TempDir(), Recorder: recorder})
	put(t, s, "a", "hello")
	for name, test := range map[string]struct {
		failure objectstore.Failure
		status  int
		text    string
	}{
		"500":    {objectstore.InternalError, 500, "<Code>InternalError</Code>"},
		"503":    {objectstore.SlowDown, 503, "<Code>SlowDown</Code>"},
		"a page": {objectstore.Page, 200, "<!doctype html>"},
	} {
		s.Server.Fail(test.failure)
		if status, text := send(t, s, http.MethodGet, "/devinbox/a", ""); status != test.status || !strings.Contains(text, test.text) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	s.Server.Fail(objectstore.Drop, http.MethodPut)
	if _, err := http.DefaultTransport.RoundTrip(s.Signed(t, http.MethodPut, "/devinbox/b", "x")); err == nil {
		t.Error("a dropped request is answered")
	}
	if status, text := send(t, s, http.MethodGet, "/devinbox/a", ""); status != http.StatusOK || text != "hello" {
		t.Errorf("another method: %d %s", status, text)
	}
	// Requests that hang are served when that ends.
	s.Server.Fail(objectstore.Hang, http.MethodHead)
	recorder.Reset()
	answers := make(chan int)
	for range 3 {
		request := s.Signed(t, http.MethodHead, "/devinbox/a", "")
		go func() {
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				answers <- 0
				return
			}
			answer.Body.Close()
			answers <- answer.StatusCode
		}()
	}
	for deadline := time.Now().Add(10 * time.Second); len(recorder.Requests(http.MethodHead)) < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d requests have come", len(recorder.Requests(http.MethodHead)))
		}
	}
	select {
	case status := <-answers:
		t.Errorf("one is answered with %d", status)
	default:
	}
	s.Server.Fail(objectstore.Nothing)
	for range 3 {
		if status := <-answers; status != http.StatusOK {
			t.Errorf("afterwards: %d", status)
		}
	}
	if all := s.List(t); len(all) != 1 {
		t.Errorf("there is %v", all)
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()
	recorder := &objectstore.Recorder{}
	s := start(t, objectstore.Options{Dir: t.TempDir(), Recorder: recorder})
	s.Server.Fail(objectstore.Hang)
	request := s.Signed(t, http.MethodGet, "/devinbox/a", "")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); len(recorder.Requests()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no request has come")
		}
	}
	s.Server.Close()
	<-ended
	again, err := net.Listen("tcp", s.Server.Address())
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestTheRecorderKeepsEachRequest(t *testing.T) {
	t.Parallel()
	recorder := &objectstore.Recorder{}
	s := start(t, objectstore.Options{Dir: t.TempDir(), Recorder: recorder})
	put(t, s, "a", "hello")
	if answer, err := http.Get(s.Endpoint + "/devinbox/b?x=1"); err != nil {
		t.Fatal(err)
	} else {
		answer.Body.Close()
	}
	all := recorder.Requests()
	if len(all) != 2 || all[0].Method != http.MethodPut || all[0].Path != "/devinbox/a" || all[0].Header.Get("Content-Length") != "5" ||
		all[1].Path != "/devinbox/b" || all[1].Query.Get("x") != "1" {
		t.Errorf("%+v", all)
	}
	if puts := recorder.Requests(http.MethodPut, http.MethodDelete); len(puts) != 1 {
		t.Errorf("%+v", puts)
	}
	recorder.Reset()
	if all := recorder.Requests(); len(all) != 0 {
		t.Errorf("after a reset: %+v", all)
	}
}

func TestAWrongClockIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, objectstore.Options{Dir: t.TempDir()})
	put(t, s, "a", "hello")
	get := func() *http.Request {
		request, err := http.NewRequest(http.MethodGet, s.Presign(t, http.MethodGet, "/devinbox/a", nil, 0, time.Now(), 20*time.Minute), nil)
		if err != nil {
			t.Fatal(err)
		}
		return request
	}
	for _, test := range []struct {
		skew   time.Duration
		query  string // in the answer to a URL that is good for 20 minutes
		header string
	}{
		{0, "hello", "hello"},
		{14 * time.Minute, "hello", "hello"},
		{16 * time.Minute, "hello", "RequestTimeTooSkewed"},
		{21 * time.Minute, "Request has expired", "RequestTimeTooSkewed"},
		{-14 * time.Minute, "hello", "hello"},
		{-16 * time.Minute, "Request is not yet valid", "RequestTimeTooSkewed"},
	} {
		s.Server.Skew(test.skew)
		if _, text := answered(t, get()); !strings.Contains(text, test.query) {
			t.Errorf("%s, query: %s", test.skew, text)
		}
		if _, text := send(t, s, http.MethodGet, "/devinbox/a", ""); !strings.Contains(text, test.header) {
			t.Errorf("%s, header: %s", test.skew, text)
		}
	}
}

// What the store does not have is refused, and not taken for something simpler.
func TestWhatTheStoreDoesNotHaveIsNotImplemented(t *testing.T) {
	t.Parallel()
	s := start(t, objectstore.Options{Dir: t.TempDir()})
	put(t, s, "a", "hello")
	for _, target := range []string{
		"GET /devinbox/a?tagging", "GET /devinbox/a?acl", "GET /devinbox/a?versionId=1", "PUT /devinbox/a?partNumber=1&uploadId=x", "POST /devinbox/a?uploads",
		"DELETE /devinbox/a?tagging", "GET /devinbox", "GET /devinbox?versions", "PUT /devinbox?cors", "PUT /other", "DELETE /devinbox", "POST /devinbox?delete",
	} {
		method, target, _ := strings.Cut(target, " ")
		if status, text := send(t, s, method, target, ""); status != http.StatusNotImplemented || !strings.Contains(text, "<Code>NotImplemented</Code>") {
			t.Errorf("%s %s: %d %s", method, target, status, text)
		}
	}
	if status, text := send(t, s, http.MethodGet, "/other/a", ""); status != http.StatusNotFound || !strings.Contains(text, "NoSuchBucket") {
		t.Errorf("another bucket: %d %s", status, text)
	}
	if status, _ := send(t, s, http.MethodHead, "/devinbox", ""); status != http.StatusOK {
		t.Errorf("HEAD of the bucket: %d", status)
	}
	if status, text := send(t, s, http.MethodGet, "/devinbox/a", ""); status != http.StatusOK || text != "hello" {
		t.Errorf("the object: %d %s", status, text)
	}
}

func TestThePagesOfThisMachineMayUseTheStore(t *testing.T) {
	t.Parallel()
	s := start(t, objectstore.Options{Dir: t.TempDir(), Hosts: []string{"chat.example.test"}})
	for origin, allowed := range map[string]bool{
		"http://localhost:3000": true, "http://localhost": true, "http://127.0.0.1:8080": true, "http://[::1]:3000": true, "https://app.localhost:3000": true,
		"https://chat.example.test": true, "https://chat.example.test:8443": true,
		"null": false, "https://example.test": false, "https://x.chat.example.test": false, "http://localhost.example.test": false, "file://localhost": false, "http://localhost:3000/": false, "http://user@localhost": false,
	} {
		request, err := http.NewRequest(http.MethodOptions, s.Endpoint+"/devinbox/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", http.MethodPut)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Get("Access-Control-Allow-Origin"); allowed && (got != origin || answer.StatusCode != 200) || !allowed && (got != "" || answer.StatusCode != 403) {
			t.Errorf("%s: %d, allowed is %q", origin, answer.StatusCode, got)
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]objectstore.Options{
		"no folder":              {},
		"half a key pair":        {Dir: dir, AccessKeyID: "id"},
		"a bucket that is none":  {Dir: dir, Bucket: "A"},
		"a folder below nothing": {Dir: filepath.Join(dir, "a", "b")},
		"an address of nobody":   {Dir: dir, Address: "127.0.0.1:x"},
	} {
		if server, err := objectstore.Start(o); err == nil {
			server.Close()
			t.Errorf("%s: it starts", name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if server, err := objectstore.Start(objectstore.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "keys.json") {
		t.Errorf("keys that are none: %v", err)
		server.Close()
	}
	taken := start(t, objectstore.Options{Dir: t.TempDir()})
	if _, err := objectstore.Start(objectstore.Options{Dir: t.TempDir(), Address: taken.Server.Address()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("an address that is taken: %v", err)
	}
	t.Setenv("VERCEL_ENV", "production")
	if server, err := objectstore.Start(objectstore.Options{Dir: t.TempDir()}); err == nil {
		server.Close()
		t.Error("it starts in production")
	}
}

// A browser that is still sending must read why it was refused: a connection that is closed meanwhile looks to it like a
// failure of the network.
func TestARefusalReachesAClientThatIsStillSending(t *testing.T) {
	t.Parallel()
	s := start(t, objectstore.Options{Dir: t.TempDir()})
	large, once := strings.Repeat("x", 8<<20), map[string]string{"If-None-Match": "*"}
	put(t, s, "there", "hello")
	for _, test := range []struct {
		name, target string
		at           time.Time
		status       int
	}{
		{"expired", "/devinbox/a", time.Now().Add(-time.Hour), http.StatusForbidden},
		{"there already", "/devinbox/there", time.Now(), http.StatusPreconditionFailed},
	} {
		request, err := http.NewRequest(http.MethodPut, s.Presign(t, http.MethodPut, test.target, once, int64(len(large)), test.at, time.Minute), strings.NewReader(large))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("If-None-Match", "*")
		if status, text := answered(t, request); status != test.status {
			t.Errorf("%s: %d %s", test.name, status, text)
		}
	}
}

func TestAGivenKeyPairIsNotKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, objectstore.Options{Dir: dir, AccessKeyID: "id", SecretAccessKey: "secret", Region: "auto", Bucket: "devinbox"})
	put(t, s, "a", "hello")
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file of keys (%v)", err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (%v)", info.Mode(), err)
	}
}
