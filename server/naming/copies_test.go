package naming

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// mates are nodes that know of each other by what is passed between them by hand.
func mates(t tester, n int) []*world {
	var list []*world
	for i := range n {
		w := newWorld(t, Config{Node: fmt.Sprint("n", i+1)})
		w.Copies()
		list = append(list, w)
	}
	return list
}

// news returns what a node has to say of its clients that changed.
func (w *world) news() (list [][]byte) {
	c := w.Copies()
	for _, change := range c.Changed() {
		list = append(list, c.Encode(w.cfg.Node, c.Incarnation(), change, 1<<20)...)
	}
	return list
}

func (w *world) merge(list ...[]byte) {
	w.t.Helper()
	for _, b := range list {
		w.must(w.Copies().Merge(b))
	}
}

// holds returns what a node shows of services and knows of other nodes' clients, as text.
func (w *world) holds(keys ...Key) string {
	text := ""
	for _, k := range keys {
		text += looks(w.Lookup(k, Query{Disabled: true})) + "\n"
		if s := w.find(&k); s != nil {
			for _, e := range s.sorted {
				text += fmt.Sprint(e.own.Of(), " ", e.seq, " of ", e.pub.session.client.ID, "\n")
			}
		}
	}
	var known []string
	w.copies.eachCopy(func(s *Session) {
		known = append(known, fmt.Sprint(s.client.Node, " ", s.client.Incarnation, " ", s.client.ID, " ", s.known()))
	})
	slices.Sort(known)
	return text + strings.Join(known, "\n")
}

func TestANodeShowsWhatClientsOfAnotherRegistered(t *testing.T) {
	w := mates(t, 2)
	a, b := w[0], w[1]
	k := key("orders")
	c, _ := a.connect("c1")
	i := at(1)
	i.Metadata = Metadata{{"zone", "a"}}
	a.must(c.RegisterBatch(k, []Instance{i, at(2)}))
	a.must(a.RegisterHTTP(alice, k, at(3)))
	b.merge(a.news()...)
	b.see(k, Query{}, "1 2 3 ")
	if got, want := looks(b.Lookup(k, Query{})), looks(a.Lookup(k, Query{})); got != want {
		t.Errorf("there %s, here %s", got, want)
	}
	if s := b.Stats(); s.Copies != 2 || s.Instances != 3 || s.Connections != 0 || s.BeatClients != 0 || s.Services != 1 {
		t.Errorf("%+v", s)
	}
	p := b.Publishers(k)
	if len(p) != 2 || p[1].Client.Node != "n1" || p[1].Client.ID != "c1" || p[1].Client.SDK != "Nacos-Java-Client:v2.3.2" || p[1].Client.Incarnation != a.incarnation {
		t.Errorf("%+v", p)
	}
	if s, ok := b.ClientOf("c1"); !ok || s.Node != "n1" || len(s.Published) != 1 || len(s.Published[0].Instances) != 2 {
		t.Errorf("%+v", s)
	}
	if list, n := b.Clients("", 1, 10); n != 2 || !list[0].Copy || !list[1].Copy || list[1].ID != "c1" {
		t.Errorf("%+v", list)
	}
	if b.CloseClient("c1", "test") || b.DeregisterHTTP(alice, k, "10.0.0.1", 3) {
		t.Error("a node ended what another owns")
	}
	a.DeregisterHTTP(alice, k, "10.0.0.1", 3)
	a.must(c.RegisterBatch(k, []Instance{at(1)}))
	b.merge(a.news()...)
	b.see(k, Query{}, "1 ")
	c.Close("test")
	b.merge(a.news()...)
	b.see(k, Query{}, "")
	if why := b.Why(k, at(1).named().Of()); why.GoneMs == 0 || why.Notes[len(why.Notes)-1].Detail != "connection closed: test" {
		t.Errorf("%+v", why)
	}
	if s := b.Stats(); s.Copies != 0 || s.Instances != 0 {
		t.Errorf("%+v", s)
	}
}

// named returns i with the cluster that it is registered in.
func (i Instance) named() *Instance {
	if i.Cluster == "" {
		i.Cluster = "DEFAULT"
	}
	return &i
}

func TestSubscribersHereAreToldOfWhatChangesThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := mates(t, 2)
		a, b := w[0], w[1]
		defer b.run()()
		k := key("orders")
		sub, _ := b.connect("sub")
		if _, err := sub.Subscribe(k, ""); err != nil {
			t.Fatal(err)
		}
		pub, _ := a.connect("pub")
		a.must(pub.Register(k, at(1)))
		b.merge(a.news()...)
		time.Sleep(time.Second)
		if p := sub.Take(nil, 9); len(p) != 1 || ports(p[0].View) != "1 " {
			t.Errorf("%+v", p)
		}
	})
}

