package distro

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/naming"
)

// onGrid runs f with three nodes, in a bubble where time passes by itself.
func onGrid(t *testing.T, f func(t *testing.T, g *grid)) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrid(t, "n1", "n2", "n3")
		g.startAll()
		time.Sleep(time.Second)
		f(t, g)
		g.end()
	})
}

func TestAChangeIsOnAllNodesSoon(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		c := g.nodes["n1"].connect("c1")
		g.nodes["n1"].register(c, k, 1)
		time.Sleep(60 * time.Millisecond)
		g.want(k, "1 ")
		c.Close("test")
		time.Sleep(60 * time.Millisecond)
		g.want(k, "")
		for _, s := range g.nodes["n1"].sync.States() {
			if s.Owed != 0 || s.Failure != "" || s.Sent.IsZero() || s.Compared.IsZero() {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestChangesGoTogether(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		before := g.count()
		for n := range 100 {
			g.nodes["n1"].register(g.nodes["n1"].connect(fmt.Sprint("c", n)), key("orders"), n)
		}
		time.Sleep(100 * time.Millisecond)
		if n := len(g.nodes["n3"].Lookup(key("orders"), naming.Query{}).Hosts); n != 100 {
			t.Errorf("%d instances", n)
		}
		if n := g.count() - before; n > 4 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestAllNodesComeToTheSameOverABadNet lets clients come, change and go on three nodes whose messages are lost, late, doubled and in another
// order, and then looks at rest.
func TestAllNodesComeToTheSameOverABadNet(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		g.mu.Lock()
		g.loss, g.doubled, g.delay = 0.3, 0.3, time.Second
		g.mu.Unlock()
		keys := []naming.Key{key("a"), key("b"), key("c")}
		clients := make(map[string]*naming.Session)
		for step := range 600 {
			id := fmt.Sprint("c", g.pick(40))
			n := g.nodes[g.order[step%3]]
			c := clients[id]
			switch {
			case c == nil:
				c = n.connect(id)
				clients[id] = c
				fallthrough
			case g.pick(3) > 0:
				n.register(c, keys[g.pick(3)], g.pick(50))
			case g.pick(2) > 0:
				c.Deregister(keys[g.pick(3)])
			default:
				c.Close("test")
				delete(clients, id)
			}
			time.Sleep(g.some(100 * time.Millisecond))
		}
		g.mu.Lock()
		g.loss, g.doubled, g.delay = 0, 0, time.Millisecond
		g.mu.Unlock()
		time.Sleep(15 * time.Second)
		for _, k := range keys {
			g.want(k, g.nodes["n1"].ports(k))
		}
		repaired, instances := 0, 0
		for _, id := range g.order {
			for _, s := range g.nodes[id].sync.States() {
				repaired += s.Repaired
			}
		}
		for _, c := range clients {
			state, _ := g.nodes["n1"].ClientOf(c.Client().ID)
			instances += len(state.Published)
		}
		for _, id := range g.order {
			if s := g.nodes[id].Stats(); int(s.Instances) != instances {
				t.Errorf("node %s has %d instances, want %d", id, s.Instances, instances)
			}
		}
		if repaired == 0 {
			t.Error("nothing was lost")
		}
	})
}

func TestClientsOfANodeThatDiesAreMissedNowhereWhileTheyComeBack(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		for n := range 20 {
			g.nodes["n1"].register(g.nodes["n1"].connect(fmt.Sprint("c", n)), k, n)
		}
		time.Sleep(time.Second)
		all := g.nodes["n2"].ports(k)
		g.kill("n1")
		time.Sleep(3 * time.Second)
		g.see("n1", false, "n2", "n3")
		for n := range 10 { // half of them come to other nodes, one after the other
			other := g.nodes[g.order[1+n%2]]
			other.register(other.connect(fmt.Sprint("again", n)), k, n)
			g.want(k, all)
			time.Sleep(time.Second)
			g.want(k, all)
		}
		time.Sleep(naming.Grace - 10*time.Second + lookEvery)
		g.want(k, "0 1 2 3 4 5 6 7 8 9 ")
	})
}

