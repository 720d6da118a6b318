package naming

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/naming/namingpb"
)

func decode(cmd journal.Command) (proto.Message, error) {
	var m proto.Message
	switch cmd.Kind {
	case KindRegister:
		m = &namingpb.Register{}
	case KindDeregister:
		m = &namingpb.Deregister{}
	case KindHealth:
		m = &namingpb.Health{}
	case KindDescribe:
		m = &namingpb.Describe{}
	case KindRemove:
		m = &namingpb.Remove{}
	case KindSetCluster:
		m = &namingpb.SetCluster{}
	case KindOverride:
		m = &namingpb.Override{}
	case KindSweep:
		m = &namingpb.Sweep{}
	case KindSwitch:
		m = &namingpb.Switch{}
	case KindAdopt:
		m = &namingpb.Adopt{}
	default:
		return nil, fmt.Errorf("command kind %d is not one of services", cmd.Kind)
	}
	if err := proto.Unmarshal(cmd.Body, m); err != nil {
		return nil, fmt.Errorf("command of kind %d: %w", cmd.Kind, err)
	}
	return m, nil
}

// Decide decides cmd on what is held, applies the decision and returns it with the rows that change.
func (s *State) Decide(cmd journal.Command) (Outcome, []journal.Change, error) {
	m, err := decode(cmd)
	if err != nil {
		return Outcome{}, nil, err
	}
	s.mu.Lock()
	var out Outcome
	var changes []journal.Change
	if a, ok := m.(*namingpb.Adopt); ok {
		out, changes = s.adopt(a)
	} else {
		out, changes = s.decide(m)
		for _, c := range changes {
			s.put(c)
		}
	}
	s.mu.Unlock()
	out.Changed = len(changes) > 0
	by := Actor{}
	if a, ok := m.(interface{ GetActor() *namingpb.Actor }); ok {
		by = Actor{User: a.GetActor().GetUser(), IP: a.GetActor().GetIp(), Client: a.GetActor().GetClient()}
	}
	s.tell(changes, by)
	return out, changes, nil
}

func (s *State) decide(m proto.Message) (Outcome, []journal.Change) {
	switch m := m.(type) {
	case *namingpb.Register:
		return s.register(m)
	case *namingpb.Deregister:
		held := s.instance(m.Key, m.Of)
		if held == nil {
			return Outcome{}, nil
		}
		return Outcome{Existed: true}, []journal.Change{InstanceChange{Before: held}}
	case *namingpb.Health:
		return Outcome{}, s.health(m)
	case *namingpb.Describe:
		return s.describe(m)
	case *namingpb.Remove:
		return s.remove(m)
	case *namingpb.SetCluster:
		return s.setCluster(m)
	case *namingpb.Override:
		return s.override(m)
	case *namingpb.Sweep:
		return Outcome{}, s.sweep(m)
	case *namingpb.Switch:
		return Outcome{}, s.setSwitch(m)
	}
	return Outcome{}, nil
}

func refuse(kind fault.Kind, code fault.Code, format string, args ...any) (Outcome, []journal.Change) {
	return Outcome{Fault: fault.New(kind, format, args...).WithCode(code)}, nil
}

func (s *State) instance(k *namingpb.Key, of *namingpb.Of) *Persistent {
	if h := s.services[keyOf(k)]; h != nil {
		return h.instances[addr{of.GetIp(), int(of.GetPort())}]
	}
	return nil
}

