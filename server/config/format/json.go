package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// jsonParser reads JSON as RFC 8259 has it, and stops at the first error.
type jsonParser struct {
	*report
	s     *pairs
	at    int
	opens []int // offsets of the brackets that are open
	seen  []map[string]int
}

func parseJSON(r *report, s *pairs) {
	text, from := r.body()
	p := &jsonParser{report: r, s: s, at: from}
	p.space()
	if len(bytes.TrimSpace(text)) == 0 {
		r.fail("jsonEmpty", len(r.text), len(r.text))
		return
	}
	if !p.value("", p.at) {
		return
	}
	if p.space(); p.at < len(p.text) {
		p.unexpected("jsonAfter")
	}
}

func (p *jsonParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *jsonParser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

// unexpected reports what stands where code says that something else should; false, for the caller to return.
func (p *jsonParser) unexpected(code string, args ...any) bool {
	if p.at >= len(p.text) && len(p.opens) > 0 {
		o := p.opens[len(p.opens)-1]
		p.fail("jsonEnd", p.at, p.at, string(p.text[o]), p.line(o))
		return false
	}
	_, size := utf8.DecodeRune(p.text[p.at:])
	switch rest := p.text[p.at:]; {
	case bytes.HasPrefix(rest, []byte("//")), bytes.HasPrefix(rest, []byte("/*")), p.peek() == '#':
		p.fail("jsonComment", p.at, p.lineEnd(p.line(p.at)))
	case p.peek() == '\'':
		p.fail("jsonSingleQuote", p.at, p.at+1)
	default:
		p.fail(code, p.at, p.at+size, args...)
	}
	return false
}

func (p *jsonParser) here() string {
	if p.at >= len(p.text) {
		return "the end"
	}
	_, size := utf8.DecodeRune(p.text[p.at:])
	return shown(p.text[p.at : p.at+size])
}

// value reads one value; line is the offset of the key or element it belongs to.
func (p *jsonParser) value(path string, key int) bool {
	switch c := p.peek(); {
	case c == '{':
		return p.object(path, key)
	case c == '[':
		return p.array(path, key)
	case c == '"':
		text, ok := p.quoted()
		if ok && p.s.wanted() {
			p.s.add(Pair{path, unquote(text), true, p.line(key)})
		}
		return ok
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9' || isLetter(c):
		return p.bare(path, key)
	}
	return p.unexpected("jsonValue", p.here())
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// bare reads true, false, null or a number.
func (p *jsonParser) bare(path string, key int) bool {
	from := p.at
	for p.at < len(p.text) && (isLetter(p.text[p.at]) || p.text[p.at] >= '0' && p.text[p.at] <= '9' || bytes.IndexByte([]byte("+-."), p.text[p.at]) >= 0) {
		p.at++
	}
	word := p.text[from:p.at]
	switch first := word[0]; {
	case string(word) == "true", string(word) == "false", string(word) == "null", isNumber(word):
	case isLetter(first):
		p.fail("jsonWord", from, p.at, shown(word))
		return false
	default:
		p.fail("jsonNumber", from, p.at, shown(word))
		return false
	}
	if p.s.wanted() {
		p.s.add(Pair{path, string(word), false, p.line(key)})
	}
	return true
}

// isNumber reports whether b is a number as JSON has it.
func isNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	skip := func(set string) bool {
		if len(b) > 0 && bytes.IndexByte([]byte(set), b[0]) >= 0 {
			b = b[1:]
			return true
		}
		return false
	}
	skip("-")
	if !skip("0") && !digits() {
		return false
	}
	if skip(".") && !digits() {
		return false
	}
	if skip("eE") {
		skip("+-")
		if !digits() {
			return false
		}
	}
	return len(b) == 0
}

// quoted reads a string and returns it with its quotes.
func (p *jsonParser) quoted() ([]byte, bool) {
	from := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[from:p.at], true
		case c == '\n' || c == '\r':
			p.fail("jsonString", from, p.at)
			return nil, false
		case c < ' ':
			p.fail("jsonControl", p.at, p.at+1, int(c), fmt.Sprintf(`\u%04x`, c))
			return nil, false
		case c == '\\':
			if n := escapeLength(p.text[p.at:]); n == 0 {
				p.fail("jsonEscape", p.at, p.at+2, shown(p.text[p.at:min(p.at+2, len(p.text))]))
				return nil, false
			} else {
				p.at += n - 1
			}
		}
	}
	p.fail("jsonString", from, p.at)
	return nil, false
}

