package objectstore

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/johannesboyne/gofakes3"

	"devinbox/internal/dev/folder"
)

// files keep the objects of the one bucket, for the library. Below the folder they are
//
//	objects/XX/…   one file an object, by the SHA-256 of its key in hex, and XX are its first two digits
//	uploads/…      bodies that are on their way, and what a killed process left of them
//	keys.json      the key pair, if none is given
//
// An object's file holds the body, then its [about] as JSON, then the length of that. It is written as an upload, and
// then renamed or linked: what is there is whole.
type files struct {
	dir    string
	bucket string
	match  sync.Mutex // makes an If-Match and the write after it one step
}

var _ gofakes3.Backend = (*files)(nil)

// about is what is known of an object beside its body.
type about struct {
	Key  string
	Size int64
	MD5  []byte
	Time time.Time
	Meta map[string]string // headers that a GET answers with
}

// abandoned is the age at which an upload is nobody's: an upload's URL is good for minutes.
const abandoned = 24 * time.Hour

func open(dir, bucket string) (*files, error) {
	if err := gofakes3.ValidateBucketName(bucket); err != nil {
		return nil, fmt.Errorf("the bucket's name: %w", err)
	}
	f := &files{dir: dir, bucket: bucket}
	for _, each := range []string{dir, f.objects(), f.uploads()} {
		if err := folder.Make(each); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(f.uploads())
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			os.Remove(filepath.Join(f.uploads(), entry.Name()))
		}
	}
	return f, nil
}

func (f *files) objects() string { return filepath.Join(f.dir, "objects") }
func (f *files) uploads() string { return filepath.Join(f.dir, "uploads") }

func (f *files) path(key string) string {
	digest := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(digest[:])
	return filepath.Join(f.objects(), name[:2], name)
}

// keyPair returns the key pair that is kept in a folder, and makes one if there is none.
func keyPair(dir string) (id, secret string, err error) {
	type pair struct{ AccessKeyID, SecretAccessKey string }
	file := filepath.Join(dir, "keys.json")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = json.Marshal(pair{"devinbox" + rand.Text()[:12], rand.Text() + rand.Text()}); err != nil {
			return "", "", err
		}
		temporary, err := os.CreateTemp(dir, "keys") // readable by its owner only
		if err != nil {
			return "", "", err
		}
		defer os.Remove(temporary.Name())
		_, err = temporary.Write(text)
		if err := errors.Join(err, temporary.Close(), folder.Give(temporary.Name())); err != nil {
			return "", "", err
		}
		// A link fails if another process was faster: so all use the same pair.
		if err := os.Link(temporary.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", "", err
		}
		text, err = os.ReadFile(file)
		if err != nil {
			return "", "", err
		}
	} else if err != nil {
		return "", "", err
	}
	var kept pair
	if err := json.Unmarshal(text, &kept); err != nil || kept.AccessKeyID == "" || kept.SecretAccessKey == "" {
		return "", "", fmt.Errorf("the file %s holds no key pair: remove it, and another is made", file)
	}
	return kept.AccessKeyID, kept.SecretAccessKey, nil
}

// read opens an object's file, positioned at the body.
// Errors: [fs.ErrNotExist].
func read(path string) (*os.File, about, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, about{}, err
	}
	a, err := readAbout(file)
	if err != nil {
		file.Close()
		return nil, about{}, fmt.Errorf("%s is no object: %w", path, err)
	}
	return file, a, nil
}

func readAbout(file *os.File) (a about, err error) {
	info, err := file.Stat()
	if err != nil {
		return a, err
	}
	var length [8]byte
	if _, err := file.ReadAt(length[:], info.Size()-8); err != nil {
		return a, err
	}
	n := int64(binary.BigEndian.Uint64(length[:]))
	if n < 0 || n > info.Size()-8 {
		return a, errors.New("it is cut off")
	}
	text := make([]byte, n)
	if _, err := file.ReadAt(text, info.Size()-8-n); err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, err
	}
	if a.Size != info.Size()-8-n {
		return a, errors.New("it is cut off")
	}
	return a, nil
}

// PutObject stores a body, or nothing of it.
func (f *files) PutObject(bucket, key string, meta map[string]string, body io.Reader, size int64, conditions *gofakes3.PutConditions) (stored gofakes3.PutObjectResult, err error) {
	if bucket != f.bucket {
		return stored, gofakes3.BucketNotFound(bucket)
	}
	upload, err := os.CreateTemp(f.uploads(), "")
	if err != nil {
		return stored, err
	}
	defer os.Remove(upload.Name())
	defer upload.Close()
	sum := md5.New()
	// All of the body is read before any condition is looked at: a client that is still sending might not read the answer.
	n, err := io.Copy(io.MultiWriter(upload, sum), body)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && n != size {
		return stored, gofakes3.ErrIncompleteBody
	} else if err != nil {
		return stored, err
	}
	text, err := json.Marshal(about{key, n, sum.Sum(nil), time.Now().UTC(), headers(meta)})
	if err != nil {
		return stored, err
	}
	_, err = upload.Write(binary.BigEndian.AppendUint64(text, uint64(len(text))))
	if err := errors.Join(err, upload.Sync(), upload.Close(), folder.Give(upload.Name())); err != nil {
		return stored, err
	}
	return stored, f.place(upload.Name(), key, conditions)
}

