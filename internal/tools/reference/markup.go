package main

import (
	"bytes"
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"go.yaml.in/yaml/v4"
)

// commonMark renders descriptions, which are in CommonMark (OpenAPI 3.1, 4.6), and tables. It leaves out HTML.
var commonMark = goldmark.New(goldmark.WithExtensions(extension.Table))

// mention matches a call that a description names, with or without a query.
var mention = regexp.MustCompile(`<code>(DELETE|GET|PATCH|POST) (/api/[a-z/]+)([^<]*)</code>`)

// markdown returns a description as HTML. The calls that it names become links to their operations.
func (p *page) markdown(description string) template.HTML {
	var out bytes.Buffer
	if err := commonMark.Convert([]byte(description), &out); err != nil {
		panic(err) // writing to a buffer does not fail
	}
	linked := mention.ReplaceAllStringFunc(out.String(), func(code string) string {
		parts := mention.FindStringSubmatch(code)
		if id := p.operations[parts[1]+" "+parts[2]]; id != "" {
			return `<a href="#` + html.EscapeString(id) + `">` + code + `</a>`
		}
		return code
	})
	return template.HTML(linked)
}

// inline returns a description of one paragraph as HTML, without the tags of the paragraph.
func (p *page) inline(description string) template.HTML {
	paragraph := strings.TrimSpace(string(p.markdown(description)))
	return template.HTML(strings.TrimSuffix(strings.TrimPrefix(paragraph, "<p>"), "</p>"))
}

// lineLength is how long an example's object or list may be, in characters, to be written in one line.
const lineLength = 84

// example returns a value as JSON with markup for colours: of keys and of texts.
func example(n *yaml.Node) template.HTML {
	var out strings.Builder
	writeExample(&out, n, "")
	return template.HTML(out.String())
}

func writeExample(out *strings.Builder, n *yaml.Node, indent string) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		out.WriteString(`<span class="text">` + html.EscapeString(quoted(n.Value)) + `</span>`)
		return
	case n.Kind == yaml.ScalarNode:
		out.WriteString(html.EscapeString(n.Value))
		return
	case len(n.Content) == 0:
		out.WriteString(map[yaml.Kind]string{yaml.MappingNode: "{}", yaml.SequenceNode: "[]"}[n.Kind])
		return
	}
	before, between, after := "\n"+indent+"  ", ",\n"+indent+"  ", "\n"+indent
	inner := indent + "  "
	if len(indent)+width(n) <= lineLength {
		before, between, after, inner = " ", ", ", " ", ""
		if n.Kind == yaml.SequenceNode {
			before, after = "", ""
		}
	}
	if n.Kind == yaml.SequenceNode {
		out.WriteString("[")
		for i, item := range n.Content {
			out.WriteString(separator(i, before, between))
			writeExample(out, item, inner)
		}
		out.WriteString(after + "]")
		return
	}
	out.WriteString("{")
	i := 0
	for name, value := range members(n) {
		out.WriteString(separator(i, before, between) + `<span class="key">` + html.EscapeString(quoted(name)) + `</span>: `)
		writeExample(out, value, inner)
		i++
	}
	out.WriteString(after + "}")
}

func separator(i int, before, between string) string {
	if i == 0 {
		return before
	}
	return between
}

// width returns how many characters a value takes in one line.
func width(n *yaml.Node) int {
	if n.Kind == yaml.ScalarNode {
		return len([]rune(quoted(n.Value)))
	}
	total := 4
	for _, child := range n.Content {
		total += width(child) + 2
	}
	return total
}

// quoted returns a text as JSON.
func quoted(s string) string {
	quoted, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		panic(err) // YAML is valid UTF-8
	}
	return string(quoted)
}
