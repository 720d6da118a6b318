package naming

import (
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/fault"
	"nacre/server/naming/namingpb"
)

const (
	// Grace is how long the clients of a node that is down, or of a run of it that ended, are shown while they may come back elsewhere.
	Grace = 15 * time.Second
	// goneNoted is how long it is kept that a client is gone: a message about it that is older may be under way as long.
	goneNoted = time.Minute
	// maxPartial bounds the clients of which not all parts came.
	maxPartial = 64
)

// table holds the copies of the clients of one run of a node. The Copies guard all but orphaned.
type table struct {
	run
	// orphaned says that the run ended, or is not seen; until is when its clients are dropped then, on the registry's own time.
	orphaned atomic.Bool
	until    int64
	// asOf is the revision up to which nothing is missing.
	asOf    uint64
	clients map[string]*Session
	gone    map[string]gone
	partial map[string]*partial
}

// gone is a client that is no more, as of a revision.
type gone struct {
	revision uint64
	at       int64 // on the registry's own time
}

// partial is a client of which not all parts came.
type partial struct {
	revision uint64
	left     int
	parts    []*namingpb.Copy
}

// find returns the table of a run, of the latest one for the incarnation 0; nil when there is none. The caller holds c.mu.
func (c *Copies) find(of run) *table {
	if of.incarnation != 0 {
		return c.tables[of]
	}
	var last *table
	for _, t := range c.tables {
		if t.node == of.node && (last == nil || t.incarnation > last.incarnation) {
			last = t
		}
	}
	return last
}

func (c *Copies) copy(of run, id string) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.find(of); t != nil {
		return t.clients[id]
	}
	return nil
}

// open returns the table of a run, made when there is none. All runs of a node but the latest have ended. The caller holds c.mu.
func (c *Copies) open(of run) *table {
	if t := c.tables[of]; t != nil {
		return t
	}
	t := &table{run: of, clients: make(map[string]*Session), gone: make(map[string]gone), partial: make(map[string]*partial)}
	c.tables[of] = t
	last := of.incarnation
	if of.node == c.registry.node() {
		last = c.registry.incarnation
	}
	for x := range c.tables {
		if x.node == of.node {
			last = max(last, x.incarnation)
		}
	}
	for _, t := range c.tables {
		if t.node == of.node && t.incarnation != last {
			c.orphan(t, Grace)
		}
	}
	return t
}

// Merge takes up what Encode made on another node. Faults: Invalid.
func (c *Copies) Merge(b []byte) error {
	m := new(namingpb.Copy)
	if err := proto.Unmarshal(b, m); err != nil {
		return fault.Wrap(fault.Invalid, err, "a copy of a client can't be read")
	}
	return c.merge(m)
}

