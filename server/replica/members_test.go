package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"nacre/server/fault"
	"nacre/server/journal"
)

func TestAnEmptyNodeJoinsBySnapshotAndGetsAVote(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, small)
	for i := range uint64(600) {
		c.members[i%3].publish(t, i, i+1, 20000)
	}
	leader := c.leader(c.members...)
	eventually(t, func() error {
		if s := leader.Stats(); s.FirstIndex < 2 {
			return fmt.Errorf("the log begins with entry %d: a new node needs no snapshot", s.FirstIndex)
		}
		return nil
	})
	interrupted := 0
	c.network.mu.Lock()
	c.network.on = func(_, _, method string, answered bool) error {
		if method == methodSnapshot && interrupted < 2 && answered {
			interrupted++
			return fault.New(fault.Unavailable, "the connection broke")
		}
		return nil
	}
	c.network.mu.Unlock()
	fresh := c.start(t.TempDir())
	if err := fresh.Ready(); !fresh.Fresh() || fresh.ClusterID() != "" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a new node is fresh: %v, of cluster %q, ready: %v", fresh.Fresh(), fresh.ClusterID(), err)
	}
	if err := fresh.Adopt("one"); err != nil {
		t.Fatal(err)
	}
	if err := c.followers(leader)[0].Join(context.Background(), fresh.id); err != nil {
		t.Fatal(err)
	}
	c.members = append(c.members, fresh)
	c.ready(fresh)
	if c.network.count(methodSnapshot) == 0 || interrupted == 0 {
		t.Error("no snapshot was sent, or it was not interrupted")
	}
	if big := c.network.big.Load(); big > 1<<20 {
		t.Errorf("a call had %d bytes", big)
	}
	c.same(c.members...)
	eventually(t, func() error {
		for _, s := range fresh.Servers() {
			if s.ID == fresh.id && s.Voter && s.Reached && s.Lag == 0 {
				return nil
			}
		}
		return fmt.Errorf("the node has no vote yet: %+v", fresh.Servers())
	})
	fresh.publish(t, 600, 650, 100)
	equal(t, c.same(c.members...), 0, 650)
	if files, err := os.ReadDir(fresh.snaps.dir); err != nil || len(files) > 0 {
		t.Errorf("files were left behind: %v %v", files, err)
	}
}

func TestANodeThatLagsBehindTheLogGetsASnapshotAndGoesOn(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, small)
	leader := c.leader(c.members...)
	late := c.followers(leader)[0]
	leader.publish(t, 0, 10, 10)
	late.stop()
	for i := uint64(10); i < 700; i++ {
		leader.publish(t, i, i+1, 60000)
	}
	eventually(t, func() error {
		if s := leader.Stats(); s.FirstIndex < 30 {
			return fmt.Errorf("the log begins with entry %d still", s.FirstIndex)
		}
		return nil
	})
	if bytes := leader.Stats().LogBytes; bytes > 20<<20 {
		t.Errorf("the log of the leader has %d bytes", bytes)
	}
	late = c.again(late)
	c.ready(late)
	late.publish(t, 700, 710, 10)
	equal(t, c.same(c.members...), 0, 710)
	if c.network.count(methodSnapshot) == 0 {
		t.Error("no snapshot was sent")
	}
}

func TestTheLeadIsHandedOverOnDemandAndAtStop(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := c.write(c.members...)
	leader := c.leader(c.members...)
	others := c.followers(leader)
	if err := others[0].Transfer(context.Background(), others[1].id); err != nil {
		t.Fatal(err)
	}
	if now := c.leader(c.members...); now != others[1] {
		t.Errorf("node %s leads", now.id)
	}
	eventually(t, w.more(50))
	if err := leader.Transfer(context.Background(), "nobody"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a transfer to nobody says %v", err)
	}
	begin := time.Now()
	others[1].stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stop took %s", took)
	}
	rest := []*member{leader, others[0]}
	if c.leader(rest...) == nil {
		t.Error("no leader")
	}
	eventually(t, w.more(50))
	if n := w.failed(); n > 20 { // those of the node that was stopped
		t.Errorf("%d writes had no answer", n)
	}
	acknowledged := w.end()
	once(t, c.same(rest...), acknowledged)
}

func TestAllNodesComeBackWithNewAddresses(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := c.write(c.members...)
	eventually(t, w.more(200))
	before := map[string]string{}
	for _, m := range c.members {
		before[m.id], _ = c.network.addressOf(m.id)
	}
	var kills sync.WaitGroup
	for _, m := range c.members {
		kills.Go(func() { c.kill(m) })
	}
	kills.Wait()
	acknowledged := w.end()
	begin := time.Now()
	for _, m := range slices.Clone(c.members) {
		if m = c.again(m); m.ClusterID() != "one" || m.Fresh() {
			t.Errorf("a node that comes back is fresh or of cluster %q", m.ClusterID())
		}
		if now, _ := c.network.addressOf(m.id); now == before[m.id] {
			t.Errorf("node %s has its old address", m.id)
		}
	}
	c.leader(c.members...)
	t.Logf("a leader after %s", time.Since(begin))
	c.ready(c.members...)
	once(t, c.same(c.members...), acknowledged)
}

