// Package format knows the formats that contents have: what is wrong in them and where, which keys
// they have, how they are laid out.
//
// It is the authority on whether a content is well formed; the editor shows what it says. All
// functions are pure, take any bytes without panicking, and need time and memory in proportion to
// the content's size.
package format

import (
	"bytes"
	"fmt"
	"slices"

	"nacre/server/fault"
)

// Type is a format, by the name that Nacos gives it.
type Type string

// The formats. Text is everything else; the name "unset" counts as text, too.
const (
	Text       Type = "text"
	YAML       Type = "yaml"
	JSON       Type = "json"
	TOML       Type = "toml"
	Properties Type = "properties"
	XML        Type = "xml"
	HTML       Type = "html"
)

// Types returns all formats, in the order in which a person is offered them.
func Types() []Type { return []Type{Text, YAML, Properties, JSON, TOML, XML, HTML} }

// Valid reports whether t is one of Types.
func (t Type) Valid() bool { return slices.Contains(Types(), t) }

// Limits of what is told of one content.
const (
	// MostProblems is how many problems Check tells.
	MostProblems = 100
	// MostPairs is how many pairs Flatten tells.
	MostPairs = 100_000
	// MostDepth is how deep a content may be nested.
	MostDepth = 1000
	// MostFlattened is how many bytes the keys and values of Flatten may have in all: a deep content
	// or one with aliases has more of them than bytes.
	MostFlattened = 64 << 20
)

// Severities of a problem.
const (
	// Error is what makes readers of the format refuse the content.
	Error = "error"
	// Warning is what they read, but perhaps not as its author meant it.
	Warning = "warning"
)

// Problem is one thing that is wrong in a content.
type Problem struct {
	// Line counts from 1; a line ends with LF, CR or both.
	Line int `json:"line"`
	// Column and EndColumn count UTF-16 code units from 1, as editors in a browser do; what is wrong
	// ends before EndColumn, on the same line. They are equal where something is missing.
	Column    int    `json:"column"`
	EndColumn int    `json:"endColumn"`
	Severity  string `json:"severity"`
	// Code says what is wrong, one of Texts; Args are the values in its text, strings and ints.
	Code string `json:"code"`
	Args []any  `json:"args"`
	// Text says it in English, with what would be right.
	Text string `json:"text"`
}

// Pair is one key of a content and its value.
type Pair struct {
	// Key is the path from the root: spring.redis.host, list[0].name. Names with dots stand as they
	// are, as readers of properties take them.
	Key string
	// Value is a string's text, or what is written for anything else; "{}" and "[]" stand for what is empty.
	Value string
	// Quoted says that Value is a string in a format that knows other kinds: the "1" that is not 1.
	Quoted bool
	// Line is that of the key, from 1.
	Line int
}

// Check returns what is wrong in content, in the order of its lines, at most MostProblems. After an
// error of syntax the rest of the content is not looked at.
func Check(t Type, content []byte) []Problem {
	r := newReport(content)
	if p := parsers[t]; r.checkBytes(p != nil) && p != nil {
		p(r, nil)
	}
	return r.problems()
}

// Flatten returns the keys of content in their order, a key that is given twice twice. Faults:
// Invalid for a content with an error, for a format without keys and for one that is not among
// Types; Limited for more than MostPairs or MostFlattened.
func Flatten(t Type, content []byte) ([]Pair, error) {
	p := parsers[t]
	if p == nil || t == HTML {
		return nil, fault.New(fault.Invalid, "a content of type %q has no keys; yaml, json, toml, properties and xml have", string(t))
	}
	r := newReport(content)
	r.most = 1
	r.errorsOnly = true
	s := new(pairs)
	if r.checkUTF8(true) {
		p(r, s)
	}
	if s.err != nil {
		return nil, s.err
	}
	if list := r.problems(); len(list) > 0 {
		return nil, fault.New(fault.Invalid, "line %d, column %d: %s", list[0].Line, list[0].Column, list[0].Text)
	}
	return s.list, nil
}

// parsers read the formats that have a syntax. Each reports what is wrong and gives s the pairs that
// it finds; s is nil when nobody wants them.
var parsers = map[Type]func(r *report, s *pairs){
	YAML: parseYAML, JSON: parseJSON, TOML: parseTOML, Properties: parseProperties, XML: parseXML, HTML: parseHTML,
}

// pairs collects what Flatten returns.
type pairs struct {
	list []Pair
	size int
	err  error
}

// wanted reports whether more pairs are of use.
func (s *pairs) wanted() bool { return s != nil && s.err == nil }

func (s *pairs) add(p Pair) {
	if !s.wanted() {
		return
	}
	s.size += len(p.Key) + len(p.Value)
	switch {
	case len(s.list) == MostPairs:
		s.err = fault.New(fault.Limited, "the content has more than %d keys", MostPairs)
	case s.size > MostFlattened:
		s.err = fault.New(fault.Limited, "the keys and values of the content have more than %d bytes", MostFlattened)
	default:
		s.list = append(s.list, p)
	}
}

func (s *pairs) tooDeep() {
	s.err = fault.New(fault.Limited, "the content is nested deeper than %d levels", MostDepth)
}

func (s *pairs) tooLarge() {
	if s != nil {
		s.err = fault.New(fault.Limited, "the content has too many values to be taken apart")
	}
}

// child returns the path of a member of path.
func child(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// element returns the path of an element of path.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

var bom = []byte("\xef\xbb\xbf")

// body returns the text without a byte order mark, and the offset at which it begins.
func (r *report) body() ([]byte, int) {
	if bytes.HasPrefix(r.text, bom) {
		return r.text[len(bom):], len(bom)
	}
	return r.text, 0
}
