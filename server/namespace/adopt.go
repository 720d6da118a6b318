package namespace

import (
	"context"

	"nacre/server/journal"
	"nacre/server/namespace/namespacepb"
)

// Adopt takes namespaces of another server over as they are, with their times. What is held and differs stays unless
// replace is true. Call CheckRow for each before. What it answers is in the order given.
func (s *Service) Adopt(ctx context.Context, by Actor, all []*Namespace, replace bool) ([]journal.Adopted, error) {
	m := &namespacepb.Adopt{Replace: replace, Actor: by.pb()}
	for _, n := range all {
		m.Ones = append(m.Ones, &namespacepb.Adopt_One{
			Create: &namespacepb.Create{Id: n.ID, Name: n.Name, Desc: n.Desc, AtMs: n.CreatedMs}, ModifiedMs: n.ModifiedMs,
		})
	}
	out, err := s.submit(ctx, KindAdopt, m)
	return out.Adopted, err
}

// CheckRow returns a fault when a namespace of another server can't be taken over.
func (s *Service) CheckRow(n *Namespace) error { return checkID(n.ID) }

func (s *State) adopt(m *namespacepb.Adopt) (out Outcome, changes []journal.Change) {
	for _, one := range m.Ones {
		c := one.GetCreate()
		n := &Namespace{ID: c.GetId(), Name: c.GetName(), Desc: c.GetDesc(), CreatedMs: c.GetAtMs(), ModifiedMs: one.ModifiedMs}
		before := s.byID[n.ID]
		became := journal.Adopts(before != nil, before != nil && *before == *n, m.Replace)
		out.Adopted = append(out.Adopted, became)
		if became == journal.AdoptedNew || became == journal.AdoptedReplaced {
			s.byID[n.ID] = n
			changes = append(changes, Change{Before: before, After: n})
		}
	}
	return out, changes
}