func TestARemovalThatWouldLeaveNoMajorityIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	leader := c.leader(c.members...)
	others := c.followers(leader)
	reached := func(id string, want bool) func() error {
		return func() error {
			for _, s := range leader.Servers() {
				if s.ID == id && s.Reached == want {
					return nil
				}
			}
			return fmt.Errorf("reached is not %v: %+v", want, leader.Servers())
		}
	}
	eventually(t, reached(others[0].id, true))
	eventually(t, reached(others[1].id, true))
	c.kill(others[1])
	eventually(t, reached(others[1].id, false))
	ctx := context.Background()
	if err := leader.Remove(ctx, others[0].id, false); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the removal of one that is needed says %v", err)
	}
	if err := leader.Remove(ctx, "nobody", false); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the removal of nobody says %v", err)
	}
	if err := others[0].Remove(ctx, others[1].id, false); err != nil {
		t.Errorf("the removal of the one that is down says %v", err)
	}
	leader.publish(t, 0, 10, 10)
	eventually(t, func() error {
		if got := others[0].Servers(); len(got) != 2 {
			return fmt.Errorf("the members are %+v", got)
		}
		return nil
	})
	eventually(t, reached(others[0].id, true))
	// A leader that is removed hands over first; the last one can't be removed.
	if err := leader.Remove(ctx, leader.id, false); err != nil {
		t.Errorf("the removal of the leader says %v", err)
	}
	last := c.leader(others[0])
	last.publish(t, 10, 20, 10)
	equal(t, last.ledger.applied(), 0, 20)
	if err := last.Remove(ctx, last.id, true); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the removal of the last one says %v", err)
	}
}

func TestAWipedNodeComesBackAsANewOneAndTheOldOneIsRemoved(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	leader := c.leader(c.members...)
	gone := c.followers(leader)[0]
	leader.publish(t, 0, 10, 10)
	c.kill(gone)
	fresh := c.start(t.TempDir())
	c.network.mu.Lock()
	delete(c.network.where, gone.id)
	c.network.mu.Unlock()
	// It has the old one's address, as far as the others can tell.
	for _, m := range c.members {
		m.peers.mu.Lock()
		m.peers.addresses[gone.id], _ = c.network.addressOf(fresh.id)
		m.peers.mu.Unlock()
	}
	if err := errors.Join(fresh.Adopt("one"), leader.Join(context.Background(), fresh.id)); err != nil {
		t.Fatal(err)
	}
	c.members[slices.Index(c.members, gone)] = fresh
	within(t, 25*time.Second, func() error {
		servers := leader.Servers()
		for _, s := range servers {
			if s.ID == gone.id || !s.Voter {
				return fmt.Errorf("the members are %+v", servers)
			}
		}
		return nil
	})
	fresh.publish(t, 10, 20, 10)
	equal(t, c.same(c.members...), 0, 20)
}

