package naming

import (
	"nacre/server/journal"
	"nacre/server/naming/namingpb"
)

// Touched is what must be held for deciding a command.
type Touched struct {
	// Rows are named by changes that have nothing but the key of their row, in After.
	Rows []journal.Change
	// Services are those all of whose rows count but for the instances.
	Services []Key
	// Counted are services of which the number of persistent instances counts.
	Counted []Key
}

// Touches returns what must be held for deciding cmd, for a store that loads it on demand.
func Touches(cmd journal.Command) (t Touched, err error) {
	m, err := decode(cmd)
	if err != nil {
		return t, err
	}
	switch m := m.(type) {
	case *namingpb.Register:
		key := keyOf(m.Key)
		t.instance(m.Key, m.Instance.GetOf())
		t.Rows = append(t.Rows, ServiceChange{After: &Service{Key: key}}, ClusterChange{After: &Cluster{Key: key, Name: m.Instance.GetOf().GetCluster()}})
		t.Counted = []Key{key}
	case *namingpb.Deregister:
		t.instance(m.Key, m.Of)
	case *namingpb.Health:
		for _, one := range m.Ones {
			t.instance(one.Key, one.Of)
		}
	case *namingpb.Describe:
		t.Rows, t.Counted = []journal.Change{ServiceChange{After: &Service{Key: keyOf(m.Key)}}}, []Key{keyOf(m.Key)}
	case *namingpb.Remove:
		t.Services, t.Counted = []Key{keyOf(m.Key)}, []Key{keyOf(m.Key)}
	case *namingpb.SetCluster:
		t.Services = []Key{keyOf(m.Key)}
	case *namingpb.Override:
		t.override(m.Key, m.Of)
	case *namingpb.Sweep:
		for _, one := range m.Ones {
			t.override(one.Key, one.Of)
		}
	case *namingpb.Adopt:
		for _, r := range m.Rows {
			t.adopt(r)
		}
	case *namingpb.Switch:
		t.Rows = []journal.Change{SwitchChange{After: &Switch{Entry: m.Entry}}}
	}
	return t, nil
}

func (t *Touched) instance(k *namingpb.Key, of *namingpb.Of) {
	t.Rows = append(t.Rows, InstanceChange{After: &Persistent{Key: keyOf(k), Instance: Instance{IP: of.GetIp(), Port: int(of.GetPort())}}})
}

func (t *Touched) override(k *namingpb.Key, of *namingpb.Of) {
	t.Rows = append(t.Rows, OverrideChange{After: &Override{Key: keyOf(k), Of: idOf(of)}})
}

// Totals are how many rows of a kind there are.
type Totals struct{ Instances, Services, Overrides int64 }

// Totals returns what is counted.
func (s *State) Totals() Totals {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Totals{s.persistent, s.described, s.overrides}
}

// SetTotals tells a state that holds only what a group touches how many rows there are, and how many persistent
// instances each service has which counts them.
func (s *State) SetTotals(all Totals, instances map[Key]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.persistent, s.described, s.overrides = all.Instances, all.Services, all.Overrides
	for k, n := range instances {
		if n > 0 {
			h := s.open(k)
			h.others = n - int64(len(h.instances))
		}
	}
}
