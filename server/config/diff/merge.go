package diff

import (
	"slices"
	"strings"
)

// The lines that stand around what a person has to decide on.
const (
	MarkMine   = "<<<<<<< mine"
	MarkBase   = "|||||||"
	MarkMiddle = "======="
	MarkTheirs = ">>>>>>> theirs"
)

// Conflict is a place that both have changed, each otherwise.
type Conflict struct {
	Base, Mine, Theirs string
	// From and To are the first and the last line of it in the merged text with the marks around it, from 1.
	From, To int
}

// Merged is what became of two changes of one text.
type Merged struct {
	Text      []byte
	Conflicts []Conflict
}

// Merge applies to base what mine and theirs have changed. Where both changed the same lines, each
// otherwise, or lines that touch, the text has all three between marks, and Conflicts tells it.
func Merge(base, mine, theirs []byte) Merged {
	o, a, b := split(base), split(mine), split(theirs)
	sa, sb := compare(o, a, Options{}), compare(o, b, Options{})
	toA, toB := matches(sa, len(o)), matches(sb, len(o))
	var m merger
	io, ia, ib := 0, 0, 0
	for {
		// Lines that are in all three.
		n := 0
		for io+n < len(o) && toA[io+n] == ia+n && toB[io+n] == ib+n {
			n++
		}
		m.write(o[io : io+n]...)
		io, ia, ib = io+n, ia+n, ib+n
		if io == len(o) && ia == len(a) && ib == len(b) {
			return m.out()
		}
		// Up to the next line that is in all three.
		no, na, nb := io, len(a), len(b)
		for no < len(o) && (toA[no] < 0 || toB[no] < 0) {
			no++
		}
		if no < len(o) {
			na, nb = toA[no], toB[no]
		}
		m.piece(o[io:no], a[ia:na], b[ib:nb])
		io, ia, ib = no, na, nb
	}
}

// matches returns for each line of the first text where it is in the second, -1 where it isn't.
func matches(s *script, n int) []int {
	out := make([]int, n)
	j := 0
	for i := range out {
		if s.a[i] {
			out[i] = -1
			continue
		}
		for s.b[j] {
			j++
		}
		out[i] = j
		j++
	}
	return out
}

type merger struct {
	text      strings.Builder
	lines     int
	conflicts []Conflict
}

func (m *merger) out() Merged { return Merged{[]byte(m.text.String()), m.conflicts} }

func (m *merger) write(lines ...string) {
	for _, l := range lines {
		m.text.WriteString(l)
	}
	m.lines += len(lines)
}

// piece writes a part that not all have alike.
func (m *merger) piece(base, mine, theirs []string) {
	switch {
	case slices.Equal(mine, theirs), slices.Equal(base, theirs):
		m.write(mine...)
	case slices.Equal(base, mine):
		m.write(theirs...)
	default:
		m.conflict(base, mine, theirs)
	}
}

// conflict writes what all three have.
func (m *merger) conflict(base, mine, theirs []string) {
	c := Conflict{strings.Join(base, ""), strings.Join(mine, ""), strings.Join(theirs, ""), m.lines + 1, 0}
	m.write(MarkMine + "\n")
	m.write(whole(mine)...)
	m.write(MarkBase + "\n")
	m.write(whole(base)...)
	m.write(MarkMiddle + "\n")
	m.write(whole(theirs)...)
	m.write(MarkTheirs + "\n")
	c.To = m.lines
	m.conflicts = append(m.conflicts, c)
}

// whole returns lines of which the last ends with a line break, too: a mark comes after it.
func whole(lines []string) []string {
	n := len(lines)
	if n == 0 || strings.HasSuffix(lines[n-1], "\n") {
		return lines
	}
	return append(slices.Clone(lines[:n-1]), lines[n-1]+"\n")
}
