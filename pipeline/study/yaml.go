package study

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A manifest of a hundred sessions with polygons has some 100 kB and 10 000
// tokens. The limits keep the parser, whose time grows with the square of tokens
// and depth, to about a second (800 kB of "a:" lines took four minutes).
const (
	maxManifestBytes = 1 << 20
	maxTokens        = 50_000
	maxFlowDepth     = 16
	maxDashes        = 8 // "- - - x" on one line
	maxDepth         = 32
)

// emptyFile is what is wrong with a file without a document.
const emptyFile = "the file is empty"

// node is a value of a YAML file that knows its place.
type node struct {
	line, col int
	value     any      // of a scalar: string, float64, bool; nil for null
	text      string   // of a scalar, as written, without quotes
	entries   []entry  // of a mapping, in file order
	items     []*node  // of a list
	kind      nodeKind // which of the above holds
}

type nodeKind int

const (
	scalar nodeKind = iota
	null
	mapping
	list
)

type entry struct {
	key       string
	line, col int
	value     *node
}

// get is the value of a key, or nil where it is missing, null, or n is no
// mapping.
func (n *node) get(key string) *node {
	if e := n.entry(key); e != nil && e.value.kind != null {
		return e.value
	}
	return nil
}

func (n *node) entry(key string) *entry {
	if n == nil || n.kind != mapping {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	return nil
}

// list is the items, or nil where n is no list.
func (n *node) list() []*node {
	if n == nil || n.kind != list {
		return nil
	}
	return n.items
}

// mapped is the entries that have a value, or nil where n is no mapping.
func (n *node) mapped() []entry {
	if n == nil || n.kind != mapping {
		return nil
	}
	var es []entry
	for _, e := range n.entries {
		if e.value.kind != null {
			es = append(es, e)
		}
	}
	return es
}

// str is a scalar as written, so that the subject 007 keeps its zeros and the
// covariate no stays no. Empty where n is no scalar.
func (n *node) str() string {
	if n == nil || n.kind != scalar {
		return ""
	}
	return n.text
}

// num is a number, or false where n is none.
func (n *node) num() (float64, bool) {
	if n == nil || n.kind != scalar {
		return 0, false
	}
	v, ok := n.value.(float64)
	return v, ok
}

// isTrue tells whether n is the value true.
func (n *node) isTrue() bool { return n != nil && n.kind == scalar && n.value == true }

// date is a day, or the zero Date where n is none.
func (n *node) date() Date {
	d, err := ParseDate(n.str())
	if err != nil {
		return Date{}
	}
	return d
}

// json is the value as encoding/json would give it.
func (n *node) json() any {
	switch n.kind {
	case mapping:
		m := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			m[e.key] = e.value.json()
		}
		return m
	case list:
		l := make([]any, len(n.items))
		for i, v := range n.items {
			l[i] = v.json()
		}
		return l
	}
	return n.value
}

// parseYAML reads one document. The node is nil where a problem keeps the file
// from being read at all; problems that leave a tree behind (a key given twice)
// come with it.
func parseYAML(file string, data []byte) (root *node, problems Problems) {
	fail := func(line, col int, message, expected string) (*node, Problems) {
		return nil, Problems{{File: file, Line: line, Column: col, Message: message, Expected: expected}}
	}
	defer func() { // a library's bug must not cost the other subjects
		if r := recover(); r != nil {
			root, problems = fail(1, 1, "the YAML reader failed on this file", "simple YAML, as `dermatrend init` writes it")
		}
	}()
	if len(data) > maxManifestBytes {
		return fail(1, 1, fmt.Sprintf("the file has %d bytes", len(data)), "at most 1 MiB")
	}
	data = []byte(strings.TrimPrefix(string(data), "\ufeff")) // Windows editors put it there
	if line, col := invalidUTF8(data); line > 0 {
		return fail(line, col, "the file is not UTF-8 text", "a YAML file saved as UTF-8")
	}
	tokens := lexer.Tokenize(string(data))
	if t, message := unsupported(tokens); t != nil {
		return fail(t.Position.Line, t.Position.Column, message, "plain keys, values and lists")
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, col, message := 1, 1, err.Error()
		var ye yaml.Error
		if errors.As(err, &ye) {
			message = ye.GetMessage()
			if t := ye.GetToken(); t != nil && t.Position != nil {
				line, col = t.Position.Line, max(1, t.Position.Column)
			}
		}
		return fail(line, col, "not valid YAML: "+message, "key: value lines indented with spaces")
	}
	if len(f.Docs) > 1 && f.Docs[1].Body != nil {
		t := f.Docs[1].Body.GetToken()
		return fail(t.Position.Line, 1, "a second document begins", "one document")
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return fail(1, 1, emptyFile, "a manifest, as `dermatrend init` writes it")
	}
	c := converter{file: file}
	root = c.node(f.Docs[0].Body, 0)
	if c.fatal {
		return nil, c.problems
	}
	return root, c.problems
}

