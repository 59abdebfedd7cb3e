package openapi

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// text is the document as it is in the file.
func text(t *testing.T) []byte {
	t.Helper()
	name, err := find(File)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheDocumentIsValidOpenAPIAndItsReferencesResolve(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(text(t))
	if err != nil {
		t.Fatal(err)
	}
	if document.OpenAPIMajorMinor() != "3.1" {
		t.Errorf("it says that it is OpenAPI %s", document.OpenAPI)
	}
	if err := document.Validate(t.Context(), openapi3.EnableMultiError()); err != nil {
		t.Error(err)
	}
}

// walk visits every object of the document, with the pointer to it.
func walk(node any, at pointer, visit func(pointer, map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		visit(at, node)
		for name, child := range node {
			walk(child, at.child(name), visit)
		}
	case []any:
		for i, child := range node {
			walk(child, at.child(strconv.Itoa(i)), visit)
		}
	}
}

func TestEveryExampleIsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	d := Load(t)
	checked := 0
	check := func(at pointer, schema pointer, example any) {
		checked++
		if fault := d.checkValue(schema, example); fault != "" {
			t.Errorf("the example at %s: %s", at, fault)
		}
	}
	walk(d.root, "", func(at pointer, node map[string]any) {
		if node["schema"] != nil { // a parameter, a header or a media type
			if example, given := node["example"]; given {
				check(at, at.child("schema"), example)
			}
			for name, example := range d.at(at.child("examples")) {
				check(at.child("examples", name), at.child("schema"), example.(map[string]any)["value"])
			}
		} else if examples, is := node["examples"].([]any); is { // a schema
			for _, example := range examples {
				check(at, at, example)
			}
		}
	})
	if checked < 50 {
		t.Errorf("%d examples were found", checked)
	}
}

func TestEverySchemaCompiles(t *testing.T) {
	t.Parallel()
	d := Load(t)
	for name := range d.at("/components/schemas") {
		if _, err := d.compiler.Compile(resource + "#" + string(pointer("/components/schemas").child(name))); err != nil {
			t.Error(err)
		}
	}
}

func TestEverythingThatTheDocumentDefinesIsUsed(t *testing.T) {
	t.Parallel()
	d := Load(t)
	used := map[string]bool{
		"#/components/responses/MethodNotAllowed": true, // for methods that no operation has
		"#/components/schemas/PusherEvents":       true, // not HTTP
	}
	walk(d.root, "", func(_ pointer, node map[string]any) {
		if ref, is := node["$ref"].(string); is {
			used[ref] = true
		}
		if requirements, are := node["security"].([]any); are {
			for _, requirement := range requirements {
				for scheme := range requirement.(map[string]any) {
					used["#/components/securitySchemes/"+scheme] = true
				}
			}
		}
	})
	for kind, components := range d.at("/components") {
		for name := range components.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] {
				t.Errorf("%s is not used", ref)
			}
		}
	}
}

func TestEveryOperationIsNamedAndRefusesAsAllDo(t *testing.T) {
	t.Parallel()
	d := Load(t)
	names := map[string]bool{}
	for path := range d.paths {
		for _, method := range d.methods(path) {
			at := operation(path, method)
			node := d.at(at)
			name, _ := node["operationId"].(string)
			if summary, _ := node["summary"].(string); name == "" || names[name] || summary == "" {
				t.Errorf("%s %s is called %q, %q", method, path, name, summary)
			}
			names[name] = true
			want := []string{"400", "500"}
			if name != "endSession" { // endSession needs nothing that could be unavailable
				want = append(want, "503")
			}
			if security, said := node["security"].([]any); !said || len(security) > 0 {
				want = append(want, "401")
			}
			if node["requestBody"] != nil {
				want = append(want, "413", "415")
			}
			for _, status := range want {
				if d.at(at.child("responses"))[status] == nil {
					t.Errorf("%s %s has no %s", method, path, status)
				}
			}
		}
	}
	if len(names) != 16 {
		t.Errorf("%d operations are documented", len(names))
	}
}

func TestEveryBodyOfARequestThatIsOursIsClosed(t *testing.T) {
	t.Parallel()
	root, err := decode(text(t))
	if err != nil {
		t.Fatal(err)
	}
	d := &Document{root: root} // without the closed objects, as callers read it
	for path := range d.at("/paths") {
		for _, method := range d.methods(path) {
			content := operation(path, method).child("requestBody", "content")
			for media := range d.at(content) {
				open := d.object(content.child(media, "schema"))["additionalProperties"] != false
				if isPushers := strings.HasSuffix(path, "/webhook"); open != isPushers {
					t.Errorf("%s %s, %s: open is %v", method, path, media, open)
				}
			}
		}
	}
}

func TestAFileThatIsNoDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a: [", "openapi: 3.1.0", "paths: {}", "[]"} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	if _, err := find("public/no such file"); err == nil {
		t.Error("a file was found that does not exist")
	}
}

func TestThePointersOfTheDocumentAreEscaped(t *testing.T) {
	t.Parallel()
	if p := operation("/a~b", "GET"); p != "/paths/~1a~0b/get" {
		t.Errorf("the pointer is %s", p)
	}
	if methods := Load(t).methods("/api/session"); !slices.Equal(methods, []string{"DELETE", "GET", "POST"}) {
		t.Errorf("the methods are %v", methods)
	}
}
