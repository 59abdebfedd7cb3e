package objectstores_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/internal/testing/objectstores"
)

const (
	body = "hello"
	png  = "image/png"
)

// once are the headers of an upload that is bound to its type and can be done once.
var once = map[string]string{"Content-Type": png, "If-None-Match": "*"}

// answer is what a store said.
type answer struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, request *http.Request) answer {
	t.Helper()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// call uses a URL as a browser does that was given it with these headers.
func call(t *testing.T, method, url string, header map[string]string, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	return do(t, request)
}

// upload returns a URL for an upload of body, good for a minute.
func upload(t *testing.T, s objectstores.Store, target string) string {
	t.Helper()
	return s.Presign(t, http.MethodPut, target, once, int64(len(body)), time.Now(), time.Minute)
}

// stored puts an object there.
func stored(t *testing.T, s objectstores.Store, target string) {
	t.Helper()
	if a := call(t, http.MethodPut, upload(t, s, target), once, body); a.status != http.StatusOK {
		t.Fatalf("PUT: %+v", a)
	}
}

// with returns headers with others, or without those whose value is "".
func with(header map[string]string, others ...string) map[string]string {
	all := map[string]string{}
	for name, value := range header {
		all[name] = value
	}
	for i := 0; i < len(others); i += 2 {
		if all[others[i]] = others[i+1]; others[i+1] == "" {
			delete(all, others[i])
		}
	}
	return all
}

// An upload that differs in anything from what was signed, or comes at another time, is refused and leaves nothing.
func TestAnUploadIsTheOneThatWasSignedOrNone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			presign := func(change func(*objectstores.Store), at time.Time, ttl time.Duration) func(string) string {
				return func(target string) string {
					other := s
					change(&other)
					return other.Presign(t, http.MethodPut, target, once, int64(len(body)), at, ttl)
				}
			}
			same := func(*objectstores.Store) {}
			good := presign(same, now, time.Minute)
			changed := func(old, new string) func(string) string {
				return func(target string) string {
					before := good(target)
					after := strings.Replace(before, old, new, 1)
					if after == before {
						t.Fatalf("%q is not in the URL", old)
					}
					return after
				}
			}
			flip := func(target string) string { // the signature's last digit
				before := good(target)
				last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(before, "0")]
				return before[:len(before)-1] + last
			}
			for i, test := range []struct {
				name   string
				url    func(target string) string
				header map[string]string
				body   string
				want   int
			}{
				{"as it was signed", good, once, body, 200},
				{"a longer body", good, once, body + "!", 403},
				{"a shorter body", good, once, body[:4], 403},
				{"no body", good, once, "", 403},
				{"another type", good, with(once, "Content-Type", "text/html"), body, 403},
				{"a parameter to the type", good, with(once, "Content-Type", png+";charset=utf-8"), body, 403},
				{"no type", good, with(once, "Content-Type", ""), body, 403},
				{"without If-None-Match", good, with(once, "If-None-Match", ""), body, 403},
				{"another If-None-Match", good, with(once, "If-None-Match", `"x"`), body, 403},
				{"a header of S3's that is not signed", good, with(once, "X-Amz-Meta-Color", "red"), body, 403},
				{"a copy of another object", good, with(once, "X-Amz-Copy-Source", "/"+s.Bucket+"/upload-0"), body, 403},
				{"expired", presign(same, now.Add(-2*time.Minute), time.Minute), once, body, 403},
				{"good for more than a week", presign(same, now, 8*24*time.Hour), once, body, 400},
				{"another signature", flip, once, body, 403},
				{"no signature", changed("&X-Amz-Signature=", "&x="), once, body, 400},
				{"nothing but the target", func(target string) string { return s.Endpoint + target }, once, body, 403},
				{"another key", changed("/upload-", "/other-"), once, body, 403},
				{"a longer life", changed("X-Amz-Expires=60", "X-Amz-Expires=600"), once, body, 403},
				{"a later date", changed("X-Amz-Date="+now.UTC().Format("20060102T1504"), "X-Amz-Date="+now.UTC().Add(time.Minute).Format("20060102T1504")), once, body, 403},
				{"a further parameter", func(target string) string { return good(target) + "&response-content-type=text%2Fhtml" }, once, body, 403},
				{"fewer signed headers", changed("content-length%3B", ""), once, body, 403},
				{"another secret", presign(func(s *objectstores.Store) { s.SecretAccessKey = "other" }, now, time.Minute), once, body, 403},
				{"nobody's key", presign(func(s *objectstores.Store) { s.AccessKeyID = "other" }, now, time.Minute), once, body, 403},
				{"another region", presign(func(s *objectstores.Store) { s.Region = "other" }, now, time.Minute), once, body, 400},
			} {
				t.Run(test.name, func(t *testing.T) {
					target := fmt.Sprintf("/%s/upload-%d", s.Bucket, i)
					a := call(t, http.MethodPut, test.url(target), test.header, test.body)
					if a.status != test.want {
						t.Errorf("%d %s, want %d", a.status, a.body, test.want)
					}
					want := map[bool]int{true: 200, false: 404}[test.want == 200]
					if a := do(t, s.Signed(t, http.MethodHead, target, "")); a.status != want {
						t.Errorf("HEAD says %d afterwards, want %d", a.status, want)
					}
				})
			}
			// A body whose length nobody says: it could be of any.
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, good("/"+s.Bucket+"/chunked"), struct{ io.Reader }{strings.NewReader(body)})
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range once {
				request.Header.Set(name, value)
			}
			// A store may also refuse it by closing the connection while the body is still being sent.
			if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
				response.Body.Close()
				if status := response.StatusCode; status != http.StatusForbidden && status != http.StatusLengthRequired {
					t.Errorf("in chunks: %d", status)
				}
			}
			if all := s.List(t); len(all) != 1 || all["upload-0"] != int64(len(body)) {
				t.Errorf("the bucket holds %v", all)
			}
		})
	}
}

