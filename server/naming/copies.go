package naming

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"nacre/server/naming/namingpb"
)

// Copies is the registry as the nodes of a cluster see it: each tells the others of the clients that it owns, and keeps copies of
// theirs. A copy is replaced by one of a later (incarnation of its node, revision) alone, whatever order messages come in and however
// often; nothing that another node says changes what this node owns. It is safe for concurrent use.
type Copies struct {
	registry *Registry
	on       atomic.Bool
	wake     chan struct{}

	noting  sync.Mutex
	changed map[string]string // ids of clients of this node that the others are to be told of, with why they are gone

	mu     sync.Mutex
	tables map[run]*table

	leaving map[*Session]int // clients of this node that another node owns, too, with how often that was seen; Settle's alone
}

// run names a run of a node.
type run struct {
	node        string
	incarnation uint64
}

func (c *Copies) init(r *Registry) {
	c.registry, c.wake = r, make(chan struct{}, 1)
	c.changed, c.leaving, c.tables = make(map[string]string), make(map[*Session]int), make(map[run]*table)
}

// Copies returns what other nodes may know and tell; from the first call on, changes are noted for them. Call it before serving.
func (r *Registry) Copies() *Copies {
	r.copies.on.Store(true)
	return &r.copies
}

// Incarnation is that of this run of this node. It grows from run to run.
func (c *Copies) Incarnation() uint64 { return c.registry.incarnation }

// touch gives what the client published a new revision, higher than any before of this node. why says in words why the client is gone,
// where it is. The caller holds c.mu.
func (c *Session) touch(why string) {
	r := c.registry
	if c.table != nil {
		return // its node says which revision it has
	}
	c.revision = r.revisions.Add(1)
	if r.copies.on.Load() && c.client.Kind <= Beating {
		r.copies.note(c.client.ID, why)
	}
}

func (c *Copies) note(id, why string) {
	c.noting.Lock()
	if _, noted := c.changed[id]; !noted || why != "" {
		c.changed[id] = why
	}
	c.noting.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Wake returns a channel that has a value when there are Changed ones.
func (c *Copies) Wake() <-chan struct{} { return c.wake }

// Change is a client of this node that the others are to be told of. Why says why it is gone, where it is.
type Change struct{ ID, Why string }

// Changed returns the clients that changed since the last call, in no order.
func (c *Copies) Changed() []Change {
	c.noting.Lock()
	defer c.noting.Unlock()
	if len(c.changed) == 0 {
		return nil
	}
	list := make([]Change, 0, len(c.changed))
	for id, why := range c.changed {
		list = append(list, Change{id, why})
	}
	clear(c.changed)
	return list
}

// Version says how a client is known: by its id and revision.
type Version struct {
	ID       string
	Revision uint64
}

// Known is what a node knows of the clients of a run of a node.
type Known struct {
	Incarnation uint64
	// AsOf is the revision up to which nothing is missing: a client that is not there, and was at a revision up to it, is gone.
	AsOf     uint64
	Versions []Version // in no order
}

// Known returns what is known of a run of a node, this one or another; incarnation 0 is the latest run. False when nothing is.
func (c *Copies) Known(node string, incarnation uint64) (Known, bool) {
	r := c.registry
	if node == r.node() && (incarnation == 0 || incarnation == r.incarnation) {
		out := Known{Incarnation: r.incarnation, AsOf: r.revisions.Load()}
		c.each(func(s *Session) {
			s.mu.Lock()
			if len(s.pubs.list) > 0 && s.revision > 0 {
				out.Versions = append(out.Versions, Version{s.client.ID, s.revision})
			}
			s.mu.Unlock()
		})
		return out, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.find(run{node, incarnation})
	if t == nil {
		return Known{}, false
	}
	out := Known{Incarnation: t.incarnation, AsOf: t.asOf, Versions: make([]Version, 0, len(t.clients))}
	for id, s := range t.clients {
		out.Versions = append(out.Versions, Version{id, s.known()})
	}
	return out, true
}

// each calls f for the clients of this node that other nodes know.
func (c *Copies) each(f func(*Session)) {
	r := c.registry
	var batch []*Session
	for i := range shardCount {
		a, b := &r.sessions[i], &r.addrs[i]
		a.mu.RLock()
		for _, s := range a.m {
			batch = append(batch, s)
		}
		a.mu.RUnlock()
		b.mu.RLock()
		for _, s := range b.m {
			batch = append(batch, s)
		}
		b.mu.RUnlock()
		for n, s := range batch {
			if s.client.Kind <= Beating {
				f(s)
			}
			batch[n] = nil
		}
		batch = batch[:0]
	}
}

// eachCopy calls f, under the lock of the copies, for each of them.
func (c *Copies) eachCopy(f func(*Session)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tables {
		for _, s := range t.clients {
			f(s)
		}
	}
}

// anyOf returns the copy of a client of that id, nil when there is none.
func (c *Copies) anyOf(id string) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tables {
		if s := t.clients[id]; s != nil {
			return s
		}
	}
	return nil
}

// known returns the revision that the session is at.
func (c *Session) known() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision
}

