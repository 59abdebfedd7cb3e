package objectstore

import (
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
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"devinbox/internal/dev/folder"
)

// files are the objects, in a folder:
//
//	objects/XX/…   one file an object, by the SHA-256 of its key in hex, and XX are its first two digits
//	uploads/…      bodies that are on their way, and what a killed process left of them
//	keys.json      the key pair, if none is given
//
// An object's file holds the body, then its [about] as JSON, then the length of that. It is written as an upload, and
// then renamed or linked: what is there is whole.
type files struct{ dir string }

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

func open(dir string) (*files, error) {
	f := &files{dir}
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

// errExists is the error of an object that is there though there should be none.
var errExists = errors.New("the object exists")

// put stores a body of a size, or nothing of it. With once, only if there is no object yet.
// Errors: [errExists]; [errIncomplete] if the body ends early; that of reading the body.
func (f *files) put(a about, body io.Reader, once bool) (about, error) {
	upload, err := os.CreateTemp(f.uploads(), "")
	if err != nil {
		return a, err
	}
	defer os.Remove(upload.Name())
	defer upload.Close()
	sum := md5.New()
	// All of the body is read before anything else is looked at: a client that is still sending might not read an answer.
	n, err := io.Copy(io.MultiWriter(upload, sum), body)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && n != a.Size {
		return a, errIncomplete
	} else if err != nil {
		return a, err
	}
	a.MD5, a.Time = sum.Sum(nil), time.Now().UTC()
	text, err := json.Marshal(a)
	if err != nil {
		return a, err
	}
	path := f.path(a.Key)
	_, err = upload.Write(binary.BigEndian.AppendUint64(text, uint64(len(text))))
	if err := errors.Join(err, upload.Sync(), upload.Close(), folder.Give(upload.Name()), folder.Make(filepath.Dir(path))); err != nil {
		return a, err
	}
	if !once {
		return a, os.Rename(upload.Name(), path)
	}
	if err := os.Link(upload.Name(), path); errors.Is(err, fs.ErrExist) { // of several at once, one gets to link
		return a, errExists
	} else {
		return a, err
	}
}

// get opens an object: its body is the first bytes of the file.
// Errors: [fs.ErrNotExist].
func (f *files) get(key string) (*os.File, about, error) { return read(f.path(key)) }

// remove removes an object. It is no error if there is none.
func (f *files) remove(key string) error {
	if err := os.Remove(f.path(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// all returns the objects whose keys begin with a prefix, in the order of their keys' bytes.
func (f *files) all(prefix string) ([]about, error) {
	var found []about
	err := filepath.WalkDir(f.objects(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, a, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		} else if err != nil {
			return err
		}
		if strings.HasPrefix(a.Key, prefix) {
			found = append(found, a)
		}
		return file.Close()
	})
	slices.SortFunc(found, func(a, b about) int { return cmp.Compare(a.Key, b.Key) })
	return found, err
}
