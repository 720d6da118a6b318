package format

import (
	"bytes"
	"unicode/utf8"
)

// parseProperties reads what Java's Properties read: logical lines, of which one may go over several
// lines, each a key and a value.
func parseProperties(r *report, s *pairs) {
	p := &propParser{report: r, s: s, seen: make(map[string]int)}
	for _, p.at = r.body(); p.at < len(r.text); {
		p.logical()
	}
	if p.beyond > 0 {
		r.warn("propUnicode", p.firstBeyond, p.firstBeyond+1, p.beyond)
	}
}

type propParser struct {
	*report
	s                   *pairs
	at                  int
	seen                map[string]int // offsets of keys
	beyond, firstBeyond int            // lines with characters beyond ASCII
}

// natural returns the end of the line at from, and where the next one begins.
func (p *propParser) natural(from int) (end, next int) {
	i := bytes.IndexAny(p.text[from:], "\r\n")
	if i < 0 {
		return len(p.text), len(p.text)
	}
	end, next = from+i, from+i+1
	if p.text[end] == '\r' && next < len(p.text) && p.text[next] == '\n' {
		next++
	}
	return end, next
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }

func (p *propParser) skipBlanks(from, end int) int {
	for from < end && isBlank(p.text[from]) {
		from++
	}
	return from
}

// propText is a logical line with its escapes read.
type propText struct {
	key, value []byte
	part       int
	separated  bool // by = or :, not by white space alone
}

// parts of a logical line.
const (
	propKey   = iota
	propGap   // white space, and perhaps = or :
	propValue // up to the end
)

// logical reads one logical line.
func (p *propParser) logical() {
	end, next := p.natural(p.at)
	from := p.skipBlanks(p.at, end)
	p.at = next
	if from == end || p.text[from] == '#' || p.text[from] == '!' {
		return
	}
	if from+1 == end && p.text[from] == '\\' && next < len(p.text) {
		return // goes on, but has nothing yet: the next line is as good as the first
	}
	var t propText
	key, last := from, from
	for {
		goesOn := p.piece(&t, from, end)
		last = end
		if !goesOn {
			break
		}
		if next >= len(p.text) {
			p.warn("propContinuation", end-1, end)
			break
		}
		end, next = p.natural(next)
		from = p.skipBlanks(p.startOf(end, last), end)
		p.at = next
	}
	if last > key && isBlank(p.text[last-1]) && len(t.value) > 0 {
		start := last
		for isBlank(p.text[start-1]) {
			start--
		}
		p.warn("propTrailing", start, last)
	}
	p.pair(&t, key, last)
}

// startOf returns where the line that ends at end begins; the line before it ends at last.
func (p *propParser) startOf(end, last int) int {
	start := last + 1
	if p.text[last] == '\r' && start < len(p.text) && p.text[start] == '\n' {
		start++
	}
	return min(start, end)
}

func (p *propParser) pair(t *propText, key, last int) {
	name := string(t.key)
	if !t.separated && len(t.value) == 0 {
		p.warn("propNoValue", key, last)
	}
	if first, twice := p.seen[name]; twice {
		p.warn("propDuplicate", key, key+len(t.key), shown(name), p.line(first))
	} else {
		p.seen[name] = key
	}
	if p.s.wanted() {
		p.s.add(Pair{Key: name, Value: string(t.value), Line: p.line(key)})
	}
}

// piece reads one natural line of a logical one; true when the next belongs to it, too.
func (p *propParser) piece(t *propText, from, end int) (goesOn bool) {
	beyond := false
	for i := from; i < end; i++ {
		c := p.text[i]
		if c >= utf8.RuneSelf && !beyond {
			if beyond = true; p.beyond == 0 {
				p.firstBeyond = i
			}
			p.beyond++
		}
		if c == '\\' {
			if i+1 == end {
				return true
			}
			b, n := p.escape(i, end)
			if t.part == propGap {
				t.part = propValue
			}
			t.write(b...)
			i += n - 1
			continue
		}
		if t.gap(c) {
			continue
		}
		t.write(c)
	}
	return false
}

// gap reports whether c stands between key and value.
func (t *propText) gap(c byte) bool {
	switch {
	case t.part == propValue:
		return false
	case isBlank(c):
		t.part = propGap
		return true
	case (c == '=' || c == ':') && !t.separated:
		t.part, t.separated = propGap, true
		return true
	case t.part == propGap:
		t.part = propValue
	}
	return false
}

func (t *propText) write(b ...byte) {
	if t.part == propValue {
		t.value = append(t.value, b...)
	} else {
		t.key = append(t.key, b...)
	}
}

// escape reads the escape at i and returns what it stands for and its length.
func (p *propParser) escape(i, end int) ([]byte, int) {
	switch c := p.text[i+1]; c {
	case 't':
		return []byte{'\t'}, 2
	case 'n':
		return []byte{'\n'}, 2
	case 'r':
		return []byte{'\r'}, 2
	case 'f':
		return []byte{'\f'}, 2
	case 'u':
		if i+6 > end || !isHex(p.text[i+2:i+6]) {
			p.fail("propEscape", i, min(i+6, end))
			return nil, 2
		}
		c, n := hexRune(p.text[i+2:i+6]), 6
		if c >= 0xd800 && c < 0xdc00 && i+12 <= end && p.text[i+6] == '\\' && p.text[i+7] == 'u' && isHex(p.text[i+8:i+12]) {
			if low := hexRune(p.text[i+8 : i+12]); low >= 0xdc00 && low < 0xe000 {
				c, n = (c-0xd800)<<10+low-0xdc00+0x10000, 12
			}
		}
		return utf8.AppendRune(nil, c), n
	default:
		return []byte{c}, 2
	}
}

func hexRune(b []byte) rune {
	n := rune(0)
	for _, c := range b {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		n = n<<4 | rune(c)
	}
	return n
}
