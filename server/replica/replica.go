// Package replica makes entries of the journal durable and applies them in one order on every node.
// It is the only package that knows hashicorp/raft; standalone is a group of one voter.
//
// An entry is durable in raft.db, then applied in memory, then answered; the image, a database, is
// written behind. At start memory is loaded from the image and raft replays what the image does not
// hold. DESIGN.md in this folder says what is on disk, and what happens when it is not as it was.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/clock"
	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/journal"
)

// Config is what a Node needs. Dir, Image and Applier are required.
type Config struct {
	// Dir is the data folder; it is made if need be.
	Dir string
	// Lock is the lock of Dir if the caller holds it already; it stays the caller's. Else New takes it.
	Lock *Lock
	// Image is the database behind memory. Applier must hold what Image holds when Run is called.
	Image   Image
	Applier journal.Applier
	// Reload loads the applier's memory anew from Image, after a snapshot was put in its place.
	Reload func() error
	// Address is how other nodes reach this one, HOST:PORT. It can change from start to start.
	// Default: the node's id, which is enough for a group of one.
	Address string
	// SnapshotBytes is by how much the log grows before the image is made durable and the log is
	// trimmed. Default 64 MiB.
	SnapshotBytes int64
	// SnapshotEntries is the same as a number of entries. Default 200,000.
	SnapshotEntries uint64
	// TrailingEntries is how many entries trimming leaves, for nodes that lag a little. Default 16.
	TrailingEntries uint64
	// TrailingBytes is about how much of the log trimming leaves in a cluster, for nodes that lag, which
	// else need a whole snapshot. Default 32 MiB.
	TrailingBytes uint64
	// EnqueueTimeout is how long a group may wait until it is on its way. Default 3 s; in a cluster it
	// is how long a group waits for a leader, 2.5 s.
	EnqueueTimeout time.Duration
	// ConfirmTimeout is how long, once on its way, a group may take. Default 10 s; in a cluster it is
	// how long a group may take in all, 2.9 s.
	ConfirmTimeout time.Duration
	// Cluster connects the node to others. Default: it is a group of one, and stays one.
	Cluster *Cluster
	Clock   clock.Clock  // default: the machine's
	Logger  *slog.Logger // default: slog.Default
	// Fatal ends the process after a failure that leaves unknown what is on disk or in memory. It is
	// called from any goroutine and must not return. Default: log the error and exit with 1.
	Fatal func(error)
	// OnFsync, when set, is told how long each durable write of the log took, its fsyncs included.
	OnFsync func(time.Duration)
}

// Validate says which required field is missing.
func (c *Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("replica: Config.Dir is empty")
	case c.Image == nil:
		return errors.New("replica: Config.Image is nil")
	case c.Applier == nil:
		return errors.New("replica: Config.Applier is nil")
	case c.Cluster != nil:
		return c.Cluster.validate()
	}
	return nil
}

