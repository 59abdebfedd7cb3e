package main

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// public is the folder that a deployment serves.
const public = "../../../public"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(public, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePageIsMadeOfTheDocument(t *testing.T) {
	t.Parallel()
	page, err := render([]byte(read(t, "openapi.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != read(t, "index.html") {
		t.Error("public/index.html is older than public/openapi.yaml: run go generate ./internal/tools/reference")
	}
}

func TestThePageHoldsNoScriptAndNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	page, style := read(t, "index.html"), read(t, "reference.css")
	for _, forbidden := range []string{`(?i)<script`, `(?i)<style`, `(?i)<(img|iframe|object|embed|form|base|video|audio|svg)\b`, `(?i)\s(style|on[a-z]+|src|srcset)=`, `(?i)javascript:`, `(?i)http-equiv`} {
		if found := regexp.MustCompile(forbidden).FindString(page); found != "" {
			t.Errorf("the page holds %q", found)
		}
	}
	links := regexp.MustCompile(`<link [^>]*>`).FindAllString(page, -1)
	if len(links) != 1 || links[0] != `<link rel="stylesheet" href="reference.css">` {
		t.Errorf("the page loads %v", links)
	}
	if found := regexp.MustCompile(`(?i)url\(|@import|@font-face|expression\(`).FindString(style); found != "" {
		t.Errorf("the style sheet holds %q", found)
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	page := read(t, "index.html")
	ids := map[string]bool{}
	for _, found := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[found[1]] || found[1] == "" {
			t.Errorf("the id %q is there twice, or is empty", found[1])
		}
		ids[found[1]] = true
	}
	for _, found := range regexp.MustCompile(`(href|aria-labelledby)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		target, within := strings.CutPrefix(found[2], "#")
		switch {
		case within || found[1] == "aria-labelledby":
			if !ids[target] {
				t.Errorf("%s leads nowhere", found[0])
			}
		case strings.HasPrefix(target, "https://"):
		default:
			read(t, target)
		}
	}
}

func TestThePageTellsAllThatTheDocumentSays(t *testing.T) {
	t.Parallel()
	page := read(t, "index.html")
	s, err := parse([]byte(read(t, "openapi.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	// part returns the article with an id.
	part := func(id string) string {
		_, after, found := strings.Cut(page, `<article aria-labelledby="`+id+`">`)
		if !found {
			t.Errorf("the page has no %s", id)
		}
		article, _, _ := strings.Cut(after, "</article>")
		return article
	}
	tells := func(article, id, text string) {
		if !strings.Contains(article, text) {
			t.Errorf("%s does not tell %q", id, text)
		}
	}
	operations := 0
	for path, item := range both(members(s.at(s.root, "paths")), members(s.at(s.root, "webhooks"))) {
		for method, o := range members(item) {
			operations++
			id := text(own(o, "operationId"))
			article := part(id)
			tells(article, id, ">"+strings.ToUpper(method)+"</span> <code>"+path+"</code>")
			for status, response := range members(own(o, "responses")) {
				tells(article, id, ">"+status+"</span>")
				tells(article, id, s.text(response, "x-code"))
			}
			for _, parameter := range items(own(o, "parameters")) {
				tells(article, id, "<code>"+text(own(parameter, "name"))+"</code>")
			}
			for _, content := range members(s.at(o, "requestBody", "content")) {
				for field := range members(s.at(content, "schema", "properties")) {
					tells(article, id, "<code>"+field+"</code>")
				}
			}
		}
	}
	schemas := 0
	for name, schema := range members(s.at(s.root, "components", "schemas")) {
		if name == eventSchema || referred(schema) != "" {
			continue
		}
		schemas++
		article := part(schemaID(name))
		for field := range members(own(schema, "properties")) {
			tells(article, name, "<code>"+field+"</code>")
		}
		for _, word := range items(own(schema, "enum")) {
			tells(article, name, word.Value)
		}
	}
	for name := range members(s.at(s.root, "components", "schemas", eventSchema, "properties")) {
		tells(page, "the page", "<code>"+name+"</code></h3>")
	}
	if operations != 16+4 || schemas < 40 {
		t.Errorf("%d operations and %d schemas were looked for", operations, schemas)
	}
}

// both is one sequence after the other.
func both[K, V any](sequences ...iter.Seq2[K, V]) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, sequence := range sequences {
			for key, value := range sequence {
				if !yield(key, value) {
					return
				}
			}
		}
	}
}

func TestWhatTheDocumentHoldsIsTextToThePage(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>`
	page, err := render([]byte(`
info: {title: "` + evil + `", version: "` + evil + `", summary: "` + evil + `", description: "` + evil + `\n## ` + evil + `\n` + evil + `"}
tags: [{name: "` + evil + `", description: "` + evil + ` [a](javascript:alert(1))"}]
paths:
  "` + evil + `":
    post:
      operationId: "` + evil + `"
      tags: ["` + evil + `"]
      summary: "` + evil + `"
      description: "` + evil + `"
      parameters: [{name: "` + evil + `", schema: {enum: ["` + evil + `"], default: "` + evil + `"}}]
      requestBody: {content: {"` + evil + `": {schema: {const: "` + evil + `"}, example: {"` + evil + `": "` + evil + `"}}}}
      responses: {"` + evil + `": {description: "` + evil + `", x-code: "` + evil + `", headers: {"` + evil + `": {}}}}
webhooks:
  "` + evil + `":
    post: {operationId: "` + evil + `2", tags: ["` + evil + `"], summary: "` + evil + `", description: "` + evil + `"}
components: {schemas: {"` + evil + `": {type: "` + evil + `", anyOf: [{$ref: "#/components/schemas/` + evil + `"}]}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(bytes.ToLower(page), []byte("<script")) || bytes.Contains(page, []byte(`href="javascript:`)) {
		t.Errorf("%s", page)
	}
}

func TestAnExampleIsJSONInItsOrderAndInShortLines(t *testing.T) {
	t.Parallel()
	s, err := parse([]byte(`{z: 1, a: "two <b>", list: [1, null, true], empty: {}, none: [], far: {text: "` + strings.Repeat("x", 80) + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(string(example(s.root)), "")
	want := `{
  &#34;z&#34;: 1,
  &#34;a&#34;: &#34;two &lt;b&gt;&#34;,
  &#34;list&#34;: [1, null, true],
  &#34;empty&#34;: {},
  &#34;none&#34;: [],
  &#34;far&#34;: {
    &#34;text&#34;: &#34;` + strings.Repeat("x", 80) + `&#34;
  }
}`
	if got != want {
		t.Errorf("%s", got)
	}
}

func TestThePageIsWrittenBesideTheDocument(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := write(folder); err == nil {
		t.Error("a page was made of nothing")
	}
	for name, document := range map[string]string{"no mapping": "[]", "nothing": "", "no YAML": "a: ["} {
		if err := os.WriteFile(filepath.Join(folder, "openapi.yaml"), []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := write(folder); err == nil {
			t.Errorf("a page was made of %s", name)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "openapi.yaml"), []byte("info: {title: Chat}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(folder); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err != nil || !bytes.Contains(page, []byte("<title>Chat API</title>")) {
		t.Errorf("%v: %s", err, page)
	}
}