func TestANodeThatWasOutOfSightForAMomentKeepsItsClients(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		g.nodes["n1"].register(g.nodes["n1"].connect("c1"), k, 1)
		time.Sleep(time.Second)
		g.see("n1", false, "n2", "n3")
		time.Sleep(naming.Grace / 2)
		g.see("n1", true, "n2", "n3")
		time.Sleep(2 * naming.Grace)
		g.want(k, "1 ")
	})
}

func TestAMessageThatIsLostIsSentAgain(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		time.Sleep(4500 * time.Millisecond) // what comes after the next comparison
		g.split("n1")
		g.nodes["n1"].register(g.nodes["n1"].connect("c1"), k, 1)
		time.Sleep(100 * time.Millisecond)
		g.split()
		time.Sleep(4200 * time.Millisecond) // and before the one after that
		g.want(k, "1 ")
	})
}

func TestANodeThatStartsKnowsAllBeforeItServes(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		for n := range 9 {
			w := g.nodes[g.order[n%3]]
			w.register(w.connect(fmt.Sprint("c", n)), k, n)
		}
		time.Sleep(time.Second)
		g.kill("n3") // and is back before anybody noticed: its clients may come back, too
		n := g.start("n3")
		<-n.sync.Ready()
		g.want(k, "0 1 2 3 4 5 6 7 8 ")
		n.register(n.connect("again"), k, 2)
		time.Sleep(naming.Grace + 2*lookEvery)
		g.want(k, "0 1 2 3 4 6 7 ")
	})
}

func TestANodeThatStartsAloneServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrid(t, "n1", "n2")
		n := g.start("n1")
		synctest.Wait()
		if !n.sync.Loaded() {
			t.Error("it waits for nobody")
		}
		g.split("n1")
		start := time.Now()
		n = g.start("n2") // sees n1 up, which does not answer
		<-n.sync.Ready()
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("it waited for %v", d)
		}
		g.end()
	})
}

func TestAPartitionThatHealsLeavesNoTrace(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		a, b := g.nodes["n1"], g.nodes["n2"]
		stays := a.connect("stays")
		a.register(stays, k, 1)
		moves := a.connect("moves")
		a.register(moves, k, 2)
		goes := b.connect("goes")
		b.register(goes, k, 3)
		time.Sleep(time.Second)
		g.split("n1")
		time.Sleep(2 * time.Second)
		b.register(b.connect("moved"), k, 2)
		g.see("n1", false, "n2", "n3")
		g.see("n2", false, "n1")
		g.see("n3", false, "n1")
		goes.Close("test")
		a.register(stays, key("other"), 1)
		time.Sleep(naming.Grace + 2*lookEvery)
		for id, want := range map[string]string{"n1": "1 2 ", "n2": "2 ", "n3": "2 "} {
			if got := g.nodes[id].ports(k); got != want {
				t.Errorf("cut off, node %s shows %q, want %q", id, got, want)
			}
		}
		g.split()
		g.see("n1", true, "n2", "n3")
		g.see("n2", true, "n1")
		g.see("n3", true, "n1")
		time.Sleep(time.Second)
		g.want(k, "1 2 ")
		g.want(key("other"), "1 ")
		moves.Close("its connection was dead all the time")
		time.Sleep(time.Second)
		g.want(k, "1 2 ")
	})
}

// TestTwoThatDoNotReachEachOtherHearOfEachOther cuts one pair of three: the third tells.
func TestTwoThatDoNotReachEachOtherHearOfEachOther(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		g.mu.Lock()
		g.cut[[2]string{"n1", "n3"}], g.cut[[2]string{"n3", "n1"}] = true, true
		g.mu.Unlock()
		c := g.nodes["n1"].connect("c1")
		g.nodes["n1"].register(c, k, 1)
		time.Sleep(20 * time.Second)
		g.want(k, "1 ")
		c.Close("test")
		time.Sleep(20 * time.Second)
		g.want(k, "")
	})
}

