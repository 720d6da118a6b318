package search

import (
	"bytes"
	"strconv"

	"nacre/server/config/format"
)

// json reads tokens; a key's first visit has no value when an object or a list follows. With flow it reads one collection
// of YAML, whose texts need no quotation marks.
func (w *walker) json(flow bool) {
	var key []byte // the string before, nil when it was none: a key if a colon follows
	named := false // a key is on top of levels, and its value is due
	done := func() {
		if named {
			w.pop()
		}
		named = false
	}
	for w.at < len(w.content) {
		c := w.content[w.at]
		switch c {
		case '\n', ' ', '\t', '\r':
			w.at++
		case '"':
			if !named {
				w.start = w.at
			}
			text := w.jsonString()
			if n := len(w.levels); !named && key == nil && n > 0 && w.levels[n-1].indent == inObject {
				key = text
				continue
			}
			w.nextElement(named)
			if !w.visit(w.path, text, w.start) {
				return
			}
			done()
		case ':':
			w.at++
			if key != nil && len(w.levels) < maxLevels {
				w.pushKey(0, key)
				named = true
			}
			key = nil
		case '{', '[':
			if !named {
				w.start = w.at
			}
			w.at++
			w.nextElement(named)
			if !w.visit(w.path, nil, w.start) {
				return
			}
			if len(w.levels) >= maxLevels {
				return
			}
			l := level{indent: inObject, length: len(w.path), index: -1}
			if c == '[' {
				l.indent = inList
			}
			w.levels = append(w.levels, l)
			named, key = false, nil
		case '}', ']':
			w.at++
			done()
			key = nil
			if len(w.levels) > 0 {
				w.pop()
			}
			if n := len(w.levels); n > 0 && w.levels[n-1].indent == 0 {
				w.pop() // the key that this was the value of
			}
			if flow && len(w.levels) == 0 {
				return
			}
		case ',':
			w.at++
			done()
			key = nil
		default:
			if !named {
				w.start = w.at
			}
			text := w.bare(flow)
			if n := len(w.levels); flow && !named && key == nil && n > 0 && w.levels[n-1].indent == inObject {
				key = text
				continue
			}
			w.nextElement(named)
			if !w.visit(w.path, text, w.start) {
				return
			}
			done()
		}
	}
}

// What stands for indent in levels of JSON; that of a key is 0.
const (
	inObject = 1
	inList   = 2
)

// nextElement counts a value in a list, and makes the path end with its index.
func (w *walker) nextElement(named bool) {
	n := len(w.levels)
	if named || n == 0 || w.levels[n-1].indent != inList {
		return
	}
	l := &w.levels[n-1]
	l.index++
	w.path = append(strconv.AppendInt(append(w.path[:l.length], '['), int64(l.index), 10), ']')
}

// bare reads a text without quotation marks: a number, true, false or null, and with flow any.
func (w *walker) bare(flow bool) []byte {
	start := w.at
	for w.at++; w.at < len(w.content); w.at++ {
		c := w.content[w.at]
		if bytes.IndexByte([]byte(",]}\r\n"), c) >= 0 || !flow && bytes.IndexByte([]byte(": \t\"{["), c) >= 0 {
			break
		}
		if flow && c == ':' && (w.at+1 == len(w.content) || bytes.IndexByte([]byte(" \t\r\n"), w.content[w.at+1]) >= 0) {
			break
		}
	}
	return unquote(bytes.TrimRight(w.content[start:w.at], " \t"))
}

// jsonString reads a string, and returns it as it is written.
func (w *walker) jsonString() []byte {
	start := w.at + 1
	for w.at = start; w.at < len(w.content); w.at++ {
		switch w.content[w.at] {
		case '\\':
			w.at++
		case '"':
			w.at++
			return w.content[start : w.at-1]
		}
	}
	w.at = len(w.content)
	return w.content[min(start, len(w.content)):]
}

// xml visits the keys that the parser finds; of a content with an error there are none.
func (w *walker) xml() {
	pairs, err := format.Flatten(format.XML, w.content)
	if err != nil {
		return
	}
	line := 0
	for i := range pairs {
		for more := true; more && line < pairs[i].Line; line++ {
			_, more = w.next()
		}
		if !w.visit([]byte(pairs[i].Key), []byte(pairs[i].Value), w.start) {
			return
		}
	}
}