func (s *State) register(m *namingpb.Register) (Outcome, []journal.Change) {
	key, i := keyOf(m.Key), instanceOf(m.Instance)
	h := s.services[key]
	var before *Persistent
	if h != nil {
		if h.service != nil && h.service.Ephemeral {
			return Outcome{Fault: wrongKind(key, true)}, nil
		}
		before = h.instances[addr{i.IP, i.Port}]
	}
	after := &Persistent{
		Key: key, Instance: i, User: m.Actor.GetUser(), IP: m.Actor.GetIp(), CreatedMs: m.AtMs, ModifiedMs: m.AtMs,
	}
	if before != nil {
		after.Key, after.CreatedMs = before.Key, before.CreatedMs
		if c := h.clusters[i.Cluster]; before.Instance.Cluster == i.Cluster && (c == nil || c.Checker.Type != CheckNone) {
			// Probes know better than who registers it again.
			i.Healthy, after.Instance.Healthy = before.Instance.Healthy, before.Instance.Healthy
		}
		if before.Instance.same(&i) {
			return Outcome{Existed: true}, nil
		}
		return Outcome{Existed: true}, []journal.Change{InstanceChange{before, after}}
	}
	if h != nil && m.MaxService > 0 && h.count() >= m.MaxService {
		return refuse(fault.Limited, CodeLimit, "service %s has %d persistent instances, the most that may be (setting max-instances-per-service)", key, h.count())
	}
	if m.MaxAll > 0 && s.persistent >= m.MaxAll {
		return refuse(fault.Limited, CodeLimit, "there are %d persistent instances, the most that may be (setting max-instances)", s.persistent)
	}
	return Outcome{}, []journal.Change{InstanceChange{nil, after}}
}

// health returns a change for each instance whose health differs. Of the same instance the last counts.
func (s *State) health(m *namingpb.Health) (changes []journal.Change) {
	at := make(map[*Persistent]int, len(m.Ones))
	for _, one := range m.Ones {
		held := s.instance(one.Key, one.Of)
		if held == nil || held.Instance.Cluster != one.Of.GetCluster() {
			continue
		}
		if i, again := at[held]; again {
			changes[i].(InstanceChange).After.Instance.Healthy = one.Healthy
			continue
		}
		after := *held
		after.Instance.Healthy = one.Healthy
		at[held] = len(changes)
		changes = append(changes, InstanceChange{held, &after})
	}
	return slices.DeleteFunc(changes, func(c journal.Change) bool {
		x := c.(InstanceChange)
		return x.Before.Instance.Healthy == x.After.Instance.Healthy
	})
}

func (s *State) describe(m *namingpb.Describe) (Outcome, []journal.Change) {
	key := keyOf(m.Key)
	h := s.services[key]
	var before *Service
	if h != nil {
		before = h.service
	}
	switch {
	case m.Mode == namingpb.Describe_CREATE && (before != nil || h != nil && h.count() > 0):
		return refuse(fault.Conflict, CodeServiceExists, "specified service %s already exists!", key.Grouped())
	case before == nil && m.MaxAll > 0 && s.described >= m.MaxAll:
		return refuse(fault.Limited, CodeLimit, "there are %d services that somebody described, the most that may be (setting max-services)", s.described)
	}
	after := &Service{
		Key: key, Ephemeral: m.Ephemeral, ProtectThreshold: m.ProtectThreshold, Metadata: pairsOf(m.Metadata),
		Selector: Selector{Type: m.Selector.GetType(), Expression: m.Selector.GetExpression()},
		User:     m.Actor.GetUser(), IP: m.Actor.GetIp(), CreatedMs: m.AtMs, ModifiedMs: m.AtMs,
	}
	if h != nil && h.count() > 0 {
		after.Ephemeral = false
	}
	if before != nil {
		after.Key, after.CreatedMs, after.Ephemeral = before.Key, before.CreatedMs, before.Ephemeral
	}
	return Outcome{Existed: before != nil}, []journal.Change{ServiceChange{before, after}}
}

func (s *State) remove(m *namingpb.Remove) (Outcome, []journal.Change) {
	key := keyOf(m.Key)
	h := s.services[key]
	if h == nil {
		return Outcome{}, nil
	}
	if h.count() > 0 {
		return Outcome{Existed: true, Fault: notEmpty(key)}, nil
	}
	var changes []journal.Change
	if h.service != nil {
		changes = append(changes, ServiceChange{Before: h.service})
	}
	for _, c := range sorted(h.clusters) {
		changes = append(changes, ClusterChange{Before: c})
	}
	for _, o := range sortedOverrides(h.overrides) {
		changes = append(changes, OverrideChange{Before: o})
	}
	return Outcome{Existed: true}, changes
}

