package console

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"nacre/server/config/diff"
	"nacre/server/config/format"
	"nacre/views/parts"
	"nacre/views/words"
)

// Limits of a difference on a page: rows in all, lines that are not worth a fold, lines within one fold, bytes of one line, changed keys.
const (
	maxDiffRows = 4000
	minFoldRows = 2
	maxFoldRows = 400
	maxDiffLine = 4000
	maxKeyRows  = 40
)

// maxCompared is how many lines two texts may have together: each takes a hundred bytes while they are compared.
const maxCompared = 1_000_000

var lineEnd = []byte("\n")

// side is one of two texts that are compared.
type side struct {
	Name    string
	Content []byte
}

// difference words what lies between two texts. The query's view=split shows them side by side, space=ignore leaves white space out.
func (v *visit) difference(a, b side) parts.Diff {
	w := &v.w.Parts
	d := parts.Diff{Left: a.Name, Right: b.Name, Split: v.value("view") == "split"}
	if n := bytes.Count(a.Content, lineEnd) + bytes.Count(b.Content, lineEnd); n > maxCompared && !bytes.Equal(a.Content, b.Content) {
		d.Same = words.Fill(w.DiffLong, v.w.Number(maxCompared))
		return d
	}
	c := diff.Lines(a.Content, b.Content, diff.Options{IgnoreSpace: v.value("space") == "ignore"})
	if len(c.Hunks) == 0 {
		d.Same = w.NoDifference
		return d
	}
	d.Added, d.Removed = words.Fill(w.LinesAdded, v.w.Number(int64(c.Added))), words.Fill(w.LinesRemoved, v.w.Number(int64(c.Removed)))
	left, at := maxDiffRows, 0
	for _, h := range c.Hunks {
		if left <= 0 {
			d.Cut = w.DiffCut
			return d
		}
		v.fold(&d, c, at, h.From)
		rows := v.diffRows(c, h.From, min(h.To, h.From+left), d.Split)
		d.Pieces = append(d.Pieces, parts.Piece{Rows: rows})
		if h.To > h.From+left {
			d.Cut = w.DiffCut
		}
		left -= len(rows)
		at = h.To
	}
	if d.Cut == "" {
		v.fold(&d, c, at, len(c.Lines))
	}
	return d
}

// fold adds lines that are equal, behind a word on how many they are unless they are few.
func (v *visit) fold(d *parts.Diff, c *diff.Comparison, from, to int) {
	if to-from <= minFoldRows {
		if from < to {
			d.Pieces = append(d.Pieces, parts.Piece{Rows: v.diffRows(c, from, to, d.Split)})
		}
		return
	}
	p := parts.Piece{Skipped: words.Fill(v.w.Parts.Unchanged, v.w.Number(int64(to-from)))}
	if to-from <= maxFoldRows {
		p.Rows = v.diffRows(c, from, to, d.Split)
	}
	d.Pieces = append(d.Pieces, p)
}

func (v *visit) diffRows(c *diff.Comparison, from, to int, split bool) []parts.DiffRow {
	if split {
		var rows []parts.DiffRow
		for _, r := range c.Rows(from, to) {
			row := parts.DiffRow{Op: "same"}
			if r.Left != nil {
				row.LeftNo, row.Left = lineNo(r.Left.A), v.spans(r.Left)
			}
			if r.Right != nil {
				row.RightNo, row.Right = lineNo(r.Right.B), v.spans(r.Right)
			}
			switch {
			case r.Left == nil:
				row.Op = "add"
			case r.Right == nil:
				row.Op = "del"
			case r.Left.Op != ' ':
				row.Op = "pair"
			}
			rows = append(rows, row)
		}
		return rows
	}
	rows := make([]parts.DiffRow, 0, to-from)
	for i := from; i < to; i++ {
		l := &c.Lines[i]
		row := parts.DiffRow{Op: "same", LeftNo: lineNo(l.A), RightNo: lineNo(l.B)}
		switch l.Op {
		case '+':
			row.Op, row.Right = "add", v.spans(l)
		case '-':
			row.Op, row.Left = "del", v.spans(l)
		default:
			row.Left = v.spans(l)
		}
		rows = append(rows, row)
	}
	return rows
}

