// Package check finds what a history of the torture test has that must not be.
//
// Each function checks one promise and returns what breaks it. That each of them can find something is
// shown by its tests, and by runs of nodes into which bugs were put on purpose.
package check

import (
	"fmt"
	"slices"
	"time"

	"nacre/e2e/torture/history"
)

// Violation is a broken promise.
type Violation struct {
	Invariant string
	Text      string
}

// String returns the violation as one line.
func (v Violation) String() string { return v.Invariant + ": " + v.Text }

// Limits are the times that are promised, with what a busy machine of two cores may add.
type Limits struct {
	// Stale is how far a local read may be behind while nothing is wrong.
	Stale time.Duration
	// Told is how long after the last fault and the last change every listener must have the last value.
	Told time.Duration
	// Gap is how long a live instance may be missing while nothing is wrong, GapInFault while a node is down or cut off.
	Gap, GapInFault time.Duration
	// Crashed, Quiet and Beats are how long the instance of a dead client may be seen: its connection was closed, it
	// says nothing any more, it lived by heartbeats.
	Crashed, Quiet, Beats time.Duration
	// Settle is how long after a fault times don't count yet.
	Settle time.Duration
	// Refuse is how long a node without a majority may take to refuse a write.
	Refuse time.Duration
	// Search is how long the search for an order of one key's operations may take.
	Search time.Duration
}

// Default are the limits of a run. What is promised is less; the report tells what was measured.
var Default = Limits{
	Stale: 3 * time.Second, Told: 8 * time.Second, Gap: 2 * time.Second, GapInFault: 6 * time.Second,
	Crashed: 5 * time.Second, Quiet: 20 * time.Second, Beats: 36 * time.Second,
	Settle: 5 * time.Second, Refuse: 5 * time.Second, Search: 60 * time.Second,
}

// Result is what all checks found.
type Result struct {
	Violations []Violation
	// Undecided are the keys for which the search for an order took too long.
	Undecided []string
	// Checked is how many operations took part in that search.
	Checked int
	// Stalest is how far a local read was behind at most while nothing was wrong.
	Stalest time.Duration
}

// all are the checks, by the name of the invariant.
var all = []struct {
	name string
	find func(*book) []string
}{
	{"I1 nothing acknowledged is lost", lost},
	{"I2 changes have one order", order},
	{"I3 a session never sees older after newer", monotonic},
	{"I3 reads on the node that acknowledged see the change", ownWrites},
	{"I3 local reads are not far behind", stale},
	{"I4 listeners", listeners},
	{"I5 live instances are seen", live},
	{"I6 dead instances go", dead},
	{"I7 all nodes hold the same", same},
	{"I8 history", past},
	{"I9 no acknowledgement without a majority", minority},
	{"P1 durable before acknowledged", durable},
	{"P5 refused in time", refused},
}

// Run makes all checks.
func Run(h *history.History, l Limits) *Result {
	b := newBook(h, l)
	r := &Result{}
	for _, x := range h.Broken {
		r.Violations = append(r.Violations, Violation{"harness", x.What})
	}
	for _, c := range all {
		for _, text := range first(c.find(b), 5) {
			r.Violations = append(r.Violations, Violation{c.name, text})
		}
	}
	registers(b, r)
	r.Stalest = b.stalest
	return r
}

// first returns the first n texts and says how many more there are.
func first(texts []string, n int) []string {
	if len(texts) <= n {
		return texts
	}
	return append(slices.Clone(texts[:n]), fmt.Sprintf("and %d more", len(texts)-n))
}

// book is a history with what the checks look up in it.
type book struct {
	*history.History
	limits Limits
	end    int64 // the last time noted
	// revision of each value, where it is known; values are unique.
	revision map[string]uint64
	value    map[string]string // md5 → value, of all that was sent
	sent     map[string]bool
	stalest  time.Duration
}

func newBook(h *history.History, l Limits) *book {
	b := &book{History: h, limits: l, revision: map[string]uint64{}, value: map[string]string{}, sent: map[string]bool{}}
	for _, o := range h.Ops {
		b.end = max(b.end, o.Return)
		if o.Value == "" {
			continue
		}
		if o.Writes() {
			b.sent[o.Key+"\x00"+o.Value] = true
			b.value[history.MD5(o.Value)] = o.Value
		}
		if o.Outcome == history.OK && o.Revision > 0 {
			b.revision[o.Value] = o.Revision
		}
	}
	for _, p := range h.Pasts {
		for _, v := range p.Versions {
			if value := b.value[v.MD5]; value != "" && v.Op != "D" && b.revision[value] == 0 {
				b.revision[value] = v.Revision
			}
		}
	}
	return b
}

// disturbed reports whether a fault, or what came after it, falls into the time from begin to end. With nodes
// given, only faults of one of those count.
func (b *book) disturbed(begin, end int64, nodes ...int) bool {
	return slices.ContainsFunc(b.Faults, func(f *history.Fault) bool {
		return f.Begin <= end && begin <= f.End+int64(b.limits.Settle) &&
			(len(nodes) == 0 || slices.ContainsFunc(nodes, func(n int) bool { return slices.Contains(f.Nodes, n) }))
	})
}

// lastFault returns when the last fault that began before at was over.
func (b *book) lastFault(at int64) int64 {
	var end int64
	for _, f := range b.Faults {
		if f.Begin <= at {
			end = max(end, f.End)
		}
	}
	return end
}

// at words a time of the run.
func at(t int64) string { return fmt.Sprintf("%.3f s", float64(t)/1e9) }

func describe(o *history.Op) string {
	s := fmt.Sprintf("client %d's %s of %s on node %d (%s to %s)", o.Client, o.Kind, o.Key, o.Node, at(o.Call), at(o.Return))
	if o.Value != "" {
		s += " value " + o.Value
	}
	if o.Revision > 0 {
		s += fmt.Sprintf(" revision %d", o.Revision)
	}
	return s
}
