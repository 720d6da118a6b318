package config

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/failpoint"
)

const shardCount = 256

// State holds every configuration in memory and decides commands on it. One goroutine writes
// (Apply and the Load functions); Get, Each and the counters are for any, at any time.
//
// On MySQL a short-lived State holds just the rows that a group of commands touches.
type State struct {
	seed   maphash.Seed
	shards [shardCount]shard

	// Written by the applying goroutine alone.
	nextID      int64
	nextHistory int64
	databaseIDs bool
	changed     func(Key, *Item, *Item)
	happened    func(Happening)
	sums        sums

	revision atomic.Uint64
	bytes    atomic.Int64
	grays    atomic.Int64

	mu       sync.RWMutex // guards the maps below
	total    int64
	perNS    map[string]int64
	perGroup map[string]int64 // of the default namespace, as Nacos counts groups there only
	capacity map[capacityKey]*Capacity
}

type capacityKey struct{ namespace, group string }

type shard struct {
	mu    sync.RWMutex
	items map[Key]*Item
}

// Counters are what a State numbers rows and changes by.
type Counters struct {
	Revision    uint64
	NextID      int64
	NextHistory int64
}

// NewState returns an empty state whose ids start at 1. changed, which may be nil, is called on the
// applying goroutine for each item that changed, after readers can see it; it must not block.
func NewState(changed func(key Key, before, after *Item)) *State {
	s := &State{
		seed: maphash.MakeSeed(), nextID: 1, nextHistory: 1, changed: changed,
		perNS: make(map[string]int64), perGroup: make(map[string]int64), capacity: make(map[capacityKey]*Capacity),
	}
	for i := range s.shards {
		s.shards[i].items = make(map[Key]*Item)
	}
	return s
}

// NewHeld returns a state for deciding on rows that the caller loads into it, where the database
// numbers new rows: decisions leave their ids 0.
func NewHeld() *State {
	s := NewState(nil)
	s.databaseIDs = true
	return s
}

func (s *State) shard(k Key) *shard {
	return &s.shards[maphash.String(s.seed, k.DataID)%shardCount]
}

// Get returns what is held of k, nil when nothing is.
func (s *State) Get(k Key) *Item {
	sh := s.shard(k)
	sh.mu.RLock()
	it := sh.items[k]
	sh.mu.RUnlock()
	return it
}

// Each calls f for every item, in no order, until f returns false. Items that change meanwhile may
// be seen before or after the change.
func (s *State) Each(f func(Key, *Item) bool) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		keys := make([]Key, 0, len(sh.items))
		items := make([]*Item, 0, len(sh.items))
		for k, it := range sh.items {
			keys, items = append(keys, k), append(items, it)
		}
		sh.mu.RUnlock()
		for j, k := range keys {
			if !f(k, items[j]) {
				return
			}
		}
	}
}

// Revision returns the revision of the last change.
func (s *State) Revision() uint64 { return s.revision.Load() }

// Counters returns the numbers that the next changes continue from. For the applying goroutine.
func (s *State) Counters() Counters {
	return Counters{Revision: s.revision.Load(), NextID: s.nextID, NextHistory: s.nextHistory}
}

// SetCounters continues from c. For the applying goroutine.
func (s *State) SetCounters(c Counters) {
	s.revision.Store(c.Revision)
	s.nextID, s.nextHistory = max(c.NextID, 1), max(c.NextHistory, 1)
	s.sums.begin(c.Revision)
}

// Stats is what a State holds, counted.
type Stats struct {
	Configs int64
	Grays   int64
	// Bytes is the size of the contents, variants included.
	Bytes int64
}

// Stats returns what is held.
func (s *State) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{Configs: s.total, Grays: s.grays.Load(), Bytes: s.bytes.Load()}
}

// CountIn returns how many formal configurations a namespace has.
func (s *State) CountIn(namespace string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.perNS[namespace]
}

// Usage returns how many configurations count against a capacity row: a namespace's, a group's of
// the default namespace, or, with both empty, all.
func (s *State) Usage(namespace, group string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.usage(namespace, group)
}

func (s *State) usage(namespace, group string) int64 {
	switch {
	case namespace != "":
		return s.perNS[namespace]
	case group != "":
		return s.perGroup[group]
	}
	return s.total
}

// SetUsage tells a held state how many configurations count against a row, as it does not hold all of them.
func (s *State) SetUsage(namespace, group string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case namespace != "":
		s.perNS[namespace] = n
	case group != "":
		s.perGroup[group] = n
	default:
		s.total = n
	}
}

