package files

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/testing/objectstores"
	"devinbox/pkg/chat"
)

// at is the Store of an object store that runs.
func at(s objectstores.Store) *Store {
	return New(Options{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, MaxBytes: 1 << 20})
}

const png = "\x89PNG\r\n\x1a\n<script>alert(1)</script>"

func fileOf(key, name, mediaType, body string) chat.StoredFile {
	return chat.StoredFile{Key: chat.ObjectPrefix("42") + key, FileName: name, MediaType: mediaType, Size: int64(len(body))}
}

// put makes the request of an upload, after change, and gives the status of the answer.
func put(t *testing.T, upload chat.Upload, body string, change func(*http.Request)) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), upload.Method, upload.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range upload.Headers {
		r.Header.Set(name, value)
	}
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func get(t *testing.T, link chat.Link) *http.Response {
	t.Helper()
	answer, err := http.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func upload(t *testing.T, s *Store, file chat.StoredFile) chat.Upload {
	t.Helper()
	upload, err := s.Upload(file)
	if err != nil {
		t.Fatal(err)
	}
	return upload
}

func download(t *testing.T, s *Store, file chat.StoredFile) chat.Link {
	t.Helper()
	link, err := s.Download(file)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestBothStoresTakeExactlyTheFileThatWasBegun(t *testing.T) {
	t.Parallel()
	const body = "0123456789"
	inQuery := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			query := r.URL.Query()
			query.Set(name, value)
			r.URL.RawQuery = query.Encode()
		}
	}
	for _, running := range objectstores.All(t) {
		s := at(running)
		for i, test := range []struct {
			name   string
			body   string
			change func(*http.Request)
			taken  bool
		}{
			{"as it was begun", body, nil, true},
			{"a larger body", body + "x", nil, false},
			{"a smaller body", body[1:], nil, false},
			{"no body", "", nil, false},
			{"a body without a length", body, func(r *http.Request) { r.ContentLength = -1 }, false},
			{"another media type", body, func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }, false},
			{"no media type", body, func(r *http.Request) { r.Header.Del("Content-Type") }, false},
			{"without If-None-Match", body, func(r *http.Request) { r.Header.Del("If-None-Match") }, false},
			{"another If-None-Match", body, func(r *http.Request) { r.Header.Set("If-None-Match", `"x"`) }, false},
			{"another key", body, func(r *http.Request) { r.URL.Path += "x" }, false},
			{"another method", body, func(r *http.Request) { r.Method = http.MethodDelete }, false},
			{"a later expiry", body, inQuery("X-Amz-Expires", "86400"), false},
			{"fewer signed headers", body, inQuery("X-Amz-SignedHeaders", "host"), false},
			{"a header that makes it public", body, func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, false},
			{"a redirect that the store would keep", body, func(r *http.Request) { r.Header.Set("X-Amz-Website-Redirect-Location", "https://example.com") }, false},
		} {
			t.Run(running.Name+"/"+test.name, func(t *testing.T) {
				file := fileOf(fmt.Sprint("begun", i), "a.txt", "text/plain", body)
				status := put(t, upload(t, s, file), test.body, test.change)
				sizes, err := s.Sizes(t.Context(), []string{file.Key})
				if err != nil {
					t.Fatal(err)
				}
				if there := sizes[0] != nil; (status == 200) != test.taken || there != test.taken || there && *sizes[0] != file.Size {
					t.Errorf("status %d, and the object is there: %v", status, there)
				}
			})
		}
		t.Run(running.Name+"/once", func(t *testing.T) {
			file := fileOf("once", "a.txt", "text/plain", body)
			begun := upload(t, s, file)
			for _, test := range []struct {
				body string
				want int
			}{{body, 200}, {"abcdefghij", http.StatusPreconditionFailed}} {
				if status := put(t, begun, test.body, nil); status != test.want {
					t.Errorf("%q: status %d, want %d", test.body, status, test.want)
				}
			}
			if text, _ := io.ReadAll(get(t, download(t, s, file)).Body); string(text) != body {
				t.Errorf("it holds %q", text)
			}
		})
	}
}

func TestAddressesExpireInBothStores(t *testing.T) {
	t.Parallel()
	const leeway = 20 * time.Second // of a test that has to wait for its turn
	for _, running := range objectstores.All(t) {
		t.Run(running.Name, func(t *testing.T) {
			file := fileOf("expires", "a.txt", "text/plain", "text")
			signedAgo := func(ago time.Duration) *Store {
				s := at(running)
				s.now = func() time.Time { return time.Now().Add(-ago) }
				return s
			}
			if status := put(t, upload(t, signedAgo(uploadLifetime+time.Second), file), "text", nil); status != http.StatusForbidden {
				t.Errorf("an upload that has expired: status %d", status)
			}
			begun := upload(t, signedAgo(uploadLifetime-leeway), file)
			if left := time.Until(begun.ExpiresAt.Time); left > leeway || left < leeway-2*time.Second {
				t.Errorf("it says that it is good for %v", left)
			}
			if status := put(t, begun, "text", nil); status != 200 {
				t.Errorf("an upload that is still good: status %d", status)
			}
			if answer := get(t, download(t, signedAgo(downloadLifetime+time.Second), file)); answer.StatusCode != http.StatusForbidden {
				t.Errorf("a download that has expired: %s", answer.Status)
			}
			link := download(t, signedAgo(downloadLifetime-leeway), file)
			if left := time.Until(link.ExpiresAt.Time); left > leeway || left < leeway-2*time.Second {
				t.Errorf("it says that it is good for %v", left)
			}
			if answer := get(t, link); answer.StatusCode != 200 {
				t.Errorf("a download that is still good: %s", answer.Status)
			}
		})
	}
}

func TestWhatEitherStoreServesRunsNothingWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	stores := objectstores.All(t)
	for i, test := range []struct {
		name                string
		fileName, mediaType string
		inline              bool
		shown               string // the name that a browser saves
	}{
		{"a picture", "a.png", "image/png", true, "a.png"},
		{"a JPEG", "a b.jpg", "image/jpeg", true, "a b.jpg"},
		{"a GIF", "a.gif", "image/gif", true, "a.gif"},
		{"WebP", "a.webp", "image/webp", true, "a.webp"},
		{"AVIF", "a.avif", "image/avif", true, "a.avif"},
		{"a polyglot that says it is a picture", "a.html", "image/png", true, "a.html"},
		{"SVG", "a.svg", "image/svg+xml", false, "a.svg"},
		{"HTML", "a.html", "text/html", false, "a.html"},
		{"XHTML", "a.xhtml", "application/xhtml+xml", false, "a.xhtml"},
		{"JavaScript", "a.js", "text/javascript", false, "a.js"},
		{"a PDF", "a.pdf", "application/pdf", false, "a.pdf"},
		{"a text", "a.txt", "text/plain", false, "a.txt"},
		{"a way up", "../../etc/passwd", "text/plain", false, "passwd"},
		{"another way up", `..\..\boot.ini`, "text/plain", false, "boot.ini"},
		{"control characters", "a\x00\r\nSet-Cookie: x=y\x1b\x7f.txt", "text/plain", false, "a\x00\r\nSet-Cookie: x=y\x1b\x7f.txt"},
		{"quotes", `a"; filename="evil.exe`, "text/plain", false, `a"; filename="evil.exe`},
		{"backslashes and percent signs", "a%22%0d%0a;b.txt", "text/plain", false, "a%22%0d%0a;b.txt"},
		{"an override of the direction", "invoice\u202efdp.exe", "text/plain", false, "invoicefdp.exe"},
		{"isolates and marks", "\u2066a\u2069\u200eb\u200f.txt", "text/plain", false, "ab.txt"},
		{"letters of other scripts", "Снимок экрана 😀 é.png", "image/png", true, "Снимок экрана 😀 é.png"},
		{"255 bytes", strings.Repeat("é", 125) + ".html", "text/plain", false, strings.Repeat("é", 125) + ".html"},
		{"255 quotes", strings.Repeat(`"`, 255), "text/plain", false, strings.Repeat(`"`, 255)},
	} {
		for _, running := range stores {
			t.Run(running.Name+"/"+test.name, func(t *testing.T) {
				s := at(running)
				file := fileOf(fmt.Sprint("served", i), test.fileName, test.mediaType, png)
				if status := put(t, upload(t, s, file), png, nil); status != 200 {
					t.Fatalf("status %d", status)
				}
				answer := get(t, download(t, s, file))
				body, _ := io.ReadAll(answer.Body)
				want, kind := "application/octet-stream", "attachment"
				if test.inline {
					want, kind = test.mediaType, "inline"
				}
				disposition, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
				if err != nil || disposition != kind || parameters["filename"] != test.shown || len(parameters) != 1 {
					t.Errorf("Content-Disposition: %q is %q with %q, %v", answer.Header.Get("Content-Disposition"), disposition, parameters, err)
				}
				if got := answer.Header.Get("Content-Type"); got != want || string(body) != png || answer.StatusCode != 200 || answer.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s, Content-Type %q, want %q: %q", answer.Status, got, want, body)
				}
			})
		}
	}
}

