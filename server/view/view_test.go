package view

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is nodes that reach each other in memory.
type network struct {
	mu    sync.Mutex
	nodes map[string]*node
	// cut and hung are ids of nodes that can't be reached, and that don't answer.
	cut, hung map[string]bool
	calls     map[string]int
}

type node struct {
	*Nodes
	ledger *delivery.Ledger
	feed   *feed.Feed
	item   *config.Item
	sums   config.Sums
	state  Node
	load   Load
	kept   []string
}

func (w *network) set(in map[string]bool, id string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in[id] = on
}

// Call implements Peers.
func (w *network) Call(ctx context.Context, to, method string, body []byte) ([]byte, error) {
	w.mu.Lock()
	w.calls[method]++
	n, cut, hung := w.nodes[to], w.cut[to], w.hung[to]
	w.mu.Unlock()
	switch {
	case n == nil || cut:
		return nil, fault.New(fault.Unavailable, "%s can't be reached", to)
	case hung:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	h := n.Handlers()[method]
	if h == nil {
		return nil, fault.New(fault.NotFound, "no method %s", method)
	}
	return h(ctx, "test", body)
}

var aKey = config.Key{Namespace: "public", Group: "g", DataID: "a"}

func nodesOf(t *testing.T, count int) (*network, []*node) {
	t.Helper()
	w := &network{nodes: map[string]*node{}, cut: map[string]bool{}, hung: map[string]bool{}, calls: map[string]int{}}
	var list []*node
	for i := range count {
		n := &node{item: &config.Item{Formal: &config.Entry{Key: aKey, MD5: "new", Revision: 5}}}
		n.ledger = delivery.New(delivery.Config{
			Clock: clock.System{}, Item: func(config.Key) *config.Item { return n.item }, Revision: func() uint64 { return 5 },
		})
		n.feed = feed.New(clock.System{}, 0)
		n.feed.Open()
		n.Nodes = New(Config{
			Ledger: n.ledger, Feed: n.feed, Clock: clock.System{}, Sums: func() config.Sums { w.mu.Lock(); defer w.mu.Unlock(); return n.sums }, Node: func() Node { return n.state },
			Load: func() Load { return n.load }, Keep: func(keep int, ip, port string) { n.kept = append(n.kept, fmt.Sprint(keep, " ", ip, ":", port)) },
		})
		self := Member{ID: fmt.Sprint("id", i), Name: fmt.Sprint("node", i)}
		n.Self = func() Member { return self }
		n.load.Address = fmt.Sprintf("10.0.0.%d:8848", i)
		n.state.ID = self.ID
		n.Peers = w
		if count > 1 {
			n.Others = func() (others []Member) {
				for j := range count {
					if j != i {
						others = append(others, Member{ID: fmt.Sprint("id", j), Name: fmt.Sprint("node", j)})
					}
				}
				return others
			}
		}
		w.nodes[self.ID] = n
		list = append(list, n)
	}
	return w, list
}

// listens connects a client to n that has md5 of aKey.
func (n *node) listens(t *testing.T, id, md5 string) {
	t.Helper()
	s := n.ledger.Open(delivery.Client{ID: id, Transport: delivery.GRPC, IP: "10.1.1.1", Remote: "10.1.1.1:1"}, silent{})
	if _, err := s.Listen([]delivery.Watch{{Key: aKey, MD5: md5}}); err != nil {
		t.Fatal(err)
	}
}

type silent struct{}

func (silent) Owed() {}

func rowsOf(x Listeners) (out string) {
	for _, r := range x.Rows {
		out += r.Client.ID + "@" + r.Node.Name + " "
	}
	return strings.TrimSpace(out)
}

func TestListenersOfAllNodesAreOneList(t *testing.T) {
	_, nodes := nodesOf(t, 3)
	nodes[0].listens(t, "c", "new")
	nodes[1].listens(t, "b", "old")
	nodes[1].listens(t, "a", "new")
	nodes[2].listens(t, "d", "new")
	for _, n := range nodes {
		x := n.Listeners(t.Context(), aKey, delivery.Where{}, 1, 100)
		if got := rowsOf(x); got != "b@node1 a@node1 c@node0 d@node2" {
			t.Errorf("%s says %s", n.This().Name, got)
		}
		if x.Total != 4 || x.All.Listeners != 4 || x.All.InSync != 3 || x.All.Behind != 1 || len(x.Absent) != 0 {
			t.Errorf("%+v", x)
		}
	}
	if got := rowsOf(nodes[0].Listeners(t.Context(), aKey, delivery.Where{}, 2, 3)); got != "d@node2" {
		t.Error("second page:", got)
	}
	if got := nodes[2].Listeners(t.Context(), aKey, delivery.Where{NotInSync: true}, 1, 10); rowsOf(got) != "b@node1" || got.Total != 1 || got.All.Listeners != 4 {
		t.Errorf("%+v", got)
	}
	standings, gone := nodes[0].Standings(t.Context(), []config.Key{aKey, {DataID: "none"}})
	if standings[0].Listeners != 4 || standings[1].Listeners != 0 || gone != nil {
		t.Errorf("%+v %v", standings, gone)
	}
	if all, _ := nodes[0].Summary(t.Context()); all.GRPCClients != 4 || all.Behind != 1 {
		t.Errorf("%+v", all)
	}
	if n := nodes[0].Again(t.Context(), aKey, ""); n != 1 {
		t.Error("told again:", n)
	}
	if c, ok := nodes[0].Client(t.Context(), "", "d"); !ok || c.Node.Name != "node2" || len(c.Keys) != 1 {
		t.Errorf("%+v %v", c, ok)
	}
	if _, ok := nodes[0].Client(t.Context(), "id1", "d"); ok {
		t.Error("a client was found on a node that it is not connected to")
	}
	if got := nodes[0].OfIP(t.Context(), "10.1.1.1"); len(got) != 4 {
		t.Error(len(got))
	}
}

func TestManyRowsComeInPartsAndNoneIsLostOrTwice(t *testing.T) {
	w, nodes := nodesOf(t, 2)
	const each = 2*mostRows + 7
	for i := range each {
		nodes[0].listens(t, fmt.Sprintf("%05d", 2*i), "new")
		nodes[1].listens(t, fmt.Sprintf("%05d", 2*i+1), "new")
	}
	seen, last := 0, ""
	for page := 1; ; page++ {
		x := nodes[0].Listeners(t.Context(), aKey, delivery.Where{}, page, 300)
		for _, r := range x.Rows {
			if r.Client.ID <= last {
				t.Fatalf("%s comes after %s", r.Client.ID, last)
			}
			last = r.Client.ID
			seen++
		}
		if len(x.Rows) < 300 {
			break
		}
	}
	if seen != 2*each {
		t.Errorf("%d rows of %d", seen, 2*each)
	}
	if x := nodes[1].All(t.Context(), aKey, delivery.Where{}); len(x.Rows) != 2*each || x.Total != 2*each {
		t.Errorf("%d rows, total %d", len(x.Rows), x.Total)
	}
	if rows, total, _ := nodes[0].Clients(t.Context(), delivery.Filter{}, 3, 400); len(rows) != 400 || rows[0].ID != "00800" || total != 2*each {
		t.Errorf("%d clients of %d, the first %s", len(rows), total, rows[0].ID)
	}
	before := w.calls["view/listeners"]
	nodes[0].Listeners(t.Context(), aKey, delivery.Where{}, 1, 100)
	if n := w.calls["view/listeners"] - before; n != 1 {
		t.Errorf("the first page took %d questions to the other node", n)
	}
}

func TestANodeThatCannotBeReachedIsNamed(t *testing.T) {
	w, nodes := nodesOf(t, 3)
	nodes[0].listens(t, "a", "new")
	nodes[2].listens(t, "b", "new")
	w.set(w.cut, "id2", true)
	x := nodes[0].Listeners(t.Context(), aKey, delivery.Where{}, 1, 10)
	if rowsOf(x) != "a@node0" || len(x.Absent) != 1 || x.Absent[0].Name != "node2" || !strings.Contains(x.Absent[0].Why, "can't be reached") {
		t.Errorf("%+v", x)
	}
}

func TestANodeThatHangsIsWaitedForOnceAndThenBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, nodes := nodesOf(t, 3)
		w.set(w.hung, "id1", true)
		took := func() time.Duration {
			start := time.Now()
			if _, gone := nodes[0].Summary(t.Context()); len(gone) != 1 || gone[0].Name != "node1" || gone[0].Why != "it did not answer in time" {
				t.Error(gone)
			}
			return time.Since(start)
		}
		if d := took(); d != patience {
			t.Error("at first:", d)
		}
		if d := took(); d != impatience {
			t.Error("then:", d)
		}
		w.set(w.hung, "id1", false)
		if _, gone := nodes[0].Summary(t.Context()); gone != nil {
			t.Error(gone)
		}
		w.set(w.hung, "id1", true)
		if d := took(); d != patience {
			t.Error("once it had answered:", d)
		}
	})
}