// place makes a whole upload an object.
func (f *files) place(upload, key string, conditions *gofakes3.PutConditions) error {
	path := f.path(key)
	if err := folder.Make(filepath.Dir(path)); err != nil {
		return err
	}
	switch {
	case conditions == nil:
		return os.Rename(upload, path)
	case conditions.IfNoneMatch != nil:
		if *conditions.IfNoneMatch != "*" || conditions.IfMatch != nil {
			return gofakes3.ErrNotImplemented
		}
		if err := os.Link(upload, path); errors.Is(err, fs.ErrExist) {
			return gofakes3.ErrPreconditionFailed
		} else {
			return err
		}
	default:
		f.match.Lock()
		defer f.match.Unlock()
		file, there, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			return gofakes3.KeyNotFound(key)
		} else if err != nil {
			return err
		}
		file.Close()
		if err := gofakes3.CheckPutConditions(conditions, &gofakes3.ConditionalObjectInfo{Exists: true, Hash: there.MD5}); err != nil {
			return err
		}
		return os.Rename(upload, path)
	}
}

// headers are those of a PUT that a GET answers with. The library also has the request's own signature among them.
func headers(meta map[string]string) map[string]string {
	kept := map[string]string{"Content-Type": "binary/octet-stream"} // S3's own default
	for name, value := range meta {
		if name == "Content-Type" || name == "Content-Disposition" || name == "Content-Encoding" || strings.HasPrefix(name, "X-Amz-Meta-") {
			kept[name] = value
		}
	}
	return kept
}

// object finds an object. Its file is the caller's to close.
func (f *files) object(bucket, key string) (*os.File, *gofakes3.Object, error) {
	if bucket != f.bucket {
		return nil, nil, gofakes3.BucketNotFound(bucket)
	}
	file, a, err := read(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, gofakes3.KeyNotFound(key)
	} else if err != nil {
		return nil, nil, err
	}
	a.Meta["Last-Modified"] = a.Time.Format(http.TimeFormat)
	return file, &gofakes3.Object{Name: key, Metadata: a.Meta, Size: a.Size, Hash: a.MD5}, nil
}

// GetObject opens an object.
func (f *files) GetObject(bucket, key string, asked *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	file, object, err := f.object(bucket, key)
	if err != nil {
		return nil, err
	}
	if object.Range, err = asked.Range(object.Size); err != nil {
		file.Close()
		return nil, err
	}
	part := io.NewSectionReader(file, 0, object.Size)
	if object.Range != nil {
		part = io.NewSectionReader(file, object.Range.Start, object.Range.Length)
	}
	object.Contents = struct {
		io.Reader
		io.Closer
	}{part, file}
	return object, nil
}

// HeadObject tells of an object.
func (f *files) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	file, object, err := f.object(bucket, key)
	if err != nil {
		return nil, err
	}
	file.Close()
	object.Contents = io.NopCloser(bytes.NewReader(nil))
	return object, nil
}

// DeleteObject deletes an object. It is no error if there is none.
func (f *files) DeleteObject(bucket, key string) (deleted gofakes3.ObjectDeleteResult, err error) {
	if bucket != f.bucket {
		return deleted, gofakes3.BucketNotFound(bucket)
	}
	if err := os.Remove(f.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return deleted, err
	}
	return deleted, nil
}

// ListBucket lists the objects in the order of their keys' bytes.
func (f *files) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	if bucket != f.bucket {
		return nil, gofakes3.BucketNotFound(bucket)
	}
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	var all []about
	err := filepath.WalkDir(f.objects(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, a, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		} else if err != nil {
			return err
		}
		all = append(all, a)
		return file.Close()
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b about) int { return cmp.Compare(a.Key, b.Key) })
	list := gofakes3.NewObjectList()
	listed, last, group := int64(0), "", ""
	for _, a := range all {
		var match gofakes3.PrefixMatch
		if page.HasMarker && a.Key <= page.Marker || !prefix.Match(a.Key, &match) {
			continue
		}
		if match.CommonPrefix && group == match.MatchedPart {
			last = a.Key // a marker leads past all of a group
			continue
		}
		if page.MaxKeys > 0 && listed == page.MaxKeys {
			list.IsTruncated, list.NextMarker = true, last
			break
		}
		listed, last, group = listed+1, a.Key, ""
		if match.CommonPrefix {
			group = match.MatchedPart
			list.AddPrefix(group)
			continue
		}
		list.Add(&gofakes3.Content{Key: a.Key, LastModified: gofakes3.NewContentTime(a.Time), ETag: gofakes3.FormatETag(a.MD5), Size: a.Size, StorageClass: "STANDARD"})
	}
	return list, nil
}

// BucketExists tells of the one bucket.
func (f *files) BucketExists(bucket string) (bool, error) { return bucket == f.bucket, nil }

// The library asks for the rest of its interface for operations that the server does not pass on to it.

func (f *files) ListBuckets() ([]gofakes3.BucketInfo, error) { return nil, gofakes3.ErrNotImplemented }
func (f *files) CreateBucket(string) error                   { return gofakes3.ErrNotImplemented }
func (f *files) DeleteBucket(string) error                   { return gofakes3.ErrNotImplemented }
func (f *files) ForceDeleteBucket(string) error              { return gofakes3.ErrNotImplemented }
func (f *files) DeleteMulti(string, ...string) (gofakes3.MultiDeleteResult, error) {
	return gofakes3.MultiDeleteResult{}, gofakes3.ErrNotImplemented
}
func (f *files) CopyObject(string, string, string, string, map[string]string) (gofakes3.CopyObjectResult, error) {
	return gofakes3.CopyObjectResult{}, gofakes3.ErrNotImplemented
}
