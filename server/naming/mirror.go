package naming

import (
	"cmp"

	"nacre/server/journal"
)

// persisted follows a change of the durable state, on the goroutine that applies.
func (r *Registry) persisted(c journal.Change, by Actor) {
	if by == loaded {
		by = Actor{}
		r.loading.Store(max(modifiedMs(c), 1))
		defer r.loading.Store(0)
	}
	switch c := c.(type) {
	case InstanceChange:
		r.persistentChanged(c, by)
		if r.cfg.PersistentChanged != nil {
			r.cfg.PersistentChanged(c.Before, c.After)
		}
	case ServiceChange:
		r.describedChanged(cmp.Or(c.After, c.Before).Key, c.After, by)
	case ClusterChange:
		if of := cmp.Or(c.After, c.Before); r.cfg.ClusterChanged != nil {
			r.cfg.ClusterChanged(of.Key, of.Name)
		}
	case OverrideChange:
		of := cmp.Or(c.After, c.Before)
		r.overridden(of.Key, of.Of, c.After, by)
	case SwitchChange:
		r.switches.set(r.state.Switches())
		r.nudge()
	}
}

// modifiedMs returns when a loaded instance was registered last, 0 of other rows.
func modifiedMs(c journal.Change) int64 {
	if c, ok := c.(InstanceChange); ok && c.After != nil {
		return c.After.ModifiedMs
	}
	return 0
}

// persistentChanged makes a persistent instance a publication of the client that its address and port are.
func (r *Registry) persistentChanged(c InstanceChange, by Actor) {
	of := cmp.Or(c.After, c.Before)
	a := clientAddr{addr{of.Instance.IP, of.Instance.Port}, false}
	if c.After == nil {
		if client := r.at(a); client != nil {
			client.withdraw(of.Key, "deregistered", by.String())
		}
		return
	}
	own := c.After.Instance
	own.Cluster, own.Metadata = r.interner.text(own.Cluster), r.interner.metadata(own.Metadata)
	who := by.String()
	if who == "" { // loaded, or of a restored snapshot
		who = Actor{User: c.After.User, IP: c.After.IP}.String()
	}
	client := r.come(a)
	own.IP = client.client.IP
	// It has nothing to refuse: the state has decided, and only this goroutine closes such a client.
	_ = client.publish(of.Key, []*Instance{&own}, who)
}

func (r *Registry) describedChanged(k Key, after *Service, by Actor) {
	s, err := r.open(&k, true)
	if err != nil {
		return // it has nothing to refuse
	}
	defer r.settle(s)
	was := s.exists
	s.describe(after)
	kind := ServiceDescribed
	if after != nil {
		s.exists = true
	} else {
		kind = ServiceRemoved
		if s.exists = len(s.sorted) > 0; !s.exists {
			s.kind = anyKind
		}
	}
	if was != s.exists || after == nil {
		r.names.changed()
	}
	s.changed()
	r.events.add(r, Event{Kind: kind, Key: s.key, By: by.String()})
}

// overridden lays something over an instance, nil for nothing.
func (r *Registry) overridden(k Key, id InstanceID, after *Override, by Actor) {
	r.noteOverride(k, id, after, by)
	s := r.lock(&k)
	if s == nil {
		return
	}
	defer r.settle(s)
	s.overrides = set(s.overrides, id, after)
	changed := false
	e := s.get(id)
	for _, x := range s.sorted {
		if e == nil || compareIDs(x.own, e.own) != 0 {
			continue
		}
		before := x.shown
		if x.shown = s.cover(x.own); before.same(x.shown) {
			continue
		}
		changed = true
		if x.pub.beat != nil {
			x.pub.follow()
		}
		if x == e {
			s.event(InstanceOverridden, x, difference(before, x.shown), by.String())
		}
	}
	if changed {
		s.changed()
	}
}

func (r *Registry) noteOverride(k Key, id InstanceID, after *Override, by Actor) {
	n := Note{AtMs: r.wall(), What: Uncovered, By: by.String()}
	if after != nil {
		n.What, n.Detail = Overridden, after.String()
		n.By, n.AtMs = Actor{User: after.User, IP: after.IP}.String(), after.AtMs
	}
	r.history.add(k, id, n)
}
