package config

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/journal"
)

// heard is a state with all that it told.
type heard struct {
	*State
	told    []Happening
	changed map[Key]string
}

func hearing() *heard {
	h := &heard{changed: map[Key]string{}}
	h.State = NewState(func(k Key, _, after *Item) { h.changed[k] = after.MD5For(Client{}) })
	h.happened = func(x Happening) { h.told = append(h.told, x) }
	return h
}

// present returns the rows that changes are of as they are now in s, as one who looks later sees them.
func present(s *State, changes []journal.Change) []journal.Change {
	var rows []journal.Change
	for _, c := range changes {
		switch c := c.(type) {
		case EntryChange:
			k := either(c.Before, c.After).Key
			if it := s.Get(k); it.hasFormal() {
				rows = append(rows, EntryChange{After: it.Formal})
			} else {
				rows = append(rows, EntryChange{Before: &Entry{Key: k}})
			}
		case GrayChange:
			of := either(c.Before, c.After)
			if g := s.Get(of.Key).Gray(of.Name); g != nil {
				rows = append(rows, GrayChange{After: g})
			} else {
				rows = append(rows, GrayChange{Before: &Gray{Key: of.Key, Name: of.Name}})
			}
		case CapacityChange:
			rows = append(rows, CapacityChange{After: s.Capacity(c.After.Namespace, c.After.Group)})
		}
	}
	return rows
}

// TestAStateThatTakesAnothersChangesIsLikeIt gives one state commands. A second takes the changes of each at once, and tells
// the same. A third takes, now and then, what the rows are by then, some of it twice.
func TestAStateThatTakesAnothersChangesIsLikeIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, near, far := hearing(), hearing(), hearing()
		var owed, last []journal.Change
		catchUp := func() {
			far.Take(append(last, present(a.State, owed)...))
			far.Reach(a.Revision())
			last, owed = present(a.State, owed), nil
		}
		for range rapid.IntRange(1, 60).Draw(rt, "n") {
			kind, m := drawCommand(rt)
			_, changes, err := a.Decide(command(t, kind, m))
			if err != nil {
				rt.Fatal(err)
			}
			near.Take(changes)
			near.Reach(a.Revision())
			checkCounts(rt, near.State)
			owed = append(owed, changes...)
			if rapid.IntRange(0, 3).Draw(rt, "look") == 0 {
				catchUp()
			}
		}
		catchUp()
		for name, s := range map[string]*heard{"near": near, "far": far} {
			if !reflect.DeepEqual(dump(a.State), dump(s.State)) || a.Sums().Now != s.Sums().Now || !reflect.DeepEqual(a.capacity, s.capacity) {
				rt.Fatalf("%s holds %+v, not %+v", name, dump(s.State), dump(a.State))
			}
			for k := range a.changed {
				if got := s.changed[k]; got != a.Get(k).MD5For(Client{}) {
					rt.Fatalf("%s was told %q last of %v, held is %q", name, got, k, a.Get(k).MD5For(Client{}))
				}
			}
			checkCounts(rt, s.State)
		}
		if !reflect.DeepEqual(a.told, near.told) {
			rt.Fatalf("told\n%+v, not\n%+v", near.told, a.told)
		}
	})
}

func TestWhatIsOlderTakesThePlaceOfNothing(t *testing.T) {
	s := hearing()
	_, first := mustDecide(t, s.State, KindPublish, publishPB("one"))
	_, gray := mustDecide(t, s.State, KindPublish, grayPB(GrayBeta, BetaRule("10.0.0.9"), "g1"))
	mustDecide(t, s.State, KindPublish, publishPB("two"))
	mustDecide(t, s.State, KindPublish, grayPB(GrayBeta, BetaRule("10.0.0.9"), "g2"))
	held := dump(s.State)
	s.told = nil
	s.Take(append(first[:1:1], gray[0]))
	if got := dump(s.State); !reflect.DeepEqual(got, held) || len(s.told) != 0 {
		t.Errorf("held is %+v, told was %+v", got, s.told)
	}
}

// TestAChangeWithoutHistoryIsToldOnce is of a row that somebody changed in the database itself.
func TestAChangeWithoutHistoryIsToldOnce(t *testing.T) {
	s := hearing()
	e := &Entry{Key: testKey, ID: 7, Revision: 3, MD5: "m", SrcUser: "alice", SrcIP: "10.0.0.1"}
	changed := *e
	changed.MD5 = "n" // with the same revision: nobody numbered it
	for range 2 {
		s.Take([]journal.Change{EntryChange{After: e}})
	}
	s.Take([]journal.Change{EntryChange{After: &changed}})
	for range 2 {
		s.Take([]journal.Change{EntryChange{Before: &Entry{Key: testKey}}})
	}
	by := Happening{Key: testKey, Revision: 3, User: "alice", IP: "10.0.0.1"}
	inserted, updated, removed := by, by, Happening{Key: testKey, Op: OpDelete, Revision: 3}
	inserted.Op, inserted.MD5, updated.Op, updated.MD5 = OpInsert, "m", OpUpdate, "n"
	if want := []Happening{inserted, updated, removed}; !reflect.DeepEqual(s.told, want) {
		t.Errorf("told %+v, want %+v", s.told, want)
	}
}