func TestANodeAloneAsksNobody(t *testing.T) {
	w, nodes := nodesOf(t, 1)
	nodes[0].listens(t, "a", "old")
	if x := nodes[0].Listeners(t.Context(), aKey, delivery.Where{}, 1, 10); rowsOf(x) != "a@node0" || x.All.Behind != 1 {
		t.Errorf("%+v", x)
	}
	if rows, total, _ := nodes[0].Clients(t.Context(), delivery.Filter{}, 1, 10); len(rows) != 1 || total != 1 {
		t.Error(rows, total)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := nodes[0].Run(ctx); err != nil || len(w.calls) > 0 {
		t.Error(err, w.calls)
	}
}

func TestNodesSayWhomTheyReachAndSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, nodes := nodesOf(t, 3)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- nodes[0].Run(ctx) }()
		time.Sleep(1500 * time.Millisecond)
		w.set(w.hung, "id2", true)
		time.Sleep(3 * time.Second)
		got := nodes[0].Here().Reaches
		if len(got) != 2 || !got[0].OK || got[1].OK || got[1].ID != "id2" || got[1].SinceMs <= got[0].SinceMs {
			t.Errorf("%+v", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestNodesThatHaveNotTheSameAreFoundWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, nodes := nodesOf(t, 3)
		for _, n := range nodes {
			n.sums = config.Sums{Now: config.Sum{Revision: 9, Sum: 1}}
		}
		nodes[2].sums = config.Sums{Now: config.Sum{Revision: 11, Sum: 7}, Marks: []config.Sum{{Revision: 9, Sum: 2}}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- nodes[0].Run(ctx) }()
		time.Sleep(time.Second)
		if d := nodes[0].Differences(); len(d) != 1 || d[0].Name != "node2" || d[0].Revision != 9 {
			t.Errorf("%+v", d)
		}
		since := nodes[0].Differences()[0].SinceMs
		w.set(w.cut, "id2", true)
		time.Sleep(compareEvery)
		if d := nodes[0].Differences(); len(d) != 1 || d[0].SinceMs != since {
			t.Errorf("of a node that is away, what was found stays: %+v", d)
		}
		w.set(w.cut, "id2", false)
		w.mu.Lock()
		nodes[2].sums = config.Sums{Now: config.Sum{Revision: 9, Sum: 1}}
		w.mu.Unlock()
		time.Sleep(compareEvery)
		if d := nodes[0].Differences(); len(d) != 0 {
			t.Errorf("%+v", d)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTheFeedHasWhatHappensOnOtherNodesOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, nodes := nodesOf(t, 2)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- nodes[0].Run(ctx) }()
		go func() { ended <- nodes[1].Run(ctx) }()
		happen := func(from, to int) {
			for i := from; i < to; i++ {
				nodes[1].feed.Append(feed.Event{Kind: feed.ClientConnected, ClientID: fmt.Sprint("c", i), Node: "node1"})
				nodes[1].feed.Append(feed.Event{Kind: feed.ConfigPublished, DataID: "everybody sees it"})
			}
		}
		time.Sleep(100 * time.Millisecond)
		happen(0, 500)
		at := time.Now().UnixMilli()
		time.Sleep(10 * time.Second)
		w.set(w.cut, "id1", true)
		happen(500, 700)
		time.Sleep(10 * time.Second)
		w.set(w.cut, "id1", false)
		time.Sleep(10 * time.Second)
		b := nodes[0].feed.Latest(&feed.Filter{}, 10_000)
		if len(b.Events) != 700 {
			t.Fatalf("%d events were taken over", len(b.Events))
		}
		for i, e := range b.Events {
			if e.ClientID != fmt.Sprint("c", i) || e.Node != "node1" || i < 500 && e.AtMs != at {
				t.Fatalf("event %d is %+v", i, e)
			}
		}
		if n := nodes[1].feed.Count(); n != 1400 {
			t.Errorf("the node that it happened on has %d events", n)
		}
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
	})
}