func TestAFolderThatWasPutBackFromAnOlderCopyIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	leader := c.leader(c.members...)
	m := c.followers(leader)[0]
	m.publish(t, 0, 10, 10)
	m.stop()
	older := t.TempDir()
	if err := os.CopyFS(older, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	m = c.again(m)
	c.ready(m)
	m.publish(t, 10, 20, 10)
	eventually(t, func() error {
		leader.peers.mu.Lock()
		defer leader.peers.mu.Unlock()
		if seen := leader.peers.seen[m.id]; seen < m.log.tail.Load().tx {
			return fmt.Errorf("the leader has seen %d writes of it only", seen)
		}
		return nil
	})
	m.stop()
	l := openLedger(t, filepath.Join(older, "image.json"))
	cfg := testConfig(t, older, l)
	id, stream := c.identify(older)
	cfg.Cluster = &Cluster{Stream: stream, AddressOf: c.network.addressOf, Peers: callsOf{c.network, id}}
	n := mustNew(t, cfg)
	var state *StateError
	if err := n.Run(context.Background()); !errors.As(err, &state) {
		t.Errorf("it runs, and says %v", err)
	}
	if err := errors.Join(n.Close(), stream.Close()); err != nil {
		t.Error(err)
	}
	// One that starts while nobody is reached hears of it from the leader.
	cfg.Cluster.Stream = c.network.listen(t, id)
	died := make(chan error, 1)
	cfg.Fatal = func(err error) { died <- err }
	n = mustNew(t, cfg)
	if _, err := n.serveState(context.Background(), leader.id, []byte(`{"seen":{"`+id+`":1}}`)); err != nil {
		t.Error(err)
	}
	body, err := json.Marshal(stewardship{Seen: map[string]uint64{id: n.log.tail.Load().tx + 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.serveState(context.Background(), leader.id, body); !errors.As(err, &state) || !errors.As(<-died, &state) {
		t.Errorf("it goes on, and says %v", err)
	}
	if err := errors.Join(n.Close(), cfg.Cluster.Stream.Close()); err != nil {
		t.Error(err)
	}
	c.ready(c.again(m)) // the newer one is taken
	equal(t, c.same(c.members...), 0, 20)
}

func TestANodeGoesOnAloneWhenTheOthersAreLost(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	c.members[1].publish(t, 0, 30, 100)
	c.same(c.members...)
	m := c.members[2]
	for _, other := range c.members {
		other.stop()
	}
	l := openLedger(t, filepath.Join(m.dir, "image.json"))
	id, err := RecoverSingle(testConfig(t, m.dir, l))
	if err != nil || id == "" || id == "one" {
		t.Fatalf("recovered as %q, %v", id, err)
	}
	m = c.again(m)
	c.ready(m)
	if m.ClusterID() != id || len(m.Servers()) != 1 {
		t.Errorf("it is of cluster %q with the members %+v", m.ClusterID(), m.Servers())
	}
	m.publish(t, 30, 40, 100)
	equal(t, m.ledger.applied(), 0, 40)
	m.stop()
	// As a group of one, too.
	equal(t, start(t, m.dir, nil).ledger.applied(), 0, 40)
}

func TestAGroupOfOneGrowsIntoACluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, nil)
	dir := t.TempDir()
	alone := start(t, dir, nil)
	alone.publish(t, 0, 25, 100)
	alone.stop()
	first := c.start(dir)
	c.members = append(c.members, first)
	c.ready(first)
	id := first.ClusterID()
	if id == "" || first.Fresh() {
		t.Errorf("it is of cluster %q, fresh: %v", id, first.Fresh())
	}
	if err := first.Bootstrap("other", []string{first.id}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("another cluster is made of it: %v", err)
	}
	if err := first.Adopt("other"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("another cluster takes it: %v", err)
	}
	for range 2 {
		m := c.start(t.TempDir())
		c.members = append(c.members, m)
		if err := errors.Join(m.Adopt(id), first.Join(context.Background(), m.id)); err != nil {
			t.Fatal(err)
		}
	}
	c.ready(c.members...)
	c.members[2].publish(t, 25, 50, 100)
	equal(t, c.same(c.members...), 0, 50)
}

// The same commands, in groups as they come, through three nodes at once, one of which is killed and
// replays: all hold the same, in the same order, down to the bytes of their images.
func TestAllNodesDecideAlike(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	r := rand.New(rand.NewPCG(5, 6))
	w := c.write(c.members...)
	for range 3 {
		eventually(t, w.more(100+r.IntN(200)))
		victim := c.followers(c.leader(c.members...))[r.IntN(2)]
		c.kill(victim)
		eventually(t, w.more(100))
		c.ready(c.again(victim))
		w.add(c.members...)
	}
	acknowledged := w.end()
	once(t, c.same(c.members...), acknowledged)
	var images [][]byte
	for _, m := range c.members {
		if _, err := m.ledger.Sync(context.Background(), m.ledger.Written()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(m.dir, "image.json"))
		var f ledgerFile
		if err := errors.Join(err, json.Unmarshal(b, &f)); err != nil {
			t.Fatal(err)
		}
		b, err = json.Marshal(f.Rows)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, b)
	}
	if !slices.Equal(images[0], images[1]) || !slices.Equal(images[1], images[2]) {
		t.Error("the images differ")
	}
}

func TestEntriesThatAreNotTheCallersOwnAreRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	n := c.members[0]
	term := n.raft.Load().CurrentTerm()
	group := []journal.Command{command(1, 10)}
	for name, entry := range map[string][]byte{
		"another node's":          journal.EncodeEntry(journal.Origin{Node: "b", Seq: 1, Term: term}, group),
		"nobody's":                journal.EncodeEntry(journal.Origin{}, group),
		"one without a term":      journal.EncodeEntry(journal.Origin{Node: "a", Seq: 1}, group),
		"bytes that are no entry": {9, 9},
	} {
		if _, err := n.serveApply(context.Background(), "a", entry); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One for another term is refused, and where it slips in, it changes nothing.
	stale := journal.EncodeEntry(journal.Origin{Node: "a", Seq: 1, Term: term + 1}, group)
	b, err := n.serveApply(context.Background(), "a", stale)
	var a accepted
	if err := errors.Join(err, json.Unmarshal(b, &a)); err != nil || a.Refused == "" {
		t.Errorf("it says %s, %v", b, err)
	}
	if _, err := n.propose(n.raft.Load(), stale); err != nil {
		t.Fatal(err)
	}
	n.publish(t, 5, 6, 10)
	equal(t, n.ledger.applied(), 5, 6)
}
