package objectstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	amzTime         = "20060102T150405Z"
	service         = "s3"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	skewLimit       = 15 * time.Minute
	longestLife     = 7 * 24 * time.Hour
)

func denied(message string) *fault { return &fault{http.StatusForbidden, "AccessDenied", message} }

var errSignature = &fault{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."}

// verifier checks signatures by making them again: the same request, signed with the same key by the library that
// clients sign with, must have the same signature.
type verifier struct {
	region      string
	credentials aws.Credentials
	signer      *v4.Signer
}

func newVerifier(o Options) *verifier {
	return &verifier{o.Region, aws.Credentials{AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey},
		v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = true // as S3 wants it
			o.DisableHeaderHoisting = true  // each part stays where the request has it
		})}
}

// claim is what a request says of its signature.
type claim struct {
	credential string
	headers    string
	signature  string
	at         string
}

// verify finds fault with a request that the holder of the key has not signed for this moment.
func (v *verifier) verify(r *http.Request, now time.Time) *fault {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &fault{http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI."}
	}
	inQuery, inHeader := query.Has("X-Amz-Signature") || query.Has("X-Amz-Algorithm"), r.Header.Get("Authorization") != ""
	switch {
	case inQuery && inHeader:
		return &fault{http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"}
	case inQuery:
		return v.inQuery(r, query, now)
	case inHeader:
		return v.inHeader(r, now)
	default:
		return denied("Access Denied")
	}
}

// inQuery checks a presigned URL.
func (v *verifier) inQuery(r *http.Request, query url.Values, now time.Time) *fault {
	malformed := func(message string) *fault {
		return &fault{http.StatusBadRequest, "AuthorizationQueryParametersError", message}
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(query[name]) != 1 {
			return malformed("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	if query.Get("X-Amz-Algorithm") != algorithm {
		return malformed(`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`)
	}
	c := claim{query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"), query.Get("X-Amz-Date")}
	at, f := v.scope(c, malformed)
	if f != nil {
		return f
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if life := time.Duration(seconds) * time.Second; err != nil || life < 0 || life > longestLife {
		return malformed("X-Amz-Expires must be a number of seconds, and not more than a week (604800)")
	} else if now.Before(at.Add(-skewLimit)) {
		return denied("Request is not yet valid")
	} else if now.After(at.Add(life)) {
		return denied("Request has expired")
	}
	again, f := again(r, c)
	if f != nil {
		return f
	}
	for _, name := range []string{"X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Algorithm"} {
		query.Del(name)
	}
	again.URL.RawQuery = query.Encode()
	signed, _, err := v.signer.PresignHTTP(r.Context(), v.credentials, again, unsignedPayload, service, v.region, at)
	if err != nil {
		return errSignature
	}
	u, err := url.Parse(signed)
	if err != nil {
		return errSignature
	}
	return same(c, u.Query().Get("X-Amz-SignedHeaders"), u.Query().Get("X-Amz-Signature"))
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([^, ]+), ?Signature=([^, ]+)$`)

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// inHeader checks an Authorization header.
func (v *verifier) inHeader(r *http.Request, now time.Time) *fault {
	malformed := func(message string) *fault {
		return &fault{http.StatusBadRequest, "AuthorizationHeaderMalformed", message}
	}
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		return malformed("The authorization header that you provided is not valid.")
	}
	c := claim{parts[1], parts[2], parts[3], r.Header.Get("X-Amz-Date")}
	at, f := v.scope(c, malformed)
	if f != nil {
		return f
	}
	if now.Sub(at).Abs() > skewLimit {
		return &fault{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."}
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case payload == "":
		return &fault{http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"}
	case sha256Hex.MatchString(payload):
		want, _ := hex.DecodeString(payload) // it is hex
		mismatch := &fault{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."}
		r.Body = io.NopCloser(&digested{r.Body, want, sha256.New(), mismatch})
	case payload != unsignedPayload:
		return errNotImplemented
	}
	again, f := again(r, c)
	if f != nil {
		return f
	}
	if err := v.signer.SignHTTP(context.WithoutCancel(r.Context()), v.credentials, again, payload, service, v.region, at); err != nil {
		return errSignature
	}
	parts = authorization.FindStringSubmatch(again.Header.Get("Authorization"))
	if parts == nil {
		return errSignature
	}
	return same(c, parts[2], parts[3])
}

// scope checks whose signature it claims to be, and from when.
func (v *verifier) scope(c claim, malformed func(string) *fault) (time.Time, *fault) {
	parts := strings.Split(c.credential, "/")
	if len(parts) != 5 || parts[3] != service || parts[4] != "aws4_request" {
		return time.Time{}, malformed("The credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/s3/aws4_request\".")
	}
	at, err := time.Parse(amzTime, c.at)
	switch {
	case parts[0] != v.credentials.AccessKeyID:
		return at, &fault{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
	case err != nil:
		return at, malformed("The date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	case parts[1] != at.Format("20060102"):
		return at, malformed("The date of the credential is not that of the request.")
	case parts[2] != v.region:
		return at, malformed("The region is wrong; expecting '" + v.region + "'")
	}
	return at, nil
}

// again returns the part of a request that a claim says is signed, to be signed again.
func again(r *http.Request, c claim) (*http.Request, *fault) {
	names := strings.Split(c.headers, ";")
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(names, lower) {
			return nil, denied("There were headers present in the request which were not signed")
		}
	}
	u := *r.URL
	u.Host = r.Host
	signed := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	for _, name := range names {
		switch key := http.CanonicalHeaderKey(name); key {
		case "Host":
		case "Content-Length":
			signed.ContentLength = r.ContentLength // from which the signer takes it
		default:
			if values, is := r.Header[key]; is {
				signed.Header[key] = slices.Clone(values)
			}
		}
	}
	return signed, nil
}

// same compares in constant time. The headers must be the same too: the signer never leaves out Host.
func same(c claim, headers, signature string) *fault {
	if subtle.ConstantTimeCompare([]byte(c.headers+"\n"+c.signature), []byte(headers+"\n"+signature)) != 1 {
		return errSignature
	}
	return nil
}

// digested is a body that must have a digest. If it has another, reading it ends in fault.
type digested struct {
	io.Reader
	want  []byte
	hash  hash.Hash
	fault *fault
}

func (d *digested) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	d.hash.Write(p[:n])
	if err == io.EOF && !bytes.Equal(d.hash.Sum(nil), d.want) {
		err = d.fault
	}
	return n, err
}
