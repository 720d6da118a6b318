// Package fuzzy knows which clients watch which patterns of names, and what each is yet to be told of things of those
// names, services for one, that appear and disappear (grpc.md §5.7, §6.4).
//
// What a watch is owed is coalesced by key: the last state of each, and nothing where the client knows it. It begins
// with the difference between what matches and what the client says that it knows, and goes on with each change.
//
// Clients with the same pattern share what matches it: the first of them has all names looked through, and a
// change is compared with each pattern once, however many watch it.
package fuzzy

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/fault"
)

// Name is a name that patterns select.
type Name interface {
	comparable
	// Parts returns the three parts that a pattern speaks of.
	Parts() (namespace, group, name string)
}

func compare[K Name](a, b K) int {
	an, ag, am := a.Parts()
	bn, bg, bm := b.Parts()
	return cmp.Or(strings.Compare(an, bn), strings.Compare(ag, bg), strings.Compare(am, bm))
}

// Limits of Nacos (grpc.md §5.7), and of this node.
const (
	// MaxMatches is how many names one pattern may match; of more, the client is told that there are too many,
	// and of the others neither that they come nor that they go.
	MaxMatches = 500
	// BatchSize is how many names one message of the first difference names.
	BatchSize = 20
	// maxPatterns bounds the patterns of a node: with each of them a change is compared, and each knows MaxMatches keys
	// at the most.
	maxPatterns = 1000
	// maxWatches bounds the watches of a node.
	maxWatches = 50_000
)

// Index holds the watches of a node. It is safe for concurrent use. Locks are taken in the order group.scan, Index.mu,
// group.mu, Watch.mu; notices and the walk through all names happen under none but group.scan.
type Index[K Name] struct {
	// Repeats says that a first difference to what a client knew before tells of removals once more, as changes. It is set before the first watch.
	Repeats bool

	watches atomic.Int64

	mu       sync.RWMutex
	byNS     map[string]map[string]*group[K] // namespace, pattern as written
	patterns int
}

// NewIndex returns an index without watches.
func NewIndex[K Name]() *Index[K] { return &Index[K]{byNS: make(map[string]map[string]*group[K])} }

// Changed tells the watches that match of a name that exists from now on, or no longer does. It does not block, and for one name calls
// come in the order of what happened; without watches it costs next to nothing.
func (x *Index[K]) Changed(k K, exists bool) {
	if x.watches.Load() == 0 {
		return
	}
	namespace, _, _ := k.Parts()
	x.mu.RLock()
	var tell []*Watch[K]
	for _, g := range x.byNS[namespace] {
		if Matches(&g.pattern, k) {
			tell = g.change(k, exists, tell)
		}
	}
	x.mu.RUnlock()
	for _, w := range tell {
		w.notify()
	}
}

// Each calls a function for each name that exists until it returns false.
type Each[K Name] func(f func(K) bool)

// Watch begins a watch. known are the keys that the client knows already, initial says whether it waits for the end of the
// first difference. notify is called, on any goroutine, when there is something for Next; it must not block. over
// says that more than MaxMatches match. The first watch of a pattern goes through all names once, and no change in
// between is missed, provided that each shows what Changed was told of. Faults: Limited when too many watch, or too many patterns are watched.
func (x *Index[K]) Watch(p Pattern, known []K, initial bool, each Each[K], notify func()) (w *Watch[K], over bool, err error) {
	g, err := x.enter(p)
	if err != nil {
		return nil, false, err
	}
	g.look(each)
	w = &Watch[K]{Pattern: p, index: x, group: g, notify: notify}
	return w, g.add(w, known, initial), nil
}

// enter returns the group of a pattern, and counts a watch of it.
func (x *Index[K]) enter(p Pattern) (*group[K], error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.watches.Load() >= maxWatches {
		return nil, fault.New(fault.Limited, "fuzzy watches are over the limit: there are %d on this node, no more can be", maxWatches)
	}
	g := x.byNS[p.namespace][p.text]
	if g == nil {
		if x.patterns >= maxPatterns {
			return nil, fault.New(fault.Limited, "fuzzy watch patterns are over the limit: %d are watched on this node, no more can be", maxPatterns)
		}
		g = &group[K]{pattern: p, matched: make(map[K]struct{})}
		if x.byNS[p.namespace] == nil {
			x.byNS[p.namespace] = make(map[string]*group[K])
		}
		x.byNS[p.namespace][p.text] = g
		x.patterns++
	}
	g.users++
	x.watches.Add(1)
	return g, nil
}

