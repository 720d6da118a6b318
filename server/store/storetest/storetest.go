// Package storetest compares what databases hold after random commands with a plain model, which
// knows neither the decisions of the domains nor the code of the store.
//
// One suite runs over memory, over the SQLite image behind it, and over MariaDB.
package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
)

// backend is a database under test, empty at first.
type backend interface {
	journal.Committer
	// rows returns all rows as they are after the last commit.
	rows(ctx context.Context) (rows, error)
}

// counting is a backend that numbers changes of anything, not of configurations alone: a group without them takes one number.
type counting interface {
	Revision(ctx context.Context) (uint64, error)
}

// run compares random lists of commands that draw draws, in groups of random size, on what fresh returns with the model.
func run(t *testing.T, draw func(*rapid.T) command, fresh func(t *rapid.T) backend) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		c := comparison{model: newModel(), backend: fresh(rt), real: map[idKind]map[int64]int64{}, known: map[idKind]map[int64]int64{}}
		for range rapid.IntRange(1, 12).Draw(rt, "groups") {
			var group []command
			for range rapid.IntRange(1, 20).Draw(rt, "size") {
				cmd := draw(rt)
				if cmd.usesIDs() && len(group) > 0 {
					c.commit(rt, group)
					group = nil
				}
				group = append(group, cmd)
			}
			c.commit(rt, group)
		}
		c.compareRows(rt)
	})
}

// comparison runs model and backend beside each other and keeps which id of one is which of the other.
type comparison struct {
	model   *model
	backend backend
	real    map[idKind]map[int64]int64 // by the model's
	known   map[idKind]map[int64]int64 // the model's, by the backend's
}

func (c *comparison) commit(rt *rapid.T, group []command) {
	var want []journal.Outcome
	var encoded []journal.Command
	for _, cmd := range group {
		// Ids are those from before the group: what it brings is not known to who wrote it.
		e, err := cmd.encode(func(id int64) int64 { return c.toReal(entryID, id) })
		if err != nil {
			rt.Fatal(err)
		}
		encoded = append(encoded, e)
	}
	for _, cmd := range group {
		want = append(want, c.model.do(cmd.msg))
	}
	results, err := c.backend.Commit(context.Background(), encoded)
	if err != nil {
		rt.Fatalf("commit of %d commands: %v", len(group), err)
	}
	if b, ok := c.backend.(counting); ok {
		after, err := b.Revision(context.Background())
		if err != nil || after < c.model.revision || after > c.model.revision+1 {
			rt.Fatalf("after %d commands the counter is at %d, the model's at %d (%v)", len(group), after, c.model.revision, err)
		}
		c.model.revision = after
	}
	if len(results) != len(group) {
		rt.Fatalf("%d results for %d commands", len(results), len(group))
	}
	for i, cmd := range group {
		if diff := cmp.Diff(outcomeText(want[i]), outcomeText(c.translated(rt, want[i], results[i].Outcome))); diff != "" {
			rt.Fatalf("command %d of %d, %T %v:\noutcome (- the model's, + the store's):\n%s", i+1, len(group), cmd.msg, cmd.msg, diff)
		}
	}
}

// toReal returns the backend's id for the model's; one that is nobody's stays so.
func (c *comparison) toReal(kind idKind, id int64) int64 {
	if id == 0 {
		return 0
	}
	if r, ok := c.real[kind][id]; ok {
		return r
	}
	return 1<<40 + id
}