func TestHeartbeatsGoOnWhateverNodeDies(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		k := key("orders")
		all := ""
		for n := range 30 {
			all += fmt.Sprint(n+10, " ")
			if err := g.nodes[g.order[n%3]].RegisterHTTP(naming.Actor{}, k, at(n+10)); err != nil {
				t.Fatal(err)
			}
		}
		beat := func(skip int) {
			for n := range 30 {
				w := g.nodes[g.order[n%3]]
				if !w.up {
					w = g.nodes["n2"]
				}
				if n == skip {
					continue
				}
				if out, err := w.Beat(naming.Actor{}, k, at(n+10), false); err != nil || !out.Known {
					t.Errorf("a heartbeat of %d at %s: %+v, %v", n+10, w.id, out, err)
				}
			}
		}
		owned := func() (list []int64) {
			for _, id := range g.order {
				list = append(list, g.nodes[id].Stats().BeatClients)
			}
			return list
		}
		time.Sleep(time.Second)
		g.want(k, all)
		if n := owned(); n[0]+n[1]+n[2] != 30 || n[0] == 0 || n[1] == 0 || n[2] == 0 {
			t.Errorf("owned: %v", n)
		}
		beat(-1)
		g.kill("n1")
		for range 10 {
			time.Sleep(5 * time.Second)
			g.see("n1", false, "n2", "n3")
			beat(7)
			g.want(k, g.nodes["n2"].ports(k))
		}
		if n := owned(); n[1]+n[2] != 29 {
			t.Errorf("owned: %v", n)
		}
		g.start("n1")
		for range 10 {
			time.Sleep(5 * time.Second)
			beat(7)
		}
		if n := owned(); n[0]+n[1]+n[2] != 29 || n[0] == 0 {
			t.Errorf("owned: %v", n)
		}
		time.Sleep(40 * time.Second)
		g.want(k, "")
	})
}

func TestAllNodesStartAnewAndAllClientsAreBack(t *testing.T) {
	onGrid(t, func(t *testing.T, g *grid) {
		const clients = 2000
		k := key("orders")
		for n := range clients {
			w := g.nodes[g.order[n%3]]
			w.register(w.connect(fmt.Sprint("c", n)), k, n)
		}
		for _, id := range g.order {
			g.kill(id)
		}
		for _, id := range g.order {
			g.start(id)
		}
		for n := range clients {
			w := g.nodes[g.order[(n+n/7)%3]]
			w.register(w.connect(fmt.Sprint("again", n)), k, n)
			if n%100 == 0 {
				time.Sleep(100 * time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		for _, id := range g.order {
			if n := len(g.nodes[id].Lookup(k, naming.Query{}).Hosts); n != clients {
				t.Errorf("node %s shows %d", id, n)
			}
		}
		time.Sleep(time.Minute)
		for _, id := range g.order {
			if s := g.nodes[id].Stats(); s.Instances != clients || s.Copies+s.Connections != clients {
				t.Errorf("node %s: %+v", id, s)
			}
		}
	})
}

func TestNoMessageIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 5000
		g := newGrid(t, "n1", "n2")
		a := g.start("n1")
		c := a.connect("large")
		var list []naming.Instance
		for n := range size {
			i := at(n)
			i.Metadata = naming.MetadataOf(map[string]string{"version": fmt.Sprint(n), "zone": strings.Repeat("a", 400)})
			list = append(list, i)
		}
		if err := c.RegisterBatch(key("large"), list); err != nil {
			t.Fatal(err)
		}
		for n := range size {
			a.register(a.connect(fmt.Sprint(strings.Repeat("long-", 50), n)), key("many"), n)
		}
		b := g.start("n2")
		<-b.sync.Ready()
		if got, want := len(b.Lookup(key("large"), naming.Query{}).Hosts), size; got != want {
			t.Errorf("%d of the large one", got)
		}
		if got, want := len(b.Lookup(key("many"), naming.Query{}).Hosts), size; got != want {
			t.Errorf("%d of the many", got)
		}
		if err := c.RegisterBatch(key("large"), list[1:]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := len(b.Lookup(key("large"), naming.Query{}).Hosts); got != size-1 {
			t.Errorf("%d of the large one, changed", got)
		}
		g.end()
		if g.largest > 1<<20 {
			t.Errorf("a message has %d bytes", g.largest)
		}
	})
}

// beats is twenty clients that send heartbeats to nodes, each to the one that home says.
func (g *grid) beats(k naming.Key, home func(n int) string) {
	for n := range 20 {
		w := g.nodes[home(n)]
		g.late.Go(func() {
			if _, err := w.Beat(naming.Actor{}, k, at(n+10), true); err != nil {
				g.t.Error(err)
			}
		})
	}
}

// watch lets the twenty beat every two seconds until they did for so many, with what happens meanwhile, and says when some node that shown
// returns true for lacks one of them.
func (g *grid) watch(k naming.Key, seconds int, home func(n int) string, happens map[int]func(), shown func(id string) bool) {
	g.t.Helper()
	all := ""
	for n := range 20 {
		all += fmt.Sprint(n+10, " ")
	}
	for second := range seconds {
		if f := happens[second]; f != nil {
			f()
		}
		if second%2 == 0 {
			g.beats(k, home)
		}
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			for _, id := range g.order {
				if got := g.nodes[id].ports(k); shown(id) && got != all {
					g.t.Errorf("node %s shows %q in second %d", id, got, second)
					return
				}
			}
		}
	}
}

