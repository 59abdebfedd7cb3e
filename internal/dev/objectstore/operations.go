package objectstore

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// longestKey is how many bytes a key may have.
const longestKey = 1024

var (
	errNotImplemented = &fault{http.StatusNotImplemented, "NotImplemented", "This store for development does not have what you ask for."}
	errIncomplete     = &fault{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header."}
)

// overrides are the query parameters by which a GET asks for other headers.
var overrides = map[string]string{
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-content-type":        "Content-Type",
	"response-expires":             "Expires",
}

// operate answers a request whose signature is good.
func (s *Server) operate(w http.ResponseWriter, r *http.Request) error {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if !served(r, key, query) {
		return errNotImplemented
	}
	switch {
	case bucket != s.options.Bucket:
		return &fault{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	case len(key) > longestKey:
		return &fault{http.StatusBadRequest, "KeyTooLongError", "Your key is too long"}
	case key == "" && r.Method == http.MethodHead:
		return nil
	case key == "":
		return s.list(w, query)
	case r.Method == http.MethodPut:
		return s.put(w, r, key)
	case r.Method == http.MethodDelete:
		if err := s.files.remove(key); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		return s.get(w, r, key, query)
	}
}

// served tells whether a request asks for what this store has: what it does not know would change the meaning. A GET of
// an object's tags is none of the object.
func served(r *http.Request, key string, query url.Values) bool {
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete}
	if key == "" {
		methods = methods[:2]
	}
	if !slices.Contains(methods, r.Method) || key == "" && r.Method == http.MethodGet && query.Get("list-type") != "2" {
		return false
	}
	for name := range query {
		_, override := overrides[name]
		lists := key == "" && slices.Contains([]string{"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after"}, name)
		if !override && !lists && !strings.HasPrefix(name, "X-Amz-") && name != "x-id" {
			return false
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") && name != "X-Amz-Date" && name != "X-Amz-Content-Sha256" && name != "X-Amz-User-Agent" {
			return false
		}
	}
	return true
}

// put is PutObject.
func (s *Server) put(w http.ResponseWriter, r *http.Request, key string) error {
	once := r.Header.Get("If-None-Match")
	switch {
	case r.ContentLength < 0:
		return &fault{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	case r.Header.Get("If-Match") != "" || once != "" && once != "*":
		return errNotImplemented
	}
	body := io.Reader(r.Body)
	if given := r.Header.Get("Content-MD5"); given != "" {
		want, err := base64.StdEncoding.DecodeString(given)
		if err != nil || len(want) != md5.Size {
			return &fault{http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified is not valid."}
		}
		body = &digested{body, want, md5.New(), &fault{http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received."}}
	}
	meta := map[string]string{}
	for name, values := range r.Header {
		switch {
		case strings.HasPrefix(name, "X-Amz-Meta-"), slices.Contains([]string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}, name):
			meta[name] = strings.Join(values, ",")
		}
	}
	meta["Content-Type"] = cmp.Or(meta["Content-Type"], "binary/octet-stream") // S3's own default
	stored, err := s.files.put(about{Key: key, Size: r.ContentLength, Meta: meta}, body, once == "*")
	if errors.Is(err, errExists) {
		return &fault{http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
	} else if err != nil {
		return err
	}
	w.Header().Set("ETag", stored.etag())
	return nil
}

func (a about) etag() string { return `"` + hex.EncodeToString(a.MD5) + `"` }

// get is GetObject and HeadObject.
func (s *Server) get(w http.ResponseWriter, r *http.Request, key string, query url.Values) error {
	file, a, err := s.files.get(key)
	if errors.Is(err, fs.ErrNotExist) {
		return &fault{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	} else if err != nil {
		return err
	}
	defer file.Close()
	for name, value := range a.Meta {
		w.Header().Set(name, value)
	}
	for parameter, name := range overrides {
		if value := query.Get(parameter); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("ETag", a.etag())
	if strings.Contains(r.Header.Get("Range"), ",") { // S3 serves no more than one range
		return errNotImplemented
	}
	http.ServeContent(w, r, "", a.Time, io.NewSectionReader(file, 0, a.Size))
	return nil
}

// listing is the answer of ListObjectsV2.
type listing struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	Contents              []listed
	CommonPrefixes        []struct{ Prefix string }
}

type listed struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

// mostKeys is how many keys a page has at most.
const mostKeys = 1000

// list is ListObjectsV2. Its token is the key, or the common prefix, that a page ended with.
func (s *Server) list(w http.ResponseWriter, query url.Values) error {
	answer := listing{
		Name: s.options.Bucket, Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), MaxKeys: mostKeys,
		StartAfter: query.Get("start-after"), ContinuationToken: query.Get("continuation-token"),
	}
	invalid := func(name string) error {
		return &fault{http.StatusBadRequest, "InvalidArgument", "The argument " + name + " is invalid"}
	}
	if query.Has("max-keys") {
		n, err := strconv.Atoi(query.Get("max-keys"))
		if err != nil || n < 0 {
			return invalid("max-keys")
		}
		answer.MaxKeys = min(n, mostKeys)
	}
	after := answer.StartAfter
	if query.Has("continuation-token") {
		token, err := base64.URLEncoding.DecodeString(answer.ContinuationToken)
		if err != nil || len(token) == 0 {
			return invalid("continuation-token")
		}
		after = string(token)
	}
	all, err := s.files.all(answer.Prefix)
	if err != nil {
		return err
	}
	last := ""
	for _, a := range all {
		name, group := a.Key, false
		if i := strings.Index(a.Key[len(answer.Prefix):], answer.Delimiter); answer.Delimiter != "" && i >= 0 {
			name, group = a.Key[:len(answer.Prefix)+i+len(answer.Delimiter)], true
		}
		if name <= after || group && name == last {
			continue
		}
		if answer.KeyCount == answer.MaxKeys {
			answer.IsTruncated = answer.MaxKeys > 0
			break
		}
		answer.KeyCount++
		if last = name; group {
			answer.CommonPrefixes = append(answer.CommonPrefixes, struct{ Prefix string }{name})
			continue
		}
		answer.Contents = append(answer.Contents, listed{a.Key, a.Time.Format("2006-01-02T15:04:05.000Z"), a.etag(), a.Size, "STANDARD"})
	}
	if answer.IsTruncated {
		answer.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
	}
	writeXML(w, http.StatusOK, answer)
	return nil
}
