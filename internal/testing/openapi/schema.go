package openapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// resource is the name of the document within the compiler.
const resource = "openapi.json"

func newCompiler() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020) // the dialect of OpenAPI 3.1
	c.AssertFormat()
	return c
}

// closeObjects forbids unlisted properties in every object schema below node that does not say whether it allows
// them. For callers the document leaves room for new properties; in tests they must be documented first.
func closeObjects(node any) {
	switch node := node.(type) {
	case map[string]any:
		_, listed := node["properties"].(map[string]any)
		if _, said := node["additionalProperties"]; listed && !said && node["type"] == "object" {
			node["additionalProperties"] = false
		}
		for _, child := range node {
			closeObjects(child)
		}
	case []any:
		for _, child := range node {
			closeObjects(child)
		}
	}
}

// CheckEvent requires that the data of an event on Pusher is as documented under PusherEvents.
func (d *Document) CheckEvent(t testing.TB, name string, data []byte) {
	t.Helper()
	events := pointer("").child("components", "schemas", "PusherEvents", "properties")
	if d.at(events)[name] == nil {
		t.Errorf("the event %s is not documented", name)
		return
	}
	if fault := d.checkJSON(events.child(name), data); fault != "" {
		t.Errorf("the event %s: %s", name, fault)
	}
}

// CheckWebhook requires that the body of a webhook is as documented under its type.
func (d *Document) CheckWebhook(t testing.TB, name string, body []byte) {
	t.Helper()
	webhook := pointer("").child("webhooks", name, "post", "requestBody", "content", "application/json", "schema")
	if d.at(webhook) == nil {
		t.Errorf("the webhook %s is not documented", name)
		return
	}
	if fault := d.checkJSON(webhook, body); fault != "" {
		t.Errorf("the webhook %s: %s", name, fault)
	}
}

// checkJSON returns what is wrong with a JSON text by the schema at p; "" if nothing is.
func (d *Document) checkJSON(p pointer, text []byte) string {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return "it is not JSON: " + err.Error()
	}
	return d.checkValue(p, value)
}

// checkText is checkJSON for a header or a parameter: text that stands for a value of the schema's type.
func (d *Document) checkText(p pointer, text string) string {
	var value any = text
	switch d.object(p)["type"] {
	case "integer", "boolean":
		if parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
			value = parsed
		}
	}
	return d.checkValue(p, value)
}

func (d *Document) checkValue(p pointer, value any) string {
	d.mu.Lock()
	schema, err := d.compiler.Compile(resource + "#" + string(p)) // compiles once
	d.mu.Unlock()
	if err == nil {
		err = schema.Validate(value)
	}
	if err == nil {
		return ""
	}
	// The first line only names the schema; the lines below it say what is wrong, and where.
	_, where, found := strings.Cut(err.Error(), "\n")
	if !found {
		where = err.Error()
	}
	shown, _ := json.Marshal(value)
	return "it is not what " + strings.TrimPrefix(string(d.resolve(p)), "/") + " says:\n" + where + "\nin " + string(shown)
}