func TestSizesAreAskedForAllAtOnceAndOnlyThen(t *testing.T) {
	t.Parallel()
	recorder := &objectstore.Recorder{}
	running := objectstores.Embedded(t, recorder)
	s := at(running)
	file := fileOf("there", "a.txt", "text/plain", "text")
	put(t, upload(t, s, file), "text", nil)
	download(t, s, file)
	recorder.Reset()

	running.Server.Fail(objectstore.Hang)
	keys := []string{file.Key}
	for i := range 9 {
		keys = append(keys, chat.ObjectPrefix("42")+fmt.Sprint("missing", i))
	}
	sizes := make(chan []*int64)
	go func() {
		got, err := s.Sizes(t.Context(), keys)
		if err != nil {
			t.Error(err)
		}
		sizes <- got
	}()
	for len(recorder.Requests(http.MethodHead)) < 10 {
		select {
		case <-t.Context().Done():
			t.Fatalf("%d requests wait", len(recorder.Requests()))
		case <-time.After(time.Millisecond):
		}
	}
	running.Server.Fail(objectstore.Nothing)
	got := <-sizes
	if len(recorder.Requests()) != 10 || *got[0] != 4 || got[9] != nil {
		t.Errorf("%d requests, sizes %v", len(recorder.Requests()), got)
	}
}

func TestAStoreThatFailsIsUnavailableAndDeletesNothing(t *testing.T) {
	t.Parallel()
	running := objectstores.Embedded(t, nil)
	key := chat.ObjectPrefix("42") + "canary"
	for _, test := range []struct {
		name    string
		failure objectstore.Failure
		change  func(*Options)
		want    string
	}{
		{"500", objectstore.InternalError, nil, "5xx"},
		{"503", objectstore.SlowDown, nil, "5xx"},
		{"a page in its place", objectstore.Page, nil, "foreign"},
		{"a reset", objectstore.Drop, nil, "connection"},
		{"no answer", objectstore.Hang, nil, "timeout"},
		{"another secret", objectstore.Nothing, func(o *Options) { o.SecretAccessKey = "canary" }, "forbidden"},
		{"nobody there", objectstore.Nothing, func(o *Options) { o.Endpoint = "http://127.0.0.1:1" }, "refused"},
		{"a name that nobody has", objectstore.Nothing, func(o *Options) { o.Endpoint = "https://canary.invalid" }, "dns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			o := Options{
				Endpoint: running.Endpoint, Region: running.Region, Bucket: running.Bucket, AccessKeyID: running.AccessKeyID, SecretAccessKey: running.SecretAccessKey,
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			}
			if test.change != nil {
				test.change(&o)
			}
			running.Server.Fail(test.failure)
			ctx := t.Context()
			if test.failure == objectstore.Hang { // the others are answered, however slow this machine is
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
			}
			_, err := New(o).Sizes(ctx, []string{key, key + "2"})
			e, is := err.(*chat.Error)
			if !is || e.Kind != chat.Unavailable || e.RetryAfter == 0 || e.Unwrap().Error() != "files: "+test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
			if gone := New(o).Delete(ctx, []string{key}); len(gone) != 0 {
				t.Errorf("%v are gone", gone)
			}
			if said := log.String() + err.Error(); strings.Contains(said, "canary") || strings.Contains(said, running.AccessKeyID) || !strings.Contains(log.String(), "did not delete") {
				t.Errorf("said: %s", said)
			}
		})
	}
}