func (c Config) withDefaults() Config {
	or := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	if c.Cluster != nil {
		or(&c.EnqueueTimeout, 2500*time.Millisecond)
		or(&c.ConfirmTimeout, 2900*time.Millisecond)
	}
	or(&c.EnqueueTimeout, 3*time.Second)
	or(&c.ConfirmTimeout, 10*time.Second)
	if c.SnapshotBytes <= 0 {
		c.SnapshotBytes = 64 << 20
	}
	if c.SnapshotEntries == 0 {
		c.SnapshotEntries = 200_000
	}
	if failpoint.Inject("replica/small-log") != nil { // so that runs of seconds see snapshots
		c.SnapshotEntries = 300
	}
	if c.TrailingEntries == 0 {
		c.TrailingEntries = 16
	}
	if c.TrailingBytes == 0 {
		c.TrailingBytes = 32 << 20
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Fatal == nil {
		logger := c.Logger
		c.Fatal = func(err error) {
			logger.Error("the node can't go on", "error", err)
			os.Exit(1)
		}
	}
	return c
}

// Node is this process' member of the raft group.
type Node struct {
	cfg   Config
	id    string
	lock  *Lock // nil when the caller holds it
	log   *logStore
	snaps *snapshots
	fsm   *fsm

	raft  atomic.Pointer[raft.Raft]
	why   atomic.Pointer[string] // why it is not ready; nil: it is
	ready chan struct{}          // closed when it was ready for the first time
	done  chan struct{}          // closed when Run ends

	clustered // what only a node of many has
}

var _ journal.Committer = (*Node)(nil)

// New opens the data folder, reads and checks all of the log, and compares it with the image. It
// starts nothing; Close gives all back. Besides what the system says, errors are a *CorruptError for
// a damaged file, a *StateError for files that don't belong together, and fault.Unavailable when
// another process has the folder.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg.withDefaults(), ready: make(chan struct{}), done: make(chan struct{})}
	n.notReady("the server is starting: its log is not read yet")
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open() (err error) {
	dir, image := n.cfg.Dir, n.cfg.Image
	if n.cfg.Lock == nil {
		if n.lock, err = LockDir(dir); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, logFile)); errors.Is(err, os.ErrNotExist) && image.Written() > 0 {
		return &StateError{Dir: dir, What: fmt.Sprintf("%s is missing, while the image holds entry %d", logFile, image.Written())}
	}
	sizes := map[uint64]uint64{}
	n.log, err = openLog(dir, logOptions{clock: n.cfg.Clock, fail: n.cfg.Fatal, onSync: n.cfg.OnFsync,
		visit: func(index uint64, bytes int) { sizes[index] += uint64(bytes) }})
	if err != nil {
		return err
	}
	if n.id, err = nodeID(dir, n.log); err != nil {
		return err
	}
	if n.snaps, err = openSnapshots(dir, n.log, image); err != nil {
		return err
	}
	n.fsm = &fsm{applier: n.cfg.Applier, image: image, reload: n.cfg.Reload, snaps: n.snaps, log: n.log, fail: n.cfg.Fatal}
	last := n.snaps.mark()
	if last != nil && last.Received {
		// The process ended between receiving a snapshot and putting it in the image's place.
		if err := n.fsm.replace(*last); err != nil {
			return err
		}
		last = n.snaps.mark()
	}
	if n.cfg.Cluster != nil {
		if err := n.openCluster(); err != nil {
			return err
		}
	}
	if err := agree(dir, n.log.tail.Load(), last, image.Written()); err != nil {
		return err
	}
	if t := n.log.tail.Load(); last != nil && t.last < last.Index {
		// A snapshot that was received is beyond the whole log; what follows must follow it.
		n.log.setDurable(last.Index)
		if err := n.log.DeleteRange(t.first, t.last); err != nil {
			return err
		}
	}
	n.fsm.applied.Store(image.Written())
	for index, bytes := range sizes {
		if last == nil || index > last.Index {
			n.log.since.Add(bytes)
		}
	}
	return nil
}

// agree compares what log, snapshot mark and image say of each other.
func agree(dir string, t *tail, m *mark, image uint64) error {
	state := func(format string, args ...any) error {
		return &StateError{Dir: dir, What: fmt.Sprintf(format, args...)}
	}
	known, covered := t.last, image
	if m != nil {
		known = max(known, m.Index, m.Image)
		if image < m.Image {
			return state("the image holds the entries up to %d, and held those up to %d before; an older copy of it was put back", image, m.Image)
		}
		covered = max(covered, m.Index) // what is between changes nothing
	}
	if image > known {
		return state("the image holds the entries up to %d, and %s ends with entry %d; an older copy of it was put back", image, logFile, known)
	}
	if t.first > covered+1 {
		return state("the image holds the entries up to %d, and %s begins with entry %d; those between are missing", covered, logFile, t.first)
	}
	if m == nil && t.first > 1 {
		return state("%s begins with entry %d, and there is no mark of a snapshot before it", logFile, t.first)
	}
	return nil
}

// ID returns the node's id, which was made at its first start and stays with its data folder.
func (n *Node) ID() string { return n.id }

// Close gives file and lock back. Run must have returned, or never been called.
func (n *Node) Close() error {
	var errs []error
	if n.log != nil {
		errs = append(errs, n.log.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Unlock())
		n.lock = nil
	}
	return errors.Join(errs...)
}

