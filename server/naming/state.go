package naming

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"nacre/server/fault"
	"nacre/server/journal"
)

// The kinds of commands of this package. Numbers are never used again.
const (
	KindRegister   = journal.KindNaming + 0
	KindDeregister = journal.KindNaming + 1
	KindHealth     = journal.KindNaming + 2
	KindDescribe   = journal.KindNaming + 3
	KindRemove     = journal.KindNaming + 4
	KindSetCluster = journal.KindNaming + 5
	KindOverride   = journal.KindNaming + 6
	KindSweep      = journal.KindNaming + 7
	KindSwitch     = journal.KindNaming + 8
	KindAdopt      = journal.KindNaming + 9
)

// Owns reports whether kind is a command of this package.
func Owns(kind journal.Kind) bool { return kind >= KindRegister && kind <= KindAdopt }

// Outcome is what was decided of a command. It implements journal.Outcome.
type Outcome struct {
	// Fault says why the command was refused.
	Fault *fault.Error
	// Changed says whether there was anything to change, Existed whether what is meant was there before.
	Changed, Existed bool
	// Adopted is what became of rows of another server, in their order.
	Adopted []journal.Adopted
}

// Err implements journal.Outcome.
func (o Outcome) Err() error {
	if o.Fault == nil {
		return nil
	}
	return o.Fault
}

// State holds all that is durable in memory and decides commands on it. One goroutine writes; reading is for any, at any time.
type State struct {
	// watch is told of each change, under no lock, on the goroutine that applies. It is nil in a state that nobody serves.
	watch func(journal.Change, Actor)

	mu         sync.RWMutex
	services   map[Key]*held
	persistent int64
	described  int64
	overrides  int64
	switches   map[string]*Switch
}

// held is what is durable of one service.
type held struct {
	service   *Service
	clusters  map[string]*Cluster
	instances map[addr]*Persistent
	overrides map[InstanceID]*Override
	others    int64 // instances that a state of what a group touches does not hold
}

// count returns how many persistent instances there are.
func (h *held) count() int64 { return int64(len(h.instances)) + h.others }

func (h *held) empty() bool {
	return h.service == nil && len(h.clusters) == 0 && h.count() == 0 && len(h.overrides) == 0
}

// NewState returns an empty state.
func NewState() *State {
	return &State{services: make(map[Key]*held), switches: make(map[string]*Switch)}
}

func (s *State) open(k Key) *held {
	h := s.services[k]
	if h == nil {
		h = &held{}
		s.services[k] = h
	}
	return h
}

// put applies a change to what is held. The caller holds mu.
func (s *State) put(c journal.Change) {
	switch c := c.(type) {
	case InstanceChange:
		s.persistent += count(c.Before, c.After)
		of := cmp.Or(c.After, c.Before)
		h, a := s.open(of.Key), addr{of.Instance.IP, of.Instance.Port}
		h.instances = set(h.instances, a, c.After)
		s.tidy(of.Key, h)
	case ServiceChange:
		s.described += count(c.Before, c.After)
		of := cmp.Or(c.After, c.Before)
		h := s.open(of.Key)
		h.service = c.After
		s.tidy(of.Key, h)
	case ClusterChange:
		of := cmp.Or(c.After, c.Before)
		h := s.open(of.Key)
		h.clusters = set(h.clusters, of.Name, c.After)
		s.tidy(of.Key, h)
	case OverrideChange:
		s.overrides += count(c.Before, c.After)
		of := cmp.Or(c.After, c.Before)
		h := s.open(of.Key)
		h.overrides = set(h.overrides, of.Of, c.After)
		s.tidy(of.Key, h)
	case SwitchChange:
		s.switches = set(s.switches, cmp.Or(c.After, c.Before).Entry, c.After)
	}
}

func (s *State) tidy(k Key, h *held) {
	if h.empty() {
		delete(s.services, k)
	}
}

func count[T any](before, after *T) (n int64) {
	if before != nil {
		n--
	}
	if after != nil {
		n++
	}
	return n
}

func set[K comparable, V any](m map[K]*V, k K, v *V) map[K]*V {
	if v == nil {
		delete(m, k)
		return m
	}
	if m == nil {
		m = make(map[K]*V)
	}
	m[k] = v
	return m
}

// loaded is who does what was done before this start.
var loaded = Actor{Client: "\x00loaded"}

// Load puts a row in place as it was stored: the change that made it, with After alone. It is for the time before anybody
// is served; nobody is told an Event.
func (s *State) Load(c journal.Change) {
	s.mu.Lock()
	s.put(c)
	s.mu.Unlock()
	s.tell([]journal.Change{c}, loaded)
}

func (s *State) tell(changes []journal.Change, by Actor) {
	if s.watch != nil {
		for _, c := range changes {
			s.watch(c, by)
		}
	}
}

// Replace makes s hold exactly what from holds, and tells the registry of each row that differs; from must not be used
// afterwards. It runs on the goroutine that applies.
func (s *State) Replace(from *State) {
	before := s.Rows()
	s.mu.Lock()
	s.services, s.switches = from.services, from.switches
	s.persistent, s.described, s.overrides = from.persistent, from.described, from.overrides
	s.mu.Unlock()
	s.tell(differences(before, s.Rows()), Actor{})
}

// differences returns the changes that make before into after, each a list of rows as Rows returns it.
func differences(before, after []journal.Change) (changes []journal.Change) {
	rows := make(map[any]journal.Change, len(before))
	for _, c := range before {
		rows[rowKey(c)] = c
	}
	for _, c := range after {
		k := rowKey(c)
		was := rows[k]
		delete(rows, k)
		if x := joined(was, c); x != nil {
			changes = append(changes, x)
		}
	}
	for _, c := range before { // in their order
		if was, gone := rows[rowKey(c)]; gone {
			changes = append(changes, joined(was, nil))
		}
	}
	return changes
}