func TestBothStoresDeleteWhatIsThereAndWhatIsNot(t *testing.T) {
	t.Parallel()
	for _, running := range objectstores.All(t) {
		t.Run(running.Name, func(t *testing.T) {
			s := at(running)
			var keys []string
			for i := range 25 {
				file := fileOf(fmt.Sprint("deleted", i), "a", "text/plain", "text")
				keys = append(keys, file.Key)
				if i%2 == 0 {
					put(t, upload(t, s, file), "text", nil)
				}
			}
			if gone := s.Delete(t.Context(), keys); len(gone) != 25 || len(running.List(t)) != 0 {
				t.Errorf("%d are gone, %d are left", len(gone), len(running.List(t)))
			}
		})
	}
}

// Nobody can send a function elsewhere: not the store by a redirect.
func TestNothingIsAskedButTheStoreThatIsConfigured(t *testing.T) {
	t.Parallel()
	var trapped atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		trapped.Add(1)
		w.Header().Set("ETag", `"x"`)
	}))
	t.Cleanup(trap.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		moved := httptest.NewServer(http.RedirectHandler(trap.URL+"/devinbox/key", status))
		t.Cleanup(moved.Close)
		s := New(Options{Endpoint: moved.URL, Region: "r", Bucket: "bucket", AccessKeyID: "a", SecretAccessKey: "s"})
		if _, err := s.Sizes(t.Context(), []string{"key"}); chat.KindOf(err) != chat.Unavailable || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%d: %v", status, err)
		}
		if gone := s.Delete(t.Context(), []string{"key"}); len(gone) != 0 || s.CheckBrowsers(t.Context(), "https://example.com") == nil {
			t.Errorf("%d counts as an answer", status)
		}
	}
	if trapped.Load() != 0 {
		t.Errorf("%d requests went elsewhere", trapped.Load())
	}
	// Also a key that was spoilt in the database stays below the bucket.
	u, err := url.Parse(download(t, at(objectstores.Embedded(t, nil)), chat.StoredFile{Key: "x/../../other@host:1?a#b", FileName: "a"}).URL)
	if err != nil || !strings.HasPrefix(u.Host, "127.0.0.1:") || !strings.HasPrefix(u.EscapedPath(), "/devinbox/x/") || u.Fragment != "" {
		t.Errorf("%v, %v", u, err)
	}
}

func TestAStoreTellsWhetherBrowsersMayUseIt(t *testing.T) {
	t.Parallel()
	for _, running := range objectstores.All(t) {
		s := at(running)
		if err := s.CheckBrowsers(t.Context(), objectstores.Origin); err != nil {
			t.Errorf("%s: %v", running.Name, err)
		}
		if err := s.CheckBrowsers(t.Context(), "https://evil.example.com"); err == nil {
			t.Errorf("%s lets everybody in", running.Name)
		}
	}
	for name, headers := range map[string]string{
		"origin":  "Access-Control-Allow-Methods: PUT, Access-Control-Allow-Headers: *",
		"method":  "Access-Control-Allow-Origin: *, Access-Control-Allow-Headers: *",
		"headers": "Access-Control-Allow-Origin: https://a.example, Access-Control-Allow-Methods: PUT, Access-Control-Allow-Headers: Content-Type",
		"":        "Access-Control-Allow-Origin: https://a.example, Access-Control-Allow-Methods: PUT, Access-Control-Allow-Headers: *",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for header := range strings.SplitSeq(headers, ", ") {
				name, value, _ := strings.Cut(header, ": ")
				w.Header().Add(name, value)
			}
		}))
		t.Cleanup(server.Close)
		err := New(Options{Endpoint: server.URL, Region: "r", Bucket: "bucket", AccessKeyID: "a", SecretAccessKey: "s"}).CheckBrowsers(t.Context(), "https://a.example")
		if said := fmt.Sprint(err); err == nil && name != "" || err != nil && said != name {
			t.Errorf("%q, want %q", said, name)
		}
	}
}
