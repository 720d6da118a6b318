package diff

import (
	"slices"
	"sort"
	"strings"
	"unicode"
)

// script says which lines of two texts are not in the other one.
type script struct {
	a, b   []bool
	coarse bool
}

// budget is how many steps the search for the shortest script may take: about a third of a second.
const budget = 40_000_000

// costLimit is how many changes a search looks ahead once the budget is used up.
const costLimit = 128

// compare finds a script for lines: the shortest one unless that takes too long.
func compare(a, b []string, o Options) *script {
	ids := make(map[string]int, len(a))
	return diffIDs(intern(a, ids, o), intern(b, ids, o), budget)
}

// intern returns a number for each line; equal lines have the same.
func intern(lines []string, ids map[string]int, o Options) []int {
	out := make([]int, len(lines))
	for i, l := range lines {
		if o.IgnoreSpace {
			l = strings.Map(func(c rune) rune {
				if unicode.IsSpace(c) {
					return -1
				}
				return c
			}, l)
		}
		id, known := ids[l]
		if !known {
			id = len(ids)
			ids[l] = id
		}
		out[i] = id
	}
	return out
}

// diffIDs finds a script for two lists of numbers that are below len(a)+len(b).
func diffIDs(a, b []int, budget int) *script {
	s := &script{a: make([]bool, len(a)), b: make([]bool, len(b))}
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	endA, endB := len(a), len(b)
	for endA > from && endB > from && a[endA-1] == b[endB-1] {
		endA--
		endB--
	}
	m := &myers{budget: budget}
	// Lines that the other text does not have are in no common subsequence: the search goes faster without them.
	inA, inB := counts(a[from:endA], len(a)+len(b)), counts(b[from:endB], len(a)+len(b))
	m.a, m.atA = keep(a, from, endA, inB, s.a)
	m.b, m.atB = keep(b, from, endB, inA, s.b)
	m.outA, m.outB = s.a, s.b
	m.search(0, len(m.a), 0, len(m.b))
	s.coarse = m.limit > 0
	slide(a, s.a, s.b)
	slide(b, s.b, s.a)
	return s
}

func counts(ids []int, n int) []int32 {
	out := make([]int32, n)
	for _, id := range ids {
		out[id]++
	}
	return out
}

// keep returns the numbers in ids[from:to] that the other text has, and where they stand; it marks the others.
func keep(ids []int, from, to int, other []int32, changed []bool) (kept, at []int) {
	for i := from; i < to; i++ {
		if other[ids[i]] == 0 {
			changed[i] = true
			continue
		}
		kept, at = append(kept, ids[i]), append(at, i)
	}
	return kept, at
}

// myers searches the shortest script in linear space: E. W. Myers, An O(ND) Difference Algorithm, 1986.
type myers struct {
	a, b          []int
	atA, atB      []int // where they stand in the texts
	outA, outB    []bool
	forward, back []int // the furthest reaching paths by diagonal
	budget        int
	limit         int // of the cost of one box, once the budget is used up; 0 before
}

// search marks what differs between a[a0:a1] and b[b0:b1].
func (m *myers) search(a0, a1, b0, b1 int) {
	for a0 < a1 && b0 < b1 && m.a[a0] == m.b[b0] {
		a0++
		b0++
	}
	for a0 < a1 && b0 < b1 && m.a[a1-1] == m.b[b1-1] {
		a1--
		b1--
	}
	if a0 == a1 || b0 == b1 {
		m.mark(a0, a1, b0, b1)
		return
	}
	x, y, ok := m.middle(a0, a1, b0, b1)
	if !ok {
		m.limit = costLimit
		m.anchors(a0, a1, b0, b1)
		return
	}
	m.search(a0, x, b0, y)
	m.search(x, a1, y, b1)
}

func (m *myers) mark(a0, a1, b0, b1 int) {
	for i := a0; i < a1; i++ {
		m.outA[m.atA[i]] = true
	}
	for j := b0; j < b1; j++ {
		m.outB[m.atB[j]] = true
	}
}

