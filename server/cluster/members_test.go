package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"nacre/server/event"
)

func TestNodesThatAreListedFindEachOtherAndNoticeWhoIsGone(t *testing.T) {
	var w world
	a, b, c := w.start(t, "a", options{cluster: "1"}), w.start(t, "b", options{cluster: "1"}), w.start(t, "c", options{cluster: "1"})
	changes := event.Subscribe(&a.members.Changes, Changed.ID)
	defer changes.Close()
	list(t, []*node{a, b, c}, a, b, c)
	eventually(t, func() error {
		return all(a.sees(map[string]State{"b": Up, "c": Up}), b.sees(map[string]State{"a": Up, "c": Up}), c.sees(map[string]State{"a": Up, "b": Up}))
	})
	eventually(t, func() error {
		if self := a.members.Self(); !self.Listed || self.State != Up || self.Cluster != "1" {
			return fmt.Errorf("a sees itself as %+v", self)
		}
		return nil
	})
	b.stop()
	c.kill()
	eventually(t, func() error { return a.sees(map[string]State{"b": Down, "c": Down}) })
	last := map[string]State{}
	for _, e := range changes.Drain() {
		last[e.ID()] = e.After.State
	}
	if last["b"] != Down || last["c"] != Down {
		t.Errorf("subscribers learned %v", last)
	}
	if owner := a.members.Owner("x"); owner != "a" {
		t.Errorf("%s owns x when a is alone", owner)
	}
}

func TestOneListedNodeLeadsToTheOthers(t *testing.T) {
	var w world
	a, b, c := w.start(t, "a", options{cluster: "1"}), w.start(t, "b", options{cluster: "1"}), w.start(t, "c", options{cluster: "1"})
	list(t, []*node{b}, a)
	list(t, []*node{c}, b)
	eventually(t, func() error {
		return all(a.sees(map[string]State{"b": Up, "c": Up}), c.sees(map[string]State{"a": Up, "b": Up}))
	})
}

func TestANodeThatStartsAgainIsAnotherRunAtItsNewAddress(t *testing.T) {
	var w world
	a, b := w.start(t, "a", options{cluster: "1"}), w.start(t, "b", options{cluster: "1"})
	list(t, []*node{a, b}, a)
	eventually(t, func() error { return all(a.sees(map[string]State{"b": Up}), b.sees(map[string]State{"a": Up})) })
	before, _ := a.members.Get("b")
	b.kill()
	again := w.start(t, "b", options{cluster: "1", dir: b.dir}) // its list still names a
	eventually(t, func() error {
		now, _ := a.members.Get("b")
		if now.State != Up || now.Run == before.Run || now.Port == before.Port || now.Addr() != again.members.Self().Addr() {
			return fmt.Errorf("a sees %+v", now)
		}
		return a.sees(map[string]State{"b": Up})
	})
}

func TestMembersThatWereSeenAreFoundAgainThoughNobodyListsThem(t *testing.T) {
	var w world
	a, b := w.start(t, "a", options{cluster: "1"}), w.start(t, "b", options{cluster: "1"})
	list(t, []*node{b}, a)
	eventually(t, func() error { return b.sees(map[string]State{"a": Up}) })
	b.stop()
	again := w.start(t, "b", options{cluster: "1", dir: b.dir})
	list(t, []*node{again}, again)
	eventually(t, func() error { return again.sees(map[string]State{"a": Up}) })
}

func TestANodeWithAnotherKeyOrOfAnotherClusterIsIsolated(t *testing.T) {
	for name, c := range map[string]struct {
		o   options
		why string
	}{
		"another key":     {options{cluster: "1", key: "another key, long enough, too"}, "another cluster key"},
		"another cluster": {options{cluster: "2"}, "belongs to cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			a, b := w.start(t, "a", options{cluster: "1"}), w.start(t, "b", c.o)
			list(t, []*node{a}, a, b)
			eventually(t, func() error {
				for _, m := range a.members.All() {
					if m.State == Isolation && strings.Contains(m.Why, c.why) && m.Addr() == b.members.Self().Addr() {
						return nil
					}
				}
				return fmt.Errorf("a sees %+v", a.members.All())
			})
			eventually(t, func() error {
				if !strings.Contains(a.said.String(), c.why) || !strings.Contains(b.said.String(), "a node that connected was refused") {
					return errors.New("it does not stand in both logs")
				}
				return nil
			})
			if got := b.members.All(); len(got) != 1 {
				t.Errorf("b sees %+v", got)
			}
		})
	}
}

func TestForgottenMembersAreGone(t *testing.T) {
	var w world
	a, b := w.start(t, "a", options{cluster: "1"}), w.start(t, "b", options{cluster: "1"})
	list(t, []*node{b}, a)
	eventually(t, func() error { return a.sees(map[string]State{"b": Up}) })
	a.members.Forget("b")
	if err := a.sees(map[string]State{"b": Up}); err != nil {
		t.Errorf("one that is alive was forgotten: %v", err)
	}
	b.stop()
	eventually(t, func() error { return a.sees(map[string]State{"b": Down}) })
	a.members.Forget("b")
	if err := a.sees(map[string]State{}); err != nil {
		t.Error(err)
	}
}

func TestOwnersAreSpreadAndMoveOnlyWithTheirNode(t *testing.T) {
	m := &Members{shown: map[string]Member{}, self: Member{ID: "a", State: Up}, order: []string{"b", "c", "d"}}
	for _, id := range m.order {
		m.shown[id] = Member{ID: id, State: Up}
	}
	before, count := map[string]string{}, map[string]int{}
	for range 4000 {
		key := fmt.Sprintf("10.0.%d.%d:%d", rand.N(256), rand.N(256), rand.N(60000))
		before[key] = m.Owner(key)
		count[before[key]]++
	}
	for id, n := range count {
		if n < len(before)/4*8/10 || n > len(before)/4*12/10 {
			t.Errorf("%s owns %d of %d", id, n, len(before))
		}
	}
	m.shown["c"] = Member{ID: "c", State: Down}
	for key, owner := range before {
		if now := m.Owner(key); now == "c" || owner != "c" && now != owner {
			t.Fatalf("%s moved from %s to %s when c went", key, owner, now)
		}
	}
	m.self.State = Starting
	for key := range before {
		if m.Owner(key) == "a" {
			t.Fatal("a node that takes no requests owns something")
		}
	}
}