// translated returns the backend's outcome with the model's ids.
func (c *comparison) translated(rt *rapid.T, want, got journal.Outcome) journal.Outcome {
	w, ok := want.(config.Outcome)
	g, also := got.(config.Outcome)
	if !ok || !also {
		return got
	}
	if g.Capacity != nil {
		row := *g.Capacity
		row.ID = c.pair(rt, capacityID(g.Capacity), w.ID, row.ID)
		g.Capacity = &row
		g.ID = c.pair(rt, capacityID(g.Capacity), w.ID, g.ID)
	}
	if g.ID != 0 && g.Capacity == nil {
		g.ID = c.pairEither(rt, w, g.ID)
	}
	items := make([]config.Outcome, len(g.Items))
	for i := range g.Items {
		items[i] = g.Items[i]
		if i < len(w.Items) {
			items[i] = c.translated(rt, w.Items[i], g.Items[i]).(config.Outcome)
		}
	}
	g.Items = items
	return g
}

// pairEither pairs the id of an outcome, whose kind only the model's last note of that revision tells.
func (c *comparison) pairEither(rt *rapid.T, w config.Outcome, got int64) int64 {
	kind := entryID
	if c.model.grayRevisions[w.Revision] {
		kind = grayID
	}
	return c.pair(rt, kind, w.ID, got)
}

// pair notes that the model's id want is the backend's id got, and returns the model's id of got.
func (c *comparison) pair(rt *rapid.T, kind idKind, want, got int64) int64 {
	if c.real[kind] == nil {
		c.real[kind], c.known[kind] = map[int64]int64{}, map[int64]int64{}
	}
	r, has := c.real[kind][want]
	k, taken := c.known[kind][got]
	switch {
	case got == 0:
		return 0
	case !has && !taken:
		c.real[kind][want], c.known[kind][got] = got, want
		return want
	case !taken:
		rt.Fatalf("the %s that the model calls %d had the id %d and has %d now", kind, want, r, got)
	}
	return k
}

// outcomeText returns an outcome in a form that can be compared: of a fault only kind and code, as texts are for people.
func outcomeText(o journal.Outcome) string {
	f := func(f *fault.Error) string {
		if f == nil {
			return ""
		}
		return fmt.Sprintf("%v %s", f.Kind, f.Code)
	}
	switch o := o.(type) {
	case config.Outcome:
		s := fmt.Sprintf("fault %q revision %d id %d md5 %q existed %t skipped %t", f(o.Fault), o.Revision, o.ID, o.MD5, o.Existed, o.Skipped)
		if o.Capacity != nil {
			s += fmt.Sprintf(" capacity %+v", *o.Capacity)
		}
		for _, item := range o.Items {
			s += "\n  " + outcomeText(item)
		}
		return s
	case namespace.Outcome:
		return fmt.Sprintf("fault %q existed %t", f(o.Fault), o.Existed)
	case auth.Outcome:
		return fmt.Sprintf("fault %q ended %d", f(o.Fault), o.Ended)
	case draft.Outcome:
		return fmt.Sprintf("fault %q version %d", f(o.Fault), o.Version)
	}
	return fmt.Sprintf("%T", o)
}

func (c *comparison) compareRows(rt *rapid.T) {
	got, err := c.backend.rows(context.Background())
	if err != nil {
		rt.Fatal(err)
	}
	id := func(kind idKind, got *int64) {
		if *got == 0 {
			return
		}
		k, ok := c.known[kind][*got]
		if !ok {
			rt.Errorf("the id %d of a row (%s) was never told", *got, kind)
		}
		*got = k
	}
	for i := range got.Entries {
		id(entryID, &got.Entries[i].ID)
	}
	for i := range got.Grays {
		id(grayID, &got.Grays[i].ID)
	}
	for i := range got.Capacities {
		id(capacityID(&got.Capacities[i]), &got.Capacities[i].ID)
	}
	for i := range got.History {
		h := &got.History[i]
		if h.PublishType == config.PublishGray {
			id(grayID, &h.ConfigID)
		} else {
			id(entryID, &h.ConfigID)
		}
	}
	want := rows{c.model.entries, c.model.grays, c.model.history, c.model.capacities, c.model.namespaces, c.model.people}
	want.sort()
	got.sort()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("rows (- the model's, + the store's):\n%s", diff)
	}
}