func (s *State) setCluster(m *namingpb.SetCluster) (Outcome, []journal.Change) {
	key := keyOf(m.Key)
	var before *Cluster
	if h := s.services[key]; h != nil {
		before = h.clusters[m.Cluster]
		if n := len(h.clusters); before == nil && m.MaxClusters > 0 && int64(n) >= m.MaxClusters {
			return refuse(fault.Limited, CodeLimit, "service %s has %d described clusters, the most that may be", key, n)
		}
	}
	return Outcome{Existed: before != nil}, []journal.Change{ClusterChange{before, clusterOf(m)}}
}

func clusterOf(m *namingpb.SetCluster) *Cluster {
	c := m.Checker
	return &Cluster{
		Key: keyOf(m.Key), Name: m.Cluster, CheckPort: int(m.CheckPort), UseInstancePort: m.UseInstancePort, Metadata: pairsOf(m.Metadata), ModifiedMs: m.AtMs,
		Checker: Checker{
			Type: c.GetType(), Path: c.GetPath(), Headers: c.GetHeaders(), Expected: int(c.GetExpected()),
			User: c.GetUser(), Password: c.GetPassword(), Command: c.GetCommand(),
		},
	}
}

func (s *State) override(m *namingpb.Override) (Outcome, []journal.Change) {
	key, of := keyOf(m.Key), idOf(m.Of)
	var before *Override
	if h := s.services[key]; h != nil {
		before = h.overrides[of]
	}
	after := &Override{Key: key, Of: of}
	if before != nil && !m.Clear {
		c := *before
		after = &c
	}
	after.User, after.IP, after.AtMs = m.Actor.GetUser(), m.Actor.GetIp(), m.AtMs
	if !m.Clear {
		if m.Enabled != nil {
			after.Enabled = m.Enabled
		}
		if m.Weight != nil {
			after.Weight = m.Weight
		}
		if m.ReplaceMetadata {
			after.Metadata = pairsOf(m.Metadata)
		} else {
			after.Metadata = pairsOf(m.Metadata).Over(after.Metadata)
		}
		if d := m.Drain; d != nil {
			after.Drain = Drain{FromMs: d.FromMs, UntilMs: max(d.FromMs, d.UntilMs), OfflineMs: max(d.FromMs, d.UntilMs, d.OfflineMs)}
		}
		if m.StopDrain {
			after.Drain = Drain{}
		}
		if len(m.DropKeys) > 0 {
			after.Metadata = after.Metadata.Without(m.DropKeys...)
		}
		if err := CheckMetadata(after.Metadata, maxOr(m.MaxMetadata)); err != nil {
			return Outcome{Existed: before != nil, Fault: err.(*fault.Error)}, nil
		}
	}
	if after.empty() {
		if before == nil {
			return Outcome{}, nil
		}
		return Outcome{Existed: true}, []journal.Change{OverrideChange{Before: before}}
	}
	if before == nil && m.MaxAll > 0 && s.overrides >= m.MaxAll {
		return refuse(fault.Limited, CodeLimit, "there are %d instances with overrides, the most that may be; clear some", s.overrides)
	}
	return Outcome{Existed: before != nil}, []journal.Change{OverrideChange{before, after}}
}

func maxOr(n int64) int {
	if n <= 0 {
		return math.MaxInt
	}
	return int(n)
}

func (s *State) sweep(m *namingpb.Sweep) (changes []journal.Change) {
	seen := make(map[*Override]bool, len(m.Ones))
	for _, one := range m.Ones {
		h := s.services[keyOf(one.Key)]
		if h == nil {
			continue
		}
		if o := h.overrides[idOf(one.Of)]; o != nil && o.AtMs == one.AtMs && !seen[o] {
			seen[o] = true
			changes = append(changes, OverrideChange{Before: o})
		}
	}
	return changes
}

func (s *State) setSwitch(m *namingpb.Switch) []journal.Change {
	before := s.switches[m.Entry]
	if m.Value == "" {
		if before == nil {
			return nil
		}
		return []journal.Change{SwitchChange{Before: before}}
	}
	if before != nil && before.Value == m.Value {
		return nil
	}
	return []journal.Change{SwitchChange{before, &Switch{
		Entry: m.Entry, Value: m.Value, User: m.Actor.GetUser(), IP: m.Actor.GetIp(), AtMs: m.AtMs,
	}}}
}
