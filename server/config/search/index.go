// Package search finds configurations by what stands in them, in memory: names, attributes, contents, and the keys that
// a content has.
//
// An Index keeps the names in order and nothing else; contents are those that config.State holds, and each search reads
// all of them that its conditions leave. That is fast enough for what one node holds, never behind a publish, and costs a
// publish next to nothing.
package search

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/config"
)

// Source is what an Index searches in: Get and Each of config.State.
type Source struct {
	Get  func(config.Key) *config.Item
	Each func(f func(config.Key, *config.Item) bool)
	// Listeners counts who listens for a configuration, and those of them that are behind. Nil: nobody.
	Listeners func(config.Key) (all, behind int)
}

// maxPending bounds the changes that wait for the next search; with more, it reads all names again.
const maxPending = 1 << 14

// Index finds configurations. It is safe for concurrent use. Its locks are taken in the order merge, mu.
type Index struct {
	source  Source
	turns   chan struct{}
	waiting atomic.Int64

	merge sync.Mutex   // held by the one search that brings keys up to date
	keys  []config.Key // in order; never changed in place

	mu      sync.Mutex // held by Changed and, for moments, by the merge
	known   bool       // keys is whole but for pending
	pending []config.Key
}

// New returns an index of what source holds. The first search reads all names.
func New(source Source) *Index {
	if source.Listeners == nil {
		source.Listeners = func(config.Key) (all, behind int) { return 0, 0 }
	}
	return &Index{source: source, turns: make(chan struct{}, maxAtOnce)}
}

// Changed takes note of a configuration that appeared or disappeared: config.Options.Changed. It runs on the applying
// goroutine and does not block.
func (x *Index) Changed(k config.Key, before, after *config.Item) {
	if (before == nil) == (exists(after)) {
		x.note(k)
	}
}

// exists says whether config.State holds on to an item of that kind.
func exists(it *config.Item) bool { return it != nil && (it.Formal != nil || len(it.Grays) > 0) }

func (x *Index) note(k config.Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.known {
		return
	}
	if len(x.pending) == maxPending {
		x.known, x.pending = false, nil
		return
	}
	x.pending = append(x.pending, k)
}

// take returns the names to look at again, and whether all are.
func (x *Index) take() (pending []config.Key, all bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	pending, all = x.pending, !x.known
	x.pending, x.known = nil, true
	return pending, all
}

// sorted returns all names in the order of config.Key.Less. The caller must not change them.
func (x *Index) sorted() []config.Key {
	x.merge.Lock()
	defer x.merge.Unlock()
	pending, all := x.take()
	switch {
	case all:
		keys := make([]config.Key, 0, len(x.keys)+len(x.keys)/8)
		x.source.Each(func(k config.Key, _ *config.Item) bool {
			keys = append(keys, k)
			return true
		})
		slices.SortFunc(keys, compare)
		// What changed in the meantime is pending already, and is looked at once more by the next search.
		x.keys = slices.Compact(keys)
	case len(pending) > 0:
		x.keys = x.update(pending)
	}
	return x.keys
}

// update returns the names with those of pending put in or left out, as they are now held or not.
func (x *Index) update(pending []config.Key) []config.Key {
	slices.SortFunc(pending, compare)
	pending = slices.Compact(pending)
	keys := make([]config.Key, 0, len(x.keys)+len(pending))
	rest := x.keys
	for _, k := range pending {
		i := seek(rest, k)
		keys = append(keys, rest[:i]...)
		if rest = rest[i:]; len(rest) > 0 && rest[0] == k {
			rest = rest[1:]
		}
		if x.source.Get(k) != nil {
			keys = append(keys, k)
		}
	}
	return append(keys, rest...)
}

func compare(a, b config.Key) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Group, b.Group), strings.Compare(a.DataID, b.DataID))
}

// seek returns the place of the first name that is not before k.
func seek(keys []config.Key, k config.Key) int {
	return sort.Search(len(keys), func(i int) bool { return !keys[i].Less(k) })
}

// span returns the names of the namespace that the first of keys is in, and those behind it.
func span(keys []config.Key) (of, rest []config.Key) {
	ns := keys[0].Namespace
	n := sort.Search(len(keys), func(i int) bool { return keys[i].Namespace > ns })
	return keys[:n], keys[n:]
}
