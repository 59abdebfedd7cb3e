package add

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const settingsName = "vercel.json"

// mergeSettings plans what the functions need in the project's vercel.json: how long they may run, the cron, and how
// they are built. It returns what is devinbox's in there. The project's framework and headers stay: devinbox's own are for
// pages of its own, and the functions send their headers themselves.
//
// Each setting is merged on its own. One that the project has changed since, or had before, is the project's.
func (p *plan) mergeSettings(source fs.FS) merged {
	for _, name := range []string{"vercel.ts", "vercel.mts", "vercel.js", "vercel.mjs", "vercel.cjs", "vercel.toml"} {
		if _, err := fs.Stat(p.app, name); err == nil {
			p.refuse("%s has the settings of the project, and only vercel.json can be merged: write what it says into vercel.json", name)
		}
	}
	text, err := fs.ReadFile(source, settingsName)
	var ours struct {
		Schema    string                       `json:"$schema"`
		Build     struct{ Env jsontext.Value } `json:"build"`
		Functions jsontext.Value               `json:"functions"`
		Crons     []jsontext.Value             `json:"crons"`
	}
	if err := errors.Join(err, json.Unmarshal(text, &ours, json.MatchCaseInsensitiveNames(true))); err != nil {
		p.refuse("the vercel.json of devinbox cannot be read")
		return merged{}
	}
	next := merged{BuildEnv: ours.Build.Env, Functions: ours.Functions, Crons: keyedByPath(ours.Crons).value()}

	there := p.read(settingsName)
	settings, err := parseObject(there)
	if err != nil {
		p.refuse("%s is not a JSON object: %v", settingsName, err)
		return next
	}
	for _, name := range []string{"builds", "services"} {
		if settings.get(name) != nil {
			p.refuse("%s has %q, and with that Vercel makes no functions of the files in api/ by itself", settingsName, name)
		}
	}
	if there == nil {
		settings.set("$schema", quoted(ours.Schema))
	}
	changed := there == nil
	inside := func(of *object, name string, merge func(jsontext.Value) (jsontext.Value, bool, error)) {
		value, different, err := merge(of.get(name))
		if err != nil {
			p.refuse("%s: %q is not what Vercel takes: %v", settingsName, name, err)
		} else if different {
			of.set(name, value)
			changed = true
		}
	}
	inside(settings, "build", func(value jsontext.Value) (jsontext.Value, bool, error) {
		build, err := parseObject(value)
		if err != nil {
			return nil, false, err
		}
		env, different, err := mergeObject(build.get("env"), p.former.Merged.BuildEnv, next.BuildEnv)
		if different {
			build.set("env", env)
		}
		return build.value(), different, err
	})
	inside(settings, "functions", func(value jsontext.Value) (jsontext.Value, bool, error) {
		return mergeObject(value, p.former.Merged.Functions, next.Functions)
	})
	inside(settings, "crons", func(value jsontext.Value) (jsontext.Value, bool, error) {
		return mergeCrons(value, p.former.Merged.Crons, next.Crons)
	})
	if changed {
		p.write[settingsName] = settings.indented()
	}
	return next
}

// mergeObject brings the members of an object from their former state to the next one. A member that is not as the
// former state has it is left alone, also if it is missing.
func mergeObject(there, former, next jsontext.Value) (jsontext.Value, bool, error) {
	t, err := parseObject(there)
	f, n, err2 := parseStates(former, next)
	if err := errors.Join(err, err2); err != nil {
		return nil, false, err
	}
	changed := t.merge(f, n)
	return t.value(), changed, nil
}

// parseStates reads what devinbox has put there before, and what it puts there now.
func parseStates(former, next jsontext.Value) (f, n *object, err error) {
	f, err = parseObject(former)
	n, err2 := parseObject(next)
	return f, n, errors.Join(err, err2)
}

// mergeCrons is mergeObject for the list of crons, each of which has a path of its own.
func mergeCrons(there, former, next jsontext.Value) (jsontext.Value, bool, error) {
	var crons []jsontext.Value
	if there != nil {
		if err := json.Unmarshal(there, &crons); err != nil {
			return nil, false, errors.New("it is not a list")
		}
	}
	byPath := keyedByPath(crons)
	f, n, err := parseStates(former, next)
	if err != nil {
		return nil, false, err
	}
	if !byPath.merge(f, n) {
		return there, false, nil
	}
	// Several crons may have one path. Those of other paths stay where they are.
	var kept []jsontext.Value
	for _, cron := range crons {
		path := cronPath(cron)
		if f.get(path) == nil && n.get(path) == nil {
			kept = append(kept, cron)
		}
	}
	for _, name := range byPath.names {
		if f.get(name) != nil || n.get(name) != nil {
			kept = append(kept, byPath.get(name))
		}
	}
	value, err := json.Marshal(kept)
	return value, true, err
}

func cronPath(cron jsontext.Value) string {
	var c struct {
		Path string `json:"path"`
	}
	_ = json.Unmarshal(cron, &c) // what is no cron has no path
	return c.Path
}

func keyedByPath(crons []jsontext.Value) *object {
	o := &object{values: map[string]jsontext.Value{}}
	for _, cron := range crons {
		o.set(cronPath(cron), cron)
	}
	return o
}

// object is a JSON object whose members keep their order and their spelling.
type object struct {
	names  []string
	values map[string]jsontext.Value
}

// parseObject reads an object; nothing is an empty one.
func parseObject(text []byte) (*object, error) {
	o := &object{values: map[string]jsontext.Value{}}
	if text == nil {
		return o, nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if d.PeekKind() != '{' {
		return nil, errors.New("it is not an object")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errors.New("it is not JSON")
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, errors.New("it is not JSON")
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, errors.New("it is not JSON")
		}
		o.set(key, value.Clone())
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errors.New("it is not JSON")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return o, nil
}

func (o *object) get(name string) jsontext.Value { return o.values[name] }

func (o *object) set(name string, value jsontext.Value) {
	if _, is := o.values[name]; !is {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

func (o *object) remove(name string) {
	delete(o.values, name)
	o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
}

// merge brings the members of o from a former state to the next one, and tells whether that changed anything.
func (o *object) merge(former, next *object) (changed bool) {
	for _, name := range next.names {
		there, was, value := o.get(name), former.get(name), next.get(name)
		switch {
		case there == nil && was == nil, there != nil && was != nil && same(there, was) && !same(there, value):
			o.set(name, value)
			changed = true
		}
	}
	for _, name := range former.names {
		if there := o.get(name); next.get(name) == nil && there != nil && same(there, former.get(name)) {
			o.remove(name)
			changed = true
		}
	}
	return changed
}

// same tells whether two values say the same, however they are spaced and ordered.
func same(a, b jsontext.Value) bool {
	a, b = a.Clone(), b.Clone()
	return a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}

func (o *object) value() jsontext.Value {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			text.WriteByte(',')
		}
		text.Write(quoted(name))
		text.WriteByte(':')
		text.Write(o.values[name])
	}
	text.WriteByte('}')
	return text.Bytes()
}

func (o *object) indented() []byte {
	value := o.value()
	_ = value.Indent(jsontext.WithIndent("  ")) // it was made of values
	return append(value, '\n')
}

func quoted(text string) jsontext.Value {
	value, _ := jsontext.AppendQuote(nil, text) // it fails only for what is not UTF-8, which was read as JSON
	return value
}
