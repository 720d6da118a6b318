// Package fuzzy knows which clients watch which patterns of configuration names, and what each is yet to
// be told of configurations that appear and disappear (grpc.md §5.7).
//
// What a watch is owed is coalesced by key: the last state of each. It begins with the difference between what
// matches and what the client says that it knows, and goes on with each change.
package fuzzy

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/config"
	"nacre/server/fault"
)

// Limits of Nacos (grpc.md §5.7).
const (
	// MaxMatches is how many configurations one pattern may match; of more, the client is told that there are too many,
	// and of these no removals.
	MaxMatches = 500
	// BatchSize is how many configurations one message of the first difference names.
	BatchSize = 20
	// maxWatches bounds the watches of a node, each of which knows MaxMatches keys at the most.
	maxWatches = 50_000
	// maxPattern is the length in bytes of the longest pattern that can match anything.
	maxPattern = 1024
)

// Pattern selects configurations of one namespace. In group and dataId a * stands for any characters: alone, at
// the beginning, at the end, or at both.
type Pattern struct {
	text      string
	namespace string
	group     glob
	dataID    glob
}

// glob is a name with a * at its ends, or none.
type glob struct {
	text         string
	front, back  bool // a * stands there
	isEverything bool
}

// Parse reads namespace>>group>>dataId. Faults: Invalid.
func Parse(text string) (Pattern, error) {
	parts := strings.Split(text, ">>")
	if len(parts) != 3 || len(text) > maxPattern || parts[1] == "" || parts[2] == "" {
		return Pattern{}, fault.New(fault.Invalid, "the pattern %.100q must be namespace>>group>>dataId, in which * stands for any characters of a group or dataId", text)
	}
	p := Pattern{text: text, namespace: strings.TrimSpace(parts[0]), group: parseGlob(parts[1]), dataID: parseGlob(parts[2])}
	if p.namespace == "" {
		p.namespace = "public"
	}
	return p, nil
}

func parseGlob(s string) glob {
	if s == "*" || s == "**" {
		return glob{isEverything: true}
	}
	g := glob{}
	s, g.front = strings.CutPrefix(s, "*")
	s, g.back = strings.CutSuffix(s, "*")
	g.text = s
	return g
}

func (g *glob) matches(s string) bool {
	switch {
	case g.isEverything:
		return true
	case g.front && g.back:
		return strings.Contains(s, g.text)
	case g.front:
		return strings.HasSuffix(s, g.text)
	case g.back:
		return strings.HasPrefix(s, g.text)
	}
	return s == g.text
}

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// Matches reports whether the pattern selects k.
func (p *Pattern) Matches(k config.Key) bool {
	return k.Namespace == p.namespace && p.group.matches(k.Group) && p.dataID.matches(k.DataID)
}

// Index holds the watches of a node. It is safe for concurrent use.
type Index struct {
	count atomic.Int64

	mu   sync.RWMutex
	byNS map[string][]*Watch
}

// NewIndex returns an index without watches.
func NewIndex() *Index { return &Index{byNS: make(map[string][]*Watch)} }

// Changed tells the watches that match of a configuration that appeared or disappeared: config.Options.Changed. It runs on
// the applying goroutine and does not block; without watches in the namespace it costs a map access.
func (x *Index) Changed(k config.Key, before, after *config.Item) {
	exists := after != nil && after.Formal != nil
	if x.count.Load() == 0 || exists == (before != nil && before.Formal != nil) {
		return
	}
	x.mu.RLock()
	var tell []*Watch
	for _, w := range x.byNS[k.Namespace] {
		if w.Pattern.Matches(k) && w.mark(k, exists) {
			tell = append(tell, w)
		}
	}
	x.mu.RUnlock()
	for _, w := range tell {
		w.notify()
	}
}

// Watch is one pattern that one client watches.
type Watch struct {
	Pattern Pattern

	index  *Index
	notify func()

	mu      sync.Mutex
	scanned bool // the first difference is known; before, changes only gather
	first   []Message
	pending map[config.Key]bool // whether each exists now
	order   []config.Key
	flying  *Message
	ended   bool
}

// Sync is the kind of a message of the first difference, as it stands on the wire; "" for a change.
type Sync string

// The kinds of messages of the first difference.
const (
	SyncInit   Sync = "FUZZY_WATCH_INIT_NOTIFY"
	SyncDiff   Sync = "FUZZY_WATCH_DIFF_SYNC_NOTIFY"
	SyncFinish Sync = "FINISH_FUZZY_WATCH_INIT_NOTIFY"
)

// Change is a configuration that is there, or is not there any more.
type Change struct {
	Key    config.Key
	Exists bool
}

