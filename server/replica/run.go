package replica

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// soloTimeout is how long a group of one waits before its only voter elects itself.
	soloTimeout = 30 * time.Millisecond
	// maxAppend bounds, times the size of an entry, what raft holds of the log for one follower, or
	// for the applier.
	maxAppend = 16
	// At stop the log is trimmed if it grew by more than this, so that the next start reads little;
	// within this time.
	stopSnapshotBytes = 8 << 20
	stopSnapshotTime  = 2 * time.Second
	// keepPages is by how much the log grows before the pages of it that were read are given back.
	keepPages = 8 << 20
)

// Run takes part in the group until ctx ends, then leaves within seconds, having handed over the lead
// if it had it. It is called once. The image must stay open until it returns.
func (n *Node) Run(ctx context.Context) error {
	defer close(n.done)
	// Calls to the image go on for a moment after ctx has ended.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	n.snaps.ctx = work
	if n.cfg.Cluster != nil {
		return n.runClustered(ctx, cancel)
	}
	r, err := n.start()
	if err != nil {
		return fmt.Errorf("starting raft: %w", err)
	}
	n.raft.Store(r)
	n.notReady("no leader is known yet")
	trimmed := make(chan struct{})
	go func() {
		defer close(trimmed)
		n.trim(ctx, r)
	}()
	n.follow(ctx, r)
	n.notReady("the server is stopping")
	limit := time.AfterFunc(stopSnapshotTime, cancel)
	defer limit.Stop()
	<-trimmed
	return r.Shutdown().Error()
}

// start starts raft; the first time, with a group of this node alone.
func (n *Node) start() (*raft.Raft, error) {
	id := raft.ServerID(n.id)
	address := raft.ServerAddress(n.cfg.Address)
	if address == "" {
		address = raft.ServerAddress(n.id)
	}
	// A group of one talks to nobody, so it opens no port.
	_, transport := raft.NewInmemTransport(address)
	c := n.raftConfig()
	if err := n.undoCutBootstrap(); err != nil {
		return nil, err
	}
	existing, err := raft.HasExistingState(n.log, n.log, n.snaps)
	if err != nil {
		return nil, err
	}
	if !existing {
		alone := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: id, Address: address}}}
		if err := raft.BootstrapCluster(c, n.log, n.log, n.snaps, transport, alone); err != nil {
			return nil, err
		}
	}
	return raft.NewRaft(c, n.fsm, n.log, n.log, n.snaps, transport)
}

// keyTerm is where raft keeps its term in the stable store.
var keyTerm = []byte("CurrentTerm")

// undoCutBootstrap lets the first start begin again when it ended between the term and the entry
// that names the members, which raft writes one after the other: without members a node never leads.
// Nothing was promised by then: who has no members has neither voted nor acknowledged anything.
func (n *Node) undoCutBootstrap() error {
	term, err := n.log.GetUint64(keyTerm)
	if err != nil || term == 0 || n.log.tail.Load().last > 0 || n.snaps.mark() != nil {
		return err
	}
	return n.log.SetUint64(keyTerm, 0)
}

func (n *Node) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.id)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = soloTimeout, soloTimeout, soloTimeout
	c.MaxAppendEntries = maxAppend
	c.TrailingLogs = n.cfg.TrailingEntries
	// Snapshots are taken by trim, which counts bytes.
	c.SnapshotThreshold, c.SnapshotInterval = math.MaxUint64, time.Hour
	c.NoSnapshotRestoreOnStart = true
	c.NoLegacyTelemetry = true
	c.Logger = newLogger(n.cfg.Logger.With("part", "raft"), n.cfg.Clock)
	return c
}

// follow keeps Ready up to date until ctx ends.
func (n *Node) follow(ctx context.Context, r *raft.Raft) {
	begin, first := n.cfg.Clock.Now(), true
	for {
		select {
		case <-ctx.Done():
			return
		case leads := <-r.LeaderCh():
			if !leads {
				n.notReady("this node lost the lead, and no other is known")
				continue
			}
		}
		n.notReady("the entries found in the log are being applied")
		if err := r.Barrier(0).Error(); err != nil {
			n.notReady("no leader is known")
			continue // LeaderCh tells when there is one again
		}
		n.why.Store(nil)
		if first {
			first = false
			close(n.ready)
			n.log.dropPages()
			n.cfg.Logger.Info("the journal is ready", "node", n.id, "index", r.AppliedIndex(),
				"after", n.cfg.Clock.Now().Sub(begin).Round(time.Millisecond))
		}
	}
}

// trim takes a snapshot, upon which raft trims the log, whenever the log has grown enough, until ctx
// ends; and a last one then.
func (n *Node) trim(ctx context.Context, r *raft.Raft) {
	var kept uint64 // of since, when pages were given back last
	for {
		select {
		case <-ctx.Done():
			if n.log.since.Load() > stopSnapshotBytes {
				n.snapshot(r)
			}
			return
		case <-n.log.grew:
		}
		if grown := n.log.since.Load(); grown < kept || grown > kept+keepPages {
			n.log.dropPages()
			kept = grown
		}
		since := uint64(0)
		if m := n.snaps.mark(); m != nil {
			since = m.Index
		}
		if n.log.since.Load() > uint64(n.cfg.SnapshotBytes) || n.log.tail.Load().last > since+n.cfg.SnapshotEntries {
			n.snapshot(r)
		}
	}
}

func (n *Node) snapshot(r *raft.Raft) {
	if n.cfg.Cluster != nil {
		n.setTrailing(r)
	}
	grown := n.log.since.Swap(0)
	begin := n.cfg.Clock.Now()
	err := r.Snapshot().Error()
	if err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) && !errors.Is(err, raft.ErrRaftShutdown) {
		n.cfg.Logger.Warn("the log could not be trimmed", "error", err, "bytes", n.log.bytes())
		return
	}
	n.log.dropPages()
	n.cfg.Logger.Debug("trimmed the log", "grown", grown, "left", n.log.bytes(), "took", n.cfg.Clock.Now().Sub(begin))
}