func TestAnUploadIsDoneOnce(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			target := "/" + s.Bucket + "/once"
			stored(t, s, target)
			if a := call(t, http.MethodPut, upload(t, s, target), once, "HELLO"); a.status != http.StatusPreconditionFailed || !strings.Contains(a.body, "<Code>PreconditionFailed</Code>") {
				t.Errorf("again: %+v", a)
			}
			if a := do(t, s.Signed(t, http.MethodGet, target, "")); a.body != body {
				t.Errorf("the object is now %q", a.body)
			}
			// Of several at once one is done.
			target = "/" + s.Bucket + "/race"
			bodies, answers := []string{"1....", "2....", "3....", "4...."}, make([]answer, 4)
			var all sync.WaitGroup
			for i, each := range bodies {
				url := upload(t, s, target)
				all.Go(func() { answers[i] = call(t, http.MethodPut, url, once, each) })
			}
			all.Wait()
			winner := ""
			for i, a := range answers {
				switch {
				case a.status == http.StatusOK && winner == "":
					winner = bodies[i]
				case a.status != http.StatusPreconditionFailed && a.status != http.StatusConflict: // S3 may answer 409 to one that overlaps
					t.Errorf("at the same time: %+v", a)
				}
			}
			if a := do(t, s.Signed(t, http.MethodGet, target, "")); winner == "" || a.body != winner {
				t.Errorf("the object is %q, done was %q", a.body, winner)
			}
		})
	}
}

// A connection that ends in the middle of a body leaves nothing, and the same URL is good afterwards.
func TestAnUploadThatIsCutOffLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			target := "/" + s.Bucket + "/cut"
			signed := upload(t, s, target)
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nIf-None-Match: *\r\nContent-Length: %d\r\n\r\n%s", u.RequestURI(), u.Host, png, len(body), body[:3])
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); err != nil { // until the store has given up
				t.Fatal(err)
			}
			if all := s.List(t); len(all) != 0 {
				t.Errorf("the bucket holds %v", all)
			}
			stored(t, s, target)
		})
	}
}

