// Package diff tells two texts apart: by lines as diff does, with what changed within a line; by the
// keys of a format; and it brings together two changes of one text.
//
// All functions are pure. For texts of many thousand lines that have little in common they look for
// a good answer instead of the shortest one, so that the time stays bounded.
package diff

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// Context is how many lines around a change belong to its hunk.
const Context = 3

// Options say what counts as a difference.
type Options struct {
	// IgnoreSpace takes lines for equal that differ in white space alone.
	IgnoreSpace bool
}

// Span is a part of a line's text, by byte offsets.
type Span struct{ From, To int }

// Line is one line of the comparison.
type Line struct {
	// Op is ' ' for a line of both texts, '-' for one of the first alone and '+' for one of the second.
	Op byte
	// A and B are its numbers in the two texts from 1, 0 where it has none.
	A, B int
	// Text is the line without its line break: that of the second text when both have it.
	Text string
	// Spans are the parts of a changed line that its counterpart does not have; nil when it has no
	// counterpart. Offsets are those of runes' beginnings.
	Spans []Span
	// NoBreak says that the text ends with this line, without a line break.
	NoBreak bool
}

// Hunk is a run of changes with the lines around them: Lines[From:To] of the comparison.
type Hunk struct {
	From, To int
	// A and B are the numbers of its first lines, ACount and BCount how many of each text it has.
	// Without lines the number is that of the line before.
	A, ACount, B, BCount int
}

// Header returns the line that stands above a hunk in a unified diff.
func (h Hunk) Header() string {
	part := func(from, count int) string {
		if count == 1 {
			return fmt.Sprint(from)
		}
		return fmt.Sprintf("%d,%d", from, count)
	}
	return "@@ -" + part(h.A, h.ACount) + " +" + part(h.B, h.BCount) + " @@"
}

// Comparison is all that is known of two texts.
type Comparison struct {
	// Lines are all lines of both texts in their order; removed ones stand before those that took their place.
	Lines []Line
	// Hunks are where the changes are; between them both texts are equal.
	Hunks []Hunk
	// Added and Removed count the lines with + and -.
	Added, Removed int
	// Coarse says that the texts were too different to look for the smallest change.
	Coarse bool
}

// Row is one line of a view side by side: nil where one side has nothing.
type Row struct{ Left, Right *Line }

// Equal reports whether the texts are equal.
func (c *Comparison) Equal() bool { return len(c.Hunks) == 0 }

// Rows pairs Lines[from:to] for a view side by side: lines of both texts beside themselves, removed
// ones beside those that took their place.
func (c *Comparison) Rows(from, to int) []Row {
	var out []Row
	for i := from; i < to; {
		if c.Lines[i].Op == ' ' {
			out = append(out, Row{&c.Lines[i], &c.Lines[i]})
			i++
			continue
		}
		mid := run(c.Lines[:to], i, '-')
		end := run(c.Lines[:to], mid, '+')
		for k := range max(mid-i, end-mid) {
			var r Row
			if i+k < mid {
				r.Left = &c.Lines[i+k]
			}
			if mid+k < end {
				r.Right = &c.Lines[mid+k]
			}
			out = append(out, r)
		}
		i = end
	}
	return out
}

// run returns the end of the run of lines with op that begins at from.
func run(lines []Line, from int, op byte) int {
	for from < len(lines) && lines[from].Op == op {
		from++
	}
	return from
}

// Lines compares two texts by lines.
func Lines(a, b []byte, o Options) *Comparison {
	la, lb := split(a), split(b)
	s := compare(la, lb, o)
	c := &Comparison{Lines: make([]Line, 0, max(len(la), len(lb))), Coarse: s.coarse}
	i, j := 0, 0
	for i < len(la) || j < len(lb) {
		switch {
		case i < len(la) && s.a[i]:
			c.add('-', i+1, 0, la[i])
			i++
			c.Removed++
		case j < len(lb) && s.b[j]:
			c.add('+', 0, j+1, lb[j])
			j++
			c.Added++
		default:
			c.add(' ', i+1, j+1, lb[j])
			i++
			j++
		}
	}
	c.hunks()
	c.spans()
	return c
}

func (c *Comparison) add(op byte, a, b int, text string) {
	whole := strings.TrimSuffix(text, "\n")
	c.Lines = append(c.Lines, Line{Op: op, A: a, B: b, Text: whole, NoBreak: len(whole) == len(text)})
}

func (c *Comparison) hunks() {
	for i := 0; i < len(c.Lines); i++ {
		if c.Lines[i].Op == ' ' {
			continue
		}
		end := i + 1
		for k := end; k < len(c.Lines) && k-end <= 2*Context; k++ {
			if c.Lines[k].Op != ' ' {
				end = k + 1
			}
		}
		c.Hunks = append(c.Hunks, c.hunk(max(0, i-Context), min(len(c.Lines), end+Context)))
		i = end
	}
}

func (c *Comparison) hunk(from, to int) Hunk {
	h := Hunk{From: from, To: to}
	for _, l := range c.Lines[from:to] {
		if l.A > 0 {
			h.ACount++
			h.A = cmp.Or(h.A, l.A)
		}
		if l.B > 0 {
			h.BCount++
			h.B = cmp.Or(h.B, l.B)
		}
	}
	for k := from - 1; k >= 0 && (h.ACount == 0 && h.A == 0 || h.BCount == 0 && h.B == 0); k-- {
		if h.ACount == 0 {
			h.A = cmp.Or(h.A, c.Lines[k].A)
		}
		if h.BCount == 0 {
			h.B = cmp.Or(h.B, c.Lines[k].B)
		}
	}
	return h
}

// Unified returns the changes as diff -u prints them, "" for equal texts; patch can apply it.
func Unified(a, b []byte, nameA, nameB string) string {
	c := Lines(a, b, Options{})
	if c.Equal() {
		return ""
	}
	var s strings.Builder
	fmt.Fprintf(&s, "--- %s\n+++ %s\n", nameA, nameB)
	for _, h := range c.Hunks {
		s.WriteString(h.Header())
		s.WriteByte('\n')
		for _, l := range c.Lines[h.From:h.To] {
			s.WriteByte(l.Op)
			s.WriteString(l.Text)
			s.WriteByte('\n')
			if l.NoBreak {
				s.WriteString("\\ No newline at end of file\n")
			}
		}
	}
	return s.String()
}

// split returns the lines of a text with their line breaks.
func split(text []byte) []string {
	s := string(text)
	out := make([]string, 0, bytes.Count(text, []byte{'\n'})+1)
	for len(s) > 0 {
		n := strings.IndexByte(s, '\n') + 1
		if n == 0 {
			n = len(s)
		}
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}
