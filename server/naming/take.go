package naming

import "nacre/server/journal"

// Take makes s follow a change that was decided elsewhere, and tells of it as Decide does; who did it is known as far as the
// row says it. After is the row as it is; one that is held already changes nothing. It runs on the goroutine that applies.
func (s *State) Take(c journal.Change) {
	s.mu.Lock()
	// What is held counts, not what was before the change elsewhere.
	change := joined(s.row(c), c)
	if change != nil {
		s.put(change)
	}
	s.mu.Unlock()
	if change != nil {
		s.tell([]journal.Change{change}, authorOf(change))
	}
}

// row returns what is held of the row that c changes as the change that made it. The caller holds mu.
func (s *State) row(c journal.Change) journal.Change {
	h := s.services[serviceOf(c)]
	if h == nil {
		h = &held{}
	}
	switch k := rowKey(c).(type) {
	case instanceRow:
		return InstanceChange{After: h.instances[k.of]}
	case serviceRow:
		return ServiceChange{After: h.service}
	case clusterRow:
		return ClusterChange{After: h.clusters[k.name]}
	case overrideRow:
		return OverrideChange{After: h.overrides[k.of]}
	case switchRow:
		return SwitchChange{After: s.switches[k.entry]}
	}
	return nil
}

// serviceOf returns the service whose row c changes, none of a switch.
func serviceOf(c journal.Change) Key {
	switch k := rowKey(c).(type) {
	case instanceRow:
		return k.key
	case serviceRow:
		return k.key
	case clusterRow:
		return k.key
	case overrideRow:
		return k.key
	}
	return Key{}
}

// authorOf returns who made a change, as far as the row that is there since says it.
func authorOf(c journal.Change) Actor {
	switch c := c.(type) {
	case InstanceChange:
		// Health is what probes find, whoever registered the instance.
		if c.After != nil && (c.Before == nil || c.Before.Instance.Healthy == c.After.Instance.Healthy) {
			return Actor{User: c.After.User, IP: c.After.IP}
		}
	case ServiceChange:
		if c.After != nil {
			return Actor{User: c.After.User, IP: c.After.IP}
		}
	case OverrideChange:
		if c.After != nil {
			return Actor{User: c.After.User, IP: c.After.IP}
		}
	}
	return Actor{}
}