// TestCopiesComeToTheSameInAnyOrder has clients of two runs of one node and of another do as they like, and passes what is said of them
// on in two orders, in one of them some of it twice, or in two halves that are merged into each other's order.
func TestCopiesComeToTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []Key{key("a"), key("b")}
		var said [][]byte
		for _, node := range []string{"n1", "n1", "n2"} {
			w := newWorld(t, Config{Node: node})
			w.incarnation = uint64(len(said)) + 1 // grows
			w.Copies()
			sessions := make(map[string]*Session)
			for range rapid.IntRange(1, 25).Draw(t, "steps") {
				id := rapid.SampledFrom([]string{"c1", "c2", "10.0.0.1:1#true"}).Draw(t, "client")
				k := rapid.SampledFrom(keys).Draw(t, "key")
				i := at(rapid.IntRange(1, 2).Draw(t, "port"))
				i.Weight = float64(rapid.IntRange(1, 3).Draw(t, "weight"))
				beats := strings.HasSuffix(id, "#true")
				if sessions[id] == nil && !beats {
					sessions[id], _ = w.connect(id)
				}
				switch rapid.IntRange(0, 4).Draw(t, "what") {
				case 0:
					if beats {
						w.DeregisterHTTP(alice, k, i.IP, 1)
					} else {
						sessions[id].Close("test")
						delete(sessions, id)
					}
				case 1:
					if !beats {
						sessions[id].Deregister(k)
					}
				case 2:
					if !beats {
						w.must(sessions[id].RegisterBatch(k, []Instance{i, at(3), at(4)}))
					}
				default:
					if i.Port = max(i.Port, 1); beats {
						i.Port = 1
						w.must(w.RegisterHTTP(alice, k, i))
					} else {
						w.must(sessions[id].Register(k, i))
					}
				}
				for _, c := range w.Copies().Changed() {
					said = append(said, w.Copies().Encode(node, w.incarnation, c, partOver+rapid.SampledFrom([]int{1, 1 << 20}).Draw(t, "most"))...)
				}
			}
		}
		one, two, three := newWorld(t, Config{Node: "n3"}), newWorld(t, Config{Node: "n3"}), newWorld(t, Config{Node: "n3"})
		one.merge(said...)
		order := rapid.Permutation(said).Draw(t, "order")
		two.merge(order...)
		two.merge(order[:len(order)/2]...)
		for _, b := range said {
			three.merge(b, b)
		}
		for _, w := range []*world{one, two, three} {
			once := make(map[string]bool)
			w.copies.eachCopy(func(s *Session) {
				if name := s.client.Node + s.client.ID; once[name] {
					t.Fatalf("%s of %s is known of two runs", s.client.ID, s.client.Node)
				} else {
					once[name] = true
				}
			})
			// What is kept of runs that ended depends on what came before, for a while.
			for _, t := range w.copies.tables {
				t.until = 0
			}
			w.Copies().Expire()
		}
		want := one.holds(keys...)
		if got := two.holds(keys...); got != want {
			t.Fatalf("in another order\n%s\n, not\n%s", got, want)
		}
		if got := three.holds(keys...); got != want {
			t.Fatalf("each twice\n%s\n, not\n%s", got, want)
		}
		one.checkWhole(t)
		two.checkWhole(t)
	})
}

func TestWhatOthersSayChangesNothingThatANodeOwns(t *testing.T) {
	w := mates(t, 2)
	a, b := w[0], w[1]
	k := key("orders")
	c, _ := a.connect("c1")
	a.must(c.Register(k, at(1)))
	said := a.news()
	b.merge(said...)
	a.must(c.Register(k, at(2)))
	a.merge(said...)
	a.Copies().Verified("n1", a.incarnation, 1<<60, func(string) bool { return true }, nil)
	a.Copies().Lost("n1", 0)
	a.Copies().Expire()
	a.see(k, Query{}, "2 ")
	// A client that says it is that of another node, too, is another one.
	d, _ := b.connect("c1")
	b.must(d.Register(k, at(3)))
	a.merge(b.news()...)
	a.see(k, Query{}, "2 3 ")
	d.Close("test")
	a.merge(b.news()...)
	a.see(k, Query{}, "2 ")
}

