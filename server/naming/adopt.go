package naming

import (
	"context"

	"google.golang.org/protobuf/proto"

	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/naming/namingpb"
	"nacre/server/resource"
)

// Adopt takes what another server keeps over as it is, with its times and authors: changes with After alone. What is held
// and differs stays unless replace is true; that an instance was found well or ill makes no difference. Call CheckRow for
// each before. What it answers is in the order of the rows.
func (r *Registry) Adopt(ctx context.Context, by Actor, rows []journal.Change, replace bool) ([]journal.Adopted, error) {
	m := &namingpb.Adopt{Replace: replace, Actor: by.pb()}
	for _, c := range rows {
		m.Rows = append(m.Rows, rowPB(c))
	}
	out, err := r.submit(ctx, KindAdopt, m)
	return out.Adopted, err
}

// CheckRow returns a fault when a row of another server can't be taken over.
func (r *Registry) CheckRow(c journal.Change) error {
	key := Key{}
	switch c := c.(type) {
	case InstanceChange:
		i := c.After.Instance
		if err := CheckInstance(&i, r.cfg.MaxMetadata); err != nil {
			return err
		}
		if i.Ephemeral || i.Cluster == "" {
			return fault.New(fault.Invalid, "the instance is not a persistent one of a cluster")
		}
		key = c.After.Key
	case ServiceChange:
		return checkService(c.After, r.cfg.MaxMetadata)
	case ClusterChange:
		if err := CheckMetadata(c.After.Metadata, r.cfg.MaxMetadata); err != nil {
			return err
		}
		key = c.After.Key
	case OverrideChange:
		if err := CheckMetadata(c.After.Metadata, r.cfg.MaxMetadata); err != nil {
			return err
		}
		if c.After.empty() {
			return fault.New(fault.Invalid, "the override lays nothing over its instance")
		}
		key = c.After.Key
	case SwitchChange:
		if kind, known := switchKinds[c.After.Entry]; !known || c.After.Value == "" || kind.check(c.After.Value) != nil {
			return fault.New(fault.Invalid, "there is no switch %.40q that may have the value %.40q", c.After.Entry, c.After.Value)
		}
		return nil
	}
	if err := resource.CheckServiceKey(key); err != nil {
		return badName(err)
	}
	return nil
}

// Kept returns what is held of the row that c names, with After alone; nil when nothing is.
func (r *Registry) Kept(c journal.Change) journal.Change { return r.state.kept(c, true) }

func (s *State) kept(c journal.Change, lock bool) journal.Change {
	if lock {
		s.mu.RLock()
		defer s.mu.RUnlock()
	}
	switch c := c.(type) {
	case InstanceChange:
		if h := s.services[c.After.Key]; h != nil && h.instances[addr{c.After.Instance.IP, c.After.Instance.Port}] != nil {
			return InstanceChange{After: h.instances[addr{c.After.Instance.IP, c.After.Instance.Port}]}
		}
	case ServiceChange:
		if h := s.services[c.After.Key]; h != nil && h.service != nil {
			return ServiceChange{After: h.service}
		}
	case ClusterChange:
		if h := s.services[c.After.Key]; h != nil && h.clusters[c.After.Name] != nil {
			return ClusterChange{After: h.clusters[c.After.Name]}
		}
	case OverrideChange:
		if h := s.services[c.After.Key]; h != nil && h.overrides[c.After.Of] != nil {
			return OverrideChange{After: h.overrides[c.After.Of]}
		}
	case SwitchChange:
		if w := s.switches[c.After.Entry]; w != nil {
			return SwitchChange{After: w}
		}
	}
	return nil
}

func rowPB(c journal.Change) *namingpb.Adopt_Row {
	switch c := c.(type) {
	case InstanceChange:
		p := c.After
		return &namingpb.Adopt_Row{CreatedMs: p.CreatedMs, Row: &namingpb.Adopt_Row_Instance{Instance: &namingpb.Register{
			Key: keyPB(p.Key), Instance: instancePB(&p.Instance), Actor: Actor{User: p.User, IP: p.IP}.pb(), AtMs: p.ModifiedMs,
		}}}
	case ServiceChange:
		d := c.After
		return &namingpb.Adopt_Row{CreatedMs: d.CreatedMs, Row: &namingpb.Adopt_Row_Service{Service: &namingpb.Describe{
			Key: keyPB(d.Key), Ephemeral: d.Ephemeral, ProtectThreshold: d.ProtectThreshold, Metadata: pairsPB(d.Metadata),
			Selector: &namingpb.Selector{Type: d.Selector.Type, Expression: d.Selector.Expression}, Actor: Actor{User: d.User, IP: d.IP}.pb(), AtMs: d.ModifiedMs,
		}}}
	case ClusterChange:
		k, x := c.After, c.After.Checker
		return &namingpb.Adopt_Row{Row: &namingpb.Adopt_Row_Cluster{Cluster: &namingpb.SetCluster{
			Key: keyPB(k.Key), Cluster: k.Name, CheckPort: int32(k.CheckPort), UseInstancePort: k.UseInstancePort, Metadata: pairsPB(k.Metadata), AtMs: k.ModifiedMs,
			Checker: &namingpb.Checker{Type: x.Type, Path: x.Path, Headers: x.Headers, Expected: int32(x.Expected), User: x.User, Password: x.Password, Command: x.Command},
		}}}
	case OverrideChange:
		o := c.After
		m := &namingpb.Override{
			Key: keyPB(o.Key), Of: idPB(o.Of), Enabled: o.Enabled, Weight: o.Weight, Metadata: pairsPB(o.Metadata), Actor: Actor{User: o.User, IP: o.IP}.pb(), AtMs: o.AtMs,
		}
		if d := o.Drain; d != (Drain{}) {
			m.Drain = &namingpb.Drain{FromMs: d.FromMs, UntilMs: d.UntilMs, OfflineMs: d.OfflineMs}
		}
		return &namingpb.Adopt_Row{Row: &namingpb.Adopt_Row_Override{Override: m}}
	case SwitchChange:
		w := c.After
		return &namingpb.Adopt_Row{Row: &namingpb.Adopt_Row_Switch{Switch: &namingpb.Switch{
			Entry: w.Entry, Value: w.Value, Actor: Actor{User: w.User, IP: w.IP}.pb(), AtMs: w.AtMs,
		}}}
	}
	return &namingpb.Adopt_Row{}
}