// invalidUTF8 is the place of the first byte that is not UTF-8 (or is NUL), or
// 0, 0.
func invalidUTF8(data []byte) (line, col int) {
	line, col = 1, 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size <= 1, r == 0:
			return line, col
		case r == '\n':
			line, col = line+1, 1
		default:
			col++
		}
		data = data[size:]
	}
	return 0, 0
}

// unsupported finds YAML that a manifest has no use for and that could make a
// small file huge or slow.
func unsupported(tokens token.Tokens) (*token.Token, string) {
	depth, dashes := 0, 0
	for i, t := range tokens {
		if i == maxTokens {
			return t, fmt.Sprintf("the file holds more than %d words and signs", maxTokens)
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return t, "anchors and aliases (&, *, <<) are not supported"
		case token.TagType:
			return t, "tags (!) are not supported"
		case token.MappingKeyType:
			return t, "complex keys (?) are not supported"
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxFlowDepth {
				return t, "brackets are nested too deep"
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if t.Type != token.SequenceEntryType {
			dashes = 0
		} else if dashes++; dashes > maxDashes {
			return t, "lists are nested too deep"
		}
	}
	return nil, ""
}

type converter struct {
	file     string
	problems Problems
	fatal    bool
}

func (c *converter) bad(t *token.Token, message, expected string) {
	c.problems = append(c.problems, Problem{
		File: c.file, Line: t.Position.Line, Column: max(1, t.Position.Column),
		Message: message, Expected: expected,
	})
}

func (c *converter) node(a ast.Node, depth int) *node {
	t := a.GetToken()
	n := &node{line: t.Position.Line, col: max(1, t.Position.Column), text: t.Value}
	if depth > maxDepth {
		c.bad(t, "nested too deep", "the layout that `dermatrend init` writes")
		c.fatal = true
		return n
	}
	switch a := a.(type) {
	case *ast.MappingNode:
		c.mapping(n, a.Values, depth)
		if a.IsFlowStyle {
			n.line, n.col = a.Start.Position.Line, max(1, a.Start.Position.Column)
		}
	case *ast.MappingValueNode:
		c.mapping(n, []*ast.MappingValueNode{a}, depth)
	case *ast.SequenceNode:
		n.kind = list
		for _, v := range a.Values {
			n.items = append(n.items, c.node(v, depth+1))
		}
	case *ast.NullNode:
		n.kind = null
	case *ast.IntegerNode, *ast.FloatNode:
		n.value = number(a.(ast.ScalarNode))
	case *ast.BoolNode:
		n.value = a.Value
	case *ast.LiteralNode:
		n.text = a.Value.Value
		n.value = n.text
	case *ast.StringNode:
		n.text = a.Value
		n.value = n.text
	default: // .nan and .inf too: the schema then says that a text is no number
		n.value = t.Value
	}
	return n
}

func (c *converter) mapping(n *node, values []*ast.MappingValueNode, depth int) {
	n.kind = mapping
	for i, v := range values {
		t := v.Key.GetToken()
		if i == 0 {
			n.line, n.col = t.Position.Line, max(1, t.Position.Column)
		}
		if first := n.entry(t.Value); first != nil {
			c.bad(t, fmt.Sprintf("key %q is given twice, first in line %d", t.Value, first.line), "each key once")
			continue
		}
		n.entries = append(n.entries, entry{
			key: t.Value, line: t.Position.Line, col: max(1, t.Position.Column),
			value: c.node(v.Value, depth+1),
		})
	}
}

// number is the float64 of a YAML number, or its text where it is none that
// float64 holds.
func number(a ast.ScalarNode) any {
	switch v := a.GetValue().(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case float64:
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v
		}
	}
	text := a.GetToken().Value
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v
	}
	return text
}
