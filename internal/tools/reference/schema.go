package main

import (
	"html"
	"html/template"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// field is a parameter, a header or a member of an object.
type field struct {
	Name        string
	Type        template.HTML
	Optional    bool
	Limits      []string
	Description template.HTML
}

type namedExample struct {
	Summary string
	JSON    template.HTML
}

// object is a named schema.
type object struct {
	ID, Name    string
	Description template.HTML
	Type        template.HTML // only if it has no members
	Limits      []string
	Fields      []field
	Examples    []namedExample
}

// eventList is the events on Pusher.
type eventList struct {
	Description template.HTML
	Events      []event
}

type event struct {
	Name string
	object
}

// schemas fills in the events and the objects.
func (p *page) schemas() {
	all := p.source.at(p.source.root, "components", "schemas")
	events := own(all, eventSchema)
	p.Events.Description = p.markdown(text(own(events, "description")))
	shown := map[string]bool{eventSchema: true}
	for name, payload := range members(own(events, "properties")) {
		shown[referred(payload)] = true
		p.Events.Events = append(p.Events.Events, event{name, p.object(referred(payload), own(all, referred(payload)))})
	}
	for name, schema := range members(all) {
		if !shown[name] {
			p.Objects = append(p.Objects, p.object(name, schema))
		}
	}
}

func (p *page) object(name string, schema *yaml.Node) object {
	view := object{ID: schemaID(name), Name: name, Description: p.markdown(p.source.text(schema, "description"))}
	if referred(schema) == "" {
		view.Fields = p.fields(schema, "")
	}
	if len(view.Fields) == 0 {
		view.Type, view.Limits = p.typeOf(schema), limits(schema)
	}
	for _, one := range items(own(schema, "examples")) {
		view.Examples = append(view.Examples, namedExample{JSON: example(one)})
	}
	return view
}

// fields returns the members of an object schema, those of its unnamed parts under dotted names.
func (p *page) fields(schema *yaml.Node, prefix string) []field {
	schema = p.source.resolve(schema)
	var required []string
	for _, name := range items(own(schema, "required")) {
		required = append(required, name.Value)
	}
	var fields []field
	for name, member := range members(own(schema, "properties")) {
		f := p.field(prefix+name, member, slices.Contains(required, name))
		f.Description = p.markdown(p.remark(member))
		fields = append(fields, f)
		if referred(member) == "" {
			fields = append(fields, p.fields(member, prefix+name+".")...)
			fields = append(fields, p.fields(own(member, "items"), prefix+name+"[].")...)
		}
	}
	return fields
}

// remark returns the document's description of a member. If the member only refers to a plain value, such as a time,
// it is the description there; an object has a place of its own on the page.
func (p *page) remark(member *yaml.Node) string {
	if own(p.source.resolve(member), "properties") != nil {
		return text(own(member, "description"))
	}
	return p.source.text(member, "description")
}

func (p *page) field(name string, schema *yaml.Node, required bool) field {
	return field{Name: name, Type: p.typeOf(schema), Optional: !required, Limits: limits(p.source.resolve(schema))}
}

// typeOf says in a few words which values a schema allows, with links to the objects that it names.
func (p *page) typeOf(schema *yaml.Node) template.HTML {
	if name := referred(schema); name != "" {
		return template.HTML(`<a href="#` + html.EscapeString(schemaID(name)) + `">` + html.EscapeString(name) + `</a>`)
	}
	if value := own(schema, "const"); value != nil {
		return "<code>" + template.HTML(html.EscapeString(literal(value))) + "</code>"
	}
	var words []string
	for _, one := range append(items(own(schema, "anyOf")), items(own(schema, "type"))...) {
		if one.Kind == yaml.ScalarNode {
			words = append(words, html.EscapeString(one.Value))
		} else {
			words = append(words, string(p.typeOf(one)))
		}
	}
	switch word := text(own(schema, "type")); {
	case word == "array" && referred(own(schema, "items")) != "":
		words = append(words, "list of "+string(p.typeOf(own(schema, "items"))))
	case word == "array":
		words = append(words, "list")
	case word != "":
		words = append(words, html.EscapeString(word))
	}
	return template.HTML(strings.Join(words, " or "))
}

// limits returns what else a schema requires. Patterns are left to the descriptions.
func limits(schema *yaml.Node) []string {
	var found []string
	add := func(unit string, least, most *yaml.Node) {
		switch {
		case least != nil && most != nil:
			found = append(found, text(least)+" to "+text(most)+unit)
		case least != nil:
			found = append(found, "at least "+text(least)+unit)
		case most != nil:
			found = append(found, "at most "+text(most)+unit)
		}
	}
	if text(own(schema, "minLength")) == "1" && own(schema, "maxLength") == nil {
		found = append(found, "not empty")
	} else {
		add(" code points", own(schema, "minLength"), own(schema, "maxLength"))
	}
	add("", own(schema, "minimum"), own(schema, "maximum"))
	add(" items", own(schema, "minItems"), own(schema, "maxItems"))
	var words []string
	for _, word := range items(own(schema, "enum")) {
		words = append(words, word.Value)
	}
	if len(words) > 0 {
		found = append(found, strings.Join(words, " | "))
	}
	if value := own(schema, "default"); value != nil {
		found = append(found, "default "+text(value))
	}
	return found
}

// literal returns a scalar as JSON.
func literal(n *yaml.Node) string {
	if n.Tag == "!!str" {
		return quoted(n.Value)
	}
	return n.Value
}

func schemaID(name string) string { return "schema-" + name }
