package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

const (
	// How long an address is good, by the clock of this machine.
	uploadLifetime   = 15 * time.Minute
	downloadLifetime = 5 * time.Minute

	// atOnce is how many requests there may be at a time: as many as a message may have files.
	atOnce = chat.MaxAttachments
	// connsMax is how many connections a process may have that serves many requests.
	connsMax = 50

	// retryAfter is what a caller is told to wait if the store does not answer.
	retryAfter = 2 * time.Second

	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyPayload    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // the SHA-256 of nothing
)

// Store is chat's [chat.Files]: one bucket of an object store. It is safe for concurrent use, and connects to nothing until
// it asks something.
type Store struct {
	enabled     bool
	maxBytes    int64
	bucket      url.URL // the bucket's address
	region      string
	credentials aws.Credentials
	signer      *v4.Signer
	client      *http.Client
	log         *slog.Logger
	observe     func(context.Context, time.Duration)
	now         func() time.Time
}

var _ chat.Files = (*Store)(nil)

// New makes a Store. With options that have faults, or none, it is not enabled.
func New(o Options) *Store {
	s := &Store{log: cmp.Or(o.Log, slog.Default()), observe: o.Observe, now: time.Now}
	if !o.IsSet() || len(o.Faults()) > 0 {
		return s
	}
	if s.observe == nil {
		s.observe = func(context.Context, time.Duration) {}
	}
	endpoint, _ := url.Parse(o.Endpoint) // it has no faults
	s.enabled, s.maxBytes, s.region = true, o.MaxBytes, o.Region
	s.bucket = url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host, Path: strings.TrimRight(endpoint.Path, "/") + "/" + o.Bucket}
	s.credentials = aws.Credentials{AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey}
	s.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3's paths are escaped once
	s.client = outgoing.NewClient(endpoint.Scheme, connsMax, atOnce)
	return s
}

// Enabled implements [chat.Files].
func (s *Store) Enabled() bool { return s.enabled }

// MaxBytes implements [chat.Files].
func (s *Store) MaxBytes() int64 { return s.maxBytes }

// address is where an object is.
func (s *Store) address(key string) *url.URL {
	u := s.bucket
	u.Path += "/" + key
	return &u
}

// Upload implements [chat.Files]. The length, the media type and If-None-Match are signed: the store refuses another file,
// and a second one.
func (s *Store) Upload(file chat.StoredFile) (chat.Upload, error) {
	headers := map[string]string{"Content-Type": file.MediaType, "If-None-Match": "*"}
	r := &http.Request{Method: http.MethodPut, URL: s.address(file.Key), Header: http.Header{}, ContentLength: file.Size}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	signed, expiresAt, err := s.sign(r, uploadLifetime)
	if err != nil {
		return chat.Upload{}, err
	}
	return chat.Upload{URL: signed, Method: r.Method, Headers: headers, ExpiresAt: expiresAt}, nil
}

// Download implements [chat.Files]. What the store says about the file is not what its sender said: see [shownAs].
func (s *Store) Download(file chat.StoredFile) (chat.Link, error) {
	u := s.address(file.Key)
	mediaType, disposition := shownAs(file)
	u.RawQuery = url.Values{"response-content-type": {mediaType}, "response-content-disposition": {disposition}}.Encode()
	signed, expiresAt, err := s.sign(&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}, downloadLifetime)
	return chat.Link{URL: signed, ExpiresAt: expiresAt}, err
}

// sign makes the address with which a request can be made until the time that it returns.
func (s *Store) sign(r *http.Request, lifetime time.Duration) (address string, expiresAt chat.Time, err error) {
	now := s.now().Truncate(time.Second) // as it is signed
	query := r.URL.Query()
	query.Set("X-Amz-Expires", strconv.Itoa(int(lifetime.Seconds())))
	r.URL.RawQuery = query.Encode()
	address, _, err = s.signer.PresignHTTP(context.Background(), s.credentials, r, unsignedPayload, "s3", s.region, now)
	if err != nil {
		return "", chat.Time{}, chat.Defect(errors.New("files: an address cannot be signed"))
	}
	return address, chat.At(now.Add(lifetime)), nil
}

