package naming

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What is a kind of what happens to an instance.
type What uint8

// The kinds of what happens to an instance.
const (
	Registered What = iota
	// Reregistered is one that was registered again with other attributes.
	Reregistered
	Unhealthy
	Healthy
	Removed
	// Probed is a result of a probe that changed nothing yet, or the reason why it is unknown.
	Probed
	// Overridden is what an operator laid over it, Uncovered that this was cleared.
	Overridden
	Uncovered
)

// String returns the kind's name as it stands in the API of our own.
func (w What) String() string {
	return [...]string{"registered", "reregistered", "unhealthy", "healthy", "removed", "probed", "overridden", "uncovered"}[w&7]
}

// Note is one thing that happened to an instance.
type Note struct {
	AtMs int64
	What What
	// Detail says in words what What does not; By is the client, person or address that did it.
	Detail, By string
}

const (
	// maxNotes is how many notes are kept of an instance; the oldest go first.
	maxNotes = 16
	// maxProbed is how many of them are results of probes.
	maxProbed = 6
	// goneKept is how long they are kept of one that is gone.
	goneKept = 10 * time.Minute
	// historyShards part the lock of histories.
	historyShards = 16
)

// history keeps what happened to instances, up to a number of them: those that nothing happened to for longest go first.
type history struct {
	seed   maphash.Seed
	most   int
	shards [historyShards]historyShard
}

type historyShard struct {
	mu sync.Mutex
	// m finds them by the hash of their names; of two with the same hash, which is next to impossible, the later stays.
	m          map[uint64]*past
	head, tail *past // the first is the one to go first
}

// past is what happened to one instance.
type past struct {
	key        Key
	id         InstanceID
	hash       uint64
	goneMs     int64 // 0 while it is there
	notes      []Note
	prev, next *past
}

type instanceName struct {
	key Key
	id  InstanceID
}

func (h *history) init(most int) {
	h.seed, h.most = maphash.MakeSeed(), max(most/historyShards, 1)
	for i := range h.shards {
		h.shards[i].m = make(map[uint64]*past)
	}
}

