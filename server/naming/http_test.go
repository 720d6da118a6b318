package naming

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/fault"
	"nacre/server/naming/namingpb"
)

// town is nodes that ask each other; owner is who owns all clients without a connection, down who answers nobody.
type town struct {
	nodes []*world
	owner string
	down  map[string]bool
	asked int
}

type citizen struct {
	*town
	self string
}

func (c citizen) Owner(string) string { return c.owner }

func (c citizen) Ask(_ context.Context, node string, q *namingpb.Asked) (*namingpb.Answered, error) {
	if c.down[node] || c.down[c.self] {
		return nil, fault.New(fault.Unavailable, "node %s is down", node)
	}
	c.asked++
	for _, w := range c.nodes {
		if w.cfg.Node == node {
			return w.Answer(q), nil
		}
	}
	return nil, fmt.Errorf("there is no node %s", node)
}

func newTown(t tester, n int) *town {
	x := &town{nodes: mates(t, n), owner: "n1", down: make(map[string]bool)}
	for _, w := range x.nodes {
		w.UseOwners(citizen{x, w.cfg.Node})
	}
	return x
}

// tell passes what changed to all nodes that are up.
func (x *town) tell() {
	for _, from := range x.nodes {
		said := from.news()
		for _, to := range x.nodes {
			if !x.down[from.cfg.Node] && !x.down[to.cfg.Node] {
				to.merge(said...)
			}
		}
	}
}

// settle gives clients their owners, as often as that takes.
func (x *town) settle() {
	for range rounds + 1 {
		for _, w := range x.nodes {
			if !x.down[w.cfg.Node] {
				w.Copies().Settle(func(node string) bool { return !x.down[node] })
			}
		}
		x.tell()
	}
}

func (x *town) see(k Key, want string) {
	x.nodes[0].t.Helper()
	for _, w := range x.nodes {
		if !x.down[w.cfg.Node] {
			w.see(k, Query{}, want)
		}
	}
}

func TestANodeHandsWhatItDoesNotOwnToTheOneThatDoes(t *testing.T) {
	x := newTown(t, 3)
	b := x.nodes[1]
	k := key("orders")
	b.must(b.RegisterHTTP(alice, k, at(1)))
	b.see(k, Query{}, "1 ") // it sees at once what was registered at it
	x.tell()
	x.see(k, "1 ")
	for n, want := range []int64{1, 0, 0} {
		if s := x.nodes[n].Stats(); s.BeatClients != want || s.Copies != 1-want {
			t.Errorf("node %d: %+v", n+1, s)
		}
	}
	if out, err := b.Beat(alice, k, at(1), false); err != nil || !out.Known || out.IntervalMs != 5000 {
		t.Error(out, err)
	}
	if out, err := b.Beat(alice, k, at(2), false); err != nil || out.Known {
		t.Error(out, err)
	}
	if out, err := b.Beat(alice, k, at(2), true); err != nil || !out.Known {
		t.Error(out, err)
	}
	b.see(k, Query{}, "1 2 ")
	b.must(b.CreateService(t.Context(), alice, Service{Key: key("lasting"), Ephemeral: false}))
	x.nodes[0].must(x.nodes[0].CreateService(t.Context(), alice, Service{Key: key("lasting"), Ephemeral: false}))
	if err := b.RegisterHTTP(alice, key("lasting"), at(1)); fault.CodeOf(err) != CodeKind || fault.KindOf(err) != fault.Invalid {
		t.Errorf("refused there: %v", err)
	}
	asked := x.asked
	bad := at(1)
	bad.Port = 70_000
	if err := b.RegisterHTTP(alice, k, bad); fault.CodeOf(err) != CodePort || x.asked != asked {
		t.Errorf("refused here: %v, asked %d times", err, x.asked-asked)
	}
	if !b.DeregisterHTTP(alice, k, "10.0.0.1", 1) || b.DeregisterHTTP(alice, k, "10.0.0.1", 9) {
		t.Error("deregistered, it was there: once")
	}
	b.see(k, Query{}, "2 ")
	x.tell()
	x.see(k, "2 ")
}

func TestHeartbeatsAreMissedOnTheNodeThatOwnsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTown(t, 2)
		for _, w := range x.nodes {
			defer w.run()()
		}
		b := x.nodes[1]
		k := key("orders")
		for n := range 2 {
			b.must(b.RegisterHTTP(alice, k, at(n+1)))
		}
		for range 4 {
			time.Sleep(5 * time.Second)
			if _, err := b.Beat(alice, k, at(1), false); err != nil {
				t.Fatal(err)
			}
			x.tell()
		}
		x.see(k, "1 2- ")
		if out, err := b.Beat(alice, k, at(2), false); err != nil || !out.Known {
			t.Error(out, err)
		}
		b.see(k, Query{}, "1 2 ")
		time.Sleep(31 * time.Second)
		x.tell()
		x.see(k, "")
	})
}