// Message is what a client is to be told at once.
type Message struct {
	Sync Sync
	// Changes are one for a change, up to BatchSize for a first difference, none for its end.
	Changes []Change
	// Batch of Batches counts the messages of a first difference, from 1; 0 at its end.
	Batch, Batches int
}

// Each goes through all configurations that are held; see config.Service.
type Each func(f func(config.Key, *config.Item) bool)

// Watch begins a watch. known are the keys that the client knows already, initial says whether it waits for the end of the
// first difference. notify is called, on any goroutine, when there is something for Next; it must not block. over
// says that more than MaxMatches match. It goes through all configurations once, and no change in between is missed.
// Faults: Limited when too many watch.
func (x *Index) Watch(p Pattern, known []config.Key, initial bool, each Each, notify func()) (w *Watch, over bool, err error) {
	if n := x.count.Add(1); n > maxWatches {
		x.count.Add(-1)
		return nil, false, fault.New(fault.Limited, "%d patterns are watched on this node, no more can be", maxWatches)
	}
	w = &Watch{Pattern: p, index: x, notify: notify, pending: make(map[config.Key]bool)}
	x.mu.Lock()
	x.byNS[p.namespace] = append(x.byNS[p.namespace], w)
	x.mu.Unlock()

	matching := make(map[config.Key]bool)
	each(func(k config.Key, i *config.Item) bool {
		if i.Formal != nil && p.Matches(k) {
			if len(matching) == MaxMatches {
				over = true
				return false
			}
			matching[k] = true
		}
		return true
	})
	var diff []Change
	for _, k := range known {
		if matching[k] {
			delete(matching, k)
		} else if !over && p.Matches(k) {
			diff = append(diff, Change{k, false})
		}
	}
	added := make([]Change, 0, len(matching))
	for k := range matching {
		added = append(added, Change{k, true})
	}
	slices.SortFunc(added, func(a, b Change) int {
		if a.Key.Less(b.Key) {
			return -1
		}
		return 1
	})
	w.begin(append(diff, added...), initial)
	return w, over, nil
}

// begin fixes the messages of the first difference.
func (w *Watch) begin(diff []Change, initial bool) {
	kind := SyncDiff
	if initial {
		kind = SyncInit
	}
	batches := (len(diff) + BatchSize - 1) / BatchSize
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range batches {
		w.first = append(w.first, Message{Sync: kind, Changes: diff[i*BatchSize : min((i+1)*BatchSize, len(diff))], Batch: i + 1, Batches: batches})
	}
	if initial {
		w.first = append(w.first, Message{Sync: SyncFinish})
	}
	w.scanned = true
}

// mark notes the state of a key, and reports whether that is worth a notice.
func (w *Watch) mark(k config.Key, exists bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	if _, held := w.pending[k]; !held {
		w.order = append(w.order, k)
	}
	w.pending[k] = exists
	return w.scanned
}

// Next returns what the client is to be told now, and takes it as being told until Done; false when there is nothing, or
// something is being told.
func (w *Watch) Next() (Message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.flying != nil || w.ended || !w.scanned:
		return Message{}, false
	case len(w.first) > 0:
		w.flying = &w.first[0]
	case len(w.order) > 0:
		k := w.order[0]
		w.flying = &Message{Changes: []Change{{k, w.pending[k]}}}
		w.order = w.order[1:]
		delete(w.pending, k)
	default:
		w.order = nil
		return Message{}, false
	}
	return *w.flying, true
}

// Done says what came of the message that Next returned: told, or to be told again, unless what it says is no longer true.
func (w *Watch) Done(ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.flying
	if w.flying = nil; m == nil || w.ended {
		return
	}
	switch {
	case m.Sync != "" && ok:
		w.first = w.first[1:]
	case m.Sync == "" && !ok:
		k := m.Changes[0].Key
		if _, newer := w.pending[k]; !newer {
			w.pending[k] = m.Changes[0].Exists
			w.order = append([]config.Key{k}, w.order...)
		}
	}
}

// Cancel ends the watch. It may be called more than once.
func (w *Watch) Cancel() {
	w.mu.Lock()
	ended := w.ended
	w.ended, w.first, w.pending, w.order = true, nil, nil, nil
	w.mu.Unlock()
	if ended {
		return
	}
	x := w.index
	x.count.Add(-1)
	x.mu.Lock()
	defer x.mu.Unlock()
	ns := w.Pattern.namespace
	list := x.byNS[ns]
	if i := slices.Index(list, w); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		delete(x.byNS, ns)
	} else {
		x.byNS[ns] = list
	}
}
