package study

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// The schemas say what a manifest may look like. Their descriptions are what a
// problem prints after "expected", their titles what an unknown name is called.
//
//go:embed schema/*.json
var schemaFiles embed.FS

const (
	seriesSchema = "series.json"
	studySchema  = "study.json"
	editsSchema  = "edits.json"
)

// schemas holds all schemas, compiled and as plain JSON.
type schemas struct {
	compiled map[string]*jsonschema.Schema
	plain    map[string]any
}

// loadSchemas panics where an embedded schema is broken: that is our own bug.
var loadSchemas = sync.OnceValue(func() schemas {
	s := schemas{compiled: map[string]*jsonschema.Schema{}, plain: map[string]any{}}
	c := jsonschema.NewCompiler()
	c.AssertFormat() // a date would not be checked otherwise
	for _, name := range []string{seriesSchema, studySchema, editsSchema} {
		data, err := schemaFiles.ReadFile("schema/" + name)
		if err != nil {
			panic(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			panic(err)
		}
		var plain any
		if err := json.Unmarshal(data, &plain); err != nil {
			panic(err)
		}
		s.plain[name] = plain
		if err := c.AddResource("study:///"+name, doc); err != nil {
			panic(err)
		}
	}
	for name := range s.plain {
		s.compiled[name] = c.MustCompile("study:///" + name)
	}
	return s
})

// validate reports all that the schema finds wrong in a file.
func validate(file, schema string, root *node) Problems {
	s := loadSchemas()
	var ve *jsonschema.ValidationError
	if !errors.As(s.compiled[schema].Validate(root.json()), &ve) {
		return nil
	}
	t := translator{file: file, root: root, schemas: s, schema: schema}
	t.walk(ve)
	return t.problems
}

// translator turns what the schema library reports into problems with a place.
type translator struct {
	file     string
	root     *node
	schemas  schemas
	schema   string
	problems Problems
}

func (t *translator) walk(e *jsonschema.ValidationError) {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			t.walk(c)
		}
		return
	}
	path := e.InstanceLocation
	n := t.node(path)
	rule, _ := t.rule(path)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known := propertyNames(rule)
		slices.Sort(k.Properties)
		for _, p := range k.Properties {
			at := n.entry(p)
			t.add(at.line, at.col, fmt.Sprintf("unknown %s %q", title(rule, "key"), p),
				"one of "+strings.Join(known, ", "), suggest(p, known))
		}
	case *kind.Required:
		for _, p := range k.Missing {
			r, _ := t.rule(append(slices.Clone(path), p))
			t.add(n.line, n.col, fmt.Sprintf("%q is missing", p), text(r["description"]), "")
		}
	case *kind.MinItems, *kind.MaxItems:
		t.add(n.line, n.col, fmt.Sprintf("%s has %d entries", label(path), len(n.items)), text(rule["description"]), "")
	case *kind.Enum:
		if t.optionalNull(path, n) {
			return
		}
		var known []string
		for _, w := range k.Want {
			known = append(known, text(w))
		}
		message := fmt.Sprintf("%s is %s", label(path), describe(n))
		if n.kind == scalar {
			message = fmt.Sprintf("unknown %s %q", title(rule, "value"), n.text)
		}
		t.add(n.line, n.col, message, text(rule["description"]), suggest(n.str(), known))
	default:
		if t.optionalNull(path, n) {
			return
		}
		t.add(n.line, n.col, fmt.Sprintf("%s is %s", label(path), describe(n)), text(rule["description"]), "")
	}
}

func (t *translator) add(line, col int, message, expected, hint string) {
	t.problems = append(t.problems, Problem{
		File: t.file, Line: line, Column: col, Message: message, Expected: expected, Hint: hint,
	})
}

// optionalNull tells that a key was left empty that may be left out: a form not
// filled in, which is no problem.
func (t *translator) optionalNull(path []string, n *node) bool {
	if n.kind != null || len(path) == 0 {
		return false
	}
	parent, _ := t.rule(path[:len(path)-1])
	if text(parent["type"]) != "object" {
		return false
	}
	required, _ := parent["required"].([]any)
	return !slices.Contains(required, any(path[len(path)-1]))
}

// node is the value at a path.
func (t *translator) node(path []string) *node {
	n := t.root
	for _, p := range path {
		if n.kind == list {
			i, _ := strconv.Atoi(p)
			n = n.items[i]
		} else {
			n = n.entry(p).value
		}
	}
	return n
}

// rule is the part of the schema that governs the value at a path, and the
// schema file that it stands in. A description beside a reference goes before
// the referred one.
func (t *translator) rule(path []string) (rule map[string]any, schema string) {
	rule, schema = t.resolve(t.schemas.plain[t.schema], t.schema)
	for _, p := range path {
		props, _ := rule["properties"].(map[string]any)
		next, ok := props[p]
		if !ok {
			next, ok = rule["items"]
		}
		if !ok {
			next = rule["additionalProperties"]
		}
		rule, schema = t.resolve(next, schema)
	}
	return rule, schema
}

func (t *translator) resolve(v any, schema string) (map[string]any, string) {
	rule, _ := v.(map[string]any)
	ref := text(rule["$ref"])
	if ref == "" {
		return rule, schema
	}
	name, pointer, _ := strings.Cut(ref, "#/")
	if name != "" {
		schema = name
	}
	target := t.schemas.plain[schema]
	for _, p := range strings.Split(pointer, "/") {
		m, _ := target.(map[string]any)
		target = m[p]
	}
	m, schema := t.resolve(target, schema)
	merged := map[string]any{}
	for k, v := range m {
		merged[k] = v
	}
	for k, v := range rule {
		merged[k] = v
	}
	return merged, schema
}

// propertyNames lists the keys that a mapping may have, sorted.
func propertyNames(rule map[string]any) []string {
	props, _ := rule["properties"].(map[string]any)
	var names []string
	for k := range props {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func title(rule map[string]any, otherwise string) string {
	if s := text(rule["title"]); s != "" {
		return s
	}
	return otherwise
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// label names a value by its key, or as "entry 2 of scope".
func label(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	last := path[len(path)-1]
	if i, err := strconv.Atoi(last); err == nil && len(path) > 1 {
		return fmt.Sprintf("entry %d of %s", i+1, label(path[:len(path)-1]))
	}
	return last
}

// describe says what a value is, in words.
func describe(n *node) string {
	switch n.kind {
	case mapping:
		return "a mapping"
	case list:
		return "a list"
	case null:
		return "empty"
	}
	if s, ok := n.value.(string); ok {
		if s == "" {
			return "empty"
		}
		return strconv.Quote(shorten(s))
	}
	return shorten(n.text)
}

// shorten keeps a message on one screen line.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}
