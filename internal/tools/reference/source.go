package main

import (
	"errors"
	"iter"
	"strings"

	"go.yaml.in/yaml/v4"
)

// source is an OpenAPI document that keeps the order in which it was written.
type source struct{ root *yaml.Node }

func parse(document []byte) (source, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(document, &file); err != nil {
		return source{}, err
	}
	if len(file.Content) == 0 || file.Content[0].Kind != yaml.MappingNode {
		return source{}, errors.New("the document is no mapping")
	}
	return source{file.Content[0]}, nil
}

// at returns what is in n below these names, following any reference; nil if there is nothing.
func (s source) at(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		n = own(s.resolve(n), name)
	}
	return n
}

// own returns the member of a mapping; nil if there is none.
func own(n *yaml.Node, name string) *yaml.Node {
	for key, value := range members(n) {
		if key == name {
			return value
		}
	}
	return nil
}

// resolve follows references until there is none.
func (s source) resolve(n *yaml.Node) *yaml.Node {
	for {
		ref := text(own(n, "$ref"))
		if ref == "" {
			return n
		}
		n = s.root
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			n = own(n, name)
		}
	}
}

// text returns a scalar of this name in n, or in what n refers to if n itself has none: what is beside a reference
// takes precedence over what it refers to.
func (s source) text(n *yaml.Node, name string) string {
	if beside := own(n, name); beside != nil {
		return text(beside)
	}
	return text(s.at(n, name))
}

// referred returns the name of the component that n refers to; empty if n is not a reference.
func referred(n *yaml.Node) string {
	ref := text(own(n, "$ref"))
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// members returns the members of a mapping, in order; none of anything else.
func members(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// items returns the items of a list; none of anything else.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// text returns the text of a scalar; empty for anything else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
