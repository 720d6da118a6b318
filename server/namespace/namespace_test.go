package namespace

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

// direct is a journal that decides at once.
type direct struct {
	mu      sync.Mutex
	state   *State
	changes []journal.Change
}

func (d *direct) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out, changes, err := d.state.Decide(cmd)
	d.changes = append(d.changes, changes...)
	return journal.Result{Outcome: out}, err
}

var alice = Actor{User: "alice", IP: "10.0.0.7"}

func TestNamespacesAreCreatedChangedAndRemoved(t *testing.T) {
	ctx := context.Background()
	now := clock.NewFixed(time.UnixMilli(1000))
	s, state := New(now, Options{MaxCount: 3})
	j := &direct{state: state}
	s.Use(j)
	for _, tt := range []struct {
		name           string
		id, show, desc string
		kind           fault.Kind
		code           fault.Code
		ok             bool
	}{
		{"a first one", "dev", "Dev 环境", "d", 0, "", true},
		{"the same id again", "dev", "other", "", fault.Conflict, CodeExists, false},
		{"the default one", "public", "p", "", fault.Conflict, CodeExists, false},
		{"a blank id", "", "p", "", fault.Invalid, CodeIllegal, false},
		{"an illegal id", "a b", "p", "", fault.Invalid, CodeIllegal, false},
		{"an id that is too long", strings.Repeat("x", 65), "p", "", fault.Invalid, CodeIllegal, false},
		{"an illegal name", "x", "a#b", "", fault.Invalid, CodeIllegalName, false},
		{"no name", "x", " ", "", fault.Invalid, CodeIllegalName, false},
		{"a long name", "x", strings.Repeat("x", 257), "", fault.Invalid, CodeIllegalName, false},
		{"a second one", "b", "b", "", 0, "", true},
		{"a third one", "c", "c", "", 0, "", true},
		{"one too many", "e", "e", "", fault.Limited, CodeTooMany, false},
	} {
		now.Add(time.Millisecond)
		before := len(j.changes)
		err := s.Create(ctx, alice, tt.id, tt.show, tt.desc)
		if (err == nil) != tt.ok || err != nil && (fault.KindOf(err) != tt.kind || fault.CodeOf(err) != tt.code) {
			t.Errorf("%s: %v (%s, %q)", tt.name, err, fault.KindOf(err), fault.CodeOf(err))
		}
		if wrote := len(j.changes) - before; wrote > 0 != tt.ok {
			t.Errorf("%s: wrote %d rows", tt.name, wrote)
		}
	}
	if existed, err := s.Update(ctx, alice, "b", "B", "text"); !existed || err != nil {
		t.Error(existed, err)
	}
	if existed, err := s.Update(ctx, alice, "absent", "B", ""); existed || err != nil {
		t.Error(existed, err)
	}
	if n := s.Get("b"); n.Name != "B" || n.Desc != "text" {
		t.Errorf("%+v", n)
	}
	if existed, err := s.Remove(ctx, alice, "c"); !existed || err != nil {
		t.Error(existed, err)
	}
	if existed, err := s.Remove(ctx, alice, "\xff"); existed || err != nil {
		t.Error(existed, err)
	}
	var ids []string
	for _, n := range s.All() {
		ids = append(ids, n.ID)
	}
	if got := strings.Join(ids, " "); got != "dev b" || s.Len() != 2 || !s.Exists("public") || s.Exists("c") {
		t.Errorf("left are %s", got)
	}
}

func TestEachDecidedChangeIsToldWithWhoMadeIt(t *testing.T) {
	var told []Happening
	s, state := New(clock.NewFixed(time.UnixMilli(1000)), Options{Happened: func(h Happening) { told = append(told, h) }})
	s.Use(&direct{state: state})
	ctx := context.Background()
	_ = s.Create(ctx, alice, "dev", "Dev", "")
	_ = s.Create(ctx, alice, "dev", "again", "")
	_, _ = s.Update(ctx, Actor{User: "bob"}, "dev", "Development", "")
	_, _ = s.Update(ctx, alice, "absent", "x", "")
	_, _ = s.Remove(ctx, alice, "dev")
	_, _ = s.Remove(ctx, alice, "dev")
	want := []Happening{
		{OpCreate, "dev", "Dev", "alice", "10.0.0.7"}, {OpUpdate, "dev", "Development", "bob", ""}, {OpRemove, "dev", "Development", "alice", "10.0.0.7"},
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %+v, want %+v", told, want)
	}
}

func TestACommandWithoutAnActorIsDecidedAsBefore(t *testing.T) {
	told := 0
	state := NewState()
	state.happened = func(h Happening) {
		if told++; h.User != "" || h.IP != "" || h.ID != "dev" {
			t.Errorf("told %+v", h)
		}
	}
	// A creation and a removal as they were written before commands had an actor.
	for _, cmd := range []journal.Command{{Kind: KindCreate, Body: []byte("\n\x03dev\x12\x01D \xe8\x07(\x05")}, {Kind: KindRemove, Body: []byte("\n\x03dev")}} {
		if out, changes, err := state.Decide(cmd); err != nil || out.Fault != nil || len(changes) != 1 {
			t.Errorf("%+v, %d changes, %v", out, len(changes), err)
		}
	}
	if told != 2 || state.Len() != 0 {
		t.Errorf("told %d times, %d left", told, state.Len())
	}
}