// joined returns the change from one row to the other of its kind, either of which may be nil; nil when they hold the same.
func joined(before, after journal.Change) journal.Change {
	switch cmp.Or(after, before).(type) {
	case InstanceChange:
		b, _ := before.(InstanceChange)
		a, _ := after.(InstanceChange)
		if !reflect.DeepEqual(a.After, b.After) {
			return InstanceChange{b.After, a.After}
		}
	case ServiceChange:
		b, _ := before.(ServiceChange)
		a, _ := after.(ServiceChange)
		if !reflect.DeepEqual(a.After, b.After) {
			return ServiceChange{b.After, a.After}
		}
	case ClusterChange:
		b, _ := before.(ClusterChange)
		a, _ := after.(ClusterChange)
		if !reflect.DeepEqual(a.After, b.After) {
			return ClusterChange{b.After, a.After}
		}
	case OverrideChange:
		b, _ := before.(OverrideChange)
		a, _ := after.(OverrideChange)
		if !reflect.DeepEqual(a.After, b.After) {
			return OverrideChange{b.After, a.After}
		}
	case SwitchChange:
		b, _ := before.(SwitchChange)
		a, _ := after.(SwitchChange)
		if !reflect.DeepEqual(a.After, b.After) {
			return SwitchChange{b.After, a.After}
		}
	}
	return nil
}

// The names of rows.
type (
	instanceRow struct {
		key Key
		of  addr
	}
	serviceRow struct{ key Key }
	clusterRow struct {
		key  Key
		name string
	}
	overrideRow struct {
		key Key
		of  InstanceID
	}
	switchRow struct{ entry string }
)

// rowKey names the row of a change.
func rowKey(c journal.Change) any {
	switch c := c.(type) {
	case InstanceChange:
		of := cmp.Or(c.After, c.Before)
		return instanceRow{of.Key, addr{of.Instance.IP, of.Instance.Port}}
	case ServiceChange:
		return serviceRow{cmp.Or(c.After, c.Before).Key}
	case ClusterChange:
		of := cmp.Or(c.After, c.Before)
		return clusterRow{of.Key, of.Name}
	case OverrideChange:
		of := cmp.Or(c.After, c.Before)
		return overrideRow{of.Key, of.Of}
	case SwitchChange:
		return switchRow{cmp.Or(c.After, c.Before).Entry}
	}
	return nil
}

// Rows returns all that is held as the changes that make it: services in the order of their keys, of each the description,
// the clusters, the instances and the overrides in the order of their names, then the switches.
func (s *State) Rows() []journal.Change {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var rows []journal.Change
	for _, k := range slices.SortedFunc(maps.Keys(s.services), Key.Compare) {
		h := s.services[k]
		if h.service != nil {
			rows = append(rows, ServiceChange{After: h.service})
		}
		for _, name := range slices.Sorted(maps.Keys(h.clusters)) {
			rows = append(rows, ClusterChange{After: h.clusters[name]})
		}
		for _, a := range slices.SortedFunc(maps.Keys(h.instances), addr.compare) {
			rows = append(rows, InstanceChange{After: h.instances[a]})
		}
		for _, id := range slices.SortedFunc(maps.Keys(h.overrides), InstanceID.Compare) {
			rows = append(rows, OverrideChange{After: h.overrides[id]})
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(s.switches)) {
		rows = append(rows, SwitchChange{After: s.switches[entry]})
	}
	return rows
}

// Persistent returns a persistent instance, nil when there is none.
func (s *State) Persistent(k Key, ip string, port int) *Persistent {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.services[k]; h != nil {
		return h.instances[addr{ip, port}]
	}
	return nil
}

// AllPersistent returns all persistent instances, in no order.
func (s *State) AllPersistent() []*Persistent {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Persistent, 0, s.persistent)
	for _, h := range s.services {
		all = slices.AppendSeq(all, maps.Values(h.instances))
	}
	return all
}

// Service returns what is described of a service, nil when nothing is.
func (s *State) Service(k Key) *Service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.services[k]; h != nil {
		return h.service
	}
	return nil
}

// Cluster returns what is described of a cluster, the default when nothing is.
func (s *State) Cluster(k Key, name string) *Cluster {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.services[k]; h != nil && h.clusters[name] != nil {
		return h.clusters[name]
	}
	return DefaultClusterOf(k, name)
}

// Clusters returns the described clusters of a service, by name.
func (s *State) Clusters(k Key) []*Cluster {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.services[k]
	if h == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(h.clusters), func(a, b *Cluster) int { return strings.Compare(a.Name, b.Name) })
}

// Override returns what lies over an instance, nil when nothing does.
func (s *State) Override(k Key, id InstanceID) *Override {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.services[k]; h != nil {
		return h.overrides[id]
	}
	return nil
}

// Overrides returns all that lies over instances of a service, in the order of their names.
func (s *State) Overrides(k Key) []*Override {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.services[k]
	if h == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(h.overrides), func(a, b *Override) int { return a.Of.Compare(b.Of) })
}

// Switches returns the switches that differ from the default, by their entries.
func (s *State) Switches() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[string]string, len(s.switches))
	for entry, sw := range s.switches {
		all[entry] = sw.Value
	}
	return all
}

// snapshot returns what is durable of a service for the registry's own copy of it.
func (s *State) snapshot(k Key) (*Service, map[InstanceID]*Override) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.services[k]
	if h == nil {
		return nil, nil
	}
	return h.service, maps.Clone(h.overrides)
}
