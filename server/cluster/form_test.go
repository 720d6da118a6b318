package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"nacre/server/fault"
)

// formed says whether all nodes belong to one cluster that was begun once.
func formed(begun int, nodes ...*node) error {
	id, n := nodes[0].group.ClusterID(), 0
	for _, o := range nodes {
		if o.group.Fresh() || o.group.ClusterID() == "" || o.group.ClusterID() != id {
			return fmt.Errorf("%s: fresh %v, cluster %q, not %q; it waits: %s", o.id, o.group.Fresh(), o.group.ClusterID(), id, o.former.Waiting())
		}
		o.group.mu.Lock()
		n += o.group.begun
		o.group.mu.Unlock()
	}
	if n != begun {
		return fmt.Errorf("%d clusters were begun, want %d", n, begun)
	}
	return nil
}

func TestFreshNodesBeginOneClusterTogether(t *testing.T) {
	var w world
	a, b, c := w.start(t, "a", options{}), w.start(t, "b", options{}), w.start(t, "c", options{})
	list(t, []*node{a, b, c}, a, b, c)
	eventually(t, func() error { return formed(1, a, b, c) })
	if got := fmt.Sprint(a.group.voters); got != "[a b c]" {
		t.Errorf("the voters are %s", got)
	}
	for _, n := range []*node{a, b, c} {
		eventually(t, func() error {
			if why := n.former.Waiting(); why != "" {
				return fmt.Errorf("%s still waits: %s", n.id, why)
			}
			return nil
		})
	}
	d := w.start(t, "d", options{})
	list(t, []*node{d}, b)
	eventually(t, func() error { return formed(1, a, b, c, d) })
}

func TestNobodyBeginsAClusterWhileAListedMemberIsAway(t *testing.T) {
	var w world
	a, b, c := w.start(t, "a", options{}), w.start(t, "b", options{}), w.start(t, "c", options{})
	c.stop()
	list(t, []*node{a, b}, a, b, c)
	eventually(t, func() error {
		if why := a.former.Waiting(); !strings.Contains(why, "waiting for members that are listed and not there: "+c.members.Self().Addr()) || !strings.Contains(a.said.String(), "no cluster yet") {
			return errors.New("a waits: " + why)
		}
		return a.sees(map[string]State{"b": Up, "": Down})
	})
	if a.group.ClusterID() != "" || b.group.ClusterID() != "" {
		t.Fatal("a cluster was begun")
	}
	list(t, []*node{a, b}, a, b)
	eventually(t, func() error { return formed(1, a, b) })
}

func TestAClusterOfOneBeginsOnlyWhenSaidSo(t *testing.T) {
	var w world
	a, b := w.start(t, "a", options{}), w.start(t, "b", options{size: 1})
	list(t, []*node{a}, a)
	list(t, []*node{b}, b)
	eventually(t, func() error { return formed(1, b) })
	eventually(t, func() error {
		if why := a.former.Waiting(); !strings.Contains(why, "cluster-size 1") {
			return errors.New("a waits: " + why)
		}
		return nil
	})
}

func TestAClusterWaitsForItsSize(t *testing.T) {
	var w world
	a, b := w.start(t, "a", options{size: 3}), w.start(t, "b", options{size: 3})
	list(t, []*node{a, b}, a, b)
	eventually(t, func() error {
		if why := a.former.Waiting(); why != "2 members are there, a new cluster begins with 3 (cluster-size)" {
			return errors.New("a waits: " + why)
		}
		return nil
	})
	c := w.start(t, "c", options{size: 3})
	list(t, []*node{a, b, c}, a, b, c)
	eventually(t, func() error { return formed(1, a, b, c) })
}

func TestAFreshNodeJoinsTheClusterThatIsThere(t *testing.T) {
	var w world
	a, z := w.start(t, "a", options{}), w.start(t, "z", options{cluster: "1"})
	z.group.refuses = fault.New(fault.Unavailable, "there is no leader")
	list(t, []*node{a, z}, a, z)
	eventually(t, func() error {
		if why := a.former.Waiting(); why != "joining cluster 1: there is no leader" {
			return errors.New("a waits: " + why)
		}
		return nil
	})
	z.group.mu.Lock()
	z.group.refuses = nil
	z.group.mu.Unlock()
	eventually(t, func() error { return formed(0, a, z) })
}

func TestAGrantIsGivenToOneAskerAtATime(t *testing.T) {
	var w world
	a := w.start(t, "a", options{})
	grant := a.former.Handlers()["cluster/grant"]
	if _, err := grant(t.Context(), "x", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := grant(t.Context(), "x", nil); err != nil {
		t.Errorf("x may not ask again: %v", err)
	}
	if _, err := grant(t.Context(), "y", nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("y got %v", err)
	}
	if a.former.grant("a") {
		t.Error("a may begin a cluster itself, though it let x")
	}
	_ = a.group.Adopt("1")
	if _, err := grant(t.Context(), "x", nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a node of a cluster granted: %v", err)
	}
}
