package search

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"nacre/server/config"
)

// Fields that a hit can be in.
const (
	FieldDataID  = "dataId"
	FieldGroup   = "group"
	FieldDesc    = "desc"
	FieldContent = "content"
)

// Hit is where something that was looked for stands.
type Hit struct {
	// Field is one of those above.
	Field string
	// Gray is the name of the variant whose content it is, "" for the formal content.
	Gray string
	// Line, from 1, and Path are of contents; Path is the key of that line, "" when there is none or the content is larger than a MiB.
	Line int
	Path string
	// Text is the value of the field, or the line, or at most 200 bytes of it around the match.
	Text string
	// From and To are where in Text the match stands, or, when it is the path that matches, the path's last part.
	From, To int
}

const (
	maxText     = 200
	maxPathScan = 1 << 20
)

// hits returns where the words and the pair of m are in an item.
func (m *matcher) hits(k config.Key, it *config.Item) []Hit {
	var out []Hit
	for i := range m.words {
		if h, ok := m.words[i].hit(k, it); ok {
			out = append(out, h)
		}
	}
	if m.pair != nil {
		if h, ok := hitIn(k, it, m.pair.mark(), m.pair.find); ok {
			out = append(out, h)
		}
	}
	return out
}

func (w *word) hit(k config.Key, it *config.Item) (Hit, bool) {
	names := []Hit{{Field: FieldDataID, Text: k.DataID}, {Field: FieldGroup, Text: k.Group}}
	if it.Formal != nil && it.Formal.Desc != nil {
		names = append(names, Hit{Field: FieldDesc, Text: *it.Formal.Desc})
	}
	for _, h := range names {
		text := []byte(h.Text)
		if i := w.index(text); i >= 0 {
			h.Text, h.From, h.To = cutText(text, i, len(w.lower))
			return h, true
		}
	}
	return hitIn(k, it, w.needle, w.find)
}

// mark is what is to be marked in the line that was found.
func (p *pair) mark() *needle {
	if p.value != nil {
		return p.value
	}
	return p.key
}

// hitIn returns where find finds something in the contents of an item.
func hitIn(k config.Key, it *config.Item, mark *needle, find func(syntax, []byte) (place, bool)) (h Hit, ok bool) {
	contents(k, it, func(gray string, t syntax, content []byte) bool {
		var p place
		if p, ok = find(t, content); ok {
			h = hitAt(t, content, p, mark)
			h.Gray = gray
		}
		return ok
	})
	return h, ok
}

func hitAt(t syntax, content []byte, p place, mark *needle) Hit {
	start := bytes.LastIndexByte(content[:p.offset], '\n') + 1
	line, _, _ := bytes.Cut(content[start:], []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	h := Hit{Field: FieldContent, Line: bytes.Count(content[:start], []byte{'\n'}) + 1}
	if len(content) <= maxPathScan {
		h.Path = pathAt(t, content, p.offset)
	}
	from, length := min(p.offset-start, len(line)), len(mark.lower)
	if !p.exact {
		rest := line[from:]
		at := mark.index(rest)
		if at < 0 { // it is the path that matches: its last part stands in the line
			last := []byte(h.Path[strings.LastIndexByte(h.Path, '.')+1:])
			at, length = bytes.Index(rest, last), len(last)
		}
		if at < 0 {
			at, length = len(rest)-len(bytes.TrimLeft(rest, " \t")), 0
		}
		from += at
	}
	h.Text, h.From, h.To = cutText(line, from, length)
	return h
}

// pathAt returns the path of the key that what stands at offset belongs to.
func pathAt(t syntax, content []byte, offset int) string {
	var last []byte
	walk(t, content, func(path, _ []byte, start int) bool {
		if start <= offset {
			last = append(last[:0], path...)
		}
		return start <= offset
	})
	return string(last)
}

// cutText returns the line, or a part of it that has what stands at from.
func cutText(line []byte, from, length int) (text string, start, end int) {
	line = bytes.TrimRight(line, " \t")
	from = min(from, len(line))
	skip := 0
	for skip < from && (line[skip] == ' ' || line[skip] == '\t') {
		skip++
	}
	if len(line)-skip > maxText {
		skip = max(skip, min(from-maxText/4, len(line)-maxText))
		for skip < from && !utf8.RuneStart(line[skip]) {
			skip++
		}
	}
	line = line[skip:]
	if len(line) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		line = line[:cut]
	}
	text = string(line)
	start = min(max(from-skip, 0), len(text))
	return text, start, min(start+length, len(text))
}
