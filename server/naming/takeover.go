package naming

import (
	"slices"
	"strings"

	"nacre/server/naming/namingpb"
)

// answer returns a client of this node, or that it is gone, for who changed it from elsewhere.
func (c *Copies) answer(id string) (list []*namingpb.Copy) {
	r := c.registry
	for _, m := range c.encode(r.node(), r.incarnation, Change{ID: id, Why: "deregistered"}, answerMost) {
		list = append(list, m)
		if len(m.GetPublications()) > 0 && m.GetParts() > 1 {
			return nil // it is too much: it comes by itself
		}
	}
	return list
}

// answerMost bounds a client in an answer.
const answerMost = 256 << 10

// copiesOf returns the copies of a client that has no connection, one of each run that knows it. The caller holds c.mu.
func (c *Copies) copiesOf(id string) (list []*Session) {
	for _, t := range c.tables {
		if s := t.clients[id]; s != nil && s.client.Kind == Beating {
			list = append(list, s)
		}
	}
	return list
}

// deregistered takes an instance out of what is kept of nodes that are down, and returns the other nodes that own its client.
func (c *Copies) deregistered(id string, k Key) (nodes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.copiesOf(id) {
		s.mu.Lock()
		p, held := s.pubs.find(&k)
		s.mu.Unlock()
		switch {
		case !held:
		case s.table.orphaned.Load():
			s.lose(p, "deregistered")
		default:
			nodes = append(nodes, s.table.node)
		}
	}
	return nodes
}

// takeOver makes the client of an address this node's, with what other nodes know of it, and its clocks begin anew. It reports whether it
// has instances of service k then.
func (c *Copies) takeOver(a clientAddr, k Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.copiesOf(a.id(true)) {
		c.take(s)
	}
	s := c.registry.at(a)
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, held := s.pubs.find(&k)
	return held
}

// take publishes, as this node's, what the client of a copy published and this node does not have yet; it reports whether there was
// anything. The caller holds c.mu.
func (c *Copies) take(copied *Session) (taken bool) {
	r := c.registry
	a := clientAddr{addr{copied.client.IP, copied.client.Port}, true}
	copied.mu.Lock()
	pubs := append([]*publication(nil), copied.pubs.list...)
	copied.mu.Unlock()
	own := r.at(a)
	for _, p := range pubs {
		p.service.mu.Lock()
		var list []*Instance
		heard := false
		for _, e := range p.entries {
			list = append(list, e.own)
			heard = heard || e.own.Healthy
		}
		p.service.mu.Unlock()
		if len(list) == 0 {
			continue
		}
		if own != nil {
			own.mu.Lock()
			mine, held := own.pubs.find(&p.service.key)
			own.mu.Unlock()
			if held {
				if heard {
					mine.heard()
				}
				continue
			}
		}
		own = r.come(a)
		// It has nothing to refuse, but that the client went in this moment: then it is taken the next time.
		taken = own.place(p.service.key, list, copied.client.ID, true) == nil || taken
	}
	if own != nil {
		own.leave()
	}
	return taken
}

// rounds is how often a client must be found to be owned by another node before it is let go of.
const rounds = 4

// Settle gives each client without a connection the node that is to own it: this node takes over those of others, and lets go of its
// own that others have taken over, when it has found so four times: until then all have compared what they know of the new owner. It is
// called every two seconds or so, from one goroutine. alive says whether a node is up.
func (c *Copies) Settle(alive func(node string) bool) (taken, left int) {
	r := c.registry
	if r.owners == nil {
		return 0, 0
	}
	owner := func(s *Session) string { return r.owners.Owner(strings.TrimSuffix(s.client.ID, "#true")) }
	for _, s := range c.beating() {
		if owner(s) != r.node() {
			continue
		}
		c.mu.Lock()
		if t := c.tables[s.table.run]; t != nil && t.clients[s.client.ID] == s && c.take(s) {
			taken++
		}
		c.mu.Unlock()
	}
	leaving := make(map[*Session]int)
	c.each(func(s *Session) {
		if s.client.Kind != Beating {
			return
		}
		node := owner(s)
		if node == "" || node == r.node() || !alive(node) || !c.covered(s, node) {
			return
		}
		if leaving[s] = c.leaving[s] + 1; leaving[s] < rounds {
			return
		}
		left++
		delete(leaving, s)
		s.Close("node " + node + " owns the client now")
	})
	c.leaving = leaving
	return taken, left
}

// beating returns the copies of clients without a connection.
func (c *Copies) beating() (list []*Session) {
	c.eachCopy(func(s *Session) {
		if s.client.Kind == Beating {
			list = append(list, s)
		}
	})
	return list
}

// covered reports whether a node has all that a client of this one published, and hears it.
func (c *Copies) covered(s *Session, node string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.find(run{node: node})
	if t == nil || t.orphaned.Load() {
		return false
	}
	there := t.clients[s.client.ID]
	if there == nil {
		return false
	}
	s.mu.Lock()
	pubs := append([]*publication(nil), s.pubs.list...)
	s.mu.Unlock()
	for _, p := range pubs {
		there.mu.Lock()
		q, held := there.pubs.find(&p.service.key)
		there.mu.Unlock()
		if !held || !p.coveredBy(q) {
			return false
		}
	}
	return true
}

// coveredBy reports whether another publication of the same service has all instances of p, and those healthy that are healthy in p.
func (p *publication) coveredBy(q *publication) bool {
	if p.service != q.service {
		return false // one of them is of a service that was forgotten meanwhile
	}
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	for _, e := range p.entries {
		if !slices.ContainsFunc(q.entries, func(o *entry) bool { return compareIDs(e.own, o.own) == 0 && (o.own.Healthy || !e.own.Healthy) }) {
			return false
		}
	}
	return true
}