// partOver is what stands around the publications of a part, at the most.
const partOver = 8 << 10

// Encode returns a client of a run of a node for Merge, in parts of at most most bytes each; nothing when it is not known there, but of
// one of this node's, that it is gone.
func (c *Copies) Encode(node string, incarnation uint64, of Change, most int) [][]byte {
	var out [][]byte
	for _, m := range c.encode(node, incarnation, of, most) {
		b, _ := proto.Marshal(m) // texts were checked when they came: it has nothing to refuse
		out = append(out, b)
	}
	return out
}

func (c *Copies) encode(node string, incarnation uint64, of Change, most int) []*namingpb.Copy {
	r := c.registry
	own := node == r.node() && incarnation == r.incarnation
	head := &namingpb.Copy{Node: node, Incarnation: incarnation, Id: of.ID, Parts: 1}
	var s *Session
	if own {
		head.Revision = r.revisions.Load() // before it is looked for: whatever comes after is later
		s = r.session(of.ID)
	} else {
		s = c.copy(run{node, incarnation}, of.ID)
	}
	if s != nil {
		revision, pubs := s.snapshot()
		if revision == 0 {
			return nil // it is about to be, and noted then; or it is a copy that something is missing of
		}
		if len(pubs) > 0 {
			head.Revision, head.Who = revision, whoPB(s.client)
			return divide(head, pubs, most)
		}
	}
	if !own {
		return nil
	}
	head.Gone, head.Why = true, of.Why
	return divide(head, nil, most)
}

// snapshot returns what a client published, at a revision or later.
func (c *Session) snapshot() (revision uint64, pubs []*namingpb.Publication) {
	c.mu.Lock()
	revision = c.revision
	list := append([]*publication(nil), c.pubs.list...)
	c.mu.Unlock()
	for _, p := range list {
		x := &namingpb.Publication{Key: keyPB(p.service.key), SinceMs: p.sinceMs}
		p.service.mu.Lock()
		for _, e := range p.entries {
			x.Instances = append(x.Instances, &namingpb.Ranked{Instance: instancePB(e.own), Rank: e.seq})
		}
		p.service.mu.Unlock()
		if len(x.Instances) > 0 {
			pubs = append(pubs, x)
		}
	}
	return revision, pubs
}

// divide returns head with pubs, in parts of at most most bytes.
func divide(head *namingpb.Copy, pubs []*namingpb.Publication, most int) []*namingpb.Copy {
	var parts []*namingpb.Copy
	var last *namingpb.Copy
	room := 0
	begin := func() {
		last = &namingpb.Copy{
			Node: head.Node, Incarnation: head.Incarnation, Id: head.Id, Revision: head.Revision, Gone: head.Gone, Why: head.Why, Who: head.Who, Part: uint32(len(parts)),
		}
		parts, room = append(parts, last), most-partOver
	}
	begin()
	for _, p := range pubs {
		var to *namingpb.Publication
		for _, i := range p.Instances {
			n := proto.Size(i) + 16
			if n > room && len(last.Publications) > 0 {
				begin()
				to = nil
			}
			if to == nil {
				to = &namingpb.Publication{Key: p.Key, SinceMs: p.SinceMs}
				last.Publications = append(last.Publications, to)
				room -= proto.Size(to) + 16
			}
			to.Instances = append(to.Instances, i)
			room -= n
		}
	}
	for _, p := range parts {
		p.Parts = uint32(len(parts))
	}
	return parts
}

func whoPB(c *Client) *namingpb.Who {
	return &namingpb.Who{
		Kind: uint32(c.Kind), Ip: c.IP, Remote: c.Remote, Port: int32(c.Port), App: c.App, Sdk: c.SDK, Tenant: c.Tenant, Labels: pairsPB(c.Labels), ConnectedMs: c.ConnectedMs,
	}
}

// clientOf returns the client that a copy is of.
func (r *Registry) clientOf(m *namingpb.Copy) *Client {
	w := m.GetWho()
	return &Client{
		ID: m.GetId(), Kind: ClientKind(w.GetKind() & 1), Node: r.interner.text(m.GetNode()), Incarnation: m.GetIncarnation(), IP: w.GetIp(), Remote: w.GetRemote(), Port: int(w.GetPort()),
		App: r.interner.text(w.GetApp()), SDK: r.interner.text(w.GetSdk()), Tenant: r.interner.text(w.GetTenant()), Labels: r.interner.metadata(pairsOf(w.GetLabels())),
		ConnectedMs: w.GetConnectedMs(),
	}
}
