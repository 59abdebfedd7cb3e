// Package objectstores gives tests an object store to talk to: that of `devinbox dev`, and versitygw, which others
// wrote from S3's documentation. A test that passes with both tests S3, and not only our idea of it.
//
// They differ in two things that matter here. A URL that is dated over 15 minutes ahead is refused by S3 ("Request is not
// yet valid") and by ours, but versitygw 1.8.0 accepts it. And if versitygw refuses a large body, it may reset the
// connection, as S3 does; ours reads the body first.
//
// versitygw is built from its Go module, in a module of its own (the folder gateway), and the program is kept in the
// user's cache folder. Without it a test fails.
package objectstores

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/testing/stage"
)

// Origin is that of a page which the CORS configuration of each store lets in.
const Origin = "http://localhost:3000"

// Store is a running store with an empty bucket.
type Store struct {
	Name string // for the name of a subtest

	Endpoint        string // http://host:port, without the bucket
	Region          string
	Bucket          string
	AccessKeyID     string
	SecretAccessKey string

	// Server is the store of `devinbox dev`, which can record and fail. It is nil for another.
	Server *objectstore.Server
}

// Environment returns the variables by which devinbox finds the store.
func (s Store) Environment() map[string]string {
	return map[string]string{
		"S3_ENDPOINT": s.Endpoint, "S3_REGION": s.Region, "S3_BUCKET": s.Bucket,
		"S3_ACCESS_KEY_ID": s.AccessKeyID, "S3_SECRET_ACCESS_KEY": s.SecretAccessKey,
	}
}

// All starts each store. They end with t, and with this process if that is killed.
func All(t stage.T) []Store {
	t.Helper()
	return []Store{Embedded(t, nil), Versity(t)}
}

// Embedded starts the store of `devinbox dev`, in a folder that goes with t. Its requests are recorded unless recorder is
// nil.
func Embedded(t stage.T, recorder *objectstore.Recorder) Store {
	t.Helper()
	dir, err := os.MkdirTemp("", "devinbox-objectstore-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	server, err := objectstore.Start(objectstore.Options{Dir: dir, Recorder: recorder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	e := server.Environment()
	return Store{"embedded", e["S3_ENDPOINT"], e["S3_REGION"], e["S3_BUCKET"], e["S3_ACCESS_KEY_ID"], e["S3_SECRET_ACCESS_KEY"], server}
}

// cors is the configuration that docs/deploy.md gives an owner, for one page.
const cors = `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CORSRule>` +
	`<AllowedOrigin>` + Origin + `</AllowedOrigin>` +
	`<AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod><AllowedMethod>PUT</AllowedMethod>` +
	`<AllowedHeader>content-type</AllowedHeader><AllowedHeader>if-none-match</AllowedHeader>` +
	`<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds>` +
	`</CORSRule></CORSConfiguration>`

// Versity starts versitygw, with a bucket and its CORS configuration. The first call on a machine builds it, which takes
// about a minute on two free processors.
func Versity(t stage.T) Store {
	t.Helper()
	s := startGateway(t, Store{Name: "versitygw", Region: "eu-central-1", Bucket: "test-files", AccessKeyID: "test-key", SecretAccessKey: "test-secret"})
	s.put(t, "/"+s.Bucket, "")
	s.put(t, "/"+s.Bucket+"?cors", cors)
	return s
}

// put sends a PUT that the owner's key signs.
func (s Store) put(t stage.T, target, body string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(s.Signed(t, http.MethodPut, target, body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: PUT %s: %s %s", s.Name, target, answer.Status, text)
	}
}

func signer() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

func (s Store) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}
}

// Signed returns a request that is signed in its header, for a target that begins with the bucket: /BUCKET/KEY.
func (s Store) Signed(t stage.T, method, target, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.Endpoint+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum, digest := md5.Sum([]byte(body)), sha256.Sum256([]byte(body))
	if body != "" {
		request.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:])) // for a configuration S3 wants this
	}
	payload := hex.EncodeToString(digest[:])
	request.Header.Set("X-Amz-Content-Sha256", payload)
	if err := signer().SignHTTP(t.Context(), s.credentials(), request, payload, "s3", s.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return request
}

// Presign returns a URL that anybody may use, with the headers that it binds, for a target that begins with the bucket
// and may have a query: /BUCKET/KEY?response-content-type=…. It is good for ttl from at. A length of 0 is not bound.
func (s Store) Presign(t stage.T, method, target string, header map[string]string, length int64, at time.Time, ttl time.Duration) string {
	t.Helper()
	u, err := url.Parse(s.Endpoint + target)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("X-Amz-Expires", fmt.Sprint(int(ttl.Seconds())))
	u.RawQuery = query.Encode()
	request := &http.Request{Method: method, URL: u, Host: u.Host, Header: http.Header{}, ContentLength: length}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	signed, _, err := signer().PresignHTTP(t.Context(), s.credentials(), request, "UNSIGNED-PAYLOAD", "s3", s.Region, at)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// List returns the keys and sizes of the bucket's objects, as ListObjectsV2 tells them, page after page.
func (s Store) List(t stage.T) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	for after := ""; ; {
		page := s.page(t, after)
		for _, each := range page.Contents {
			found[each.Key] = each.Size
		}
		if !page.IsTruncated {
			return found
		}
		after = page.NextContinuationToken
	}
}
