// Package namespace is the domain of namespaces: the separate rooms that configurations and
// services live in. A namespace need not exist for its id to be used, as in Nacos; one that was
// created has a name and a description.
package namespace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace/namespacepb"
)

// The kinds of commands of this package. Numbers are never used again.
const (
	KindCreate = journal.KindNamespace + 0
	KindUpdate = journal.KindNamespace + 1
	KindRemove = journal.KindNamespace + 2
	KindAdopt  = journal.KindNamespace + 3
)

// Owns reports whether kind is a command of this package.
func Owns(kind journal.Kind) bool { return kind >= KindCreate && kind <= KindAdopt }

// Namespace is one that was created. It is immutable.
type Namespace struct {
	ID         string
	Name       string
	Desc       string
	CreatedMs  int64
	ModifiedMs int64
}

// Change is a change of a row; Before is nil when it is new, After when it is gone.
type Change struct {
	Before, After *Namespace
	// User and IP are those of who did it, "" where that is not known.
	User, IP string
}

// Table implements journal.Change.
func (Change) Table() string { return "tenant_info" }

// Happening is a change that was decided and is durable.
type Happening struct {
	// Op is OpCreate, OpUpdate or OpRemove.
	Op string
	ID string
	// Name is the one since, of a removal the last one.
	Name string
	// User and IP are those of who did it.
	User, IP string
}

// The operations of a Happening.
const (
	OpCreate = "create"
	OpUpdate = "update"
	OpRemove = "remove"
)

// Outcome is what was decided of a command. It implements journal.Outcome.
type Outcome struct {
	// Fault says why the command was refused.
	Fault *fault.Error
	// Existed says whether the namespace was there before.
	Existed bool
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

// State holds all created namespaces in memory and decides commands on them. One goroutine writes;
// reading is for any, at any time.
type State struct {
	mu     sync.RWMutex
	byID   map[string]*Namespace
	others int

	happened func(Happening) // called by the applying goroutine
}

// NewState returns an empty state.
func NewState() *State { return &State{byID: make(map[string]*Namespace)} }

// Load puts a namespace in place as it was stored.
func (s *State) Load(n *Namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[n.ID] = n
}

// SetOthers tells a state that holds only the rows a group touches how many there are beside them.
func (s *State) SetOthers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = n
}

// Replace makes s hold exactly what from holds; from must not be used afterwards.
func (s *State) Replace(from *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID = from.byID
}