func TestOfTwoRegistrationsAllNodesShowTheLater(t *testing.T) {
	w := mates(t, 3)
	k := key("orders")
	heavy, light := at(1), at(1)
	heavy.Weight, light.Weight = 2, 1
	c, _ := w[0].connect("c1")
	for range 9 {
		w[0].must(c.Register(k, at(2)))
		w[0].must(c.Register(k, heavy))
	}
	first := w[0].news()
	w[1].merge(first...)
	d, _ := w[1].connect("c2")
	w[1].must(d.Register(k, light)) // the client came to another node before the first saw it go
	second := w[1].news()
	w[0].merge(second...)
	w[2].merge(second...)
	w[2].merge(first...) // late
	for _, n := range w {
		if v := n.Lookup(k, Query{}); len(v.Hosts) != 1 || v.Hosts[0].Weight != 1 {
			t.Errorf("node %s shows %v", n.cfg.Node, looks(v))
		}
		n.checkWhole(t)
	}
	c.Close("test")
	w[2].merge(w[0].news()...)
	if v := w[2].Lookup(k, Query{}); len(v.Hosts) != 1 || v.Hosts[0].Weight != 1 {
		t.Errorf("shows %v", looks(v))
	}
}

func TestClientsOfALostNodeStayForAWhileUnlessTheyComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := mates(t, 3)
		a, b, c := w[0], w[1], w[2]
		k := key("orders")
		for n := range 3 {
			s, _ := a.connect(fmt.Sprint("c", n))
			a.must(s.Register(k, at(n)))
		}
		said := a.news()
		b.merge(said...)
		c.merge(said...)
		for _, n := range []*world{b, c} {
			n.Copies().Lost("n1", Grace)
			n.see(k, Query{}, "0 1 2 ")
		}
		again, _ := b.connect("again")
		b.must(again.Register(k, at(1)))
		c.merge(b.news()...)
		for _, n := range []*world{b, c} {
			n.see(k, Query{}, "0 1 2 ")
			if p := n.Publishers(k); len(p) != 3 || p[0].Client.ID != "again" {
				t.Errorf("%+v", p)
			}
			n.checkWhole(t)
		}
		again.Deregister(k) // it does not come back by the copy
		c.merge(b.news()...)
		for _, n := range []*world{b, c} {
			n.see(k, Query{}, "0 2 ")
			time.Sleep(Grace / 4)
			n.Copies().Expire()
			n.see(k, Query{}, "0 2 ")
		}
		// The node was only out of sight of b.
		b.Copies().Seen("n1", a.incarnation)
		time.Sleep(Grace)
		for _, n := range []*world{b, c} {
			n.Copies().Expire()
			n.checkWhole(t)
		}
		c.see(k, Query{}, "")
		b.see(k, Query{}, "0 2 ")
		known, _ := b.Copies().Known("n1", 0)
		mine, _ := a.Copies().Known("n1", 0)
		if fmt.Sprint(known.Versions) == fmt.Sprint(mine.Versions) || len(known.Versions) != 3 {
			t.Errorf("nobody sees that something is missing: %v, %v", known, mine)
		}
		b.merge(said...)
		b.see(k, Query{}, "0 1 2 ")
	})
}

// TestWhatALostNodeSaysOfAClientThatIsElsewhereIsAskedForAgain has a node that is thought to be down say anew what another has taken over.
func TestWhatALostNodeSaysOfAClientThatIsElsewhereIsAskedForAgain(t *testing.T) {
	w := mates(t, 3)
	a, b, c := w[0], w[1], w[2]
	k := key("orders")
	a.must(a.RegisterHTTP(alice, k, at(1)))
	b.merge(a.news()...)
	b.Copies().Lost("n1", Grace)
	c.must(c.RegisterHTTP(alice, k, at(1)))
	b.merge(c.news()...)
	again := at(1)
	again.Weight = 2
	a.must(a.RegisterHTTP(alice, k, again))
	said := a.news()
	b.merge(said...)
	b.Copies().Seen("n1", a.incarnation)
	c.DeregisterHTTP(alice, k, "10.0.0.1", 1)
	b.merge(c.news()...)
	b.see(k, Query{}, "")
	if known, _ := b.Copies().Known("n1", 0); len(known.Versions) != 1 || known.Versions[0].Revision != 0 {
		t.Errorf("nobody sees that it is missing: %+v", known)
	}
	b.merge(said...)
	b.see(k, Query{}, "1 ")
	b.checkWhole(t)
}