// rowOf returns the change with After alone that a row makes, nil for one that a later version may know.
func rowOf(r *namingpb.Adopt_Row) journal.Change {
	switch {
	case r.GetInstance() != nil:
		m := r.GetInstance()
		return InstanceChange{After: &Persistent{
			Key: keyOf(m.Key), Instance: instanceOf(m.Instance), User: m.Actor.GetUser(), IP: m.Actor.GetIp(), CreatedMs: r.CreatedMs, ModifiedMs: m.AtMs,
		}}
	case r.GetService() != nil:
		m := r.GetService()
		return ServiceChange{After: &Service{
			Key: keyOf(m.Key), Ephemeral: m.Ephemeral, ProtectThreshold: m.ProtectThreshold, Metadata: pairsOf(m.Metadata),
			Selector: Selector{Type: m.Selector.GetType(), Expression: m.Selector.GetExpression()},
			User:     m.Actor.GetUser(), IP: m.Actor.GetIp(), CreatedMs: r.CreatedMs, ModifiedMs: m.AtMs,
		}}
	case r.GetCluster() != nil:
		m := r.GetCluster()
		return ClusterChange{After: clusterOf(m)}
	case r.GetOverride() != nil:
		m := r.GetOverride()
		o := &Override{
			Key: keyOf(m.Key), Of: idOf(m.Of), Enabled: m.Enabled, Weight: m.Weight, Metadata: pairsOf(m.Metadata),
			User: m.Actor.GetUser(), IP: m.Actor.GetIp(), AtMs: m.AtMs,
		}
		if d := m.Drain; d != nil {
			o.Drain = Drain{FromMs: d.FromMs, UntilMs: d.UntilMs, OfflineMs: d.OfflineMs}
		}
		return OverrideChange{After: o}
	case r.GetSwitch() != nil:
		m := r.GetSwitch()
		return SwitchChange{After: &Switch{Entry: m.Entry, Value: m.Value, User: m.Actor.GetUser(), IP: m.Actor.GetIp(), AtMs: m.AtMs}}
	}
	return nil
}

// adopt decides each row and holds it at once, as the next may be of the same service. The caller holds mu.
func (s *State) adopt(m *namingpb.Adopt) (out Outcome, changes []journal.Change) {
	for _, r := range m.Rows {
		row := rowOf(r)
		if row == nil {
			out.Adopted = append(out.Adopted, journal.AdoptedConflict)
			continue
		}
		held := s.kept(row, false)
		became := journal.Adopts(held != nil, held != nil && like(held, row), m.Replace)
		if s.wrongKind(row) {
			became = journal.AdoptedConflict
		}
		out.Adopted = append(out.Adopted, became)
		if became == journal.AdoptedNew || became == journal.AdoptedReplaced {
			c := joined(held, row)
			s.put(c)
			changes = append(changes, c)
		}
	}
	return out, changes
}

// wrongKind reports whether a row can't be in its service, which holds instances of the other kind.
func (s *State) wrongKind(row journal.Change) bool {
	switch c := row.(type) {
	case InstanceChange:
		h := s.services[c.After.Key]
		return h != nil && h.service != nil && h.service.Ephemeral
	case ServiceChange:
		h := s.services[c.After.Key]
		return h != nil && c.After.Ephemeral && h.count() > 0
	}
	return false
}

// like reports whether two rows say the same, whatever was found of an instance's health.
func like(a, b journal.Change) bool {
	x, y := rowPB(a), rowPB(b)
	for _, r := range []*namingpb.Adopt_Row{x, y} {
		if i := r.GetInstance().GetInstance(); i != nil {
			i.Healthy = false
		}
	}
	return proto.Equal(x, y)
}

// adopt notes what must be held for taking a row over: the row itself, and what the service says of its kind.
func (t *Touched) adopt(r *namingpb.Adopt_Row) {
	row := rowOf(r)
	switch c := row.(type) {
	case nil:
	case InstanceChange:
		t.instance(r.GetInstance().Key, r.GetInstance().GetInstance().GetOf())
		t.Rows = append(t.Rows, ServiceChange{After: &Service{Key: c.After.Key}})
	case ServiceChange:
		t.Rows, t.Counted = append(t.Rows, row), append(t.Counted, c.After.Key)
	default:
		t.Rows = append(t.Rows, row)
	}
}
