package format

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
	"unicode/utf8"
)

// report collects the problems of one content and finds their places.
type report struct {
	text       []byte
	most       int
	errorsOnly bool
	list       []found
	lines      []int // offsets at which lines begin, made when first needed
}

// found is a problem whose place is not yet worked out.
type found struct {
	from, to       int // offsets
	severity, code string
	args           []any
}

func newReport(text []byte) *report { return &report{text: text, most: MostProblems} }

// full reports whether further problems would not be told.
func (r *report) full() bool { return len(r.list) >= r.most }

func (r *report) fail(code string, from, to int, args ...any) { r.add(Error, code, from, to, args) }
func (r *report) warn(code string, from, to int, args ...any) { r.add(Warning, code, from, to, args) }

func (r *report) add(severity, code string, from, to int, args []any) {
	if r.full() && severity == Error { // an error is worth more than the last warning
		if i := slices.IndexFunc(r.list, func(f found) bool { return f.severity == Warning }); i >= 0 {
			r.list = slices.Delete(r.list, i, i+1)
		}
	}
	if r.full() || r.errorsOnly && severity != Error {
		return
	}
	from = r.runeStart(min(max(from, 0), len(r.text)))
	to = min(max(to, from), len(r.text))
	if start := r.runeStart(to); start < to {
		_, n := utf8.DecodeRune(r.text[start:])
		to = start + n
	}
	r.list = append(r.list, found{from, to, severity, code, args})
}

// runeStart returns the offset at which the character begins in which an offset is.
func (r *report) runeStart(at int) int {
	for back := range utf8.UTFMax {
		if start := at - back; start >= 0 && start < len(r.text) && utf8.RuneStart(r.text[start]) {
			if _, n := utf8.DecodeRune(r.text[start:]); start+n > at {
				return start
			}
			break
		}
	}
	return at
}

// lineStarts returns the offsets at which lines begin; a line ends with LF, CR or both.
func (r *report) lineStarts() []int {
	if r.lines != nil {
		return r.lines
	}
	r.lines = make([]int, 1, 2+bytes.Count(r.text, []byte{'\n'}))
	for i := 0; i < len(r.text); i++ {
		next := bytes.IndexAny(r.text[i:], "\r\n")
		if next < 0 {
			break
		}
		i += next
		if r.text[i] == '\r' && i+1 < len(r.text) && r.text[i+1] == '\n' {
			i++
		}
		r.lines = append(r.lines, i+1)
	}
	return r.lines
}

// line returns the number of the line of an offset, from 1.
func (r *report) line(offset int) int {
	return sort.SearchInts(r.lineStarts(), offset+1)
}

// lineEnd returns the offset at which the text of a line ends, before its line break.
func (r *report) lineEnd(line int) int {
	starts := r.lineStarts()
	if line >= len(starts) {
		return len(r.text)
	}
	end := starts[line]
	for end > starts[line-1] && (r.text[end-1] == '\n' || r.text[end-1] == '\r') {
		end--
	}
	return end
}

// problems returns what was found in the order of the text.
func (r *report) problems() []Problem {
	slices.SortStableFunc(r.list, func(a, b found) int { return cmp.Compare(a.from, b.from) })
	out := make([]Problem, len(r.list))
	at, col := 0, 1 // a place that is known, from which the next is counted
	for i, f := range r.list {
		line := r.line(f.from)
		start, end := r.lineStarts()[line-1], r.lineEnd(line)
		if at < start {
			at, col = start, 1
		}
		from := min(f.from, end)
		if from >= at {
			at, col = from, col+units(r.text[at:from])
		}
		out[i] = Problem{
			Line: line, Column: col, EndColumn: col + units(r.text[at:max(at, min(f.to, end))]),
			Severity: f.severity, Code: f.code, Args: f.args, Text: wording(f.code, f.args),
		}
		if out[i].Args == nil {
			out[i].Args = []any{}
		}
	}
	return out
}

// units counts the UTF-16 code units of b; a byte that is not UTF-8 counts as one.
func units(b []byte) int {
	n := 0
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			n, b = n+1, b[1:]
			continue
		}
		c, size := utf8.DecodeRune(b)
		if n++; c > 0xffff {
			n++
		}
		b = b[size:]
	}
	return n
}

// checkBytes reports what no format should have, each kind once, at its first place; false when the
// content can't be read as one with a syntax.
func (r *report) checkBytes(syntax bool) bool {
	if bytes.HasPrefix(r.text, bom) {
		r.warn("bom", 0, len(bom))
	}
	if i := bytes.IndexByte(r.text, 0); i >= 0 {
		r.warn("nul", i, i+1)
	}
	r.checkBreaks()
	return r.checkUTF8(syntax)
}

func (r *report) checkUTF8(syntax bool) bool {
	if utf8.Valid(r.text) {
		return true
	}
	for at := 0; ; {
		c, size := utf8.DecodeRune(r.text[at:])
		if c == utf8.RuneError && size == 1 {
			severity := Warning
			if syntax {
				severity = Error
			}
			r.add(severity, "utf8", at, at+1, []any{int(r.text[at])})
			return false
		}
		at += size
	}
}

// checkBreaks reports the first line that ends otherwise than most do.
func (r *report) checkBreaks() {
	lf, crlf := bytes.Count(r.text, []byte{'\n'}), bytes.Count(r.text, []byte("\r\n"))
	if cr := bytes.Count(r.text, []byte{'\r'}); cr > crlf {
		for i := range r.text {
			if r.text[i] == '\r' && (i+1 == len(r.text) || r.text[i+1] != '\n') {
				r.warn("cr", i, i+1, cr-crlf)
				break
			}
		}
	}
	if crlf == 0 || crlf == lf {
		return
	}
	few, odd := lf-crlf, "LF"
	if crlf < few {
		few, odd = crlf, "CRLF"
	}
	for i := 0; ; i++ {
		i += bytes.IndexByte(r.text[i:], '\n')
		if (i > 0 && r.text[i-1] == '\r') == (odd == "CRLF") {
			r.warn("mixedBreaks", i, i, few, odd, lf)
			return
		}
	}
}
