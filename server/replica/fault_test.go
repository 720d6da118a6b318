package replica

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"nacre/server/fault"
	"nacre/server/journal"
)

// childFault makes a child's write with this number fail as a failed fsync does.
const childFault = "NACRE_REPLICA_FAILING_WRITE"

func (n *Node) failWrite(at int64, err error) {
	var writes atomic.Int64
	n.log.commit = func(tx *bbolt.Tx) error {
		if writes.Add(1) == at {
			return err
		}
		return tx.Commit()
	}
}

func TestAFailedFsyncEndsTheProcessAndLosesNothing(t *testing.T) {
	dir, acknowledged, last := t.TempDir(), map[uint64]bool{}, uint64(0)
	for _, at := range []int{1, 4, 5, 20, 60} {
		ids, stderr := crash(t, dir, last+1, -1, fmt.Sprintf("%s=%d", childFault, at))
		if !strings.Contains(stderr, "input/output error") || !strings.Contains(stderr, logFile) {
			t.Errorf("the process ended with %q", stderr)
		}
		for _, id := range ids {
			acknowledged[id] = true
		}
		last = survivors(t, dir, acknowledged)
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged, so nothing was tested")
	}
}

func TestNothingIsAppliedOrAnsweredBeforeItIsOnDisk(t *testing.T) {
	n := start(t, t.TempDir(), nil)
	n.publish(t, 0, 3, 10)
	began, goOn := make(chan struct{}), make(chan struct{})
	n.log.mu.Lock()
	n.log.commit = func(tx *bbolt.Tx) error {
		close(began)
		<-goOn
		n.log.commit = (*bbolt.Tx).Commit // guarded by mu, which the writer holds
		return tx.Commit()
	}
	n.log.mu.Unlock()
	answer := make(chan error, 1)
	go func() {
		_, err := n.group.Submit(context.Background(), command(3, 10))
		answer <- err
	}()
	<-began
	select {
	case err := <-answer:
		t.Errorf("the answer came before the entry was on disk: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	equal(t, n.ledger.applied(), 0, 3)
	close(goOn)
	if err := <-answer; err != nil {
		t.Error(err)
	}
	equal(t, n.ledger.applied(), 0, 4)
}

func TestASlowDiskGivesAnAnswerInTime(t *testing.T) {
	n := start(t, t.TempDir(), func(c *Config) { c.EnqueueTimeout, c.ConfirmTimeout = 50*time.Millisecond, 100*time.Millisecond })
	goOn := make(chan struct{})
	n.log.mu.Lock()
	n.log.commit = func(tx *bbolt.Tx) error { <-goOn; return tx.Commit() }
	n.log.mu.Unlock()
	for i, want := range []string{"whether it took effect is not known", "nothing was written"} {
		_, err := n.Commit(context.Background(), []journal.Command{command(uint64(i), 10)})
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("write %d says %v instead of %q", i, err, want)
		}
	}
	close(goOn)
	eventually(t, func() error {
		if got := n.ledger.applied(); len(got) != 1 {
			return fmt.Errorf("%d were applied", len(got))
		}
		return nil
	})
}

func TestTheLogsRoomHasItsPlaceOnTheDisk(t *testing.T) {
	n := start(t, t.TempDir(), nil)
	n.publish(t, 0, 200, 50_000) // more than the first room
	var info syscall.Stat_t
	if err := syscall.Stat(n.log.path, &info); err != nil {
		t.Fatal(err)
	}
	if held := info.Blocks * 512; held < info.Size {
		t.Errorf("the log is %d bytes long and has %d on the disk: a full disk would be noticed in the midst of a transaction", info.Size, held)
	}
}

func TestAFullDiskRefusesWritesInWordsAndTakesThemAgainLater(t *testing.T) {
	n := start(t, t.TempDir(), nil)
	var full atomic.Bool
	full.Store(true)
	n.log.mu.Lock()
	n.log.extend = func(f *os.File, from, size int64) error {
		if full.Load() {
			return syscall.ENOSPC
		}
		return writeZeros(f, from, size)
	}
	n.log.mu.Unlock()
	next := uint64(0)
	var err error
	for ; err == nil && next < 1000; next++ {
		_, err = n.group.Submit(context.Background(), command(next, 100_000))
	}
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "full") {
		t.Fatalf("write %d says %v", next-1, err)
	}
	next--
	begin := time.Now()
	if _, err := n.group.Submit(context.Background(), command(next, 100_000)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the next write says %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the refusal took %s", took)
	}
	eventually(t, func() error {
		if n.Ready() == nil {
			return errors.New("the node says it is ready while its disk is full")
		}
		return nil
	})
	full.Store(false)
	eventually(t, func() error {
		_, err := n.group.Submit(context.Background(), command(next, 100_000))
		return err
	})
	next++
	n.publish(t, next, next+100, 100_000)
	equal(t, n.ledger.applied(), 0, next+100)
	eventually(t, n.Ready)
}

func TestAWriteWithoutALeaderIsRefusedAtOnce(t *testing.T) {
	n := start(t, t.TempDir(), nil)
	if err := n.raft.Load().Shutdown().Error(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_, err := n.Commit(context.Background(), []journal.Command{command(1, 10)})
	if fault.KindOf(err) != fault.Unavailable || time.Since(begin) > time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	for _, cause := range []error{raft.ErrNotLeader, raft.ErrLeadershipLost, raft.ErrEnqueueTimeout, raft.ErrRaftShutdown, errNoRoom, syscall.EIO} {
		if err := n.explain(cause); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, cause) {
			t.Errorf("%v becomes %v", cause, err)
		}
	}
}

func TestAnImageThatCantBeMadeDurableEndsTheNodeBeforeTheLogIsTrimmed(t *testing.T) {
	died := make(chan error, 16)
	n := start(t, t.TempDir(), func(c *Config) {
		small(c)
		c.Fatal = func(err error) { died <- err }
		c.Image.(*ledger).syncErr = syscall.EIO
	})
	n.publish(t, 0, 100, 4096)
	select {
	case err := <-died:
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the node goes on")
	}
	if s := n.Stats(); s.FirstIndex != 1 || s.SnapshotIndex != 0 {
		t.Errorf("the log was trimmed: %+v", s)
	}
}