func TestWhoOwnsAClientChangesAndNobodyMissesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTown(t, 3)
		for _, w := range x.nodes {
			defer w.run()()
		}
		a, b, c := x.nodes[0], x.nodes[1], x.nodes[2]
		k := key("orders")
		a.must(a.RegisterHTTP(alice, k, at(1)))
		x.tell()
		time.Sleep(14 * time.Second)
		x.owner = "n2"
		x.settle()
		x.see(k, "1 ")
		if a.Stats().BeatClients != 0 || b.Stats().BeatClients != 1 {
			t.Errorf("owned by %d, %d", a.Stats().BeatClients, b.Stats().BeatClients)
		}
		time.Sleep(14 * time.Second) // its clock began anew
		x.tell()
		x.see(k, "1 ")
		if out, err := a.Beat(alice, k, at(1), false); err != nil || !out.Known {
			t.Error(out, err)
		}
		// Its owner dies: the next one has it, with the first heartbeat that comes or before.
		x.down["n2"], x.owner = true, "n3"
		for _, w := range []*world{a, c} {
			w.Copies().Lost("n2", Grace)
		}
		if out, err := a.Beat(alice, k, at(1), false); err != nil || !out.Known {
			t.Error(out, err)
		}
		x.tell()
		x.settle()
		time.Sleep(Grace - time.Second)
		for _, w := range []*world{a, c} {
			w.Copies().Expire()
		}
		x.see(k, "1 ")
		if c.Stats().BeatClients != 1 {
			t.Errorf("%+v", c.Stats())
		}
		time.Sleep(20 * time.Second)
		x.tell()
		x.see(k, "")
	})
}

func TestOneThatCannotAskTakesTheClientItself(t *testing.T) {
	x := newTown(t, 3)
	a, b := x.nodes[0], x.nodes[1]
	k := key("orders")
	x.down["n1"] = true
	b.must(b.RegisterHTTP(alice, k, at(1)))
	if out, err := b.Beat(alice, k, at(1), false); err != nil || !out.Known {
		t.Error(out, err)
	}
	b.news() // n1 hears nothing of it
	delete(x.down, "n1")
	a.must(a.RegisterHTTP(alice, key("other"), at(1)))
	b.must(b.RegisterHTTP(alice, key("third"), at(1)))
	x.tell()
	x.settle()
	for _, name := range []string{"orders", "other", "third"} {
		x.see(key(name), "1 ")
	}
	if a.Stats().BeatClients != 1 || b.Stats().BeatClients != 0 {
		t.Errorf("owned by %d, %d", a.Stats().BeatClients, b.Stats().BeatClients)
	}
	for _, w := range x.nodes {
		w.checkWhole(t)
	}
}

func TestWhatIsDeregisteredWhileItMovesStaysAway(t *testing.T) {
	x := newTown(t, 3)
	a, b, c := x.nodes[0], x.nodes[1], x.nodes[2]
	k := key("orders")
	a.must(a.RegisterHTTP(alice, k, at(1)))
	x.tell()
	x.owner = "n2"
	b.Copies().Settle(func(string) bool { return true })
	x.tell() // both own it
	if !c.DeregisterHTTP(alice, k, "10.0.0.1", 1) {
		t.Error("it was not there")
	}
	x.tell()
	x.settle()
	x.see(k, "")
	// It goes at the node that has it until now, before the one that is to own it took it over, or said so.
	for _, taken := range []bool{false, true} {
		x.owner = "n1"
		a.must(a.RegisterHTTP(alice, k, at(1)))
		x.tell()
		x.owner = "n2"
		if taken {
			b.Copies().Settle(func(string) bool { return true })
		}
		if !a.DeregisterHTTP(alice, k, "10.0.0.1", 1) {
			t.Error("it was not there")
		}
		b.Copies().Settle(func(string) bool { return true })
		x.tell()
		x.settle()
		x.see(k, "")
	}
	// The same of a client whose node is down.
	b.must(b.RegisterHTTP(alice, k, at(1)))
	x.tell()
	x.down["n2"], x.owner = true, "n1"
	a.Copies().Lost("n2", Grace)
	a.DeregisterHTTP(alice, k, "10.0.0.1", 1)
	a.Copies().Settle(func(string) bool { return true })
	a.see(k, Query{}, "")
	for _, w := range x.nodes {
		w.checkWhole(t)
	}
}
