package naming

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/journal"
)

// TestAStateThatTakesAnothersChangesIsLikeIt gives the state of one registry commands. A second takes the changes of each at
// once, a third what the rows are by the time that it looks: all show the same, and of what is taken twice nobody is told twice.
func TestAStateThatTakesAnothersChangesIsLikeIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, near, far := newWorld(t, Config{}), newWorld(t, Config{}), newWorld(t, Config{})
		var owed []journal.Change
		catchUp := func() {
			rows := make(map[any]journal.Change)
			for _, c := range a.state.Rows() {
				rows[rowKey(c)] = c
			}
			for range 2 {
				for _, c := range owed {
					now, gone := rows[rowKey(c)], joined(beforeOf(c), nil)
					switch {
					case now != nil:
						far.state.Take(now)
					case gone != nil:
						far.state.Take(gone)
					}
				}
			}
			owed = nil
		}
		for _, cmd := range rapid.SliceOfN(rapid.Custom(anyCommand), 1, 60).Draw(t, "commands") {
			_, changes, err := a.state.Decide(cmd)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				near.state.Take(c)
			}
			told := a.told()
			if got := near.told(); !reflect.DeepEqual(got, told) && !unseen(changes) {
				t.Fatalf("told %v, not %v, of %+v", got, told, changes)
			}
			for _, c := range changes {
				near.state.Take(c)
			}
			if got := near.told(); len(got) != 0 {
				t.Fatalf("told %v of what was held", got)
			}
			owed = append(owed, changes...)
			if rapid.IntRange(0, 3).Draw(t, "look") == 0 {
				catchUp()
			}
		}
		catchUp()
		for _, w := range []*world{near, far} {
			if !reflect.DeepEqual(a.state.Rows(), w.state.Rows()) {
				t.Fatalf("held is\n%+v, not\n%+v", w.state.Rows(), a.state.Rows())
			}
			if w.state.persistent != a.state.persistent || w.state.described != a.state.described || w.state.overrides != a.state.overrides {
				t.Fatal("it counts otherwise")
			}
			w.follows(t, "after it took all")
		}
	})
}

// unseen reports whether a change leaves a row as it was, which the one who decided tells and the one who compares does not.
func unseen(changes []journal.Change) bool {
	for _, c := range changes {
		if joined(beforeOf(c), c) == nil {
			return true
		}
	}
	return false
}
