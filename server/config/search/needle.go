package search

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// needle is a text that is looked for in any case.
//
// Letters are the same when Unicode's simple folding says so and they take as many bytes: a match is as long as what was
// looked for. Only a handful differ in that (ß, the signs of Kelvin and Ångström), and they match as they are.
type needle struct {
	lower []byte // with A-Z made lower
	loose []bool // bytes of letters in cased; nil when there are none
	cased []letter

	anchor int    // the place in lower of the byte that is looked for first
	values []byte // what can stand there
}

// letter is one outside ASCII that has several forms.
type letter struct {
	offset int
	forms  []string
}

// newNeedle prepares a text that is not empty.
func newNeedle(text string) *needle {
	n := &needle{lower: []byte(text)}
	forms := make([][]byte, len(text)) // what can stand at each byte
	for i, r := range text {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			size = 1 // a byte that is no UTF-8
		}
		all := []string{text[i : i+size]}
		if size > 1 || r < utf8.RuneSelf {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				if utf8.RuneLen(f) == size {
					all = append(all, string(f))
				}
			}
		}
		for _, f := range all {
			for j := range size {
				if !bytes.Contains(forms[i+j], []byte{f[j]}) {
					forms[i+j] = append(forms[i+j], f[j])
				}
			}
		}
		if size == 1 {
			n.lower[i] = lower(text[i])
		} else if len(all) > 1 {
			if n.loose == nil {
				n.loose = make([]bool, len(text))
			}
			for j := range size {
				n.loose[i+j] = true
			}
			n.cased = append(n.cased, letter{i, all})
		}
	}
	best := 0
	for i, values := range forms {
		if c := cost(values); i == 0 || c < best {
			n.anchor, n.values, best = i, values, c
		}
	}
	return n
}

// frequent are the bytes of configurations, the most frequent first; those left out are rare.
const frequent = " e\ntraoinslcdpmu.:h-g/_=0\"byf1,v2wkx3#5E48679STARCONLDI\xe4\xe5\xe6\xe7\xe8\xe9jqzP'{}M\\()[]$U\r"

// cost guesses how often one of these bytes stands in a content.
func cost(values []byte) int {
	sum := 0
	for _, b := range values {
		sum++
		if i := strings.IndexByte(frequent, b); i >= 0 {
			sum += len(frequent) - i
		} else if b >= utf8.RuneSelf {
			sum += len(frequent) / 8
		}
	}
	return sum
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// index returns where the text begins in s, -1 when it does not.
func (n *needle) index(s []byte) int {
	last := len(s) - len(n.lower)
	if last < 0 {
		return -1
	}
	window := s[:last+n.anchor+1] // where the anchor can stand
	var next [4]int
	count := min(len(n.values), len(next))
	for i := range count {
		next[i] = after(window, n.values[i], n.anchor)
	}
	for {
		first := 0
		for i := 1; i < count; i++ {
			if next[i] < next[first] {
				first = i
			}
		}
		at := next[first]
		if at == len(window) {
			return -1
		}
		if n.at(s[at-n.anchor:]) {
			return at - n.anchor
		}
		next[first] = after(window, n.values[first], at+1)
	}
}

// after returns the place of the first b from i on, len(s) when there is none.
func after(s []byte, b byte, i int) int {
	if j := bytes.IndexByte(s[i:], b); j >= 0 {
		return i + j
	}
	return len(s)
}

// at reports whether s, which is long enough, begins with the text.
func (n *needle) at(s []byte) bool {
	for i, want := range n.lower {
		if lower(s[i]) != want && (n.loose == nil || !n.loose[i]) {
			return false
		}
	}
	for i := range n.cased {
		if l := &n.cased[i]; !l.begins(s[l.offset:]) {
			return false
		}
	}
	return true
}

// begins reports whether s begins with a form of l.
func (l *letter) begins(s []byte) bool {
	for _, f := range l.forms {
		if string(s[:len(f)]) == f {
			return true
		}
	}
	return false
}

// in reports whether the text stands in s, which may be of any size.
func (n *needle) in(s string) bool { return n.index([]byte(s)) >= 0 }
