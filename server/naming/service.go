package naming

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// service is one service. mu guards all but registry and key, which stay, and cache.
type service struct {
	registry *Registry
	key      Key

	mu   sync.Mutex
	gone bool // no longer in its shard
	// exists says that it has or had an instance, or that somebody described it; it is over when it was cleaned.
	exists bool
	// dirty says that it waits for its subscribers to be told.
	dirty bool
	kind  kind
	// sorted are all instances of all publications, by name, of the same name the one registered last first.
	sorted    []*entry
	subs      []*subscription
	described *Service
	selector  []string // the labels of its selector
	overrides map[InstanceID]*Override
	// revision grows with each change, lastRefMs too, and is about the time of the last one.
	revision  uint64
	lastRefMs int64
	emptied   int64  // when the last instance went, on the registry's own time
	timer     *timer // of an empty service
	drain     *timer // of the next step of instances that are drained
	// before are the views of the state before, of which those stay that look the same.
	before *cache
	cache  atomic.Pointer[cache] // nil when something changed since
}

// kind says which instances a service holds.
type kind uint8

const (
	anyKind kind = iota
	ephemeralKind
	persistentKind
)

func kindOf(ephemeral bool) kind {
	if ephemeral {
		return ephemeralKind
	}
	return persistentKind
}

// entry is one instance of one publication. Its service guards it.
type entry struct {
	pub *publication
	own *Instance
	// shown is own with the override that lies over it.
	shown *Instance
	// seq is higher than that of all that were known of the service when it was registered, on whichever node.
	seq uint64
}

// silent reports whether e is of a client whose heartbeats are missed where e comes from.
func (e *entry) silent() bool { return e.pub.session.client.Kind == Beating && !e.own.Healthy }

// compareEntries orders the instances of a service. Of a client that two nodes own for a while, the one that hears it has it right.
func compareEntries(a, b *entry) int {
	c := compareIDs(a.own, b.own)
	if silent := a.silent(); c == 0 && silent != b.silent() {
		if c = -1; silent {
			c = 1
		}
	}
	if c = cmp.Or(c, cmp.Compare(b.seq, a.seq)); c != 0 || a.pub == b.pub {
		return c
	}
	// Two nodes registered it at the same time: all nodes show the same one.
	x, y := a.pub.session.client, b.pub.session.client
	return cmp.Or(cmp.Compare(x.Node, y.Node), cmp.Compare(y.Incarnation, x.Incarnation), cmp.Compare(x.ID, y.ID))
}

func compareIDs(a, b *Instance) int {
	if a.IP != b.IP {
		if a.IP < b.IP {
			return -1
		}
		return 1
	}
	if a.Port != b.Port {
		return cmp.Compare(a.Port, b.Port)
	}
	return cmp.Compare(a.Cluster, b.Cluster)
}

// mode returns which kind of instances s holds: as described, else as its first instance was.
func (s *service) mode() kind {
	if s.described != nil {
		return kindOf(s.described.Ephemeral)
	}
	return s.kind
}

// changed notes that the instances or what is said of the service are not what they were.
func (s *service) changed() {
	s.revision++
	s.lastRefMs = max(s.lastRefMs+1, s.registry.wall())
	if old := s.cache.Swap(nil); old != nil {
		s.before = nil
		if len(s.subs) > 0 {
			s.before = old
		}
	}
	if len(s.subs) > 0 && !s.dirty {
		s.dirty = true
		s.registry.dirty.add(s)
	}
}

// put makes list what p publishes, each instance with another name, and reports whether anything changed. by says who registers; seqs are
// those of a copy's instances, nil for a client of this node.
func (s *service) put(p *publication, list []*Instance, seqs []uint64, by string) bool {
	if len(p.entries) == 1 && len(list) == 1 && compareIDs(p.entries[0].own, list[0]) == 0 {
		moved := seqs != nil && s.rank(p.entries[0], seqs[0])
		return s.renew(p.entries[0], list[0], by) || moved
	}
	old := p.entries
	var held map[InstanceID]*entry
	if len(old) > 0 {
		held = make(map[InstanceID]*entry, len(old))
		for _, e := range old {
			held[e.own.Of()] = e
		}
	}
	changed := false
	entries := make([]*entry, 0, len(list))
	var added []*entry
	for n, i := range list {
		if e := held[i.Of()]; e != nil {
			delete(held, i.Of())
			changed = seqs != nil && s.rank(e, seqs[n]) || changed
			changed = s.renew(e, i, by) || changed
			entries = append(entries, e)
			continue
		}
		e := &entry{pub: p, own: i, seq: s.revision + 1}
		if seqs != nil {
			e.seq = seqs[n]
		}
		e.shown = s.cover(i)
		entries, added = append(entries, e), append(added, e)
	}
	p.entries = entries
	if len(held) > 0 {
		var gone []*entry
		for _, e := range old {
			if held[e.own.Of()] == e {
				gone = append(gone, e)
			}
		}
		s.remove(gone, "the client registered others in its place", by)
	}
	for _, seq := range seqs {
		s.revision = max(s.revision, seq)
	}
	s.insert(added, by)
	return changed || len(held) > 0 || len(added) > 0
}

// renew makes i what e publishes, which has the same name.
func (s *service) renew(e *entry, i *Instance, by string) bool {
	if e.own.same(i) {
		return false
	}
	before := e.shown
	s.replace(e, i)
	s.noteChange(e, before, by)
	return true
}