func TestAClientThatCameAgainAndWentIsGone(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := mates(t, 3)
		a, b, c := w[0], w[1], w[2]
		k := key("orders")
		s, _ := a.connect("c1")
		a.must(s.Register(k, at(1)))
		said := a.news()
		again, _ := b.connect("again")
		b.must(again.Register(k, at(1)))
		if !late { // c knows of the first registration before the node is seen down, or is told of it after that
			c.merge(said...)
		}
		c.merge(b.news()...)
		c.Copies().Seen("n1", a.incarnation)
		c.Copies().Lost("n1", Grace)
		c.merge(said...)
		c.see(k, Query{}, "1 ")
		again.Close("test")
		c.merge(b.news()...)
		if c.see(k, Query{}, ""); t.Failed() {
			t.Errorf("told late: %t", late)
		}
		c.checkWhole(t)
	}
}

func TestARunThatEndedIsSucceededByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mates(t, 2)[1]
		k := key("orders")
		old := newWorld(t, Config{Node: "n1"})
		old.Copies()
		s, _ := old.connect("c1")
		old.must(s.Register(k, at(1)))
		s, _ = old.connect("c2")
		old.must(s.Register(k, at(2)))
		b.merge(old.news()...)
		time.Sleep(time.Second)
		next := newWorld(t, Config{Node: "n1"})
		next.Copies()
		s, _ = next.connect("c3")
		next.must(s.Register(k, at(1)))
		b.merge(next.news()...)
		b.see(k, Query{}, "1 2 ")
		if h := b.Copies().Holders(); len(h) != 2 {
			t.Errorf("%+v", h)
		}
		b.Copies().Seen("n1", old.incarnation) // late
		time.Sleep(Grace)
		b.Copies().Expire()
		b.see(k, Query{}, "1 ")
		b.checkWhole(t)
		if h := b.Copies().Holders(); len(h) != 1 || h[0].Incarnation != next.incarnation || h[0].Left != 0 {
			t.Errorf("%+v", h)
		}
	})
}

func TestWhatIsMissingIsDroppedUpToTheRevisionThatWasCompared(t *testing.T) {
	w := mates(t, 2)
	a, b := w[0], w[1]
	k := key("orders")
	c, _ := a.connect("c1")
	a.must(c.Register(k, at(1)))
	b.merge(a.news()...)
	known, _ := a.Copies().Known("n1", 0)
	d, _ := a.connect("c2")
	a.must(d.Register(k, at(2)))
	b.merge(a.news()...)
	c.Close("test")
	a.news() // is lost
	all := func(string) bool { return true }
	b.Copies().Verified("n1", known.Incarnation, known.AsOf, all, nil)
	b.see(k, Query{}, "2 ")
	known, _ = a.Copies().Known("n1", 0)
	b.Copies().Verified("n1", known.Incarnation, known.AsOf, all, known.Versions)
	b.Copies().Complete("n1", known.Incarnation, known.AsOf)
	b.see(k, Query{}, "2 ")
	if there, _ := b.Copies().Known("n1", 0); there.AsOf != known.AsOf || len(there.Versions) != 1 {
		t.Errorf("%+v", there)
	}
}

func TestALargeClientComesInParts(t *testing.T) {
	w := mates(t, 2)
	a, b := w[0], w[1]
	k := key("orders")
	c, _ := a.connect("c1")
	var list []Instance
	for n := range 3000 {
		list = append(list, usual(n, n))
	}
	a.must(c.RegisterBatch(k, list))
	a.must(c.Register(key("other"), at(1)))
	parts := a.Copies().Encode("n1", a.incarnation, Change{ID: "c1"}, 64<<10)
	if len(parts) < 4 {
		t.Fatalf("%d parts", len(parts))
	}
	for _, p := range parts {
		if len(p) > 64<<10 {
			t.Errorf("a part has %d bytes", len(p))
		}
	}
	rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	b.merge(parts[1:]...)
	if n := len(b.Lookup(k, Query{}).Hosts); n != 0 {
		t.Errorf("%d of one whose parts are not all there", n)
	}
	b.merge(parts[0])
	if got, want := looks(b.Lookup(k, Query{})), looks(a.Lookup(k, Query{})); got != want {
		t.Error("not the same")
	}
	b.see(key("other"), Query{}, "1 ")
	b.checkWhole(t)
}

func TestWhatIsNoCopyIsRefused(t *testing.T) {
	w := mates(t, 2)
	for _, b := range [][]byte{{1, 2, 3}, nil, {0x0a, 1, 'n'}} {
		if w[0].Copies().Merge(b) == nil {
			t.Errorf("%v was taken", b)
		}
	}
}