func TestADownloadHasTheHeadersThatWereSigned(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			target := "/" + s.Bucket + "/clients/42/download"
			stored(t, s, target)
			const disposition = `attachment; filename="r_sum_.png"; filename*=UTF-8''r%C3%A9sum%C3%A9.png`
			query := "?" + url.Values{"response-content-disposition": {disposition}, "response-content-type": {"application/octet-stream"}, "response-cache-control": {"private, max-age=300"}}.Encode()
			get := func(query string) string {
				return s.Presign(t, http.MethodGet, target+query, nil, 0, time.Now(), time.Minute)
			}
			a := call(t, http.MethodGet, get(query), nil, "")
			if a.status != http.StatusOK || a.body != body {
				t.Fatalf("%+v", a)
			}
			for name, want := range map[string]string{
				"Content-Disposition": disposition, "Content-Type": "application/octet-stream", "Cache-Control": "private, max-age=300", "Content-Length": "5",
			} {
				if got := a.header.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if a := call(t, http.MethodGet, get(""), nil, ""); a.header.Get("Content-Type") != png || a.header.Get("Content-Disposition") != "" {
				t.Errorf("without overrides: %v", a.header)
			}
			if a := call(t, http.MethodGet, get(query), map[string]string{"Range": "bytes=1-3"}, ""); a.status != http.StatusPartialContent || a.body != body[1:4] || a.header.Get("Content-Range") != "bytes 1-3/5" {
				t.Errorf("a part: %+v", a)
			}
			for _, test := range []struct{ name, method, url string }{
				{"another type", http.MethodGet, strings.Replace(get(query), "octet-stream", "xhtml%2Bxml", 1)},
				{"a type where none was signed", http.MethodGet, get("") + "&response-content-type=text%2Fhtml"},
				{"another object", http.MethodGet, strings.Replace(get(query), "/42/", "/43/", 1)},
				{"expired", http.MethodGet, s.Presign(t, http.MethodGet, target, nil, 0, time.Now().Add(-6*time.Minute), 5*time.Minute)},
				{"another method", http.MethodDelete, get("")},
				{"another method that writes", http.MethodPut, get("")},
				{"unsigned", http.MethodGet, s.Endpoint + target},
				{"unsigned with an override", http.MethodGet, s.Endpoint + target + query},
			} {
				if a := call(t, test.method, test.url, nil, ""); a.status != http.StatusForbidden || strings.Contains(a.body, body) {
					t.Errorf("%s: %+v", test.name, a)
				}
			}
			if a := do(t, s.Signed(t, http.MethodGet, target, "")); a.body != body {
				t.Errorf("the object is now %q", a.body)
			}
			if a := call(t, http.MethodGet, s.Presign(t, http.MethodGet, target+"x", nil, 0, time.Now(), time.Minute), nil, ""); a.status != http.StatusNotFound || !strings.Contains(a.body, "<Code>NoSuchKey</Code>") {
				t.Errorf("what is not there: %+v", a)
			}
		})
	}
}

// What a function asks for, with its own key: signed in the header, and in the query.
func TestTheOwnerLooksAndDeletes(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			for _, way := range []struct {
				name string
				send func(method, target string) answer
			}{
				{"header", func(method, target string) answer { return do(t, s.Signed(t, method, target, "")) }},
				{"query", func(method, target string) answer {
					return call(t, method, s.Presign(t, method, target, nil, 0, time.Now(), time.Minute), nil, "")
				}},
			} {
				target := "/" + s.Bucket + "/owner/" + way.name
				if a := way.send(http.MethodHead, target); a.status != http.StatusNotFound {
					t.Errorf("%s: HEAD before: %+v", way.name, a)
				}
				stored(t, s, target)
				if a := way.send(http.MethodHead, target); a.status != http.StatusOK || a.header.Get("Content-Length") != "5" || a.header.Get("Content-Type") != png || a.header.Get("Etag") != `"5d41402abc4b2a76b9719d911017c592"` {
					t.Errorf("%s: HEAD: %+v", way.name, a)
				}
				for range 2 { // deleting what is not there is a success
					if a := way.send(http.MethodDelete, target); a.status != http.StatusNoContent || a.body != "" {
						t.Errorf("%s: DELETE: %+v", way.name, a)
					}
				}
				if a := way.send(http.MethodGet, target); a.status != http.StatusNotFound {
					t.Errorf("%s: GET after: %+v", way.name, a)
				}
			}
			target := "/" + s.Bucket + "/owner/kept"
			stored(t, s, target)
			for _, method := range []string{http.MethodHead, http.MethodDelete} {
				if a := call(t, method, s.Endpoint+target, nil, ""); a.status != http.StatusForbidden {
					t.Errorf("%s without a signature: %+v", method, a)
				}
			}
			// A header's signature is for the request that has it, and for its time.
			other := s.Signed(t, http.MethodHead, target, "")
			other.Method = http.MethodDelete
			if a := do(t, other); a.status != http.StatusForbidden {
				t.Errorf("another method: %+v", a)
			}
			if a := call(t, http.MethodGet, s.Endpoint+"/"+s.Bucket+"?list-type=2", nil, ""); a.status != http.StatusForbidden {
				t.Errorf("a list without a signature: %+v", a)
			}
			if all := s.List(t); len(all) != 1 || all["owner/kept"] != 5 {
				t.Errorf("the bucket holds %v", all)
			}
		})
	}
}

