package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/journal"
)

const (
	// clusterAppend is maxAppend in a cluster: more, as a follower writes them with one fsync.
	clusterAppend = 32
	// minTrailing is how many entries a trim leaves at least: more than can be in a log without a majority: see maxForwarded. So a node that lags
	// behind the begin of the leader's log has nothing in its own beyond the snapshot that it gets.
	minTrailing = 4 * maxForwarded
	// stopTransferTime bounds the handing over of the lead at stop.
	stopTransferTime = 2 * time.Second
)

// runClustered is Run for one of many nodes.
func (n *Node) runClustered(ctx context.Context, stopWork func()) error {
	r, err := n.startClustered(ctx)
	if err != nil {
		return fmt.Errorf("starting raft: %w", err)
	}
	n.raft.Store(r)
	close(n.started)
	if n.Fresh() {
		n.notReady("this node belongs to no cluster yet; it waits until it makes one with others, or is joined by one")
	} else {
		n.notReady("no leader is known yet")
	}
	var parts sync.WaitGroup
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // of the parts that must outlive the handing over
	defer end()
	parts.Go(n.net.run)
	parts.Go(func() { n.ask(life, r) })
	parts.Go(func() { n.steward(life, r) })
	trimmed := make(chan struct{})
	go func() {
		defer close(trimmed)
		n.trim(ctx, r)
	}()
	parts.Go(func() { n.watch(life, r) })
	parts.Go(func() { n.judge(ctx, r) })
	<-ctx.Done()
	n.notReady("the server is stopping")
	n.handOver(r)
	limit := time.AfterFunc(stopSnapshotTime, stopWork)
	defer limit.Stop()
	<-trimmed
	end()
	down := r.Shutdown()
	n.net.hangUp()
	parts.Wait()
	err = down.Error() // closes the transport too
	n.incoming.mu.Lock()
	n.incoming.drop()
	n.incoming.mu.Unlock()
	return err
}

// startClustered starts raft as one of many.
func (n *Node) startClustered(ctx context.Context) (*raft.Raft, error) {
	c := n.raftConfig()
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = heartbeatTimeout, heartbeatTimeout, leaseTimeout
	c.CommitTimeout = commitTimeout
	c.MaxAppendEntries = clusterAppend
	c.TrailingLogs = max(c.TrailingLogs, minTrailing)
	c.ShutdownOnRemove = false
	// A term above the first may have been voted in, without members: who votes need not know them.
	if term, err := n.log.GetUint64(keyTerm); err != nil {
		return nil, err
	} else if term == 1 {
		if err := n.undoCutBootstrap(); err != nil {
			return nil, err
		}
	}
	if !n.Fresh() {
		_, nowhere := raft.NewInmemTransport(raft.ServerAddress(n.id))
		asking := *c // it is left in a state that starts nothing
		members, err := raft.GetConfiguration(&asking, n.fsm, n.log, n.log, n.snaps, nowhere)
		if err != nil {
			return nil, err
		}
		if err := n.checkNotOlder(ctx, members.Servers); err != nil {
			return nil, err
		}
	}
	n.net = n.newTransport(c.Logger.(*logger))
	r, err := raft.NewRaft(c, n.fsm, n.log, n.log, n.snaps, n.net)
	if err != nil {
		return nil, errors.Join(err, n.net.Close())
	}
	return r, nil
}

// watch tells all who wait that the leader may be another, until ctx ends.
func (n *Node) watch(ctx context.Context, r *raft.Raft) {
	news := make(chan raft.Observation, 16)
	observer := raft.NewObserver(news, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	})
	r.RegisterObserver(observer)
	defer r.DeregisterObserver(observer)
	var opening sync.WaitGroup
	defer opening.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case leads := <-r.LeaderCh():
			if leads {
				opening.Go(func() { n.openTerm(r) })
			}
		case <-news:
		}
		n.turned.ring()
	}
}

// openTerm puts an entry into the log that every node applies, so that all see that a term began;
// raft's own they don't get to see.
func (n *Node) openTerm(r *raft.Raft) {
	entry := journal.EncodeEntry(journal.Origin{Node: n.id, Run: n.waits.run, Term: r.CurrentTerm()}, nil)
	if _, err := n.propose(r, entry); err != nil {
		n.cfg.Logger.Debug("the term was not opened", "error", err) // the lead passed on
		return
	}
	n.turned.ring()
}

// judge keeps Ready up to date until ctx ends.
func (n *Node) judge(ctx context.Context, r *raft.Raft) {
	begin, first, led := n.cfg.Clock.Now(), true, ""
	for {
		turned := n.turned.wait()
		switch leader := n.leaderOf(r); {
		case ctx.Err() != nil:
			return
		case n.Fresh():
		case !n.isMember():
			n.notReady("this node was removed from its cluster; it must join anew with an empty data folder")
			led = ""
		case leader == "":
			n.notReady(n.noLeader())
			led = ""
		case led == "":
			if err := n.Strong(ctx); err != nil {
				n.notReady("this node has not caught up with the leader yet")
				break
			}
			led = leader
			n.why.Store(nil)
			if first {
				first = false
				close(n.ready)
				n.log.dropPages()
				n.cfg.Logger.Info("the journal is ready", "node", n.id, "leader", leader, "index", n.AppliedIndex(),
					"after", n.cfg.Clock.Now().Sub(begin).Round(time.Millisecond))
			}
		}
		again := time.NewTimer(watchPause)
		select {
		case <-ctx.Done():
		case <-turned:
		case <-again.C:
		}
		again.Stop()
	}
}

// isMember reports whether this node is one of the members that it knows.
func (n *Node) isMember() bool {
	_, ok := suffrage(n.configuration(), n.id)
	return ok
}

// handOver has another node lead, if this one does and there is another.
func (n *Node) handOver(r *raft.Raft) {
	if r.State() != raft.Leader || len(n.configuration()) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTransferTime)
	defer cancel()
	err := n.transfer(ctx, r, memberChange{})
	if fault.KindOf(err) == fault.Conflict { // it has just begun to lead, and knows of no successor yet
		err = n.changed(ctx, r.LeadershipTransfer())
	}
	if err != nil {
		n.cfg.Logger.Warn("the lead could not be handed over", "error", err)
	}
}

// setTrailing sets how many entries the next trim leaves.
func (n *Node) setTrailing(r *raft.Raft) {
	t := n.log.tail.Load()
	entries := t.last - t.first + 1
	keep := max(n.cfg.TrailingBytes/max(t.bytes/max(entries, 1), 1), minTrailing, n.cfg.TrailingEntries)
	if failpoint.Inject("replica/small-log") != nil {
		keep = minTrailing
	}
	c := r.ReloadableConfig()
	if c.TrailingLogs = keep; r.ReloadConfig(c) != nil {
		n.cfg.Logger.Warn("how much of the log is kept could not be set", "entries", keep)
	}
}