func everywhere(string) bool { return true }

// TestARumourThatANodeIsDownLosesNoHeartbeat has two nodes believe for a while that the third is down, which it is not: its clients are taken
// over, and handed back.
func TestARumourThatANodeIsDownLosesNoHeartbeat(t *testing.T) {
	for _, n := range []struct{ first, second int }{{1, 1}, {2, 2}, {2, 5}, {3, 1}, {5, 9}, {12, 12}, {1, 6}} {
		t.Run(fmt.Sprintf("for %d and %d s", n.first, n.second), func(t *testing.T) {
			onGrid(t, func(t *testing.T, g *grid) {
				home := func(n int) string { return g.order[n%3] }
				g.beats(key("orders"), home)
				time.Sleep(time.Second)
				g.watch(key("orders"), 80, home, map[int]func(){
					0:            func() { g.see("n1", false, "n2", "n3") },
					n.first:      func() { g.see("n1", true, "n2") },
					n.second + 1: func() { g.see("n1", true, "n3") },
				}, everywhere)
			})
		})
	}
}

// TestHeartbeatsGoOnElsewhereWhileANodeIsCutOff cuts a node off, whose clients come to the others; it goes on owning them, and what nobody
// else does.
func TestHeartbeatsGoOnElsewhereWhileANodeIsCutOff(t *testing.T) {
	for _, seconds := range []int{3, 7, 12, 20, 35, 60} {
		t.Run(fmt.Sprintf("for %d s", seconds), func(t *testing.T) {
			onGrid(t, func(t *testing.T, g *grid) {
				cut := true
				home := func(n int) string {
					if id := g.order[n%3]; id != "n1" || !cut {
						return id
					}
					return g.order[1+n%2]
				}
				g.beats(key("orders"), func(n int) string { return g.order[n%3] })
				time.Sleep(time.Second)
				others := func(id string) bool { return id != "n1" }
				g.split("n1")
				g.watch(key("orders"), seconds, home, map[int]func(){
					3: func() { g.see("n1", false, "n2", "n3") },
					4: func() { g.see("n2", false, "n1") },
					5: func() { g.see("n3", false, "n1") },
				}, others)
				g.split()
				g.watch(key("orders"), 3, home, map[int]func(){
					0: func() { g.see("n1", true, "n2") },
					1: func() { g.see("n2", true, "n1"); g.see("n3", true, "n1") },
					2: func() { g.see("n1", true, "n3") },
				}, others)
				cut = false
				g.watch(key("orders"), 60, home, nil, everywhere)
				owned := 0
				for _, id := range g.order {
					owned += int(g.nodes[id].Stats().BeatClients)
				}
				if owned != 20 {
					t.Errorf("%d clients are owned", owned)
				}
				time.Sleep(40 * time.Second)
				g.want(key("orders"), "")
			})
		})
	}
}