func lineNo(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// spans cuts a line where what changed begins and ends. What can't be seen of a changed line is said: that a carriage return ends it, which
// a browser would make a line break of, or that the text ends with it.
func (v *visit) spans(l *diff.Line) []parts.Span {
	text, cut := strings.CutSuffix(l.Text, "\r")
	text, end := upTo(text, maxDiffLine)
	var list []parts.Span
	at := 0
	for _, s := range l.Spans {
		if s.From >= len(text) {
			break
		}
		if s.From > at {
			list = append(list, parts.Span{Text: text[at:s.From]})
		}
		at = min(s.To, len(text))
		list = append(list, parts.Span{Text: text[s.From:at], Mark: true})
	}
	if at < len(text) || end != "" {
		list = append(list, parts.Span{Text: text[at:] + end})
	}
	if l.Op == ' ' {
		return list
	}
	if cut {
		list = append(list, parts.Span{Text: "CR", Note: true})
	}
	if l.NoBreak {
		list = append(list, parts.Span{Text: v.w.Parts.NoLineBreak, Note: true})
	}
	return list
}

// keyChanges are the keys that two contents do not have alike, worded.
type keyChanges struct {
	Summary, More string
	Rows          []parts.KeyChange
}

// keyDifference compares two contents by their keys; nil where they have none that can be told, as in plain text.
func (v *visit) keyDifference(typ string, a, b []byte) *keyChanges {
	changes, err := diff.Keys(format.Type(typ), a, b)
	if err != nil {
		return nil
	}
	w := &v.w.Parts
	out := &keyChanges{Summary: words.Fill(w.KeysChanged, v.w.Number(int64(len(changes.Changed))), v.w.Number(int64(len(changes.Added))), v.w.Number(int64(len(changes.Removed))))}
	all := 0
	add := func(kind, word string, list []diff.KeyChange) {
		all += len(list)
		for _, c := range list {
			if len(out.Rows) == maxKeyRows {
				return
			}
			out.Rows = append(out.Rows, parts.KeyChange{Kind: kind, Word: word, Key: c.Key, Before: short(c.Before), After: short(c.After)})
		}
	}
	add("removed", w.KeyRemoved, changes.Removed)
	add("changed", w.KeyChanged, changes.Changed)
	add("added", w.KeyAdded, changes.Added)
	if all > len(out.Rows) {
		out.More = words.Fill(w.MoreKeys, v.w.Number(int64(all-len(out.Rows))))
	}
	return out
}

// pairs lists those of some names, each with a value before and after, that changed.
func (v *visit) pairs(all [][3]string) []parts.KeyChange {
	w := &v.w.Parts
	var list []parts.KeyChange
	for _, x := range all {
		c := parts.KeyChange{Kind: "changed", Word: w.KeyChanged, Key: x[0], Before: short(x[1]), After: short(x[2])}
		switch {
		case x[1] == x[2]:
			continue
		case x[1] == "":
			c.Kind, c.Word = "added", w.KeyAdded
		case x[2] == "":
			c.Kind, c.Word = "removed", w.KeyRemoved
		}
		list = append(list, c)
	}
	return list
}

// maxKeyValue is how many bytes of a value fit into a cell.
const maxKeyValue = 400

// upTo cuts a text to most bytes, not within a character; then end says that there was more.
func upTo(s string, most int) (text, end string) {
	if len(s) <= most {
		return s, ""
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most], "…"
}

// short cuts a value to what fits into a cell.
func short(s string) string {
	text, end := upTo(s, maxKeyValue)
	return text + end
}