// middle returns a point on a shortest path through a box whose corners differ; false when the
// budget is used up. Two searches, from the corners, go on until they meet; diagonals are x-y.
func (m *myers) middle(a0, a1, b0, b1 int) (x, y int, ok bool) {
	n, k := a1-a0, b1-b0
	least, most, end := -k, n, n-k
	if size := n + k + 3; len(m.forward) < size {
		m.forward, m.back = make([]int, size), make([]int, size)
	}
	zero := k + 1 // index of diagonal 0
	f, r := m.forward, m.back
	f[zero], r[zero+end] = 0, n
	fLow, fHigh, rLow, rHigh := 0, 0, end, end
	odd := end&1 != 0
	const nowhere = 1 << 60
	for cost := 0; ; cost++ {
		if m.budget -= fHigh - fLow + rHigh - rLow + 2; m.budget < 0 && m.limit == 0 {
			return 0, 0, false
		}
		if m.limit > 0 && cost == m.limit {
			x, y = furthest(f, r, zero, [4]int{fLow, fHigh, rLow, rHigh}, n, k)
			return a0 + x, b0 + y, true
		}
		fLow, fHigh = widen(f, zero, fLow, fHigh, least, most, -1)
		for d := fHigh; d >= fLow; d -= 2 {
			px := max(f[zero+d-1]+1, f[zero+d+1])
			from := px
			for px < n && px-d < k && m.a[a0+px] == m.b[b0+px-d] {
				px++
			}
			m.budget -= px - from
			f[zero+d] = px
			if odd && rLow <= d && d <= rHigh && r[zero+d] <= px {
				return a0 + px, b0 + px - d, true
			}
		}
		rLow, rHigh = widen(r, zero, rLow, rHigh, least, most, nowhere)
		for d := rHigh; d >= rLow; d -= 2 {
			px := min(r[zero+d-1], r[zero+d+1]-1)
			from := px
			for px > 0 && px-d > 0 && m.a[a0+px-1] == m.b[b0+px-d-1] {
				px--
			}
			m.budget -= from - px
			r[zero+d] = px
			if !odd && fLow <= d && d <= fHigh && px <= f[zero+d] {
				return a0 + px, b0 + px - d, true
			}
		}
	}
}

// furthest returns the point within a box of n and k lines that one of the two searches has got
// furthest to from its corner.
func furthest(f, r []int, zero int, ends [4]int, n, k int) (x, y int) {
	best := -1
	for d := ends[1]; d >= ends[0]; d -= 2 {
		px := min(f[zero+d], n, k+d)
		if way := 2*px - d; way > best {
			best, x, y = way, px, px-d
		}
	}
	for d := ends[3]; d >= ends[2]; d -= 2 {
		px := max(r[zero+d], 0, d)
		if way := n + k - (2*px - d); way > best {
			best, x, y = way, px, px-d
		}
	}
	return x, y
}

// widen takes one more diagonal on either side, or one less where the box ends; beyond stands beside them.
func widen(paths []int, zero, low, high, least, most, beyond int) (int, int) {
	if low > least {
		low--
		paths[zero+low-1] = beyond
	} else {
		low++
	}
	if high < most {
		high++
		paths[zero+high+1] = beyond
	} else {
		high--
	}
	return low, high
}

// anchors cuts a box that is too dear: lines that stand once in both texts, in the longest order that
// both have, stay, and what is between them is searched for good instead of best scripts.
func (m *myers) anchors(a0, a1, b0, b1 int) {
	inB := once(m.b[b0:b1])
	var at []int // places in a
	var to []int // their places in b
	inA := once(m.a[a0:a1])
	for i := a0; i < a1; i++ {
		if k, ok := inA[m.a[i]]; ok && k >= 0 {
			if j, ok := inB[m.a[i]]; ok && j >= 0 {
				at, to = append(at, i), append(to, b0+j)
			}
		}
	}
	for _, k := range longestRising(to) {
		m.search(a0, at[k], b0, to[k])
		a0, b0 = at[k]+1, to[k]+1
	}
	m.search(a0, a1, b0, b1)
}

// once returns the places of numbers that stand once, -1 for the others.
func once(ids []int) map[int]int {
	out := make(map[int]int, len(ids))
	for i, id := range ids {
		if _, twice := out[id]; twice {
			out[id] = -1
		} else {
			out[id] = i
		}
	}
	return out
}

// longestRising returns the indexes of a longest rising subsequence of distinct numbers.
func longestRising(list []int) []int {
	var tails []int // index of the smallest last number of a subsequence of each length
	before := make([]int, len(list))
	for i, v := range list {
		n := sort.Search(len(tails), func(k int) bool { return list[tails[k]] >= v })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	var out []int
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		out = append(out, i)
	}
	slices.Reverse(out)
	return out
}
