// Package draft keeps texts that a person works on and has not published.
//
// A draft belongs to one user and one configuration. What it holds is on disk alone; memory knows
// that it is there.
package draft

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"nacre/server/draft/draftpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/resource"
)

// Draft is a text that was not published, with the attributes that it would be published with.
type Draft struct {
	User                      string
	Key                       resource.ConfigKey
	Content                   []byte
	Type, Desc, AppName, Tags string
	// BaseRevision and BaseMD5 say on what it is based; 0: there was no such configuration.
	BaseRevision uint64
	BaseMD5      string
	// Version grows with each save; Save chooses it.
	Version uint64
	// SavedMs is when it was saved last, in ms since 1970; Save chooses it.
	SavedMs int64
}

// Digest returns the SHA-256 of what d holds, its content and attributes, in hex.
func (d *Draft) Digest() string {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{d.Type, d.Desc, d.AppName, d.Tags} {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	h.Write(d.Content)
	return hex.EncodeToString(h.Sum(nil))
}

// Info is what memory knows of a draft. It is immutable.
type Info struct {
	User         string
	Key          resource.ConfigKey
	Version      uint64
	SavedMs      int64
	BaseRevision uint64
	BaseMD5      string
	// Size is of the content in bytes.
	Size int64
	// Digest is as Draft.Digest returns it.
	Digest string
}

// InfoOf returns what memory knows of d.
func InfoOf(d *Draft) *Info {
	return &Info{
		User: d.User, Key: d.Key, Version: d.Version, SavedMs: d.SavedMs, BaseRevision: d.BaseRevision, BaseMD5: d.BaseMD5,
		Size: int64(len(d.Content)), Digest: d.Digest(),
	}
}

// Change is a change of a draft's row; Before is nil when it is new, After when it is gone.
type Change struct {
	Before *Info
	After  *Draft
	// AfterInfo is of After.
	AfterInfo *Info
}

// Table implements journal.Change.
func (Change) Table() string { return "nacre_draft" }

// Outcome is what was decided of a command. It implements journal.Outcome.
type Outcome struct {
	// Fault says why the command was refused.
	Fault *fault.Error
	// Version is that of the draft that is held now, 0 when there is none.
	Version uint64
}

// Err implements journal.Outcome.
func (o Outcome) Err() error {
	if o.Fault == nil {
		return nil
	}
	return o.Fault
}

// CodeStale is of the Conflict that another tab saved meanwhile.
const CodeStale fault.Code = "draftStale"

// The kinds of commands of this package. Numbers are never used again.
const (
	KindSave  = journal.KindDraft + 0
	KindDrop  = journal.KindDraft + 1
	KindSweep = journal.KindDraft + 2
)

// Owns reports whether kind is a command of this package.
func Owns(kind journal.Kind) bool { return kind >= KindSave && kind <= KindSweep }

// State holds in memory which drafts there are and decides commands on them. One goroutine writes;
// reading is for any, at any time.
type State struct {
	mu     sync.RWMutex
	byUser map[string]map[resource.ConfigKey]*Info
	byKey  map[resource.ConfigKey]map[string]*Info
	bytes  int64
	others map[string]int64 // by user, those that a state of what a group touches does not hold
}

// NewState returns an empty state.
func NewState() *State {
	return &State{byUser: make(map[string]map[resource.ConfigKey]*Info), byKey: make(map[resource.ConfigKey]map[string]*Info)}
}

// Load puts a draft in place as it was stored.
func (s *State) Load(i *Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(i)
}

// Replace makes s hold exactly what from holds; from must not be used afterwards.
func (s *State) Replace(from *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byUser, s.byKey, s.bytes = from.byUser, from.byKey, from.bytes
}

// put holds i in the place of what was held of its user and key. The caller holds mu.
func (s *State) put(i *Info) {
	if before := s.byUser[i.User][i.Key]; before != nil {
		s.drop(before)
	}
	if s.byUser[i.User] == nil {
		s.byUser[i.User] = make(map[resource.ConfigKey]*Info)
	}
	if s.byKey[i.Key] == nil {
		s.byKey[i.Key] = make(map[string]*Info)
	}
	s.byUser[i.User][i.Key], s.byKey[i.Key][i.User] = i, i
	s.bytes += i.Size
}

// drop lets go of i, which is held. The caller holds mu.
func (s *State) drop(i *Info) {
	delete(s.byUser[i.User], i.Key)
	delete(s.byKey[i.Key], i.User)
	if len(s.byUser[i.User]) == 0 {
		delete(s.byUser, i.User)
	}
	if len(s.byKey[i.Key]) == 0 {
		delete(s.byKey, i.Key)
	}
	s.bytes -= i.Size
}

// Get returns what is known of a user's draft of a key, nil when there is none.
func (s *State) Get(user string, key resource.ConfigKey) *Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byUser[user][key]
}

