package naming

import (
	"slices"
	"time"
)

// Verified says that what is known of a run of a node was compared, at a time when that was at the revision asOf, and all clients with an
// id that covered accepts are among those of listed. Copies of others that were at that revision or before are dropped.
func (c *Copies) Verified(node string, incarnation, asOf uint64, covered func(id string) bool, listed []Version) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if node == c.registry.node() && incarnation == c.registry.incarnation {
		return
	}
	t := c.open(run{node, incarnation})
	is := make(map[string]bool, len(listed))
	for _, v := range listed {
		is[v.ID] = true
	}
	for id, s := range t.clients {
		if !is[id] && covered(id) && s.known() <= asOf {
			c.drop(t, id, asOf, "its node no longer knows the client")
		}
	}
}

// Complete says that nothing is missing of a run of a node up to a revision.
func (c *Copies) Complete(node string, incarnation, asOf uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tables[run{node, incarnation}]; t != nil {
		t.asOf = max(t.asOf, asOf)
	}
}

// Holder is a run of a node that copies are held of.
type Holder struct {
	Node        string
	Incarnation uint64
	Clients     int
	// Left is how much longer the clients of one that ended, or is not seen, are kept; 0 of one that is well.
	Left time.Duration
}

// Holders returns the runs of nodes that copies are held of.
func (c *Copies) Holders() []Holder {
	now := c.registry.mono()
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Holder
	for _, t := range c.tables {
		h := Holder{Node: t.node, Incarnation: t.incarnation, Clients: len(t.clients)}
		if t.orphaned.Load() {
			h.Left = max(time.Duration(t.until-now), time.Millisecond)
		}
		list = append(list, h)
	}
	return list
}

// Lost says that a node is down, or was told to be left ago: its clients are kept for another left.
func (c *Copies) Lost(node string, left time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tables {
		if t.node == node {
			c.orphan(t, left)
		}
	}
}

// Seen says that a run of a node goes on: its clients are kept as long as it says so.
func (c *Copies) Seen(node string, incarnation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if of := (run{node, incarnation}); of.node != c.registry.node() {
		if t := c.open(of); t == c.find(run{node: node}) {
			t.orphaned.Store(false)
		}
	}
}

// orphan lets the clients of a table be dropped after left, unless it is to be sooner; those that others registered anew are dropped at once.
func (c *Copies) orphan(t *table, left time.Duration) {
	until := c.registry.mono() + int64(min(left, Grace))
	if t.orphaned.Swap(true) {
		t.until = min(t.until, until)
		return
	}
	t.until = until
	for _, s := range t.clients {
		s.mu.Lock()
		pubs := slices.Clone(s.pubs.list)
		s.mu.Unlock()
		for _, p := range pubs {
			p.service.mu.Lock()
			for _, e := range slices.Clone(p.entries) {
				p.service.meet(e)
			}
			c.registry.settle(p.service)
		}
	}
}

// Expire drops the clients of nodes that are down for too long, and forgets what need no longer be known.
func (c *Copies) Expire() {
	now := c.registry.mono()
	c.mu.Lock()
	defer c.mu.Unlock()
	for of, t := range c.tables {
		if t.orphaned.Load() && t.until <= now {
			for id := range t.clients {
				c.drop(t, id, 0, "its node "+t.node+" is down, and it did not come to another")
			}
			delete(c.tables, of)
			continue
		}
		for id, g := range t.gone {
			if g.at+int64(goneNoted) <= now {
				delete(t.gone, id)
			}
		}
	}
}

// orphaned reports whether e is a copy of a client whose node is down.
func (e *entry) orphaned() bool {
	t := e.pub.session.table
	return t != nil && t.orphaned.Load()
}

// ofCopies reports whether one of two instances is another node's.
func ofCopies(a, b *entry) bool { return a.pub.session.table != nil || b.pub.session.table != nil }

// meet looks at the other instances of the name of e, which stands in s. Of a client whose node is down, one that is registered
// elsewhere, too, is dropped: its client came again. It reports whether nobody sees a difference from before e came. The caller holds
// s.mu.
func (s *service) meet(e *entry) (unseen bool) {
	at, _ := slices.BinarySearchFunc(s.sorted, e, compareEntries)
	from, to := at, at+1
	for from > 0 && compareIDs(s.sorted[from-1].own, e.own) == 0 {
		from--
	}
	for to < len(s.sorted) && compareIDs(s.sorted[to].own, e.own) == 0 {
		to++
	}
	if to-from == 1 {
		return false
	}
	same := slices.Clone(s.sorted[from:to])
	for _, o := range same {
		if o == e {
			continue
		}
		unseen = unseen || ofCopies(e, o) && o.own.same(e.own)
		switch was := o.orphaned(); {
		case was && !e.orphaned():
			s.forgo(o)
		case e.orphaned() && !was:
			s.forgo(e)
			return true
		}
	}
	return unseen
}

// forgo takes an instance away whose client is registered elsewhere. The caller holds s.mu.
func (s *service) forgo(e *entry) {
	at, found := slices.BinarySearchFunc(s.sorted, e, compareEntries)
	if !found {
		return
	}
	s.sorted = slices.Delete(s.sorted, at, at+1)
	p, c := e.pub, e.pub.session
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), func(o *entry) bool { return o == e })
	s.registry.counts.instances.Add(-1)
	s.changed()
	c.mu.Lock()
	c.revision, c.partial = 0, true // if its node is seen again, it is asked for all of it
	c.mu.Unlock()
}