func TestABodyThatIsSignedInTheHeaderIsChecked(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			target := "/" + s.Bucket + "/digest"
			other := s.Signed(t, http.MethodPut, target, body)
			other.Header.Del("Content-MD5") // which is signed, so that this alone is refused
			other.Body = io.NopCloser(strings.NewReader("HELLO"))
			if a := do(t, other); a.status != http.StatusForbidden {
				t.Errorf("without a signed header: %+v", a)
			}
			other = s.Signed(t, http.MethodPut, target, body)
			other.Body = io.NopCloser(strings.NewReader("HELLO"))
			if a := do(t, other); a.status != http.StatusBadRequest {
				t.Errorf("another body: %+v", a)
			}
			if all := s.List(t); len(all) != 0 {
				t.Errorf("the bucket holds %v", all)
			}
			if a := do(t, s.Signed(t, http.MethodPut, target, body)); a.status != http.StatusOK {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestAListIsWhole(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			for _, key := range []string{"b/2", "a", "b/1", "b/10", "c/d/e"} {
				stored(t, s, "/"+s.Bucket+"/"+key)
			}
			get := func(query string) string {
				a := do(t, s.Signed(t, http.MethodGet, "/"+s.Bucket+"?list-type=2&"+query, ""))
				var keys []string
				for rest := a.body; ; {
					_, after, found := strings.Cut(rest, "<Key>")
					if !found {
						break
					}
					var key string
					key, rest, _ = strings.Cut(after, "</Key>")
					keys = append(keys, key)
				}
				return strings.Join(keys, " ")
			}
			for query, want := range map[string]string{
				"prefix=": "a b/1 b/10 b/2 c/d/e", "prefix=b%2F": "b/1 b/10 b/2", "prefix=b%2F1": "b/1 b/10", "prefix=x": "",
				"max-keys=2": "a b/1", "start-after=b%2F10": "b/2 c/d/e", "delimiter=%2F": "a", "delimiter=%2F&prefix=b%2F": "b/1 b/10 b/2",
			} {
				if got := get(query); got != want {
					t.Errorf("%s: %q, want %q", query, got, want)
				}
			}
		})
	}
}

// TestAPageOfTheConfiguredOriginMayUseTheStore holds what docs/deploy.md tells an owner to configure.
func TestAPageOfTheConfiguredOriginMayUseTheStore(t *testing.T) {
	t.Parallel()
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			target := "/" + s.Bucket + "/page"
			preflight := func(origin, method, headers string) answer {
				asked := map[string]string{"Origin": origin, "Access-Control-Request-Method": method}
				if headers != "" {
					asked["Access-Control-Request-Headers"] = headers
				}
				return call(t, http.MethodOptions, upload(t, s, target), asked, "")
			}
			a := preflight(objectstores.Origin, http.MethodPut, "content-type,if-none-match")
			if a.status < 200 || a.status > 299 || a.header.Get("Access-Control-Allow-Origin") != objectstores.Origin ||
				!strings.Contains(a.header.Get("Access-Control-Allow-Methods"), http.MethodPut) {
				t.Errorf("%+v", a)
			}
			for _, name := range []string{"content-type", "if-none-match"} {
				if !strings.Contains(strings.ToLower(a.header.Get("Access-Control-Allow-Headers")), name) {
					t.Errorf("%s is not allowed: %v", name, a.header)
				}
			}
			for _, test := range []struct{ name, origin, method, headers string }{
				{"another origin", "https://example.com", http.MethodPut, ""},
				{"an origin that begins like it", "http://localhost.example.com", http.MethodPut, ""},
				{"another method", objectstores.Origin, http.MethodDelete, ""},
				{"another header", objectstores.Origin, http.MethodPut, "content-type,x-amz-acl"},
			} {
				if a := preflight(test.origin, test.method, test.headers); a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s: %+v", test.name, a)
				}
			}
			// A page can read each answer, the refusals too.
			from := func(origin string) map[string]string { return with(once, "Origin", origin) }
			for _, test := range []struct {
				name   string
				answer answer
				status int
			}{
				{"done", call(t, http.MethodPut, upload(t, s, target), from(objectstores.Origin), body), 200},
				{"done before", call(t, http.MethodPut, upload(t, s, target), from(objectstores.Origin), body), 412},
				{"got", call(t, http.MethodGet, s.Presign(t, http.MethodGet, target, nil, 0, time.Now(), time.Minute), map[string]string{"Origin": objectstores.Origin}, ""), 200},
			} {
				if test.answer.status != test.status || test.answer.header.Get("Access-Control-Allow-Origin") != objectstores.Origin || !strings.Contains(test.answer.header.Get("Vary"), "Origin") {
					t.Errorf("%s: %+v", test.name, test.answer)
				}
			}
			if a := call(t, http.MethodGet, s.Presign(t, http.MethodGet, target, nil, 0, time.Now(), time.Minute), map[string]string{"Origin": "https://example.com"}, ""); a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("another origin: %+v", a)
			}
		})
	}
}

func TestALargeUploadComesBackWhole(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 256<<10)
	for _, s := range objectstores.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			target := "/" + s.Bucket + "/large"
			url := s.Presign(t, http.MethodPut, target, once, int64(len(large)), time.Now(), time.Minute)
			if a := call(t, http.MethodPut, url, once, large); a.status != http.StatusOK {
				t.Errorf("%+v", a)
			}
			if a := do(t, s.Signed(t, http.MethodGet, target, "")); a.body != large {
				t.Errorf("%d bytes have come back", len(a.body))
			}
		})
	}
}
