package format

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlParser reads TOML with the library's parser, which knows the syntax of single expressions, and
// keeps by itself which tables there are: the library's decoder needs quadratic time for that.
type tomlParser struct {
	*report
	s       *pairs
	base    int
	u       unstable.Parser
	root    *tomlTable
	current *tomlTable
	path    string
}

// kinds of what a name stands for.
const (
	tomlImplicit = iota // a table that only stands in the middle of headers
	tomlExplicit        // a table with a header
	tomlDotted          // a table made by a key with dots
	tomlTables          // a list of tables; its node holds the last of them
	tomlValue           // anything else, inline tables included
)

type tomlTable struct {
	kind    int
	from    int // offset at which it was defined
	count   int // of a list of tables
	owner   *tomlTable
	members map[string]*tomlTable
}

func (t *tomlTable) member(name string, kind, from int) *tomlTable {
	if t.members == nil {
		t.members = make(map[string]*tomlTable)
	}
	m := &tomlTable{kind: kind, from: from}
	t.members[name] = m
	return m
}

func parseTOML(r *report, s *pairs) {
	text, base := r.body()
	p := &tomlParser{report: r, s: s, base: base, root: new(tomlTable)}
	p.current = p.root
	p.u.Reset(text)
	for p.u.NextExpression() {
		e := p.u.Expression()
		ok := true
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			ok = p.header(e)
		case unstable.KeyValue:
			ok = p.keyValue(p.current, p.path, e, 1)
		}
		if !ok {
			return
		}
	}
	var e *unstable.ParserError
	if err := p.u.Error(); errors.As(err, &e) {
		from, to := len(r.text), len(r.text)
		if len(e.Highlight) > 0 {
			at := p.u.Range(e.Highlight)
			from = base + int(at.Offset)
			to = from + int(at.Length)
		}
		p.fail("tomlSyntax", from, to, e.Message)
	} else if err != nil {
		p.fail("tomlSyntax", len(r.text), len(r.text), shown(err.Error()))
	}
}

// name is one part of a key.
type tomlName struct {
	text     string
	from, to int
}

func (p *tomlParser) names(it unstable.Iterator) []tomlName {
	var out []tomlName
	for it.Next() {
		n := it.Node()
		from := p.base + int(n.Raw.Offset)
		out = append(out, tomlName{string(n.Data), from, from + int(n.Raw.Length)})
	}
	return out
}

func tomlPath(names []tomlName) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = n.text
	}
	return strings.Join(parts, ".")
}

func (p *tomlParser) header(e *unstable.Node) bool {
	names := p.names(e.Key())
	if len(names) > MostDepth {
		p.fail("tooDeep", names[0].from, names[0].to, MostDepth)
		return false
	}
	t, path := p.root, ""
	for i, n := range names[:len(names)-1] {
		m := t.members[n.text]
		switch {
		case m == nil:
			m = t.member(n.text, tomlImplicit, n.from)
		case m.kind == tomlValue:
			p.fail("tomlNotTable", n.from, n.to, shown(tomlPath(names[:i+1])), p.line(m.from))
			return false
		}
		t = m
		if path = child(path, n.text); m.kind == tomlTables {
			path = element(path, m.count-1)
		}
	}
	n := names[len(names)-1]
	m, whole := t.members[n.text], tomlPath(names)
	path = child(path, n.text)
	if e.Kind == unstable.ArrayTable {
		switch {
		case m == nil:
			m = t.member(n.text, tomlTables, n.from)
		case m.kind != tomlTables:
			p.fail("tomlNotArray", n.from, n.to, shown(whole), p.line(m.from), shown(whole))
			return false
		}
		m.members = nil
		m.count++
		p.current, p.path = m, element(path, m.count-1)
		return true
	}
	switch {
	case m == nil:
		m = t.member(n.text, tomlExplicit, n.from)
	case m.kind == tomlImplicit:
		m.kind, m.from = tomlExplicit, n.from
	case m.kind == tomlValue:
		p.fail("tomlDuplicate", n.from, n.to, shown(whole), p.line(m.from))
		return false
	default:
		p.fail("tomlTable", n.from, n.to, shown(whole), p.line(m.from))
		return false
	}
	p.current, p.path = m, path
	return true
}