func (h *history) add(k Key, id InstanceID, n Note) {
	hash := maphash.Comparable(h.seed, instanceName{k, id})
	sh := &h.shards[hash%historyShards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.m[hash]
	if p != nil && (p.key != k || p.id != id) {
		sh.drop(p)
		p = nil
	}
	if p == nil {
		if len(sh.m) >= h.most {
			sh.drop(sh.head)
		}
		p = &past{key: k, id: id, hash: hash}
		sh.m[hash] = p
	} else {
		sh.unlink(p)
	}
	sh.link(p)
	p.add(n)
	switch n.What {
	case Removed:
		p.goneMs = n.AtMs
	case Registered:
		p.goneMs = 0
	}
}

// add appends a note. Results of probes, of which there is one every few seconds, push out each other and nothing else.
func (p *past) add(n Note) {
	drop := -1
	if len(p.notes) >= maxNotes {
		drop = 0
	}
	if n.What == Probed {
		if last := len(p.notes) - 1; last >= 0 && p.notes[last].What == Probed && p.notes[last].Detail == n.Detail {
			p.notes[last] = n
			return
		}
		probed, first := 0, -1
		for i := range p.notes {
			if p.notes[i].What == Probed {
				if probed++; first < 0 {
					first = i
				}
			}
		}
		if probed >= maxProbed {
			drop = first
		}
	}
	if drop >= 0 {
		p.notes = slices.Delete(p.notes, drop, drop+1)
	}
	p.notes = append(p.notes, n)
}

func (h *history) get(k Key, id InstanceID) (notes []Note, goneMs int64) {
	hash := maphash.Comparable(h.seed, instanceName{k, id})
	sh := &h.shards[hash%historyShards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.m[hash]
	if p == nil || p.key != k || p.id != id {
		return nil, 0
	}
	return slices.Clone(p.notes), p.goneMs
}

// sweep drops those that were gone at ms or before.
func (h *history) sweep(ms int64) {
	for i := range h.shards {
		sh := &h.shards[i]
		sh.mu.Lock()
		for p := sh.head; p != nil; {
			next := p.next
			if p.goneMs != 0 && p.goneMs <= ms {
				sh.drop(p)
			}
			p = next
		}
		sh.mu.Unlock()
	}
}

func (sh *historyShard) link(p *past) {
	p.prev, p.next = sh.tail, nil
	if sh.tail == nil {
		sh.head = p
	} else {
		sh.tail.next = p
	}
	sh.tail = p
}

func (sh *historyShard) unlink(p *past) {
	if p.prev == nil {
		sh.head = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		sh.tail = p.prev
	} else {
		p.next.prev = p.prev
	}
}

func (sh *historyShard) drop(p *past) {
	sh.unlink(p)
	delete(sh.m, p.hash)
}

// Why is what is known of how an instance came to be as it is.
type Why struct {
	// Notes are the last things that happened to it, oldest first.
	Notes []Note
	// GoneMs is when it went, in ms since 1970; 0 while it is there, or when nothing is known of it.
	GoneMs int64
	// Shown and Own are the instance as it is shown and as it was registered, nil when it is not there. ClientID is who registered
	// it, SinceMs since when that client is in the service.
	Shown, Own *Instance
	ClientID   string
	SinceMs    int64
	// LastBeatMs is when its last heartbeat was heard, 0 of those that live without.
	LastBeatMs int64
	// Override lies over it; nil when nothing does.
	Override *Override
	// Others are clients that registered the same name, too, and are not shown.
	Others []string
}

// Why returns what is known of an instance, also for ten minutes after it went.
func (r *Registry) Why(k Key, id InstanceID) Why {
	var w Why
	if w.Notes, w.GoneMs = r.history.get(k, id); w.GoneMs != 0 && w.GoneMs <= r.wall()-goneKept.Milliseconds() {
		w.Notes, w.GoneMs = nil, 0
	}
	w.Override = r.state.Override(k, id)
	s := r.lock(&k)
	if s == nil {
		return w
	}
	defer s.mu.Unlock()
	e := s.get(id)
	if e == nil {
		return w
	}
	w.GoneMs, w.Shown, w.Own, w.ClientID, w.SinceMs = 0, e.shown, e.own, e.pub.session.client.ID, e.pub.sinceMs
	if b := e.pub.beat; b != nil {
		w.LastBeatMs = r.wall() - (r.mono()-b.last.Load())/int64(time.Millisecond)
	}
	for _, o := range s.sorted {
		if o != e && compareIDs(o.own, e.own) == 0 {
			w.Others = append(w.Others, o.pub.session.client.ID)
		}
	}
	return w
}

// note keeps what happened to an instance. The caller holds s.mu.
func (s *service) note(i *Instance, what What, detail, by string) {
	r := s.registry
	n := Note{AtMs: r.loading.Load(), What: what, Detail: detail, By: by}
	if n.AtMs == 0 {
		n.AtMs = r.wall()
	}
	r.history.add(s.key, i.Of(), n)
}

func (s *service) event(kind EventKind, e *entry, detail, by string) {
	r, i, node := s.registry, e.shown, ""
	if c := e.pub.session.client; c.Kind != Lasting {
		node = c.Node
	}
	r.events.add(r, Event{Kind: kind, Key: s.key, Of: i.Of(), Node: node, Detail: detail, By: by, Healthy: i.Healthy, Enabled: i.Enabled, Weight: i.Weight})
}

// noteRegistered is called when e has come.
func (s *service) noteRegistered(e *entry, by string) {
	s.registry.counts.registered.Add(1)
	detail := ""
	if !e.own.Healthy {
		detail = "as unhealthy"
	}
	s.note(e.own, Registered, detail, by)
	kind := InstanceUp
	if !e.own.Healthy {
		kind = InstanceDown
	}
	s.event(kind, e, detail, by)
}

// noteChange is called when e was registered again and looks different from before.
func (s *service) noteChange(e *entry, before *Instance, by string) {
	detail := difference(before, e.shown)
	what, kind := Reregistered, InstanceChanged
	if before.Healthy != e.shown.Healthy {
		rest := *before
		rest.Healthy = e.shown.Healthy
		only := rest.same(e.shown)
		if kind = InstanceDown; e.shown.Healthy {
			kind = InstanceUp
		}
		if only {
			detail = ""
			if what = Unhealthy; e.shown.Healthy {
				what = Healthy
			}
		}
	}
	s.note(e.own, what, detail, by)
	s.event(kind, e, detail, by)
}

// noteRemoved is called when e is no longer among the service's instances.
func (s *service) noteRemoved(e *entry, why, by string) {
	s.registry.counts.deregistered.Add(1)
	if o := s.other(e.own); o != nil {
		if ofCopies(e, o) && o.own.same(e.own) {
			return
		}
		s.note(e.own, Reregistered, "one of two registrations ended ("+why+"); that of "+o.pub.session.client.ID+" is shown", by)
		s.event(InstanceChanged, o, why, by)
		return
	}
	s.note(e.own, Removed, why, by)
	s.event(InstanceRemoved, e, why, by)
}

// maxDetail bounds the words on what became different.
const maxDetail = 400

// difference says in words what became different between two instances of one name.
func difference(a, b *Instance) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if a.Healthy != b.Healthy {
		say("healthy %t → %t", a.Healthy, b.Healthy)
	}
	if a.Enabled != b.Enabled {
		say("enabled %t → %t", a.Enabled, b.Enabled)
	}
	if a.Weight != b.Weight {
		say("weight %s → %s", strconv.FormatFloat(a.Weight, 'g', -1, 64), strconv.FormatFloat(b.Weight, 'g', -1, 64))
	}
	for _, p := range b.Metadata {
		if was, had := a.Metadata.Get(p.Key); !had {
			say("+%s=%s", p.Key, p.Value)
		} else if was != p.Value {
			say("%s %s → %s", p.Key, was, p.Value)
		}
	}
	for _, p := range a.Metadata {
		if _, has := b.Metadata.Get(p.Key); !has {
			say("−%s", p.Key)
		}
	}
	if len(parts) == 0 && (a.ID != b.ID || a.IDForm != b.IDForm) {
		return "another instanceId"
	}
	text := strings.Join(parts, ", ")
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + " …"
	}
	return text
}
