package diff

import (
	"unicode"
	"unicode/utf8"
)

// Limits of the comparison within lines; what is beyond them has no spans.
const (
	mostLineBytes = 4096      // of a line
	mostRunLines  = 200       // of a run of changed lines
	mostSpanBytes = 512 << 10 // of all lines that are compared
	wordBudget    = 20_000    // steps of one pair of lines
)

// spans finds what changed within lines that took the place of others: the first of a run is
// compared with the first of those, and so on.
func (c *Comparison) spans() {
	left := mostSpanBytes
	for i := 0; i < len(c.Lines) && left > 0; {
		if c.Lines[i].Op == ' ' {
			i++
			continue
		}
		mid := run(c.Lines, i, '-')
		end := run(c.Lines, mid, '+')
		if mid-i <= mostRunLines && end-mid <= mostRunLines {
			for k := range min(mid-i, end-mid) {
				l, r := &c.Lines[i+k], &c.Lines[mid+k]
				if len(l.Text) > mostLineBytes || len(r.Text) > mostLineBytes {
					continue
				}
				left -= len(l.Text) + len(r.Text)
				l.Spans, r.Spans = within(l.Text, r.Text)
			}
		}
		i = end
	}
}

// within returns what two lines do not have in common, nil when that is nearly all of them.
func within(a, b string) (inA, inB []Span) {
	wa, wb := words(a), words(b)
	ids := make(map[string]int, len(wa))
	s := diffIDs(intern(wa, ids, Options{}), intern(wb, ids, Options{}), wordBudget)
	inA, inB = changedSpans(wa, s.a), changedSpans(wb, s.b)
	if changedBytes(inA)*5 > len(a)*4 && changedBytes(inB)*5 > len(b)*4 {
		return nil, nil
	}
	return inA, inB
}

func changedBytes(spans []Span) int {
	n := 0
	for _, s := range spans {
		n += s.To - s.From
	}
	return n
}

// words cuts a line into runs of letters and digits, runs of white space, and single other characters.
func words(s string) []string {
	var out []string
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if k := kindOf(c); k != 0 {
			for n < len(s) {
				next, size := utf8.DecodeRuneInString(s[n:])
				if kindOf(next) != k {
					break
				}
				n += size
			}
		}
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

func kindOf(c rune) int {
	switch {
	case unicode.Is(unicode.Han, c):
		return 0
	case unicode.IsLetter(c), unicode.IsDigit(c), c == '_':
		return 1
	case unicode.IsSpace(c):
		return 2
	}
	return 0
}

// changedSpans returns the runs of changed words as offsets, never nil.
func changedSpans(words []string, changed []bool) []Span {
	out := []Span{}
	at := 0
	for i, w := range words {
		if changed[i] {
			if n := len(out); n > 0 && out[n-1].To == at {
				out[n-1].To += len(w)
			} else {
				out = append(out, Span{at, at + len(w)})
			}
		}
		at += len(w)
	}
	return out
}