// leave takes a watch of a group back; the last takes the group with it.
func (x *Index[K]) leave(g *group[K]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.watches.Add(-1)
	if g.users--; g.users > 0 {
		return
	}
	x.patterns--
	ns := g.pattern.namespace
	if delete(x.byNS[ns], g.pattern.text); len(x.byNS[ns]) == 0 {
		delete(x.byNS, ns)
	}
}

// group is a pattern and those that watch it.
type group[K Name] struct {
	pattern Pattern
	users   int // those that watch, or are about to; guarded by Index.mu

	scan sync.Mutex // held while all names are gone through

	mu      sync.Mutex
	ready   bool           // matched is known
	over    bool           // more match than matched holds
	matched map[K]struct{} // at most MaxMatches
	during  map[K]bool     // while all are gone through: what became of those that changed
	watches []*Watch[K]
}

// change notes that a key exists or not, and appends the watches to notify.
func (g *group[K]) change(k K, exists bool, tell []*Watch[K]) []*Watch[K] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.during != nil {
		g.during[k] = exists
	}
	if !g.ready {
		return tell
	}
	return g.set(k, exists, tell)
}

// set takes a key among those that match, or out of them, and marks it for all who watch.
func (g *group[K]) set(k K, exists bool, tell []*Watch[K]) []*Watch[K] {
	if _, held := g.matched[k]; held == exists {
		return tell
	}
	switch {
	case !exists:
		delete(g.matched, k)
	case len(g.matched) >= MaxMatches:
		g.over = true
		return tell
	default:
		g.matched[k] = struct{}{}
	}
	for _, w := range g.watches {
		if w.mark(k, exists) {
			tell = append(tell, w)
		}
	}
	return tell
}

// look goes through all names, unless it is known what matches. What changes meanwhile gathers in during.
func (g *group[K]) look(each Each[K]) {
	g.scan.Lock()
	defer g.scan.Unlock()
	g.mu.Lock()
	if g.ready && !g.over { // when it was over, others may have room, or be gone
		g.mu.Unlock()
		return
	}
	g.during = make(map[K]bool)
	g.mu.Unlock()

	var found []K
	over := false
	each(func(k K) bool {
		if Matches(&g.pattern, k) {
			if over = len(found) == MaxMatches; over {
				return false
			}
			found = append(found, k)
		}
		return true
	})

	g.mu.Lock()
	var tell []*Watch[K]
	g.over = over
	for _, k := range found {
		if exists, changed := g.during[k]; !changed || exists {
			tell = g.set(k, true, tell)
		}
	}
	for k, exists := range g.during {
		if exists {
			tell = g.set(k, true, tell)
		}
	}
	g.ready, g.during = true, nil
	g.mu.Unlock()
	for _, w := range tell {
		w.notify()
	}
}

// add lets w take part, from the difference to what its client knows on.
func (g *group[K]) add(w *Watch[K], known []K, initial bool) (over bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	knows := make(map[K]struct{}, len(known))
	var diff []Change[K]
	for _, k := range known {
		if _, again := knows[k]; again {
			continue
		}
		knows[k] = struct{}{}
		if _, held := g.matched[k]; !held && !g.over && Matches(&g.pattern, k) {
			diff = append(diff, Change[K]{k, false})
		}
	}
	gone := len(diff)
	for k := range g.matched {
		if _, held := knows[k]; !held {
			diff = append(diff, Change[K]{k, true})
		}
	}
	slices.SortFunc(diff[gone:], func(a, b Change[K]) int { return compare(a.Key, b.Key) })
	w.begin(diff, initial)
	if w.index.Repeats {
		w.repeat(diff[:gone])
	}
	g.watches = append(g.watches, w)
	return g.over
}

func (g *group[K]) remove(w *Watch[K]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.watches, w); i >= 0 {
		g.watches = slices.Delete(g.watches, i, i+1)
	}
}