func TestTheFeedHasWhatHappenedOnAnotherNodeBeforeItWasReachedAndSinceItsOwnStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, nodes := nodesOf(t, 2)
		tells := func(id string) {
			nodes[1].feed.Append(feed.Event{Kind: feed.ClientConnected, ClientID: id, Node: "an address that it had before"})
		}
		tells("long before")
		time.Sleep(time.Hour)
		nodes[0].feed = feed.New(clock.System{}, 0)
		nodes[0].cfg.Feed = nodes[0].feed
		w.set(w.cut, "id1", true)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- nodes[0].Run(ctx) }()
		time.Sleep(10 * time.Second)
		nodes[0].feed.Open()
		time.Sleep(time.Second)
		tells("a")
		nodes[1].feed.Take(feed.Event{Kind: feed.ClientConnected, ClientID: "of a third node"})
		tells("b")
		time.Sleep(10 * time.Second)
		w.set(w.cut, "id1", false)
		time.Sleep(10 * time.Second)
		tells("c")
		time.Sleep(10 * time.Second)
		got := ""
		for _, e := range nodes[0].feed.Latest(&feed.Filter{}, 10).Events {
			got += e.ClientID + "@" + e.Node + " "
		}
		if got != "a@node1 b@node1 c@node1 " {
			t.Errorf("it has %s", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestANodeThatIsNoMemberForAMomentIsReadOnFromWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := nodesOf(t, 2)
		others, away := nodes[0].Others, atomic.Bool{}
		nodes[0].Others = func() []Member {
			if away.Load() {
				return nil
			}
			return others()
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- nodes[0].Run(ctx) }()
		for i := range 6 {
			away.Store(i%2 == 1)
			nodes[1].feed.Append(feed.Event{Kind: feed.ClientConnected, ClientID: fmt.Sprint("c", i)})
			time.Sleep(10 * time.Second)
		}
		away.Store(false)
		time.Sleep(10 * time.Second)
		got := ""
		for _, e := range nodes[0].feed.Latest(&feed.Filter{}, 10).Events {
			got += e.ClientID + " "
		}
		if got != "c0 c1 c2 c3 c4 c5 " {
			t.Errorf("it has %s", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestClientsMoveFromTheFullestNodeToTheEmptiest(t *testing.T) {
	for _, tc := range []struct {
		name  string
		sdks  []int
		share float64
		want  string
	}{
		{"nobody moves where all have about the same", []int{100, 105, 95}, .1, "[] [] []"},
		{"the surplus goes, to one other in a round", []int{300, 0, 0}, .1, "[200 10.0.0.2:8848] [] []"},
		{"two send to two", []int{200, 200, 0, 0}, .1, "[100 10.0.0.3:8848] [100 10.0.0.2:8848] [] []"},
		{"no more than the other has room for", []int{160, 140, 0}, .1, "[100 10.0.0.2:8848] [] []"},
		{"within the share that is allowed", []int{129, 100, 71}, .3, "[] [] []"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, nodes := nodesOf(t, len(tc.sdks))
			for i, n := range tc.sdks {
				nodes[i].load.SDKs = n
			}
			if _, err := nodes[len(nodes)-1].Balance(t.Context(), tc.share); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, n := range nodes {
				got += fmt.Sprint(n.kept) + " "
			}
			if strings.TrimSpace(got) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