// escapeLength returns the length of the escape that b begins with, 0 when it is none.
func escapeLength(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case bytes.IndexByte([]byte(`"\/bfnrt`), b[1]) >= 0:
		return 2
	case b[1] == 'u' && len(b) >= 6 && isHex(b[2:6]):
		return 6
	}
	return 0
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

func unquote(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1])
	}
	var s string
	if json.Unmarshal(b, &s) != nil { // can't be: quoted has read it
		return string(b)
	}
	return s
}

// open enters an object or array; false when that is too deep.
func (p *jsonParser) open() bool {
	if len(p.opens) == MostDepth {
		p.fail("tooDeep", p.at, p.at+1, MostDepth)
		return false
	}
	p.opens = append(p.opens, p.at)
	p.at++
	p.space()
	return true
}

// next goes on after a member: more when another one follows. With ok false there is an error.
func (p *jsonParser) next(end byte) (more, ok bool) {
	p.space()
	switch c := p.peek(); {
	case c == end:
		p.at++
		p.opens = p.opens[:len(p.opens)-1]
		return false, true
	case c == ',':
		comma := p.at
		p.at++
		if p.space(); p.peek() == end {
			p.fail("jsonTrailing", comma, comma+1)
			return false, false
		}
		return true, true
	case c == ']' || c == '}':
		o := p.opens[len(p.opens)-1]
		return false, p.unexpected("jsonMismatch", string(c), string(p.text[o]), p.line(o))
	}
	return false, p.unexpected("jsonComma")
}

func (p *jsonParser) array(path string, key int) bool {
	if !p.open() {
		return false
	}
	if p.peek() == ']' {
		return p.empty(path, "[]", key)
	}
	for i := 0; ; i++ {
		at := ""
		if p.s.wanted() {
			at = element(path, i)
		}
		if !p.value(at, p.at) {
			return false
		}
		if more, ok := p.next(']'); !more {
			return ok
		}
	}
}

func (p *jsonParser) empty(path, text string, key int) bool {
	p.at++
	p.opens = p.opens[:len(p.opens)-1]
	if p.s.wanted() {
		p.s.add(Pair{path, text, false, p.line(key)})
	}
	return true
}

func (p *jsonParser) object(path string, key int) bool {
	if !p.open() {
		return false
	}
	if p.peek() == '}' {
		return p.empty(path, "{}", key)
	}
	seen := p.names(len(p.opens))
	for {
		from := p.at
		if p.peek() != '"' {
			return p.unexpected("jsonKey", p.here())
		}
		quoted, ok := p.quoted()
		if !ok {
			return false
		}
		name := unquote(quoted)
		if first, twice := seen[name]; twice && !p.full() {
			p.warn("jsonDuplicate", first, first+1, shown(name), p.line(from))
			p.warn("jsonDuplicate", from, p.at, shown(name), p.line(first))
		}
		seen[name] = from
		if p.space(); p.peek() != ':' {
			return p.unexpected("jsonColon")
		}
		p.at++
		p.space()
		at := ""
		if p.s.wanted() {
			at = child(path, name)
		}
		if !p.value(at, from) {
			return false
		}
		if more, ok := p.next('}'); !more {
			return ok
		}
	}
}

// names returns an empty map for the keys of an object at a depth, the one before it when that was
// small: clearing takes as long as a map was ever large.
func (p *jsonParser) names(depth int) map[string]int {
	for len(p.seen) <= depth {
		p.seen = append(p.seen, nil)
	}
	if m := p.seen[depth]; m == nil || len(m) > 64 {
		p.seen[depth] = make(map[string]int)
	} else {
		clear(m)
	}
	return p.seen[depth]
}
