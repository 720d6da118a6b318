package replica

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"nacre/server/fault"
	"nacre/server/journal"
)

// member is a node of a cluster of a test, which can be stopped, killed and started again.
type member struct {
	*running
	id, dir string
	crash   func()        // ends Run at once
	leaving chan struct{} // closed when it is to stop
}

// group is a cluster of a test.
type testCluster struct {
	t       testing.TB
	network *network
	adjust  func(*Config)
	members []*member
}

func newCluster(t testing.TB, nodes int, adjust func(*Config)) *testCluster {
	t.Helper()
	c := &testCluster{t: t, network: newNetwork(), adjust: adjust}
	for range nodes {
		c.members = append(c.members, c.start(t.TempDir()))
	}
	if nodes > 0 {
		var ids []string
		for _, m := range c.members {
			ids = append(ids, m.id)
		}
		if err := c.members[0].Bootstrap("one", ids); err != nil {
			t.Fatal(err)
		}
		for _, m := range c.members[1:] {
			if err := m.Adopt("one"); err != nil {
				t.Fatal(err)
			}
		}
		c.ready(c.members...)
	}
	return c
}

// start runs a node on dir, on a new port.
func (c *testCluster) start(dir string) *member {
	c.t.Helper()
	l := openLedger(c.t, filepath.Join(dir, "image.json"))
	cfg := testConfig(c.t, dir, l)
	id, stream := c.identify(dir)
	cfg.Cluster = &Cluster{Stream: stream, AddressOf: c.network.addressOf, Peers: callsOf{c.network, id}}
	cfg.Logger = cfg.Logger.With("node", id[:6])
	if c.adjust != nil {
		c.adjust(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	m := &member{&running{Node: n, ledger: l, group: journal.NewGroup(n, journal.GroupConfig{})}, id, dir, nil, make(chan struct{})}
	c.network.mu.Lock()
	c.network.where[id], c.network.up[id] = stream.Addr().String(), n.Handlers()
	c.network.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	groupCtx, stopGroup := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	groupDone := make(chan struct{})
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			c.t.Errorf("Run: %v", err)
		}
	})
	go func() { defer close(groupDone); _ = m.group.Run(groupCtx) }()
	leave := sync.OnceFunc(func() { close(m.leaving) })
	m.crash = func() { leave(); cancel() }
	m.stop = sync.OnceFunc(func() {
		leave()
		stopGroup()
		<-groupDone
		cancel()
		wg.Wait()
		c.network.mu.Lock()
		delete(c.network.up, id)
		c.network.mu.Unlock()
		if err := n.Close(); err != nil {
			c.t.Errorf("Close: %v", err)
		}
	})
	c.t.Cleanup(m.stop)
	<-n.started
	return m
}

// identify returns the id of the node on dir, made if need be, and a stream for it.
func (c *testCluster) identify(dir string) (string, *testStream) {
	c.t.Helper()
	s, err := openLog(dir, logOptions{clock: testClock})
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	id, err := nodeID(dir, s)
	if err != nil {
		c.t.Fatal(err)
	}
	return id, c.network.listen(c.t, id)
}

// kill cuts a node off from all others and stops it, so that it can't say good-bye.
func (c *testCluster) kill(m *member) {
	c.network.isolate(m.id, true)
	c.network.mu.Lock()
	delete(c.network.up, m.id)
	c.network.mu.Unlock()
	m.crash()
	m.stop()
	c.network.isolate(m.id, false)
}

// again starts a node that was stopped, on its folder and a new port.
func (c *testCluster) again(m *member) *member {
	c.t.Helper()
	i := slices.Index(c.members, m)
	c.members[i] = c.start(m.dir)
	return c.members[i]
}

func (c *testCluster) ready(members ...*member) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, m := range members {
		if err := m.WaitReady(ctx); err != nil {
			c.t.Fatal(err)
		}
	}
}

// leader waits for the one that all of the given members take for the leader, and that does so itself.
func (c *testCluster) leader(among ...*member) *member {
	c.t.Helper()
	var found *member
	eventually(c.t, func() error {
		found = nil
		for _, m := range among {
			if m.Leader() == m.id && m.fsm.term.Load() == m.raft.Load().CurrentTerm() {
				found = m
			}
		}
		for _, m := range among {
			if found == nil || m.Leader() != found.id {
				return fmt.Errorf("node %s takes %q for the leader", m.id, m.Leader())
			}
		}
		return nil
	})
	return found
}

func (c *testCluster) followers(leader *member) []*member {
	var others []*member
	for _, m := range c.members {
		if m != leader {
			others = append(others, m)
		}
	}
	return others
}

// same waits until all members hold the same commands in memory and image, and returns them.
func (c *testCluster) same(members ...*member) []uint64 {
	c.t.Helper()
	var first []uint64
	eventually(c.t, func() error {
		first = members[0].ledger.applied()
		for _, m := range members {
			m.ledger.mu.Lock()
			memory, rows := slices.Clone(m.ledger.memory), slices.Clone(m.ledger.rows)
			m.ledger.mu.Unlock()
			if !slices.Equal(memory, first) || !slices.Equal(rows, memory) {
				return fmt.Errorf("node %s holds %d commands in memory and %d in its image, another one %d", m.id, len(memory), len(rows), len(first))
			}
		}
		return nil
	})
	return first
}

// once fails the test when a command is there twice or one of those acknowledged is not.
func once(t testing.TB, held []uint64, acknowledged map[uint64]bool) {
	t.Helper()
	seen := map[uint64]bool{}
	for _, id := range held {
		if seen[id] {
			t.Errorf("command %d was applied twice", id)
		}
		seen[id] = true
	}
	for id := range acknowledged {
		if !seen[id] {
			t.Errorf("command %d was acknowledged and is lost", id)
		}
	}
}

func TestThreeNodesApplyWhatIsWrittenOnAnyOfThem(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	acknowledged := map[uint64]bool{}
	for i, m := range c.members {
		if id := m.ClusterID(); id != "one" {
			t.Errorf("node %d belongs to cluster %q", i, id)
		}
		m.publish(t, uint64(i)*100, uint64(i)*100+50, 100)
		// What a node acknowledged is applied on it.
		if held := m.ledger.applied(); held[len(held)-1] != uint64(i)*100+49 {
			t.Errorf("node %d holds %d commands, the last is %d", i, len(held), held[len(held)-1])
		}
		for id := range uint64(50) {
			acknowledged[uint64(i)*100+id] = true
		}
	}
	once(t, c.same(c.members...), acknowledged)
}

func TestWritesGoOnWhenTheLeaderIsKilledAndNoneIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := c.write(c.members...)
	for round := range 3 {
		old := c.leader(c.members...)
		eventually(t, w.more(100))
		rest := c.followers(old)
		c.network.isolate(old.id, true)
		begin := time.Now()
		for {
			if _, err := rest[0].group.Submit(context.Background(), command(w.next.Add(1), 10)); err == nil {
				break
			} else if fault.KindOf(err) != fault.Unavailable {
				t.Fatal(err)
			}
		}
		t.Logf("round %d: writes went on after %s, %d of the writers' had no answer", round, time.Since(begin), w.failed())
		c.kill(old)
		c.leader(rest...)
		eventually(t, w.more(100))
		c.ready(c.again(old))
		w.add(c.members...)
	}
	acknowledged := w.end()
	once(t, c.same(c.members...), acknowledged)
}