// keyValue defines a key in the table t, whose keys have this path.
func (p *tomlParser) keyValue(t *tomlTable, path string, e *unstable.Node, depth int) bool {
	names := p.names(e.Key())
	owner := t
	if depth+len(names) > MostDepth {
		p.fail("tooDeep", names[0].from, names[0].to, MostDepth)
		return false
	}
	for i, n := range names[:len(names)-1] {
		m := t.members[n.text]
		switch {
		case m == nil:
			m = t.member(n.text, tomlDotted, n.from)
			m.owner = owner
		case m.kind == tomlValue:
			p.fail("tomlNotTable", n.from, n.to, shown(tomlPath(names[:i+1])), p.line(m.from))
			return false
		case m.kind != tomlDotted || m.owner != owner:
			p.fail("tomlClosed", n.from, n.to, shown(tomlPath(names[:i+1])), p.line(m.from))
			return false
		}
		t = m
	}
	n := names[len(names)-1]
	if m := t.members[n.text]; m != nil {
		p.fail("tomlDuplicate", n.from, n.to, shown(tomlPath(names)), p.line(m.from))
		return false
	}
	t.member(n.text, tomlValue, n.from)
	if p.s.wanted() {
		path = child(path, tomlPath(names))
	}
	return p.value(path, e.Value(), n.from, depth+len(names))
}

// value looks at a value whose key is at an offset.
func (p *tomlParser) value(path string, v *unstable.Node, key, depth int) bool {
	if depth > MostDepth {
		p.fail("tooDeep", key, key+1, MostDepth)
		return false
	}
	text, quoted := string(v.Data), false
	switch v.Kind {
	case unstable.Array:
		it := v.Children()
		i := 0
		for ; it.Next(); i++ {
			at := ""
			if p.s.wanted() {
				at = element(path, i)
			}
			if !p.value(at, it.Node(), key, depth+1) {
				return false
			}
		}
		if i > 0 {
			return true
		}
		text = "[]"
	case unstable.InlineTable:
		t := new(tomlTable)
		it := v.Children()
		filled := false
		for it.Next() {
			filled = true
			if !p.keyValue(t, path, it.Node(), depth+1) {
				return false
			}
		}
		if filled {
			return true
		}
		text = "{}"
	case unstable.String:
		quoted = true
	case unstable.Integer, unstable.Float:
		if !tomlNumber.MatchString(text) || !fits(text) {
			return p.scalar("tomlNumber", v, key, text)
		}
	case unstable.LocalDate, unstable.LocalTime, unstable.LocalDateTime, unstable.DateTime:
		if !isDate(text) {
			return p.scalar("tomlDate", v, key, text)
		}
	}
	if p.s.wanted() {
		p.s.add(Pair{path, text, quoted, p.line(key)})
	}
	return true
}

// scalar reports a value that has the wrong form; false, for the caller to return.
func (p *tomlParser) scalar(code string, v *unstable.Node, key int, text string) bool {
	from, to := key, key+1
	if v.Raw.Length > 0 {
		from = p.base + int(v.Raw.Offset)
		to = from + int(v.Raw.Length)
	}
	p.fail(code, from, to, shown(text))
	return false
}

var tomlNumber = regexp.MustCompile(`^(?:[+-]?(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?|0x[0-9a-fA-F](?:_?[0-9a-fA-F])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*|[+-]?(?:inf|nan))$`)

// isDate reports whether text is a date, a time or both that exist.
func isDate(text string) bool {
	text = strings.ToUpper(text)
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range []string{time.DateOnly, "15:04:05", "15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// fits reports whether a number of the right form fits into 64 bits.
func fits(text string) bool {
	text = strings.ReplaceAll(text, "_", "")
	if strings.Contains(text, "n") { // inf, nan
		return true
	}
	if strings.Contains(text, ".") || !strings.HasPrefix(text, "0x") && strings.ContainsAny(text, "eE") {
		_, err := strconv.ParseFloat(text, 64)
		return err == nil
	}
	_, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 0, 64)
	return err == nil
}