func (c *Copies) merge(m *namingpb.Copy) error {
	of := run{m.GetNode(), m.GetIncarnation()}
	if of.node == "" || of.incarnation == 0 || m.GetId() == "" || m.GetPart() >= m.GetParts() || m.GetParts() > 1<<16 {
		return fault.New(fault.Invalid, "a copy of a client says not whose it is")
	}
	if of == (run{c.registry.node(), c.registry.incarnation}) {
		return nil // nobody knows better
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.open(of)
	if !c.latest(t, m.GetId()) || m.GetRevision() <= t.gone[m.GetId()].revision {
		return nil
	}
	if m.GetGone() {
		c.drop(t, m.GetId(), m.GetRevision(), m.GetWhy())
		c.dropEarlier(t, m.GetId())
		return nil
	}
	if s := t.clients[m.GetId()]; s != nil && m.GetRevision() <= s.known() {
		return nil
	}
	if pubs, whole := t.gather(m); whole {
		c.put(t, m, pubs)
		c.dropEarlier(t, m.GetId())
	}
	return nil
}

// latest reports whether no later run of the table's node knows a client of that id.
func (c *Copies) latest(t *table, id string) bool {
	for _, x := range c.tables {
		if x.node == t.node && x.incarnation > t.incarnation {
			if _, gone := x.gone[id]; gone || x.clients[id] != nil {
				return false
			}
		}
	}
	return true
}

// gather collects the parts of a client; it reports whether they are all there.
func (t *table) gather(m *namingpb.Copy) (pubs []*namingpb.Publication, whole bool) {
	if m.GetParts() == 1 {
		return m.GetPublications(), true
	}
	p := t.partial[m.GetId()]
	if p == nil || p.revision != m.GetRevision() || len(p.parts) != int(m.GetParts()) {
		if p != nil && p.revision > m.GetRevision() {
			return nil, false
		}
		if p == nil && len(t.partial) >= maxPartial {
			clear(t.partial) // what is missing is asked for again
		}
		p = &partial{revision: m.GetRevision(), left: int(m.GetParts()), parts: make([]*namingpb.Copy, m.GetParts())}
		t.partial[m.GetId()] = p
	}
	if p.parts[m.GetPart()] == nil {
		p.left--
	}
	p.parts[m.GetPart()] = m
	if p.left > 0 {
		return nil, false
	}
	delete(t.partial, m.GetId())
	for _, part := range p.parts {
		pubs = append(pubs, part.GetPublications()...)
	}
	return pubs, true
}

// put makes pubs what the copy of a client published.
func (c *Copies) put(t *table, m *namingpb.Copy, pubs []*namingpb.Publication) {
	r := c.registry
	s := t.clients[m.GetId()]
	if s == nil {
		s = &Session{registry: r, client: r.clientOf(m), table: t}
		t.clients[m.GetId()] = s
		r.counts.copies.Add(1)
	}
	s.Heard()
	s.mu.Lock()
	s.revision, s.partial = 0, false // until it is whole
	s.mu.Unlock()
	type published struct {
		since int64
		list  []*Instance
		seqs  []uint64
	}
	want := make(map[Key]*published, len(pubs))
	for _, p := range pubs {
		k := keyOf(p.GetKey())
		x := want[k]
		if x == nil {
			x = &published{since: p.GetSinceMs()}
			want[k] = x
		}
		for _, i := range p.GetInstances() {
			own := instanceOf(i.GetInstance())
			own.Ephemeral, own.Cluster, own.Metadata = true, r.interner.text(own.Cluster), r.interner.metadata(own.Metadata)
			x.list, x.seqs = append(x.list, &own), append(x.seqs, i.GetRank())
		}
	}
	s.mu.Lock()
	held := slices.Clone(s.pubs.list)
	s.mu.Unlock()
	for _, p := range held {
		if want[p.service.key] == nil {
			s.lose(p, "deregistered")
		}
	}
	for k, x := range want {
		svc, err := r.open(&k, true)
		if err != nil {
			continue // it has nothing to refuse
		}
		s.mu.Lock()
		p, held := s.pubs.find(&k)
		if !held {
			p = &publication{session: s, service: svc, sinceMs: x.since}
			s.pubs.add(p)
		}
		s.mu.Unlock()
		if svc.put(p, x.list, x.seqs, s.client.ID) {
			svc.changed()
		}
		r.settle(svc)
	}
	s.mu.Lock()
	if !s.partial {
		s.revision = m.GetRevision()
	}
	s.mu.Unlock()
}

// dropEarlier drops what earlier runs of the table's node know of a client.
func (c *Copies) dropEarlier(t *table, id string) {
	for _, x := range c.tables {
		if x.node == t.node && x.incarnation < t.incarnation {
			c.drop(x, id, 0, "the client came again")
		}
	}
}

// drop takes a copy away that is no later than a revision, and notes that it is gone; with the revision 0 it takes away any and notes nothing.
func (c *Copies) drop(t *table, id string, revision uint64, why string) {
	if s := t.clients[id]; s != nil && (revision == 0 || s.known() <= revision) {
		delete(t.clients, id)
		s.vanish(why)
	}
	if p := t.partial[id]; p != nil && p.revision <= revision {
		delete(t.partial, id)
	}
	if revision > t.gone[id].revision {
		t.gone[id] = gone{revision, c.registry.mono()}
	}
}

// vanish ends a copy, and with it what its client published.
func (c *Session) vanish(why string) {
	r := c.registry
	c.mu.Lock()
	pubs := c.pubs.list
	c.pubs, c.closed = keyed[*publication]{}, true
	c.mu.Unlock()
	r.counts.copies.Add(-1)
	for _, p := range pubs {
		p.service.mu.Lock()
		p.service.retract(p, why, c.client.ID)
		r.settle(p.service)
	}
}

// lose ends what the client of a copy published of one service.
func (c *Session) lose(p *publication, why string) {
	p.service.mu.Lock()
	c.mu.Lock()
	c.pubs.remove(&p.service.key)
	c.mu.Unlock()
	p.service.retract(p, why, c.client.ID)
	c.registry.settle(p.service)
}
