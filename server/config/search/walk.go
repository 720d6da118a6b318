package search

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"sync"
)

// syntax is how a content writes keys.
type syntax uint8

const (
	plain syntax = iota // it has none
	yaml
	properties
	toml
	jsonText
	xmlText
)

// syntaxOf returns the syntax of a content by its type, or by its name where the type says nothing.
func syntaxOf(typ, dataID string) syntax {
	for _, name := range []string{typ, strings.TrimPrefix(path.Ext(dataID), ".")} {
		switch strings.ToLower(name) {
		case "yaml", "yml":
			return yaml
		case "properties":
			return properties
		case "toml":
			return toml
		case "json":
			return jsonText
		case "xml":
			return xmlText
		case "html":
			return plain
		}
	}
	return plain
}

// visit is called with the full path of a key, the text behind it in the same line, and where in the content the line begins,
// or, of JSON, the key. It may be called again with the same path for each further line of the value. path and value are valid
// until it returns; false ends the walk.
type visit func(path, value []byte, start int) bool

// walk reads the keys of a content in one pass and without memory of its own worth speaking of. It is made for searching,
// not for judging: it knows the usual forms of each syntax, takes escapes as they are written, and makes something of a
// content that is none. XML alone is parsed, which takes many times as long.
func walk(t syntax, content []byte, f visit) {
	w := walkers.Get().(*walker)
	w.content, w.at, w.start, w.visit, w.path, w.levels = content, 0, 0, f, w.path[:0], w.levels[:0]
	defer func() {
		w.content, w.visit = nil, nil
		walkers.Put(w)
	}()
	switch t {
	case yaml:
		w.yaml()
	case properties:
		w.properties()
	case toml:
		w.toml()
	case jsonText:
		w.json(false)
	case xmlText:
		w.xml()
	case plain:
	}
}

// walkers are used again: a search may walk through 100,000 contents.
var walkers = sync.Pool{New: func() any { return new(walker) }}

type walker struct {
	content []byte
	at      int
	start   int // of the present line, or of the present key of JSON
	visit   visit
	path    []byte
	levels  []level
}

// level is a key, or an element of a list, that the present line is within.
type level struct {
	indent int
	length int // of the path outside it
	index  int // of the element; -1 for a key
}

// Bounds on how deep keys are told apart, and how long a path becomes.
const (
	maxLevels = 100
	maxPath   = 1024
)

// next returns the next line without its end; false at the end of the content.
func (w *walker) next() ([]byte, bool) {
	if w.at >= len(w.content) {
		return nil, false
	}
	rest := w.content[w.at:]
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		n = len(rest)
	}
	w.start = w.at
	w.at += n + 1
	return bytes.TrimSuffix(rest[:n], []byte{'\r'}), true
}

func (w *walker) pushKey(indent int, key []byte) {
	w.levels = append(w.levels, level{indent, len(w.path), -1})
	if len(w.path) > 0 {
		w.path = append(w.path, '.')
	}
	w.path = append(w.path, key[:min(len(key), max(maxPath-len(w.path), 0))]...)
}

func (w *walker) pushIndex(indent, index int) {
	w.levels = append(w.levels, level{indent, len(w.path), index})
	w.path = append(strconv.AppendInt(append(w.path, '['), int64(index), 10), ']')
}

func (w *walker) pop() level {
	l := w.levels[len(w.levels)-1]
	w.levels = w.levels[:len(w.levels)-1]
	w.path = w.path[:l.length]
	return l
}

// popTo leaves what is at indent or deeper.
func (w *walker) popTo(indent int) {
	for len(w.levels) > 0 && w.levels[len(w.levels)-1].indent >= indent {
		w.pop()
	}
}

// yaml reads block collections; what stands in lines without a key belongs to the key before.
func (w *walker) yaml() {
	block := -1 // the indent of the key that a block of text belongs to
	documents := 0
	for {
		line, ok := w.next()
		if !ok {
			return
		}
		text := bytes.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if block >= 0 && (indent > block || len(text) == 0) {
			if len(text) > 0 && !w.visit(w.path, text, w.start) {
				return
			}
			continue
		}
		block = -1
		if len(text) == 0 || text[0] == '#' || text[0] == '%' {
			continue
		}
		if indent == 0 && bytes.HasPrefix(text, []byte("---")) {
			w.popTo(0)
			if documents++; documents > 1 { // as package format calls them
				w.path = append(strconv.AppendInt(append(w.path[:0], "---["...), int64(documents-1), 10), ']')
			}
			continue
		}
		documents = max(documents, 1)
		if len(w.levels) > maxLevels {
			w.popTo(indent)
		}
		for len(w.levels) <= maxLevels && text[0] == '-' && (len(text) == 1 || text[1] == ' ') {
			w.element(indent)
			rest := bytes.TrimLeft(text[1:], " ")
			indent += len(text) - len(rest)
			if text = rest; len(text) == 0 {
				break
			}
		}
		value := text
		if key, after, ok := yamlKey(text); ok {
			w.popTo(indent)
			w.pushKey(indent, key)
			value = after
		}
		if len(value) > 0 && (value[0] == '{' || value[0] == '[') {
			if !w.flow(w.start + cap(line) - cap(value)) { // value is a part of line, both end where content does
				return
			}
			continue
		}
		if !w.visit(w.path, unquote(value), w.start) {
			return
		}
		if len(value) > 0 && (value[0] == '|' || value[0] == '>') {
			block = indent
			if n := len(w.levels); n > 0 {
				block = w.levels[n-1].indent
			}
		}
	}
}