// Capacity returns the quota row of a namespace, or of a group when namespace is empty; nil when there is none.
func (s *State) Capacity(namespace, group string) *Capacity {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.capacity[capacityKey{namespace, group}]
}

// LoadEntry puts a formal content in place as it was stored, without telling anybody.
func (s *State) LoadEntry(e *Entry) {
	it := s.Get(e.Key)
	n := &Item{Formal: e}
	if it != nil {
		n.Grays = it.Grays
	}
	s.put(e.Key, it, n)
}

// LoadGray puts a variant in place as it was stored, without telling anybody.
func (s *State) LoadGray(g *Gray) {
	it := s.Get(g.Key)
	s.put(g.Key, it, withGray(it, g))
}

// LoadCapacity puts a quota row in place as it was stored.
func (s *State) LoadCapacity(c *Capacity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capacity[capacityKey{c.Namespace, c.Group}] = c
}

// Replace makes s hold exactly what from holds and calls the change function for each key of which
// any client would see another md5. For the applying goroutine; from must not be used afterwards.
func (s *State) Replace(from *State) {
	if told := s.changed; failpoint.Inject("bug/snapshot-without-wake") != nil {
		s.changed = nil
		defer func() { s.changed = told }()
	}
	var gone []Key
	s.Each(func(k Key, _ *Item) bool {
		if from.Get(k) == nil {
			gone = append(gone, k)
		}
		return true
	})
	for _, k := range gone {
		s.set(k, nil)
	}
	from.Each(func(k Key, it *Item) bool {
		s.set(k, it)
		return true
	})
	s.mu.Lock()
	s.capacity = from.capacity
	s.mu.Unlock()
	s.SetCounters(from.Counters())
}

// set replaces the item of k and tells of it when what clients see may differ.
func (s *State) set(k Key, it *Item) {
	before := s.Get(k)
	s.put(k, before, it)
	if s.changed != nil && differs(before, it) {
		s.changed(k, before, it)
	}
}

// put replaces the item of k, keeping the counts.
func (s *State) put(k Key, before, after *Item) {
	if failpoint.Inject("bug/memory-not-changed") != nil {
		return
	}
	sh := s.shard(k)
	sh.mu.Lock()
	if after == nil || after.Formal == nil && len(after.Grays) == 0 {
		after = nil
		delete(sh.items, k)
	} else {
		sh.items[k] = after
	}
	sh.mu.Unlock()
	s.sums.replace(k, before, after)
	s.bytes.Add(after.size() - before.size())
	s.grays.Add(int64(after.grayCount() - before.grayCount()))
	if had, has := before.hasFormal(), after.hasFormal(); had != has {
		by := int64(1)
		if had {
			by = -1
		}
		s.count(k, by)
	}
}

func (s *State) count(k Key, by int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += by
	if s.perNS[k.Namespace] += by; s.perNS[k.Namespace] == 0 {
		delete(s.perNS, k.Namespace)
	}
	if capacityOf(k).namespace == "" {
		if s.perGroup[k.Group] += by; s.perGroup[k.Group] == 0 {
			delete(s.perGroup, k.Group)
		}
	}
}

func (i *Item) hasFormal() bool { return i != nil && i.Formal != nil }

func (i *Item) grayCount() int {
	if i == nil {
		return 0
	}
	return len(i.Grays)
}

func (i *Item) size() int64 {
	if i == nil {
		return 0
	}
	n := 0
	if i.Formal != nil {
		n = len(i.Formal.Content)
	}
	for _, g := range i.Grays {
		n += len(g.Content)
	}
	return int64(n)
}

// differs reports whether any client could see another md5 of after than of before.
func differs(before, after *Item) bool {
	if before.MD5For(Client{}) != after.MD5For(Client{}) || before.grayCount() != after.grayCount() {
		return true
	}
	for i := range before.grayCount() {
		b, a := before.Grays[i], after.Grays[i]
		if b.MD5 != a.MD5 || b.Rule != a.Rule {
			return true
		}
	}
	return false
}

func withGray(it *Item, g *Gray) *Item {
	n := &Item{}
	if it != nil {
		n.Formal = it.Formal
		n.Grays = slices.DeleteFunc(slices.Clone(it.Grays), func(o *Gray) bool { return o.Name == g.Name })
	}
	n.Grays = append(n.Grays, g)
	slices.SortFunc(n.Grays, func(a, b *Gray) int {
		if a.Rule.Priority != b.Rule.Priority {
			if a.Rule.Priority > b.Rule.Priority {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return n
}

func withoutGray(it *Item, name string) *Item {
	return &Item{Formal: it.Formal, Grays: slices.DeleteFunc(slices.Clone(it.Grays), func(o *Gray) bool { return o.Name == name })}
}