// newestFirst orders drafts for people.
func newestFirst(a, b *Info) int { return cmp.Or(cmp.Compare(b.SavedMs, a.SavedMs), compare(a, b)) }

func compare(a, b *Info) int {
	return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Key.Namespace, b.Key.Namespace),
		strings.Compare(a.Key.Group, b.Key.Group), strings.Compare(a.Key.DataID, b.Key.DataID))
}

// Of returns a user's drafts, those saved last first.
func (s *State) Of(user string) []*Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.byUser[user]), newestFirst)
}

// Editing returns all drafts of a key, those saved last first.
func (s *State) Editing(key resource.ConfigKey) []*Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.byKey[key]), newestFirst)
}

// All returns all drafts, by user and key.
func (s *State) All() []*Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all()
}

func (s *State) all() []*Info {
	var found []*Info
	for _, own := range s.byUser {
		found = slices.AppendSeq(found, maps.Values(own))
	}
	slices.SortFunc(found, compare)
	return found
}

func decode(cmd journal.Command) (proto.Message, error) {
	var m proto.Message
	switch cmd.Kind {
	case KindSave:
		m = &draftpb.Save{}
	case KindDrop:
		m = &draftpb.Drop{}
	case KindSweep:
		m = &draftpb.Sweep{}
	default:
		return nil, fmt.Errorf("command kind %d is not one of drafts", cmd.Kind)
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
	defer s.mu.Unlock()
	switch m := m.(type) {
	case *draftpb.Save:
		out, changes := s.save(m)
		return out, changes, nil
	case *draftpb.Drop:
		held := s.byUser[m.Of.GetUser()][keyOf(m.Of)]
		if held == nil {
			return Outcome{}, nil, nil
		}
		s.drop(held)
		return Outcome{}, []journal.Change{Change{Before: held}}, nil
	case *draftpb.Sweep:
		return Outcome{}, s.sweep(m), nil
	}
	return Outcome{}, nil, nil
}

func (s *State) save(m *draftpb.Save) (Outcome, []journal.Change) {
	user, key := m.Of.GetUser(), keyOf(m.Of)
	held := s.byUser[user][key]
	// Versions go on after a draft was dropped, so that a tab that knew the old one is told.
	out, next, size := Outcome{}, uint64(max(m.AtMs, 1)), int64(0)
	if held != nil {
		out.Version, size = held.Version, held.Size
		next = max(next, held.Version+1)
	}
	switch grown := s.bytes - size + int64(len(m.Content)); {
	case out.Version != m.IfVersion:
		out.Fault = fault.New(fault.Conflict, "this draft was saved or dropped in another tab meanwhile").WithCode(CodeStale)
		return out, nil
	case held == nil && m.MaxUser > 0 && int64(len(s.byUser[user]))+s.others[user] >= m.MaxUser:
		out.Fault = fault.New(fault.Limited, "you have %d drafts, the most that may be; publish or drop some", m.MaxUser)
		return out, nil
	case m.MaxBytes > 0 && grown > m.MaxBytes && int64(len(m.Content)) > size:
		out.Fault = fault.New(fault.Limited, "all drafts together would have %d bytes, at most %d are kept; publish or drop some", grown, m.MaxBytes)
		return out, nil
	}
	d := &Draft{
		User: user, Key: key, Content: m.Content, Type: m.Type, Desc: m.Desc, AppName: m.AppName, Tags: m.Tags,
		BaseRevision: m.BaseRevision, BaseMD5: m.BaseMd5, Version: next, SavedMs: m.AtMs,
	}
	info := &Info{
		User: user, Key: key, Version: next, SavedMs: m.AtMs, BaseRevision: m.BaseRevision, BaseMD5: m.BaseMd5,
		Size: int64(len(m.Content)), Digest: m.Digest,
	}
	s.put(info)
	return Outcome{Version: next}, []journal.Change{Change{Before: held, After: d, AfterInfo: info}}
}

func (s *State) sweep(m *draftpb.Sweep) (changes []journal.Change) {
	for _, i := range s.all() {
		if i.SavedMs < m.BeforeMs && int64(len(changes)) < m.Limit {
			s.drop(i)
			changes = append(changes, Change{Before: i})
		}
	}
	return changes
}

func keyOf(of *draftpb.Of) resource.ConfigKey {
	return resource.ConfigKey{Namespace: of.GetNamespace(), Group: of.GetGroup(), DataID: of.GetDataId()}
}
