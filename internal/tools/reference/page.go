package main

import (
	"html/template"
	"slices"
	"strings"
)

// page is what the template shows.
type page struct {
	Title, Version, Summary string
	Intro                   template.HTML
	Sections                []section
	Groups                  []group
	Events                  eventList
	Objects                 []object

	source     source
	operations map[string]string // the id of each, by method and path
	common     []string          // the headers that every answer has
}

// section is a section of the description.
type section struct {
	ID, Title string
	Body      template.HTML
}

// eventSchema lists the events on Pusher.
const eventSchema = "PusherEvents"

func newPage(s source) *page {
	info := s.at(s.root, "info")
	p := &page{
		Title: text(own(info, "title")), Version: text(own(info, "version")), Summary: text(own(info, "summary")),
		source: s, operations: map[string]string{},
	}
	for path, item := range members(s.at(s.root, "paths")) {
		for method, o := range members(item) {
			p.operations[strings.ToUpper(method)+" "+path] = text(own(o, "operationId"))
		}
	}
	p.findCommon()
	p.describe(text(own(info, "description")))
	for _, tag := range items(s.at(s.root, "tags")) {
		p.Groups = append(p.Groups, p.group(text(own(tag, "name")), p.markdown(text(own(tag, "description")))))
	}
	p.schemas()
	return p
}

// describe makes the introduction and, for each heading of the second level, a section.
func (p *page) describe(description string) {
	intro, rest, _ := strings.Cut("\n"+description, "\n## ")
	p.Intro = p.markdown(intro)
	for part := range strings.SplitSeq(rest, "\n## ") {
		if title, body, found := strings.Cut(part, "\n"); found {
			p.Sections = append(p.Sections, section{slug(title), title, p.markdown(body)})
		}
	}
}

// findCommon finds the headers that every answer has: the page describes them once.
func (p *page) findCommon() {
	first := true
	for _, item := range members(p.source.at(p.source.root, "paths")) {
		for _, o := range members(item) {
			for _, response := range members(p.source.at(o, "responses")) {
				var names []string
				for name := range members(p.source.at(response, "headers")) {
					names = append(names, name)
				}
				if first {
					p.common = names
				}
				p.common = slices.DeleteFunc(p.common, func(name string) bool { return !slices.Contains(names, name) })
				first = false
			}
		}
	}
}

// slug turns a title into the id of a part of the page.
func slug(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }
