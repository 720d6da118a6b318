package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/fault"
)

func TestALeaderThatIsCutOffStepsDownAndNeitherAcknowledgesNorReads(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := c.write(c.members...)
	old := c.leader(c.members...)
	eventually(t, w.more(200))
	c.network.isolate(old.id, true)
	begin := time.Now()
	for range 20 {
		if _, err := old.group.Submit(context.Background(), command(w.next.Add(1), 10)); err == nil {
			if held := len(old.ledger.applied()); time.Since(begin) > 100*time.Millisecond {
				t.Errorf("a leader that is cut off acknowledged after %s, with %d commands", time.Since(begin), held)
			}
			continue
		} else if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("it says %v", err)
		}
		if time.Since(begin) > 3*time.Second {
			break
		}
	}
	start := time.Now()
	_, err := old.Commit(context.Background(), nil)
	if took := time.Since(start); fault.KindOf(err) != fault.Unavailable || took > 3500*time.Millisecond || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("without a majority a write says %v after %s", err, took)
	}
	if err := old.Strong(context.Background()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a majority a strong read says %v", err)
	}
	if err := old.Ready(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a majority it is ready: %v", err)
	}
	rest := c.followers(old)
	c.leader(rest...)
	eventually(t, w.more(50))
	c.network.isolate(old.id, false)
	c.leader(c.members...)
	eventually(t, old.Ready)
	acknowledged := w.end()
	once(t, c.same(c.members...), acknowledged)
}

func TestAOneWayCutBringsNoElections(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := c.write(c.members...)
	leader := c.leader(c.members...)
	others := c.followers(leader)
	for _, cut := range [][2]*member{{leader, others[0]}, {others[0], leader}} {
		eventually(t, w.more(100))
		term := leader.raft.Load().CurrentTerm()
		c.network.cut(cut[0].id, cut[1].id, true)
		begin := time.Now()
		for time.Since(begin) < 4*heartbeatTimeout {
			eventually(t, w.more(10))
		}
		if now := others[1].raft.Load().CurrentTerm(); now != term || leader.Leader() != leader.id {
			t.Errorf("a cut from %s to %s led to term %d after %d, and %s leads", cut[0].id, cut[1].id, now, term, others[1].Leader())
		}
		c.network.cut(cut[0].id, cut[1].id, false)
		c.leader(c.members...)
	}
	acknowledged := w.end()
	once(t, c.same(c.members...), acknowledged)
}

// An answer to a forwarded group that is lost must not have it written again, and one that never came
// to the leader must not be taken for written.
func TestAForwardedGroupIsWrittenOnceWhateverIsLostOnTheWay(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	leader := c.leader(c.members...)
	from := c.followers(leader)[0]
	for name, tt := range map[string]struct {
		answered, late bool // what is lost: the call, or its answer
	}{"the answer is lost": {answered: true}, "the call is lost": {}} {
		t.Run(name, func(t *testing.T) {
			lost := 0
			c.network.mu.Lock()
			c.network.on = func(_, _, method string, answered bool) error {
				if method == methodApply && answered == tt.answered && lost == 0 {
					lost++
					return fault.New(fault.Unavailable, "lost")
				}
				return nil
			}
			c.network.mu.Unlock()
			id := uint64(len(from.ledger.applied()) + 1)
			_, err := from.group.Submit(context.Background(), command(id, 10))
			c.network.mu.Lock()
			c.network.on = nil
			c.network.mu.Unlock()
			switch {
			case tt.answered && err != nil: // it applied it itself, which is the proof
				t.Errorf("it says %v", err)
			case !tt.answered && (fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "not known")):
				t.Errorf("it says %v", err)
			}
			from.publish(t, 1000+id, 1001+id, 10)
			once(t, c.same(c.members...), map[uint64]bool{1000 + id: true})
		})
	}
}

func TestAGroupThatNeverCameToADeadLeaderIsTriedAgainWithTheNextOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	leader := c.leader(c.members...)
	rest := c.followers(leader)
	c.network.isolate(leader.id, true)
	begin := time.Now()
	// Nobody has noticed yet: the group goes to the old leader, and its answer is never heard of.
	rest[0].publish(t, 1, 2, 10)
	t.Logf("it was acknowledged after %s", time.Since(begin))
	c.network.isolate(leader.id, false)
	if held := c.same(c.members...); len(held) != 1 || held[0] != 1 {
		t.Errorf("the nodes hold %v", held)
	}
}

func TestAStrongReadSeesWhatAnyNodeHasAcknowledged(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	for id := range uint64(60) {
		writer, reader := c.members[id%3], c.members[(id+1+id/3%2)%3]
		writer.publish(t, id, id+1, 10)
		if err := reader.Strong(context.Background()); err != nil {
			t.Fatal(err)
		}
		if held := reader.ledger.applied(); uint64(len(held)) != id+1 {
			t.Fatalf("command %d was acknowledged, and a strong read on another node sees %d", id, len(held))
		}
	}
}

// A leader that was stopped for a while finds answers in its sockets that are older than the lead of
// another one. They must not make it believe that it still leads.
func TestAStoppedLeaderDoesNotBelieveOldAnswers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	old := c.leader(c.members...)
	rest := c.followers(old)
	held := make(chan struct{})
	c.network.mu.Lock()
	c.network.on = func(from, _, method string, answered bool) error {
		if from == old.id && method == methodTerm && answered {
			<-held // the answer of before lies in the socket
		}
		return nil
	}
	c.network.mu.Unlock()
	read := make(chan error, 2)
	go func() { read <- old.Strong(context.Background()) }() // a read of before
	eventually(t, func() error {
		if c.network.count(methodTerm) < 2 {
			return fmt.Errorf("the leader has not asked yet")
		}
		return nil
	})
	c.network.isolate(old.id, true)
	leader := c.leader(rest...)
	leader.publish(t, 1, 2, 10)
	go func() { read <- old.Strong(context.Background()) }() // a read of after
	close(held)
	for range 2 {
		if err := <-read; err == nil && len(old.ledger.applied()) == 0 {
			t.Error("a strong read on the old leader did not see what was acknowledged")
		}
	}
	c.network.mu.Lock()
	c.network.on = nil
	c.network.mu.Unlock()
	c.network.isolate(old.id, false)
	eventually(t, func() error { return old.Strong(context.Background()) })
	equal(t, old.ledger.applied(), 1, 2)
}

// Raft tries a node that does not answer ever more rarely, at last every ten seconds. So that one that
// is back hears at once, its entries wait here instead; and no longer than they are wanted.
func TestEntriesForANodeThatIsAwayWaitUntilItAnswers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	leader := c.leader(c.members...)
	away := c.followers(leader)[0]
	wait := func() chan struct{} {
		t.Helper()
		c.kill(away)
		eventually(t, func() error {
			leader.net.lostMu.Lock()
			defer leader.net.lostMu.Unlock()
			if !leader.net.lost[raft.ServerID(away.id)] {
				return errors.New("the leader has not noticed yet that a node is away")
			}
			return nil
		})
		done, id, term := make(chan struct{}), raft.ServerID(away.id), leader.raft.Load().CurrentTerm()
		go func() { defer close(done); leader.net.awaitAnswer(id, term) }()
		leader.publish(t, uint64(len(leader.ledger.applied())), uint64(len(leader.ledger.applied()))+10, 10)
		select {
		case <-done:
			t.Error("entries don't wait for a node that is away")
		default:
		}
		return done
	}
	over := func(done chan struct{}) func() error {
		return func() error {
			select {
			case <-done:
				return nil
			default:
				return errors.New("entries wait still")
			}
		}
	}
	done := wait()
	away = c.again(away)
	eventually(t, over(done))
	c.same(c.members...)
	done = wait()
	eventually(t, func() error { return leader.Remove(context.Background(), away.id, false) }) // when it has reached the third one
	eventually(t, over(done))
	leader.net.awaitAnswer(raft.ServerID(away.id), leader.raft.Load().CurrentTerm()-1) // of a term that is over
}