// replace makes i what e publishes, which has the same name.
func (s *service) replace(e *entry, i *Instance) {
	if e.own.Healthy == i.Healthy {
		e.own = i
	} else {
		s.move(e, func() { e.own = i })
	}
	e.shown = s.cover(i)
}

// move gives e its place after a change of it that may give it another.
func (s *service) move(e *entry, change func()) {
	at, _ := slices.BinarySearchFunc(s.sorted, e, compareEntries)
	s.sorted = slices.Delete(s.sorted, at, at+1)
	change()
	at, _ = slices.BinarySearchFunc(s.sorted, e, compareEntries)
	s.sorted = slices.Insert(s.sorted, at, e)
}

// rank gives an instance of a copy the rank that its node gives it; it reports whether that is another.
func (s *service) rank(e *entry, seq uint64) bool {
	if e.seq == seq {
		return false
	}
	s.move(e, func() { e.seq = seq })
	return true
}

// insert adds instances.
func (s *service) insert(added []*entry, by string) {
	if len(added) == 0 {
		return
	}
	r := s.registry
	if len(s.sorted) == 0 {
		s.begin(added[0])
	}
	r.counts.instances.Add(int64(len(added)))
	if len(added) < 32 {
		for _, e := range added {
			at, _ := slices.BinarySearchFunc(s.sorted, e, compareEntries)
			s.sorted = slices.Insert(s.sorted, at, e)
		}
	} else {
		s.sorted = append(s.sorted, added...)
		slices.SortFunc(s.sorted, compareEntries)
	}
	for _, e := range added {
		if !r.copies.on.Load() || !s.meet(e) {
			s.noteRegistered(e, by)
		}
	}
}

// begin is called before a service without instances has its first.
func (s *service) begin(first *entry) {
	s.kind = kindOf(first.own.Ephemeral)
	if !s.exists {
		s.exists = true
		s.registry.names.changed()
	}
	if s.timer != nil {
		s.registry.wheel.remove(s.timer)
		s.timer = nil
	}
	s.registry.events.add(s.registry, Event{Kind: ServiceAppeared, Key: s.key})
}

// remove takes instances away, which are no longer of their publications; why says in words what for.
func (s *service) remove(gone []*entry, why, by string) {
	if len(gone) == 0 {
		return
	}
	r := s.registry
	if len(gone) < 32 {
		for _, e := range gone {
			at, _ := slices.BinarySearchFunc(s.sorted, e, compareEntries)
			s.sorted = slices.Delete(s.sorted, at, at+1)
		}
	} else {
		lost := make(map[*entry]struct{}, len(gone))
		for _, e := range gone {
			lost[e] = struct{}{}
		}
		s.sorted = slices.DeleteFunc(s.sorted, func(e *entry) bool {
			_, is := lost[e]
			return is
		})
	}
	if cap(s.sorted) > 64 && len(s.sorted) < cap(s.sorted)/4 {
		s.sorted = slices.Clone(s.sorted)
	}
	r.counts.instances.Add(-int64(len(gone)))
	for _, e := range gone {
		s.noteRemoved(e, why, by)
	}
	if len(s.sorted) == 0 {
		r.events.add(r, Event{Kind: ServiceGone, Key: s.key})
		s.emptied = r.mono()
		if s.timer == nil {
			s.timer = &timer{service: s}
			r.wheel.set(s.timer, s.emptied+int64(r.cfg.EmptyAfter))
		}
	}
}

// other returns the instance that is shown in the place of one that was removed, nil when there is none.
func (s *service) other(gone *Instance) *entry {
	at, _ := slices.BinarySearchFunc(s.sorted, gone, func(e *entry, i *Instance) int {
		return cmp.Or(compareIDs(e.own, i), 1)
	})
	if at < len(s.sorted) && compareIDs(s.sorted[at].own, gone) == 0 {
		return s.sorted[at]
	}
	return nil
}

// get returns the entry of a name, the one registered last; nil when there is none.
func (s *service) get(id InstanceID) *entry {
	return s.other(&Instance{IP: id.IP, Port: id.Port, Cluster: id.Cluster})
}

// clean forgets a service that is empty for long. It returns how much longer to wait, 0 when there is nothing to wait for.
func (s *service) clean(now int64) (wait int64) {
	s.timer = nil
	if len(s.sorted) > 0 {
		return 0
	}
	if left := s.emptied + int64(s.registry.cfg.EmptyAfter) - now; left > 0 {
		return left
	}
	s.kind = anyKind
	if s.described == nil && s.exists {
		s.exists = false
		s.registry.names.changed()
	}
	return 0
}

// drop takes s out of its shard. The caller holds s.mu, and nobody else needs s.
func (s *service) drop() {
	s.gone = true
	for floor := s.registry.floor.Load(); s.lastRefMs > floor && !s.registry.floor.CompareAndSwap(floor, s.lastRefMs); {
		floor = s.registry.floor.Load()
	}
	sh := s.registry.shard(&s.key)
	sh.mu.Lock()
	delete(sh.m, s.key)
	sh.mu.Unlock()
	s.registry.counts.services.Add(-1)
	if s.timer != nil {
		s.registry.wheel.remove(s.timer)
		s.timer = nil
	}
	if s.drain != nil {
		s.registry.wheel.remove(s.drain)
		s.drain = nil
	}
}