// Get returns a created namespace, nil when there is none with this id.
func (s *State) Get(id string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

// All returns the created namespaces in the order of their creation, then of their ids.
func (s *State) All() []*Namespace {
	s.mu.RLock()
	all := make([]*Namespace, 0, len(s.byID))
	for _, n := range s.byID {
		all = append(all, n)
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b *Namespace) int {
		if a.CreatedMs != b.CreatedMs {
			if a.CreatedMs < b.CreatedMs {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// Len returns how many were created.
func (s *State) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byID)
}

func decode(cmd journal.Command) (proto.Message, error) {
	var m proto.Message
	switch cmd.Kind {
	case KindCreate:
		m = &namespacepb.Create{}
	case KindUpdate:
		m = &namespacepb.Update{}
	case KindRemove:
		m = &namespacepb.Remove{}
	case KindAdopt:
		m = &namespacepb.Adopt{}
	default:
		return nil, fmt.Errorf("command kind %d is not one of namespaces", cmd.Kind)
	}
	if err := proto.Unmarshal(cmd.Body, m); err != nil {
		return nil, fmt.Errorf("command of kind %d: %w", cmd.Kind, err)
	}
	return m, nil
}

// Touches returns the ids whose rows must be held for deciding cmd, for a store that loads on demand;
// all says that the number of all rows must be known too.
func Touches(cmd journal.Command) (ids []string, all bool, err error) {
	m, err := decode(cmd)
	if err != nil {
		return nil, false, err
	}
	switch m := m.(type) {
	case *namespacepb.Create:
		return []string{m.Id}, m.MaxCount > 0, nil
	case *namespacepb.Update:
		return []string{m.Id}, false, nil
	case *namespacepb.Remove:
		return []string{m.Id}, false, nil
	case *namespacepb.Adopt:
		for _, one := range m.Ones {
			ids = append(ids, one.GetCreate().GetId())
		}
	}
	return ids, false, nil
}

// Decide decides cmd on what is held, applies the decision and returns it with the rows that change.
func (s *State) Decide(cmd journal.Command) (Outcome, []journal.Change, error) {
	m, err := decode(cmd)
	if err != nil {
		return Outcome{}, nil, err
	}
	out, changes := s.decide(m)
	for i := range changes {
		c := changes[i].(Change)
		if m, ok := m.(interface{ GetActor() *namespacepb.Actor }); ok {
			c.User, c.IP = m.GetActor().GetUser(), m.GetActor().GetIp()
		}
		changes[i] = c
		s.tell(c)
	}
	return out, changes, nil
}

// Take makes s follow a change that was decided elsewhere, and tells of it as Decide does. After is the row as it is; one that
// is held already changes nothing. For the applying goroutine.
func (s *State) Take(c Change) {
	id := cmp.Or(c.After, c.Before).ID
	s.mu.Lock()
	c.Before = s.byID[id]
	same := c.Before == c.After || c.Before != nil && c.After != nil && *c.Before == *c.After
	if c.After != nil {
		s.byID[id] = c.After
	} else {
		delete(s.byID, id)
	}
	s.mu.Unlock()
	if !same {
		s.tell(c)
	}
}

func (s *State) tell(c Change) {
	if s.happened != nil {
		s.happened(happening(c))
	}
}

func happening(c Change) Happening {
	op, n := OpUpdate, c.After
	switch {
	case c.Before == nil:
		op = OpCreate
	case c.After == nil:
		op, n = OpRemove, c.Before
	}
	return Happening{Op: op, ID: n.ID, Name: n.Name, User: c.User, IP: c.IP}
}

func (s *State) decide(m proto.Message) (Outcome, []journal.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := m.(type) {
	case *namespacepb.Create:
		if s.byID[m.Id] != nil {
			return Outcome{Existed: true, Fault: fault.New(fault.Conflict, "namespaceId [%s] already exist.", m.Id).WithCode(CodeExists)}, nil
		}
		if n := len(s.byID) + s.others; m.MaxCount > 0 && int64(n) >= m.MaxCount {
			return Outcome{Fault: fault.New(fault.Limited, "there are %d namespaces, the most that may be (setting max-namespaces)", n).WithCode(CodeTooMany)}, nil
		}
		n := &Namespace{ID: m.Id, Name: m.Name, Desc: m.Desc, CreatedMs: m.AtMs, ModifiedMs: m.AtMs}
		s.byID[m.Id] = n
		return Outcome{}, []journal.Change{Change{After: n}}
	case *namespacepb.Update:
		before := s.byID[m.Id]
		if before == nil {
			return Outcome{}, nil
		}
		n := &Namespace{ID: m.Id, Name: m.Name, Desc: m.Desc, CreatedMs: before.CreatedMs, ModifiedMs: m.AtMs}
		s.byID[m.Id] = n
		return Outcome{Existed: true}, []journal.Change{Change{Before: before, After: n}}
	case *namespacepb.Remove:
		before := s.byID[m.Id]
		if before == nil {
			return Outcome{}, nil
		}
		delete(s.byID, m.Id)
		return Outcome{Existed: true}, []journal.Change{Change{Before: before}}
	case *namespacepb.Adopt:
		return s.adopt(m)
	}
	return Outcome{}, nil
}

// Codes of faults that Nacos' error table tells apart.
const (
	CodeIllegal     fault.Code = "namespaceIllegal"     // 22000: the id; wraps a *resource.Violation unless blank
	CodeIllegalName fault.Code = "namespaceIllegalName" // 22000: the name or description
	CodeAbsent      fault.Code = "namespaceAbsent"      // 22001
	CodeExists      fault.Code = "namespaceExists"      // 22002
	CodeTooMany     fault.Code = "namespaceTooMany"     // the limit of their number
)