// flow reads a flow collection of YAML that begins at from, and goes on behind its last line; false ends the walk.
func (w *walker) flow(from int) bool {
	more := true
	inner := walker{content: w.content, at: from, path: w.path, visit: func(path, value []byte, start int) bool {
		more = w.visit(path, value, start)
		return more
	}}
	inner.json(true)
	if inner.at > w.at {
		w.at = inner.at
		w.next()
	}
	return more
}

// element goes on to the next element of the list at indent, or begins it.
func (w *walker) element(indent int) {
	index := 0
	for len(w.levels) > 0 {
		top := w.levels[len(w.levels)-1]
		if top.indent < indent || top.indent == indent && top.index < 0 {
			break
		}
		if w.pop(); top.indent == indent {
			index = top.index + 1
			break
		}
	}
	w.pushIndex(indent, index)
}

// yamlKey cuts a key off a line without indentation.
func yamlKey(text []byte) (key, value []byte, ok bool) {
	from := 0
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		end := bytes.IndexByte(text[1:], text[0])
		if end < 0 {
			return nil, nil, false
		}
		from = end + 2
	} else if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return nil, nil, false
	}
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '#':
			if i > 0 && text[i-1] == ' ' {
				return nil, nil, false
			}
		case ':':
			if i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\t' {
				return unquote(bytes.TrimRight(text[:i], " ")), bytes.TrimSpace(text[i+1:]), true
			}
		}
		if from > 0 && text[i] != ':' && text[i] != ' ' {
			return nil, nil, false // behind a quoted text comes no colon
		}
	}
	return nil, nil, false
}

// unquote takes quotation marks and, behind them, a comment away.
func unquote(value []byte) []byte {
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') {
		if end := bytes.LastIndexByte(value[1:], value[0]); end >= 0 {
			return value[1 : end+1]
		}
	}
	return value
}

func (w *walker) properties() {
	more := false // the line before ends with a backslash
	for {
		line, ok := w.next()
		if !ok {
			return
		}
		text := bytes.TrimLeft(line, " \t\f")
		if !more && (len(text) == 0 || text[0] == '#' || text[0] == '!') {
			continue
		}
		value := text
		if !more {
			end := propertyKey(text)
			w.path = append(w.path[:0], text[:min(end, maxPath)]...)
			value = bytes.TrimLeft(text[end:], " \t\f")
			if len(value) > 0 && (value[0] == '=' || value[0] == ':') {
				value = bytes.TrimLeft(value[1:], " \t\f")
			}
		}
		more = (len(text)-len(bytes.TrimRight(text, `\`)))%2 == 1
		if !w.visit(w.path, value, w.start) {
			return
		}
	}
}

// propertyKey returns where the key ends.
func propertyKey(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '=', ':', ' ', '\t', '\f':
			return i
		}
	}
	return len(text)
}

func (w *walker) toml() {
	var table []byte // the path of the table that is open
	var open []byte  // the quotation marks that end a text of several lines
	last, index := "", 0
	for {
		line, ok := w.next()
		if !ok {
			return
		}
		text := bytes.TrimSpace(line)
		if open != nil {
			if bytes.Contains(text, open) {
				open = nil
			}
			if !w.visit(w.path, text, w.start) {
				return
			}
			continue
		}
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		if name, list, ok := tomlTable(text); ok {
			table = append(table[:0], name...)
			if list {
				if index++; string(name) != last {
					last, index = string(name), 0
				}
				table = append(strconv.AppendInt(append(table, '['), int64(index), 10), ']')
			} else if last != "" && bytes.HasPrefix(name, []byte(last+".")) {
				table = append(append(append(append(table[:0], last...), '['), strconv.Itoa(index)...), ']')
				table = append(table, name[len(last):]...)
			}
			w.path = append(w.path[:0], table...)
			if !w.visit(w.path, nil, w.start) {
				return
			}
			continue
		}
		value := text
		if key, after, ok := bytes.Cut(text, []byte("=")); ok && text[0] != '"' || ok && bytes.Count(key, []byte{'"'}) == 2 {
			w.path = append(w.path[:0], table...)
			if len(table) > 0 {
				w.path = append(w.path, '.')
			}
			key = unquote(bytes.TrimSpace(key))
			w.path = append(w.path, key[:min(len(key), maxPath)]...)
			value = bytes.TrimSpace(after)
			for _, marks := range [][]byte{[]byte(`"""`), []byte(`'''`)} {
				if bytes.HasPrefix(value, marks) && !bytes.Contains(value[3:], marks) {
					open = marks
				}
			}
		}
		if !w.visit(w.path, unquote(value), w.start) {
			return
		}
	}
}

// tomlTable reads [name] or [[name]].
func tomlTable(text []byte) (name []byte, list, ok bool) {
	if text[0] != '[' {
		return nil, false, false
	}
	end := bytes.IndexByte(text, ']')
	if end < 0 {
		return nil, false, false
	}
	if name = text[1:min(end, maxPath)]; len(name) > 0 && name[0] == '[' {
		return bytes.TrimSpace(name[1:]), true, true
	}
	name = bytes.TrimSpace(name)
	return name, false, len(name) > 0 && bytes.IndexByte(name, ',') < 0
}