// Commit implements journal.Committer: it returns when the group is durable and applied on this node.
// Another node that leads is handed it. It fails with fault.Unavailable: after EnqueueTimeout when the
// group did not get on its way, as without a leader; after ConfirmTimeout when it is not known what
// became of it.
func (n *Node) Commit(ctx context.Context, group []journal.Command) ([]journal.Result, error) {
	r := n.raft.Load()
	if r == nil {
		return nil, fault.New(fault.Unavailable, "the server is starting and takes no writes yet; try again in a moment")
	}
	if n.cfg.Cluster != nil {
		return n.commit(ctx, r, group)
	}
	future := r.Apply(journal.EncodeEntry(journal.Origin{}, group), n.cfg.EnqueueTimeout)
	answered := make(chan error, 1)
	go func() { answered <- future.Error() }() // ends with raft's answer, or with raft
	limit := time.NewTimer(n.cfg.ConfirmTimeout)
	defer limit.Stop()
	select {
	case err := <-answered:
		if err != nil {
			return nil, n.explain(err)
		}
	case <-limit.C:
		return nil, unknown(fmt.Errorf("not confirmed within %s", n.cfg.ConfirmTimeout))
	case <-ctx.Done():
		return nil, unknown(ctx.Err())
	case <-n.done:
		return nil, unknown(raft.ErrRaftShutdown)
	}
	switch response := future.Response().(type) {
	case []journal.Result:
		return response, nil
	case error:
		return nil, unknown(response)
	default:
		return nil, fmt.Errorf("entry %d was not applied", future.Index())
	}
}

func unknown(err error) error {
	return fault.Wrap(fault.Unavailable, err,
		"the write was not confirmed in time; whether it took effect is not known, read before trying again")
}

// explain says in words what raft's error means for a group.
func (n *Node) explain(err error) error {
	switch {
	case errors.Is(err, errNoRoom):
		return fault.Wrap(fault.Unavailable, err,
			"the disk with the data folder is full; nothing was written, try again when there is room")
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return fault.Wrap(fault.Unavailable, err,
			"there is no leader to take writes at the moment; nothing was written, try again in a moment")
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return fault.Wrap(fault.Unavailable, err,
			"the disk or the group is too slow to take writes; nothing was written, try again in a moment")
	case errors.Is(err, raft.ErrRaftShutdown):
		return fault.Wrap(fault.Unavailable, err, "the server is stopping; try another node, or again when it is back")
	}
	return unknown(err)
}

// Ready returns nil when a leader is known and this node has applied all entries it found at start,
// else fault.Unavailable with the reason in words.
func (n *Node) Ready() error {
	if why := n.why.Load(); why != nil {
		return fault.New(fault.Unavailable, "%s", *why)
	}
	return nil
}

// WaitReady waits until the node was ready for the first time, or ctx ends, or Run.
func (n *Node) WaitReady(ctx context.Context) error {
	select {
	case <-n.ready:
		return nil
	case <-n.done:
		return fault.New(fault.Unavailable, "the server is stopping")
	case <-ctx.Done():
		if why := n.why.Load(); why != nil {
			return fault.Wrap(fault.Unavailable, ctx.Err(), "%s", *why)
		}
		return nil // it became ready in the same moment
	}
}

func (n *Node) notReady(why string) { n.why.Store(&why) }

// AppliedIndex returns the index up to which memory holds the journal.
func (n *Node) AppliedIndex() uint64 { return n.fsm.applied.Load() }

// Stats are a node's figures at one moment.
type Stats struct {
	// State is raft's: "leader", "follower", "candidate", or "starting".
	State string
	// Leader is the id of the node that leads, empty when none is known.
	Leader        string
	Term          uint64
	FirstIndex    uint64 // of the log; 0 when it is empty
	LastIndex     uint64
	CommitIndex   uint64
	AppliedIndex  uint64 // in memory
	SnapshotIndex uint64 // of the last snapshot, 0 when there is none
	SnapshotMs    int64  // when that was begun on this node, in ms since 1970; 0 for unknown
	LogBytes      uint64 // of all entries in the log
	Writes        uint64 // durable writes of the log since the start
	Fsyncs        uint64 // that they took
	// WriteTime is how long all of them took together.
	WriteTime time.Duration
}

// Stats returns the node's figures. It does not block.
func (n *Node) Stats() Stats {
	t := n.log.tail.Load()
	s := Stats{
		State: "starting", FirstIndex: t.first, LastIndex: t.last, LogBytes: t.bytes, AppliedIndex: n.AppliedIndex(),
		Writes: n.log.writes.Load(), Fsyncs: n.log.syncs.Load(), WriteTime: time.Duration(n.log.syncNanos.Load()),
	}
	if m := n.snaps.mark(); m != nil {
		s.SnapshotIndex, s.SnapshotMs = m.Index, m.AtMs
	}
	if r := n.raft.Load(); r != nil {
		_, leader := r.LeaderWithID()
		s.State, s.Leader, s.Term, s.CommitIndex = stateNames[r.State()], string(leader), r.CurrentTerm(), r.CommitIndex()
	}
	return s
}

var stateNames = map[raft.RaftState]string{
	raft.Leader: "leader", raft.Follower: "follower", raft.Candidate: "candidate", raft.Shutdown: "stopped",
}