// Sizes implements [chat.Files], with a HEAD for each object.
func (s *Store) Sizes(ctx context.Context, keys []string) ([]*int64, error) {
	defer s.observed(ctx)()
	sizes, failures := make([]*int64, len(keys)), make([]error, len(keys))
	each(keys, func(i int, key string) { sizes[i], failures[i] = s.size(ctx, key) })
	for _, err := range failures {
		if err != nil {
			return nil, (&chat.Error{
				Kind:       chat.Unavailable,
				Detail:     "The object store does not answer. Nothing was stored; try again.",
				RetryAfter: retryAfter,
			}).Because(fmt.Errorf("files: %w", err))
		}
	}
	return sizes, nil
}

// size is nil for an object that is not there.
func (s *Store) size(ctx context.Context, key string) (*int64, error) {
	answer, err := s.ask(ctx, http.MethodHead, key)
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusNotFound:
		return nil, nil
	// An object has an ETag. A page that somebody serves in the store's place has none.
	case answer.StatusCode == http.StatusOK && answer.Header.Get("ETag") != "" && answer.ContentLength >= 0:
		return &answer.ContentLength, nil
	default:
		return nil, errors.New(class(answer.StatusCode, nil))
	}
}

// Delete implements [chat.Files].
func (s *Store) Delete(ctx context.Context, keys []string) (gone []string) {
	defer s.observed(ctx)()
	isGone := make([]bool, len(keys))
	var failure error
	var mu sync.Mutex
	each(keys, func(i int, key string) {
		answer, err := s.ask(ctx, http.MethodDelete, key)
		if err == nil && answer.StatusCode != http.StatusNoContent && answer.StatusCode != http.StatusNotFound {
			err = errors.New(class(answer.StatusCode, nil))
		}
		isGone[i] = err == nil
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failure = err
		}
	})
	for i, key := range keys {
		if isGone[i] {
			gone = append(gone, key)
		}
	}
	if failure != nil {
		s.log.WarnContext(ctx, "the object store did not delete what it was asked to", "class", failure.Error(), "files", len(keys)-len(gone))
	}
	return gone
}

// ask makes one request about an object. The error is one word, which may be logged: that of net/http holds the address.
func (s *Store) ask(ctx context.Context, method, key string) (*http.Response, error) {
	r := (&http.Request{Method: method, URL: s.address(key), Header: http.Header{}}).WithContext(ctx)
	r.Header.Set("X-Amz-Content-Sha256", emptyPayload)
	r.Header.Set("User-Agent", "devinbox")
	if err := s.signer.SignHTTP(ctx, s.credentials, r, emptyPayload, "s3", s.region, time.Now()); err != nil {
		return nil, errors.New("unsigned")
	}
	return s.do(r)
}

func (s *Store) do(r *http.Request) (*http.Response, error) {
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, errors.New(class(0, err))
	}
	answer.Body.Close() // an answer is its status and its headers
	return answer, nil
}

// observed begins to measure a wait, and returns what ends that.
func (s *Store) observed(ctx context.Context) func() {
	begun := time.Now()
	return func() { s.observe(ctx, time.Since(begun)) }
}

// each calls do for each key, for several at once.
func each(keys []string, do func(i int, key string)) {
	var running sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i, key := range keys {
		turns <- struct{}{}
		running.Go(func() {
			do(i, key)
			<-turns
		})
	}
	running.Wait()
}

// class is one word for what went wrong, which may be logged.
func class(status int, err error) string {
	switch {
	case status/100 == 2:
		return "foreign" // somebody answers in the store's place
	case status/100 == 3:
		return "redirect"
	case status == http.StatusForbidden:
		return "forbidden" // the key pair, the clock, or no right to list the bucket, without which S3 hides what is missing
	case status != 0:
		return strconv.Itoa(status/100) + "xx"
	default:
		return outgoing.Class(err)
	}
}
