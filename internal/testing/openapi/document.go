// Package openapi checks the functions against public/openapi.yaml: a middleware for tests compares their requests
// and answers with the document, and records which documented answers were seen.
package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// File is the path of the document from the root of the project.
const File = "public/openapi.yaml"

// Document is the description of the functions. It is safe for concurrent use.
type Document struct {
	root  map[string]any // as in the file, but with every object closed
	paths map[string]any

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	seen     map[Answer]bool
}

// Answer is one status that an operation can answer with.
type Answer struct {
	Method string // in upper case
	Path   string
	Status string // of three digits
}

// String returns the answer in the form "POST /api/messages/send 201".
func (a Answer) String() string { return a.Method + " " + a.Path + " " + a.Status }

// Load reads the document of the project in which the test runs. If it cannot be read, the test ends.
func Load(t testing.TB) *Document {
	t.Helper()
	name, err := find(File)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", File, err)
	}
	return d
}

// find looks for a file in the folder of the test and in its parents.
func find(name string) (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		found := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Stat(found); !errors.Is(err, fs.ErrNotExist) {
			return found, err
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		folder = above
	}
}

func parse(text []byte) (*Document, error) {
	root, err := decode(text)
	if err != nil {
		return nil, err
	}
	paths, _ := root["paths"].(map[string]any)
	if len(paths) == 0 {
		return nil, errors.New("it has no paths")
	}
	closeObjects(root)
	d := &Document{root: root, paths: paths, compiler: newCompiler(), seen: map[Answer]bool{}}
	return d, d.compiler.AddResource(resource, root)
}

// decode reads YAML into the values that the same content in JSON would give.
func decode(text []byte) (map[string]any, error) {
	var plain any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	tree, err := jsonschema.UnmarshalJSON(strings.NewReader(string(encoded)))
	if err != nil {
		return nil, err
	}
	root, _ := tree.(map[string]any)
	return root, nil
}

// Unseen returns the documented answers that no [Document.Handler] of this document has seen yet, sorted.
func (d *Document) Unseen() []Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	var unseen []Answer
	for path := range d.paths {
		for _, method := range d.methods(path) {
			for status := range d.object(operation(path, method).child("responses")) {
				if answer := (Answer{method, path, status}); !d.seen[answer] {
					unseen = append(unseen, answer)
				}
			}
		}
	}
	slices.SortFunc(unseen, func(a, b Answer) int { return strings.Compare(a.String(), b.String()) })
	return unseen
}

// CheckFunctions requires that the document describes exactly these functions, by path, with exactly the methods
// that each of them lists in its answer to OPTIONS.
func (d *Document) CheckFunctions(t testing.TB, functions map[string]http.HandlerFunc) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(d.paths)) {
		if functions[path] == nil {
			t.Errorf("%s is documented, and no function is there", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(functions)) {
		if d.paths[path] == nil {
			t.Errorf("%s is a function and not documented", path)
			continue
		}
		for _, fault := range d.checkOptions(path, functions[path]) {
			t.Errorf("OPTIONS %s: %s", path, fault)
		}
	}
}

// methods returns the documented methods of a path, sorted.
func (d *Document) methods(path string) []string {
	var methods []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if d.object(operation(path, method)) != nil {
			methods = append(methods, method)
		}
	}
	return methods
}

// pointer is a JSON pointer (RFC 6901) into the document.
type pointer string

// escape and unescape turn a name into its form in a pointer, and back.
var escape, unescape = strings.NewReplacer("~", "~0", "/", "~1"), strings.NewReplacer("~1", "/", "~0", "~")

// child returns the pointer to a member.
func (p pointer) child(names ...string) pointer {
	for _, name := range names {
		p += pointer("/" + escape.Replace(name))
	}
	return p
}

func operation(path, method string) pointer {
	return pointer("").child("paths", path, strings.ToLower(method))
}

// resolve follows references until there is none.
func (d *Document) resolve(p pointer) pointer {
	for {
		ref, found := d.at(p)["$ref"].(string)
		if !found {
			return p
		}
		p = pointer(strings.TrimPrefix(ref, "#"))
	}
}

// object returns the object at a pointer, after any references; nil if there is none.
func (d *Document) object(p pointer) map[string]any { return d.at(d.resolve(p)) }

// at returns the object at a pointer; nil if there is none.
func (d *Document) at(p pointer) map[string]any {
	object, _ := d.value(p).(map[string]any)
	return object
}

// value returns the value at a pointer; nil if there is none.
func (d *Document) value(p pointer) any {
	var at any = d.root
	for name := range strings.SplitSeq(strings.TrimPrefix(string(p), "/"), "/") {
		switch in := at.(type) {
		case map[string]any:
			at = in[unescape.Replace(name)]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			at = in[i]
		default:
			return nil
		}
	}
	return at
}
