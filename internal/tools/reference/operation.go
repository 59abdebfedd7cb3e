package main

import (
	"html"
	"html/template"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// group is the operations and the webhooks of one tag.
type group struct {
	ID, Title   string
	Description template.HTML
	Operations  []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Description               template.HTML
	Credential                template.HTML // empty for a webhook
	Parameters                []field
	Body                      *body
	Answers                   []answer
}

// body is what a request carries.
type body struct {
	Types    string
	Schema   template.HTML
	Fields   []field
	Examples []namedExample
}

// answer is one status of an operation.
type answer struct {
	Status, Code string
	Good         bool
	Description  template.HTML
	Schema       template.HTML
	Headers      []field
	Examples     []namedExample
}

func (p *page) group(name string, description template.HTML) group {
	g := group{ID: slug(name), Title: name, Description: description}
	for _, part := range []string{"paths", "webhooks"} {
		for path, item := range members(p.source.at(p.source.root, part)) {
			for method, o := range members(item) {
				if tags := items(own(o, "tags")); len(tags) > 0 && tags[0].Value == name {
					view := p.operation(path, strings.ToUpper(method), o)
					if part == "webhooks" { // which we call
						view.Credential = ""
					}
					g.Operations = append(g.Operations, view)
				}
			}
		}
	}
	return g
}

func (p *page) operation(path, method string, o *yaml.Node) operation {
	view := operation{
		ID: text(own(o, "operationId")), Method: method, Path: path, Summary: text(own(o, "summary")),
		Description: p.markdown(text(own(o, "description"))),
		Credential:  p.credential(own(o, "security")),
		Parameters:  p.parameters(o),
	}
	if request := own(o, "requestBody"); request != nil {
		view.Body = p.body(request)
	}
	for status, response := range members(p.source.at(o, "responses")) {
		view.Answers = append(view.Answers, p.answer(status, response))
	}
	slices.SortStableFunc(view.Answers, func(a, b answer) int { return strings.Compare(a.Status, b.Status) })
	return view
}

// credential says in a few words which credential an operation needs. What most need has a section of its own.
func (p *page) credential(security *yaml.Node) template.HTML {
	const usual = `<a href="#credentials">a token or a cookie</a>`
	if security == nil {
		return usual
	}
	var ways []string
	for _, requirement := range items(security) {
		var together []string
		for name := range members(requirement) {
			scheme := p.source.at(p.source.root, "components", "securitySchemes", name)
			switch {
			case p.isUsual(name):
				together = append(together, usual)
			case text(own(scheme, "in")) == "header":
				together = append(together, "the header <code>"+html.EscapeString(text(own(scheme, "name")))+"</code>")
			default:
				together = append(together, "<code>Authorization: Bearer</code> with "+string(p.inline(text(own(scheme, "description")))))
			}
		}
		if way := strings.Join(together, " and "); way != "" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		} else if way == "" {
			ways = append(ways, "none")
		}
	}
	if len(ways) == 0 {
		return "none"
	}
	return template.HTML(strings.Join(ways, ", or "))
}

// isUsual tells whether a security scheme is one of the document's default ones.
func (p *page) isUsual(name string) bool {
	return slices.ContainsFunc(items(own(p.source.root, "security")), func(requirement *yaml.Node) bool {
		return own(requirement, name) != nil
	})
}

func (p *page) parameters(o *yaml.Node) []field {
	var fields []field
	for _, parameter := range items(own(o, "parameters")) {
		parameter = p.source.resolve(parameter)
		f := p.field(text(own(parameter, "name")), own(parameter, "schema"), text(own(parameter, "required")) == "true")
		f.Description = p.markdown(text(own(parameter, "description")))
		fields = append(fields, f)
	}
	return fields
}

func (p *page) body(request *yaml.Node) *body {
	var view body
	var types []string
	for media, content := range members(p.source.at(request, "content")) {
		if types = append(types, media); len(types) > 1 {
			continue // the same schema in another form
		}
		schema := own(content, "schema")
		view.Schema, view.Fields, view.Examples = p.typeOf(schema), p.fields(schema, ""), p.examples(content)
	}
	view.Types = strings.Join(types, " or ")
	return &view
}

func (p *page) answer(status string, response *yaml.Node) answer {
	view := answer{
		Status: status, Good: status < "300",
		Code:        p.source.text(response, "x-code"),
		Description: p.markdown(p.source.text(response, "description")),
	}
	for name, header := range members(p.source.at(response, "headers")) {
		if !slices.Contains(p.common, name) {
			header = p.source.resolve(header)
			view.Headers = append(view.Headers, field{Name: name, Description: p.inline(text(own(header, "description")))})
		}
	}
	for _, content := range members(p.source.at(response, "content")) {
		if view.Code == "" {
			view.Schema, view.Examples = p.typeOf(own(content, "schema")), p.examples(content)
		}
	}
	return view
}

// examples returns the examples of a media type.
func (p *page) examples(content *yaml.Node) []namedExample {
	var found []namedExample
	if value := own(content, "example"); value != nil {
		found = append(found, namedExample{JSON: example(value)})
	}
	for _, one := range members(own(content, "examples")) {
		found = append(found, namedExample{text(own(one, "summary")), example(own(one, "value"))})
	}
	return found
}
